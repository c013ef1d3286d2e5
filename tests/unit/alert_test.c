/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/when.h"
#include "models/alert.h"
#include "models/calc.h"
#include "tests/support/t.h"

/* Scores whose -log10 p is the score. */
static double draw(uint64_t *random)
{
    return -calc_log10((double)(rnd_below(random, 1u << 30) + 1) / (1u << 30));
}

T(the_wanted_share_is_flagged)
{
    uint64_t random = seed();
    struct alert a;
    int flagged = 0;

    alert_init(&a);
    for (int i = 0; i < 40000; i++) {
        double score = draw(&random);
        if (i >= 10000)
            flagged += score > alert_threshold(&a, 0.015, 0);
        alert_learn(&a, score, i / 100 * WHEN_DAY);
    }
    ok(flagged > 330 && flagged < 570);
    near(calc_surprise(alert_p(&a, 2)), 2, 0.1);
    near(calc_surprise(alert_p(&a, 4)), 4, 0.8);
}

T(a_budget_follows_the_number_of_invoices_a_day)
{
    uint64_t random = seed();
    struct alert a;

    alert_init(&a);
    for (int i = 0; i < 20000; i++)
        alert_learn(&a, draw(&random), i / 100 * WHEN_DAY);
    near(a.usual, 100, 1);
    near(alert_threshold(&a, 0, 1), 2, 0.25);
    near(alert_threshold(&a, 0, 10), 1, 0.2);
    ok(alert_threshold(&a, 0, 1e9) < 0.5);
}

T(on_the_first_day_little_is_flagged)
{
    struct alert a;

    alert_init(&a);
    ok(alert_threshold(&a, 0.015, 0) > 4);
    for (int i = 0; i < 50; i++)
        alert_learn(&a, 0.5, 0);
    ok(alert_threshold(&a, 0.015, 0) > 3.5);
}
