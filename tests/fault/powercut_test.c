/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * powercut_test: the power goes at the n-th time something is written, for every n, in several
 * ways of what was not synced being lost; then the database is opened as usual.
 *
 * With synchronous = NORMAL a power cut may take back the latest commits, and nothing else:
 *  1. the file is sound;
 *  2. it holds exactly what it held after one of the commits: none older than the last that was
 *     synced, none newer than the one that was being made;
 *  3. the run goes on from there to the same end.
 */
#include "tests/fault/powercut_vfs.h"
#include "tests/fault/rig.h"

#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

enum { COMMITS_MAX = 32, SESSION = 2 }; /* commits after which the run is closed and goes on */

static struct {
    const char *db;
    char *after[COMMITS_MAX]; /* results after that many commits, as seen without a power cut */
    int commits, durable;
    bool learning;
} tale;

static void told(void *arg, const char *path)
{
    (void)arg;
    if (strstr(path, "-wal"))
        tale.durable = tale.commits;
}

/* Somebody else copies the log back, in the middle of a run. */
static void checkpoint_beside(void)
{
    sqlite3 *db = NULL;

    if (!sqlite3_open_v2(tale.db, &db, SQLITE_OPEN_READWRITE, NULL))
        (void)sqlite3_exec(db, "PRAGMA wal_checkpoint(PASSIVE)", NULL, NULL, NULL);
    (void)sqlite3_close(db);
}

static void note_commits(struct rig_run *r, int before)
{
    tale.commits = before + (int)store_commits(r->store);
    ok(tale.commits < COMMITS_MAX);
    if (tale.learning && !tale.after[tale.commits])
        tale.after[tale.commits] = rig_results(tale.db, true);
}

/* One opening, some commits, one closing. */
static enum err session(void)
{
    struct rig_run r;
    int before = tale.commits;
    enum err e = rig_open(&r, rig_env(), tale.db, rig_path(RIG_JSON));

    while (!e && tale.commits < before + SESSION) {
        int was = tale.commits;

        e = pipeline_turn(r.pipeline, 0, &r.why);
        note_commits(&r, before);
        if (tale.commits > was && tale.commits % 3 == 0)
            checkpoint_beside();
    }
    rig_close(&r);
    return e;
}

/* The whole run, until its end or the power's. */
static bool run_until(uint64_t cut_at)
{
    enum err e;

    tale.commits = tale.durable = 0;
    rig_restore(tale.db, NULL);
    powercut_begin(cut_at);
    powercut_on_sync(told, NULL);
    do
        e = session();
    while (!e);
    bool cut = powercut_end();
    if (!cut)
        eq_err(e, ERR_END);
    return cut;
}

static uint64_t learn(void)
{
    rig_make();
    tale.db = rig_path("power.db");
    tale.learning = true;
    ok(!run_until(0));
    tale.learning = false;
    ok(tale.commits >= 4);
    return powercut_seen();
}

/* The number of commits that the database shows the results of. */
static int commits_in(const char *results)
{
    for (int i = 1; i <= COMMITS_MAX - 1; i++) {
        if (tale.after[i] && strcmp(tale.after[i], results) == 0)
            return i;
    }
    return !*results || strncmp(results, "error: there is no database", 27) == 0 ? 0 : -1;
}

static void look(uint64_t cut_at, uint64_t random, unsigned keep)
{
    int reached = tale.commits, durable = tale.durable, last = 0;
    char *results, *at_end;
    struct rig_run r;

    powercut_restart(random, keep);
    rig_sound(tale.db);
    results = rig_results(tale.db, true);
    int found = commits_in(results);
    if (found < durable || found > reached + 1)
        fail("cut at %" PRIu64
             ", %u of 256 kept: of %d commits, %d of them synced, found %d: %.200s",
             cut_at, keep, reached, durable, found, results);
    free(results);
    ok_err(rig_open(&r, rig_env(), tale.db, rig_path(RIG_JSON)));
    eq_err(rig_turn_all(&r), ERR_END);
    rig_close(&r);
    at_end = rig_results(tale.db, true);
    while (last + 1 < COMMITS_MAX && tale.after[last + 1])
        last++;
    if (rig_difference(at_end, tale.after[last]))
        fail("cut at %" PRIu64 ", %u of 256 kept, run again: %s", cut_at, keep,
             rig_difference(at_end, tale.after[last]));
    free(at_end);
}

T(a_power_cut_takes_back_whole_commits_and_no_synced_one)
{
    static const unsigned keeps[] = {0, 128, 230, 256};
    uint64_t points = learn(), random = seed(), cuts = 0, lost = 0;
    uint64_t step = rig_step(points);

    for (size_t i = 0; i < countof(keeps); i++) {
        for (uint64_t n = 1 + rnd_below(&random, step); run_until(n);
             n += step == 1 ? 1 : 1 + rnd_below(&random, 2 * step - 1)) {
            lost += tale.commits > tale.durable;
            cuts++;
            look(n, rnd(&random), keeps[i]);
        }
        powercut_restart(random, 256);
    }
    ok(lost > 0);
    (void)printf("  power cut at %" PRIu64 " of %" PRIu64 " writes, syncs and the like\n", cuts,
                 points * countof(keeps));
    for (int i = 0; i < COMMITS_MAX; i++)
        free(tale.after[i]);
}
