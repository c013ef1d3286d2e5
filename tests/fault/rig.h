/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * rig: a small shop whose sales hold everything that may go wrong, the program run on it within
 * the test's own process, and the loop that makes it fail at one point after another.
 *
 * Of a run that a fault struck it is required that
 *  1. it succeeded, with the right results, or failed with one sentence that says why;
 *  2. nothing leaked (descriptors at once, memory when the test ends) and the database is sound;
 *  3. the same command, given again without faults, ends with the right results.
 */
#ifndef TILLSTREAM_TESTS_FAULT_RIG_H
#define TILLSTREAM_TESTS_FAULT_RIG_H

#include "engine/pipeline.h"
#include "tests/fault/faults.h"
#include "tests/support/t.h"

/* Files of the test's directory (tmp_path), made by rig_make. */
#define RIG_SETTINGS "shop.json"
#define RIG_JSON "sales.ndjson"
#define RIG_CSV "sales.csv"

void rig_make(void);
/* The path of one of the test's files; lasts as long as the process. */
const char *rig_path(const char *name);
/* A world whose clocks stand still and whose log is kept from the terminal. */
struct env *rig_env(void);

/* Runs "tillstream" + argv (NULL ends it) here; its exit status. */
int rig_command(struct env *env, const char *const *argv);
/* What the last command in another process, forked from here, wrote: for the two below. */
void rig_read_back(void);
/* What the last command wrote to the standard output, and to the standard error. */
const char *rig_output(void);
const char *rig_complaint(void);

/* Every row of every public view, and of the RecordIDs known; "error: ..." if it can't be read.
 * Freed by the caller. With `clocks` false the columns of the clock are left out. */
char *rig_results(const char *db, bool clocks);
/* NULL, or the first line in which two of them differ (static). */
const char *rig_difference(const char *got, const char *wanted);
/* Fails the test unless SQLite finds the file sound, or there is none. */
void rig_sound(const char *db);
/* Puts a copy of `from` (closed in good order; NULL: nothing) in the place of `db`. */
void rig_restore(const char *db, const char *from);

/* A run in the test's hands, as `tillstream run` opens it. */
struct rig_run {
    struct settings settings;
    struct store *store;
    struct pipeline *pipeline;
    struct why why;
};
enum err rig_open(struct rig_run *r, struct env *env, const char *db, const char *source);
void rig_close(struct rig_run *r);
/* Turns until the source ends (ERR_END) or something else happens. */
enum err rig_turn_all(struct rig_run *r);
/* A database of half the source: state saved in parts, a ledger after them, then closed. */
void rig_half(const char *db, const char *source);

/* How many of so many points to go on by: in quick runs about FAULT_POINTS of them are tried. */
uint64_t rig_step(uint64_t points);

/* What is to be tried with a fault in it. */
struct rig_deed {
    const char *name;
    const char *before; /* a copy of this database is there at first; NULL: none */
    const char *db;
    const char *const *argv;
    const char *results; /* that the database must hold at the end */
    const char *output;  /* that it must print; NULL: whatever it likes */
};
/* Fails call 1, 2, 3, ... of the deed until a run meets no failure, each alone, or each with
 * those after it. In quick runs (FAULT_POINTS calls a loop; "all" are all) it takes larger steps.
 * Prints how many points there are and how many failed. */
void rig_fail_everywhere(const struct rig_deed *deed, enum fault kind, bool onwards);

#endif
