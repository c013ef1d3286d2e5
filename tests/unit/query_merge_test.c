/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "commands/query.h"
#include "tests/support/t.h"

#include <math.h>

/* The row of these line values, in whole units of money. */
static struct agg_row row_of(const int64_t *values, int n)
{
    struct agg_row r = {.lines = n, .invoices = 1, .units = n, .final = 1, .version = 1};
    double squares = 0;

    r.min = r.max = values[0] * 1000000;
    for (int i = 0; i < n; i++) {
        int64_t v = values[i] * 1000000;

        r.revenue += v;
        r.min = v < r.min ? v : r.min;
        r.max = v > r.max ? v : r.max;
    }
    for (int i = 0; i < n; i++)
        squares += pow((double)values[i] - (double)r.revenue / 1e6 / n, 2);
    r.sd = sqrt(squares / n);
    return r;
}

T(a_merged_row_is_that_of_all_sales)
{
    uint64_t random = seed();

    for (int round = 0; round < 500; round++) {
        int64_t values[40];
        int n = 2 + (int)rnd_below(&random, 38);
        int cut = 1 + (int)rnd_below(&random, (uint64_t)n - 1);
        struct agg_row all, first, second;

        for (int i = 0; i < n; i++)
            values[i] = (int64_t)rnd_below(&random, 2001) - 1000;
        all = row_of(values, n);
        first = row_of(values, cut);
        second = row_of(values + cut, n - cut);
        query_merge_rows(&first, &second);
        eq_int(first.lines, all.lines);
        eq_int(first.units, all.units);
        eq_int(first.revenue, all.revenue);
        eq_int(first.min, all.min);
        eq_int(first.max, all.max);
        near(first.sd, all.sd, 1e-9 * (1 + all.sd));
    }
}

T(a_merged_row_is_final_when_both_are_and_has_the_higher_version)
{
    static const int64_t value[] = {5};
    struct agg_row a = row_of(value, 1);
    struct agg_row b = row_of(value, 1);

    b.version = 3;
    query_merge_rows(&a, &b);
    eq_int(a.final, 1);
    eq_int(a.version, 3);
    near(a.sd, 0, 0);
    b.final = 0;
    query_merge_rows(&a, &b);
    eq_int(a.final, 0);
}

T(sums_that_do_not_fit_stay_at_the_largest_number)
{
    int64_t sum = INT64_MAX - 1;

    query_add(&sum, 1);
    eq_int(sum, INT64_MAX);
    query_add(&sum, 1);
    eq_int(sum, INT64_MAX);
    sum = INT64_MIN;
    query_add(&sum, -1);
    eq_int(sum, INT64_MIN);
}
