/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * rls: without forgetting it is ridge regression to the last digits; it stays sound for ever and
 * refuses what is not finite.
 */
#include "models/rls.h"

#include "tests/support/t.h"

#include <gsl/gsl_errno.h>
#include <gsl/gsl_linalg.h>
#include <math.h>

enum { INPUTS = 7 };

static const struct rls_rule plain = {INPUTS, 1, 100, 0};

/* Roughly normal, mean 0, variance 1. */
static double noise(uint64_t *state)
{
    double sum = -6;

    for (int i = 0; i < 12; i++)
        sum += (double)(rnd(state) >> 11) / 9007199254740992.0;
    return sum;
}

static double row(uint64_t *state, double *x, int n)
{
    double y = 3 + noise(state);

    x[0] = 1;
    for (int i = 1; i < n; i++) {
        x[i] = noise(state) + (i > 1 ? 0.7 * x[i - 1] : 0);
        y += i * x[i];
    }
    return y;
}

static double entry(const struct rls *r, int i, int j)
{
    return i >= j ? r->p[i * (i + 1) / 2 + j] : r->p[j * (j + 1) / 2 + i];
}

/* Whether P is positive definite, by GSL's Cholesky decomposition. */
static bool definite(const struct rls *r)
{
    int n = r->rule.inputs;
    gsl_matrix *m = gsl_matrix_alloc((size_t)n, (size_t)n);
    int status;

    (void)gsl_set_error_handler_off();
    for (int i = 0; i < n; i++) {
        for (int j = 0; j < n; j++)
            gsl_matrix_set(m, (size_t)i, (size_t)j, entry(r, i, j));
    }
    status = gsl_linalg_cholesky_decomp1(m);
    gsl_matrix_free(m);
    return status == GSL_SUCCESS;
}

/* The same state, byte for byte, as saved. */
static void same(const struct rls *a, const struct rls *b)
{
    struct buf x, y;

    buf_init(&x, 1 << 16);
    buf_init(&y, 1 << 16);
    ok_err(rls_save(a, &x));
    ok_err(rls_save(b, &y));
    eq_bytes(x.p, x.n, y.p, y.n);
    buf_clear(&x);
    buf_clear(&y);
}

T(without_forgetting_it_is_the_ridge_solution_of_all_rows)
{
    gsl_matrix *a = gsl_matrix_calloc(INPUTS, INPUTS);
    gsl_vector *b = gsl_vector_calloc(INPUTS), *w = gsl_vector_alloc(INPUTS);
    uint64_t state = seed();
    double x[INPUTS];
    struct rls r;

    rls_init(&r, &plain);
    for (size_t i = 0; i < INPUTS; i++)
        gsl_matrix_set(a, i, i, 1 / plain.delta);
    for (int k = 0; k < 500; k++) {
        double y = row(&state, x, INPUTS);
        ok(rls_learn(&r, x, y));
        for (size_t i = 0; i < INPUTS; i++) {
            gsl_vector_set(b, i, gsl_vector_get(b, i) + y * x[i]);
            for (size_t j = 0; j < INPUTS; j++)
                gsl_matrix_set(a, i, j, gsl_matrix_get(a, i, j) + x[i] * x[j]);
        }
    }
    ok(gsl_linalg_cholesky_decomp1(a) == GSL_SUCCESS);
    ok(gsl_linalg_cholesky_solve(a, b, w) == GSL_SUCCESS);
    for (size_t i = 0; i < INPUTS; i++)
        near(r.w[i], gsl_vector_get(w, i), 1e-9);
    ok(gsl_linalg_cholesky_invert(a) == GSL_SUCCESS);
    for (int i = 0; i < INPUTS; i++) {
        for (int j = 0; j < INPUTS; j++)
            near(entry(&r, i, j), gsl_matrix_get(a, (size_t)i, (size_t)j), 1e-10);
    }
    gsl_matrix_free(a);
    gsl_vector_free(b);
    gsl_vector_free(w);
}

/* One row in a thousand is of no scale at all, and one input is nearly another. */
static void long_run(const struct rls_rule *rule, int rows)
{
    uint64_t state = seed();
    double x[RLS_MAX];
    struct rls r;

    rls_init(&r, rule);
    for (int k = 0; k < rows; k++) {
        double y = row(&state, x, rule->inputs);
        x[2] = x[1] + 1e-6 * x[2];
        if (k % 1000 == 999)
            y *= 1e6;
        ok(rls_learn(&r, x, y));
        if (k % (rows / 20) == 0)
            ok(definite(&r));
    }
    ok(definite(&r));
    for (int i = 0; i < rule->inputs; i++)
        ok(fabs(r.w[i]) < 1e9);
}

T(many_rows_leave_it_positive_definite)
{
    const struct rls_rule rule = {INPUTS, 0.999, 1, 2.5};

    long_run(&rule, 200000); /* ten million: tests/quality/forecast_rls.c */
}

T(a_constant_input_does_not_wind_it_up)
{
    const struct rls_rule rule = {3, 0.99, 1, 2.5};
    const double same[] = {1, 0, 0}, other[] = {1, 1, -1};
    struct rls r;

    rls_init(&r, &rule);
    for (int k = 0; k < 100000; k++)
        ok(rls_learn(&r, same, 5));
    near(rls_predict(&r, same), 5, 1e-9);
    ok(definite(&r));
    for (int i = 0; i < 3; i++)
        ok(entry(&r, i, i) <= 3e6 * (1 + 1e-9));
    ok(rls_learn(&r, other, 7));
    near(rls_predict(&r, same), 5, 0.1);
}

T(it_forgets_what_no_longer_holds)
{
    const struct rls_rule rule = {2, 0.95, 10, 0};
    uint64_t state = seed();
    struct rls r;

    rls_init(&r, &rule);
    for (int k = 0; k < 2000; k++) {
        const double x[] = {1, noise(&state)};
        ok(rls_learn(&r, x, k < 1000 ? 2 * x[1] : 10 - x[1]));
    }
    near(r.w[0], 10, 1e-6);
    near(r.w[1], -1, 1e-6);
}

T(a_great_error_pulls_no_harder_than_a_clipped_one)
{
    const struct rls_rule clipped = {2, 0.999, 10, 2.5}, open = {2, 0.999, 10, 0};
    uint64_t state = seed();
    struct rls a, b;

    rls_init(&a, &clipped);
    rls_init(&b, &open);
    for (int k = 0; k < 400; k++) {
        const double x[] = {1, noise(&state)};
        double y = 4 + x[1] + noise(&state) + (k == 300 ? 1e5 : 0);
        ok(rls_learn(&a, x, y));
        ok(rls_learn(&b, x, y));
    }
    near(a.w[0], 4, 0.5);
    ok(fabs(b.w[0] - 4) > 20);
}

T(what_is_not_finite_is_refused_and_changes_nothing)
{
    static const double bad[] = {(double)NAN, HUGE_VAL, -HUGE_VAL};
    double x[INPUTS], huge[INPUTS];
    uint64_t state = seed();
    struct rls r, before;

    rls_init(&r, &plain);
    for (int k = 0; k < 60; k++) {
        double y = row(&state, x, INPUTS);
        ok(rls_learn(&r, x, y));
    }
    before = r;
    for (size_t i = 0; i < countof(bad); i++) {
        ok(!rls_learn(&r, x, bad[i]));
        double kept = x[3];
        x[3] = bad[i];
        ok(!rls_learn(&r, x, 1));
        near(rls_predict(&r, x), 0, 0);
        x[3] = kept;
    }
    for (int i = 0; i < INPUTS; i++)
        huge[i] = 1e300;
    ok(!rls_learn(&r, huge, 1));
    same(&r, &before);
}

T(rows_of_any_size_leave_it_finite)
{
    const struct rls_rule rule = {3, 0.99, 1, 2.5};
    uint64_t state = seed();
    struct rls r;

    rls_init(&r, &rule);
    for (int k = 0; k < 20000; k++) {
        double x[3], y = ldexp(noise(&state), (int)rnd_below(&state, 900) - 450);
        for (int i = 0; i < 3; i++)
            x[i] =
                rnd_below(&state, 4) ? ldexp(noise(&state), (int)rnd_below(&state, 900) - 450) : 0;
        (void)rls_learn(&r, x, y);
        ok(isfinite(r.scale) && r.scale > 0);
        for (int i = 0; i < 3; i++)
            ok(isfinite(r.w[i]) && entry(&r, i, i) > 0 && isfinite(entry(&r, i, i)));
    }
}

T(a_saved_one_goes_on_to_the_same_bytes)
{
    uint64_t state = seed();
    double x[INPUTS];
    struct rls a, b;
    struct buf out;

    rls_init(&a, &plain);
    for (int k = 0; k < 200; k++) {
        double y = row(&state, x, INPUTS);
        ok(rls_learn(&a, x, y));
    }
    buf_init(&out, 1 << 16);
    ok_err(rls_save(&a, &out));
    rls_init(&b, &plain);
    struct reader in = reader_of(out.p, out.n);
    ok_err(rls_load(&b, &in));
    ok(in.p == in.end);
    for (int k = 0; k < 200; k++) {
        double y = row(&state, x, INPUTS);
        ok(rls_learn(&a, x, y));
        ok(rls_learn(&b, x, y));
    }
    same(&a, &b);
    buf_clear(&out);
}

T(damaged_state_is_told)
{
    struct rls r, before;
    struct buf out;

    rls_init(&r, &plain);
    before = r;
    buf_init(&out, 1 << 16);
    ok_err(rls_save(&r, &out));
    for (size_t n = 0; n < out.n; n++) {
        struct reader in = reader_of(out.p, n);
        eq_err(rls_load(&r, &in), ERR_DAMAGED);
    }
    memset(out.p + 16, 0xff, out.n - 16);
    struct reader in = reader_of(out.p, out.n);
    eq_err(rls_load(&r, &in), ERR_DAMAGED);
    memset(out.p + 16, 0, out.n - 16);
    in = reader_of(out.p, out.n);
    eq_err(rls_load(&r, &in), ERR_DAMAGED);
    same(&r, &before);
    buf_clear(&out);
}
