/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * forecast_save: saved anywhere and loaded, it goes on to the same words; only what changed is
 * written; damage is told and harms nobody.
 */
#include "models/forecast.h"

#include "tests/support/forecasts.h"
#include "tests/support/t.h"

#include <stdlib.h>

static const struct forecast_setup setup = {
    .skip = {101},
    .n_skip = 1,
    .rule = {{.series = {FORECAST_ALL, FORECAST_UNITS, 0}},
             {.series = {FORECAST_STOCK, FORECAST_REVENUE, 105},
              .n_features = 2,
              .feature = {FORECAST_ONE, FORECAST_USUAL}}},
    .n_rules = 2,
};

static struct forecast *opened(void)
{
    struct forecast *f;

    ok_err(forecast_open(&setup, &f));
    return f;
}

static void trade(struct forecast *f, struct forecasts_heard *h, struct forecasts_shop *shop,
                  int lines)
{
    const struct forecast_sink sink = forecasts_sink(h);

    for (int i = 0; i < lines; i++) {
        struct model_line line = forecasts_shop_next(shop);
        ok_err(forecast_line(f, &line, &sink));
    }
}

static struct parcel *saved(struct forecast *f)
{
    struct parcel *p = parcel_open();

    ok(p != NULL);
    ok_err(forecast_save(f, p));
    return p;
}

/* The stored parts by name, as a store keeps them. */
struct shelf {
    struct str name[64];
    struct str data[64];
    int n;
};

static struct str copy_of(struct str s)
{
    char *p = malloc(s.n + 1);

    ok(p != NULL);
    memcpy(p, s.p, s.n);
    return (struct str){p, s.n};
}

static void put(struct shelf *shelf, const struct parcel *p)
{
    for (size_t i = 0; i < p->states.n; i++) {
        const struct state_row *row = list_at(&p->states, i);
        struct str name = parcel_str(p, row->name);
        int k = 0;
        while (k < shelf->n && !str_eq(shelf->name[k], name))
            k++;
        ok(k < 64 && !row->gone && row->data.n < 64 << 10);
        if (k == shelf->n)
            shelf->name[shelf->n++] = copy_of(name);
        free((void *)(uintptr_t)shelf->data[k].p);
        shelf->data[k] = copy_of(parcel_str(p, row->data));
    }
}

static void clear(struct shelf *shelf)
{
    for (int k = 0; k < shelf->n; k++) {
        free((void *)(uintptr_t)shelf->name[k].p);
        free((void *)(uintptr_t)shelf->data[k].p);
    }
}

T(saved_anywhere_it_goes_on_to_the_same_words)
{
    uint64_t chance = seed();
    struct forecasts_shop shop;
    struct forecasts_heard one, two;
    struct forecast *f = opened(), *g = opened();
    struct shelf shelf = {.n = 0};

    forecasts_heard_init(&one);
    forecasts_heard_init(&two);
    forecasts_shop_open(&shop, seed());
    for (int round = 0; round < 40; round++) {
        int lines = 1 + (int)rnd_below(&chance, 120);
        struct forecasts_shop again = shop;
        struct parcel *p;
        trade(f, &one, &shop, lines);
        trade(g, &two, &again, lines);
        p = saved(g);
        put(&shelf, p);
        parcel_close(p);
        forecast_close(g);
        g = opened();
        for (int k = shelf.n - 1; k >= 0; k--)
            ok_err(forecast_load(g, shelf.name[k], 1, shelf.data[k]));
    }
    eq_bytes(one.text.p, one.text.n, two.text.p, two.text.n);
    ok(one.records.n > 5000);
    forecast_close(f);
    forecast_close(g);
    clear(&shelf);
    forecasts_heard_clear(&one);
    forecasts_heard_clear(&two);
}

T(only_what_changed_is_written)
{
    struct forecasts_shop shop;
    struct forecasts_heard h;
    struct forecast *f = opened();
    struct parcel *p;

    forecasts_heard_init(&h);
    forecasts_shop_open(&shop, seed());
    trade(f, &h, &shop, 500);
    p = saved(f);
    eq_int(p->states.n, forecast_series_count(f) + 1);
    parcel_close(p);
    p = saved(f);
    eq_int(p->states.n, 0);
    parcel_close(p);
    while (shop.in_hour != 2)
        trade(f, &h, &shop, 1);
    p = saved(f);
    parcel_close(p);
    trade(f, &h, &shop, 1); /* within the hour */
    p = saved(f);
    eq_int(p->states.n, 1);
    const struct state_row *row = list_at(&p->states, 0);
    ok(str_eq(parcel_str(p, row->name), STR("models/forecast/0")));
    parcel_close(p);
    forecast_close(f);
    forecasts_heard_clear(&h);
}

T(foreign_parts_and_newer_ones_are_refused)
{
    struct forecast *f = opened();

    eq_err(forecast_load(f, STR("models/forecast/series/99"), 1, STR("")), ERR_NOT_FOUND);
    eq_err(forecast_load(f, STR("models/forecast/series/1x"), 1, STR("")), ERR_NOT_FOUND);
    eq_err(forecast_load(f, STR("models/detect/0"), 1, STR("")), ERR_NOT_FOUND);
    eq_err(forecast_load(f, STR("models/forecast/0"), 2, STR("")), ERR_NEWER);
    eq_err(forecast_load(f, STR("models/forecast/series/00"), 2, STR("")), ERR_NEWER);
    eq_err(forecast_load(f, STR("models/forecast/0"), 1, STR("")), ERR_DAMAGED);
    eq_err(forecast_load(f, STR("models/forecast/series/00"), 1, STR("")), ERR_DAMAGED);
    forecast_close(f);
}

/* Loads with part `k` damaged at random; when that goes unnoticed, goes on with it. */
static void try_damaged(const struct shelf *shelf, struct forecasts_shop shop, uint64_t *chance)
{
    int k = (int)rnd_below(chance, (uint64_t)shelf->n);
    struct str bad = copy_of(shelf->data[k]);
    char *bytes = (char *)(uintptr_t)bad.p;
    struct forecast *f = opened();
    struct forecasts_heard h;
    const struct forecast_sink sink = forecasts_sink(&h);
    enum err e = ERR_OK;

    forecasts_heard_init(&h);
    if (rnd_below(chance, 4) == 0)
        bad.n = rnd_below(chance, bad.n);
    for (uint64_t i = rnd_below(chance, 4); bad.n > 0 && i < 4; i++)
        bytes[rnd_below(chance, bad.n < 200 || i ? bad.n : 200)] = (char)rnd(chance);
    for (int i = 0; !e && i < shelf->n; i++)
        e = forecast_load(f, shelf->name[i], 1, i == k ? bad : shelf->data[i]);
    ok(e == ERR_OK || e == ERR_DAMAGED);
    for (int i = 0; !e && i < 200; i++) {
        struct model_line line = forecasts_shop_next(&shop);
        e = forecast_line(f, &line, &sink);
    }
    forecast_close(f);
    forecasts_heard_clear(&h);
    free(bytes);
}

T(damage_is_told_or_harmless)
{
    uint64_t chance = seed();
    struct forecasts_shop shop;
    struct forecasts_heard h;
    struct forecast *f = opened();
    struct shelf shelf = {.n = 0};
    struct parcel *p;

    forecasts_heard_init(&h);
    forecasts_shop_open(&shop, seed());
    trade(f, &h, &shop, 1234);
    p = saved(f);
    put(&shelf, p);
    parcel_close(p);
    for (int i = 0; i < 600; i++)
        try_damaged(&shelf, shop, &chance);
    forecast_close(f);
    clear(&shelf);
    forecasts_heard_clear(&h);
}

T_OOM(saving_and_loading_survive_lack_of_memory)
{
    struct forecasts_shop shop;
    struct forecasts_heard h;
    const struct forecast_sink sink = forecasts_sink(&h);
    struct forecast *f = NULL, *g = NULL;
    struct parcel *p = NULL;
    enum err e = forecast_open(&setup, &f);

    forecasts_heard_init(&h);
    forecasts_shop_open(&shop, seed());
    for (int i = 0; !e && i < 60; i++) {
        struct model_line line = forecasts_shop_next(&shop);
        e = forecast_line(f, &line, &sink);
    }
    if (!e) {
        p = parcel_open();
        e = p ? forecast_save(f, p) : ERR_NOMEM;
    }
    if (!e)
        e = forecast_open(&setup, &g);
    for (size_t i = 0; !e && i < p->states.n; i++) {
        const struct state_row *row = list_at(&p->states, i);
        e = forecast_load(g, parcel_str(p, row->name), row->version, parcel_str(p, row->data));
    }
    memory_again();
    parcel_close(p);
    forecast_close(f);
    forecast_close(g);
    forecasts_heard_clear(&h);
    return e;
}
