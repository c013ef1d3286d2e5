/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * query_rows: rows of windows in memory, their order and rank.
 */
#ifndef TILLSTREAM_COMMANDS_QUERY_ROWS_H
#define TILLSTREAM_COMMANDS_QUERY_ROWS_H

#include "engine/parcel.h"

struct query_row {
    struct agg_row figures;
    const struct buf *text; /* what key lies in */
    struct span key;
    uint32_t order; /* of its window and dimension */
    bool shared;    /* made of rows of several databases */
    bool by_end;    /* of a series whose instances share their start */
    long double rank;
};

struct query_rows {
    struct list list; /* struct query_row */
    struct buf text;
};

void query_rows_init(struct query_rows *r);
void query_rows_clear(struct query_rows *r); /* frees */
/* A copy of `row` with this key. */
enum err query_rows_add(struct query_rows *r, const struct query_row *row,
                        struct str key) MUST_CHECK;
struct query_row *query_row_at(const struct query_rows *r, size_t i);
struct str query_row_key(const struct query_row *r);

/* By window and dimension, start (by_end: then end), key. */
int query_in_order(const void *a, const void *b);
/* Largest rank first. */
int query_by_rank(const void *a, const void *b);
void query_rows_sort(struct query_rows *r, int (*compare)(const void *, const void *));
/* Keeps the first n rows, and only their texts. */
enum err query_rows_cut(struct query_rows *r, size_t n) MUST_CHECK;

double query_mean(const struct agg_row *r); /* of the line value */
int query_measure_index(const char *name);  /* in query_measures; -1: none */
/* In units of their own, larger is more: what rows are ranked by. */
long double query_measure(const struct agg_row *r, int which);

#endif
