/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * schema: the base tables; the views people see are made of them in views.c.
 *
 * Each series (a window kept for a dimension) has a table rows_<series> of its own with a
 * single integer key, the cheapest thing SQLite can append to: the start of the window in
 * seconds times 2^30 plus the key's number (history), or the key's number alone (newest).
 * Where instances share their start (by_end: "since midnight, so far"), start and end change
 * places: the key packs the end, and the column end_s holds the start.
 * What most rows could be computed from is not stored:
 *
 *   end_s                    NULL: start_s + span_s of the series; by_end: the start
 *   min, max, p50, p90, p99  NULL: equal to revenue (always so in rows of one line)
 *   state                    version * 2 + final
 *   of                       newest only: the start of the window that state belongs to
 *
 * Amounts are millionths, times are seconds (_s) or milliseconds (_ms) since 1970 UTC. A
 * NULL time is unknown.
 *
 * Invariants:
 *  1. application_id and user_version are set in the transaction that creates the tables: a
 *     file with one has them all.
 *  2. A database of somebody else is never changed.
 */
#include "engine/store/schema.h"
#include "engine/store/store.h"
#include "engine/store/views.h"

#include <stdio.h>

/* Added before the first release to a schema 1 that had none of it. */
static const char findings[] =
    "CREATE TABLE IF NOT EXISTS verdict(invoice INTEGER PRIMARY KEY, time_ms INTEGER,"
    " final INTEGER, flagged INTEGER, score REAL, p_value REAL, cancels INTEGER, data BLOB);"
    "CREATE INDEX IF NOT EXISTS verdict_cancels ON verdict(cancels) WHERE cancels IS NOT NULL;"
    "CREATE TABLE IF NOT EXISTS anomaly(id TEXT PRIMARY KEY, kind TEXT, subject TEXT,"
    " state INTEGER, time_ms INTEGER, invoice INTEGER, customer INTEGER, country INTEGER,"
    " revenue INTEGER, score REAL, p_value REAL, rank_reason TEXT, reasons TEXT, text TEXT);"
    "CREATE INDEX IF NOT EXISTS anomaly_time ON anomaly(time_ms);"
    "CREATE INDEX IF NOT EXISTS anomaly_customer ON anomaly(customer);"
    "CREATE INDEX IF NOT EXISTS anomaly_invoice ON anomaly(invoice);"
    "CREATE TABLE IF NOT EXISTS feedback(invoice INTEGER PRIMARY KEY, said TEXT, said_by TEXT,"
    " said_ms INTEGER);"
    "CREATE TABLE IF NOT EXISTS outbox(id TEXT PRIMARY KEY, tries INTEGER, next_ms INTEGER,"
    " since_ms INTEGER, sent_ms INTEGER, error TEXT);"
    "CREATE INDEX IF NOT EXISTS outbox_open ON outbox(next_ms) WHERE sent_ms IS NULL;"
    "CREATE TABLE IF NOT EXISTS forecast(horizon TEXT, dimension TEXT, \"key\" INTEGER,"
    " measure TEXT, window_s INTEGER, made_ms INTEGER, predicted REAL, lower REAL, upper REAL,"
    " actual REAL, week_ago REAL, holt_winters REAL,"
    " PRIMARY KEY(horizon, dimension, \"key\", measure, window_s, made_ms)) WITHOUT ROWID;";

static const char requests[] =
    "CREATE TABLE IF NOT EXISTS requests(id INTEGER PRIMARY KEY, kind TEXT, argument TEXT,"
    " made_at INTEGER, applied_position TEXT, result TEXT);"
    "CREATE INDEX IF NOT EXISTS requests_open ON requests(id) WHERE result IS NULL;";

static const char tables[] =
    "CREATE TABLE meta(name TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID;"
    "CREATE TABLE state(name TEXT PRIMARY KEY, version INTEGER, crc32 INTEGER, data BLOB);"
    "CREATE TABLE key(id INTEGER PRIMARY KEY, text TEXT);"
    "INSERT INTO key VALUES(0, '');"
    "CREATE TABLE series(id INTEGER PRIMARY KEY, \"window\" TEXT, dimension TEXT, newest INTEGER,"
    " span_s INTEGER, start_s INTEGER, end_s INTEGER, by_end INTEGER);"
    "CREATE TABLE invoice(id INTEGER PRIMARY KEY, text TEXT UNIQUE, customer INTEGER,"
    " country INTEGER, first_ms INTEGER, last_ms INTEGER, lines INTEGER, units INTEGER,"
    " revenue INTEGER, n_customers INTEGER, n_countries INTEGER, others BLOB);"
    "CREATE TABLE customer(key INTEGER PRIMARY KEY, country INTEGER, first_ms INTEGER,"
    " last_ms INTEGER, lines INTEGER, invoices INTEGER, units INTEGER, revenue INTEGER,"
    " return_revenue INTEGER);"
    "CREATE TABLE source(id INTEGER PRIMARY KEY, path TEXT, generation INTEGER,"
    " head_hash INTEGER, head_len INTEGER, codec BLOB);"
    "CREATE TABLE reject(id INTEGER PRIMARY KEY, source INTEGER, shard TEXT, position,"
    " reason TEXT, raw, seen_ms INTEGER);"
    "CREATE TABLE late_sale(id INTEGER PRIMARY KEY, source INTEGER, shard TEXT, position,"
    " reason TEXT, event_ms INTEGER, slice_s INTEGER, record TEXT, merged_ms INTEGER,"
    " seen_ms INTEGER);"
    "CREATE TABLE shard(source INTEGER, shard TEXT, position, read INTEGER,"
    " aggregated INTEGER, late INTEGER, rejected INTEGER, pending INTEGER, duplicates INTEGER,"
    " watermark_ms INTEGER, millis_behind INTEGER, updated_ms INTEGER,"
    " PRIMARY KEY(source, shard)) WITHOUT ROWID;"
    "CREATE TABLE ledger(seq INTEGER PRIMARY KEY, first_ms INTEGER, last_ms INTEGER,"
    " sales INTEGER, crc32 INTEGER, data BLOB);"
    "CREATE TABLE dedup(seq INTEGER PRIMARY KEY, hash0 INTEGER, hash1 INTEGER,"
    " expires_ms INTEGER);";

enum err schema_look(sqlite3 *db, enum schema_state *out, struct why *why)
{
    const char *name = sqlite3_db_filename(db, "main");
    int64_t application = 0;
    int64_t version = 0;
    int64_t objects = 0;
    enum err e = sql_whole(db, "PRAGMA application_id", &application, why);

    if (!e)
        e = sql_whole(db, "PRAGMA user_version", &version, why);
    if (!e)
        e = sql_whole(db, "SELECT count(*) FROM sqlite_master", &objects, why);
    if (e)
        return e;
    if (application == 0 && objects == 0) {
        *out = SCHEMA_EMPTY;
        return ERR_OK;
    }
    if (application != SQL_APPLICATION)
        return why_set(why, ERR_DAMAGED,
                       "%s is a database of another program: name another file with --db", name);
    if (version > STORE_SCHEMA)
        return why_set(why, ERR_NEWER,
                       "%s was written by a newer tillstream (schema %lld, this one knows %d): "
                       "use that version, or name another file with --db",
                       name, (long long)version, STORE_SCHEMA);
    if (version < 1)
        return why_set(why, ERR_DAMAGED,
                       "%s has no valid schema version (%lld): restore a copy, or move it away and "
                       "run the source again",
                       name, (long long)version);
    *out = SCHEMA_OURS;
    return ERR_OK;
}

enum err schema_complete(sqlite3 *db, struct why *why)
{
    enum err e = sql_exec(db, requests, why);

    return e ? e : sql_exec(db, findings, why);
}

enum err schema_create(sqlite3 *db, struct why *why)
{
    char numbers[120];
    enum err e = sql_exec(db, "BEGIN IMMEDIATE", why);

    if (e)
        return e;
    (void)snprintf(numbers, sizeof(numbers), "PRAGMA application_id = %d; PRAGMA user_version = %d",
                   SQL_APPLICATION, STORE_SCHEMA);
    e = sql_exec(db, tables, why);
    if (!e)
        e = schema_complete(db, why);
    if (!e)
        e = views_create(db, why);
    if (!e)
        e = views_series(db, why);
    if (!e)
        e = sql_exec(db, numbers, why);
    if (!e)
        e = sql_exec(db, "COMMIT", why);
    if (e)
        (void)sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    return e;
}

enum err schema_add_series(sqlite3 *db, unsigned id, struct why *why)
{
    char sql[512];

    (void)snprintf(sql, sizeof(sql),
                   "CREATE TABLE rows_%u(id INTEGER PRIMARY KEY, lines INTEGER, invoices INTEGER,"
                   " customers INTEGER, units INTEGER, revenue INTEGER, return_lines INTEGER,"
                   " return_units INTEGER, return_revenue INTEGER, min INTEGER, max INTEGER,"
                   " sd REAL, p50 INTEGER, p90 INTEGER, p99 INTEGER, end_s INTEGER,"
                   " state INTEGER, \"of\" INTEGER)",
                   id);
    return sql_exec(db, sql, why);
}
