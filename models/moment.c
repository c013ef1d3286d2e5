/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Welford: mean += d / n, m2 += d (x - mean). At the cap, a count's worth is taken away from
 * the squares first, so that the new number weighs 1 / cap.
 */
#include "models/moment.h"

void moment_add(struct moment *m, double x, double cap)
{
    double n = (double)m->n, mean = (double)m->mean, m2 = (double)m->m2;

    if (cap <= 0)
        cap = 16777216;
    if (n >= cap) {
        m2 *= (cap - 1) / n;
        n = cap - 1;
    }
    n += 1;
    double d = x - mean;
    mean += d / n;
    m2 += d * (x - mean);
    *m = (struct moment){(float)n, (float)mean, (float)m2};
}

double moment_mean(const struct moment *m, double prior, double weight)
{
    return ((double)m->n * (double)m->mean + weight * prior) / ((double)m->n + weight);
}

double moment_variance(const struct moment *m, double prior, double weight)
{
    return ((double)m->m2 + weight * prior) / ((double)m->n + weight);
}
