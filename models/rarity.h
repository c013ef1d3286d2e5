/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * rarity: watches a series of numbers and says how unlike its own past each one is, by the past
 * alone: nothing need be known of the series beforehand, no range, no length, no period.
 *
 * A number that is not finite is refused and changes nothing.
 */
#ifndef TILLSTREAM_MODELS_RARITY_H
#define TILLSTREAM_MODELS_RARITY_H

#include "engine/buf.h"

#define RARITY_KEEP_MAX 65536
#define RARITY_GATE_MAX 4096

struct rarity_rule {
    uint32_t keep;           /* values remembered in each view, 128 .. RARITY_KEEP_MAX */
    uint32_t keep_distances; /* distances remembered in each view, likewise */
    uint32_t quiet;          /* values before the first score */
    uint32_t gate;           /* of so many in a row, only the largest gets a score; 2 .. */
};

enum rarity_view { /* what is compared with its past, and RANGE */
                   RARITY_VALUE,
                   RARITY_MEAN_4,
                   RARITY_MEAN_12,
                   RARITY_MEAN_96,
                   RARITY_VIEWS,
                   RARITY_RANGE = RARITY_VIEWS, /* beyond all values so far */
                   RARITY_REASONS
};

/* Scores of at least this are worth an alarm: on the benchmark for which the constants were
 * chosen, the best threshold for all series is near it. */
#define RARITY_ALARM 4.0

struct rarity_verdict {
    double score;                /* 0: nothing to be said */
    double raw;                  /* before the gate */
    double part[RARITY_REASONS]; /* they sum to raw */
    enum rarity_view reason;     /* the largest part */
    double seen;                 /* what that part is about: the value, or the mean */
    double usual;                /* the median of its past */
    double low, high;            /* range of values before this one */
};

struct rarity;

/* ERR_INVALID: a rule out of its bounds. */
enum err rarity_open(const struct rarity_rule *rule, struct rarity **out) MUST_CHECK;
void rarity_close(struct rarity *r);
/* ERR_INVALID: not a finite number; ERR_NOMEM. Either leaves all as it was. */
enum err rarity_add(struct rarity *r, double value, struct rarity_verdict *out) MUST_CHECK;
uint64_t rarity_count(const struct rarity *r);
size_t rarity_memory(const struct rarity *r);
/* "value", "mean of 4", ...: for words and JSON. */
const char *rarity_reason_text(enum rarity_view reason);

enum err rarity_save(const struct rarity *r, struct buf *out) MUST_CHECK;
/* Into one opened with the rule that saved it. After an error close it. */
enum err rarity_load(struct rarity *r, struct reader *in) MUST_CHECK;

#endif
