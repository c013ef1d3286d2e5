/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * world_test: what people and other programs do to a run: directories that can't be written,
 * somebody else's lock, a clock that jumps, a database deleted while it is being written.
 */
#include "tests/fault/deeds.h"

#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { NOBODY = 65534 };

/* ---- permissions ---- */

/* The command, given by somebody who is not root: root may do everything. */
static int as_nobody(const char *const *argv)
{
    int status = 0;
    pid_t child;

    (void)fflush(stdout);
    child = fork();
    if (child == 0) {
        if (geteuid() == 0 && (setgid(NOBODY) || setuid(NOBODY)))
            _exit(99);
        _exit(rig_command(rig_env(), argv));
    }
    ok(waitpid(child, &status, 0) == child && WIFEXITED(status));
    rig_read_back();
    return WEXITSTATUS(status);
}

/* The directories above are the tests' own, and closed to others. */
static void open_up(void)
{
    char above[600];

    (void)snprintf(above, sizeof(above), "%s/..", tmp_dir());
    ok(chmod(above, 0711) == 0 && chmod(tmp_dir(), 0777) == 0);
    (void)umask(0);
}

static int run_as_nobody(const char *db)
{
    return as_nobody((const char *[]){"run", rig_path(RIG_JSON), "-q", "-c", rig_path(RIG_SETTINGS),
                                      "--db", db, NULL});
}

static void expect_refusal(int status, const char *path, const char *word)
{
    eq_int(status, 1);
    if (!strstr(rig_complaint(), path) || !strstr(rig_complaint(), word))
        fail("neither %s nor \"%s\" in: %s", path, word, rig_complaint());
}

T(a_directory_that_cannot_be_written_is_an_error_that_names_it)
{
    const struct rig_deed *d = deeds_run(RIG_JSON, "0");
    const char *shut = rig_path("shut"), *db = rig_path("shut/shop.db");

    open_up();
    ok(mkdir(shut, 0755) == 0 && chmod(shut, 0555) == 0);
    expect_refusal(run_as_nobody(db), db, "Permission denied");
    ok(access(db, F_OK) != 0);
    ok(chmod(shut, 0777) == 0);
    eq_int(run_as_nobody(db), 0);
    char *got = rig_results(db, true);
    ok(!rig_difference(got, d->results));
    free(got);
}

T(a_database_in_a_directory_that_cannot_be_written_can_still_be_asked)
{
    const struct rig_deed *d = deeds_run(RIG_JSON, "0");
    const char *shut = rig_path("shut"), *db = rig_path("shut/shop.db");

    open_up();
    ok(mkdir(shut, 0755) == 0);
    rig_restore(db, d->db);
    ok(chmod(shut, 0555) == 0);
    eq_int(as_nobody((const char *[]){"query", "progress", "--db", db, NULL}), 0);
    ok(strstr(rig_output(), "sales") != NULL);
    expect_refusal(run_as_nobody(db), db, "Permission denied");
    ok(access(rig_path("shut/shop.db-wal"), F_OK) != 0);
    ok(chmod(shut, 0755) == 0);
}

T(a_lock_file_or_database_that_cannot_be_written_is_an_error_that_names_it)
{
    const struct rig_deed *d = deeds_run(RIG_JSON, "0");
    const char *lock = tmp_write("open.db-lock", "", 0), *db = rig_path("open.db");

    open_up();
    ok(chmod(lock, 0444) == 0);
    expect_refusal(run_as_nobody(db), "open.db-lock", "Permission denied");
    ok(access(db, F_OK) != 0);
    ok(unlink(lock) == 0);
    rig_restore(db, d->db);
    ok(chmod(db, 0444) == 0);
    expect_refusal(run_as_nobody(db), db, "writ");
    ok(chmod(db, 0666) == 0); /* as it was told to */
    if (run_as_nobody(db))
        fail("%s", rig_complaint());
}

/* ---- locks ---- */

/* Another process begins to write and keeps on for that long; returns when it has begun. */
static pid_t hold(const char *db, const char *sql, int seconds)
{
    int ready[2];
    char byte = 0;
    pid_t child;

    ok(pipe(ready) == 0);
    (void)fflush(stdout);
    child = fork();
    if (child == 0) {
        sqlite3 *other = NULL;
        int rc = sqlite3_open(db, &other);

        rc = rc ? rc : sqlite3_exec(other, sql, NULL, NULL, NULL);
        if (!rc && write(ready[1], "!", 1) == 1)
            (void)sleep((unsigned)seconds);
        _exit(rc ? 1 : 0); /* what it did is rolled back */
    }
    (void)close(ready[1]);
    ok(read(ready[0], &byte, 1) == 1);
    (void)close(ready[0]);
    return child;
}

static double now(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static const char write_lock[] = "BEGIN IMMEDIATE; CREATE TABLE mine(x)";

T(a_database_locked_for_three_seconds_is_waited_for)
{
    const struct rig_deed *d = deeds_resume(RIG_JSON);
    double started;

    rig_restore(d->db, d->before);
    pid_t other = hold(d->db, write_lock, 3);
    started = now();
    if (rig_command(rig_env(), d->argv))
        fail("%s", rig_complaint());
    ok(now() - started > 2);
    ok(waitpid(other, NULL, 0) == other);
    char *got = rig_results(d->db, true);
    ok(!rig_difference(got, d->results));
    free(got);
}

static const struct rig_deed *locked_for_long(const struct rig_deed *d, const char *sql)
{
    rig_restore(d->db, d->before);
    pid_t other = hold(d->db, sql, 1000);
    fault_arm(FAULT_MEMORY, 0, false); /* sleeps are skipped */
    int status = rig_command(rig_env(), d->argv);
    expect_refusal(status, d->db, "locked for 10 s");
    ok(kill(other, SIGKILL) == 0 && waitpid(other, NULL, 0) == other);
    rig_sound(d->db);
    eq_int(rig_command(rig_env(), d->argv), 0);
    char *got = rig_results(d->db, true);
    ok(!rig_difference(got, d->results));
    free(got);
    return d;
}

T(a_database_locked_for_long_is_an_error_and_the_next_run_goes_on)
{
    const struct rig_deed *d = deeds_resume(RIG_JSON);

    (void)locked_for_long(d, write_lock);
    (void)locked_for_long(d, "PRAGMA locking_mode = EXCLUSIVE; BEGIN IMMEDIATE; CREATE TABLE m(x)");
}

/* ---- clocks ---- */

static uint64_t clock_seed;

static int64_t jumping_wall_ms(struct env *env)
{
    const int64_t years = INT64_C(20) * 365 * 86400000;

    (void)env;
    return INT64_C(1300000000000) + (int64_t)rnd_below(&clock_seed, (uint64_t)years) - years / 2;
}

static int64_t uneven_mono_ns(struct env *env)
{
    static int64_t at;

    (void)env;
    at += (int64_t)rnd_below(&clock_seed, rnd_below(&clock_seed, 4) ? 1000 : 3000000000);
    return at;
}

T(a_clock_that_jumps_changes_nothing_but_the_columns_of_the_clock)
{
    static const char *const sources[] = {RIG_JSON, RIG_CSV};

    for (size_t i = 0; i < countof(sources); i++) {
        const struct rig_deed *d = deeds_run(sources[i], "0");
        char *wanted = rig_results(d->db, false);

        for (uint64_t n = 0; n < 12; n++) {
            struct env env = *rig_env();

            clock_seed = seed() + n;
            env.wall_ms = jumping_wall_ms;
            env.mono_ns = uneven_mono_ns;
            rig_restore(d->db, NULL);
            eq_int(rig_command(&env, d->argv), 0);
            char *got = rig_results(d->db, false), *with = rig_results(d->db, true);
            if (rig_difference(got, wanted))
                fail("clock %d: %s", (int)n, rig_difference(got, wanted));
            ok(rig_difference(with, d->results) != NULL);
            free(got);
            free(with);
        }
        free(wanted);
    }
}

/* ---- files that go away ---- */

/* What becomes of a run whose database is taken from under it. */
static void lose_database(const struct rig_deed *d)
{
    struct rig_run r;
    char *got;

    rig_restore(d->db, NULL);
    ok_err(rig_open(&r, rig_env(), d->db, rig_path(RIG_JSON)));
    while (store_commits(r.store) < 2)
        ok_err(pipeline_turn(r.pipeline, 0, &r.why));
    ok(unlink(d->db) == 0);
    eq_err(rig_turn_all(&r), ERR_IO);
    if (!strstr(r.why.text, d->db) || !strstr(r.why.text, "deleted or replaced"))
        fail("it said: %s", r.why.text);
    rig_close(&r);
    eq_int(rig_command(rig_env(), d->argv), 0);
    got = rig_results(d->db, true);
    if (rig_difference(got, d->results))
        fail("%s", rig_difference(got, d->results));
    free(got);
    rig_sound(d->db);
}

T(a_database_deleted_while_it_is_written_is_noticed)
{
    lose_database(deeds_run(RIG_JSON, "0"));
}
