/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Page-Hinkley's test (Page 1954) for a mean that has grown. With the running mean m of the
 * errors x, U += x - m - SLACK; an alarm when U is ALARM above its lowest value.
 *
 * 1. sum >= least.
 */
#include "models/drift.h"

#include <math.h>
#include <stddef.h>

#define SLACK 0.15 /* of the usual error: growth below this is of no interest */
#define ALARM 40.0
#define LARGEST 5.0 /* a single error counts for no more */
#define FIRST 60    /* errors before the mean is trusted */

bool drift_learn(struct drift *d, double error)
{
    double x = fmin(error, LARGEST);

    if (!(error >= 0))
        return false;
    d->n++;
    d->mean += (x - d->mean) / (double)d->n;
    if (d->n <= FIRST)
        return false;
    d->sum += x - d->mean - SLACK;
    d->least = fmin(d->least, d->sum);
    if (d->sum - d->least < ALARM)
        return false;
    *d = (struct drift){0};
    return true;
}

static const struct pack_field fields[] = {PACK(struct drift, n, PACK_U64, 0, 1e18),
                                           PACK(struct drift, mean, PACK_F64, 0, LARGEST),
                                           PACK(struct drift, sum, PACK_F64, -1e300, 1e300),
                                           PACK(struct drift, least, PACK_F64, -1e300, 0)};

const struct pack_table drift_table = {fields, countof(fields)};
