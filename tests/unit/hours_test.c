/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/when.h"
#include "models/hours.h"
#include "tests/support/t.h"

T(the_hour_is_that_of_the_day)
{
    eq_int(hours_of(0), 0);
    eq_int(hours_of(WHEN_DAY - 1), 23);
    eq_int(hours_of(-1), 23);
    eq_int(hours_of(when_days(2011, 1, 4) * WHEN_DAY + 9 * WHEN_HOUR), 9);
}

T(an_hour_without_trade_is_a_surprise_the_greater_the_more_is_known)
{
    struct hours h;

    hours_init(&h);
    near(hours_surprise(&h, 3), 0, 1e-9);
    for (int i = 0; i < 100; i++)
        hours_learn(&h, 9 + i % 8, 1);
    double few = hours_surprise(&h, 3);
    for (int i = 0; i < 10000; i++)
        hours_learn(&h, 9 + i % 8, 1);
    ok(few > 1.5);
    ok(hours_surprise(&h, 3) > few + 1.5);
    ok(hours_surprise(&h, 10) < 0.5);
    ok(hours_surprise(&h, 8) < hours_surprise(&h, 3));
    near(hours_share(&h, 9), 0.125, 0.01);
}
