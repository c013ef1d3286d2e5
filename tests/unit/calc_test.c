/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/calc.h"
#include "tests/support/t.h"

#include <math.h>

T(the_logarithm_is_that_of_the_library_but_for_its_last_bits)
{
    uint64_t random = seed();

    for (int i = 0; i < 20000; i++) {
        double x = ldexp(1 + (double)rnd_below(&random, 1u << 30) / (1u << 30),
                         (int)rnd_below(&random, 200) - 100);
        near(calc_ln(x), log(x), fabs(log(x)) * 1e-15 + 1e-15);
    }
    near(calc_ln(1), 0, 0);
    near(calc_log10(1000), 3, 1e-15);
}

T(the_exponential_is_that_of_the_library_but_for_its_last_bits)
{
    uint64_t random = seed();

    for (int i = 0; i < 20000; i++) {
        double x = (double)rnd_below(&random, 1u << 30) / (1u << 20) - 512;
        near(calc_exp(x) / exp(x), 1, 1e-14);
    }
    near(calc_exp(0), 1, 0);
}

T(what_is_no_number_stays_in_bounds)
{
    near(calc_ln(0), 0, 0);
    near(calc_ln(-1), 0, 0);
    near(calc_ln(HUGE_VAL), 0, 0);
    near(calc_ln((double)NAN), 0, 0);
    ok(calc_exp(1e9) < 1e305);
    ok(calc_exp(-1e9) > 0);
    ok(calc_exp((double)NAN) > 0);
    near(calc_surprise(0), 12, 0);
    near(calc_surprise((double)NAN), 12, 0);
    near(calc_surprise(1.5), 0, 0);
    near(calc_surprise(0.001), 3, 1e-12);
}
