/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/t.h"
#include "windows/span.h"

static int64_t at(int year, int month, int day, int hour)
{
    return when_days(year, month, day) * WHEN_DAY + hour * WHEN_HOUR;
}

static void eq_span(struct window_span got, int64_t start, int64_t end)
{
    eq_int(got.start, start);
    eq_int(got.end, end);
}

T(weeks_start_on_monday)
{
    struct window_setting w = {
        .type = WINDOW_TUMBLING, .size_ms = 7 * WHEN_DAY, .offset_ms = 4 * WHEN_DAY};
    struct shape s;

    shape_of(&w, NULL, &s);
    eq_span(shape_ending_after(&s, at(2010, 12, 1, 8)), at(2010, 11, 29, 0), at(2010, 12, 6, 0));
}

T(a_sliding_window_whose_slide_does_not_divide_its_size)
{
    struct window_setting w = {
        .type = WINDOW_SLIDING, .size_ms = 5 * WHEN_HOUR, .slide_ms = 2 * WHEN_HOUR};
    struct shape s;

    shape_of(&w, NULL, &s);
    eq_int(s.panes.period_ms, WHEN_HOUR);
    eq_span(shape_ending_after(&s, at(2010, 12, 1, 8)), at(2010, 12, 1, 4), at(2010, 12, 1, 9));
    eq_span(shape_ending_after(&s, at(2010, 12, 1, 9)), at(2010, 12, 1, 6), at(2010, 12, 1, 11));
    eq_int(shape_last_end(&s, at(2010, 12, 1, 8)), at(2010, 12, 1, 13));
}

T(seven_local_days_end_at_midnight_though_the_first_began_at_one)
{
    struct window_setting w = {
        .type = WINDOW_SLIDING, .size_ms = 7 * WHEN_DAY, .slide_ms = WHEN_DAY};
    struct shape s;
    struct zone *z;

    if (zone_open("America/Sao_Paulo", &z, NULL))
        skip("no time zones here");
    shape_of(&w, z, &s); /* 2011-10-16 has no midnight there; summer time is two hours behind */
    eq_int(shape_last_end(&s, at(2011, 10, 16, 12)), at(2011, 10, 23, 2));
    eq_span(shape_ending_after(&s, at(2011, 10, 23, 1)), at(2011, 10, 16, 3), at(2011, 10, 23, 2));
    zone_close(z);
}

T(instances_of_a_cumulative_window_share_midnight)
{
    struct window_setting w = {
        .type = WINDOW_CUMULATIVE, .size_ms = WHEN_DAY, .slide_ms = 6 * WHEN_HOUR};
    struct shape s;

    shape_of(&w, NULL, &s);
    eq_span(shape_ending_after(&s, at(2010, 12, 1, 5)), at(2010, 12, 1, 0), at(2010, 12, 1, 6));
    eq_span(shape_ending_after(&s, at(2010, 12, 1, 6)), at(2010, 12, 1, 0), at(2010, 12, 1, 12));
    eq_int(shape_last_end(&s, at(2010, 12, 1, 5)), at(2010, 12, 2, 0));
}
