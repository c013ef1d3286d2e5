/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/when.h"
#include "models/habits.h"
#include "tests/support/t.h"

static void learn(struct habits_base *base, struct habits *h, int times, double value, double lines)
{
    for (int i = 0; i < times; i++) {
        habits_learn_spend(base, h, 0, value);
        habits_learn_lines(base, h, 0, lines);
        habits_learn_country(h, 9);
    }
}

T(value_and_lines_are_compared_with_the_customers_own)
{
    struct habits_base base = {.lines = {0}};
    struct habits small = {.times = 0}, large = {.times = 0};

    learn(&base, &small, 12, 100, 5);
    learn(&base, &large, 12, 10000, 120);
    ok(habits_spend(&base, &small, 0, 10000).x > 3);
    ok(habits_spend(&base, &large, 0, 10000).x < 0.5);
    near(habits_spend(&base, &small, 0, 100).usual, 100, 40);
    ok(habits_lines(&base, &small, 0, 120).x > 5);
    ok(habits_lines(&base, &large, 0, 120).x < 0.5);
    ok(habits_little(&base, &large, 0, 50) > 2);
    near(habits_little(&base, &large, 0, 20000), 0, 0);
    near(habits_lines(&base, &small, 0, 120).n, 12, 0);
}

T(a_customer_hardly_known_is_judged_mildly)
{
    struct habits_base base = {.lines = {0}};
    struct habits many = {.times = 0}, few = {.times = 0};

    learn(&base, &many, 20, 100, 5);
    learn(&base, &few, 1, 100, 5);
    ok(habits_spend(&base, &few, 0, 3000).x < habits_spend(&base, &many, 0, 3000).x);
    ok(habits_lines(&base, &few, 0, 100).x < habits_lines(&base, &many, 0, 100).x);
}

T(a_second_country_is_a_surprise_once)
{
    struct habits h = {.times = 0};

    near(habits_country(&h, 9, 1e-3, 0.5), 0, 0);
    for (int i = 0; i < 10; i++)
        habits_learn_country(&h, 9);
    near(habits_country(&h, 9, 1e-3, 0.5), 0, 1e-9);
    ok(habits_country(&h, 10, 1e-3, 0.5) > 3);
    ok(habits_country(&h, 10, 1e-3, 0.01) > habits_country(&h, 10, 1e-3, 0.5));
    habits_learn_country(&h, 10);
    ok(habits_country(&h, 10, 1e-3, 0.5) < 1.1);
}

T(more_countries_than_are_kept_replace_the_last)
{
    struct habits h = {.times = 0};

    for (uint32_t c = 1; c <= HABITS_COUNTRIES + 3; c++)
        habits_learn_country(&h, c);
    near((double)h.invoices, HABITS_COUNTRIES + 3, 0);
    eq_int(h.country[0], 1);
    eq_int(h.country[HABITS_COUNTRIES - 1], HABITS_COUNTRIES + 3);
}

T(sales_around_a_time_are_counted_in_the_most_crowded_stretch)
{
    static const int minutes[] = {0, 30, 32, 34, 41, 45, 90};
    struct habits h = {.times = 0};
    int64_t start = when_days(2011, 1, 4) * WHEN_DAY;

    for (size_t i = 0; i < countof(minutes); i++)
        habits_sale(&h, start + minutes[i] * WHEN_MINUTE);
    eq_int(habits_crowd(&h, start, 10 * WHEN_MINUTE), 0);
    eq_int(habits_crowd(&h, start + 34 * WHEN_MINUTE, 10 * WHEN_MINUTE), 2);
    eq_int(habits_crowd(&h, start + 41 * WHEN_MINUTE, 10 * WHEN_MINUTE), 2);
    eq_int(habits_crowd_before(&h, start + 34 * WHEN_MINUTE, 10 * WHEN_MINUTE), 2);
    eq_int(habits_crowd_before(&h, start + 30 * WHEN_MINUTE, 10 * WHEN_MINUTE), 0);
    eq_int(habits_crowd(&h, start + 34 * WHEN_MINUTE, WHEN_HOUR), 5);
}

T(times_before_1970_and_long_ago_are_told_apart)
{
    struct habits h = {.times = 0};

    habits_sale(&h, -1);
    habits_sale(&h, -500);
    eq_int(habits_crowd(&h, -1, 1000), 1);
    habits_sale(&h, when_days(2011, 1, 4) * WHEN_DAY);
    eq_int(habits_crowd(&h, -1, 1000), 1);
}

T(the_nearest_normal_invoices_come_first)
{
    struct habits h = {.times = 0};
    struct normal out[VERDICT_NORMALS];
    const int64_t now = when_days(2011, 6, 1) * WHEN_DAY + 1234;
    const struct normal like = {99, 100, 50, 10, 12, now};

    eq_int(habits_nearest(&h, &like, out), 0);
    for (uint32_t i = 1; i <= 6; i++) {
        struct normal n = {
            i, (float)(100 * i), (float)(50 * i), 10 * i, 12, now - i * 30 * WHEN_DAY - 1234};
        habits_learn_normal(&h, &n);
    }
    eq_int(habits_nearest(&h, &like, out), VERDICT_NORMALS);
    for (uint64_t i = 0; i < VERDICT_NORMALS; i++) { /* the last HABITS_NORMALS are kept */
        eq_u64(out[i].invoice, 6 - HABITS_NORMALS + 1 + i);
        eq_int(out[i].time_ms, now - 1234 - (int64_t)out[i].invoice * 30 * WHEN_DAY);
    }
}
