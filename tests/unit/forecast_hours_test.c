/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * forecast_hours: from a guess to the shop's own hours in days; weekdays; long pauses.
 */
#include "models/forecast_hours.h"

#include "tests/support/t.h"

#define MONDAY INT64_C(19723) /* 2024-01-01 */

static uint32_t range(int from, int to)
{
    uint32_t mask = 0;

    for (int h = from; h <= to; h++)
        mask |= 1u << h;
    return mask;
}

T(weekdays_count_from_monday_before_and_after_1970)
{
    eq_int(forecast_hours_weekday(0), 3);
    eq_int(forecast_hours_weekday(MONDAY), 0);
    eq_int(forecast_hours_weekday(-1), 2);
    eq_int(forecast_hours_weekday(-7), 3);
}

T(an_unknown_shop_trades_from_8_to_19_every_day)
{
    struct forecast_hours h;

    forecast_hours_init(&h);
    eq_u64(h.mask, range(8, 18));
    eq_int(forecast_hours_count(&h), 11);
    eq_int(forecast_hours_next(&h, 0), 8);
    eq_int(forecast_hours_next(&h, 18), 18);
    eq_int(forecast_hours_next(&h, 19), 24);
    ok(forecast_hours_closing(&h, 17) && forecast_hours_closing(&h, 18));
    ok(!forecast_hours_closing(&h, 16));
    eq_int(forecast_hours_next_day(&h, MONDAY), MONDAY + 1);
}

T(a_shop_of_the_night_is_learned_within_two_weeks)
{
    struct forecast_hours h;

    forecast_hours_init(&h);
    for (int d = 0; d < 3; d++)
        forecast_hours_learn(&h, MONDAY + d, range(18, 23) | range(0, 2));
    ok((h.mask & (range(19, 23) | range(0, 2))) == (range(19, 23) | range(0, 2)));
    for (int d = 3; d < 60; d++)
        forecast_hours_learn(&h, MONDAY + d, range(18, 23) | range(0, 2));
    eq_u64(h.mask, range(18, 23) | range(0, 2));
    ok(forecast_hours_closing(&h, 23) && forecast_hours_closing(&h, 22));
}

T(an_hour_now_and_then_does_not_come_and_go)
{
    struct forecast_hours h;
    uint64_t state = seed();

    forecast_hours_init(&h);
    for (int d = 0; d < 2000; d++) {
        bool late = d > 100 && rnd_below(&state, 8) == 0;
        forecast_hours_learn(&h, MONDAY + d, range(8, 17) | (late ? range(18, 19) : 0));
    }
    ok((h.mask & range(8, 17)) == range(8, 17));
    ok(!(h.mask >> 19 & 1));
}

T(the_weekly_day_of_rest_is_learned_and_holidays_are_not)
{
    struct forecast_hours h;

    forecast_hours_init(&h);
    for (int d = 0; d < 140; d++) {
        if (d % 7 != 5 && d != 100)
            forecast_hours_learn(&h, MONDAY + d, range(9, 17));
    }
    eq_int(forecast_hours_next_day(&h, MONDAY + 144), MONDAY + 146); /* Friday to Sunday */
    for (int d = 0; d < 140; d++)
        ok(forecast_hours_next_day(&h, MONDAY + d) == MONDAY + d + (d % 7 == 4 ? 2 : 1));
}

T(a_pause_of_years_costs_no_more_than_weeks)
{
    struct forecast_hours h;

    forecast_hours_init(&h);
    for (int d = 0; d < 70; d++)
        forecast_hours_learn(&h, MONDAY + d, range(9, 17));
    forecast_hours_learn(&h, MONDAY + 36500000, range(9, 17));
    int64_t next = forecast_hours_next_day(&h, MONDAY + 36500000);
    ok(next > MONDAY + 36500000 && next <= MONDAY + 36500007);
    for (int i = 0; i < 7; i++)
        ok(h.weekday[i] > 0.3 && h.weekday[i] <= 1);
}

T(a_day_without_trading_hours_leaves_some)
{
    struct forecast_hours h;

    forecast_hours_init(&h);
    for (int d = 0; d < 400; d++)
        forecast_hours_learn(&h, MONDAY + d, 0);
    ok(forecast_hours_count(&h) > 0);
}
