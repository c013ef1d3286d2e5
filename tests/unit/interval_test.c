/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * interval: nine of ten values fall in the band, whatever the errors are like, and after they
 * have changed; bands are finite and in order.
 */
#include "models/interval.h"

#include "tests/support/t.h"

#include <math.h>

enum { SLOTS = 5 };

static double uniform(uint64_t *state)
{
    return (double)(rnd(state) >> 11) / 9007199254740992.0;
}

/* Skewed, and of another size in each slot. */
static double error(uint64_t *state, int slot)
{
    return (1 + slot) * (-log(1 - uniform(state)) - 1);
}

struct tally {
    int inside, below, n;
};

static struct tally feed(struct interval *v, uint64_t *state, int rounds, double size)
{
    struct tally t = {0};

    for (int i = 0; i < rounds; i++) {
        int slot = i % SLOTS;
        struct interval_band b = interval_at(v, slot, 100);
        double value = 100 + size * error(state, slot);
        ok(0 <= b.low && b.low <= b.middle && b.middle <= b.high && isfinite(b.high));
        interval_learn(v, slot, 100, b, value);
        t.inside += value >= b.low && value <= b.high;
        t.below += value < b.low;
        t.n++;
    }
    return t;
}

T(nine_of_ten_values_fall_in_the_band)
{
    uint64_t state = seed();
    struct interval v;

    interval_init(&v, 0.005);
    (void)feed(&v, &state, 400, 1);
    struct tally t = feed(&v, &state, 4000, 1);
    near((double)t.inside / t.n, 0.9, 0.015);
    near((double)t.below / t.n, 0.05, 0.01);
}

T(it_holds_again_soon_after_errors_have_trebled)
{
    uint64_t state = seed();
    struct interval v;

    interval_init(&v, 0.005);
    (void)feed(&v, &state, 2000, 1);
    (void)feed(&v, &state, 300, 3);
    struct tally t = feed(&v, &state, 3000, 3);
    near((double)t.inside / t.n, 0.9, 0.02);
}

T(a_slot_with_small_errors_has_a_narrow_band)
{
    uint64_t state = seed();
    struct interval v;

    interval_init(&v, 0.005);
    (void)feed(&v, &state, 3000, 1);
    struct interval_band narrow = interval_at(&v, 0, 100), wide = interval_at(&v, 4, 100);
    ok(wide.high - wide.low > 2 * (narrow.high - narrow.low));
}

T(zero_belongs_to_the_band_where_it_is_common)
{
    uint64_t state = seed();
    struct interval v;

    interval_init(&v, 0.005);
    for (int i = 0; i < 1000; i++) {
        struct interval_band b = interval_at(&v, i % 2, 10);
        double value = i % 2 && rnd_below(&state, 3) == 0 ? 0 : 10 + uniform(&state);
        interval_learn(&v, i % 2, 10, b, value);
    }
    near(interval_zeros(&v, 1), 0.33, 0.3);
    near(interval_at(&v, 1, 10).low, 0, 0);
    ok(interval_at(&v, 0, 10).low > 5);
}

T(errors_of_nought_give_a_finite_band)
{
    struct interval v;

    interval_init(&v, 0.005);
    for (int i = 0; i < 1000; i++)
        interval_learn(&v, 0, 7, interval_at(&v, 0, 7), 7);
    struct interval_band b = interval_at(&v, 0, 7);
    ok(b.low <= 7 && b.high >= 7 && b.high - b.low < 15);
    interval_learn(&v, 0, 7, b, 1e100);
    b = interval_at(&v, 0, 7);
    ok(isfinite(b.low) && isfinite(b.high));
}

T(before_anything_is_known_the_band_is_wide)
{
    struct interval v;

    interval_init(&v, 0.005);
    struct interval_band b = interval_at(&v, 0, 30);
    near(b.low, 0, 0);
    near(b.high, 60, 0);
}

T(numbers_that_are_none_change_nothing)
{
    uint64_t state = seed();
    struct interval v, before;

    interval_init(&v, 0.005);
    (void)feed(&v, &state, 100, 1);
    before = v;
    interval_learn(&v, 0, 100, interval_at(&v, 0, 100), (double)NAN);
    interval_learn(&v, 0, 100, interval_at(&v, 0, 100), HUGE_VAL);
    eq_bytes(&v, sizeof(v), &before, sizeof(before));
}

T(a_saved_one_goes_on_to_the_same_bytes)
{
    for (int rounds = 10; rounds < 1000; rounds += 330) {
        uint64_t state = seed(), copy;
        struct interval a, b;
        struct buf out;

        interval_init(&a, 0.005);
        (void)feed(&a, &state, rounds, 1);
        buf_init(&out, 1 << 16);
        ok_err(interval_save(&a, &out));
        struct reader in = reader_of(out.p, out.n);
        interval_init(&b, 0.005);
        ok_err(interval_load(&b, &in));
        ok(in.p == in.end);
        copy = state;
        (void)feed(&a, &state, 500, 2);
        (void)feed(&b, &copy, 500, 2);
        eq_bytes(&a, sizeof(a), &b, sizeof(b));
        buf_clear(&out);
    }
}

T(damaged_state_is_told)
{
    uint64_t state = seed();
    struct interval v;
    struct buf out;

    interval_init(&v, 0.005);
    (void)feed(&v, &state, 50, 1);
    buf_init(&out, 1 << 16);
    ok_err(interval_save(&v, &out));
    for (size_t n = 0; n < out.n; n++) {
        struct reader in = reader_of(out.p, n);
        eq_err(interval_load(&v, &in), ERR_DAMAGED);
    }
    out.p[0] = 51; /* errors kept, but `at` says 50 */
    struct reader in = reader_of(out.p, out.n);
    eq_err(interval_load(&v, &in), ERR_DAMAGED);
    buf_clear(&out);
}
