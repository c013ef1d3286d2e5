/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/moment.h"
#include "tests/support/t.h"

T(mean_and_variance_are_those_of_the_numbers)
{
    static const double x[] = {2, 4, 4, 4, 5, 5, 7, 9};
    struct moment m = {0};

    for (size_t i = 0; i < countof(x); i++)
        moment_add(&m, x[i], 0);
    near((double)m.n, 8, 0);
    near((double)m.mean, 5, 1e-6);
    near(moment_variance(&m, 0, 0), 4, 1e-5);
}

T(with_little_known_the_prior_counts)
{
    struct moment m = {0};

    near(moment_mean(&m, 3, 1), 3, 0);
    near(moment_variance(&m, 2, 4), 2, 0);
    moment_add(&m, 5, 0);
    near(moment_mean(&m, 3, 1), 4, 1e-6);
}

T(beyond_the_cap_the_old_fades)
{
    struct moment m = {0};

    for (int i = 0; i < 100; i++)
        moment_add(&m, 0, 10);
    near((double)m.n, 10, 0);
    for (int i = 0; i < 60; i++)
        moment_add(&m, 1, 10);
    near((double)m.mean, 1, 0.01);
}
