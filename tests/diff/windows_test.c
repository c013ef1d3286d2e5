/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * windows_test: random shops, random windows: every row the windows give against an oracle
 * that keeps each sale and counts anew. T_CASES multiplies the number of shops (in hundreds).
 */
#include "tests/support/scene.h"
#include "tests/support/t.h"

#include <inttypes.h>
#include <stdlib.h>

static uint64_t cases(uint64_t usual)
{
    const char *text = getenv("T_CASES");
    uint64_t percent = text ? strtoull(text, NULL, 10) : 100;

    return usual * percent / 100 + 1;
}

/* Plays a scene cut up by the seed; the table is left in *t. */
static void play(const struct scene *s, struct till *t, uint64_t n, const struct scene_cuts *cuts)
{
    ok_err(till_open(t, &s->settings, scene_words(), NULL));
    const char *difference = scene_play(s, t, cuts);
    if (difference)
        fail("SEED=%" PRIu64 ": %s\n%s", n, difference, s->text);
}

static void make(struct scene *s, uint64_t n, int sales)
{
    struct choice c = {.seed = n};

    if (!scene_make(s, &c, sales))
        fail("SEED=%" PRIu64 ": settings that make no sense", n);
}

static void check_scenes(uint64_t count, int sales)
{
    uint64_t first = seed();

    for (uint64_t n = first; n < first + count; n++) {
        static struct scene s;
        struct till t;
        struct choice cuts = {.seed = n ^ 77};
        make(&s, n, sales);
        play(&s, &t, n, &(struct scene_cuts){.choice = &cuts, .check = true});
        till_close(&t);
        scene_clear(&s);
    }
}

T(small_shops_show_what_the_oracle_counts)
{
    check_scenes(cases(3000), 12);
}

T(larger_shops_show_what_the_oracle_counts)
{
    check_scenes(cases(800), 100);
}

T(neither_batches_nor_commits_change_the_final_rows)
{
    uint64_t first = seed();

    for (uint64_t n = first; n < first + cases(500); n++) {
        static struct scene s;
        struct till a, b;
        struct choice cuts = {.seed = n ^ 99};
        make(&s, n, 60);
        play(&s, &a, n, &(struct scene_cuts){.choice = &cuts});
        play(&s, &b, n, &(struct scene_cuts){.choice = NULL});
        const char *difference = till_compare(&a, &b, true);
        if (difference)
            fail("SEED=%" PRIu64 ": %s\n%s", n, difference, s.text);
        till_close(&a);
        till_close(&b);
        scene_clear(&s);
    }
}
