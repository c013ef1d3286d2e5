/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * sql: the little that every file of the store needs of SQLite: opening, statements,
 * binding, and errors as a sentence for the person who can mend them.
 */
#ifndef TILLSTREAM_ENGINE_STORE_SQL_H
#define TILLSTREAM_ENGINE_STORE_SQL_H

#include "engine/err.h"
#include "engine/str.h"

#include <sqlite3.h>

#define SQL_APPLICATION 0x54494c4c /* PRAGMA application_id: "TILL" */
#define SQL_BUSY_MS 10000          /* patience with a foreign program's lock */

/* `uri`: path is a file: URI. `flags` are SQLITE_OPEN_*. */
enum err sql_open(const char *path, int flags, sqlite3 **out, struct why *why) MUST_CHECK;

/* The error code and the sentence for a result code of SQLite that is not success. */
enum err sql_fail(sqlite3 *db, int rc, struct why *why);

/* Statements without results, separated by semicolons. */
enum err sql_exec(sqlite3 *db, const char *sql, struct why *why) MUST_CHECK;
enum err sql_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **out, struct why *why) MUST_CHECK;
/* Runs a bound statement to its end and makes it ready for the next binding. */
enum err sql_run(sqlite3_stmt *statement, struct why *why) MUST_CHECK;
/* *row: whether there is one more row. */
enum err sql_next(sqlite3_stmt *statement, bool *row, struct why *why) MUST_CHECK;
/* The first column of the first row; ERR_NOT_FOUND without a row. */
enum err sql_whole(sqlite3 *db, const char *sql, int64_t *out, struct why *why) MUST_CHECK;

/* Binds parameters from left to right; the first failure sticks. Texts and blobs must stay
 * in place until the statement has run. */
struct binder {
    sqlite3_stmt *statement;
    int n, rc;
};

struct binder bind_to(sqlite3_stmt *statement);
void bind_whole(struct binder *b, int64_t v);
void bind_real(struct binder *b, double v);
void bind_text(struct binder *b, struct str v);
void bind_blob(struct binder *b, struct str v);
void bind_null(struct binder *b);
/* Binds nothing more: runs the statement. */
enum err bind_run(struct binder *b, struct why *why) MUST_CHECK;

/* A column's text or blob; borrows until the statement moves on. */
struct str column_str(sqlite3_stmt *statement, int column);

#endif
