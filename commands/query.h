/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * query: what the files query_*.c share.
 */
#ifndef TILLSTREAM_COMMANDS_QUERY_H
#define TILLSTREAM_COMMANDS_QUERY_H

#include "commands/print.h"
#include "engine/parcel.h"

#define QUERY_DBS_MAX 64
#define QUERY_NO_LIMIT (-1) /* --limit was not given */

/* The question, its options checked, and the databases it goes to. */
struct query {
    struct env *env;
    const char *what;
    const char *window, *dimension, *key, *by; /* NULL: not given */
    bool scores;                               /* of forecasts: how good they were */
    bool has_range;
    int64_t from_s, to_s; /* INT64_MIN, INT64_MAX: open */
    int64_t limit;        /* 0: all */
    enum print_format format;
    struct reader_db *db[QUERY_DBS_MAX];
    const char *name[QUERY_DBS_MAX]; /* as given */
    int n_dbs;
};

/* The limit that holds where none was given: `usual` for tables, none for data. */
int64_t query_limit(const struct query *q, int64_t usual);
/* Opens the output for these columns. */
enum err query_print(const struct query *q, const struct print_column *columns, int n,
                     struct print **out) MUST_CHECK;
/* Below a table: how many rows the limit left out. */
void query_more(const struct query *q, uint64_t more);

struct value query_text(const char *text);
struct value query_whole(int64_t v);
struct value query_real(double v);

/* Each answers one kind of question on stdout. */
enum err query_aggregates(struct query *q, struct why *why) MUST_CHECK;
enum err query_top(struct query *q, struct why *why) MUST_CHECK;
enum err query_customers(struct query *q, struct why *why) MUST_CHECK;
enum err query_invoices(struct query *q, struct why *why) MUST_CHECK;
enum err query_anomalies(struct query *q, struct why *why) MUST_CHECK;
enum err query_forecasts(struct query *q, struct why *why) MUST_CHECK;
enum err query_rejects(struct query *q, struct why *why) MUST_CHECK;
enum err query_late(struct query *q, struct why *why) MUST_CHECK;
enum err query_progress(struct query *q, struct why *why) MUST_CHECK;

/* Names that --by knows, NULL-terminated: for the table of options. The last, "score", is one
 * of anomalies alone. */
extern const char *const query_measures[];

/* Sums of one database fit; those of several may not: then the largest number there is. */
void query_add(int64_t *into, int64_t from);
/* Two rows of one window, dimension and key from different databases into one. Sums, extremes
 * and the standard deviation are exact. Distinct counts are added (at most that many), of the
 * quantiles those of the row with more lines are kept: rows alone don't tell more, which is
 * why query_recount.c follows. */
void query_merge_rows(struct agg_row *into, const struct agg_row *from);
/* Makes one row, `shared`, of those that are about the same window and key: with the same
 * start, or, where windows of a key never overlap (sessions), with a common moment. Then all
 * are in order. */
struct query_rows;
void query_merge_group(struct query_rows *g, bool overlap);

#endif
