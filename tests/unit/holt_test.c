/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * holt: a clean season is learned exactly, junk is passed over.
 */
#include "models/holt.h"

#include "tests/support/t.h"

#include <math.h>

static const struct holt_rule rule = {0.1, 0.01, 0.2, 0.98};

static void same(const struct holt *a, const struct holt *b)
{
    struct buf x, y;

    buf_init(&x, 1 << 16);
    buf_init(&y, 1 << 16);
    ok_err(pack_write(&x, holt_table, a));
    ok_err(pack_write(&y, holt_table, b));
    eq_bytes(x.p, x.n, y.p, y.n);
    buf_clear(&x);
    buf_clear(&y);
}

T(a_steady_season_is_learned)
{
    static const double season[] = {5, 20, 11, 0, 3};
    struct holt h = {.begun = 0};

    near(holt_predict(&h, 2), 0, 0);
    for (int i = 0; i < 2000; i++)
        holt_learn(&h, &rule, i % 5, 100 + season[i % 5]);
    for (int i = 0; i < 5; i++)
        near(holt_predict(&h, i), 100 + season[i], 0.05);
}

T(a_new_level_is_followed)
{
    struct holt h = {.begun = 0};

    for (int i = 0; i < 400; i++)
        holt_learn(&h, &rule, i % 4, i < 200 ? 10 : 50);
    for (int i = 0; i < 4; i++)
        near(holt_predict(&h, i), 50, 1);
}

T(numbers_that_are_none_are_passed_over)
{
    struct holt h = {.begun = 0}, before;

    holt_learn(&h, &rule, 0, (double)NAN);
    ok(!h.begun);
    holt_learn(&h, &rule, 0, 7);
    before = h;
    holt_learn(&h, &rule, 0, HUGE_VAL);
    holt_learn(&h, &rule, 1, -HUGE_VAL);
    same(&h, &before);
}

T(values_of_any_size_leave_it_finite)
{
    struct holt h = {.begun = 0};

    for (int i = 0; i < 1000; i++) {
        holt_learn(&h, &rule, i % 7, i % 3 ? 1.7e308 : -1.7e308);
        ok(isfinite(holt_predict(&h, i % 7)));
    }
}

T(a_saved_one_is_the_same)
{
    struct holt a = {.begun = 0}, b = {.begun = 0};
    struct buf out;

    for (int i = 0; i < 100; i++)
        holt_learn(&a, &rule, i % HOLT_SEASON, i * 1.25);
    buf_init(&out, 1 << 16);
    ok_err(pack_write(&out, holt_table, &a));
    struct reader in = reader_of(out.p, out.n);
    pack_read(&in, holt_table, &b);
    ok(!in.bad && in.p == in.end);
    same(&a, &b);
    buf_clear(&out);
}
