/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * outbox: questions to the table `outbox`, into which findings.c puts every anomaly that is to
 * be told, and where the results of telling come back with a later commit.
 *
 *   tries     attempts so far           since_ms  the clock at the first
 *   next_ms   no attempt before         sent_ms   when it was over: sent, or with an error given up
 *
 * Invariants:
 *  1. Nothing is written here.
 *  2. No statement stays open between two calls: the log of the database can be emptied.
 */
#include "engine/store/outbox.h"
#include "engine/json.h"
#include "engine/store/sql.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* An anomaly that a person called right after it was flagged is not told any more. */
#define WAITING "outbox o JOIN anomaly a ON a.id = o.id WHERE o.sent_ms IS NULL AND a.state = 1"

enum { ST_EACH, ST_TRIES, ST_ALERT, ST_WAITING, ST_COUNT };

static const char *const statement_texts[ST_COUNT] = {
    [ST_EACH] = ("SELECT o.id, o.tries, o.next_ms, o.since_ms FROM " WAITING
                 " ORDER BY o.next_ms, o.rowid LIMIT ?"),
    [ST_TRIES] = "SELECT tries FROM outbox WHERE id = ?",
    [ST_ALERT] = "SELECT * FROM anomalies WHERE id = ?",
    [ST_WAITING] = "SELECT count(*) FROM " WAITING,
};

struct outbox {
    sqlite3 *db;
    sqlite3_stmt *statement[ST_COUNT];
};

enum err outbox_open(const char *path, struct outbox **out, struct why *why)
{
    struct outbox *o = calloc(1, sizeof(*o));
    int keep = 1;

    if (!o)
        return why_set(why, ERR_NOMEM, "out of memory opening the database");
    enum err e = sql_open(path, SQLITE_OPEN_READONLY, &o->db, why);
    if (!e) {
        (void)sqlite3_file_control(o->db, NULL, SQLITE_FCNTL_PERSIST_WAL, &keep);
        (void)sqlite3_db_config(o->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    }
    for (int i = 0; !e && i < ST_COUNT; i++)
        e = sql_prepare(o->db, statement_texts[i], &o->statement[i], why);
    if (e)
        outbox_close(o);
    else
        *out = o;
    return e;
}

void outbox_close(struct outbox *o)
{
    if (!o)
        return;
    for (int i = 0; i < ST_COUNT; i++)
        (void)sqlite3_finalize(o->statement[i]);
    (void)sqlite3_close(o->db);
    free(o);
}

enum err outbox_each(struct outbox *o, int limit,
                     enum err (*each)(void *arg, const struct outbox_row *row), void *arg,
                     struct why *why)
{
    sqlite3_stmt *s = o->statement[ST_EACH];
    struct binder b = bind_to(s);
    bool more = false;

    bind_whole(&b, limit);
    enum err e = b.rc ? sql_fail(o->db, b.rc, why) : sql_next(s, &more, why);
    while (!e && more) {
        const struct outbox_row row = {.id = column_str(s, 0),
                                       .tries = (uint32_t)sqlite3_column_int64(s, 1),
                                       .next_ms = sqlite3_column_int64(s, 2),
                                       .since_ms = sqlite3_column_int64(s, 3)};

        e = each(arg, &row);
        if (!e)
            e = sql_next(s, &more, why);
    }
    (void)sqlite3_reset(s);
    return e == ERR_END ? ERR_OK : e;
}

/* Asks a statement with one parameter for its one row; to be reset. */
static enum err ask(struct outbox *o, int which, struct str id, struct why *why)
{
    struct binder b = bind_to(o->statement[which]);
    bool row = false;

    bind_text(&b, id);
    enum err e = b.rc ? sql_fail(o->db, b.rc, why) : sql_next(b.statement, &row, why);
    return e || row ? e : ERR_NOT_FOUND;
}

enum err outbox_tries(struct outbox *o, struct str id, uint32_t *tries, struct why *why)
{
    enum err e = ask(o, ST_TRIES, id, why);

    if (!e)
        *tries = (uint32_t)sqlite3_column_int64(o->statement[ST_TRIES], 0);
    (void)sqlite3_reset(o->statement[ST_TRIES]);
    return e;
}

enum err outbox_waiting(struct outbox *o, int64_t *n, struct why *why)
{
    sqlite3_stmt *s = o->statement[ST_WAITING];
    bool row = false;
    enum err e = sql_next(s, &row, why);

    if (!e && row)
        *n = sqlite3_column_int64(s, 0);
    (void)sqlite3_reset(s);
    return e;
}

/* ---- as JSON ---- */

/* The fewest digits that read back as the same number. */
static enum err add_real(struct buf *json, double v)
{
    char text[40];

    if (!isfinite(v))
        return buf_text(json, "null");
    for (int digits = 15; digits <= 17; digits++) {
        (void)snprintf(text, sizeof(text), "%.*g", digits, v);
        if (strtod(text, NULL) == v)
            break;
    }
    return buf_text(json, text);
}

/* A list that is one already goes in as it is. */
static enum err add_list(struct buf *json, struct str text)
{
    struct json_doc *doc = NULL;
    enum err e = json_open(text, "reasons", &doc, NULL);
    bool list = !e && json_type(json_root(doc)) == JSON_LIST;

    json_close(doc);
    if (e == ERR_NOMEM)
        return e;
    return list ? buf_str(json, text) : json_quote(json, text);
}

static enum err add_value(struct buf *json, sqlite3_stmt *s, int column)
{
    switch (sqlite3_column_type(s, column)) {
    case SQLITE_NULL:
        return buf_text(json, "null");
    case SQLITE_INTEGER:
        return buf_printf(json, "%" PRId64, (int64_t)sqlite3_column_int64(s, column));
    case SQLITE_FLOAT:
        return add_real(json, sqlite3_column_double(s, column));
    default:
        break;
    }
    if (strcmp(sqlite3_column_name(s, column), "reasons") == 0)
        return add_list(json, column_str(s, column));
    return json_quote(json, column_str(s, column));
}

static enum err add_row(sqlite3_stmt *s, struct buf *json, struct buf *text)
{
    enum err e = buf_u8(json, '{');

    for (int i = 0; !e && i < sqlite3_column_count(s); i++) {
        const char *name = sqlite3_column_name(s, i);

        if (!name)
            return ERR_NOMEM;
        e = buf_printf(json, "%s\"%s\":", i ? "," : "", name);
        if (!e)
            e = add_value(json, s, i);
        if (!e && strcmp(name, "text") == 0)
            e = buf_str(text, column_str(s, i));
    }
    return e ? e : buf_u8(json, '}');
}

enum err outbox_alert(struct outbox *o, struct str id, struct buf *json, struct buf *text,
                      struct why *why)
{
    enum err e = ask(o, ST_ALERT, id, why);

    if (!e)
        e = add_row(o->statement[ST_ALERT], json, text);
    (void)sqlite3_reset(o->statement[ST_ALERT]);
    return e;
}
