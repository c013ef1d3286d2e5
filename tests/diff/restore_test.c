/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * restore_test: a run that is taken down and up again at random commits, its state read back
 * from a real database (some from saved parts, the rest from the ledger), must give the rows
 * of one that never stopped.
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

static void play(const struct scene *s, struct till *t, uint64_t n, const char *path,
                 const struct scene_cuts *cuts)
{
    ok_err(till_open(t, &s->settings, scene_words(), path));
    const char *difference = scene_play(s, t, cuts);
    if (difference)
        fail("SEED=%" PRIu64 ": %s\n%s", n, difference, s->text);
}

T(a_run_that_stops_and_goes_on_gives_the_rows_of_one_that_never_stopped)
{
    uint64_t first = seed();
    const char *path = tmp_path("restart.db");

    for (uint64_t n = first; n < first + cases(30); n++) {
        static struct scene s;
        struct till a, b;
        struct choice c = {.seed = n}, cuts = {.seed = n ^ 55};
        ok(scene_make(&s, &c, 120));
        remove_database(path);
        play(&s, &a, n, path,
             &(struct scene_cuts){.choice = &cuts, .check = true, .restarts = true});
        play(&s, &b, n, NULL, &(struct scene_cuts){.choice = NULL});
        const char *difference = till_compare(&a, &b, true);
        if (difference)
            fail("SEED=%" PRIu64 ": %s\n%s", n, difference, s.text);
        for (int i = 0; i < 4; i++)
            eq_int(a.fates[i], b.fates[i]);
        till_close(&a);
        till_close(&b);
        scene_clear(&s);
    }
}
