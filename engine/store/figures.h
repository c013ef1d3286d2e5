/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * figures: the rows of windows as numbers, read by ranges of time; what queries and the HTTP
 * interface use where the view `aggregates` would have to look at every row.
 */
#ifndef TILLSTREAM_ENGINE_STORE_FIGURES_H
#define TILLSTREAM_ENGINE_STORE_FIGURES_H

#include "engine/parcel.h"
#include "engine/store/reader.h"

#define FIGURES_NAME_MAX 64 /* bytes of a window's or dimension's name, with NUL */

/* A window kept for a dimension, as one database has it. */
struct figures_series {
    int64_t id;
    bool newest, by_end; /* as in struct series_row */
    char window[FIGURES_NAME_MAX], dimension[FIGURES_NAME_MAX];
    int64_t span_s, start_s, end_s;
};

/* Appends the series of a database to a list of struct figures_series, in their order. */
enum err figures_series(struct reader_db *r, struct list *out, struct why *why) MUST_CHECK;

struct figures_filter {
    bool has_key;
    struct str key;
    int64_t from_s, to_s; /* from <= window_start < to; INT64_MIN, INT64_MAX: open */
    bool newest_window;   /* of those, only the rows of the latest window_start; in a series by
                           * end, of the latest window_end */
};

/* Calls `each` for every row, by window_start (by_end: window_end), then key id. end_s, min, max
 * and the quantiles are filled in; version and final are those of the row's window. `key` borrows
 * until the call returns. `each` may return ERR_END to stop early. */
typedef enum err (*figures_fn)(void *arg, const struct agg_row *row, struct str key);
enum err figures_rows(struct reader_db *r, const struct figures_series *s,
                      const struct figures_filter *filter, figures_fn each, void *arg,
                      struct why *why) MUST_CHECK;

#endif
