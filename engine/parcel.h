/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * parcel: everything the pipeline hands to the store (and later to other sinks) in one
 * piece: finished rows, changed books, rejects, positions, state. Data only; filled by the
 * pipeline, windows and books, then taken whole by the store, which applies it in the
 * order of the lists below. All parcels up to and including one marked `commit` become
 * durable in one transaction.
 *
 * Texts lie in `text`; a struct span says where.
 */
#ifndef TILLSTREAM_ENGINE_PARCEL_H
#define TILLSTREAM_ENGINE_PARCEL_H

#include "engine/buf.h"
#include "engine/err.h"
#include "engine/str.h"

struct span {
    uint32_t at, n;
};

/* A growable array of fixed-size items. */
struct list {
    char *p;
    size_t n, cap, size; /* items, items allocated, bytes per item */
};

void list_init(struct list *l, size_t size);
void list_clear(struct list *l);
void *list_add(struct list *l);                   /* a zeroed new item, NULL: out of memory */
void *list_put(struct list *l, const void *item); /* a copy of it */
void *list_at(const struct list *l, size_t i);    /* i < n; valid until the next add */

/* One row of one window, dimension and key. */
enum row_op { ROW_PUT, ROW_DELETE };

struct agg_row {
    uint16_t series; /* series_row.id */
    uint8_t op, final;
    uint32_t version;       /* 0 while open */
    uint32_t key;           /* key_row.id */
    int64_t start_s, end_s; /* seconds since 1970 */
    int64_t lines, invoices, customers;
    int64_t units, revenue; /* money in millionths */
    int64_t return_lines, return_units, return_revenue;
    int64_t min, max, p50, p90, p99; /* line value, millionths */
    double sd;                       /* of the line value, in money */
};

/* A window kept for a dimension. `newest`: at most one row per key, all of the window
 * instance [start_s, end_s) named here; the start and end in its agg_rows say to which
 * instance that row's version and final belong. `by_end`: instances share their start, so
 * rows are told apart by their end; whoever ends later starts no earlier. */
struct series_row {
    uint16_t id;
    bool newest, by_end;
    struct span window, dimension;
    int64_t span_s;          /* usual length: end_s - start_s; 0: varies (sessions, months) */
    int64_t start_s, end_s;  /* newest only */
    int64_t delete_before_s; /* no commit from here on leaves rows with start_s before this,
                              * until the series is given another; INT64_MIN: says nothing */
};

struct key_row { /* a key text, numbered once and for ever; id 0 is "" */
    uint32_t id;
    struct span text;
};

struct invoice_row { /* absolute values; replaces the stored row with this id */
    uint64_t id;
    struct span text;
    uint32_t customer, country; /* key ids of its first sale */
    int64_t first_ms, last_ms;
    int64_t lines, units, revenue;
    uint32_t n_customers, n_countries;
    struct span others; /* engine/books' own encoding of further customers and countries */
};

struct customer_row { /* to be added to the stored row of this customer */
    uint32_t key;
    uint32_t country; /* of its latest sale: replaces when last_ms >= the stored one's */
    int64_t first_ms, last_ms;
    int64_t lines, invoices, units, revenue, return_revenue;
};

/* What the models think of an invoice; replaces the stored one. */
struct verdict_row {
    uint64_t invoice; /* invoice_row.id */
    int64_t time_ms;  /* of its first line */
    bool final, flagged;
    double score, p_value;
    uint64_t cancels; /* the invoice that this credit takes back; 0: none */
    struct span data; /* the evidence, models' own encoding */
};

/* Something out of the ordinary, with its reasons in words; replaces the one of this id, but
 * for what people said of it. */
enum anomaly_state { ANOMALY_PROVISIONAL, ANOMALY_FINAL, ANOMALY_WITHDRAWN };

struct anomaly_row {
    struct span id;      /* "invoice:541431"; names it for ever */
    struct span kind;    /* "invoice", "line", "series" */
    struct span subject; /* the rest of the id */
    enum anomaly_state state;
    int64_t time_ms;
    uint64_t invoice;           /* invoice_row.id; 0: none */
    uint32_t customer, country; /* key ids */
    bool alert;                 /* once final, somebody is to be told: it goes to the outbox */
    int64_t revenue;
    double score, p_value;
    struct span rank_reason; /* the feature that weighs most */
    struct span reasons;     /* JSON array of {feature, value, usual, weight, text} */
    struct span text;        /* one sentence */
};

/* What became of an attempt to tell somebody of an anomaly. */
struct sent_row {
    struct span id;  /* anomaly_row.id */
    int64_t at_ms;   /* the clock then */
    int64_t next_ms; /* when to try again, unless done */
    uint32_t tries;  /* so far */
    bool done;       /* with an error: given up */
    struct span error;
};

/* A forecast; replaces that of the same dimension, key, measure, horizon, window and time. */
struct forecast_row {
    const char *dimension, *measure, *horizon; /* of static storage; "hour", "nowcast", "day" */
    uint32_t key;
    int64_t window_s, made_ms; /* start of what is foretold; watermark when it was */
    double predicted, lower, upper;
    double week_ago, holt_winters; /* what the baselines say; NAN: nothing */
    double actual;                 /* NAN: not known yet */
};

/* What a person said of an invoice. */
struct feedback_row {
    uint64_t invoice;
    struct span said; /* "ok", "flag"; empty: taken back */
    struct span by;
    int64_t at_ms;
};

struct reject_row {
    int64_t source;
    struct span shard, position, reason, raw;
    int64_t seen_ms;
};

struct late_row {
    int64_t source;
    struct span shard, position, reason, record; /* record: the sale as one line of JSON */
    int64_t event_ms, slice_s, seen_ms;
};

struct merged_row {    /* a late sale that is counted after all */
    int64_t id;        /* stored_late.id */
    int64_t merged_ms; /* the watermark then */
};

struct answer_row { /* what became of a request */
    int64_t id;     /* stored_request.id */
    struct span position, result;
};

struct source_row { /* absolute; replaces */
    int64_t id;
    struct span path;
    uint64_t head_hash;
    uint32_t head_len;
    struct span codec; /* codec_kind.save */
};

struct progress_row { /* absolute; replaces the row of (source, shard) */
    int64_t source;
    struct span shard, position;
    int64_t read, aggregated, late, rejected, pending, duplicates;
    int64_t watermark_ms;  /* WHEN_NONE: none yet */
    int64_t millis_behind; /* -1: not known */
    int64_t updated_ms;
};

struct ledger_row {            /* accepted sales in order of acceptance; encoding: engine/ledger */
    uint64_t seq;              /* counts up from 1 without gaps */
    int64_t first_ms, last_ms; /* smallest and largest event time in it */
    uint32_t sales;
    struct span data;
};

struct dedup_row {
    uint64_t seq; /* order of arrival, counts up */
    uint64_t hash[2];
    int64_t expires_ms; /* event time */
};

struct state_row { /* a part of the saved state; n == 0 with `gone` deletes it */
    struct span name;
    uint32_t version;
    bool gone;
    struct span data;
};

struct parcel {
    struct buf text;
    struct list series;    /* struct series_row */
    struct list keys;      /* struct key_row */
    struct list rows;      /* struct agg_row: later ones win */
    struct list invoices;  /* struct invoice_row */
    struct list customers; /* struct customer_row */
    struct list verdicts;  /* struct verdict_row */
    struct list anomalies; /* struct anomaly_row */
    struct list sent;      /* struct sent_row */
    struct list forecasts; /* struct forecast_row */
    struct list feedback;  /* struct feedback_row */
    struct list rejects;   /* struct reject_row */
    struct list late;      /* struct late_row */
    struct list merged;    /* struct merged_row */
    struct list answers;   /* struct answer_row */
    struct list sources;   /* struct source_row */
    struct list progress;  /* struct progress_row */
    struct list ledger;    /* struct ledger_row */
    struct list dedup;     /* struct dedup_row: added */
    uint64_t dedup_before; /* forget stored ones with seq below this */
    struct list states;    /* struct state_row */
    bool commit;
};

struct parcel *parcel_open(void); /* NULL: out of memory */
void parcel_close(struct parcel *p);
void parcel_reset(struct parcel *p);          /* empties, keeps memory */
size_t parcel_memory(const struct parcel *p); /* bytes it holds, in use or not */
/* Copies `s` into the parcel's text. */
enum err parcel_text(struct parcel *p, struct str s, struct span *out) MUST_CHECK;
struct str parcel_str(const struct parcel *p, struct span at);
/* Adds a part of the saved state; data NULL: the part is gone. */
enum err parcel_state(struct parcel *p, const char *name, uint32_t version,
                      const struct buf *data) MUST_CHECK;

#endif
