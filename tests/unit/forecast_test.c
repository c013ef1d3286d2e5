/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * forecast: what is told adds up and was made before it came true; gaps, late lines, strange
 * clocks and strange amounts do no harm.
 */
#include "models/forecast.h"

#include "tests/support/forecasts.h"
#include "tests/support/t.h"

#include <math.h>
#include <stdlib.h>

#define DAY0 (FORECASTS_FIRST_DAY * WHEN_DAY)
#define AT(day, hour) (DAY0 + (day)*WHEN_DAY + (hour)*WHEN_HOUR)

static struct forecast *opened(const struct forecast_setup *setup)
{
    static const struct forecast_setup plain = {.n_rules = 0};
    struct forecast *f;

    ok_err(forecast_open(setup ? setup : &plain, &f));
    return f;
}

static void feed(struct forecast *f, struct forecasts_heard *h, struct model_line line)
{
    const struct forecast_sink sink = forecasts_sink(h);

    ok_err(forecast_line(f, &line, &sink));
}

/* Lines of the shop for some days. */
static void trade(struct forecast *f, struct forecasts_heard *h, struct forecasts_shop *shop,
                  int days)
{
    int64_t until = (shop->hour / 24 + days) * WHEN_DAY;

    for (struct model_line line = forecasts_shop_next(shop);; line = forecasts_shop_next(shop)) {
        feed(f, h, line);
        if (line.time_ms >= until)
            return;
    }
}

static const struct forecast_record *record(const struct forecasts_heard *h, size_t i)
{
    return list_at(&h->records, i);
}

/* The latest record like this one, NULL if there is none. */
static const struct forecast_record *found(const struct forecasts_heard *h,
                                           enum forecast_dimension dimension,
                                           enum forecast_horizon horizon, int64_t start_ms,
                                           bool known)
{
    for (size_t i = h->records.n; i-- > 0;) {
        const struct forecast_record *r = record(h, i);
        if (r->series.dimension == dimension && r->horizon == horizon && r->start_ms == start_ms &&
            r->known == known)
            return r;
    }
    return NULL;
}

static struct forecast_record the(const struct forecasts_heard *h,
                                  enum forecast_dimension dimension, enum forecast_horizon horizon,
                                  int64_t start_ms, bool known)
{
    const struct forecast_record *r = found(h, dimension, horizon, start_ms, known);

    if (!r)
        fail("no such record");
    return *r;
}

T(every_truth_was_forecast_before_with_the_same_words)
{
    struct forecast *f = opened(NULL);
    struct forecasts_heard h;
    struct forecasts_shop shop;
    int known = 0;

    forecasts_heard_init(&h);
    forecasts_shop_open(&shop, seed());
    trade(f, &h, &shop, 40);
    for (size_t i = 0; i < h.records.n; i++) {
        const struct forecast_record *r = record(&h, i);
        ok(0 <= r->lower && r->lower <= r->predicted && r->predicted <= r->upper);
        ok(isfinite(r->upper) && isfinite(r->naive) && isfinite(r->holt));
        if (r->horizon != FORECAST_NOWCAST)
            ok(r->made_ms <= r->start_ms);
        if (!r->known)
            continue;
        known++;
        size_t k = i;
        while (k > 0) {
            const struct forecast_record *p = record(&h, --k);
            if (!p->known && p->made_ms == r->made_ms && p->start_ms == r->start_ms &&
                p->horizon == r->horizon && p->series.key == r->series.key &&
                p->series.dimension == r->series.dimension)
                break;
            ok(k > 0);
        }
        near(record(&h, k)->predicted, r->predicted, 0);
        near(record(&h, k)->upper, r->upper, 0);
    }
    ok(known > 30 * 7 * 9);
    forecast_close(f);
    forecasts_heard_clear(&h);
}

T(days_are_the_sums_of_their_lines_and_all_is_the_countries_and_the_rest)
{
    struct forecast *f = opened(NULL);
    struct forecasts_heard h;
    struct forecasts_shop shop;
    const struct forecast_sink sink = forecasts_sink(&h);
    double total[40] = {0};

    forecasts_heard_init(&h);
    forecasts_shop_open(&shop, seed());
    for (int i = 0; i < 1500; i++) {
        struct model_line line = forecasts_shop_next(&shop);
        total[line.time_ms / WHEN_DAY - FORECASTS_FIRST_DAY] += (double)line.value / 1e6;
        ok_err(forecast_line(f, &line, &sink));
    }
    for (int d = 8; d < 22; d++) {
        double parts = 0;
        if (d % 7 == 5) {
            ok(!found(&h, FORECAST_ALL, FORECAST_NEXT_DAY, AT(d, 0), true) ||
               the(&h, FORECAST_ALL, FORECAST_NEXT_DAY, AT(d, 0), true).actual <= 0);
            continue;
        }
        near(the(&h, FORECAST_ALL, FORECAST_NEXT_DAY, AT(d, 0), true).actual, total[d], 1e-6);
        for (size_t i = 0; i < h.records.n; i++) {
            const struct forecast_record *r = record(&h, i);
            if (r->known && r->horizon == FORECAST_NEXT_DAY && r->start_ms == AT(d, 0) &&
                r->series.dimension != FORECAST_ALL)
                parts += r->actual;
        }
        near(parts, total[d], 1e-6);
    }
    forecast_close(f);
    forecasts_heard_clear(&h);
}

T(it_does_better_than_last_week_and_its_bands_hold)
{
    struct forecast *f = opened(NULL);
    struct forecasts_heard h;
    struct forecasts_shop shop;
    struct forecast_score s;

    forecasts_heard_init(&h);
    forecasts_shop_open(&shop, seed());
    trade(f, &h, &shop, 200);
    for (int horizon = 0; horizon < FORECAST_HORIZONS; horizon++) {
        forecast_score_of(f, 0, (enum forecast_horizon)horizon, &s);
        ok(s.n > 130);
        ok(s.error < (horizon == FORECAST_NOWCAST ? 1.1 : 0.9) * s.naive_error);
        near((double)s.covered / (double)s.n, 0.9, 0.1);
    }
    ok(h.drifts.n < 4);
    forecast_close(f);
    forecasts_heard_clear(&h);
}

T(the_closed_weekday_is_learned)
{
    struct forecast *f = opened(NULL);
    struct forecasts_heard h;
    struct forecasts_shop shop;

    forecasts_heard_init(&h);
    forecasts_shop_open(&shop, seed());
    trade(f, &h, &shop, 43);
    ok(!found(&h, FORECAST_ALL, FORECAST_NEXT_DAY, AT(40, 0), false)); /* a Saturday */
    ok(found(&h, FORECAST_ALL, FORECAST_NEXT_DAY, AT(41, 0), false) != NULL);
    ok(found(&h, FORECAST_ALL, FORECAST_NEXT_HOUR, AT(41, 9), true) != NULL);
    forecast_close(f);
    forecasts_heard_clear(&h);
}

T(codes_that_are_no_merchandise_count_as_revenue_not_as_sales)
{
    const struct forecast_setup setup = {
        .skip = {100},
        .n_skip = 1,
        .rule = {{.series = {FORECAST_ALL, FORECAST_REVENUE, 0}},
                 {.series = {FORECAST_STOCK, FORECAST_UNITS, 100}},
                 {.series = {FORECAST_COUNTRY, FORECAST_LINES, 7}},
                 {.series = {FORECAST_ALL, FORECAST_RETURNS, 0}},
                 {.series = {FORECAST_ALL, FORECAST_INVOICES, 0}}},
        .n_rules = 5,
    };
    struct forecast *f = opened(&setup);
    struct forecasts_heard h;
    double got[FORECAST_MEASURES] = {0};

    forecasts_heard_init(&h);
    feed(f, &h, forecasts_line(AT(0, 10), 5000000, 7));
    struct model_line other = forecasts_line(AT(0, 10) + 1, 3000000, 7);
    other.stock = 101;
    feed(f, &h, other);
    other.value = -1000000;
    other.quantity = -1;
    feed(f, &h, other);
    feed(f, &h, forecasts_line(AT(1, 10), 5000000, 8));
    for (size_t i = 0; i < h.records.n; i++) {
        const struct forecast_record *r = record(&h, i);
        if (r->known && r->horizon == FORECAST_NEXT_DAY && r->series.dimension != FORECAST_REST)
            got[r->series.measure] = r->actual;
    }
    near(got[FORECAST_SALES], 2, 1e-9);
    near(got[FORECAST_REVENUE], 7, 1e-9);
    near(got[FORECAST_UNITS], 1, 1e-9);
    near(got[FORECAST_LINES], 3, 1e-9);
    near(got[FORECAST_RETURNS], 1, 1e-9);
    near(got[FORECAST_INVOICES], 2, 1e-9);
    forecast_close(f);
    forecasts_heard_clear(&h);
}

T(a_late_line_counts_in_the_day_while_that_is_under_way)
{
    struct forecast *f = opened(NULL);
    struct forecasts_heard h;
    struct model_line late = forecasts_line(AT(0, 9), 3000000, 1);

    forecasts_heard_init(&h);
    feed(f, &h, forecasts_line(AT(0, 9), 1000000, 1));
    feed(f, &h, forecasts_line(AT(0, 11), 1000000, 1));
    late.watermark_ms = AT(0, 11);
    feed(f, &h, late);
    near(the(&h, FORECAST_ALL, FORECAST_NEXT_HOUR, AT(0, 9), true).actual, 1, 1e-9);
    feed(f, &h, forecasts_line(AT(1, 11), 1000000, 1));
    near(the(&h, FORECAST_ALL, FORECAST_NEXT_DAY, AT(0, 0), true).actual, 5, 1e-9);
    near(the(&h, FORECAST_REST, FORECAST_NEXT_DAY, AT(0, 0), true).actual, 5, 1e-9);
    eq_int(forecast_dropped(f), 0);
    late.watermark_ms = AT(1, 11);
    feed(f, &h, late);
    eq_int(forecast_dropped(f), 1);
    feed(f, &h, forecasts_line(AT(2, 11), 1000000, 1));
    near(the(&h, FORECAST_ALL, FORECAST_NEXT_DAY, AT(1, 0), true).actual, 1, 1e-9);
    forecast_close(f);
    forecasts_heard_clear(&h);
}

T(a_day_without_trade_is_no_error_and_is_not_learned)
{
    struct forecast *f = opened(NULL);
    struct forecasts_heard h;
    struct forecasts_shop shop;

    forecasts_heard_init(&h);
    forecasts_shop_open(&shop, seed());
    trade(f, &h, &shop, 42); /* into a Monday */
    struct forecast_score before, after;
    forecast_score_of(f, 0, FORECAST_NEXT_DAY, &before);
    feed(f, &h, forecasts_line(AT(44, 10), 90000000, 1)); /* Tuesday: nothing */
    forecast_score_of(f, 0, FORECAST_NEXT_DAY, &after);
    eq_u64(after.n, before.n + 1); /* Monday */
    const struct forecast_record tuesday =
        the(&h, FORECAST_ALL, FORECAST_NEXT_DAY, AT(43, 0), true);
    ok(!tuesday.counted);
    near(tuesday.actual, 0, 0);
    ok(the(&h, FORECAST_ALL, FORECAST_NEXT_DAY, AT(44, 0), false).predicted > 100);
    forecast_close(f);
    forecasts_heard_clear(&h);
}

T(after_a_years_gap_it_goes_on)
{
    struct forecast *f = opened(NULL);
    struct forecasts_heard h;
    struct forecasts_shop shop;

    forecasts_heard_init(&h);
    forecasts_shop_open(&shop, seed());
    trade(f, &h, &shop, 60);
    size_t before = h.records.n;
    shop.hour += 364 * 24;
    shop.in_hour = 0;
    trade(f, &h, &shop, 1);
    ok(h.records.n - before < 1500);
    trade(f, &h, &shop, 10);
    const struct forecast_record r =
        the(&h, FORECAST_ALL, FORECAST_NEXT_DAY, (shop.hour / 24 - 1) * WHEN_DAY, true);
    ok(r.predicted > 0.3 * r.actual && r.predicted < 3 * r.actual);
    forecast_close(f);
    forecasts_heard_clear(&h);
}

T(wall_clocks_that_step_back_and_forth_do_no_harm)
{
    struct forecast *f = opened(NULL);
    struct forecasts_heard h;
    struct forecasts_shop shop;
    uint64_t chance = seed();

    forecasts_heard_init(&h);
    forecasts_shop_open(&shop, seed());
    for (int i = 0; i < 3000; i++) {
        struct model_line line = forecasts_shop_next(&shop);
        line.local_ms += ((int64_t)rnd_below(&chance, 7) - 3) * WHEN_HOUR;
        feed(f, &h, line);
    }
    ok(h.records.n > 1000);
    forecast_close(f);
    forecasts_heard_clear(&h);
}

T(one_country_alone_leaves_nothing_for_the_rest)
{
    struct forecast *f = opened(NULL);
    struct forecasts_heard h;
    struct forecasts_shop shop;

    forecasts_heard_init(&h);
    forecasts_shop_open(&shop, seed());
    for (int i = 0; i < 4000; i++) {
        struct model_line line = forecasts_shop_next(&shop);
        line.country = 3;
        line.customer = 77;
        feed(f, &h, line);
    }
    for (size_t i = 0; i < h.records.n; i++) {
        const struct forecast_record *r = record(&h, i);
        ok(r->series.key == 0 || r->series.key == 3);
        if (r->series.dimension == FORECAST_REST && r->start_ms > AT(2, 0)) {
            near(r->actual, 0, 1e-6);
            ok(r->start_ms < AT(60, 0) || r->predicted < 5);
        }
    }
    forecast_close(f);
    forecasts_heard_clear(&h);
}

T(a_country_that_has_become_large_gets_a_series)
{
    struct forecast *f = opened(NULL);
    struct forecasts_heard h;
    struct forecasts_shop shop;
    bool seen = false;

    forecasts_heard_init(&h);
    forecasts_shop_open(&shop, seed());
    for (int i = 0; i < 6000; i++) {
        struct model_line line = forecasts_shop_next(&shop);
        if (i > 2000 && line.country == 7)
            line.value *= 50;
        feed(f, &h, line);
        seen = seen || (i == 2000 && found(&h, FORECAST_COUNTRY, FORECAST_NEXT_DAY, 0, true));
    }
    uint32_t n = forecast_series_count(f);
    struct forecast_score s;
    int of[9] = {0};
    eq_int(n, FORECAST_COUNTRIES + 2);
    for (uint32_t i = 0; i < n; i++) {
        forecast_score_of(f, i, FORECAST_NEXT_HOUR, &s);
        if (s.series.dimension == FORECAST_COUNTRY)
            of[s.series.key]++;
    }
    eq_int(of[1], 1);
    eq_int(of[7], 1);
    ok(!seen);
    forecast_close(f);
    forecasts_heard_clear(&h);
}

T(amounts_of_any_size_and_sign_give_finite_forecasts)
{
    struct forecast *f = opened(NULL);
    struct forecasts_heard h;
    struct forecasts_shop shop;
    uint64_t chance = seed();

    forecasts_heard_init(&h);
    forecasts_shop_open(&shop, seed());
    for (int i = 0; i < 5000; i++) {
        struct model_line line = forecasts_shop_next(&shop);
        line.value = (int64_t)rnd(&chance) >> rnd_below(&chance, 64);
        line.quantity = (int64_t)rnd(&chance);
        feed(f, &h, line);
    }
    for (size_t i = 0; i < h.records.n; i++) {
        const struct forecast_record *r = record(&h, i);
        ok(isfinite(r->predicted) && isfinite(r->lower) && isfinite(r->upper));
        ok(r->lower <= r->predicted && r->predicted <= r->upper);
    }
    forecast_close(f);
    forecasts_heard_clear(&h);
}

T(the_same_sales_every_hour_are_forecast_as_they_are)
{
    struct forecast *f = opened(NULL);
    struct forecasts_heard h;

    forecasts_heard_init(&h);
    for (int d = 0; d < 60; d++) {
        for (int hour = 8; hour <= 18; hour++)
            feed(f, &h, forecasts_line(AT(d, hour), 25000000, 1));
    }
    near(the(&h, FORECAST_ALL, FORECAST_NEXT_HOUR, AT(59, 12), true).predicted, 25, 0.1);
    const struct forecast_record r = the(&h, FORECAST_ALL, FORECAST_NEXT_DAY, AT(58, 0), true);
    near(r.predicted, 275, 2);
    ok(r.upper - r.lower < 100);
    forecast_close(f);
    forecasts_heard_clear(&h);
}

T(a_thousand_times_the_amounts_give_a_thousand_times_the_forecasts)
{
    struct forecasts_heard small, large;
    struct forecast *f = opened(NULL), *g = opened(NULL);
    struct forecasts_shop a, b;

    forecasts_heard_init(&small);
    forecasts_heard_init(&large);
    forecasts_shop_open(&a, seed());
    forecasts_shop_open(&b, seed());
    b.scale *= 1000;
    trade(f, &small, &a, 80);
    trade(g, &large, &b, 80);
    eq_int(small.records.n, large.records.n);
    for (size_t i = 0; i < small.records.n; i++) {
        const struct forecast_record *r = record(&small, i), *s = record(&large, i);
        near(s->predicted / 1000, r->predicted, 1e-6 * (1 + r->upper));
        near(s->upper / 1000, r->upper, 1e-6 * (1 + r->upper));
    }
    forecast_close(f);
    forecast_close(g);
    forecasts_heard_clear(&small);
    forecasts_heard_clear(&large);
}

T(sales_that_become_erratic_are_told_as_drift)
{
    struct forecast *f = opened(NULL);
    struct forecasts_heard h;
    struct forecasts_shop shop;
    uint64_t chance = seed();

    forecasts_heard_init(&h);
    forecasts_shop_open(&shop, seed());
    trade(f, &h, &shop, 90);
    size_t before = h.drifts.n;
    ok(before < 3);
    int64_t changed = shop.hour * WHEN_HOUR;
    for (int i = 0; i < 2000; i++) {
        struct model_line line = forecasts_shop_next(&shop);
        line.value *= rnd_below(&chance, 40) == 0 ? 60 : 1;
        feed(f, &h, line);
    }
    ok(h.drifts.n > before);
    const struct forecast_drift *d = list_at(&h.drifts, before);
    ok(d->at_ms > changed && d->at_ms < changed + 40 * WHEN_DAY);
    forecast_close(f);
    forecasts_heard_clear(&h);
}

T(rules_that_make_no_sense_are_refused)
{
    static const struct forecast_rule bad[] = {
        {.series = {FORECAST_DIMENSIONS, FORECAST_SALES, 0}},
        {.series = {FORECAST_REST, FORECAST_SALES, 0}},
        {.series = {FORECAST_ALL, FORECAST_MEASURES, 0}},
        {.n_features = 1, .feature = {FORECAST_FEATURE_COUNT}},
        {.n_features = 2, .feature = {FORECAST_PACE, FORECAST_PACE}},
        {.n_features = RLS_MAX + 1},
    };
    struct forecast_setup setup = {.n_rules = FORECAST_RULES_MAX + 1};
    struct forecast *f;

    eq_err(forecast_open(&setup, &f), ERR_INVALID);
    setup.n_rules = 1;
    for (size_t i = 0; i < countof(bad); i++) {
        setup.rule[0] = bad[i];
        eq_err(forecast_open(&setup, &f), ERR_INVALID);
    }
    eq_int(forecast_feature_named(STR("usual_pace")), FORECAST_USUAL_PACE);
    eq_int(forecast_feature_named(STR("luck")), FORECAST_FEATURE_COUNT);
}

T(chosen_features_make_a_regression_of_their_own)
{
    const struct forecast_setup setup = {
        .rule = {{.series = {FORECAST_COUNTRY, FORECAST_UNITS, 1},
                  .n_features = 3,
                  .feature = {FORECAST_ONE, FORECAST_USUAL, FORECAST_LAST}}},
        .n_rules = 1,
    };
    struct forecast *f = opened(&setup);
    struct forecasts_heard h;
    struct forecasts_shop shop;
    struct forecast_score s;

    forecasts_heard_init(&h);
    forecasts_shop_open(&shop, seed());
    trade(f, &h, &shop, 120);
    forecast_score_of(f, forecast_series_count(f) - 1, FORECAST_NEXT_HOUR, &s);
    eq_int(s.series.measure, FORECAST_UNITS);
    ok(s.n > 500 && s.error < 0.85 * s.naive_error);
    forecast_close(f);
    forecasts_heard_clear(&h);
}

T(an_error_of_the_sink_comes_back_and_the_state_is_sound)
{
    struct forecast *f = opened(NULL);
    struct forecasts_heard h;
    struct forecasts_shop shop;
    const struct forecast_sink sink = forecasts_sink(&h);
    enum err e = ERR_OK;

    forecasts_heard_init(&h);
    forecasts_shop_open(&shop, seed());
    h.answer = ERR_STOPPED;
    for (int i = 0; i < 100 && !e; i++) {
        struct model_line line = forecasts_shop_next(&shop);
        e = forecast_line(f, &line, &sink);
    }
    eq_err(e, ERR_STOPPED);
    h.answer = ERR_OK;
    trade(f, &h, &shop, 20);
    ok(h.records.n > 500);
    forecast_close(f);
    forecasts_heard_clear(&h);
}

T(hours_far_ahead_of_the_watermark_are_bounded)
{
    struct forecast *f = opened(NULL);
    struct forecasts_heard h;
    size_t memory;

    forecasts_heard_init(&h);
    for (int i = 0; i < 10000; i++) {
        struct model_line line = forecasts_line(AT(0, 9) + i * WHEN_HOUR, 1000000, 1);
        line.watermark_ms = AT(0, 9);
        feed(f, &h, line);
    }
    memory = forecast_memory(f);
    ok(memory < 32 << 20);
    for (int i = 0; i < 100000; i++) {
        struct model_line line = forecasts_line(AT(0, 9), 1000000, (uint32_t)(1 + i));
        line.watermark_ms = AT(0, 9);
        feed(f, &h, line);
    }
    ok(forecast_memory(f) < memory + (1 << 20));
    forecast_close(f);
    forecasts_heard_clear(&h);
}

T_OOM(a_line_that_finds_no_memory_leaves_all_as_it_was)
{
    const struct forecast_setup setup = {.rule = {{.series = {FORECAST_ALL, FORECAST_LINES, 0}}},
                                         .n_rules = 1};
    struct forecast *f;
    struct forecasts_heard h;
    struct forecasts_shop shop;
    const struct forecast_sink sink = forecasts_sink(&h);
    enum err e = forecast_open(&setup, &f);

    if (e)
        return e;
    forecasts_heard_init(&h);
    forecasts_shop_open(&shop, seed());
    for (int i = 0; !e && i < 150; i++) {
        struct model_line line = forecasts_shop_next(&shop);
        e = forecast_line(f, &line, &sink);
    }
    memory_again();
    for (int i = 0; i < 150; i++) {
        struct model_line line = forecasts_shop_next(&shop);
        ok_err(forecast_line(f, &line, &sink));
    }
    forecast_close(f);
    forecasts_heard_clear(&h);
    return e;
}
