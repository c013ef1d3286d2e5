/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/t.h"
#include "windows/grid.h"

#include <stdlib.h>

static int64_t at(int year, int month, int day, int hour, int minute)
{
    return when_days(year, month, day) * WHEN_DAY + hour * WHEN_HOUR + minute * WHEN_MINUTE;
}

static struct zone *open_zone(const char *name)
{
    struct zone *z;

    if (zone_open(name, &z, NULL))
        skip("no time zones here");
    return z;
}

/* Every instant of the days around is in one cell, which says the same of its edges. */
static void check_partition(const struct grid *g, int64_t from, int64_t until)
{
    for (int64_t t = from; t < until; t += 10 * WHEN_MINUTE) {
        int64_t start = grid_floor(g, t), end = grid_next(g, t);
        ok(start <= t && t < end);
        eq_int(grid_floor(g, start), start);
        eq_int(grid_next(g, start), end);
        eq_int(grid_floor(g, end - 1), start);
        eq_int(grid_floor(g, end), end);
    }
}

T(cells_follow_each_other_without_gap_or_overlap_where_clocks_change)
{
    static const struct {
        const char *zone;
        int64_t at;
    } cases[] = {
        {"Europe/London", INT64_C(1301187600000)},       /* 2011-03-27, one to two */
        {"Europe/London", INT64_C(1319936400000)},       /* 2011-10-30, two to one */
        {"Australia/Lord_Howe", INT64_C(1301756400000)}, /* half an hour */
        {"Australia/Lord_Howe", INT64_C(1317483000000)},
        {"America/Sao_Paulo", INT64_C(1318734000000)}, /* midnight is missing */
        {"America/Sao_Paulo", INT64_C(1330221600000)}, /* midnight comes twice */
        {"America/Havana", INT64_C(1320555600000)},
        {"Pacific/Apia", INT64_C(1325239200000)}, /* a day is missing */
    };
    static const int64_t offsets[] = {0, 90 * WHEN_MINUTE, -30 * WHEN_MINUTE, 130 * WHEN_MINUTE};

    for (size_t i = 0; i < countof(cases); i++) {
        struct zone *z = open_zone(cases[i].zone);
        for (size_t k = 0; k < countof(offsets); k++) {
            struct grid g = {.period_ms = WHEN_DAY, .offset_ms = offsets[k], .zone = z};
            check_partition(&g, cases[i].at - 3 * WHEN_DAY, cases[i].at + 3 * WHEN_DAY);
            g.restart_ms = WHEN_DAY;
            g.period_ms = 7 * WHEN_HOUR;
            check_partition(&g, cases[i].at - 3 * WHEN_DAY, cases[i].at + 3 * WHEN_DAY);
            g = (struct grid){.months = 1, .offset_ms = offsets[k], .zone = z};
            check_partition(&g, cases[i].at - 33 * WHEN_DAY, cases[i].at + 33 * WHEN_DAY);
        }
        zone_close(z);
    }
}

T(a_local_day_has_23_or_25_hours_when_clocks_change)
{
    struct zone *z = open_zone("Europe/London");
    struct grid g = {.period_ms = WHEN_DAY, .zone = z};

    eq_int(grid_floor(&g, at(2011, 3, 27, 12, 0)), at(2011, 3, 27, 0, 0));
    eq_int(grid_next(&g, at(2011, 3, 27, 12, 0)), at(2011, 3, 27, 23, 0));
    eq_int(grid_floor(&g, at(2011, 10, 30, 12, 0)), at(2011, 10, 29, 23, 0));
    eq_int(grid_next(&g, at(2011, 10, 30, 12, 0)), at(2011, 10, 31, 0, 0));
    zone_close(z);
}

T(months_are_those_of_the_calendar_before_1970_too)
{
    struct grid g = {.months = 1}, quarters = {.months = 3};

    eq_int(grid_floor(&g, at(2012, 2, 29, 5, 0)), at(2012, 2, 1, 0, 0));
    eq_int(grid_next(&g, at(2012, 2, 29, 5, 0)), at(2012, 3, 1, 0, 0));
    eq_int(grid_next(&g, at(2011, 12, 31, 23, 59)), at(2012, 1, 1, 0, 0));
    eq_int(grid_floor(&g, at(1969, 12, 31, 0, 0)), at(1969, 12, 1, 0, 0));
    eq_int(grid_floor(&quarters, at(1969, 11, 3, 0, 0)), at(1969, 10, 1, 0, 0));
    eq_int(grid_next(&quarters, at(2011, 8, 3, 0, 0)), at(2011, 10, 1, 0, 0));
}

T(a_grid_nests_in_another_only_where_all_edges_are_its_own)
{
    struct grid hour = {.period_ms = WHEN_HOUR}, day = {.period_ms = WHEN_DAY};
    struct grid ninety = {.period_ms = 90 * WHEN_MINUTE}, month = {.months = 1};
    struct grid shifted = {.period_ms = WHEN_DAY, .offset_ms = 30 * WHEN_MINUTE};
    struct grid steps = {.period_ms = 3 * WHEN_HOUR, .restart_ms = WHEN_DAY};

    ok(grid_nests(&hour, &day));
    ok(!grid_nests(&day, &hour));
    ok(!grid_nests(&hour, &ninety));
    ok(!grid_nests(&hour, &shifted));
    ok(grid_nests(&hour, &month));
    ok(grid_nests(&ninety, &steps));
    ok(grid_nests(&day, &day));
}
