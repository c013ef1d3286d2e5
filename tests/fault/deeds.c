/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * deeds: see the header. What is right is what the same command gives without a fault; that a
 * run which goes on gives what one from nothing gives is checked here.
 */
#include "tests/fault/deeds.h"

#include <stdio.h>
#include <stdlib.h>

static struct rig_deed deed;
static const char *argv[24];
static char *results;

/* Does the deed once, and takes what it leaves for right. */
static const struct rig_deed *learn(bool output)
{
    static char printed[1 << 18];

    deed.argv = argv;
    rig_restore(deed.db, deed.before);
    if (rig_command(rig_env(), argv))
        fail("%s: %s", deed.name, rig_complaint());
    free(results);
    results = rig_results(deed.db, true);
    ok(strlen(results) > 1000);
    deed.results = results;
    (void)snprintf(printed, sizeof(printed), "%s", rig_output());
    deed.output = output ? printed : NULL;
    return &deed;
}

static void arguments(const char *const *from)
{
    size_t n = 0;

    for (; from[n] && n < countof(argv) - 1; n++)
        argv[n] = from[n];
    argv[n] = NULL;
}

const struct rig_deed *deeds_run(const char *source, const char *threads)
{
    static char setting[24];
    static char name[64];

    rig_make();
    (void)snprintf(setting, sizeof(setting), "threads=%s", threads);
    (void)snprintf(name, sizeof(name), "run %s, threads %s", source, threads);
    deed = (struct rig_deed){.name = name, .db = rig_path("run.db")};
    arguments((const char *[]){"run", rig_path(source), "-q", "-c", rig_path(RIG_SETTINGS), "--db",
                               deed.db, "--set", setting, NULL});
    return learn(false);
}

const struct rig_deed *deeds_resume(const char *source)
{
    static char name[64];
    char *whole;

    (void)deeds_run(source, "0");
    whole = rig_results(deed.db, true);
    (void)snprintf(name, sizeof(name), "go on with %s", source);
    deed.name = name;
    deed.before = rig_path("half.db");
    rig_restore(deed.before, NULL);
    rig_half(deed.before, rig_path(source));
    (void)learn(false);
    if (rig_difference(results, whole))
        fail("%s: %s", name, rig_difference(results, whole));
    free(whole);
    return &deed;
}

const struct rig_deed *deeds_question(int i)
{
    static const char *const questions[DEEDS_QUESTIONS][8] = {
        {"aggregates", "--format", "json"},
        {"top", "--window", "last2h", "--by", "revenue"},
        {"aggregates", "--from", "2010-12-01", "--by", "units", "--limit", "7"},
        {"customer", "--by", "lines"},
        {"late", "--format", "csv"},
        {"rejects"},
    };
    const char *args[24] = {"query"};
    size_t n = 1;

    (void)deeds_run(RIG_CSV, "0");
    rig_restore(rig_path("other.db"), deed.db);
    (void)deeds_run(RIG_JSON, "0");
    rig_restore(rig_path("done.db"), deed.db);
    deed.before = rig_path("done.db");
    for (size_t k = 0; k < 8 && questions[i][k]; k++)
        args[n++] = questions[i][k];
    args[n++] = "--db";
    args[n++] = deed.db;
    if (i < 4) {
        args[n++] = "--db";
        args[n++] = rig_path("other.db");
    }
    deed.name = questions[i][0];
    arguments(args);
    return learn(true);
}

const struct rig_deed *deeds_merge(void)
{
    char *without;

    (void)deeds_run(RIG_CSV, "0");
    without = rig_results(deed.db, true);
    deed.name = "late --merge";
    deed.before = rig_path("late.db");
    rig_restore(deed.before, deed.db);
    arguments((const char *[]){"late", "--merge", "--db", deed.db, NULL});
    (void)learn(false);
    if (!rig_difference(results, without))
        fail("there was nothing to merge");
    free(without);
    return &deed;
}
