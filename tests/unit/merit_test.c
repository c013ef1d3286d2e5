/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "commands/merit.h"
#include "tests/support/t.h"

#include <string.h>

T(average_precision_is_the_mean_of_the_precisions_at_the_hits)
{
    const uint8_t hit[] = {1, 0, 1, 0, 0, 1};

    near(merit_average_precision(hit, 6), (1.0 + 2.0 / 3 + 3.0 / 6) / 3, 1e-15);
    near(merit_average_precision(hit, 2), 1.0, 1e-15);
    near(merit_average_precision(hit + 1, 1), 0, 0);
    near(merit_average_precision(NULL, 0), 0, 0);
    eq_int(merit_hits(hit, 6), 3);
}

T(the_interval_holds_the_average_precision_and_narrows_with_more)
{
    uint8_t hit[8000];
    struct merit_interval few, many, again;

    for (size_t i = 0; i < sizeof(hit); i++)
        hit[i] = i % 3 == 0;
    ok_err(merit_bootstrap(hit, 200, &few));
    ok_err(merit_bootstrap(hit, sizeof(hit), &many));
    ok_err(merit_bootstrap(hit, sizeof(hit), &again));
    double truth = merit_average_precision(hit, sizeof(hit));
    ok(few.low < truth && truth < few.high);
    ok(many.low < truth && truth < many.high);
    ok(many.high - many.low < few.high - few.low);
    near(many.low, again.low, 0);
    near(many.high, again.high, 0);
}

T(a_perfect_ranking_leaves_no_doubt)
{
    uint8_t hit[100];
    struct merit_interval all, none;

    memset(hit, 1, sizeof(hit));
    ok_err(merit_bootstrap(hit, sizeof(hit), &all));
    near(all.low, 1, 1e-12);
    near(all.high, 1, 1e-12);
    memset(hit, 0, sizeof(hit));
    ok_err(merit_bootstrap(hit, sizeof(hit), &none));
    near(none.high, 0, 0);
}

T_OOM(the_interval_survives_lack_of_memory)
{
    const uint8_t hit[] = {1, 0};
    struct merit_interval interval;

    return merit_bootstrap(hit, 2, &interval);
}
