/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * tails: how rare a large value of a statistic is, learned from those seen so far.
 */
#ifndef TILLSTREAM_MODELS_TAILS_H
#define TILLSTREAM_MODELS_TAILS_H

#include "models/pack.h"

#define TAIL_BINS 256

struct tail {
    float count[TAIL_BINS];
    double n, positive, largest;
    double fit_at;        /* the fit is made anew once n reaches this */
    double from_p, slope; /* beyond bin `from`: p = from_p (x / x_from)^(-1 / slope) */
    int64_t from;         /* -1: no fit yet */
    int64_t top;          /* no bin above it holds anything */
};

/* The same statistic by class of invoice, each shrunk to all of them. */
#define TAIL_CLASSES 4
struct tails {
    struct tail class[TAIL_CLASSES], all;
};

void tails_one_init(struct tail *t);
/* How a tail is made; the same for ever. */
struct tail_rule {
    double bins; /* per e-fold of 1 + x */
    double trim; /* the share at the top that may be anomalies */
    double low;  /* the share at the top that the slope comes from */
};
/* x <= 0 counts as "nothing". */
void tails_one_add(struct tail *t, double x, const struct tail_rule *r);
/* P(X >= x), at least 1e-12; 1 for x <= 0 or with fewer than 20 values. */
double tails_one_p(struct tail *t, double x, const struct tail_rule *r);
/* The value that a share p of all exceeds (p below one half). */
double tails_one_quantile(const struct tail *t, double p, const struct tail_rule *r);

void tails_init(struct tails *t);
void tails_add(struct tails *t, int class, double x, const struct tail_rule *r);
/* -log10 of the probability, of the class and of all weighed by how much is known. */
double tails_surprise(struct tails *t, int class, double x, const struct tail_rule *r);

extern const struct pack_table tails_one_table;

#endif
