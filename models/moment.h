/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * moment: count, mean and sum of squared deviations of a run of numbers (Welford), with a cap
 * on the count so that old ones fade.
 */
#ifndef TILLSTREAM_MODELS_MOMENT_H
#define TILLSTREAM_MODELS_MOMENT_H

#include "models/pack.h"

struct moment {
    float n, mean, m2;
};

/* cap <= 0: all are remembered alike, as far as a float counts (2^24). */
void moment_add(struct moment *m, double x, double cap);
/* Mean with `prior` counted `weight` times. */
double moment_mean(const struct moment *m, double prior, double weight);
/* Variance with `prior` counted `weight` times. */
double moment_variance(const struct moment *m, double prior, double weight);

/* Fields of a moment that is a member of a struct. */
#define MOMENT_FIELDS(type, member)                                                                \
    PACK(type, member.n, PACK_F32, 0, 1e9), PACK(type, member.mean, PACK_F32, -1e9, 1e9),          \
        PACK(type, member.m2, PACK_F32, 0, 1e18)

#endif
