/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * drift: silent while errors stay what they were, one alarm when they grow.
 */
#include "models/drift.h"

#include "tests/support/t.h"

#include <math.h>

/* Mean 1, as absolute errors over their scale are. */
static double error(uint64_t *state)
{
    return -log((double)(1 + (rnd(state) >> 12)) / 4503599627370497.0);
}

T(errors_that_stay_the_same_raise_no_alarm)
{
    struct drift d = {0};
    uint64_t state = seed();
    int alarms = 0;

    for (int i = 0; i < 20000; i++)
        alarms += drift_learn(&d, error(&state));
    eq_int(alarms, 0);
}

T(errors_that_double_raise_one_soon_and_few_later)
{
    struct drift d = {0};
    uint64_t state = seed();
    int first = -1, alarms = 0;

    for (int i = 0; i < 3000; i++) {
        if (!drift_learn(&d, error(&state) * (i < 1000 ? 1 : 2)))
            continue;
        first = first < 0 ? i : first;
        alarms++;
    }
    ok(first > 1000 && first < 1200);
    ok(alarms < 6); /* of errors that go on being twice the usual */
}

T(errors_that_shrink_and_numbers_that_are_none_raise_none)
{
    struct drift d = {0}, before;

    for (int i = 0; i < 2000; i++)
        ok(!drift_learn(&d, i < 1000 ? 1 : 0.2));
    before = d;
    ok(!drift_learn(&d, (double)NAN));
    ok(!drift_learn(&d, -1));
    eq_bytes(&d, sizeof(d), &before, sizeof(before));
}

T(one_great_error_is_no_drift)
{
    struct drift d = {0};

    for (int i = 0; i < 500; i++)
        ok(!drift_learn(&d, i == 300 ? 1e300 : 1));
}
