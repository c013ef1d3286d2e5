/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * apply: parcels into tables.
 *
 * A transaction begins with the first parcel after a commit and ends with the first parcel
 * that says `commit`, so that positions, state and results become durable together. The
 * parts of a parcel are applied in the order in which struct parcel lists them.
 *
 * The write-ahead log is copied back into the database between transactions, never within
 * one: passively (readers go on) once it is longer than WAL_BYTES. If readers have kept it
 * from starting over until it is WAL_RESTART times that, the writer waits for them a moment,
 * and again when it has grown by a quarter: somebody may keep a snapshot for hours, and the log
 * must hold what has been written since.
 *
 * Invariants:
 *  1. Statements are prepared once and live until apply_close.
 *  2. open is true exactly while a transaction is running.
 *  3. series[] holds what the table `series` holds, uncommitted rows included; after a
 *     rollback nothing more is applied, so the difference is never seen.
 *  4. expiring names each series with a delete_before_s once; no transaction commits a row of
 *     theirs that starts before it. Deleted once per transaction, after all its rows, so that
 *     what is left depends neither on parcels nor on transactions.
 */
#include "engine/store/apply.h"
#include "engine/crash.h"
#include "engine/store/crc.h"
#include "engine/store/feed.h"
#include "engine/store/findings.h"
#include "engine/store/schema.h"
#include "engine/store/values.h"
#include "engine/store/views.h"

#include <stdio.h>
#include <stdlib.h>

#define SERIES_COUNT 65536 /* every series id there can be */
#define WAL_BYTES (16 << 20)
#define WAL_RESTART 8
#define WAL_WAIT_MS 100

enum statement {
    ST_BEGIN,
    ST_COMMIT,
    ST_META,
    ST_SERIES,
    ST_KEY,
    ST_INVOICE,
    ST_CUSTOMER,
    ST_REJECT,
    ST_LATE,
    ST_MERGED,
    ST_MERGED_COUNT,
    ST_ANSWER,
    ST_SOURCE,
    ST_SHARD,
    ST_LEDGER,
    ST_DEDUP,
    ST_DEDUP_FORGET,
    ST_STATE,
    ST_STATE_GONE,
    ST_COUNT
};

static const char *const statement_texts[ST_COUNT] = {
    [ST_BEGIN] = "BEGIN IMMEDIATE",
    [ST_COMMIT] = "COMMIT",
    [ST_META] = "REPLACE INTO meta VALUES(?, ?)",
    [ST_SERIES] = "REPLACE INTO series VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
    [ST_KEY] = "REPLACE INTO \"key\" VALUES(?, ?)",
    [ST_INVOICE] =
        ("INSERT INTO invoice VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT(id) DO UPDATE"
         " SET customer = excluded.customer, country = excluded.country,"
         " first_ms = excluded.first_ms, last_ms = excluded.last_ms, lines = excluded.lines,"
         " units = excluded.units, revenue = excluded.revenue,"
         " n_customers = excluded.n_customers, n_countries = excluded.n_countries,"
         " others = excluded.others"),
    [ST_CUSTOMER] =
        ("INSERT INTO customer VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT(\"key\") DO UPDATE"
         " SET country = CASE WHEN excluded.last_ms >= last_ms THEN excluded.country"
         " ELSE country END,"
         " first_ms = min(first_ms, excluded.first_ms), last_ms = max(last_ms, excluded.last_ms),"
         " lines = lines + excluded.lines, invoices = invoices + excluded.invoices,"
         " units = units + excluded.units, revenue = revenue + excluded.revenue,"
         " return_revenue = return_revenue + excluded.return_revenue"),
    [ST_REJECT] = "INSERT INTO reject VALUES(NULL, ?, ?, ?, ?, ?, ?)",
    [ST_LATE] = "INSERT INTO late_sale VALUES(NULL, ?, ?, ?, ?, ?, ?, ?, NULL, ?)",
    [ST_MERGED] = "UPDATE late_sale SET merged_ms = ? WHERE id = ? AND merged_ms IS NULL",
    [ST_MERGED_COUNT] =
        ("UPDATE shard SET late = late - 1, aggregated = aggregated + 1 WHERE (source, shard) ="
         " (SELECT source, shard FROM late_sale WHERE id = ?)"),
    [ST_ANSWER] = "UPDATE requests SET applied_position = ?, result = ? WHERE id = ?",
    [ST_SOURCE] =
        ("INSERT INTO source VALUES(?1, ?2, (SELECT count(*) FROM source WHERE path = ?2) + 1, ?3,"
         " ?4, ?5) ON CONFLICT(id) DO UPDATE SET head_hash = excluded.head_hash,"
         " head_len = excluded.head_len, codec = excluded.codec"),
    [ST_SHARD] = "REPLACE INTO shard VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    [ST_LEDGER] = "REPLACE INTO ledger VALUES(?, ?, ?, ?, ?, ?)",
    [ST_DEDUP] = "REPLACE INTO dedup VALUES(?, ?, ?, ?)",
    [ST_DEDUP_FORGET] = "DELETE FROM dedup WHERE seq < ?",
    [ST_STATE] = "REPLACE INTO state VALUES(?, ?, ?, ?)",
    [ST_STATE_GONE] = "DELETE FROM state WHERE name = ?",
};

/* The statements of one series, made when first used. */
struct series_statements {
    sqlite3_stmt *put, *drop, *drop_before;
    int64_t delete_before_s;
    bool expires; /* delete_before_s is set */
};

struct apply {
    sqlite3 *db;
    struct feed *feed;
    struct findings *findings;
    sqlite3_stmt *statement[ST_COUNT];
    struct feed_series *series;          /* SERIES_COUNT */
    struct series_statements *of_series; /* SERIES_COUNT */
    int n_series;                        /* all that are known have ids below it */
    struct list expiring;                /* uint16_t: series */
    struct crc_table crc;
    int wal_pages;   /* in the log after the last commit */
    int64_t wait_at; /* bytes in the log when the writer next waits for readers */
    int64_t page_size;
    bool open;
};

/* ---- series ---- */

static void note_id(struct apply *a, int id)
{
    a->n_series = id >= a->n_series ? id + 1 : a->n_series;
}

static enum err load_series(struct apply *a, struct why *why)
{
    sqlite3_stmt *statement = NULL;
    bool row = false;
    enum err e =
        sql_prepare(a->db, "SELECT id, newest, span_s, by_end FROM series", &statement, why);

    if (!e)
        e = sql_next(statement, &row, why);
    while (!e && row) {
        int64_t id = sqlite3_column_int64(statement, 0);

        if (id >= 0 && id < SERIES_COUNT) {
            note_id(a, (int)id);
            a->series[id] = (struct feed_series){.known = true,
                                                 .newest = sqlite3_column_int(statement, 1) != 0,
                                                 .span_s = sqlite3_column_int64(statement, 2),
                                                 .by_end = sqlite3_column_int(statement, 3) != 0};
        }
        e = sql_next(statement, &row, why);
    }
    (void)sqlite3_finalize(statement);
    return e;
}

static enum err series_statement(struct apply *a, unsigned id, const char *format,
                                 sqlite3_stmt **statement, struct why *why)
{
    char *sql = NULL;
    enum err e;

    if (*statement)
        return ERR_OK;
    sql = sqlite3_mprintf(format, id, id);
    if (!sql)
        return why_set(why, ERR_NOMEM, "out of memory writing results");
    e = sql_prepare(a->db, sql, statement, why);
    sqlite3_free(sql);
    return e;
}

static enum err note_expiry(struct apply *a, const struct series_row *r, struct why *why)
{
    struct series_statements *s = &a->of_series[r->id];
    uint16_t *id = NULL;

    if (r->newest || r->delete_before_s == INT64_MIN)
        return ERR_OK;
    s->delete_before_s = r->delete_before_s;
    if (s->expires)
        return ERR_OK;
    id = list_add(&a->expiring);
    if (!id)
        return why_set(why, ERR_NOMEM, "out of memory writing results");
    *id = r->id;
    s->expires = true;
    return ERR_OK;
}

/* The first id of a row that starts at or after a time. */
static int64_t id_from(int64_t start_s)
{
    if (start_s >= SCHEMA_START_MAX)
        return INT64_MAX;
    return start_s <= -SCHEMA_START_MAX ? INT64_MIN : schema_row_id(start_s, 0);
}

/* By start, rows by end are in order too: those to be deleted are the first. */
static enum err delete_before(struct apply *a, uint16_t id, struct why *why)
{
    static const char by_start[] = "DELETE FROM rows_%u WHERE id < ?";
    static const char by_end[] = "DELETE FROM rows_%u WHERE id < coalesce((SELECT id FROM rows_%u"
                                 " WHERE end_s >= ? ORDER BY id LIMIT 1), 9223372036854775807)";
    struct series_statements *s = &a->of_series[id];
    bool ends = a->series[id].by_end;
    enum err e = series_statement(a, id, ends ? by_end : by_start, &s->drop_before, why);
    struct binder b;

    if (e)
        return e;
    b = bind_to(s->drop_before);
    bind_whole(&b, ends ? s->delete_before_s : id_from(s->delete_before_s));
    return bind_run(&b, why);
}

/* A new series gets its table; *changed: the view has to be made anew. */
static enum err add_series(struct apply *a, const struct series_row *r, bool *changed,
                           struct why *why)
{
    struct feed_series now = {
        .known = true, .newest = r->newest, .by_end = r->by_end, .span_s = r->span_s};
    struct feed_series *was = &a->series[r->id];
    enum err e = ERR_OK;

    if (was->known && (was->newest != now.newest || was->by_end != now.by_end))
        return why_set(why, ERR_INVALID,
                       "series %u can't change between history and newest, or between rows told "
                       "apart by start and by end: is the database damaged? Restore a copy",
                       r->id);
    if (!was->known)
        e = schema_add_series(a->db, r->id, why);
    note_id(a, r->id);
    if (!was->known || was->span_s != now.span_s)
        *changed = true;
    if (!e)
        *was = now;
    return e;
}

static enum err put_series(struct apply *a, const struct parcel *p, const struct series_row *r,
                           struct why *why)
{
    struct str window = parcel_str(p, r->window);
    struct str dimension = parcel_str(p, r->dimension);
    struct binder b = bind_to(a->statement[ST_SERIES]);

    if (memchr(window.p, 0, window.n) || memchr(dimension.p, 0, dimension.n))
        return why_set(why, ERR_INVALID, "the name of a window or dimension holds a NUL byte");
    bind_whole(&b, r->id);
    bind_text(&b, window);
    bind_text(&b, dimension);
    bind_whole(&b, r->newest);
    bind_whole(&b, r->span_s);
    bind_whole(&b, r->start_s);
    bind_whole(&b, r->end_s);
    bind_whole(&b, r->by_end);
    return bind_run(&b, why);
}

static enum err all_series(struct apply *a, const struct parcel *p, struct why *why)
{
    bool changed = false;
    enum err e = ERR_OK;

    for (size_t i = 0; !e && i < p->series.n; i++) {
        const struct series_row *r = list_at(&p->series, i);

        e = add_series(a, r, &changed, why);
        if (!e)
            e = put_series(a, p, r, why);
        if (!e)
            e = note_expiry(a, r, why);
    }
    return !e && changed ? views_series(a->db, why) : e;
}

/* Before the commit: of the transaction's own rows some may be too old already. */
static enum err all_deletions(struct apply *a, struct why *why)
{
    enum err e = ERR_OK;

    for (size_t i = 0; !e && i < a->expiring.n; i++)
        e = delete_before(a, *(const uint16_t *)list_at(&a->expiring, i), why);
    return e;
}

/* ---- rows ---- */

static enum err all_rows(struct apply *a, const struct parcel *p, struct why *why)
{
    struct feed_run run;
    enum err e = feed_rows(a->feed, &p->rows, a->series, why);

    while (!e && feed_next(a->feed, &run)) {
        struct series_statements *s = &a->of_series[run.series];

        if (run.op == ROW_PUT) {
            e = series_statement(a, run.series, "REPLACE INTO rows_%u SELECT * FROM feed", &s->put,
                                 why);
            e = e ? e : sql_run(s->put, why);
        } else {
            e = series_statement(a, run.series,
                                 "DELETE FROM rows_%u WHERE id IN (SELECT id FROM feed)", &s->drop,
                                 why);
            e = e ? e : sql_run(s->drop, why);
        }
    }
    return e;
}

static enum err one_key(struct apply *a, const struct parcel *p, const void *item, struct why *why)
{
    const struct key_row *r = item;
    struct binder b = bind_to(a->statement[ST_KEY]);

    bind_whole(&b, r->id);
    bind_text(&b, parcel_str(p, r->text));
    return bind_run(&b, why);
}

static enum err one_invoice(struct apply *a, const struct parcel *p, const void *item,
                            struct why *why)
{
    const struct invoice_row *r = item;
    struct binder b = bind_to(a->statement[ST_INVOICE]);

    bind_whole(&b, (int64_t)r->id);
    bind_text(&b, parcel_str(p, r->text));
    bind_whole(&b, r->customer);
    bind_whole(&b, r->country);
    bind_whole(&b, r->first_ms);
    bind_whole(&b, r->last_ms);
    bind_whole(&b, r->lines);
    bind_whole(&b, r->units);
    bind_whole(&b, r->revenue);
    bind_whole(&b, r->n_customers);
    bind_whole(&b, r->n_countries);
    if (r->others.n)
        bind_blob(&b, parcel_str(p, r->others));
    else
        bind_null(&b);
    return bind_run(&b, why);
}

static enum err one_customer(struct apply *a, const struct parcel *p, const void *item,
                             struct why *why)
{
    const struct customer_row *r = item;
    struct binder b = bind_to(a->statement[ST_CUSTOMER]);

    (void)p;
    bind_whole(&b, r->key);
    bind_whole(&b, r->country);
    bind_whole(&b, r->first_ms);
    bind_whole(&b, r->last_ms);
    bind_whole(&b, r->lines);
    bind_whole(&b, r->invoices);
    bind_whole(&b, r->units);
    bind_whole(&b, r->revenue);
    bind_whole(&b, r->return_revenue);
    return bind_run(&b, why);
}

/* A position is a number where it can be one, so that people can sort by it. */
static void bind_position(struct binder *b, struct str position)
{
    int64_t number;

    if (values_whole(position, &number))
        bind_whole(b, number);
    else
        bind_text(b, position);
}

static enum err one_reject(struct apply *a, const struct parcel *p, const void *item,
                           struct why *why)
{
    const struct reject_row *r = item;
    struct str raw = parcel_str(p, r->raw);
    struct binder b = bind_to(a->statement[ST_REJECT]);

    bind_whole(&b, r->source);
    bind_text(&b, parcel_str(p, r->shard));
    bind_position(&b, parcel_str(p, r->position));
    bind_text(&b, parcel_str(p, r->reason));
    if (values_is_text(raw))
        bind_text(&b, raw);
    else
        bind_blob(&b, raw);
    bind_whole(&b, r->seen_ms);
    return bind_run(&b, why);
}

static enum err one_late(struct apply *a, const struct parcel *p, const void *item, struct why *why)
{
    const struct late_row *r = item;
    struct binder b = bind_to(a->statement[ST_LATE]);

    bind_whole(&b, r->source);
    bind_text(&b, parcel_str(p, r->shard));
    bind_position(&b, parcel_str(p, r->position));
    bind_text(&b, parcel_str(p, r->reason));
    bind_whole(&b, r->event_ms);
    bind_whole(&b, r->slice_s);
    bind_text(&b, parcel_str(p, r->record));
    bind_whole(&b, r->seen_ms);
    return bind_run(&b, why);
}

/* The counts of the shard being read follow as a whole (one_progress). */
static enum err one_merged(struct apply *a, const struct parcel *p, const void *item,
                           struct why *why)
{
    const struct merged_row *r = item;
    struct binder b = bind_to(a->statement[ST_MERGED]);
    enum err e;

    (void)p;
    bind_whole(&b, r->merged_ms);
    bind_whole(&b, r->id);
    e = bind_run(&b, why);
    if (!e && sqlite3_changes(a->db) != 1)
        e = why_set(why, ERR_DAMAGED, "late sale %lld is not there to be merged", (long long)r->id);
    if (e)
        return e;
    b = bind_to(a->statement[ST_MERGED_COUNT]);
    bind_whole(&b, r->id);
    return bind_run(&b, why);
}

static enum err one_answer(struct apply *a, const struct parcel *p, const void *item,
                           struct why *why)
{
    const struct answer_row *r = item;
    struct binder b = bind_to(a->statement[ST_ANSWER]);

    bind_text(&b, parcel_str(p, r->position));
    bind_text(&b, parcel_str(p, r->result));
    bind_whole(&b, r->id);
    return bind_run(&b, why);
}

static enum err one_source(struct apply *a, const struct parcel *p, const void *item,
                           struct why *why)
{
    const struct source_row *r = item;
    struct binder b = bind_to(a->statement[ST_SOURCE]);

    bind_whole(&b, r->id);
    bind_text(&b, parcel_str(p, r->path));
    bind_whole(&b, (int64_t)r->head_hash);
    bind_whole(&b, r->head_len);
    bind_blob(&b, parcel_str(p, r->codec));
    return bind_run(&b, why);
}

static void bind_unless(struct binder *b, int64_t value, int64_t unknown)
{
    if (value == unknown)
        bind_null(b);
    else
        bind_whole(b, value);
}

static enum err one_progress(struct apply *a, const struct parcel *p, const void *item,
                             struct why *why)
{
    const struct progress_row *r = item;
    struct binder b = bind_to(a->statement[ST_SHARD]);

    bind_whole(&b, r->source);
    bind_text(&b, parcel_str(p, r->shard));
    bind_position(&b, parcel_str(p, r->position));
    bind_whole(&b, r->read);
    bind_whole(&b, r->aggregated);
    bind_whole(&b, r->late);
    bind_whole(&b, r->rejected);
    bind_whole(&b, r->pending);
    bind_whole(&b, r->duplicates);
    bind_unless(&b, r->watermark_ms, INT64_MIN);
    bind_unless(&b, r->millis_behind, -1);
    bind_whole(&b, r->updated_ms);
    return bind_run(&b, why);
}

static enum err one_ledger(struct apply *a, const struct parcel *p, const void *item,
                           struct why *why)
{
    const struct ledger_row *r = item;
    struct str data = parcel_str(p, r->data);
    struct binder b = bind_to(a->statement[ST_LEDGER]);

    bind_whole(&b, (int64_t)r->seq);
    bind_whole(&b, r->first_ms);
    bind_whole(&b, r->last_ms);
    bind_whole(&b, r->sales);
    bind_whole(&b, values_ledger_crc(&a->crc, r->seq, r->sales, data));
    bind_blob(&b, data);
    return bind_run(&b, why);
}

static enum err one_dedup(struct apply *a, const struct parcel *p, const void *item,
                          struct why *why)
{
    const struct dedup_row *r = item;
    struct binder b = bind_to(a->statement[ST_DEDUP]);

    (void)p;
    bind_whole(&b, (int64_t)r->seq);
    bind_whole(&b, (int64_t)r->hash[0]);
    bind_whole(&b, (int64_t)r->hash[1]);
    bind_whole(&b, r->expires_ms);
    return bind_run(&b, why);
}

static enum err forget_dedup(struct apply *a, uint64_t before, struct why *why)
{
    struct binder b = bind_to(a->statement[ST_DEDUP_FORGET]);

    if (before == 0)
        return ERR_OK;
    bind_whole(&b, (int64_t)before);
    return bind_run(&b, why);
}

static enum err one_state(struct apply *a, const struct parcel *p, const void *item,
                          struct why *why)
{
    const struct state_row *r = item;
    struct str name = parcel_str(p, r->name);
    struct str data = parcel_str(p, r->data);
    struct binder b = bind_to(a->statement[r->gone ? ST_STATE_GONE : ST_STATE]);

    bind_text(&b, name);
    if (!r->gone) {
        bind_whole(&b, r->version);
        bind_whole(&b, values_state_crc(&a->crc, name, r->version, data));
        bind_blob(&b, data);
    }
    return bind_run(&b, why);
}

typedef enum err (*one_fn)(struct apply *, const struct parcel *, const void *, struct why *);

static enum err each(struct apply *a, const struct parcel *p, const struct list *l, one_fn one,
                     struct why *why)
{
    enum err e = ERR_OK;

    for (size_t i = 0; !e && i < l->n; i++)
        e = one(a, p, list_at(l, i), why);
    return e;
}

/* ---- transactions ---- */

static enum err begin(struct apply *a, struct why *why)
{
    enum err e = ERR_OK;

    if (!a->open)
        e = sql_run(a->statement[ST_BEGIN], why);
    a->open = !e;
    return e;
}

static int remember_wal(void *arg, sqlite3 *db, const char *name, int pages)
{
    struct apply *a = arg;

    (void)db;
    (void)name;
    a->wal_pages = pages;
    return SQLITE_OK;
}

/* Copies the log back when it has grown. Readers in the way are no error. */
static enum err checkpoint(struct apply *a, struct why *why)
{
    int64_t bytes = a->wal_pages * a->page_size;
    int mode = SQLITE_CHECKPOINT_PASSIVE;
    int rc;

    if (bytes < WAL_BYTES) {
        a->wait_at = (int64_t)WAL_RESTART * WAL_BYTES;
        return ERR_OK;
    }
    if (bytes >= a->wait_at) {
        mode = SQLITE_CHECKPOINT_RESTART;
        a->wait_at = bytes + bytes / 4;
        (void)sqlite3_busy_timeout(a->db, WAL_WAIT_MS);
    }
    rc = sqlite3_wal_checkpoint_v2(a->db, NULL, mode, NULL, NULL);
    (void)sqlite3_busy_timeout(a->db, SQL_BUSY_MS);
    if (rc == SQLITE_OK || (rc & 0xff) == SQLITE_BUSY || (rc & 0xff) == SQLITE_LOCKED)
        return ERR_OK;
    return sql_fail(a->db, rc, why);
}

/* SQLite would go on writing into a file that has no name any more. */
static enum err still_there(struct apply *a, struct why *why)
{
    int moved = 0;

    (void)sqlite3_file_control(a->db, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
    if (!moved)
        return ERR_OK;
    return why_set(why, ERR_IO,
                   "%s was deleted or replaced while it was being written: nothing more can be "
                   "saved in it; start again to go on with what is there now",
                   sqlite3_db_filename(a->db, "main"));
}

static enum err commit(struct apply *a, struct why *why)
{
    enum err e = still_there(a, why);

    if (e)
        return e;
    crash_point("before_durable");
    e = sql_run(a->statement[ST_COMMIT], why);
    if (e)
        return e;
    crash_point("after_durable");
    a->open = false;
    return checkpoint(a, why);
}

void apply_rollback(struct apply *a)
{
    (void)sqlite3_exec(a->db, "ROLLBACK", NULL, NULL, NULL);
    a->open = false;
}

enum err apply_parcel(struct apply *a, const struct parcel *p, struct why *why)
{
    const struct part {
        const struct list *items;
        one_fn one;
    } books[] = {
        {&p->invoices, one_invoice}, {&p->customers, one_customer}, {&p->rejects, one_reject},
        {&p->late, one_late},        {&p->merged, one_merged},      {&p->answers, one_answer},
        {&p->sources, one_source},   {&p->progress, one_progress},  {&p->ledger, one_ledger},
        {&p->dedup, one_dedup},
    };
    enum err e = begin(a, why);

    e = e ? e : all_series(a, p, why);
    e = e ? e : each(a, p, &p->keys, one_key, why);
    e = e ? e : all_rows(a, p, why);
    e = e || !p->commit ? e : all_deletions(a, why);
    for (size_t i = 0; !e && i < countof(books); i++)
        e = each(a, p, books[i].items, books[i].one, why);
    e = e ? e : findings_apply(a->findings, p, why);
    e = e ? e : forget_dedup(a, p->dedup_before, why);
    e = e ? e : each(a, p, &p->states, one_state, why);
    crash_point("after_parcel");
    if (!e && p->commit)
        e = commit(a, why);
    return e;
}

enum err apply_meta(struct apply *a, struct str name, struct str value, struct why *why)
{
    enum err e = begin(a, why);
    struct binder b = bind_to(a->statement[ST_META]);

    if (e)
        return e;
    bind_text(&b, name);
    bind_blob(&b, value);
    return bind_run(&b, why);
}

/* ---- life ---- */

static enum err prepare_all(struct apply *a, struct why *why)
{
    enum err e = ERR_OK;

    for (int i = 0; !e && i < ST_COUNT; i++)
        e = sql_prepare(a->db, statement_texts[i], &a->statement[i], why);
    return e;
}

enum err apply_open(sqlite3 *db, struct apply **out, struct why *why)
{
    struct apply *a = calloc(1, sizeof(*a));
    enum err e = ERR_OK;

    if (!a) {
        (void)sqlite3_close(db);
        return why_set(why, ERR_NOMEM, "out of memory opening the database");
    }
    a->db = db;
    list_init(&a->expiring, sizeof(uint16_t));
    a->series = calloc(SERIES_COUNT, sizeof(*a->series));
    a->of_series = calloc(SERIES_COUNT, sizeof(*a->of_series));
    if (!a->series || !a->of_series)
        e = why_set(why, ERR_NOMEM, "out of memory opening the database");
    crc_init(&a->crc);
    a->wait_at = (int64_t)WAL_RESTART * WAL_BYTES;
    (void)sqlite3_wal_hook(db, remember_wal, a);
    e = e ? e : sql_whole(db, "PRAGMA page_size", &a->page_size, why);
    e = e ? e : feed_open(db, &a->feed, why);
    e = e ? e : findings_open(db, &a->findings, why);
    e = e ? e : prepare_all(a, why);
    e = e ? e : load_series(a, why);
    if (e)
        apply_close(a);
    else
        *out = a;
    return e;
}

static void finalize_all(struct apply *a)
{
    for (int i = 0; i < ST_COUNT; i++)
        (void)sqlite3_finalize(a->statement[i]);
    for (int i = 0; i < a->n_series; i++) {
        (void)sqlite3_finalize(a->of_series[i].put);
        (void)sqlite3_finalize(a->of_series[i].drop);
        (void)sqlite3_finalize(a->of_series[i].drop_before);
    }
}

void apply_close(struct apply *a)
{
    if (!a)
        return;
    finalize_all(a);
    findings_close(a->findings);
    apply_rollback(a);
    (void)sqlite3_busy_timeout(a->db, WAL_WAIT_MS);
    (void)sqlite3_wal_checkpoint_v2(a->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    (void)sqlite3_close(a->db);
    feed_close(a->feed);
    list_clear(&a->expiring);
    free(a->of_series);
    free(a->series);
    free(a);
}
