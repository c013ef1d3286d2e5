/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * state: what a database remembers so that a run can go on: parts with versions and sizes,
 * how much is in the tables, and how far back the windows in memory reach.
 *
 * Each line is one SELECT over the base tables (engine/store/schema.c), all in one snapshot.
 */
#include "commands/command.h"
#include "commands/print.h"
#include "engine/store/reader.h"

#include <stdio.h>

#define WAIT_MS 1500

static const struct print_column columns[] = {
    {.name = "part"},  {.name = "version", .kind = PRINT_ID}, {.name = "items"},
    {.name = "bytes"}, {.name = "note", .kind = PRINT_ID},
};

/* Times of slices are in the part's name: windows/slice/LEVEL/MILLISECONDS. */
#define SLICE_MS "CAST(substr(name, 18) AS INTEGER)"
#define SLICE_TIME "strftime('%Y-%m-%dT%H:%M:%SZ', min(" SLICE_MS ") / 1000, 'unixepoch')"

/* Of a part models/MODEL/REST. */
#define MODEL "substr(name, 8, instr(substr(name, 8) || '/', '/') - 1)"

static const char question[] =
    "SELECT * FROM ("
    "SELECT 'schema', (SELECT user_version FROM pragma_user_version), count(*),"
    " (SELECT page_count * page_size FROM pragma_page_count, pragma_page_size),"
    " 'tables and views; bytes: the whole file' FROM sqlite_master UNION ALL "
    "SELECT name, version, 1, length(data), CASE name WHEN 'judge' THEN"
    " 'watermarks, counts, sales waiting in the pen' WHEN 'pipeline' THEN"
    " 'ledger chunk up to which the windows are saved' ELSE 'windows: what has fired' END"
    " FROM state WHERE name NOT LIKE 'windows/s%' AND name NOT LIKE 'models/%' UNION ALL "
    "SELECT 'models/' || " MODEL ", max(version), count(*), sum(length(data)),"
    " 'what the model has learned' FROM state WHERE name LIKE 'models/%' GROUP BY " MODEL
    " UNION ALL "
    "SELECT 'windows/slice/' || substr(name, 15, 2), max(version), count(*), sum(length(data)),"
    " 'oldest starts ' || " SLICE_TIME " FROM state WHERE name LIKE 'windows/slice/%'"
    " GROUP BY substr(name, 15, 2) UNION ALL "
    "SELECT 'windows/session', max(version), count(*), sum(length(data)), 'sessions in memory'"
    " FROM state WHERE name LIKE 'windows/session/%' HAVING count(*) > 0 UNION ALL "
    "SELECT 'ledger', NULL, count(*), coalesce(sum(length(data)), 0),"
    " coalesce(sum(sales), 0) || ' sales in chunks ' || coalesce(min(seq), 0) || ' to ' ||"
    " coalesce(max(seq), 0) FROM ledger UNION ALL "
    "SELECT 'keys', NULL, count(*) - 1, sum(length(text)), 'customers, countries, stock codes'"
    " FROM key UNION ALL "
    "SELECT 'invoices', NULL, count(*), NULL, '' FROM invoice UNION ALL "
    "SELECT 'customers', NULL, count(*), NULL, '' FROM customer UNION ALL "
    "SELECT 'record ids', NULL, count(*), count(*) * 24, 'within dedup_horizon' FROM dedup"
    " UNION ALL "
    "SELECT 'open windows', NULL, count(*), NULL, 'oldest starts ' ||"
    " coalesce(min(window_start), '-') FROM aggregates WHERE final = 0)";

static enum err print_one(void *arg, int n, const char *const *names, const struct value *values)
{
    (void)n;
    (void)names;
    return print_row(arg, values);
}

static int show_state(struct env *env, const struct args *args, struct settings *settings)
{
    const struct print_setup setup = {.out = stdout,
                                      .columns = columns,
                                      .n_columns = (int)countof(columns),
                                      .width = print_width(stdout)};
    const struct question ask = {.sql = question};
    struct reader_db *db = NULL;
    struct print *print = NULL;
    struct why why = {""};

    (void)args;
    enum err e = reader_db_open(env, settings->db, WAIT_MS, &db, &why);
    if (!e)
        e = print_open(&setup, &print);
    if (!e)
        e = reader_db_ask(db, &ask, print_one, print, &why);
    if (!e)
        e = print_end(print);
    print_close(print);
    reader_db_close(db);
    return e ? command_error(e, &why) : 0;
}

static const struct option_spec options[] = {{.name = NULL}};
static const struct operand_spec operands[] = {{.name = NULL}};

const struct command command_state = {
    .name = "state",
    .summary = "show what a database remembers so that a run can go on",
    .text = "Prints the parts of the saved state with their versions and sizes, the ledger, the "
            "keys, and how far back the windows in memory reach.\n\n"
            "Parts carry checksums, which `run` verifies when it opens the database: a damaged or "
            "newer part is refused, never guessed at.",
    .examples = "tillstream state --db shop.db\n",
    .options = options,
    .operands = operands,
    .takes_settings = true,
    .run = show_state,
};
