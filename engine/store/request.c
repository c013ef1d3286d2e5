/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * request: see the header. A connection of its own for one small transaction, without the
 * lock, which the run holds.
 */
#include "engine/store/request.h"
#include "engine/store/schema.h"

static enum err insert(sqlite3 *db, int64_t now_ms, const struct request *r, struct why *why)
{
    sqlite3_stmt *statement = NULL;
    struct binder b;
    enum err e = sql_prepare(db, "INSERT INTO requests(kind, argument, made_at) VALUES(?, ?, ?)",
                             &statement, why);

    if (e)
        return e;
    b = bind_to(statement);
    bind_text(&b, str_of(r->kind));
    bind_text(&b, str_of(r->argument));
    bind_whole(&b, now_ms);
    e = bind_run(&b, why);
    (void)sqlite3_finalize(statement);
    return e;
}

static enum err open_beside(const char *path, sqlite3 **out, struct why *why)
{
    enum schema_state state = SCHEMA_EMPTY;
    sqlite3 *db = NULL;
    int keep = 1;
    enum err e = sql_open(path, SQLITE_OPEN_READWRITE, &db, why);

    if (e)
        return e;
    (void)sqlite3_file_control(db, NULL, SQLITE_FCNTL_PERSIST_WAL, &keep);
    (void)sqlite3_wal_autocheckpoint(db, 0); /* the log is the run's */
    e = schema_look(db, &state, why);
    if (!e && state == SCHEMA_EMPTY)
        e = why_set(why, ERR_NOT_FOUND, "%s holds nothing yet", path);
    if (!e)
        e = schema_complete(db, why);
    if (e)
        (void)sqlite3_close(db);
    else
        *out = db;
    return e;
}

enum err request_make(struct env *env, const char *path, const struct request *r, int64_t *id,
                      struct why *why)
{
    sqlite3 *db = NULL;
    enum err e = open_beside(path, &db, why);

    if (e)
        return e;
    e = insert(db, env->wall_ms(env), r, why);
    if (!e)
        *id = sqlite3_last_insert_rowid(db);
    (void)sqlite3_close(db);
    return e;
}

static enum err update(sqlite3 *db, int64_t id, const char *result)
{
    sqlite3_stmt *statement = NULL;
    struct binder b;
    enum err e = sql_prepare(
        db, "UPDATE requests SET result = 'failed: ' || ? WHERE id = ? AND result IS NULL",
        &statement, NULL);

    if (e)
        return e;
    b = bind_to(statement);
    bind_text(&b, str_of(result));
    bind_whole(&b, id);
    e = bind_run(&b, NULL);
    (void)sqlite3_finalize(statement);
    return e;
}

void request_fail(const char *path, int64_t id, const char *result)
{
    sqlite3 *db = NULL;
    enum err e = open_beside(path, &db, NULL);

    if (!e)
        e = update(db, id, result);
    (void)e;
    (void)sqlite3_close(db);
}
