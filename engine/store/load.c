/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * load: reading back what is committed, to go on where the last run stopped.
 *
 * Runs on the reading connection of the caller's thread. Stored state is checked here: a
 * checksum that does not fit ends the load before a byte of it is believed.
 *
 * Invariants:
 *  1. No statement is left in the middle of its rows when a function returns, so that no old
 *     snapshot keeps the write-ahead log from being reused.
 *  2. `each` sees texts that borrow from the current row.
 */
#include "engine/store/inside.h"
#include "engine/store/values.h"

#define HEAD_MAX 4096 /* of source_identity.head_len */

/* One kind of row: hands the statement's current row to the caller's function. */
typedef enum err (*row_fn)(sqlite3_stmt *row, const void *each, void *arg, struct why *why);

struct walk {
    const char *sql;
    row_fn row;
    const void *each; /* points at the caller's function pointer */
    void *arg;
};

struct why *load_trouble(struct store *s)
{
    s->trouble.text[0] = '\0';
    return &s->trouble;
}

enum err store_explain(const struct store *s, enum err e, struct why *why)
{
    return e && why && !why->text[0] && s->trouble.text[0] ? why_set(why, e, "%s", s->trouble.text)
                                                           : e;
}

static enum err go(sqlite3_stmt *statement, const struct walk *walk, struct why *why)
{
    bool row = false;
    enum err e = sql_next(statement, &row, why);

    while (!e && row) {
        e = walk->row(statement, walk->each, walk->arg, why);
        if (!e)
            e = sql_next(statement, &row, why);
    }
    return e == ERR_END ? ERR_OK : e;
}

static enum err walk_all(struct store *s, const struct walk *walk, struct why *why)
{
    sqlite3_stmt *statement = NULL;
    enum err e = sql_prepare(s->read, walk->sql, &statement, why);

    if (!e)
        e = go(statement, walk, why);
    (void)sqlite3_finalize(statement);
    return e;
}

/* ---- keys ---- */

typedef enum err (*key_fn)(void *arg, uint32_t id, struct str text);

static enum err key_row(sqlite3_stmt *row, const void *each, void *arg, struct why *why)
{
    key_fn fn = *(const key_fn *)each;

    (void)why;
    return fn(arg, (uint32_t)sqlite3_column_int64(row, 0), column_str(row, 1));
}

enum err store_each_key(struct store *s, key_fn each, void *arg)
{
    struct walk walk = {"SELECT id, text FROM \"key\" ORDER BY id", key_row, &each, arg};

    return walk_all(s, &walk, load_trouble(s));
}

/* ---- invoices ---- */

static const char *const invoice_texts[INSIDE_COUNT] = {
    [INSIDE_INVOICE_TEXT] =
        "SELECT id, text, others, customer, country, n_customers, n_countries, first_ms, last_ms,"
        " lines, units, revenue FROM invoice WHERE text = ?",
    [INSIDE_INVOICE_ID] =
        "SELECT id, text, others, customer, country, n_customers, n_countries, first_ms, last_ms,"
        " lines, units, revenue FROM invoice WHERE id = ?",
};

/* Copies the texts, so that the statement can be reset. */
static enum err take_invoice(struct store *s, sqlite3_stmt *row, struct stored_invoice *out)
{
    struct str text = column_str(row, 1);
    struct str others = column_str(row, 2);
    enum err e;

    s->scratch.n = 0;
    e = buf_reserve(&s->scratch, text.n + others.n + 1);
    e = e ? e : buf_str(&s->scratch, text);
    e = e ? e : buf_str(&s->scratch, others);
    if (e)
        return e;
    *out = (struct stored_invoice){
        .id = (uint64_t)sqlite3_column_int64(row, 0),
        .text = {s->scratch.p, text.n},
        .others = {s->scratch.p + text.n, others.n},
        .customer = (uint32_t)sqlite3_column_int64(row, 3),
        .country = (uint32_t)sqlite3_column_int64(row, 4),
        .n_customers = (uint32_t)sqlite3_column_int64(row, 5),
        .n_countries = (uint32_t)sqlite3_column_int64(row, 6),
        .first_ms = sqlite3_column_int64(row, 7),
        .last_ms = sqlite3_column_int64(row, 8),
        .lines = sqlite3_column_int64(row, 9),
        .units = sqlite3_column_int64(row, 10),
        .revenue = sqlite3_column_int64(row, 11),
    };
    return ERR_OK;
}

static enum err invoice_statement(struct store *s, enum inside_statement which, struct binder *b)
{
    enum err e = ERR_OK;

    if (!s->statement[which])
        e = sql_prepare(s->read, invoice_texts[which], &s->statement[which], load_trouble(s));
    *b = bind_to(s->statement[which]);
    return e;
}

static enum err find_invoice(struct store *s, struct binder *b, struct stored_invoice *out)
{
    bool row = false;
    struct why *why = load_trouble(s);
    enum err e = b->rc ? sql_fail(s->read, b->rc, why) : sql_next(b->statement, &row, why);

    if (!e)
        e = row ? take_invoice(s, b->statement, out) : ERR_NOT_FOUND;
    (void)sqlite3_reset(b->statement);
    return e;
}

enum err store_invoice(struct store *s, struct str text, struct stored_invoice *out)
{
    struct binder b;
    enum err e = invoice_statement(s, INSIDE_INVOICE_TEXT, &b);

    if (e)
        return e;
    bind_text(&b, text);
    return find_invoice(s, &b, out);
}

enum err store_invoice_by_id(struct store *s, uint64_t id, struct stored_invoice *out)
{
    struct binder b;
    enum err e = invoice_statement(s, INSIDE_INVOICE_ID, &b);

    if (e)
        return e;
    bind_whole(&b, (int64_t)id);
    return find_invoice(s, &b, out);
}

enum err store_last_invoice(struct store *s, uint64_t *id)
{
    int64_t found = 0;
    enum err e =
        sql_whole(s->read, "SELECT coalesce(max(id), 0) FROM invoice", &found, load_trouble(s));

    *id = (uint64_t)found;
    return e;
}

/* ---- sources, progress, series ---- */

typedef enum err (*source_fn)(void *arg, const struct stored_source *source);
typedef enum err (*progress_fn)(void *arg, const struct stored_progress *progress);
typedef enum err (*series_fn)(void *arg, const struct stored_series *series);

static enum err source_row(sqlite3_stmt *row, const void *each, void *arg, struct why *why)
{
    source_fn fn = *(const source_fn *)each;
    int64_t head_len = sqlite3_column_int64(row, 4);
    struct stored_source source = {
        .id = sqlite3_column_int64(row, 0),
        .path = column_str(row, 1),
        .codec = column_str(row, 2),
        .head_hash = (uint64_t)sqlite3_column_int64(row, 3),
        .head_len = (uint32_t)head_len,
    };

    if (head_len < 0 || head_len > HEAD_MAX)
        return why_set(why, ERR_DAMAGED,
                       "what is known of source %lld is damaged: restore a copy of the database, "
                       "or move it away and run the source again",
                       (long long)source.id);
    return fn(arg, &source);
}

enum err store_each_source(struct store *s, source_fn each, void *arg)
{
    struct walk walk = {"SELECT id, path, codec, head_hash, head_len FROM source ORDER BY id",
                        source_row, &each, arg};

    return walk_all(s, &walk, load_trouble(s));
}

static enum err progress_row(sqlite3_stmt *row, const void *each, void *arg, struct why *why)
{
    progress_fn fn = *(const progress_fn *)each;
    struct stored_progress progress = {
        .source = sqlite3_column_int64(row, 0),
        .shard = column_str(row, 1),
        .position = column_str(row, 2),
        .read = sqlite3_column_int64(row, 3),
        .aggregated = sqlite3_column_int64(row, 4),
        .late = sqlite3_column_int64(row, 5),
        .rejected = sqlite3_column_int64(row, 6),
        .pending = sqlite3_column_int64(row, 7),
        .duplicates = sqlite3_column_int64(row, 8),
        .watermark_ms =
            sqlite3_column_type(row, 9) == SQLITE_NULL ? INT64_MIN : sqlite3_column_int64(row, 9),
    };

    (void)why;
    return fn(arg, &progress);
}

enum err store_each_progress(struct store *s, progress_fn each, void *arg)
{
    struct walk walk = {"SELECT source, shard, position, read, aggregated, late, rejected, pending,"
                        " duplicates, watermark_ms FROM shard ORDER BY source, shard",
                        progress_row, &each, arg};

    return walk_all(s, &walk, load_trouble(s));
}

static enum err series_row(sqlite3_stmt *row, const void *each, void *arg, struct why *why)
{
    series_fn fn = *(const series_fn *)each;
    struct stored_series series = {
        .id = (uint16_t)sqlite3_column_int64(row, 0),
        .newest = sqlite3_column_int(row, 1) != 0,
        .window = column_str(row, 2),
        .dimension = column_str(row, 3),
        .start_s = sqlite3_column_int64(row, 4),
        .end_s = sqlite3_column_int64(row, 5),
    };

    (void)why;
    return fn(arg, &series);
}

enum err store_each_series(struct store *s, series_fn each, void *arg)
{
    struct walk walk = {"SELECT id, newest, \"window\", dimension, start_s, end_s FROM series"
                        " ORDER BY id",
                        series_row, &each, arg};

    return walk_all(s, &walk, load_trouble(s));
}

/* ---- ledger, dedup ---- */

typedef enum err (*ledger_fn)(void *arg, uint64_t seq, uint32_t sales, struct str data);
typedef enum err (*dedup_fn)(void *arg, uint64_t seq, const uint64_t hash[2], int64_t expires_ms);

struct ledger_walk {
    struct crc_table crc;
    ledger_fn each;
};

static enum err ledger_row(sqlite3_stmt *row, const void *each, void *arg, struct why *why)
{
    const struct ledger_walk *walk = each;
    uint64_t seq = (uint64_t)sqlite3_column_int64(row, 0);
    uint32_t sales = (uint32_t)sqlite3_column_int64(row, 1);
    struct str data = column_str(row, 3);

    if (values_ledger_crc(&walk->crc, seq, sales, data) != (uint64_t)sqlite3_column_int64(row, 2))
        return why_set(why, ERR_DAMAGED,
                       "ledger row %llu is damaged (its checksum does not fit): restore a copy of "
                       "the database, or move it away and run the source again",
                       (unsigned long long)seq);
    return walk->each(arg, seq, sales, data);
}

enum err store_each_ledger(struct store *s, uint64_t after_seq, ledger_fn each, void *arg)
{
    struct ledger_walk ledger = {.each = each};
    struct walk walk = {NULL, ledger_row, &ledger, arg};
    struct why *why = load_trouble(s);
    sqlite3_stmt *statement = NULL;
    struct binder b;
    enum err e = sql_prepare(s->read,
                             "SELECT seq, sales, crc32, data FROM ledger WHERE seq > ? ORDER BY"
                             " seq",
                             &statement, why);

    crc_init(&ledger.crc);
    b = bind_to(statement);
    if (!e) {
        bind_whole(&b, (int64_t)after_seq);
        e = b.rc ? sql_fail(s->read, b.rc, why) : go(statement, &walk, why);
    }
    (void)sqlite3_finalize(statement);
    return e;
}

static enum err dedup_row(sqlite3_stmt *row, const void *each, void *arg, struct why *why)
{
    dedup_fn fn = *(const dedup_fn *)each;
    uint64_t hash[2] = {(uint64_t)sqlite3_column_int64(row, 1),
                        (uint64_t)sqlite3_column_int64(row, 2)};

    (void)why;
    return fn(arg, (uint64_t)sqlite3_column_int64(row, 0), hash, sqlite3_column_int64(row, 3));
}

enum err store_each_dedup(struct store *s, dedup_fn each, void *arg)
{
    struct walk walk = {"SELECT seq, hash0, hash1, expires_ms FROM dedup ORDER BY seq", dedup_row,
                        &each, arg};

    return walk_all(s, &walk, load_trouble(s));
}

/* ---- state, meta ---- */

typedef enum err (*state_fn)(void *arg, struct str name, uint32_t version, struct str data);

struct state_walk {
    struct crc_table crc;
    state_fn each;
    const char *path;
};

static enum err state_row(sqlite3_stmt *row, const void *each, void *arg, struct why *why)
{
    const struct state_walk *walk = each;
    uint32_t version = (uint32_t)sqlite3_column_int64(row, 1);
    struct str data = column_str(row, 3);
    struct str name = column_str(row, 0);

    if (values_state_crc(&walk->crc, name, version, data) != (uint64_t)sqlite3_column_int64(row, 2))
        return why_set(why, ERR_DAMAGED,
                       "the saved state \"%.*s\" in %s is damaged (its checksum does not fit): "
                       "restore a copy of the database, or move it away and run the source again",
                       (int)name.n, name.p, walk->path);
    return walk->each(arg, name, version, data);
}

enum err store_each_state(struct store *s, const char *prefix, state_fn each, void *arg,
                          struct why *why)
{
    struct state_walk state = {.each = each, .path = s->path};
    struct walk walk = {NULL, state_row, &state, arg};
    sqlite3_stmt *statement = NULL;
    struct binder b;
    enum err e = sql_prepare(s->read,
                             "SELECT name, version, crc32, data FROM state WHERE name >= ?1"
                             " AND substr(name, 1, length(?1)) = ?1 ORDER BY name",
                             &statement, why);

    crc_init(&state.crc);
    b = bind_to(statement);
    if (!e) {
        bind_text(&b, str_of(prefix));
        e = b.rc ? sql_fail(s->read, b.rc, why) : go(statement, &walk, why);
    }
    (void)sqlite3_finalize(statement);
    return e;
}

enum err store_meta(struct store *s, const char *name, struct buf *out)
{
    sqlite3_stmt *statement = NULL;
    bool row = false;
    struct why *why = load_trouble(s);
    struct binder b;
    enum err e = sql_prepare(s->read, "SELECT value FROM meta WHERE name = ?", &statement, why);

    b = bind_to(statement);
    if (!e) {
        bind_text(&b, str_of(name));
        e = b.rc ? sql_fail(s->read, b.rc, why) : sql_next(statement, &row, why);
    }
    if (!e)
        e = row ? buf_str(out, column_str(statement, 0)) : ERR_NOT_FOUND;
    (void)sqlite3_finalize(statement);
    return e;
}
