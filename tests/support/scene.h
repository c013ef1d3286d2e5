/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * scene: random settings and streams of sales for a till, from a seed or from a fuzzer's
 * bytes. The same choices give the same sales however they are cut into batches.
 */
#ifndef TILLSTREAM_TESTS_SUPPORT_SCENE_H
#define TILLSTREAM_TESTS_SUPPORT_SCENE_H

#include "tests/support/till.h"

/* Where choices come from: bytes (0 when they are used up), or with p NULL a seed. */
struct choice {
    const uint8_t *p;
    size_t n;
    uint64_t seed;
};

uint64_t choice_below(struct choice *c, uint64_t n); /* n > 0 */

enum { SCENE_SALES_MAX = 400, SCENE_SHARDS_MAX = 3 };

enum step_kind { STEP_SALE, STEP_END, STEP_IDLE };

struct step {
    enum step_kind kind;
    int number;        /* of the step, also when others are left out */
    int source, shard; /* shard within the source */
    int64_t time_ms, quantity, price;
    int invoice, field[FIELD_COUNT], record_id; /* record_id 0: none */
};

struct scene {
    struct settings settings;
    char text[4096]; /* the settings as JSON */
    struct step step[SCENE_SALES_MAX + 16];
    int n_steps, n_shards, n_sources;
};

/* Makes settings and sales; false when the settings made no sense. scene_clear in any case. */
bool scene_make(struct scene *s, struct choice *c, int sales_max);
void scene_clear(struct scene *s);
const struct till_words *scene_words(void);

/* How the scene is cut up. */
struct scene_cuts {
    struct choice *choice; /* NULL: one batch a source, one commit */
    bool check;            /* against the oracle at every commit, else at the end alone */
    bool restarts;
    bool merges; /* late sales are merged now and then */
};

/* Plays the whole scene; NULL or what went wrong. */
const char *scene_play(const struct scene *s, struct till *t, const struct scene_cuts *cuts);
/* The n-th step as a sale. */
struct sale scene_sale(const struct scene *s, int n);

#endif
