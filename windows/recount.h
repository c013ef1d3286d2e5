/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * recount: exact cells of any windows, counted anew from ledgers.
 *
 * Rows tell neither which invoices they counted nor their quantile buckets, so a row that gets
 * a late sale when its window is long closed, or that is in two databases, is counted again:
 * say which are wanted, then give the ledgers, each of which is read once for all of them.
 * Memory follows the wanted rows; chunks in which none of them has a sale are not read.
 */
#ifndef TILLSTREAM_WINDOWS_RECOUNT_H
#define TILLSTREAM_WINDOWS_RECOUNT_H

#include "engine/keys.h"
#include "engine/ledger.h"
#include "engine/settings.h"
#include "windows/cellset.h"
#include "windows/span.h"

#define RECOUNT_SERIES_MAX ((size_t)SETTINGS_WINDOWS_MAX * SETTINGS_DIMENSIONS_MAX)

struct recount;

/* Numbers of a ledger to common ones, filled as they are met. Zeroed before its first use. */
struct recount_map {
    uint32_t *common; /* + 1; 0: not met yet */
    size_t n;
};

/* The ledger of one database. Its functions may fail with ERR_DAMAGED for an unknown number. */
struct recount_ledger {
    void *arg;
    enum err (*chunks)(void *arg, const struct ledger_walk *walk);
    enum err (*key)(void *arg, uint32_t id, uint32_t *common); /* NULL: they are the common ones */
    enum err (*invoice)(void *arg, uint64_t name, uint32_t *common);
    struct recount_map keys, invoices;
};

void recount_forget(struct recount_ledger *l); /* frees its maps */

/* What cells are made of: the common keys, and the hashes by common number of invoice, which
 * may move whenever `invoice` of a ledger is called. */
struct recount_setup {
    struct keys *keys;
    const uint64_t *(*invoice_hashes)(void *arg);
    void *arg;
};

enum err recount_open(const struct recount_setup *setup, struct recount **out) MUST_CHECK;
void recount_close(struct recount *r);

/* A window kept for a dimension, numbered from 0. ERR_LIMIT past RECOUNT_SERIES_MAX. */
enum err recount_series(struct recount *r, const struct dimension *d, uint32_t *series) MUST_CHECK;
/* The row of a key in [start, end); asking twice is fine. */
enum err recount_want(struct recount *r, uint32_t series, struct window_span span,
                      uint32_t key) MUST_CHECK;
/* Every key's row in one span: at most one such span for a series. */
enum err recount_want_all(struct recount *r, uint32_t series, struct window_span span) MUST_CHECK;

/* All that is wanted is said: from here on rows are numbered, by series, key and start. */
enum err recount_ready(struct recount *r) MUST_CHECK;
/* Called for each sale of a wanted row instead of counting it. fact->invoice is not set. */
typedef enum err (*recount_fn)(void *arg, size_t row, const struct fact *fact);
/* Counts a ledger's sales; with `each` not NULL they are shown to it instead. ERR_LIMIT when a
 * sum does not fit. */
enum err recount_count(struct recount *r, struct recount_ledger *l, recount_fn each,
                       void *arg) MUST_CHECK;
/* Counts one sale that is in no ledger, its numbers common ones. */
enum err recount_fact(struct recount *r, const struct fact *fact) MUST_CHECK;

struct recount_row {
    uint32_t series, key;
    struct window_span span;
    const struct cell *cell; /* lines == 0: no sales */
};

size_t recount_rows(const struct recount *r);
void recount_row(const struct recount *r, size_t i, struct recount_row *out);
bool recount_find(const struct recount *r, uint32_t series, uint32_t key, int64_t start_ms,
                  size_t *i);
/* The cells of a series of which all keys are wanted. */
const struct cellset *recount_all(const struct recount *r, uint32_t series);
/* Moves a row's cell out; cell_clear frees it. */
struct cell recount_take(struct recount *r, size_t i);
/* Fills in the measures of a row, key included. */
void recount_measures(const struct cell *c, struct agg_row *row);

#endif
