/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * merge: what counting late sales after all reads back: those sales, the versions of rows that
 * are rewritten, the ledger that they are recounted from, and who asked for it.
 *
 * Runs on the reading connection of the caller's thread. Like load.c, no statement is left in
 * the middle of its rows when a function returns.
 */
#include "engine/store/chunks.h"
#include "engine/store/inside.h"
#include "engine/store/schema.h"

#include <stdio.h>

typedef enum err (*late_fn)(void *arg, const struct stored_late *late);

static struct stored_late late_of(sqlite3_stmt *row)
{
    return (struct stored_late){
        .id = sqlite3_column_int64(row, 0),
        .source = sqlite3_column_int64(row, 1),
        .shard = column_str(row, 2),
        .event_ms = sqlite3_column_int64(row, 3),
        .slice_s = sqlite3_column_int64(row, 4),
        .record = column_str(row, 5),
    };
}

enum err store_each_late(struct store *s, int64_t after_id, late_fn each, void *arg)
{
    struct why *why = load_trouble(s);
    sqlite3_stmt *statement = NULL;
    bool row = false;
    struct binder b;
    enum err e = sql_prepare(s->read,
                             "SELECT id, source, shard, event_ms, slice_s, record FROM late_sale"
                             " WHERE id > ? AND merged_ms IS NULL ORDER BY id",
                             &statement, why);

    if (e)
        return e;
    b = bind_to(statement);
    bind_whole(&b, after_id);
    e = b.rc ? sql_fail(s->read, b.rc, why) : sql_next(statement, &row, why);
    while (!e && row) {
        struct stored_late late = late_of(statement);

        e = each(arg, &late);
        if (!e)
            e = sql_next(statement, &row, why);
    }
    (void)sqlite3_finalize(statement);
    return e == ERR_END ? ERR_OK : e;
}

/* Rows are asked for series by series, so one statement is kept. */
static enum err version_statement(struct store *s, uint16_t series)
{
    sqlite3_stmt **statement = &s->statement[INSIDE_VERSION];
    char sql[160];

    if (*statement && s->version_series == series)
        return ERR_OK;
    (void)sqlite3_finalize(*statement);
    *statement = NULL;
    s->version_series = series;
    (void)snprintf(sql, sizeof(sql),
                   "SELECT state >> 1 FROM rows_%u WHERE id = (SELECT CASE WHEN by_end THEN ?2"
                   " ELSE ?1 END * %lld + ?3 FROM series WHERE id = %u)",
                   series, (long long)SCHEMA_KEYS, series);
    return sql_prepare(s->read, sql, statement, load_trouble(s));
}

enum err store_row_version(struct store *s, const struct agg_row *r, uint32_t *version)
{
    bool row = false;
    struct why *why;
    struct binder b;
    enum err e = version_statement(s, r->series);

    *version = 0;
    if (e)
        return e;
    b = bind_to(s->statement[INSIDE_VERSION]);
    bind_whole(&b, r->start_s);
    bind_whole(&b, r->end_s);
    bind_whole(&b, r->key);
    why = load_trouble(s);
    e = b.rc ? sql_fail(s->read, b.rc, why) : sql_next(b.statement, &row, why);
    if (!e && row)
        *version = (uint32_t)sqlite3_column_int64(b.statement, 0);
    (void)sqlite3_reset(b.statement);
    return e;
}

enum err store_each_chunk(struct store *s, uint64_t before_seq, const struct ledger_walk *walk)
{
    return chunks_each(s->read, before_seq, walk, load_trouble(s));
}

/* Copies the texts, so that the statement can be reset. */
static enum err take_request(struct store *s, sqlite3_stmt *row, struct stored_request *out)
{
    struct str kind = column_str(row, 1);
    struct str argument = column_str(row, 2);
    enum err e;

    s->scratch.n = 0;
    e = buf_reserve(&s->scratch, kind.n + argument.n + 1);
    e = e ? e : buf_str(&s->scratch, kind);
    e = e ? e : buf_str(&s->scratch, argument);
    if (e)
        return e;
    *out = (struct stored_request){
        .id = sqlite3_column_int64(row, 0),
        .kind = {s->scratch.p, kind.n},
        .argument = {s->scratch.p + kind.n, argument.n},
    };
    return ERR_OK;
}

enum err store_next_request(struct store *s, struct stored_request *out)
{
    sqlite3_stmt **statement = &s->statement[INSIDE_REQUEST];
    struct why *why = load_trouble(s);
    bool row = false;
    enum err e = ERR_OK;

    if (!*statement)
        e = sql_prepare(s->read,
                        "SELECT id, kind, argument FROM requests WHERE result IS NULL ORDER BY id"
                        " LIMIT 1",
                        statement, why);
    if (!e)
        e = sql_next(*statement, &row, why);
    if (!e)
        e = row ? take_request(s, *statement, out) : ERR_NOT_FOUND;
    (void)sqlite3_reset(*statement);
    return e;
}
