/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * regress: it learns what its features say, keeps its bands, scores itself rightly.
 */
#include "models/regress.h"

#include "tests/support/t.h"

#include <math.h>

static const struct regress_rule rule = {
    .inputs = 2,
    .forgetting = 0.999,
    .clip = 2.5,
    .delta = 1,
    .holt = {.level = 0.1, .trend = 0.001, .season = 0.15, .damp = 0.98},
    .adapt = 0.005,
    .seasonal = true,
};

struct world {
    uint64_t chance;
    int step;
};

static double uniform(struct world *w)
{
    return (double)(rnd(&w->chance) >> 11) / 9007199254740992.0;
}

/* A guess, then the truth: (4 + 3 x + noise)^2. Returns whether it was reported as drift. */
static bool step(struct world *w, struct regress *r, double noise, struct regress_guess *guess)
{
    const double x[] = {1, uniform(w)};
    const struct regress_place at = {.slot = w->step % 3, .season = w->step % 5, .naive = 25};
    double root = fmax(4 + 3 * x[1] + noise * (uniform(w) - 0.5), 0);

    w->step++;
    regress_guess(r, &rule, x, &at, guess);
    return regress_learn(r, &rule, x, guess, root * root, w->step > 200);
}

/* The same state, byte for byte, as saved. */
static void same(const struct regress *a, const struct regress *b)
{
    struct buf x, y;

    buf_init(&x, 1 << 16);
    buf_init(&y, 1 << 16);
    ok_err(regress_save(a, &x));
    ok_err(regress_save(b, &y));
    eq_bytes(x.p, x.n, y.p, y.n);
    buf_clear(&x);
    buf_clear(&y);
}

T(it_learns_and_its_band_holds)
{
    struct world w = {.chance = seed()};
    struct regress_guess guess;
    struct regress r;

    regress_init(&r, &rule);
    for (int i = 0; i < 2000; i++) {
        ok(!step(&w, &r, 1, &guess));
        ok(0 <= guess.lower && guess.lower <= guess.predicted && guess.predicted <= guess.upper);
    }
    near(r.rls.w[0], 4, 0.2);
    near(r.rls.w[1], 3, 0.3);
    eq_u64(r.score.n, 1800);
    near((double)r.score.covered / 1800, 0.9, 0.03);
    ok(r.score.error < 0.4 * r.score.naive_error);
    ok(r.score.error < 0.5 * r.score.holt_error);
}

T(before_there_are_weights_the_naive_forecast_stands_in)
{
    const struct regress_place at = {.naive = 36};
    const double x[] = {1, 2};
    struct regress_guess guess;
    struct regress r;

    regress_init(&r, &rule);
    regress_guess(&r, &rule, x, &at, &guess);
    near(guess.predicted, 36, 1e-9);
    near(guess.lower, 0, 0);
    ok(guess.upper >= 144);
    near(guess.holt, 36, 1e-9);
}

T(worse_errors_are_told_as_drift)
{
    struct world w = {.chance = seed()};
    struct regress_guess guess;
    struct regress r;
    int drifts = 0;

    regress_init(&r, &rule);
    for (int i = 0; i < 1000; i++)
        ok(!step(&w, &r, 1, &guess));
    for (int i = 0; i < 150; i++)
        drifts += step(&w, &r, 8, &guess);
    ok(drifts >= 1);
}

T(what_is_no_number_is_refused)
{
    struct world w = {.chance = seed()};
    struct regress_guess guess;
    struct regress r, before;
    const double x[] = {1, (double)NAN};
    const struct regress_place at = {.naive = (double)NAN};

    regress_init(&r, &rule);
    for (int i = 0; i < 50; i++)
        (void)step(&w, &r, 1, &guess);
    before = r;
    ok(!regress_learn(&r, &rule, x, &guess, HUGE_VAL, true));
    ok(!regress_learn(&r, &rule, x, &guess, (double)NAN, true));
    same(&r, &before);
    regress_guess(&r, &rule, x, &at, &guess);
    ok(isfinite(guess.predicted) && isfinite(guess.lower) && isfinite(guess.upper));
    (void)regress_learn(&r, &rule, x, &guess, 30, true);
    eq_u64(r.rls.n, before.rls.n);
    near(r.rls.w[0], before.rls.w[0], 0);
}

T(nothing_but_zeros_is_forecast_as_zero)
{
    struct regress_guess guess;
    struct regress r;
    const double x[] = {0, 0};
    const struct regress_place at = {.slot = 0};

    regress_init(&r, &rule);
    for (int i = 0; i < 500; i++) {
        regress_guess(&r, &rule, x, &at, &guess);
        ok(!regress_learn(&r, &rule, x, &guess, 0, true));
    }
    near(guess.predicted, 0, 0);
    near(guess.upper, 0, 0);
    eq_u64(r.score.covered, 500);
}

T(a_saved_one_goes_on_to_the_same_bytes)
{
    struct world w = {.chance = seed()}, copy;
    struct regress_guess guess;
    struct regress a, b;
    struct buf out;

    regress_init(&a, &rule);
    for (int i = 0; i < 333; i++)
        (void)step(&w, &a, 1, &guess);
    buf_init(&out, 1 << 16);
    ok_err(regress_save(&a, &out));
    regress_init(&b, &rule);
    struct reader in = reader_of(out.p, out.n);
    ok_err(regress_load(&b, &in));
    ok(in.p == in.end);
    copy = w;
    for (int i = 0; i < 333; i++) {
        (void)step(&w, &a, 1, &guess);
        (void)step(&copy, &b, 1, &guess);
    }
    same(&a, &b);
    for (size_t n = 0; n < out.n; n += 7) {
        in = reader_of(out.p, n);
        eq_err(regress_load(&b, &in), ERR_DAMAGED);
    }
    buf_clear(&out);
}
