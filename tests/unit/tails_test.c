/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/t.h"
#include "models/calc.h"
#include "models/tails.h"

static const struct tail_rule rule = {.bins = 20, .trim = 0.004, .low = 0.05};

static double uniform(uint64_t *random)
{
    return (double)(rnd_below(random, 1u << 30) + 1) / (1u << 30);
}

/* 1 + x is Pareto with exponent 1 / 0.3. */
static double draw(uint64_t *random)
{
    return calc_exp(-0.3 * calc_ln(uniform(random))) - 1;
}

T(body_and_tail_of_a_known_distribution_are_found)
{
    uint64_t random = seed();
    struct tail t;

    tails_one_init(&t);
    for (int i = 0; i < 50000; i++)
        tails_one_add(&t, draw(&random), &rule);
    for (int k = 1; k <= 5; k++) {
        double x = calc_exp(0.3 * k * 2.302585) - 1; /* p = 10^-k */
        near(-calc_log10(tails_one_p(&t, x, &rule)), k, 0.12 * k);
    }
    near(tails_one_quantile(&t, 0.01, &rule), calc_exp(0.3 * 4.60517) - 1, 0.2);
}

T(a_few_anomalies_do_not_flatten_the_tail)
{
    uint64_t random = seed();
    struct tail t;

    tails_one_init(&t);
    for (int i = 0; i < 20000; i++)
        tails_one_add(&t, i % 500 == 0 ? 500 : draw(&random), &rule);
    double x = calc_exp(0.3 * 4 * 2.302585) - 1;
    ok(-calc_log10(tails_one_p(&t, x, &rule)) > 3);
}

T(with_few_values_nothing_is_rare)
{
    struct tail t;

    tails_one_init(&t);
    near(tails_one_p(&t, 1e9, &rule), 1, 0);
    for (int i = 0; i < 30; i++)
        tails_one_add(&t, 1, &rule);
    ok(tails_one_p(&t, 0.5, &rule) > 0.5);
    ok(tails_one_p(&t, 2, &rule) < 0.05);
    near(tails_one_p(&t, 0, &rule), 1, 0);
}

T(more_is_never_more_probable)
{
    uint64_t random = seed();
    struct tail t;
    double before = 1;

    tails_one_init(&t);
    for (int i = 0; i < 5000; i++)
        tails_one_add(&t, draw(&random), &rule);
    for (double x = 0.01; x < 1e4; x *= 1.1) {
        double p = tails_one_p(&t, x, &rule);
        ok(p <= before && p > 0);
        before = p;
    }
}

T(counts_are_halved_before_they_lose_precision)
{
    struct tail t;

    tails_one_init(&t);
    t.n = 4194304;
    t.count[0] = 4194304;
    tails_one_add(&t, 3, &rule);
    near(t.n, 2097153, 0);
    near((double)t.count[0], 2097152, 0);
}

T(a_class_hardly_known_leans_on_all)
{
    uint64_t random = seed();
    struct tails t;

    tails_init(&t);
    for (int i = 0; i < 20000; i++)
        tails_add(&t, 0, draw(&random), &rule);
    double x = calc_exp(0.3 * 3 * 2.302585) - 1;
    near(tails_surprise(&t, 0, x, &rule), 3, 0.4);
    near(tails_surprise(&t, 2, x, &rule), 3, 0.4);
    near(tails_surprise(&t, 2, 0, &rule), 0, 0);
}
