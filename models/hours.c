/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * 24 counters, each lending a tenth of itself to its neighbours, so that one invoice at a
 * quarter past closing time is no wonder. A small start value stands for what was not seen.
 */
#include "models/hours.h"

#include "engine/when.h"
#include "models/calc.h"

#define START 0.02
#define LENT 0.1

static const struct pack_field fields[] = {PACK(struct hours, weight, PACK_F64, 0, 1e12)};
const struct pack_table hours_table = {fields, countof(fields)};

void hours_init(struct hours *h)
{
    for (int i = 0; i < 24; i++)
        h->weight[i] = START;
}

int hours_of(int64_t local_ms)
{
    int64_t in_day = local_ms % WHEN_DAY;

    return (int)((in_day < 0 ? in_day + WHEN_DAY : in_day) / WHEN_HOUR);
}

static double smooth(const struct hours *h, int i)
{
    return h->weight[i] + LENT * (h->weight[(i + 23) % 24] + h->weight[(i + 1) % 24]);
}

double hours_surprise(const struct hours *h, int hour)
{
    double own = smooth(h, hour), rarer = 0, all = 0;

    for (int i = 0; i < 24; i++) {
        double s = smooth(h, i);
        all += s;
        if (s <= own + 1e-9)
            rarer += s;
    }
    return calc_surprise(rarer / all);
}

double hours_share(const struct hours *h, int hour)
{
    double all = 0;

    for (int i = 0; i < 24; i++)
        all += h->weight[i];
    return h->weight[hour] / all;
}

void hours_learn(struct hours *h, int hour, double weight)
{
    h->weight[hour] += weight;
}
