/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * bought: whether a customer ever bought a stock code, in bounded memory: a "no" is certain for
 * about the last 150,000 to 300,000 such pairs, a "yes" is wrong once in about thirty times.
 */
#ifndef TILLSTREAM_MODELS_BOUGHT_H
#define TILLSTREAM_MODELS_BOUGHT_H

#include "models/pack.h"

#define BOUGHT_PAGES 32 /* of a generation, each a part of the state */
#define BOUGHT_PAGE_WORDS 512

struct bought_generation {
    uint64_t word[BOUGHT_PAGES][BOUGHT_PAGE_WORDS];
    uint32_t pairs;
};

struct bought {
    struct bought_generation *generation; /* two: the one that is filled, the one before */
    uint32_t newest;                      /* 0 or 1 */
    uint64_t changed[2];                  /* pages, a bit each */
    bool turned;                          /* `newest` or `pairs` changed */
};

enum err bought_init(struct bought *b) MUST_CHECK;
void bought_clear(struct bought *b);
void bought_learn(struct bought *b, uint32_t customer, uint32_t stock);
bool bought_ever(const struct bought *b, uint32_t customer, uint32_t stock);
size_t bought_memory(void);

enum err bought_save(struct bought *b, struct parcel *out) MUST_CHECK;
/* As keyed_load. */
bool bought_load(struct bought *b, struct str name, struct str data, enum err *e);

#endif
