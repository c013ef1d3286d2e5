/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * query_recount: the seam between databases and windows/recount.
 *
 * Each database numbers its keys and invoices on its own; common numbers are given to texts as
 * they are met and kept for the whole question, so a text is read once. Many rows are counted
 * SHARED_MAX at a time, which bounds the memory; rows come in the order of time, so each time
 * only the chunks around them are read.
 */
#include "commands/query_recount.h"

#include "engine/settings.h"
#include "windows/recount.h"

#include <stdlib.h>

#define SHARED_MAX 50000

struct book {
    struct query_recount *owner;
    struct reader_db *db;
    struct recount_ledger ledger;
};

struct query_recount {
    struct keys *keys, *invoices;
    struct book book[QUERY_DBS_MAX];
    int n;
    struct why *why;
};

/* ---- texts to common numbers ---- */

struct text_search {
    struct keys *keys;
    uint32_t *common;
    bool found;
};

static enum err take_text(void *arg, int n, const char *const *names, const struct value *v)
{
    struct text_search *s = arg;

    (void)n;
    (void)names;
    s->found = true;
    return v[0].kind == VALUE_TEXT ? keys_id(s->keys, v[0].text, s->common) : ERR_DAMAGED;
}

static enum err common_number(struct book *b, const char *sql, int64_t id,
                              struct text_search *search)
{
    const struct value parameter = query_whole(id);
    const struct question ask = {.sql = sql, .parameters = &parameter, .n_parameters = 1};
    enum err e = reader_db_ask(b->db, &ask, take_text, search, b->owner->why);

    return e || search->found ? e : ERR_DAMAGED;
}

static enum err find_key(void *arg, uint32_t id, uint32_t *common)
{
    struct book *b = arg;
    struct text_search search = {.keys = b->owner->keys, .common = common};

    return common_number(b, "SELECT text FROM \"key\" WHERE id = ?", id, &search);
}

static enum err find_invoice(void *arg, uint64_t name, uint32_t *common)
{
    struct book *b = arg;
    struct text_search search = {.keys = b->owner->invoices, .common = common};

    return common_number(b, "SELECT text FROM invoice WHERE id = ?", (int64_t)name, &search);
}

static enum err each_chunk(void *arg, const struct ledger_walk *walk)
{
    struct book *b = arg;

    return reader_db_chunks(b->db, walk, b->owner->why);
}

static const uint64_t *invoice_hashes(void *arg)
{
    return keys_hashes(((struct query_recount *)arg)->invoices);
}

/* ---- life ---- */

enum err query_recount_open(struct query *q, struct query_recount **out)
{
    struct query_recount *c = calloc(1, sizeof(*c));
    enum err e = c ? keys_open(&c->keys) : ERR_NOMEM;

    if (!e)
        e = keys_open(&c->invoices);
    if (e) {
        query_recount_close(c);
        return e;
    }
    c->n = q->n_dbs;
    for (int i = 0; i < c->n; i++) {
        struct book *b = &c->book[i];

        *b = (struct book){.owner = c, .db = q->db[i]};
        b->ledger = (struct recount_ledger){
            .arg = b, .chunks = each_chunk, .key = find_key, .invoice = find_invoice};
    }
    *out = c;
    return ERR_OK;
}

void query_recount_close(struct query_recount *c)
{
    if (!c)
        return;
    for (int i = 0; i < c->n; i++)
        recount_forget(&c->book[i].ledger);
    keys_close(c->keys);
    keys_close(c->invoices);
    free(c);
}

/* ---- counting ---- */

static enum err begin(struct query_recount *c, const char *dimension, struct recount **out,
                      uint32_t *series)
{
    const struct recount_setup setup = {
        .keys = c->keys, .invoice_hashes = invoice_hashes, .arg = c};
    const struct dimension *d = settings_dimension(dimension);
    enum err e = d ? recount_open(&setup, out) : ERR_DAMAGED;

    return e ? e : recount_series(*out, d, series);
}

static enum err count(struct query_recount *c, struct recount *r)
{
    enum err e = recount_ready(r);

    for (int i = 0; !e && i < c->n; i++)
        e = recount_count(r, &c->book[i].ledger, NULL, NULL);
    return e;
}

/* The one key of the dimension "all" is called "*" and counted under no text. */
static enum err key_number(struct query_recount *c, const char *dimension, struct str key,
                           uint32_t *out)
{
    return keys_id(c->keys, strcmp(dimension, "all") == 0 ? STR("") : key, out);
}

static struct window_span span_of(const struct agg_row *r)
{
    return (struct window_span){r->start_s * 1000, r->end_s * 1000};
}

static enum err want_shared(struct query_recount *c, const char *dimension, struct recount *r,
                            struct query_row *row)
{
    uint32_t key = 0;
    enum err e = key_number(c, dimension, query_row_key(row), &key);

    row->figures.key = key; /* from here on the common number */
    return e ? e : recount_want(r, 0, span_of(&row->figures), key);
}

static void fill(const struct recount *r, struct query_row *row)
{
    struct recount_row counted;
    size_t at;

    if (!recount_find(r, 0, row->figures.key, row->figures.start_s * 1000, &at))
        return;
    recount_row(r, at, &counted);
    while (at > 0 && counted.span.end != row->figures.end_s * 1000) /* of those of one start */
        recount_row(r, --at, &counted);
    if (counted.cell->lines > 0)
        recount_measures(counted.cell, &row->figures);
}

/* The next rows to be recounted, from `from` on; *end: behind the last. */
static enum err count_some(struct query_recount *c, const char *dimension, struct query_rows *rows,
                           size_t from, size_t *end)
{
    struct recount *r = NULL;
    uint32_t series;
    size_t n = 0;
    enum err e = begin(c, dimension, &r, &series);

    for (*end = from; !e && *end < rows->list.n && n < SHARED_MAX; (*end)++) {
        struct query_row *row = query_row_at(rows, *end);

        if (!row->shared)
            continue;
        e = want_shared(c, dimension, r, row);
        n++;
    }
    if (!e && n > 0)
        e = count(c, r);
    for (size_t i = from; !e && i < *end; i++) {
        if (query_row_at(rows, i)->shared)
            fill(r, query_row_at(rows, i));
    }
    recount_close(r);
    return e;
}

static enum err told(enum err e, struct why *why)
{
    if (e && !why->text[0])
        (void)why_set(why, e, "the databases' sales could not be counted together: %s",
                      err_text(e));
    return e;
}

enum err query_recount_shared(struct query_recount *c, const char *dimension,
                              struct query_rows *rows, struct why *why)
{
    enum err e = ERR_OK;

    c->why = why;
    for (size_t from = 0, end; !e && from < rows->list.n; from = end)
        e = count_some(c, dimension, rows, from, &end);
    return e == ERR_LIMIT ? ERR_OK : told(e, why);
}

static enum err take_cells(struct query_recount *c, const struct query_window *w,
                           const struct cellset *set, struct query_rows *rows)
{
    enum err e = ERR_OK;

    for (uint32_t i = 0; !e && i < set->n; i++) {
        bool all = strcmp(w->dimension, "all") == 0;
        struct str key = all ? STR("*") : keys_text(c->keys, set->cell[i].key);
        struct query_row row = w->like;

        if (w->key && !str_eq(key, str_of(w->key)))
            continue;
        recount_measures(&set->cell[i], &row.figures);
        e = query_rows_add(rows, &row, key);
    }
    return e;
}

enum err query_recount_window(struct query_recount *c, const struct query_window *w,
                              struct query_rows *rows, struct why *why)
{
    struct recount *r = NULL;
    uint32_t series = 0;
    enum err e;

    c->why = why;
    e = begin(c, w->dimension, &r, &series);
    if (!e)
        e = recount_want_all(r, series, span_of(&w->like.figures));
    if (!e)
        e = count(c, r);
    if (!e)
        e = take_cells(c, w, recount_all(r, series), rows);
    recount_close(r);
    return told(e, why);
}
