/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The target is the square root of the value: errors of counts and sales are about even on it,
 * and squaring an estimate of its mean comes near the median of the value, which is what absolute
 * errors want. Recursive least squares gives the centre; where the values are seldom zero it is
 * averaged with Holt-Winters'. The prediction is the centre plus part of the median of
 * the latest errors: all of it where most values are zero.
 *
 *     centre = (1 - s) w'x + s holt      s = holt_part (1 - share of zeros)
 *
 * The weights start from nought with variance `delta` where values are about 1; errors are not, so
 * that the start waits for a few of them: P = delta / (mean absolute error)^2. A series of rare
 * great orders so gets the same benefit of the doubt as a steady one.
 *
 * 1. 0 <= lower <= predicted <= upper, all finite.
 */
#include "models/regress.h"

#include <math.h>
#include <stddef.h>

#define FEW 6           /* values before there are weights */
#define FIRST 12        /* values before the weights are trusted */
#define CENTRE_MAX 1e75 /* its square is finite */
#define VALUE_MAX 1e150

void regress_init(struct regress *r, const struct regress_rule *rule)
{
    const struct rls_rule rls = {rule->inputs, rule->forgetting, 1, rule->clip};

    *r = (struct regress){.begun = 0};
    rls_init(&r->rls, &rls);
    interval_init(&r->interval, rule->adapt);
}

static double bound(double z)
{
    return fmin(fmax(z, 0), CENTRE_MAX);
}

static double square(double z)
{
    return bound(z) * bound(z);
}

void regress_guess(const struct regress *r, const struct regress_rule *rule, const double *x,
                   const struct regress_place *at, struct regress_guess *out)
{
    const double naive = sqrt(fmin(fmax(at->naive, 0), VALUE_MAX));
    const double holt =
        rule->seasonal && r->holt.begun ? holt_predict(&r->holt, at->season) : naive;
    const double part =
        rule->seasonal ? rule->holt_part * (1 - interval_zeros(&r->interval, at->slot)) : 0;
    const double shift = fmin(rule->shift + interval_zeros(&r->interval, at->slot), 1);
    double centre = rls_predict(&r->rls, x);

    centre = r->rls.n < FIRST ? naive : (1 - part) * centre + part * holt;
    *out = (struct regress_guess){.centre = bound(centre), .at = *at};
    out->band = interval_at(&r->interval, at->slot, out->centre);
    out->band.middle = out->centre + shift * (out->band.middle - out->centre);
    out->band.middle = fmin(fmax(out->band.middle, out->band.low), out->band.high);
    out->predicted = square(out->band.middle);
    out->lower = square(out->band.low);
    out->upper = square(out->band.high);
    out->naive = naive * naive;
    out->holt = square(holt);
}

static void count(struct regress_score *s, const struct regress_guess *g, double value)
{
    double outside = fmax(g->lower - value, 0) + fmax(value - g->upper, 0);

    s->n++;
    s->covered += outside <= 0;
    s->error += fabs(value - g->predicted);
    s->naive_error += fabs(value - g->naive);
    s->holt_error += fabs(value - g->holt);
    s->winkler += g->upper - g->lower + 20 * outside;
}

bool regress_learn(struct regress *r, const struct regress_rule *rule, const double *x,
                   const struct regress_guess *guess, double value, bool counted)
{
    const double v = fmin(fmax(value, 0), VALUE_MAX), z = sqrt(v);
    const double usual = interval_scale(&r->interval, guess->at.slot);
    bool drifted = false;

    if (!isfinite(value))
        return false;
    if (counted)
        count(&r->score, guess, v);
    if (usual > 0 && r->rls.n >= FIRST)
        drifted = drift_learn(&r->drift, fabs(z - guess->band.middle) / usual);
    interval_learn(&r->interval, guess->at.slot, guess->centre, guess->band, z);
    if (rule->seasonal)
        holt_learn(&r->holt, &rule->holt, guess->at.season, z);
    if (!r->begun && usual > 0 && r->interval.n >= FEW) {
        const struct rls_rule rls = {rule->inputs, rule->forgetting, rule->delta / (usual * usual),
                                     rule->clip};
        rls_init(&r->rls, &rls);
        r->begun = 1;
    }
    if (r->begun)
        (void)rls_learn(&r->rls, x, z);
    return drifted;
}

static const struct pack_field fields[] = {
    PACK(struct regress, begun, PACK_U8, 0, 1),
    PACK(struct regress, rls.rule.delta, PACK_F64, 1e-300, 1e300),
    PACK(struct regress, score.n, PACK_U64, 0, 1e18),
    PACK(struct regress, score.covered, PACK_U64, 0, 1e18),
    PACK(struct regress, score.error, PACK_F64, 0, 1e300),
    PACK(struct regress, score.naive_error, PACK_F64, 0, 1e300),
    PACK(struct regress, score.holt_error, PACK_F64, 0, 1e300),
    PACK(struct regress, score.winkler, PACK_F64, 0, 1e300)};

enum err regress_save(const struct regress *r, struct buf *out)
{
    enum err e = pack_write(out, PACK_TABLE(fields), r);

    if (!e)
        e = rls_save(&r->rls, out);
    if (!e)
        e = pack_write(out, holt_table, &r->holt);
    if (!e)
        e = interval_save(&r->interval, out);
    return e ? e : pack_write(out, drift_table, &r->drift);
}

enum err regress_load(struct regress *r, struct reader *in)
{
    enum err e;

    pack_read(in, PACK_TABLE(fields), r);
    e = in->bad ? ERR_DAMAGED : rls_load(&r->rls, in);
    if (!e)
        pack_read(in, holt_table, &r->holt);
    if (!e)
        e = interval_load(&r->interval, in);
    if (!e)
        pack_read(in, drift_table, &r->drift);
    return !e && in->bad ? ERR_DAMAGED : e;
}
