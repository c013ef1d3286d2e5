/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A band that keeps 90 %: the centre plus the 5 % and 95 % quantiles of the last 300 errors
 * (split conformal prediction over a window), each error divided by the usual size of errors in
 * its slot, and the shares aimed at moved after each value (adaptive conformal inference, Gibbs
 * and Candes 2021), one for each side:
 *
 *     share += adapt (0.05 - missed), held within [0.004, 0.15]
 *
 * so that bands stay finite. The size of errors in a slot is shrunk to that of all slots and
 * never below a fraction of it: a slot that happened to be exact has no band of width nought.
 * Where more than one value in twenty is zero, zero belongs to the band.
 *
 * 1. sorted[0 .. n) is error[0 .. n) in order; n <= INTERVAL_WINDOW.
 * 2. low <= middle <= high; 0 <= low.
 */
#include "models/interval.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>

#define SIDE 0.05
#define SIDE_MIN 0.004
#define SIDE_MAX 0.15
#define ENOUGH 20  /* errors before quantiles are trusted */
#define POOL 100.0 /* values of all slots that count in one */
#define FLOOR 0.3
#define FADE 0.995
#define LARGEST 6.0 /* an error counts for at most so many usual ones in the scale of all */
#define ZEROS_GAIN 0.05
#define BIG 1e150

void interval_init(struct interval *v, double adapt)
{
    *v = (struct interval){.adapt = adapt, .miss = {SIDE, SIDE}};
}

double interval_scale(const struct interval *v, int slot)
{
    double all = v->weight > 0 ? v->sum / v->weight : 0;
    double own = (v->slot_sum[slot] + POOL * all) / (v->slot_weight[slot] + POOL);

    return fmax(own, FLOOR * all);
}

double interval_zeros(const struct interval *v, int slot)
{
    return v->zeros[slot];
}

/* The p quantile of the errors kept, between neighbours. */
static double quantile(const struct interval *v, double p)
{
    double at = p * (double)(v->n + 1) - 1;
    uint32_t i = (uint32_t)fmax(at, 0);

    if (at <= 0)
        return v->sorted[0];
    if (i + 1 >= v->n)
        return v->sorted[v->n - 1];
    return v->sorted[i] + (at - (double)i) * (v->sorted[i + 1] - v->sorted[i]);
}

struct interval_band interval_at(const struct interval *v, int slot, double centre)
{
    double scale = interval_scale(v, slot), wide = fmax(fabs(centre), 4 * scale);
    struct interval_band b = {centre - wide, centre, centre + wide};

    if (v->n >= ENOUGH) {
        b.low = centre + scale * quantile(v, v->miss[0]);
        b.high = centre + scale * quantile(v, 1 - v->miss[1]);
        b.middle = centre + scale * quantile(v, 0.5);
    }
    if (v->seen[slot] && v->zeros[slot] > SIDE)
        b.low = 0;
    b.low = fmax(b.low, 0);
    b.middle = fmax(b.middle, b.low);
    b.high = fmax(b.high, b.middle);
    return b;
}

/* Index of the first of n sorted numbers that is not below x. */
static uint32_t place(const double *sorted, uint32_t n, double x)
{
    uint32_t low = 0;

    while (low < n) {
        uint32_t middle = low + (n - low) / 2;
        if (sorted[middle] < x)
            low = middle + 1;
        else
            n = middle;
    }
    return low;
}

static void keep(struct interval *v, double error)
{
    uint32_t at;

    if (v->n == INTERVAL_WINDOW) {
        at = place(v->sorted, v->n, v->error[v->at]);
        v->n--;
        memmove(&v->sorted[at], &v->sorted[at + 1], (v->n - at) * sizeof(double));
    }
    at = place(v->sorted, v->n, error);
    memmove(&v->sorted[at + 1], &v->sorted[at], (v->n - at) * sizeof(double));
    v->sorted[at] = error;
    v->n++;
    v->error[v->at] = error;
    v->at = (v->at + 1) % INTERVAL_WINDOW;
}

static void aim(double *share, double adapt, bool missed)
{
    *share = fmin(fmax(*share + adapt * (SIDE - (missed ? 1 : 0)), SIDE_MIN), SIDE_MAX);
}

static void learn_scale(struct interval *v, int slot, double error)
{
    double all = v->weight > 0 ? v->sum / v->weight : error;
    double most = v->weight >= ENOUGH / 2.0 ? LARGEST * all : error;

    v->sum = v->sum * FADE + fmin(error, most);
    v->weight = v->weight * FADE + 1;
    v->slot_sum[slot] = v->slot_sum[slot] * FADE + error;
    v->slot_weight[slot] = v->slot_weight[slot] * FADE + 1;
}

void interval_learn(struct interval *v, int slot, double centre, struct interval_band band,
                    double value)
{
    double error = value - centre, scale = interval_scale(v, slot);

    if (!(fabs(error) < BIG))
        return;
    aim(&v->miss[0], v->adapt, value < band.low);
    aim(&v->miss[1], v->adapt, value > band.high);
    if (scale > 0)
        keep(v, fmin(fmax(error / scale, -BIG), BIG) + 0.0); /* of the two zeros, one */
    learn_scale(v, slot, fabs(error));
    v->seen[slot]++;
    v->zeros[slot] +=
        ((value <= 0 ? 1 : 0) - v->zeros[slot]) * fmax(ZEROS_GAIN, 1.0 / (double)v->seen[slot]);
}

/* The sorted copy is made anew; only errors in use are saved. */
static const struct pack_field counts[] = {
    PACK(struct interval, n, PACK_U32, 0, INTERVAL_WINDOW),
    PACK(struct interval, at, PACK_U32, 0, INTERVAL_WINDOW - 1)};
static const struct pack_field rest[] = {PACK(struct interval, miss, PACK_F64, SIDE_MIN, SIDE_MAX),
                                         PACK(struct interval, sum, PACK_F64, 0, 1e300),
                                         PACK(struct interval, weight, PACK_F64, 0, 1e3),
                                         PACK(struct interval, slot_sum, PACK_F64, 0, 1e300),
                                         PACK(struct interval, slot_weight, PACK_F64, 0, 1e3),
                                         PACK(struct interval, zeros, PACK_F64, 0, 1),
                                         PACK(struct interval, seen, PACK_U64, 0, 1e18)};

static struct pack_field errors_of(uint32_t n)
{
    return (struct pack_field){offsetof(struct interval, error), n, PACK_F64, -BIG, BIG};
}

enum err interval_save(const struct interval *v, struct buf *out)
{
    const struct pack_field errors = errors_of(v->n);
    enum err e = pack_write(out, PACK_TABLE(counts), v);

    if (!e)
        e = pack_write(out, (struct pack_table){&errors, 1}, v);
    if (!e)
        e = pack_write(out, PACK_TABLE(rest), v);
    return e;
}

static int by_size(const void *a, const void *b)
{
    const double *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

enum err interval_load(struct interval *v, struct reader *in)
{
    struct interval got = {.adapt = v->adapt};

    pack_read(in, PACK_TABLE(counts), &got);
    if (in->bad || (got.n < INTERVAL_WINDOW && got.at != got.n))
        return ERR_DAMAGED;
    const struct pack_field errors = errors_of(got.n);
    pack_read(in, (struct pack_table){&errors, 1}, &got);
    pack_read(in, PACK_TABLE(rest), &got);
    if (in->bad)
        return ERR_DAMAGED;
    memcpy(got.sorted, got.error, got.n * sizeof(double));
    qsort(got.sorted, got.n, sizeof(double), by_size);
    *v = got;
    return ERR_OK;
}
