/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * umpire: the fate of each sale found the slow way, from the words of engine/judge.h. It
 * remembers everything it is told and shares no code with the judge.
 */
#ifndef TILLSTREAM_TESTS_SIM_UMPIRE_H
#define TILLSTREAM_TESTS_SIM_UMPIRE_H

#include "engine/judge.h"

enum { UMPIRE_SHARDS_MAX = 24, UMPIRE_SALES_MAX = 600 };

/* `sale` outlives the umpire. */
typedef void (*umpire_fn)(void *arg, int shard, enum fate fate, const struct sale *sale,
                          int64_t watermark_ms);

struct umpire_shard {
    int64_t level_ms;
    bool idle, ended;
    struct judge_counts counts;
};

struct umpire {
    const struct settings *settings;
    umpire_fn each;
    void *arg;
    struct umpire_shard shard[UMPIRE_SHARDS_MAX];
    int n_shards;
    int64_t watermark_ms, highest_ms, ended_ms;
    struct umpire_penned {
        int shard;
        const struct sale *sale;
    } pen[UMPIRE_SALES_MAX];
    int n_pen;
    struct umpire_id {
        struct str id;
        int64_t expires_ms;
    } id[UMPIRE_SALES_MAX];
    int n_ids;
};

void umpire_init(struct umpire *u, const struct settings *s, umpire_fn each, void *arg);
int umpire_shard(struct umpire *u); /* a new one */
void umpire_active(struct umpire *u, int shard);
void umpire_sale(struct umpire *u, int shard, const struct sale *sale);
void umpire_reject(struct umpire *u, int shard);
void umpire_end(struct umpire *u, int shard);
void umpire_idle(struct umpire *u, int shard);

#endif
