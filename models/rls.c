/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Recursive least squares with exponential forgetting (Haykin, Adaptive Filter Theory), the
 * error clipped as Huber does it. With e = y - w'x, u = Px and a weight h of the row:
 *
 *     k = h u / (lambda + h x'u)      w += k e      P = (P - k u') / lambda
 *     h = 1 for |e| <= clip * scale, else clip * scale / |e|
 *
 * Only the lower triangle of P is kept: updating the full square lets the two halves drift
 * apart by rounding, which grows by 1/lambda with every row until nothing is left of it.
 *
 * Where a direction is never seen again, P grows in it by 1/lambda a row (wind-up). When the
 * trace passes TRACE_MAX times its start, P shrinks back to that as a whole.
 *
 * 1. Every number of the state is finite.
 * 2. The diagonal of P and x'Px are positive; when rounding breaks this, P starts anew.
 * 3. A row that is refused changes nothing.
 */
#include "models/rls.h"

#include "models/pack.h"

#include <assert.h>
#include <math.h>
#include <stddef.h>

#define TRACE_MAX 1e6
#define CLIP_FROM 50 /* rows before errors are clipped: the scale is not known earlier */
#define SCALE_GAIN 0.01
#define SCALE_CLIP 6.0
#define SCALE_MIN 1e-9

static void spread(struct rls *r)
{
    double *p = r->p;

    for (int i = 0; i < r->rule.inputs; i++) {
        for (int j = 0; j < i; j++)
            *p++ = 0;
        *p++ = r->rule.delta;
    }
}

void rls_init(struct rls *r, const struct rls_rule *rule)
{
    assert(rule->inputs > 0 && rule->inputs <= RLS_MAX && rule->delta > 0);
    *r = (struct rls){.rule = *rule, .scale = 1};
    spread(r);
}

static bool finite_row(const double *x, int n)
{
    for (int i = 0; i < n; i++) {
        if (!isfinite(x[i]))
            return false;
    }
    return true;
}

static double dot(const double *a, const double *b, int n)
{
    double sum = 0;

    for (int i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

double rls_predict(const struct rls *r, const double *x)
{
    return finite_row(x, r->rule.inputs) ? dot(r->w, x, r->rule.inputs) : 0;
}

/* u = P x from the lower triangle. */
static void through(const struct rls *r, const double *x, double *u)
{
    const double *p = r->p;

    for (int i = 0; i < r->rule.inputs; i++) {
        double sum = 0;

        for (int j = 0; j < i; j++) {
            sum += p[j] * x[j];
            u[j] += p[j] * x[i];
        }
        u[i] = sum + p[i] * x[i];
        p += i + 1;
    }
}

static double huber(const struct rls *r, double error)
{
    double most = r->rule.clip * r->scale;

    if (r->rule.clip <= 0 || r->n <= CLIP_FROM || error <= most)
        return 1;
    return most / error;
}

static void learn_scale(struct rls *r, double error)
{
    double gain = fmax(1.0 / (double)r->n, SCALE_GAIN);

    if (r->n > CLIP_FROM)
        error = fmin(error, SCALE_CLIP * r->scale);
    r->scale = fmax(r->scale + gain * (error - r->scale), SCALE_MIN);
}

/* P = (P - k u') / lambda; returns the trace, 0 if P is no longer sound. */
static double shrink(struct rls *r, const double *k, const double *u)
{
    const double grow = 1 / r->rule.forgetting;
    double trace = 0;
    bool sound = true;
    double *p = r->p;

    for (int i = 0; i < r->rule.inputs; i++) {
        for (int j = 0; j <= i; j++)
            p[j] = (p[j] - k[i] * u[j]) * grow;
        sound = sound && p[i] > 0;
        trace += p[i];
        p += i + 1;
    }
    return sound && isfinite(trace) ? trace : 0;
}

static void bound(struct rls *r, double trace)
{
    const double most = TRACE_MAX * r->rule.delta * r->rule.inputs;

    if (trace <= 0) {
        spread(r);
        return;
    }
    if (trace <= most)
        return;
    for (int i = 0; i < r->rule.inputs * (r->rule.inputs + 1) / 2; i++)
        r->p[i] *= most / trace;
}

bool rls_learn(struct rls *r, const double *x, double y)
{
    const int n = r->rule.inputs;
    double u[RLS_MAX] = {0}, k[RLS_MAX], w[RLS_MAX];

    if (!finite_row(x, n) || !isfinite(y))
        return false;
    double error = y - dot(r->w, x, n);
    through(r, x, u);
    double spanned = dot(x, u, n), weight = huber(r, fabs(error));
    double gain = weight / (r->rule.forgetting + weight * spanned);
    for (int i = 0; i < n; i++) {
        k[i] = gain * u[i];
        w[i] = r->w[i] + k[i] * error;
    }
    if (!isfinite(spanned) || !finite_row(w, n) || !finite_row(k, n))
        return false;
    r->n++;
    learn_scale(r, fabs(error));
    if (spanned < 0) {
        spread(r);
        return true;
    }
    for (int i = 0; i < n; i++)
        r->w[i] = w[i];
    bound(r, shrink(r, k, u));
    return true;
}

#define BIG 1e300
#define RLS_FIELDS 4

/* What is saved of one with so many inputs. */
static struct pack_table fields_of(int inputs, struct pack_field fields[RLS_FIELDS])
{
    const uint32_t n = (uint32_t)inputs;

    fields[0] = (struct pack_field){offsetof(struct rls, n), 1, PACK_U64, 0, 1e18};
    fields[1] = (struct pack_field){offsetof(struct rls, scale), 1, PACK_F64, SCALE_MIN, BIG};
    fields[2] = (struct pack_field){offsetof(struct rls, w), n, PACK_F64, -BIG, BIG};
    fields[3] = (struct pack_field){offsetof(struct rls, p), n * (n + 1) / 2, PACK_F64, -BIG, BIG};
    return (struct pack_table){fields, RLS_FIELDS};
}

enum err rls_save(const struct rls *r, struct buf *out)
{
    struct pack_field fields[RLS_FIELDS];

    return pack_write(out, fields_of(r->rule.inputs, fields), r);
}

enum err rls_load(struct rls *r, struct reader *in)
{
    struct pack_field fields[RLS_FIELDS];
    struct rls got = {.rule = r->rule};

    pack_read(in, fields_of(r->rule.inputs, fields), &got);
    if (in->bad)
        return ERR_DAMAGED;
    for (int i = 0; i < r->rule.inputs; i++) {
        if (!(got.p[i * (i + 1) / 2 + i] > 0))
            return ERR_DAMAGED;
    }
    *r = got;
    return ERR_OK;
}
