/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * rls: recursive least squares with forgetting: linear regression that learns one row at a
 * time and leaves the past behind at a steady rate.
 *
 * Numbers that are not finite are refused and change nothing. The state stays finite and
 * positive definite whatever finite rows come.
 */
#ifndef TILLSTREAM_MODELS_RLS_H
#define TILLSTREAM_MODELS_RLS_H

#include "engine/buf.h"

#define RLS_MAX 32 /* inputs */
#define RLS_PAIRS (RLS_MAX * (RLS_MAX + 1) / 2)

struct rls_rule {
    int inputs;        /* 1 .. RLS_MAX */
    double forgetting; /* 0 < it <= 1; weight of a row is this to the power of its age */
    double delta;      /* > 0: variance of the weights before the first row, per noise variance */
    double clip;       /* errors beyond this many mean absolute errors pull no harder; 0: never */
};

struct rls {
    struct rls_rule rule;
    uint64_t n;          /* rows learned */
    double scale;        /* mean absolute error, recent rows more */
    double w[RLS_MAX];   /* the weights */
    double p[RLS_PAIRS]; /* lower triangle of the inverse of the weighted normal matrix */
};

void rls_init(struct rls *r, const struct rls_rule *rule);
/* The value at `x`; 0 when x is not finite. */
double rls_predict(const struct rls *r, const double *x);
/* False: the row was refused, as nothing finite would come of it. */
bool rls_learn(struct rls *r, const double *x, double y);
/* The rule is not part of what is saved: load into one that was made by the same rule. */
enum err rls_save(const struct rls *r, struct buf *out) MUST_CHECK;
enum err rls_load(struct rls *r, struct reader *in) MUST_CHECK;

#endif
