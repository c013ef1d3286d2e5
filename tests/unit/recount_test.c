/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/oracle.h"
#include "tests/support/t.h"
#include "windows/recount.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Two databases that number the same texts in their own ways. A text is its field's letter and
 * a number; number 0 is the empty text. */
enum { DATABASES = 2, CHUNKS = 6, VALUES = 12, INVOICES = 40 };

struct base {
    int place;
    struct ledger chunk[CHUNKS];
    int read; /* chunks taken */
    struct shelf *shelf;
};

struct shelf {
    struct settings settings;
    struct keys *keys, *invoices;
    struct base base[DATABASES];
    struct recount_ledger ledger[DATABASES];
    struct oracle *oracle;
};

static uint32_t own_key(int place, int field, int value)
{
    return value ? (uint32_t)(1 + field * VALUES * 3 + value * (place + 1)) : 0;
}

static enum err common_text(struct keys *keys, char letter, int value, uint32_t *common)
{
    char text[16];

    (void)snprintf(text, sizeof(text), "%c+%d", letter, value);
    return keys_id(keys, value || letter == 'I' ? str_of(text) : str_of(""), common);
}

static enum err find_key(void *arg, uint32_t id, uint32_t *common)
{
    const struct base *b = arg;

    for (int field = 0; field < FIELD_COUNT; field++) {
        for (int value = 0; value < VALUES; value++) {
            if (own_key(b->place, field, value) == id)
                return common_text(b->shelf->keys, "CNS"[field], value, common);
        }
    }
    return ERR_DAMAGED;
}

static enum err find_invoice(void *arg, uint64_t name, uint32_t *common)
{
    const struct base *b = arg;
    int invoice = (int)name - 1000 * b->place - 1;

    if (invoice < 0 || invoice >= INVOICES)
        return ERR_DAMAGED;
    return common_text(b->shelf->invoices, 'I', invoice, common);
}

static enum err each_chunk(void *arg, const struct ledger_walk *walk)
{
    struct base *b = arg;
    enum err e = ERR_OK;

    for (int i = 0; !e && i < CHUNKS; i++) {
        const struct ledger *l = &b->chunk[i];
        if (l->first_ms >= walk->to_ms || l->last_ms < walk->from_ms ||
            !walk->wants(walk->arg, l->first_ms, l->last_ms))
            continue;
        b->read++;
        e = walk->take(walk->arg, (struct str){l->bytes.p, l->bytes.n});
    }
    return e;
}

static const uint64_t *invoice_hashes(void *arg)
{
    return keys_hashes(((struct shelf *)arg)->invoices);
}

static void open_shelf(struct shelf *s)
{
    static const char text[] =
        "{\"dimensions\":[\"all\",\"customer\",\"country+stock_code\"],\"windows\":["
        "{\"name\":\"a\",\"type\":\"tumbling\",\"size\":\"1h\"},"
        "{\"name\":\"b\",\"type\":\"sliding\",\"size\":\"7h\",\"slide\":\"2h\","
        "\"keep\":\"history\"},{\"name\":\"c\",\"type\":\"session\",\"gap\":\"20m\"}]}";
    struct why why = {.text = ""};

    *s = (struct shelf){.keys = NULL};
    ok_err(settings_init(&s->settings));
    ok_err(settings_json(&s->settings, str_of(text), "test", &why));
    ok_err(settings_check(&s->settings, &why));
    ok_err(keys_open(&s->keys));
    ok_err(keys_open(&s->invoices));
    for (int i = 0; i < DATABASES; i++) {
        s->base[i] = (struct base){.place = i, .shelf = s};
        s->ledger[i] = (struct recount_ledger){
            .arg = &s->base[i], .chunks = each_chunk, .key = find_key, .invoice = find_invoice};
        for (int k = 0; k < CHUNKS; k++)
            ledger_init(&s->base[i].chunk[k]);
    }
    s->oracle = oracle_open(&s->settings);
}

static void close_shelf(struct shelf *s)
{
    for (int i = 0; i < DATABASES; i++) {
        recount_forget(&s->ledger[i]);
        for (int k = 0; k < CHUNKS; k++)
            ledger_clear(&s->base[i].chunk[k]);
    }
    oracle_close(s->oracle);
    keys_close(s->keys);
    keys_close(s->invoices);
    settings_clear(&s->settings);
}

/* A random sale: the fact as common numbers, its numbers in `place`, the oracle's. */
static void make_sale(struct shelf *s, uint64_t *random, int place, int64_t time_ms,
                      struct fact *fact)
{
    struct oracle_sale told = {.time_ms = time_ms, .watermark_ms = WHEN_NONE};
    uint64_t name;

    *fact = (struct fact){.time_ms = time_ms, .price = (int64_t)rnd_below(random, 9000000)};
    fact->quantity = (int64_t)rnd_below(random, 14) - 4;
    fact->value = fact->quantity * fact->price;
    told.quantity = fact->quantity;
    told.value = fact->value;
    told.invoice = (int)rnd_below(random, INVOICES);
    for (int i = 0; i < FIELD_COUNT; i++)
        told.field[i] = (int)rnd_below(random, 5);
    oracle_sale(s->oracle, &told);
    name = (uint64_t)(told.invoice + 1000 * place + 1);
    if (place < DATABASES) {
        fact->customer = own_key(place, FIELD_CUSTOMER, told.field[FIELD_CUSTOMER]);
        fact->country = own_key(place, FIELD_COUNTRY, told.field[FIELD_COUNTRY]);
        fact->stock = own_key(place, FIELD_STOCK, told.field[FIELD_STOCK]);
        struct ledger *l = &s->base[place].chunk[rnd_below(random, CHUNKS)];
        ok_err(rnd_below(random, 5) ? ledger_sale(l, fact, name) : ledger_merged(l, fact, name));
        return;
    }
    ok_err(common_text(s->keys, 'C', told.field[FIELD_CUSTOMER], &fact->customer));
    ok_err(common_text(s->keys, 'N', told.field[FIELD_COUNTRY], &fact->country));
    ok_err(common_text(s->keys, 'S', told.field[FIELD_STOCK], &fact->stock));
    ok_err(common_text(s->invoices, 'I', told.invoice, &fact->invoice));
}

static struct recount *open_recount(struct shelf *s)
{
    const struct recount_setup setup = {
        .keys = s->keys, .invoice_hashes = invoice_hashes, .arg = s};
    struct recount *r = NULL;
    uint32_t series;

    ok_err(recount_open(&setup, &r));
    for (int i = 0; i < s->settings.n_windows * s->settings.n_dimensions; i++) {
        ok_err(recount_series(r, &s->settings.dimension[i % s->settings.n_dimensions], &series));
        eq_int(series, i);
    }
    return r;
}

static uint32_t series_of(const struct shelf *s, const struct oracle_row *o)
{
    return (uint32_t)(o->window * s->settings.n_dimensions + o->dimension);
}

static uint32_t key_of(struct shelf *s, const struct oracle_row *o)
{
    const struct dimension *d = &s->settings.dimension[o->dimension];
    uint32_t part[2] = {0, 0};

    for (int i = 0; i < d->n_fields; i++)
        ok_err(common_text(s->keys, "CNS"[d->fields[i]], o -> key.part[i], &part[i]));
    if (d->n_fields == 2)
        ok_err(keys_pair(s->keys, part[0], part[1], &part[0]));
    return part[0];
}

static struct window_span span_of(const struct oracle_row *o)
{
    return (struct window_span){o->start_s * 1000, o->end_s * 1000};
}

static void near_to(int64_t got, int64_t wanted)
{
    double size = fabs((double)wanted);

    near((double)got, (double)wanted, size < 4096 ? 0 : size * 0.01 + 1);
}

static void compare(const struct cell *c, const struct oracle_row *o)
{
    struct agg_row r = {.sd = 0};

    recount_measures(c, &r);
    eq_int(r.lines, o->lines);
    eq_int(r.invoices, o->invoices);
    eq_int(r.customers, o->customers);
    eq_int(r.units, o->units);
    eq_int(r.revenue, o->revenue);
    eq_int(r.return_lines, o->return_lines);
    eq_int(r.return_units, o->return_units);
    eq_int(r.return_revenue, o->return_revenue);
    eq_int(r.min, o->min);
    eq_int(r.max, o->max);
    near(r.sd, o->sd, 1e-9 * o->sd + 1e-9);
    near_to(r.p50, o->p50);
    near_to(r.p90, o->p90);
    near_to(r.p99, o->p99);
}

T(rows_counted_from_two_ledgers_are_what_the_oracle_counts)
{
    uint64_t random = seed();

    for (int round = 0; round < 40; round++) {
        struct shelf s;
        struct fact extra[3];
        size_t n, at = 0;
        open_shelf(&s);
        int sales = 1 + (int)rnd_below(&random, 120);
        for (int i = 0; i < sales; i++) {
            struct fact f;
            make_sale(&s, &random, (int)rnd_below(&random, DATABASES),
                      (int64_t)rnd_below(&random, 40) * 30 * WHEN_MINUTE, &f);
        }
        for (size_t i = 0; i < countof(extra); i++)
            make_sale(&s, &random, DATABASES, (int64_t)rnd_below(&random, 20) * WHEN_HOUR,
                      &extra[i]);
        const struct oracle_row *rows = oracle_rows(s.oracle, &n);
        struct recount *r = open_recount(&s);
        for (size_t i = 0; i < n; i++) {
            if (rnd_below(&random, 3))
                ok_err(recount_want(r, series_of(&s, &rows[i]), span_of(&rows[i]),
                                    key_of(&s, &rows[i])));
            if (!rnd_below(&random, 9)) /* asked for again */
                ok_err(recount_want(r, series_of(&s, &rows[i]), span_of(&rows[i]),
                                    key_of(&s, &rows[i])));
        }
        ok_err(recount_ready(r));
        for (int i = 0; i < DATABASES; i++)
            ok_err(recount_count(r, &s.ledger[i], NULL, NULL));
        for (size_t i = 0; i < countof(extra); i++)
            ok_err(recount_fact(r, &extra[i]));
        size_t found = 0;
        for (size_t i = 0; i < n; i++) {
            struct recount_row row;
            if (!recount_find(r, series_of(&s, &rows[i]), key_of(&s, &rows[i]),
                              span_of(&rows[i]).start, &at))
                continue;
            found++;
            recount_row(r, at, &row);
            eq_int(row.span.end, span_of(&rows[i]).end);
            compare(row.cell, &rows[i]);
        }
        eq_int(found, recount_rows(r));
        recount_close(r);
        close_shelf(&s);
    }
}

T(all_keys_of_a_span_are_counted_without_being_named)
{
    uint64_t random = seed();
    struct shelf s;
    struct fact f;
    size_t n, rows_there = 0;

    open_shelf(&s);
    for (int i = 0; i < 200; i++)
        make_sale(&s, &random, i % 2, (int64_t)rnd_below(&random, 600) * WHEN_MINUTE, &f);
    const struct oracle_row *rows = oracle_rows(s.oracle, &n);
    struct recount *r = open_recount(&s);
    struct window_span span = {2 * WHEN_HOUR, 3 * WHEN_HOUR};
    for (int d = 0; d < s.settings.n_dimensions; d++)
        ok_err(recount_want_all(r, (uint32_t)d, span));
    ok_err(recount_ready(r));
    for (int i = 0; i < DATABASES; i++)
        ok_err(recount_count(r, &s.ledger[i], NULL, NULL));
    for (size_t i = 0; i < n; i++) {
        if (rows[i].window != 0 || rows[i].start_s * 1000 != span.start)
            continue;
        const struct cellset *set = recount_all(r, series_of(&s, &rows[i]));
        const struct cell *c = cellset_find(set, key_of(&s, &rows[i]));
        ok(c != NULL);
        compare(c, &rows[i]);
        rows_there++;
    }
    size_t cells = 0;
    for (int d = 0; d < s.settings.n_dimensions; d++)
        cells += recount_all(r, (uint32_t)d)->n;
    eq_int(cells, rows_there);
    recount_close(r);
    close_shelf(&s);
}

struct seen {
    size_t row;
    int n;
    int64_t sum_ms;
};

static enum err see(void *arg, size_t row, const struct fact *fact)
{
    struct seen *seen = arg;

    eq_int(row, seen->row);
    seen->n++;
    seen->sum_ms += fact->time_ms;
    return ERR_OK;
}

T(sales_can_be_shown_instead_of_counted_and_chunks_that_do_not_matter_are_not_read)
{
    uint64_t random = seed();
    struct shelf s;
    struct fact f;
    struct seen seen = {.n = 0};

    open_shelf(&s);
    for (int i = 0; i < 10; i++) {
        make_sale(&s, &random, 1, i * WHEN_DAY, &f);
        ledger_reset(&s.base[1].chunk[0]);
    }
    for (int k = 0; k < CHUNKS; k++) {
        ledger_reset(&s.base[1].chunk[k]);
        f.time_ms = k * WHEN_DAY;
        ok_err(ledger_sale(&s.base[1].chunk[k], &f, 1001));
    }
    struct recount *r = open_recount(&s);
    ok_err(recount_want(r, 0, (struct window_span){0, WHEN_HOUR}, 0));
    ok_err(recount_want(r, 0, (struct window_span){3 * WHEN_DAY, 4 * WHEN_DAY}, 0));
    ok_err(recount_ready(r));
    seen.row = 0;
    ok_err(recount_count(r, &s.ledger[0], see, &seen));
    eq_int(seen.n, 0);
    ok_err(recount_count(r, &s.ledger[1], NULL, NULL));
    eq_int(s.base[1].read, 2);
    recount_close(r);
    r = open_recount(&s);
    ok_err(recount_want(r, 0, (struct window_span){2 * WHEN_DAY, 5 * WHEN_DAY}, 0));
    ok_err(recount_ready(r));
    ok_err(recount_count(r, &s.ledger[1], see, &seen));
    eq_int(seen.n, 3);
    eq_int(seen.sum_ms, 9 * WHEN_DAY);
    struct recount_row row;
    recount_row(r, 0, &row);
    eq_int(row.cell->lines, 0);
    recount_close(r);
    close_shelf(&s);
}

T(a_damaged_ledger_is_an_error)
{
    static const char bad[] = "\xff\xff\xff";
    struct shelf s;

    open_shelf(&s);
    ok_err(buf_add(&s.base[0].chunk[0].bytes, bad, 3));
    s.base[0].chunk[0].first_ms = s.base[0].chunk[0].last_ms = 5;
    struct fact f = {.time_ms = 5, .stock = 60000, .quantity = 1};
    ok_err(ledger_sale(&s.base[1].chunk[0], &f, 1001));
    struct recount *r = open_recount(&s);
    ok_err(recount_want(r, 0, (struct window_span){0, 10}, 0));
    ok_err(recount_ready(r));
    eq_err(recount_count(r, &s.ledger[0], NULL, NULL), ERR_DAMAGED);
    eq_err(recount_count(r, &s.ledger[1], NULL, NULL), ERR_DAMAGED);
    recount_close(r);
    close_shelf(&s);
}

/* Two sales, one row of all and one of a customer. */
static enum err count_two(struct shelf *s, struct recount **out)
{
    const struct recount_setup setup = {
        .keys = s->keys, .invoice_hashes = invoice_hashes, .arg = s};
    uint32_t all, customer;
    enum err e = recount_open(&setup, out);

    if (!e)
        e = recount_series(*out, &s->settings.dimension[0], &all);
    if (!e)
        e = recount_series(*out, &s->settings.dimension[1], &customer);
    if (!e)
        e = recount_want(*out, all, (struct window_span){0, 100}, 0);
    if (!e)
        e = recount_want_all(*out, customer, (struct window_span){0, 100});
    if (!e)
        e = recount_ready(*out);
    return e ? e : recount_count(*out, &s->ledger[0], NULL, NULL);
}

T_OOM(a_recount_survives_lack_of_memory)
{
    struct fact f = {.time_ms = 5, .quantity = 1, .price = 7, .value = 7};
    struct shelf s = {.keys = NULL};
    struct recount *r = NULL;
    enum err e = settings_init(&s.settings);

    if (!e)
        e = settings_check(&s.settings, NULL);
    if (!e)
        e = keys_open(&s.keys);
    if (!e)
        e = keys_open(&s.invoices);
    s.base[0].shelf = &s;
    for (int k = 0; k < CHUNKS; k++)
        ledger_init(&s.base[0].chunk[k]);
    s.ledger[0] = (struct recount_ledger){
        .arg = &s.base[0], .chunks = each_chunk, .key = find_key, .invoice = find_invoice};
    f.customer = own_key(0, FIELD_CUSTOMER, 3);
    if (!e)
        e = ledger_sale(&s.base[0].chunk[0], &f, 2);
    if (!e)
        e = ledger_merged(&s.base[0].chunk[0], &f, 3);
    if (!e)
        e = count_two(&s, &r);
    memory_again();
    if (!e) {
        struct recount_row row;
        recount_row(r, 0, &row);
        eq_int(row.cell->lines, 2);
        eq_int(recount_all(r, 1)->n, 1);
    }
    recount_close(r);
    recount_forget(&s.ledger[0]);
    for (int k = 0; k < CHUNKS; k++)
        ledger_clear(&s.base[0].chunk[k]);
    keys_close(s.keys);
    keys_close(s.invoices);
    settings_clear(&s.settings);
    return e;
}
