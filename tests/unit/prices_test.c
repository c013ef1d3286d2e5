/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/calc.h"
#include "models/prices.h"
#include "tests/support/t.h"

#include <math.h>

static void learn(struct prices *p, double price, int times)
{
    for (int i = 0; i < times; i++)
        prices_learn(p, calc_ln(price));
}

static struct price_margin margin(const struct prices *own, double price)
{
    const struct prices none = {.levels = 0};

    return prices_margin(own, &none, calc_ln(price));
}

T(without_prices_nothing_is_strange)
{
    struct prices p = {.levels = 0};

    near(margin(&p, 5).x, 0, 0);
    near(prices_usual(&p), 0, 0);
}

T(a_known_price_is_not_strange_and_ten_times_it_is)
{
    struct prices p = {.levels = 0};

    learn(&p, 1.25, 30);
    near(margin(&p, 1.25).x, 0, 0);
    struct price_margin m = margin(&p, 12.5);
    ok(m.x > 4);
    ok(m.ratio > 0);
    near(m.usual, 1.25, 1e-6);
    ok(margin(&p, 0.125).ratio < 0);
    ok(margin(&p, 12.5).x > margin(&p, 2.5).x);
}

T(a_price_before_the_sale_is_still_known_after_it)
{
    struct prices p = {.levels = 0};

    learn(&p, 2.1, 100);
    learn(&p, 0.39, 400);
    near(margin(&p, 2.1).x, 0, 0);
    near(calc_exp(prices_usual(&p)), 0.39, 1e-6);
}

T(the_more_prices_are_known_the_stranger_a_new_one)
{
    struct prices few = {.levels = 0}, many = {.levels = 0};

    learn(&few, 1, 2);
    learn(&many, 1, 60);
    ok(margin(&few, 10).x < margin(&many, 10).x / 2);
}

T(where_prices_change_all_the_time_a_new_one_is_no_news)
{
    struct prices calm = {.levels = 0}, wild = {.levels = 0};

    learn(&calm, 18, 200);
    for (int i = 0; i < 200; i++)
        learn(&wild, 18 + (i * 37) % 101, 1);
    ok(margin(&wild, 700).x < margin(&calm, 700).x / 4);
}

T(the_other_channel_helps_where_the_own_is_unknown)
{
    struct prices own = {.levels = 0}, other = {.levels = 0};

    learn(&own, 1, 30);
    learn(&other, 2.46, 30);
    double alone = margin(&own, 2.46).x;
    ok(prices_margin(&own, &other, calc_ln(2.46)).x < alone);
}

T(levels_are_bounded_and_the_least_standing_gives_way)
{
    struct prices p = {.levels = 0};

    learn(&p, 5, 50);
    for (int i = 0; i < 40; i++)
        learn(&p, 100 * pow(1.2, i), 1);
    eq_int(p.levels, PRICES_LEVELS);
    near(margin(&p, 5).x, 0, 0);
}
