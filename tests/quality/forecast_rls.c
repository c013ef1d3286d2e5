/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * forecast_rls FILE: two figures of models/rls alone.
 *
 * F5: FILE is the growth of 50 chicks (weight, time, chick, diet; 578 rows by time; Crowder and
 * Hand 1990, the data set ChickWeight of R). Weight from three plain features, predicted before it
 * is learned: the mean absolute error, where the best of the library River's online regressions
 * has 23.11.
 *
 * F6: ten million rows with forgetting .999, some a million times too large and two inputs nearly
 * the same: the matrix stays positive definite, by GSL's Cholesky decomposition.
 */
#include "models/rls.h"

#include <gsl/gsl_errno.h>
#include <gsl/gsl_linalg.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define GOAL 22.0
#define ROWS 10000000
#define INPUTS 16

static bool show(const char *goal, const char *what, bool good, double value, const char *beside)
{
    (void)printf("  %s %-3s %-34s %9.4g   %s\n", good ? "PASS " : "BELOW", goal, what, value,
                 beside);
    return good;
}

static bool chicks(const char *path)
{
    const struct rls_rule rule = {4, 0.995, 1000, 0};
    double error = 0, in[4];
    struct rls r;
    char line[128];
    int n = 0;
    FILE *file = fopen(path, "r");

    if (!file)
        return show("F5", path, false, 0, "cannot be read");
    rls_init(&r, &rule);
    while (fgets(line, sizeof(line), file)) {
        char *p = line;
        for (int i = 0; i < 4; i++) {
            in[i] = strtod(p, &p);
            p += *p == ',';
        }
        if (in[0] <= 0)
            continue;
        const double x[] = {1, in[1] / 10, in[2] / 25, in[3] / 2};
        error += fabs(in[0] - rls_predict(&r, x));
        (void)rls_learn(&r, x, in[0]);
        n++;
    }
    (void)fclose(file);
    error = n ? error / n : HUGE_VAL;
    return show("F5", "chicks, mean absolute error", n == 578 && error <= GOAL, error,
                "goal <= 22, River's best 23.11");
}

static bool definite(const struct rls *r)
{
    gsl_matrix *m = gsl_matrix_alloc(INPUTS, INPUTS);
    const double *p = r->p;
    bool good;

    if (!m)
        return false;
    for (size_t i = 0; i < INPUTS; i++) {
        for (size_t j = 0; j <= i; j++) {
            gsl_matrix_set(m, i, j, *p);
            gsl_matrix_set(m, j, i, *p++);
        }
    }
    good = gsl_linalg_cholesky_decomp1(m) == GSL_SUCCESS;
    gsl_matrix_free(m);
    return good;
}

static double uniform(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (double)(*state >> 11) / 4503599627370496.0 - 1;
}

static bool long_run(void)
{
    const struct rls_rule rule = {INPUTS, 0.999, 1, 2.5};
    double x[INPUTS] = {1}, y;
    clock_t started = clock();
    uint64_t state = 1;
    bool good = true;
    struct rls r;

    rls_init(&r, &rule);
    for (long k = 0; k < ROWS && good; k++) {
        y = 3 + uniform(&state);
        for (int i = 1; i < INPUTS; i++) {
            x[i] = uniform(&state);
            y += i * x[i];
        }
        x[2] = x[1] + 1e-6 * x[2];
        good = rls_learn(&r, x, k % 1000 == 999 ? y * 1e6 : y);
        if (k % (ROWS / 100) == 0)
            good = good && definite(&r);
    }
    return show("F6", "ten million rows, ns a row", good && definite(&r),
                1e9 * (double)(clock() - started) / CLOCKS_PER_SEC / ROWS,
                "positive definite throughout; 16 inputs, making the rows included");
}

int main(int argc, char **argv)
{
    bool good;

    if (argc != 2) {
        (void)fprintf(stderr, "usage: forecast_rls FILE\n");
        return 2;
    }
    (void)gsl_set_error_handler_off();
    good = chicks(argv[1]);
    good = long_run() && good;
    return good ? 0 : 1;
}
