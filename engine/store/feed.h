/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * feed: a parcel's rows as a table that SQLite can select from, in the order of their ids.
 */
#ifndef TILLSTREAM_ENGINE_STORE_FEED_H
#define TILLSTREAM_ENGINE_STORE_FEED_H

#include "engine/parcel.h"
#include "engine/store/sql.h"

/* The columns of feed, in order; also those of the tables rows_<series>. */
#define FEED_COLUMNS                                                                               \
    "id, lines, invoices, customers, units, revenue, return_lines, return_units, return_revenue,"  \
    " min, max, sd, p50, p90, p99, end_s, state, \"of\""

struct feed;

/* Makes the table `feed` known to a connection. Close the connection before the feed. */
enum err feed_open(sqlite3 *db, struct feed **out, struct why *why) MUST_CHECK;
void feed_close(struct feed *f);

/* What a series needs for its rows to be packed. */
struct feed_series {
    bool known, newest, by_end;
    int64_t span_s;
};

/* Takes the rows of a parcel (borrowed until the next call), ordered by series, id and
 * arrival. `series` is indexed by series id and covers all 65,536. ERR_INVALID for a series
 * that is not known, ERR_LIMIT for a key or a time too big for an id. */
enum err feed_rows(struct feed *f, const struct list *rows, const struct feed_series *series,
                   struct why *why) MUST_CHECK;

/* The next run of rows with one series and one operation: selecting from `feed` gives just
 * these. false: no more. */
struct feed_run {
    uint16_t series;
    enum row_op op;
};
bool feed_next(struct feed *f, struct feed_run *out);

#endif
