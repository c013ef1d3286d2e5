/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * interval: a band around a prediction that has held nine times out of ten, whatever the errors
 * are like: quantiles of the latest errors, corrected by how often the bands were missed.
 */
#ifndef TILLSTREAM_MODELS_INTERVAL_H
#define TILLSTREAM_MODELS_INTERVAL_H

#include "models/pack.h"

#define INTERVAL_WINDOW 300
#define INTERVAL_SLOTS 25 /* kinds of prediction with errors of their own size: hours, say */

struct interval {
    double adapt;                   /* how fast bands follow their misses, 0.001 .. 0.05 */
    uint32_t n, at;                 /* errors kept, where the next one goes */
    double error[INTERVAL_WINDOW];  /* signed, over their slot's scale; a ring */
    double sorted[INTERVAL_WINDOW]; /* the same n, in order */
    double miss[2];                 /* share of misses aimed at below and above */
    double sum, weight;             /* of absolute errors, all slots */
    double slot_sum[INTERVAL_SLOTS], slot_weight[INTERVAL_SLOTS];
    double zeros[INTERVAL_SLOTS]; /* share of values at or below zero */
    uint64_t seen[INTERVAL_SLOTS];
};

struct interval_band {
    double low, middle, high;
};

void interval_init(struct interval *v, double adapt);
/* The band around `centre`, which like all values here is on the scale that errors are even on,
 * and of values that are never below zero. */
struct interval_band interval_at(const struct interval *v, int slot, double centre);
/* The value that came true where `centre` was predicted and `band` given. */
void interval_learn(struct interval *v, int slot, double centre, struct interval_band band,
                    double value);
/* Share of zeros among the values of a slot. */
double interval_zeros(const struct interval *v, int slot);
/* The usual absolute error in a slot; 0 if there was none. */
double interval_scale(const struct interval *v, int slot);

/* `adapt` is not part of what is saved: load into one that was made with the same. */
enum err interval_save(const struct interval *v, struct buf *out) MUST_CHECK;
enum err interval_load(struct interval *v, struct reader *in) MUST_CHECK;

#endif
