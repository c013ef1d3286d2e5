/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * feed: hands rows to SQLite through a virtual table.
 *
 * "REPLACE INTO rows_3 SELECT * FROM feed" writes thousands of rows in one step of one small
 * statement: SQLite asks for the columns it needs. Against statements with 32 rows of bound
 * parameters this is a third faster, uses 3 KB instead of 48 KB for a statement, and has no
 * remainder to write singly.
 *
 * Rows are written in the order of their ids whatever order they arrived in: SQLite appends
 * then, and fills its pages. Sorting is by (series, id, arrival), so that of several rows
 * with one id the last one to arrive is written last. A parcel that arrives in order, as most
 * do, is only looked through.
 *
 * Invariants:
 *  1. order[0 .. n) names every row of the parcel once.
 *  2. A cursor gives the rows order[begin .. end) of the current run and no others.
 */
#include "engine/store/feed.h"
#include "engine/store/schema.h"

#include <stdlib.h>

struct place {
    int64_t id;
    uint32_t row; /* index in the parcel's list */
    uint16_t series;
    uint8_t op;
};

struct feed {
    const struct agg_row *rows;
    const struct feed_series *series;
    struct place *order;
    size_t n, cap;
    size_t begin, end; /* the current run */
};

struct feed_table {
    sqlite3_vtab base;
    struct feed *feed;
};

struct feed_cursor {
    sqlite3_vtab_cursor base;
    const struct feed *feed;
    size_t at;
};

/* ---- SQLite's side ---- */

static int feed_connect(sqlite3 *db, void *arg, int argc, const char *const *argv,
                        sqlite3_vtab **out, char **error)
{
    struct feed_table *t = NULL;
    int rc = sqlite3_declare_vtab(db, "CREATE TABLE feed(" FEED_COLUMNS ")");

    (void)argc;
    (void)argv;
    (void)error;
    if (rc)
        return rc;
    t = sqlite3_malloc(sizeof(*t));
    if (!t)
        return SQLITE_NOMEM;
    *t = (struct feed_table){.feed = arg};
    *out = &t->base;
    return SQLITE_OK;
}

static int feed_disconnect(sqlite3_vtab *t)
{
    sqlite3_free(t);
    return SQLITE_OK;
}

static int feed_best_index(sqlite3_vtab *t, sqlite3_index_info *info)
{
    (void)t;
    info->estimatedCost = 1000;
    return SQLITE_OK;
}

static int feed_open_cursor(sqlite3_vtab *t, sqlite3_vtab_cursor **out)
{
    struct feed_cursor *c = sqlite3_malloc(sizeof(*c));

    if (!c)
        return SQLITE_NOMEM;
    *c = (struct feed_cursor){.feed = ((struct feed_table *)(void *)t)->feed};
    *out = &c->base;
    return SQLITE_OK;
}

static int feed_close_cursor(sqlite3_vtab_cursor *base)
{
    sqlite3_free(base);
    return SQLITE_OK;
}

static struct feed_cursor *cursor_of(sqlite3_vtab_cursor *base)
{
    return (struct feed_cursor *)(void *)base;
}

static int feed_filter(sqlite3_vtab_cursor *base, int plan, const char *name, int argc,
                       sqlite3_value **argv)
{
    struct feed_cursor *c = cursor_of(base);

    (void)plan;
    (void)name;
    (void)argc;
    (void)argv;
    c->at = c->feed->begin;
    return SQLITE_OK;
}

static int feed_step(sqlite3_vtab_cursor *base)
{
    cursor_of(base)->at++;
    return SQLITE_OK;
}

static int feed_at_end(sqlite3_vtab_cursor *base)
{
    const struct feed_cursor *c = cursor_of(base);

    return c->at >= c->feed->end;
}

static int feed_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *out)
{
    *out = (sqlite3_int64)cursor_of(base)->at;
    return SQLITE_OK;
}

/* The columns that are a number of the row as it is. `usual` ones are not set, which is NULL,
 * where they equal the revenue. */
static const struct {
    size_t at;
    bool usual;
} numbers[] = {
    [1] = {offsetof(struct agg_row, lines), false},
    [2] = {offsetof(struct agg_row, invoices), false},
    [3] = {offsetof(struct agg_row, customers), false},
    [4] = {offsetof(struct agg_row, units), false},
    [5] = {offsetof(struct agg_row, revenue), false},
    [6] = {offsetof(struct agg_row, return_lines), false},
    [7] = {offsetof(struct agg_row, return_units), false},
    [8] = {offsetof(struct agg_row, return_revenue), false},
    [9] = {offsetof(struct agg_row, min), true},
    [10] = {offsetof(struct agg_row, max), true},
    [12] = {offsetof(struct agg_row, p50), true},
    [13] = {offsetof(struct agg_row, p90), true},
    [14] = {offsetof(struct agg_row, p99), true},
};

/* The others. */
enum { COLUMN_ID = 0, COLUMN_SD = 11, COLUMN_END = 15, COLUMN_STATE = 16, COLUMN_OF = 17 };

static void number(sqlite3_context *out, const struct agg_row *r, int column)
{
    int64_t v;

    memcpy(&v, (const char *)r + numbers[column].at, sizeof(v));
    if (!numbers[column].usual || v != r->revenue)
        sqlite3_result_int64(out, v);
}

static int feed_column(sqlite3_vtab_cursor *base, sqlite3_context *out, int column)
{
    const struct feed_cursor *c = cursor_of(base);
    const struct place *place = &c->feed->order[c->at];
    const struct agg_row *r = &c->feed->rows[place->row];
    const struct feed_series *s = &c->feed->series[r->series];

    switch (column) {
    case COLUMN_ID:
        sqlite3_result_int64(out, place->id);
        break;
    case COLUMN_SD:
        sqlite3_result_double(out, r->sd);
        break;
    case COLUMN_END:
        if (s->by_end)
            sqlite3_result_int64(out, r->start_s);
        else if (!s->newest && r->end_s != r->start_s + s->span_s)
            sqlite3_result_int64(out, r->end_s);
        break;
    case COLUMN_STATE:
        sqlite3_result_int64(out, (int64_t)r->version * 2 + (r->final ? 1 : 0));
        break;
    case COLUMN_OF:
        if (s->newest)
            sqlite3_result_int64(out, r->start_s);
        break;
    default:
        number(out, r, column);
        break;
    }
    return SQLITE_OK;
}

/* Without xCreate it exists by its name alone and leaves no trace in the database. */
static const sqlite3_module feed_module = {
    .xConnect = feed_connect,
    .xDisconnect = feed_disconnect,
    .xBestIndex = feed_best_index,
    .xOpen = feed_open_cursor,
    .xClose = feed_close_cursor,
    .xFilter = feed_filter,
    .xNext = feed_step,
    .xEof = feed_at_end,
    .xColumn = feed_column,
    .xRowid = feed_rowid,
};

/* ---- our side ---- */

enum err feed_open(sqlite3 *db, struct feed **out, struct why *why)
{
    struct feed *f = calloc(1, sizeof(*f));
    int rc;

    if (!f)
        return why_set(why, ERR_NOMEM, "out of memory opening the database");
    rc = sqlite3_create_module_v2(db, "feed", &feed_module, f, NULL);
    if (rc) {
        feed_close(f);
        return sql_fail(db, rc, why);
    }
    *out = f;
    return ERR_OK;
}

void feed_close(struct feed *f)
{
    if (!f)
        return;
    free(f->order);
    free(f);
}

static int by_place(const void *a, const void *b)
{
    const struct place *x = a;
    const struct place *y = b;

    if (x->series != y->series)
        return x->series < y->series ? -1 : 1;
    if (x->id != y->id)
        return x->id < y->id ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

static enum err room(struct feed *f, size_t n, struct why *why)
{
    struct place *order = NULL;

    if (n <= f->cap)
        return ERR_OK;
    order = realloc(f->order, n * sizeof(*order));
    if (!order)
        return why_set(why, ERR_NOMEM, "out of memory writing %zu rows", n);
    f->order = order;
    f->cap = n;
    return ERR_OK;
}

static enum err place_row(const struct agg_row *r, const struct feed_series *s, struct place *p,
                          struct why *why)
{
    int64_t at_s = s->by_end ? r->end_s : r->start_s;

    if (!s->known)
        return why_set(why, ERR_INVALID, "a row of series %u, which was never added", r->series);
    if (r->key >= SCHEMA_KEYS)
        return why_set(why, ERR_LIMIT, "more than %lld different keys can't be stored",
                       (long long)SCHEMA_KEYS);
    if (at_s >= SCHEMA_START_MAX || at_s <= -SCHEMA_START_MAX)
        return why_set(why, ERR_LIMIT, "a window that %s %lld s from 1970 can't be stored",
                       s->by_end ? "ends" : "starts", (long long)at_s);
    p->id = s->newest ? (int64_t)r->key : schema_row_id(at_s, r->key);
    p->series = r->series;
    p->op = r->op;
    return ERR_OK;
}

enum err feed_rows(struct feed *f, const struct list *rows, const struct feed_series *series,
                   struct why *why)
{
    bool sorted = true;
    enum err e = room(f, rows->n, why);

    f->rows = (const struct agg_row *)(const void *)rows->p;
    f->series = series;
    f->n = f->begin = f->end = 0;
    for (size_t i = 0; !e && i < rows->n; i++) {
        const struct agg_row *r = &f->rows[i];

        f->order[i].row = (uint32_t)i;
        e = place_row(r, &series[r->series], &f->order[i], why);
        if (!e && i > 0 && by_place(&f->order[i - 1], &f->order[i]) > 0)
            sorted = false;
    }
    if (e)
        return e;
    f->n = rows->n;
    if (!sorted)
        qsort(f->order, f->n, sizeof(*f->order), by_place);
    return ERR_OK;
}

bool feed_next(struct feed *f, struct feed_run *out)
{
    const struct place *first = NULL;

    f->begin = f->end;
    if (f->begin == f->n)
        return false;
    first = &f->order[f->begin];
    while (f->end < f->n && f->order[f->end].series == first->series &&
           f->order[f->end].op == first->op)
        f->end++;
    *out = (struct feed_run){.series = first->series, .op = (enum row_op)first->op};
    return true;
}
