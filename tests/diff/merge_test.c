/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * merge_test: late sales that are counted after all, at random moments, between restarts: the
 * rows, their versions too, against an oracle that keeps each sale.
 */
#include "tests/support/scene.h"
#include "tests/support/t.h"

#include "engine/store/store.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static uint64_t cases(uint64_t usual)
{
    const char *text = getenv("T_CASES");
    uint64_t percent = text ? strtoull(text, NULL, 10) : 100;

    return usual * percent / 100 + 1;
}

static void remove_database(const char *path)
{
    static const char *const endings[] = {"", "-wal", "-shm", "-lock"};
    char name[4200];

    for (size_t i = 0; i < countof(endings); i++) {
        (void)snprintf(name, sizeof(name), "%s%s", path, endings[i]);
        (void)unlink(name);
    }
}

/* The instances of a cumulative window share their start, by which the store tells rows of
 * closed windows apart: their versions can't be told here. */
static bool is_telling(const struct scene *s)
{
    for (int i = 0; i < s->settings.n_windows; i++) {
        const struct window_setting *w = &s->settings.window[i];
        if (w->type == WINDOW_CUMULATIVE && w->keep != KEEP_NEWEST)
            return false;
    }
    return true;
}

static uint64_t merged_in(const struct till *t)
{
    uint64_t n = 0;

    for (size_t i = 0; i < t->late.n; i++)
        n += ((const struct till_late *)list_at(&t->late, i))->merged;
    return n;
}

/* Plays scenes from the seed on; how many late sales were merged. */
static uint64_t play_scenes(uint64_t count, int sales, bool restarts)
{
    const char *path = tmp_path("merge.db");
    uint64_t first = seed();
    uint64_t merged = 0;

    for (uint64_t n = first; n < first + count; n++) {
        static struct scene s;
        struct till t;
        struct choice c = {.seed = n}, cuts = {.seed = n ^ 33};
        ok(scene_make(&s, &c, sales));
        if (is_telling(&s)) {
            remove_database(path);
            ok_err(till_open(&t, &s.settings, scene_words(), path));
            t.keeps_late = true;
            const char *difference = scene_play(
                &s, &t,
                &(struct scene_cuts){
                    .choice = &cuts, .check = true, .merges = true, .restarts = restarts});
            if (difference)
                fail("SEED=%" PRIu64 ": %s\n%s", n, difference, s.text);
            merged += merged_in(&t);
            till_close(&t);
        }
        scene_clear(&s);
    }
    return merged;
}

T(merged_sales_are_in_all_their_windows)
{
    ok(play_scenes(cases(60), 60, false) > 0);
}

T(merged_sales_stay_merged_when_a_run_stops_and_goes_on)
{
    ok(play_scenes(cases(30), 120, true) > 0);
}
