/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * query_rows: what `query` holds of the rows it has read.
 *
 * Rows are of fixed size with their keys in one growing text, so that holding and sorting
 * hundreds of thousands costs two allocations. A row knows the text its key lies in, which
 * may move as it grows.
 */
#include "commands/query_rows.h"
#include "commands/query.h"

#include <stdlib.h>

#define TEXT_BYTES_MAX ((size_t)2 << 30)

double query_mean(const struct agg_row *r)
{
    return r->lines ? (double)r->revenue / 1000000.0 / (double)r->lines : 0;
}

/* ---- measures to rank by ---- */

const char *const query_measures[] = {
    "lines",        "invoices",       "customers", "units",    "revenue",   "return_lines",
    "return_units", "return_revenue", "min_line",  "max_line", "mean_line", "sd_line",
    "p50_line",     "p90_line",       "p99_line",  "score",    NULL};

/* In the order of query_measures. long double holds every int64. */
long double query_measure(const struct agg_row *r, int which)
{
    const long double all[] = {
        (long double)r->lines,         (long double)r->invoices,
        (long double)r->customers,     (long double)r->units,
        (long double)r->revenue,       (long double)r->return_lines,
        -(long double)r->return_units, -(long double)r->return_revenue,
        (long double)r->min,           (long double)r->max,
        (long double)query_mean(r),    (long double)r->sd,
        (long double)r->p50,           (long double)r->p90,
        (long double)r->p99,
    };

    return all[which];
}

int query_measure_index(const char *name)
{
    for (int i = 0; name && query_measures[i]; i++) {
        if (strcmp(name, query_measures[i]) == 0)
            return i;
    }
    return -1;
}

/* ---- rows ---- */

void query_rows_init(struct query_rows *r)
{
    list_init(&r->list, sizeof(struct query_row));
    buf_init(&r->text, TEXT_BYTES_MAX);
}

void query_rows_clear(struct query_rows *r)
{
    list_clear(&r->list);
    buf_clear(&r->text);
}

struct str query_row_key(const struct query_row *r)
{
    return (struct str){r->key.n ? r->text->p + r->key.at : "", r->key.n};
}

struct query_row *query_row_at(const struct query_rows *r, size_t i)
{
    return list_at(&r->list, i);
}

enum err query_rows_add(struct query_rows *r, const struct query_row *row, struct str key)
{
    struct span at = {(uint32_t)r->text.n, (uint32_t)key.n};
    enum err e = r->text.n + key.n > UINT32_MAX ? ERR_LIMIT : buf_str(&r->text, key);
    struct query_row *copy = e ? NULL : list_add(&r->list);

    if (!copy)
        return e ? e : ERR_NOMEM;
    *copy = *row;
    copy->text = &r->text;
    copy->key = at;
    return ERR_OK;
}

static int by_number(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

int query_in_order(const void *a, const void *b)
{
    const struct query_row *x = a;
    const struct query_row *y = b;
    int c = by_number(x->order, y->order);

    c = c ? c : by_number(x->figures.start_s, y->figures.start_s);
    if (!c && (x->by_end || y->by_end))
        c = by_number(x->figures.end_s, y->figures.end_s);
    return c ? c : str_cmp(query_row_key(x), query_row_key(y));
}

int query_by_rank(const void *a, const void *b)
{
    const struct query_row *x = a;
    const struct query_row *y = b;

    if (x->rank != y->rank)
        return x->rank > y->rank ? -1 : 1;
    return query_in_order(a, b);
}

void query_rows_sort(struct query_rows *r, int (*compare)(const void *, const void *))
{
    if (r->list.n > 1)
        qsort(r->list.p, r->list.n, r->list.size, compare);
}

enum err query_rows_cut(struct query_rows *r, size_t n)
{
    struct buf text;
    enum err e = ERR_OK;

    if (n >= r->list.n)
        return ERR_OK;
    buf_init(&text, TEXT_BYTES_MAX);
    for (size_t i = 0; !e && i < n; i++)
        e = buf_str(&text, query_row_key(query_row_at(r, i)));
    if (e) {
        buf_clear(&text);
        return e;
    }
    r->list.n = n;
    for (size_t i = 0, at = 0; i < n; i++) {
        struct query_row *row = query_row_at(r, i);

        row->key.at = (uint32_t)at;
        at += row->key.n;
    }
    buf_clear(&r->text);
    r->text = text;
    return ERR_OK;
}
