/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * merit: how good a ranking is. A ranking is a list of hits (1) and misses (0), best first.
 */
#ifndef TILLSTREAM_COMMANDS_MERIT_H
#define TILLSTREAM_COMMANDS_MERIT_H

#include "engine/err.h"

#include <stddef.h>
#include <stdint.h>

/* The mean, over the hits, of the share of hits down to there; 0 without hits. */
double merit_average_precision(const uint8_t *hit, size_t n);
size_t merit_hits(const uint8_t *hit, size_t n);

struct merit_interval {
    double low, high;
};
/* 95 % of the average precisions of rankings drawn from this one with replacement, always the
 * same draws. n > 0. */
enum err merit_bootstrap(const uint8_t *hit, size_t n, struct merit_interval *out) MUST_CHECK;

#endif
