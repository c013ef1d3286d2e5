/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * rarity_set: the last so many numbers, in order of size.
 */
#ifndef TILLSTREAM_MODELS_RARITY_SET_H
#define TILLSTREAM_MODELS_RARITY_SET_H

#include "engine/buf.h"

struct rarity_set {
    uint32_t keep;   /* at most so many */
    uint32_t n, cap; /* in the set; room for */
    uint32_t at;     /* once full: the oldest in `ring` */
    float *ring;     /* in order of arrival */
    float *sorted;   /* in order of size */
};

void rarity_set_init(struct rarity_set *s, uint32_t keep);
void rarity_set_clear(struct rarity_set *s);
/* Makes room for one more. */
enum err rarity_set_reserve(struct rarity_set *s) MUST_CHECK;
/* How many are smaller than x. */
uint32_t rarity_set_below(const struct rarity_set *s, float x);
/* The mean distance from x to the `count` nearest, 0 if the set is empty. */
double rarity_set_distance(const struct rarity_set *s, float x, uint32_t count);
/* Adds x after rarity_set_reserve; a full set forgets its oldest. */
void rarity_set_add(struct rarity_set *s, float x);

enum err rarity_set_save(const struct rarity_set *s, struct buf *out) MUST_CHECK;
/* ERR_DAMAGED, ERR_NOMEM: the set is as it was. */
enum err rarity_set_load(struct rarity_set *s, struct reader *in) MUST_CHECK;

#endif
