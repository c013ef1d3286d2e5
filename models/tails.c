/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A histogram of ln(1 + x) gives the body of the distribution. Above it a Pareto tail: its
 * slope comes from the stretch between the upper 5 % and the upper 0.4 %, so that up to 0.4 %
 * of anomalies among the values seen cannot flatten it (a trimmed form of Hill's estimator,
 * Annals of Statistics 3, 1975, from two quantiles), with a weak prior of 0.25.
 *
 *   slope = ((ln x_high - ln x_low) points + 0.25 * 8) / (points + 8) / ln(p_low / p_high)
 *
 * Invariants:
 *  (1) n is the sum of all counts; positive counts those with x > 0.
 *  (2) no bin above `top` holds anything.
 *  (3) counts are halved together before they reach what a float can count.
 */
#include "models/tails.h"

#include "models/calc.h"

#define PRIOR_SLOPE 0.25
#define PRIOR_POINTS 8.0
#define COUNT_MAX 4194304.0
#define MIX 2000.0

static const struct pack_field fields[] = {
    PACK(struct tail, count, PACK_F32, 0, 1e8),
    PACK(struct tail, n, PACK_F64, 0, 1e9),
    PACK(struct tail, positive, PACK_F64, 0, 1e9),
    PACK(struct tail, largest, PACK_F64, 0, 1e300),
    PACK(struct tail, fit_at, PACK_F64, 0, 1e10),
    PACK(struct tail, from_p, PACK_F64, 0, 1),
    PACK(struct tail, slope, PACK_F64, 0, 2),
    PACK(struct tail, from, PACK_I64, -1, TAIL_BINS - 1),
    PACK(struct tail, top, PACK_I64, 0, TAIL_BINS - 1),
};
const struct pack_table tails_one_table = {fields, countof(fields)};

void tails_one_init(struct tail *t)
{
    *t = (struct tail){.from = -1};
}

static int bin_of(double y)
{
    return y < TAIL_BINS - 1 ? (int)y : TAIL_BINS - 1;
}

static double place_of(double x, double bins)
{
    return x > 0 ? calc_ln(1 + x) * bins : 0;
}

/* The largest bin at and above which at least `wanted` values lie; *above counts them. */
static int bin_above(const struct tail *t, double wanted, double *above)
{
    double sum = 0;
    int b = (int)t->top + 1;

    while (b > 0 && sum < wanted)
        sum += (double)t->count[--b];
    *above = sum;
    return b;
}

static void fit(struct tail *t, const struct tail_rule *r)
{
    double low_p = r->low, high_p = r->trim, above_high, above_low, points;

    t->from = -1;
    if (t->positive < 60)
        return;
    if (low_p > 0.5 * t->positive / t->n)
        low_p = 0.5 * t->positive / t->n;
    if (high_p < 4 / t->n)
        high_p = 4 / t->n;
    if (high_p > low_p / 4)
        high_p = low_p / 4;
    int high = bin_above(t, high_p * t->n, &above_high);
    int low = bin_above(t, low_p * t->n, &above_low);
    if (high < 1) {
        high = 1;
        above_high = t->n - (double)t->count[0];
    }
    if (low >= high) {
        low = high - 1;
        above_low = above_high + (double)t->count[low];
    }
    t->from_p = (above_high + 0.5) / (t->n + 1);
    points = above_low - above_high;
    double drop = calc_ln((above_low + 0.5) / (above_high + 0.5));
    double slope = (high - low) / r->bins / (drop > 0.3 ? drop : 0.3);
    slope = (slope * points + PRIOR_SLOPE * PRIOR_POINTS) / (points + PRIOR_POINTS);
    t->slope = slope < 0.06 ? 0.06 : slope < 1.5 ? slope : 1.5;
    t->from = high;
}

static double body_p(const struct tail *t, int bin)
{
    double above = 0;

    for (int b = (int)t->top; b > bin; b--)
        above += (double)t->count[b];
    return (above + 0.5 * (double)t->count[bin] + 0.5) / (t->n + 1);
}

double tails_one_p(struct tail *t, double x, const struct tail_rule *r)
{
    double bins = r->bins, y = place_of(x, bins), p;
    int b = bin_of(y);

    if (!(x > 0) || t->n < 20)
        return 1;
    if (t->n >= t->fit_at) {
        fit(t, r);
        t->fit_at = t->n + (t->n > 1000 ? t->n / 50 : 20);
    }
    if (t->from >= 0 && b > t->from) {
        p = t->from_p * calc_exp(-(y - (double)t->from) / bins / t->slope);
    } else {
        p = body_p(t, b);
        if (t->from < 0 && x > t->largest)
            p = 0.5 / (t->n + 1) * calc_exp(-(y - place_of(t->largest, bins)) / bins / 0.4);
    }
    return p < 1e-12 ? 1e-12 : p < 1 ? p : 1;
}

void tails_one_add(struct tail *t, double x, const struct tail_rule *r)
{
    if (t->n >= COUNT_MAX) {
        for (int b = 0; b < TAIL_BINS; b++)
            t->count[b] *= 0.5F;
        t->n *= 0.5;
        t->positive *= 0.5;
        t->fit_at = 0;
    }
    t->n += 1;
    if (x > 0)
        t->positive += 1;
    if (x > t->largest)
        t->largest = x;
    int b = bin_of(place_of(x, r->bins));
    t->count[b] += 1;
    if (b > t->top)
        t->top = b;
}

double tails_one_quantile(const struct tail *t, double p, const struct tail_rule *r)
{
    double above;
    int b = bin_above(t, p * t->n, &above);
    double in = (double)t->count[b < TAIL_BINS ? b : TAIL_BINS - 1];
    double part = in > 0 ? (above - p * t->n) / in : 0;

    return calc_exp((b + part) / r->bins) - 1;
}

void tails_init(struct tails *t)
{
    for (int i = 0; i < TAIL_CLASSES; i++)
        tails_one_init(&t->class[i]);
    tails_one_init(&t->all);
}

void tails_add(struct tails *t, int class, double x, const struct tail_rule *r)
{
    tails_one_add(&t->class[class], x, r);
    tails_one_add(&t->all, x, r);
}

double tails_surprise(struct tails *t, int class, double x, const struct tail_rule *r)
{
    double weight = t->class[class].n / (t->class[class].n + MIX);

    if (!(x > 0))
        return 0;
    return weight * calc_surprise(tails_one_p(&t->class[class], x, r)) +
           (1 - weight) * calc_surprise(tails_one_p(&t->all, x, r));
}
