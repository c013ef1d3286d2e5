/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * forecast_series: what one series tells in the course of a day, in which order.
 */
#include "models/forecast_parts.h"

#include "tests/support/forecasts.h"
#include "tests/support/t.h"

#define AT(day, hour) ((FORECASTS_FIRST_DAY + (day)) * WHEN_DAY + (hour)*WHEN_HOUR)

struct told {
    enum forecast_horizon horizon;
    bool known;
    int64_t start_ms, made_ms;
    double actual;
};

static void feed(struct forecast *f, struct forecasts_heard *h, int64_t time_ms)
{
    const struct model_line line = forecasts_line(time_ms, 1000000, 1);
    const struct forecast_sink sink = forecasts_sink(h);

    ok_err(forecast_line(f, &line, &sink));
}

/* The next record of the series of all, from *i on. */
static void next_is(const struct forecasts_heard *h, size_t *i, struct told t)
{
    const struct forecast_record *r;

    do {
        ok(*i < h->records.n);
        r = list_at(&h->records, (*i)++);
    } while (r->series.dimension != FORECAST_ALL);
    eq_int(r->horizon, t.horizon);
    eq_int(r->known, t.known);
    eq_int(r->start_ms, t.start_ms);
    eq_int(r->made_ms, t.made_ms);
    if (t.known)
        near(r->actual, t.actual, 1e-9);
}

T(a_day_is_told_hour_by_hour)
{
    const struct forecast_setup setup = {.n_rules = 0};
    struct forecasts_heard h;
    struct forecast *f;
    size_t i = 0;

    ok_err(forecast_open(&setup, &f));
    forecasts_heard_init(&h);
    feed(f, &h, AT(0, 16));
    next_is(&h, &i, (struct told){FORECAST_NEXT_HOUR, false, AT(0, 8), AT(0, 0), 0});
    next_is(&h, &i, (struct told){FORECAST_NOWCAST, false, AT(0, 0), AT(0, 0), 0});
    next_is(&h, &i, (struct told){FORECAST_NEXT_DAY, false, AT(0, 0), AT(0, 0), 0});
    for (int hour = 8; hour < 16; hour++) {
        next_is(&h, &i,
                (struct told){FORECAST_NEXT_HOUR, true, AT(0, hour),
                              hour > 8 ? AT(0, hour) : AT(0, 0), 0});
        next_is(&h, &i,
                (struct told){FORECAST_NEXT_HOUR, false, AT(0, hour + 1), AT(0, hour + 1), 0});
        next_is(&h, &i, (struct told){FORECAST_NOWCAST, false, AT(0, 0), AT(0, hour + 1), 0});
    }
    eq_int(f->series[0].n_nowcasts, 9);
    feed(f, &h, AT(1, 9));
    next_is(&h, &i, (struct told){FORECAST_NEXT_HOUR, true, AT(0, 16), AT(0, 16), 1});
    forecast_close(f);
    forecasts_heard_clear(&h);
}

T(the_end_of_a_day_tells_all_truths_then_the_next_day)
{
    const struct forecast_setup setup = {.n_rules = 0};
    struct forecasts_heard h;
    struct forecast *f;
    size_t i = 0;

    ok_err(forecast_open(&setup, &f));
    forecasts_heard_init(&h);
    feed(f, &h, AT(0, 18));
    feed(f, &h, AT(1, 0));
    while (i < h.records.n) {
        const struct forecast_record *r = list_at(&h.records, i);
        if (r->known && r->horizon == FORECAST_NOWCAST)
            break;
        i++;
    }
    next_is(&h, &i, (struct told){FORECAST_NOWCAST, true, AT(0, 0), AT(0, 0), 1});
    for (int hour = 9; hour <= 19; hour++)
        next_is(&h, &i, (struct told){FORECAST_NOWCAST, true, AT(0, 0), AT(0, hour), 1});
    next_is(&h, &i, (struct told){FORECAST_NEXT_DAY, true, AT(0, 0), AT(0, 0), 1});
    next_is(&h, &i, (struct told){FORECAST_NEXT_HOUR, false, AT(1, 8), AT(1, 0), 0});
    next_is(&h, &i, (struct told){FORECAST_NOWCAST, false, AT(1, 0), AT(1, 0), 0});
    next_is(&h, &i, (struct told){FORECAST_NEXT_DAY, false, AT(1, 0), AT(1, 0), 0});
    forecast_close(f);
    forecasts_heard_clear(&h);
}

T(nothing_is_counted_in_the_first_four_weeks_of_trade)
{
    const struct forecast_setup setup = {.n_rules = 0};
    struct forecasts_heard h;
    struct forecasts_shop shop;
    struct forecast *f;
    const struct forecast_sink sink = forecasts_sink(&h);
    int uncounted = 0;

    ok_err(forecast_open(&setup, &f));
    forecasts_heard_init(&h);
    forecasts_shop_open(&shop, seed());
    for (int i = 0; i < 3000; i++) {
        struct model_line line = forecasts_shop_next(&shop);
        ok_err(forecast_line(f, &line, &sink));
    }
    for (size_t i = 0; i < h.records.n; i++) {
        const struct forecast_record *r = list_at(&h.records, i);
        if (r->known && r->series.dimension == FORECAST_ALL && r->horizon == FORECAST_NEXT_DAY) {
            eq_int(r->counted, uncounted >= 28 && r->actual > 0);
            uncounted += !r->counted && r->actual > 0;
        }
    }
    eq_int(uncounted, 28);
    forecast_close(f);
    forecasts_heard_clear(&h);
}
