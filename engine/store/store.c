/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * store: the database of one writer: opening, handing over, closing.
 *
 * Three things are held: the lock, a writing connection (inside the writer, used by its
 * thread) and a reading connection for the caller's thread, which sees what is committed.
 *
 * Opening, in this order: the real path; the lock; a look at the file, which changes nothing
 * if it is somebody else's; the write-ahead log, whose files stay when the store closes, so
 * that readers need not create them; the schema.
 */
#include "engine/store/store.h"
#include "engine/store/inside.h"
#include "engine/store/lock.h"
#include "engine/store/schema.h"

#include <stdlib.h>

/* cache_size is in KiB when negative. The log is copied back by apply, never by SQLite. */
static const char settings[] = "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
                               "PRAGMA wal_autocheckpoint = 0; PRAGMA cache_size = -16384;"
                               "PRAGMA journal_size_limit = 67108864;";

static enum err prepare_file(sqlite3 *db, struct why *why)
{
    enum schema_state state = SCHEMA_EMPTY;
    int keep = 1;
    enum err e;

    /* Before SQLite makes a log that can't be written either, and stays. */
    if (sqlite3_db_readonly(db, "main") == 1)
        return sql_fail(db, SQLITE_READONLY, why);
    e = schema_look(db, &state, why);
    (void)sqlite3_file_control(db, NULL, SQLITE_FCNTL_PERSIST_WAL, &keep);
    if (!e && state == SCHEMA_EMPTY)
        e = sql_exec(db, "PRAGMA page_size = 8192", why);
    if (!e)
        e = sql_exec(db, settings, why);
    if (!e)
        e = state == SCHEMA_EMPTY ? schema_create(db, why) : schema_complete(db, why);
    return e;
}

static enum err open_writer(struct store *s, bool helper, struct why *why)
{
    struct apply *apply = NULL;
    sqlite3 *db = NULL;
    enum err e = sql_open(s->path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, &db, why);

    if (e)
        return e;
    e = prepare_file(db, why);
    if (e) {
        (void)sqlite3_close(db);
        return e;
    }
    e = apply_open(db, &apply, why);
    return e ? e : writer_open(apply, helper, &s->writer, why);
}

enum err store_open(const struct store_options *o, struct store **out, struct why *why)
{
    struct store *s = calloc(1, sizeof(*s));
    enum err e = ERR_OK;

    if (!s)
        return why_set(why, ERR_NOMEM, "out of memory opening %s", o->path);
    s->lock = -1;
    s->env = o->env;
    buf_init(&s->scratch, INSIDE_SCRATCH_MAX);
    e = lock_real_path(o->path, &s->path, why);
    if (!e)
        e = lock_open(s->path, &s->lock, why);
    if (!e)
        e = open_writer(s, o->helper, why);
    if (!e)
        e = sql_open(s->path, SQLITE_OPEN_READONLY, &s->read, why);
    if (e) {
        store_close(s);
        return e;
    }
    *out = s;
    return ERR_OK;
}

void store_close(struct store *s)
{
    if (!s)
        return;
    for (int i = 0; i < INSIDE_COUNT; i++)
        (void)sqlite3_finalize(s->statement[i]);
    (void)sqlite3_close(s->read);
    writer_close(s->writer);
    lock_close(s->lock);
    buf_clear(&s->scratch);
    free(s->path);
    free(s);
}

enum err store_send(struct store *s, struct parcel **p, struct why *why)
{
    return writer_send(s->writer, p, why);
}

enum err store_wait(struct store *s, struct why *why)
{
    return writer_wait(s->writer, why);
}

uint64_t store_commits(struct store *s)
{
    return writer_commits(s->writer);
}

enum err store_meta_set(struct store *s, const char *name, struct str value, struct why *why)
{
    return writer_meta(s->writer, name, value, why);
}
