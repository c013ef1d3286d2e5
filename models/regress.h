/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * regress: an online regression with all that belongs to one: a band that holds, two forecasts
 * to be compared with, its error so far, and word when it has drifted.
 *
 * It predicts a value that is never below zero from features that the caller makes; values that
 * are not finite are refused.
 */
#ifndef TILLSTREAM_MODELS_REGRESS_H
#define TILLSTREAM_MODELS_REGRESS_H

#include "models/drift.h"
#include "models/holt.h"
#include "models/interval.h"
#include "models/rls.h"

struct regress_rule {
    int inputs;
    double forgetting, clip; /* as in struct rls_rule */
    double delta;            /* variance of the weights at the start */
    struct holt_rule holt;
    double holt_part; /* of Holt-Winters' forecast in ours, where values are never zero */
    double shift;     /* of the median of late errors that is put right, 0 .. 1 */
    double adapt;     /* of the band: see interval_init */
    bool seasonal;    /* there is a season; else Holt-Winters takes no part */
};

struct regress_place { /* what kind of value it is */
    int slot;          /* < INTERVAL_SLOTS */
    int season;        /* < HOLT_SEASON */
    double naive;      /* the simplest forecast there is */
};

struct regress_guess {
    double centre;             /* on the square-root scale */
    struct interval_band band; /* likewise */
    double predicted, lower, upper;
    double naive, holt; /* the forecasts to compare with */
    struct regress_place at;
};

struct regress_score {
    uint64_t n, covered;
    double error, naive_error, holt_error; /* sums of absolute errors */
    double winkler;                        /* sum of interval scores */
};

struct regress {
    uint8_t begun; /* the weights are there */
    struct rls rls;
    struct holt holt;
    struct interval interval;
    struct drift drift;
    struct regress_score score;
};

void regress_init(struct regress *r, const struct regress_rule *rule);
void regress_guess(const struct regress *r, const struct regress_rule *rule, const double *x,
                   const struct regress_place *at, struct regress_guess *out);
/* What came true where the guess was made from `x`. `counted`: it goes into the score. True: the
 * errors have drifted. */
bool regress_learn(struct regress *r, const struct regress_rule *rule, const double *x,
                   const struct regress_guess *guess, double value, bool counted);

enum err regress_save(const struct regress *r, struct buf *out) MUST_CHECK;
enum err regress_load(struct regress *r, struct reader *in) MUST_CHECK;

#endif
