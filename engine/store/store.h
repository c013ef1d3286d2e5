/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * store: the SQLite database: results, books, positions and state in one transaction.
 *
 * One writer, held by an OS lock on `<db>-lock` that kill -9 frees. The pipeline hands over
 * parcels; with helper = true a thread applies them (a bounded queue of parcels is the
 * back-pressure), else store_send applies them at once: the database's content is the same.
 * WAL mode: readers are never blocked and never block.
 *
 * Layout (docs/ARCHITECTURE.md draws it): base tables of integers, and the public views of
 * the design over them. Each series (window x dimension) has its own rowid table whose
 * rowid packs (start_s << 30 | key), so that rows arrive in rowid order and are appended.
 */
#ifndef TILLSTREAM_ENGINE_STORE_H
#define TILLSTREAM_ENGINE_STORE_H

#include "engine/env.h"
#include "engine/parcel.h"

#define STORE_SCHEMA 1 /* PRAGMA user_version: of the tables */

struct store;

struct store_options {
    const char *path;
    bool helper; /* apply parcels on a second thread */
    struct env *env;
};

/* Opens for writing: takes the lock, creates or checks the schema. ERR_BUSY names the pid
 * that holds the lock; ERR_NEWER, ERR_DAMAGED (not a database, not ours), ERR_IO say what
 * to do. */
enum err store_open(const struct store_options *o, struct store **out, struct why *why) MUST_CHECK;
/* Stops the helper; what was sent without `commit` is rolled back. Frees the lock. */
void store_close(struct store *s);

/* Takes *p (which may wait for room in the queue) and gives back an empty one, or NULL when
 * none is at hand (then parcel_open); on an error *p stays the caller's. An error that happened on
 * the helper thread is returned by the next call; after an error nothing more is applied and all
 * further calls fail with it. A full disk, a locked database (SQLITE_BUSY by a foreign writer:
 * retried up to 10 s), an I/O error: `why` says what and that nothing was lost. */
enum err store_send(struct store *s, struct parcel **p, struct why *why) MUST_CHECK;
/* Waits until everything sent has been applied (and committed, where marked). */
enum err store_wait(struct store *s, struct why *why) MUST_CHECK;
/* Number of parcels with `commit` that are durable; the n-th sent is done when >= n. */
uint64_t store_commits(struct store *s);

/* Reading back what is committed, on the caller's thread (a connection of its own). */
/* What went wrong in the last of the functions below that was given no `why`: fills `why` in if
 * that is empty. Returns `e`, ERR_OK too. */
enum err store_explain(const struct store *s, enum err e, struct why *why);
enum err store_each_key(struct store *s, enum err (*each)(void *arg, uint32_t id, struct str text),
                        void *arg) MUST_CHECK;
/* `row` texts borrow until the next call. ERR_NOT_FOUND. */
struct stored_invoice {
    uint64_t id;
    struct str text, others;
    uint32_t customer, country, n_customers, n_countries;
    int64_t first_ms, last_ms, lines, units, revenue;
};
enum err store_invoice(struct store *s, struct str text, struct stored_invoice *out) MUST_CHECK;
enum err store_invoice_by_id(struct store *s, uint64_t id, struct stored_invoice *out) MUST_CHECK;
/* The highest id in use, 0 if none. */
enum err store_last_invoice(struct store *s, uint64_t *id) MUST_CHECK;
struct stored_source {
    int64_t id;
    struct str path, codec;
    uint64_t head_hash;
    uint32_t head_len;
};
enum err store_each_source(struct store *s,
                           enum err (*each)(void *arg, const struct stored_source *src),
                           void *arg) MUST_CHECK;
struct stored_progress {
    int64_t source;
    struct str shard, position;
    int64_t read, aggregated, late, rejected, pending, duplicates, watermark_ms;
};
enum err store_each_progress(struct store *s,
                             enum err (*each)(void *arg, const struct stored_progress *p),
                             void *arg) MUST_CHECK;
struct stored_series {
    uint16_t id;
    bool newest;
    struct str window, dimension;
    int64_t start_s, end_s;
};
enum err store_each_series(struct store *s,
                           enum err (*each)(void *arg, const struct stored_series *r),
                           void *arg) MUST_CHECK;
enum err store_each_ledger(struct store *s, uint64_t after_seq,
                           enum err (*each)(void *arg, uint64_t seq, uint32_t sales,
                                            struct str data),
                           void *arg) MUST_CHECK;
enum err store_each_dedup(struct store *s,
                          enum err (*each)(void *arg, uint64_t seq, const uint64_t hash[2],
                                           int64_t expires_ms),
                          void *arg) MUST_CHECK;
/* State parts by name prefix, in name order; checksums are verified: ERR_DAMAGED with the
 * part's name and what to do in `why`. */
enum err store_each_state(struct store *s, const char *prefix,
                          enum err (*each)(void *arg, struct str name, uint32_t version,
                                           struct str data),
                          void *arg, struct why *why) MUST_CHECK;

/* ---- late sales, requests, what recounting needs ---- */

struct stored_late {
    int64_t id, source, event_ms, slice_s;
    struct str shard, record; /* record: as sale_json wrote it */
};
/* Late sales that are not merged, with a higher id, in their order; ERR_END stops. */
enum err store_each_late(struct store *s, int64_t after_id,
                         enum err (*each)(void *arg, const struct stored_late *late),
                         void *arg) MUST_CHECK;
/* The version of the row of this series (of history), instance and key; 0: there is none. */
enum err store_row_version(struct store *s, const struct agg_row *row,
                           uint32_t *version) MUST_CHECK;
/* Chunks of the ledger before a number. */
struct ledger_walk;
enum err store_each_chunk(struct store *s, uint64_t before_seq,
                          const struct ledger_walk *walk) MUST_CHECK;
/* The oldest request nobody has answered; texts borrow until the next call. ERR_NOT_FOUND. */
struct stored_request {
    int64_t id;
    struct str kind, argument;
};
enum err store_next_request(struct store *s, struct stored_request *out) MUST_CHECK;

/* What the models think of an invoice, and what people said. Texts borrow until the next call.
 * ERR_NOT_FOUND: it was not judged yet. */
struct stored_verdict {
    struct str data; /* verdict_row.data */
    struct str said; /* feedback_row.said */
    bool final, flagged;
};
enum err store_verdict(struct store *s, uint64_t invoice, struct stored_verdict *out) MUST_CHECK;
/* All of which something is said, in the order in which it was. */
enum err store_each_feedback(struct store *s,
                             enum err (*each)(void *arg, const struct stored_verdict *v),
                             void *arg) MUST_CHECK;

/* A lasting text under a name, e.g. the settings that give the results their meaning.
 * Set: within the transaction of the next commit (sends a parcel-like job itself). */
enum err store_meta(struct store *s, const char *name,
                    struct buf *out) MUST_CHECK; /* ERR_NOT_FOUND */
enum err store_meta_set(struct store *s, const char *name, struct str value,
                        struct why *why) MUST_CHECK;

#endif
