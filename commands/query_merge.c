/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * query_merge: one row out of two, for the same window and key in two databases.
 *
 * The standard deviation of the union follows from number, mean and deviation of the parts
 * (Chan, Golub, LeVeque 1979): with n lines, mean m and M = n sd^2,
 *
 *   M = M1 + M2 + (m2 - m1)^2 n1 n2 / (n1 + n2)
 */
#include "commands/query.h"
#include "commands/query_rows.h"

#include <math.h>

static double merged_sd(const struct agg_row *a, const struct agg_row *b)
{
    double n1 = (double)a->lines;
    double n2 = (double)b->lines;
    double apart;
    double squares;

    if (a->lines <= 0 || b->lines <= 0)
        return a->lines > 0 ? a->sd : b->sd;
    apart = (double)b->revenue / 1000000.0 / n2 - (double)a->revenue / 1000000.0 / n1;
    squares = n1 * a->sd * a->sd + n2 * b->sd * b->sd + apart * apart * n1 * n2 / (n1 + n2);
    return sqrt(squares / (n1 + n2));
}

void query_add(int64_t *into, int64_t from)
{
    int64_t sum;

    if (__builtin_add_overflow(*into, from, &sum))
        sum = from > 0 ? INT64_MAX : INT64_MIN;
    *into = sum;
}

void query_merge_rows(struct agg_row *into, const struct agg_row *from)
{
    into->sd = merged_sd(into, from);
    if (from->lines > into->lines) {
        into->p50 = from->p50;
        into->p90 = from->p90;
        into->p99 = from->p99;
    }
    query_add(&into->lines, from->lines);
    query_add(&into->invoices, from->invoices);
    query_add(&into->customers, from->customers);
    query_add(&into->units, from->units);
    query_add(&into->revenue, from->revenue);
    query_add(&into->return_lines, from->return_lines);
    query_add(&into->return_units, from->return_units);
    query_add(&into->return_revenue, from->return_revenue);
    into->min = from->min < into->min ? from->min : into->min;
    into->max = from->max > into->max ? from->max : into->max;
    into->end_s = from->end_s > into->end_s ? from->end_s : into->end_s;
    into->final = into->final && from->final;
    into->version = from->version > into->version ? from->version : into->version;
}

static int by_key(const void *a, const void *b)
{
    const struct query_row *x = a;
    const struct query_row *y = b;
    int c = str_cmp(query_row_key(x), query_row_key(y));

    return c ? c : query_in_order(a, b);
}

static bool is_same(const struct query_row *a, const struct query_row *b, bool overlap)
{
    if (!str_eq(query_row_key(a), query_row_key(b)))
        return false;
    if (a->by_end || b->by_end)
        return a->figures.start_s == b->figures.start_s && a->figures.end_s == b->figures.end_s;
    return overlap ? b->figures.start_s < a->figures.end_s
                   : a->figures.start_s == b->figures.start_s;
}

void query_merge_group(struct query_rows *g, bool overlap)
{
    size_t n = 0;

    query_rows_sort(g, by_key);
    for (size_t i = 0; i < g->list.n; i++) {
        const struct query_row *row = query_row_at(g, i);
        struct query_row *last = n ? query_row_at(g, n - 1) : NULL;

        if (last && is_same(last, row, overlap)) {
            query_merge_rows(&last->figures, &row->figures);
            last->shared = true;
        } else {
            *query_row_at(g, n++) = *row;
        }
    }
    g->list.n = n;
    query_rows_sort(g, query_in_order);
}
