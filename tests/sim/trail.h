/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * trail: what one simulated world leaves behind: a hash of every step and what went wrong
 * first. The same seed must give the same trail.
 */
#ifndef TILLSTREAM_TESTS_SIM_TRAIL_H
#define TILLSTREAM_TESTS_SIM_TRAIL_H

#include "engine/err.h"
#include "tests/support/scene.h"

struct trail {
    uint64_t seed, hash;
    uint64_t steps, crashes, commits;
    bool failed, tell; /* tell: every step on stdout */
    char text[4096];
};

/* A source of chance of its own for each concern, so that one more draw here moves nothing
 * there. */
struct choice trail_choice(const struct trail *t, const char *concern);
bool trail_one_in(struct choice *c, uint64_t n); /* n == 0: never */

void trail_note(struct trail *t, const char *format, ...) PRINTF_LIKE(2, 3);
/* The first failure is kept. */
void trail_fail(struct trail *t, const char *format, ...) PRINTF_LIKE(2, 3);
/* Fails unless it holds. */
#define trail_check(t, holds, ...)                                                                 \
    do {                                                                                           \
        if (!(holds))                                                                              \
            trail_fail((t), __VA_ARGS__);                                                          \
    } while (0)

/* The two kinds of world; `directory` is theirs alone, empty at the start. */
void shop_world(struct trail *t, const char *directory);
void shards_world(struct trail *t, const char *directory);

#endif
