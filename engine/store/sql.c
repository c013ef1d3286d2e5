/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * sql: SQLite behind a few verbs that return our errors.
 *
 * Connections are opened without SQLite's mutexes: each belongs to one thread at a time.
 *
 * Invariants:
 *  1. Every sentence says what happened, that committed results are intact where that is so,
 *     and what to do.
 *  2. A statement that ran is reset before anybody sees its outcome, so that none keeps a
 *     snapshot open.
 */
#include "engine/store/sql.h"

#include <errno.h>
#include <stdio.h>

/* errno of the last call that failed: as the connection knows it, else its file, else its log. */
static int system_number(sqlite3 *db)
{
    sqlite3_file *log = NULL;
    int number = sqlite3_system_errno(db);

    if (!number)
        (void)sqlite3_file_control(db, "main", SQLITE_FCNTL_LAST_ERRNO, &number);
    if (!number)
        (void)sqlite3_file_control(db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log);
    if (log && log->pMethods)
        (void)log->pMethods->xFileControl(log, SQLITE_FCNTL_LAST_ERRNO, &number);
    return number;
}

/* " (No space left on device)" or nothing. */
static void system_reason(sqlite3 *db, char *out, size_t size)
{
    char text[128];
    int number = system_number(db);

    out[0] = 0;
    if (number && strerror_r(number, text, sizeof(text)) == 0)
        (void)snprintf(out, size, " (%s)", text);
}

/* SQLite calls a file damaged where the disk only could not be read. */
static int kind_of(sqlite3 *db, int rc)
{
    if (rc == SQLITE_IOERR_NOMEM)
        return SQLITE_NOMEM;
    if ((rc & 0xff) == SQLITE_CORRUPT && system_number(db) == EIO)
        return SQLITE_IOERR;
    return rc & 0xff;
}

static enum err fail_of(sqlite3 *db, const char *name, int rc, struct why *why)
{
    char reason[160];

    system_reason(db, reason, sizeof(reason));
    switch (kind_of(db, rc)) {
    case SQLITE_NOMEM:
        return why_set(why, ERR_NOMEM, "out of memory in the database %s", name);
    case SQLITE_FULL:
        return why_set(why, ERR_IO,
                       "the disk is full: %s can't grow; everything up to the last commit is "
                       "safe: free some space and start again",
                       name);
    case SQLITE_READONLY:
        return why_set(why, ERR_IO,
                       "%s can't be written: make the file and its directory writable or name "
                       "another with --db",
                       name);
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return why_set(why, ERR_IO,
                       "%s can't be opened%s: check that its directory exists and that the file "
                       "and the directory are yours to use, or name another with --db",
                       name, reason);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return why_set(why, ERR_BUSY,
                       "another program kept %s locked for %d s; everything up to the last commit "
                       "is safe: end that program and start again",
                       name, SQL_BUSY_MS / 1000);
    case SQLITE_PROTOCOL:
        return why_set(why, ERR_IO,
                       "%s can't be locked%s; everything up to the last commit is safe: put it on "
                       "a local disk whose file system has locks, and start again",
                       name, reason);
    case SQLITE_CORRUPT:
        return why_set(why, ERR_DAMAGED,
                       "%s is damaged (%.100s): restore a copy, or move it away and run the source "
                       "again",
                       name, sqlite3_errmsg(db));
    case SQLITE_NOTADB:
        return why_set(why, ERR_DAMAGED, "%s is not a SQLite database: name another file with --db",
                       name);
    case SQLITE_IOERR:
        return why_set(why, ERR_IO,
                       "reading or writing %s failed%s; everything up to the last commit is safe: "
                       "check the disk and start again",
                       name, reason);
    case SQLITE_TOOBIG:
        return why_set(why, ERR_LIMIT, "a value is too big for %s (1 GB is the limit)", name);
    default:
        return why_set(
            why, ERR_DAMAGED,
            "%s does not work as a tillstream database (%.100s): was it changed by another "
            "program? Restore a copy or name another with --db",
            name, sqlite3_errmsg(db));
    }
}

enum err sql_fail(sqlite3 *db, int rc, struct why *why)
{
    const char *name = sqlite3_db_filename(db, "main");

    return fail_of(db, name && *name ? name : "the database", rc, why);
}

enum err sql_open(const char *path, int flags, sqlite3 **out, struct why *why)
{
    sqlite3 *db = NULL;
    int rc = sqlite3_open_v2(path, &db, flags | SQLITE_OPEN_NOMUTEX, NULL);
    enum err e;

    if (!db)
        return why_set(why, ERR_NOMEM, "out of memory opening the database");
    if (rc) {
        e = fail_of(db, path, rc, why);
        (void)sqlite3_close(db);
        return e;
    }
    (void)sqlite3_extended_result_codes(db, 1);
    (void)sqlite3_busy_timeout(db, SQL_BUSY_MS);
    /* The last to close would lock new readers out while it copies the log back: apply_close
     * does that under locks that nobody has to wait for. */
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    *out = db;
    return ERR_OK;
}

enum err sql_exec(sqlite3 *db, const char *sql, struct why *why)
{
    int rc = sqlite3_exec(db, sql, NULL, NULL, NULL);

    return rc ? sql_fail(db, rc, why) : ERR_OK;
}

enum err sql_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **out, struct why *why)
{
    int rc = sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL);

    return rc ? sql_fail(db, rc, why) : ERR_OK;
}

enum err sql_run(sqlite3_stmt *statement, struct why *why)
{
    int rc = sqlite3_step(statement);
    enum err e = ERR_OK;

    while (rc == SQLITE_ROW)
        rc = sqlite3_step(statement);
    if (rc != SQLITE_DONE)
        e = sql_fail(sqlite3_db_handle(statement), rc, why);
    (void)sqlite3_reset(statement);
    return e;
}

enum err sql_next(sqlite3_stmt *statement, bool *row, struct why *why)
{
    int rc = sqlite3_step(statement);

    *row = rc == SQLITE_ROW;
    if (rc == SQLITE_ROW || rc == SQLITE_DONE)
        return ERR_OK;
    return sql_fail(sqlite3_db_handle(statement), rc, why);
}

enum err sql_whole(sqlite3 *db, const char *sql, int64_t *out, struct why *why)
{
    sqlite3_stmt *statement = NULL;
    bool row = false;
    enum err e = sql_prepare(db, sql, &statement, why);

    if (!e)
        e = sql_next(statement, &row, why);
    if (!e && !row)
        e = ERR_NOT_FOUND;
    if (!e)
        *out = sqlite3_column_int64(statement, 0);
    (void)sqlite3_finalize(statement);
    return e;
}

struct binder bind_to(sqlite3_stmt *statement)
{
    return (struct binder){.statement = statement};
}

static void note(struct binder *b, int rc)
{
    if (rc && !b->rc)
        b->rc = rc;
}

void bind_whole(struct binder *b, int64_t v)
{
    note(b, sqlite3_bind_int64(b->statement, ++b->n, v));
}

void bind_real(struct binder *b, double v)
{
    note(b, sqlite3_bind_double(b->statement, ++b->n, v));
}

void bind_text(struct binder *b, struct str v)
{
    const char *p = v.n ? v.p : "";

    note(b, sqlite3_bind_text64(b->statement, ++b->n, p, v.n, SQLITE_STATIC, SQLITE_UTF8));
}

void bind_blob(struct binder *b, struct str v)
{
    const char *p = v.n ? v.p : "";

    note(b, sqlite3_bind_blob64(b->statement, ++b->n, p, v.n, SQLITE_STATIC));
}

void bind_null(struct binder *b)
{
    note(b, sqlite3_bind_null(b->statement, ++b->n));
}

enum err bind_run(struct binder *b, struct why *why)
{
    if (b->rc)
        return sql_fail(sqlite3_db_handle(b->statement), b->rc, why);
    return sql_run(b->statement, why);
}

struct str column_str(sqlite3_stmt *statement, int column)
{
    const void *p = sqlite3_column_blob(statement, column);
    int n = sqlite3_column_bytes(statement, column);

    return (struct str){p ? p : "", p ? (size_t)n : 0};
}
