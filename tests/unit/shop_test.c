/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The synthetic shop as a whole: the same everywhere, in order of time, and like a shop.
 */
#include "commands/shop.h"
#include "commands/shop_text.h"
#include "engine/when.h"
#include "tests/support/t.h"

#include <stdlib.h>

static const struct shop_options usual = {
    .seed = 1, .start_day = 14944, .customers = 4400, .codes = 4000}; /* 2010-12-01 */

static struct shop *open_shop(const struct shop_options *o)
{
    struct shop *s = NULL;

    ok_err(shop_open(o, &s));
    return s;
}

/* A hash of everything a shop writes. */
static uint64_t hash_of(const struct shop_options *o)
{
    struct shop *s = open_shop(o);
    struct shop_text text;
    struct shop_line line;
    char out[SHOP_TEXT_LINE_MAX];
    uint64_t hash = 0;

    shop_text_init(&text, false, false, o->seed);
    while (shop_next(s, &line)) {
        size_t n = shop_text_line(&text, &line, out);

        for (size_t i = 0; i < n; i++)
            hash = dice_mix(hash ^ (unsigned char)out[i]);
    }
    shop_close(s);
    return hash;
}

T(a_seed_gives_the_same_bytes_on_every_machine)
{
    struct shop_options o = usual;

    o.records = 20000;
    o.anomalies = 30;
    eq_u64(hash_of(&o), UINT64_C(10851509321660901624));
    o.seed = 2;
    ok(hash_of(&o) != UINT64_C(10851509321660901624));
}

T(as_many_records_come_as_were_asked_for)
{
    for (int64_t n = 1; n < 3000; n += 499) {
        struct shop_options o = usual;
        struct shop_line line;
        int64_t seen = 0;

        o.records = n;
        o.anomalies = n / 100;
        struct shop *s = open_shop(&o);
        while (shop_next(s, &line))
            eq_int(line.number, ++seen);
        eq_int(seen, n);
        ok(!shop_next(s, &line));
        shop_close(s);
    }
}

T(time_never_steps_back_and_nobody_shops_when_it_is_closed)
{
    struct shop_options o = usual;
    struct shop_line line;
    int64_t last_ms = 0;
    int64_t last_invoice = 0;

    o.days = 45; /* over Christmas */
    struct shop *s = open_shop(&o);
    while (shop_next(s, &line)) {
        int64_t day = line.at_ms / WHEN_DAY;

        ok(line.at_ms >= last_ms);
        ok(line.first ? line.invoice > last_invoice : line.invoice == last_invoice);
        ok((day + 4) % 7 != 6);
        ok(day < when_days(2010, 12, 24) || day > when_days(2011, 1, 3));
        last_ms = line.at_ms;
        last_invoice = line.invoice;
    }
    ok(last_ms / WHEN_DAY > when_days(2011, 1, 10));
    ok(last_ms / WHEN_DAY < usual.start_day + 45);
    shop_close(s);
}

struct tally {
    int64_t lines, invoices, credits, nameless, returned, free_of_charge;
};

static struct tally tally_of(const struct shop_options *o)
{
    struct shop *s = open_shop(o);
    struct shop_line line;
    struct tally t = {0};

    while (shop_next(s, &line)) {
        t.lines++;
        t.invoices += line.first;
        t.credits += line.first && line.letter == 'C';
        t.nameless += line.what.customer == 0;
        t.returned += line.what.quantity < 0;
        t.free_of_charge += line.what.price_milli == 0;
        ok(line.what.quantity != 0);
        ok(line.letter != 'C' || line.what.quantity < 0);
    }
    shop_close(s);
    return t;
}

T(it_looks_like_the_shop_it_is_modelled_on)
{
    struct shop_options o = usual;

    o.days = 365;
    struct tally t = tally_of(&o);
    near((double)t.lines, 1776.0 * 305, 50000);
    near((double)t.lines / (double)t.invoices, 21, 1.5);
    near((double)t.nameless / (double)t.lines, 0.25, 0.05);
    near((double)t.credits / (double)t.invoices, 0.148, 0.015);
    near((double)t.returned / (double)t.lines, 0.02, 0.01);
    near((double)t.free_of_charge / (double)t.lines, 0.0046, 0.002);
}

/* Sums what each (customer, code, price) bought less what was taken back, in an open table. */
struct held {
    uint64_t key;
    int64_t units;
};

#define HELD 131072

static struct held *held_at(struct held *table, uint64_t key)
{
    uint64_t at = key % HELD;

    while (table[at].units && table[at].key != key)
        at = (at + 1) % HELD;
    table[at].key = key;
    return &table[at];
}

T(what_is_returned_was_bought_before_by_the_same_customer_at_the_same_price)
{
    struct shop_options o = usual;
    struct shop_line line;
    struct held *table = calloc(HELD, sizeof(*table));
    int64_t returns = 0;

    ok(table != NULL);
    o.records = 60000;
    struct shop *s = open_shop(&o);
    while (table && shop_next(s, &line)) {
        uint64_t key =
            dice_hash(str_hash(line.what.code),
                      dice_hash((uint64_t)line.what.customer, (uint64_t)line.what.price_milli));

        if (line.what.customer == 0 || str_eq(line.what.code, STR("D")))
            continue;
        struct held *held = held_at(table, key);
        held->units += 2 * line.what.quantity;
        ok(held->units >= 0);
        held->units |= 1; /* stays in the table when all is returned */
        returns += line.what.quantity < 0;
    }
    ok(returns > 300);
    shop_close(s);
    free(table);
}

T(every_anomaly_asked_for_comes_with_its_label)
{
    struct shop_options o = usual;
    struct shop_line line;
    int64_t labelled[RECIPE_ODDITIES] = {0};

    o.records = 60000;
    o.anomalies = 66;
    struct shop *s = open_shop(&o);
    while (shop_next(s, &line)) {
        int64_t hour = line.at_ms % WHEN_DAY / WHEN_HOUR;

        labelled[line.oddity] += line.first;
        eq_int(line.oddity == RECIPE_NIGHT, hour < 6);
        ok(line.number > o.records / 10 || line.oddity == RECIPE_ORDINARY);
    }
    eq_int(shop_anomalies_left(s), 0);
    for (int i = RECIPE_NIGHT; i < RECIPE_DUP_BURST; i++)
        eq_int(labelled[i], 6);
    ok(labelled[RECIPE_DUP_BURST] >= 6);
    ok(labelled[RECIPE_CARD_TESTING] >= 36);
    shop_close(s);
}

T(anomalies_that_find_no_place_are_counted)
{
    struct shop_options o = usual;
    struct shop_line line;

    o.records = 50;
    o.anomalies = 40;
    struct shop *s = open_shop(&o);
    while (shop_next(s, &line))
        ok(line.number <= 50);
    ok(shop_anomalies_left(s) > 0);
    shop_close(s);
}

T(records_spread_over_the_days_they_are_given)
{
    struct shop_options o = usual;
    struct shop_line line = {0};

    o.records = 50000;
    o.days = 365;
    struct shop *s = open_shop(&o);
    while (shop_next(s, &line))
        continue;
    eq_int(line.number, 50000);
    near((double)(line.at_ms / WHEN_DAY), (double)(o.start_day + 365), 25);
    shop_close(s);
}

T(a_shop_of_one_code_and_one_customer_is_open_too)
{
    struct shop_options o = usual;
    struct shop_line line;

    o.codes = o.customers = 1;
    o.records = 5000;
    o.anomalies = 11;
    struct shop *s = open_shop(&o);
    while (shop_next(s, &line))
        ok(line.what.customer == 0 || line.what.customer == 12346);
    shop_close(s);
}

T_OOM(opening_a_shop_survives_lack_of_memory)
{
    struct shop_options o = usual;
    struct shop *s = NULL;

    o.records = 1;
    enum err e = shop_open(&o, &s);
    memory_again();
    ok(e ? s == NULL : s != NULL);
    shop_close(s);
    return e;
}
