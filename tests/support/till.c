/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * till: see the header.
 *
 * The table is the list of rows as they came; settle() sorts it by series, key and instance,
 * keeps the last of each and leaves out the deleted.
 */
#include "tests/support/till.h"

#include "engine/store/store.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- opening ---- */

static enum err open_parts(struct till *t)
{
    struct fold_setup setup = {.settings = t->settings};
    struct why why = {.text = ""};
    enum err e = zone_open(t->settings->timezone, &t->zone, &why);

    if (!e && t->path)
        e = store_open(&(struct store_options){.path = t->path, .env = env_real()}, &t->store,
                       &why);
    if (!e)
        e = keys_open(&t->keys);
    if (!e)
        e = books_open(t->store, &t->books);
    if (!e)
        e = judge_open(t->settings, &t->judge);
    setup.zone = t->zone;
    setup.keys = t->keys;
    setup.books = t->books;
    setup.store = t->store;
    if (!e)
        e = fold_windows.open(&setup, &t->fold, &why);
    if (!e) {
        t->parcel = parcel_open();
        e = t->parcel ? ERR_OK : ERR_NOMEM;
    }
    if (why.text[0])
        (void)fprintf(stderr, "%s\n", why.text);
    return e;
}

static void close_parts(struct till *t)
{
    if (t->fold)
        fold_windows.close(t->fold);
    judge_close(t->judge);
    books_close(t->books);
    keys_close(t->keys);
    if (t->store)
        store_close(t->store);
    zone_close(t->zone);
    parcel_close(t->parcel);
    t->fold = NULL;
    t->judge = NULL;
    t->books = NULL;
    t->keys = NULL;
    t->store = NULL;
    t->zone = NULL;
    t->parcel = NULL;
}

enum err till_open(struct till *t, const struct settings *s, const struct till_words *w,
                   const char *path)
{
    *t = (struct till){.settings = s, .words = w, .path = path};
    list_init(&t->facts, sizeof(struct fact));
    list_init(&t->rows, sizeof(struct agg_row));
    list_init(&t->series, sizeof(struct series_row));
    list_init(&t->late, sizeof(struct till_late));
    list_init(&t->shards, sizeof(struct till_shard_name));
    ledger_init(&t->ledger);
    enum err e = open_parts(t);
    if (!e)
        e = fold_windows.announce(t->fold, t->parcel);
    if (!e && w)
        t->oracle = oracle_open(s);
    return e;
}

void till_close(struct till *t)
{
    close_parts(t);
    oracle_close(t->oracle);
    list_clear(&t->facts);
    list_clear(&t->rows);
    list_clear(&t->series);
    list_clear(&t->late);
    list_clear(&t->shards);
    ledger_clear(&t->ledger);
}

enum err till_shard(struct till *t, int64_t source, const char *name, int *shard)
{
    enum err e = judge_shard(t->judge, source, str_of(name), shard);

    while (!e && t->shards.n <= (size_t)*shard)
        e = list_add(&t->shards) ? ERR_OK : ERR_NOMEM;
    if (!e)
        *(struct till_shard_name *)list_at(&t->shards, (size_t)*shard) =
            (struct till_shard_name){source, name};
    return e;
}

/* ---- sales ---- */

static int number_of(const char *const *word, int n, struct str text)
{
    for (int i = 0; i < n; i++) {
        if (str_eq(str_of(word[i]), text))
            return i;
    }
    abort();
}

static struct oracle_sale for_oracle(const struct till *t, const struct sale *s,
                                     int64_t watermark_ms)
{
    const struct till_words *w = t->words;
    struct oracle_sale sale = {.time_ms = s->time_ms,
                               .watermark_ms = watermark_ms,
                               .quantity = s->quantity,
                               .value = s->value};
    const struct str text[FIELD_COUNT] = {
        [FIELD_CUSTOMER] = s->customer, [FIELD_COUNTRY] = s->country, [FIELD_STOCK] = s->stock};

    sale.invoice = number_of(w->invoice, w->n_invoices, s->invoice);
    for (int i = 0; i < FIELD_COUNT; i++)
        sale.field[i] = number_of(w->field[i], w->n_fields[i], text[i]);
    return sale;
}

static enum err add_fact(struct till *t, const struct sale *s, int64_t watermark_ms,
                         struct fact **out)
{
    struct fact *f = list_add(&t->facts);
    enum err e = f ? ERR_OK : ERR_NOMEM;

    if (e)
        return e;
    *f = (struct fact){.time_ms = s->time_ms,
                       .watermark_ms = watermark_ms,
                       .quantity = s->quantity,
                       .price = s->price,
                       .value = s->value};
    e = keys_id(t->keys, s->customer, &f->customer);
    if (!e)
        e = keys_id(t->keys, s->country, &f->country);
    if (!e)
        e = keys_id(t->keys, s->stock, &f->stock);
    if (!e)
        e = books_slot(t->books, s->invoice, &f->invoice);
    *out = f;
    return e ? e : books_add(t->books, f);
}

static enum err accept(struct till *t, const struct outcome *o)
{
    struct fact *f = NULL;
    enum err e = add_fact(t, o->sale, o->watermark_ms, &f);

    if (!e)
        e = ledger_sale(&t->ledger, f, books_name(t->books, f->invoice));
    if (!e && t->oracle) {
        struct oracle_sale told = for_oracle(t, o->sale, o->watermark_ms);
        oracle_sale(t->oracle, &told);
    }
    return e;
}

/* The sale's own texts may be gone by the time it is merged. */
static enum err keep_late(struct till *t, const struct outcome *o)
{
    const struct till_words *w = t->words;
    struct till_late *late = list_add(&t->late);

    if (!late)
        return ERR_NOMEM;
    *late = (struct till_late){
        .shard = t->shard, .sale = *o->sale, .told = for_oracle(t, o->sale, WHEN_NONE)};
    late->sale.invoice = str_of(w->invoice[late->told.invoice]);
    late->sale.customer = str_of(w->field[FIELD_CUSTOMER][late->told.field[FIELD_CUSTOMER]]);
    late->sale.country = str_of(w->field[FIELD_COUNTRY][late->told.field[FIELD_COUNTRY]]);
    late->sale.stock = str_of(w->field[FIELD_STOCK][late->told.field[FIELD_STOCK]]);
    late->sale.record_id = str_of("");
    return ERR_OK;
}

static enum err meet_fate(void *arg, const struct outcome *o)
{
    struct till *t = arg;

    t->fates[o->fate]++;
    uint64_t mixed = (o->sale->offset * 4 + o->fate + 1) * UINT64_C(0x9e3779b97f4a7c15);
    t->fate_sum += (mixed ^ mixed >> 29) * UINT64_C(0xbf58476d1ce4e5b9);
    if (t->keeps_late && (o->fate == FATE_LATE || o->fate == FATE_AHEAD))
        return keep_late(t, o);
    return o->fate == FATE_ACCEPTED ? accept(t, o) : ERR_OK;
}

enum err till_sale(struct till *t, int shard, const struct sale *s)
{
    t->shard = shard;
    return judge_sale(t->judge, shard, s, meet_fate, t);
}

enum err till_batch(struct till *t)
{
    enum err e = fold_windows.add(t->fold, (const struct fact *)(const void *)t->facts.p,
                                  t->facts.n, t->parcel);

    t->facts.n = 0;
    return e;
}

enum err till_shard_end(struct till *t, int shard)
{
    t->shard = shard;
    return judge_end(t->judge, shard, meet_fate, t);
}

enum err till_end(struct till *t, const int *shard, int n)
{
    enum err e = ERR_OK;

    for (int i = 0; !e && i < n; i++)
        e = till_shard_end(t, shard[i]);
    if (!e)
        e = till_batch(t);
    if (!e)
        e = fold_windows.finish(t->fold, t->parcel);
    if (!e)
        e = ledger_finish(&t->ledger);
    if (!e && t->oracle)
        oracle_finish(t->oracle);
    return e;
}

/* ---- the table ---- */

static const struct series_row *series_of(const struct till *t, uint16_t id)
{
    for (size_t i = 0; i < t->series.n; i++) {
        const struct series_row *s = list_at(&t->series, i);
        if (s->id == id)
            return s;
    }
    abort();
}

static enum err take_series(struct till *t, const struct series_row *from)
{
    for (size_t i = 0; i < t->series.n; i++) {
        struct series_row *s = list_at(&t->series, i);
        if (s->id == from->id) {
            *s = *from;
            return ERR_OK;
        }
    }
    struct series_row *s = list_add(&t->series);
    if (s)
        *s = *from;
    return s ? ERR_OK : ERR_NOMEM;
}

/* The number of a window's dimension: they count up from 1. */
static uint16_t series_for(const struct till *t, int window, int dimension)
{
    uint16_t n = 0;

    for (int i = 0; i <= window; i++) {
        for (int d = 0; d < t->settings->n_dimensions; d++) {
            if (t->settings->window[i].dimensions >> d & 1)
                n++;
            if (i == window && d == dimension)
                return n;
        }
    }
    abort();
}

static int window_of(const struct till *t, uint16_t series, int *dimension)
{
    for (int i = 0; i < t->settings->n_windows; i++) {
        for (int d = 0; d < t->settings->n_dimensions; d++) {
            *dimension = d;
            if (t->settings->window[i].dimensions >> d & 1 && series_for(t, i, d) == series)
                return i;
        }
    }
    abort();
}

/* A row's place in the table. */
struct place {
    uint16_t series;
    uint32_t key;
    int64_t at;
    size_t row;
};

static int by_place(const void *a, const void *b)
{
    const struct place *x = a, *y = b;

    if (x->series != y->series)
        return x->series < y->series ? -1 : 1;
    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    if (x->at != y->at)
        return x->at < y->at ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

static bool is_cumulative(const struct till *t, const struct series_row *s)
{
    int d;

    return s->span_s == 0 && t->settings->window[window_of(t, s->id, &d)].type == WINDOW_CUMULATIVE;
}

static struct place place_of(const struct till *t, size_t i)
{
    const struct agg_row *r = list_at(&t->rows, i);
    const struct series_row *s = series_of(t, r->series);
    struct place p = {.series = r->series, .key = r->key, .at = r->start_s, .row = i};

    if (is_cumulative(t, s)) /* its instances share their start */
        p.at = r->end_s;
    if (s->newest)
        p.at = 0;
    return p;
}

static bool is_kept(const struct till *t, const struct agg_row *r)
{
    return r->op == ROW_PUT && r->start_s >= series_of(t, r->series)->delete_before_s;
}

/* Keeps the last row of each place. */
static void settle(struct till *t)
{
    struct place *place = malloc((t->rows.n + 1) * sizeof(*place));
    struct list kept;

    list_init(&kept, sizeof(struct agg_row));
    for (size_t i = 0; place && i < t->rows.n; i++)
        place[i] = place_of(t, i);
    if (!place)
        abort();
    qsort(place, t->rows.n, sizeof(*place), by_place);
    for (size_t i = 0; i < t->rows.n; i++) {
        const struct agg_row *r = list_at(&t->rows, place[i].row);
        bool last = i + 1 == t->rows.n || place[i].series != place[i + 1].series ||
                    place[i].key != place[i + 1].key || place[i].at != place[i + 1].at;
        struct agg_row *to = last && is_kept(t, r) ? list_add(&kept) : NULL;
        if (to)
            *to = *r;
    }
    free(place);
    list_clear(&t->rows);
    t->rows = kept;
}

static enum err take_rows(struct till *t)
{
    const struct parcel *p = t->parcel;
    enum err e = ERR_OK;

    for (size_t i = 0; !e && i < p->series.n; i++)
        e = take_series(t, list_at(&p->series, i));
    for (size_t i = 0; !e && i < p->rows.n; i++) {
        struct agg_row *r = list_add(&t->rows);
        if (!r)
            return ERR_NOMEM;
        *r = *(const struct agg_row *)list_at(&p->rows, i);
    }
    if (!e)
        settle(t);
    return e;
}

/* ---- commit and restart ---- */

static enum err deliver_ledger(struct till *t)
{
    struct span data;

    if (!t->ledger.bytes.n)
        return ERR_OK;
    enum err e = parcel_text(t->parcel, (struct str){t->ledger.bytes.p, t->ledger.bytes.n}, &data);
    struct ledger_row *row = e ? NULL : list_add(&t->parcel->ledger);
    if (!row)
        return ERR_NOMEM;
    *row = (struct ledger_row){.seq = ++t->ledger_seq,
                               .first_ms = t->ledger.first_ms,
                               .last_ms = t->ledger.last_ms,
                               .sales = t->ledger.sales,
                               .data = data};
    ledger_reset(&t->ledger);
    return ERR_OK;
}

static enum err send(struct till *t)
{
    enum err e = ERR_OK;

    t->parcel->commit = true;
    if (t->store)
        e = store_send(t->store, &t->parcel, NULL);
    if (!e && t->store)
        e = store_wait(t->store, NULL);
    if (!e && !t->parcel)
        t->parcel = parcel_open();
    if (t->parcel)
        parcel_reset(t->parcel);
    return e || t->parcel ? e : ERR_NOMEM;
}

enum err till_commit(struct till *t, bool save)
{
    enum err e = till_batch(t);

    if (!e)
        e = fold_windows.snapshot(t->fold, t->parcel);
    if (!e)
        e = deliver_ledger(t);
    if (!e)
        e = judge_save(t->judge, t->parcel);
    if (!e && save) {
        e = fold_windows.save(t->fold, t->parcel);
        t->saved_seq = t->ledger_seq;
    }
    if (!e)
        e = keys_deliver(t->keys, t->parcel);
    if (!e)
        e = books_deliver(t->books, t->parcel, ++t->commits);
    if (!e)
        e = take_rows(t);
    return e ? e : send(t);
}

/* ---- late sales counted after all ---- */

static enum err merge_late(struct till *t, struct till_late *late)
{
    const struct till_shard_name *from = list_at(&t->shards, (size_t)late->shard);
    int64_t watermark_ms = judge_watermark(t->judge);
    struct fact *f = NULL;
    enum err e;

    if (late->merged || late->sale.time_ms >= watermark_ms)
        return ERR_OK;
    e = judge_merge(t->judge, from->source, str_of(from->name), &late->sale);
    if (!e)
        e = add_fact(t, &late->sale, watermark_ms, &f);
    if (!e)
        e = ledger_merged(&t->ledger, f, books_name(t->books, f->invoice));
    if (e)
        return e;
    late->merged = true;
    oracle_merged(t->oracle, &late->told, t->merges);
    return ERR_OK;
}

enum err till_merge(struct till *t)
{
    enum err e = till_commit(t, false);

    t->merges++;
    for (size_t i = 0; !e && i < t->late.n; i++)
        e = merge_late(t, list_at(&t->late, i));
    if (!e)
        e = fold_windows.merge(t->fold, (const struct fact *)(const void *)t->facts.p, t->facts.n,
                               UINT64_MAX, t->parcel);
    t->facts.n = 0;
    return e ? e : till_commit(t, true);
}

static enum err load_key(void *arg, uint32_t id, struct str text)
{
    return id ? keys_load(((struct till *)arg)->keys, id, text) : ERR_OK;
}

static enum err load_judge(void *arg, struct str name, uint32_t version, struct str data)
{
    (void)name;
    return judge_load(((struct till *)arg)->judge, version, data, NULL);
}

static enum err load_dedup(void *arg, uint64_t seq, const uint64_t hash[2], int64_t expires_ms)
{
    return judge_load_dedup(((struct till *)arg)->judge, seq, hash, expires_ms);
}

static enum err load_window(void *arg, struct str name, uint32_t version, struct str data)
{
    return fold_windows.load(((struct till *)arg)->fold, name, version, data, NULL);
}

static enum err replay_entry(void *arg, const struct ledger_entry *entry)
{
    struct till *t = arg;
    struct fact f = entry->fact;

    if (entry->kind != LEDGER_SALE)
        return fold_windows.finish(t->fold, t->parcel);
    if (books_find(t->books, entry->invoice, &f.invoice))
        return ERR_DAMAGED;
    books_touch(t->books, f.invoice, f.time_ms);
    return fold_windows.add(t->fold, &f, 1, t->parcel);
}

static enum err replay_chunk(void *arg, uint64_t seq, uint32_t sales, struct str data)
{
    struct till *t = arg;

    (void)sales;
    t->ledger_seq = seq;
    return ledger_each(data, replay_entry, t);
}

enum err till_restart(struct till *t)
{
    close_parts(t);
    enum err e = open_parts(t);
    if (!e)
        e = store_each_key(t->store, load_key, t);
    if (!e)
        e = store_each_state(t->store, "judge", load_judge, t, NULL);
    if (!e)
        e = store_each_dedup(t->store, load_dedup, t);
    if (!e)
        e = store_each_state(t->store, "windows/", load_window, t, NULL);
    if (!e)
        e = fold_windows.loaded(t->fold, NULL);
    if (!e)
        e = store_each_ledger(t->store, t->saved_seq, replay_chunk, t);
    if (!e)
        e = fold_windows.snapshot(t->fold, t->parcel);
    if (e)
        return e;
    parcel_reset(t->parcel); /* these rows are in the table already */
    t->commits = 0;
    return fold_windows.announce(t->fold, t->parcel);
}

/* ---- comparing ---- */

static void add_part(char *out, size_t size, const char *part, bool escape)
{
    for (size_t n = strlen(out); *part && n + 4 < size; part++, n = strlen(out)) {
        if (escape && (*part == '+' || *part == '%'))
            (void)snprintf(out + n, size - n, "%%%02X", (unsigned)*part);
        else
            (void)snprintf(out + n, size - n, "%c", *part);
    }
}

static void key_text(const struct till *t, const struct oracle_row *r, char *out, size_t size)
{
    const struct dimension *d = &t->settings->dimension[r->dimension];

    out[0] = '\0';
    for (int i = 0; i < d->n_fields; i++) {
        if (i)
            add_part(out, size, "+", false);
        add_part(out, size, t->words->field[d->fields[i]][r->key.part[i]], d->n_fields > 1);
    }
}

/* The row of the table that an oracle's row is about. */
static const struct agg_row *find_row(const struct till *t, const struct oracle_row *o,
                                      const char *key)
{
    const struct series_row *s = series_of(t, series_for(t, o->window, o->dimension));
    uint32_t id;

    if (s->newest && (s->start_s != o->start_s || s->end_s != o->end_s))
        return NULL;
    if (keys_id(t->keys, str_of(key), &id))
        return NULL;
    for (size_t i = 0; i < t->rows.n; i++) {
        const struct agg_row *r = list_at(&t->rows, i);
        bool at = s->newest || (r->start_s == o->start_s && r->end_s == o->end_s);
        if (at && r->series == s->id && r->key == id)
            return r;
    }
    return NULL;
}

static bool close_to(int64_t got, int64_t wanted)
{
    double allowed = fabs((double)wanted) < 4096 ? 0 : fabs((double)wanted) * 0.01 + 1;

    return fabs((double)got - (double)wanted) <= allowed;
}

static const char *wrong_measure(const struct agg_row *r, const struct oracle_row *o)
{
    if (r->lines != o->lines || r->units != o->units || r->revenue != o->revenue)
        return "lines, units or revenue";
    if (r->invoices != o->invoices || r->customers != o->customers)
        return "invoices or customers";
    if (r->return_lines != o->return_lines || r->return_units != o->return_units ||
        r->return_revenue != o->return_revenue)
        return "returns";
    if (r->min != o->min || r->max != o->max)
        return "min or max";
    if (!close_to(r->p50, o->p50) || !close_to(r->p90, o->p90) || !close_to(r->p99, o->p99))
        return "a quantile";
    if (!(fabs(r->sd - o->sd) <= 1e-9 * o->sd + 1e-9))
        return "sd";
    return NULL;
}

/* A row of a newest window tells final and version of the instance it was written for. */
static bool speaks_of(const struct till *t, const struct agg_row *r)
{
    const struct series_row *s = series_of(t, r->series);

    return !s->newest || s->start_s == r->start_s;
}

static const char *tell(const struct till *t, const struct oracle_row *o, const struct agg_row *r,
                        const char *key, const char *what)
{
    static char text[600];
    bool ours = r && speaks_of(t, r);

    (void)snprintf(
        text, sizeof(text),
        "%s: window %s, dimension %s, key '%.200s', [%" PRId64 ", %" PRId64 "): lines %" PRId64
        " final %d version %u; wanted lines %" PRId64 " final %d version %u",
        what, t->settings->window[o->window].name, t->settings->dimension[o->dimension].name, key,
        o->start_s, o->end_s, r ? r->lines : -1, ours && r->final, ours ? r->version : 0, o->lines,
        o->final, o->version);
    return text;
}

/* Names a row that the oracle does not have. */
static const char *tell_extra(const struct till *t, const struct oracle_row *o, size_t n)
{
    static char text[900];
    char key[600] = "";

    for (size_t i = 0; i < t->rows.n; i++) {
        const struct agg_row *r = list_at(&t->rows, i);
        bool known = false;
        for (size_t k = 0; k < n && !known; k++) {
            key_text(t, &o[k], key, sizeof(key));
            known = find_row(t, &o[k], key) == r;
        }
        if (known)
            continue;
        int d, w = window_of(t, r->series, &d);
        struct str name = keys_text(t->keys, r->key);
        (void)snprintf(text, sizeof(text),
                       "%zu rows; wanted %zu. Not wanted: window %s, dimension %s, key '%.*s', "
                       "[%" PRId64 ", %" PRId64 "): lines %" PRId64 " final %d version %u",
                       t->rows.n, n, t->settings->window[w].name, t->settings->dimension[d].name,
                       (int)name.n, name.p, r->start_s, r->end_s, r->lines, r->final, r->version);
        return text;
    }
    return "two rows with one key";
}

const char *till_difference(struct till *t)
{
    char key[600];
    size_t n;
    const struct oracle_row *o = oracle_rows(t->oracle, &n);

    for (size_t i = 0; i < n; i++) {
        key_text(t, &o[i], key, sizeof(key));
        const struct agg_row *r = find_row(t, &o[i], key);
        if (!r)
            return tell(t, &o[i], r, key, "a row is missing");
        const char *what = wrong_measure(r, &o[i]);
        bool ours = speaks_of(t, r);
        if (what)
            return tell(t, &o[i], r, key, what);
        if ((ours && r->final) != o[i].final || (ours ? r->version : 0) != o[i].version)
            return tell(t, &o[i], r, key, "final or version");
    }
    return n == t->rows.n ? NULL : tell_extra(t, o, n);
}

static bool same_measures(const struct agg_row *a, const struct agg_row *b)
{
    return a->lines == b->lines && a->invoices == b->invoices && a->customers == b->customers &&
           a->units == b->units && a->revenue == b->revenue && a->return_lines == b->return_lines &&
           a->return_units == b->return_units && a->return_revenue == b->return_revenue &&
           a->min == b->min && a->max == b->max && a->p50 == b->p50 && a->p90 == b->p90 &&
           a->p99 == b->p99 && !(a->sd < b->sd) && !(a->sd > b->sd);
}

static bool same_place(const struct till *ta, const struct till *tb, const struct agg_row *a,
                       const struct agg_row *b)
{
    bool newest = series_of(ta, a->series)->newest;

    return a->series == b->series &&
           (newest || (a->start_s == b->start_s && a->end_s == b->end_s)) &&
           str_eq(keys_text(ta->keys, a->key), keys_text(tb->keys, b->key));
}

static bool same_row(const struct till *ta, const struct till *tb, const struct agg_row *a,
                     const struct agg_row *b, bool versions)
{
    bool ours = speaks_of(ta, a), theirs = speaks_of(tb, b);

    return same_measures(a, b) && (ours && a->final) == (theirs && b->final) &&
           (!versions || (ours ? a->version : 0) == (theirs ? b->version : 0));
}

const char *till_compare(struct till *a, struct till *b, bool versions)
{
    if (a->rows.n != b->rows.n)
        return "the tables have different numbers of rows";
    for (size_t i = 0; i < a->rows.n; i++) {
        const struct agg_row *x = list_at(&a->rows, i), *y = NULL;
        for (size_t k = 0; k < b->rows.n && !y; k++) {
            y = list_at(&b->rows, k);
            y = same_place(a, b, x, y) ? y : NULL;
        }
        if (!y || !same_row(a, b, x, y, versions))
            return y ? "the tables have different rows" : "a row is in one table alone";
    }
    return NULL;
}
