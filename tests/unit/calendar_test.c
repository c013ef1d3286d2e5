/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * When people come to the synthetic shop.
 */
#include "commands/calendar.h"
#include "engine/when.h"
#include "tests/support/t.h"

static int64_t month_weight(int year, int month)
{
    int64_t sum = 0;

    for (int64_t day = when_days(year, month, 1); day < when_days(year, month, 28); day++)
        sum += calendar_weight(1, day);
    return sum;
}

T(the_hours_of_a_day_add_up_to_the_day)
{
    for (int64_t day = 14944; day < 14944 + 7; day++) {
        int64_t sum = 0;

        for (int hour = 0; hour < 24; hour++)
            sum += calendar_hour(day, hour);
        eq_int(sum, 1000);
        eq_int(calendar_hour(day, 3), 0);
    }
}

T(it_is_closed_on_saturdays_and_over_christmas)
{
    eq_int(calendar_weight(1, when_days(2010, 12, 4)), 0);
    eq_int(calendar_weight(1, when_days(2010, 12, 24)), 0);
    eq_int(calendar_weight(1, when_days(2011, 1, 3)), 0);
    ok(calendar_weight(1, when_days(2010, 12, 23)) > 0);
    ok(calendar_weight(1, when_days(2011, 1, 4)) > 0);
}

T(sundays_are_short_and_thursdays_busy)
{
    ok(calendar_weight(1, when_days(2010, 12, 5)) < calendar_weight(1, when_days(2010, 12, 9)));
    eq_int(calendar_hour(when_days(2010, 12, 5), 8), 0);
    ok(calendar_hour(when_days(2010, 12, 9), 8) > 0);
}

T(business_grows_towards_christmas)
{
    ok(month_weight(2011, 11) > 2 * month_weight(2011, 2));
    ok(month_weight(2011, 10) > month_weight(2011, 7));
}

T(an_average_day_weighs_about_a_thousand)
{
    int64_t sum = 0;
    int64_t open = 0;

    for (int64_t day = 14944; day < 14944 + 365; day++) {
        sum += calendar_weight(1, day);
        open += calendar_weight(1, day) > 0;
    }
    near((double)sum / (double)open, 1000, 100);
    near((double)open, 303, 3);
}
