/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "connectors/watch.h"

#include "tests/support/t.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

/* Does the wait end before its time is up? */
static bool wakes(struct watch *w)
{
    struct timespec before, after;

    ok(clock_gettime(CLOCK_MONOTONIC, &before) == 0);
    eq_int(watch_wait(w, 5000), 0);
    ok(clock_gettime(CLOCK_MONOTONIC, &after) == 0);
    return after.tv_sec - before.tv_sec < 4;
}

T(nothing_happens_and_the_whole_wait_is_used_up)
{
    struct watch w;

    watch_init(&w);
    watch_arm(&w, tmp_write("log", "a", 1), true);
    ok(w.complete);
    eq_int(watch_wait(&w, 3), 0);
    watch_clear(&w);
    ok(w.fd < 0);
    watch_clear(&w);
}

T(each_change_of_the_file_ends_the_wait)
{
    const char *path = tmp_write("log", "a", 1);
    struct watch w;

    watch_init(&w);
    watch_arm(&w, path, true);
    (void)tmp_write("log", "bc", 2);
    ok(wakes(&w));
    ok(rename(path, tmp_path("log.1")) == 0);
    ok(wakes(&w));
    (void)tmp_write("log", "", 0);
    ok(wakes(&w));
    watch_arm(&w, path, true);
    (void)tmp_write("log", "d", 1);
    ok(wakes(&w));
    (void)tmp_write("log.1", "e", 1); /* the old one is watched too */
    ok(wakes(&w));
    watch_clear(&w);
}

T(a_file_that_appears_ends_the_wait)
{
    const char *path = tmp_path("later");
    struct watch w;

    watch_init(&w);
    watch_arm(&w, path, false);
    ok(w.complete);
    (void)tmp_write("later", "", 0);
    ok(wakes(&w));
    watch_clear(&w);
}

T(what_cannot_be_watched_is_waited_for_in_short_turns)
{
    static const char *const paths[] = {"no/such/folder/file", "/no-such-file", "no-such-file"};
    struct watch w;

    for (size_t i = 0; i < countof(paths); i++) {
        int left = 20, turns = 0;
        watch_init(&w);
        watch_arm(&w, paths[i], true);
        ok(!w.complete);
        for (; left > 0; turns++)
            left = watch_wait(&w, left);
        ok(turns > 4 || i > 0); /* the folders of the others may be busy */
        watch_clear(&w);
    }
}
