/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Holt-Winters with an additive season (Holt 1957, Winters 1960), a step per value seen:
 *
 *     level'  = a (z - season) + (1 - a) (level + trend)
 *     trend'  = b (level' - level) + (1 - b) d trend
 *     season' = c (z - level') + (1 - c) season
 *
 * A slot that is seen for the first time says nothing of the level and takes what is left over.
 *
 * 1. All state is finite.
 */
#include "models/holt.h"

#include <math.h>
#include <stddef.h>

#define BIG 1e150

static double bound(double v)
{
    return fmin(fmax(v, -BIG), BIG);
}

double holt_predict(const struct holt *h, int slot)
{
    return h->begun ? h->level + h->trend + h->season[slot] : 0;
}

void holt_learn(struct holt *h, const struct holt_rule *rule, int slot, double value)
{
    const double was = h->level, z = bound(value);
    double season;

    if (!isfinite(value))
        return;
    if (!h->begun) {
        h->level = z;
        h->begun = 1;
        return;
    }
    season = h->known[slot] ? h->season[slot] : z - h->level;
    h->level = bound(rule->level * (z - season) + (1 - rule->level) * (h->level + h->trend));
    h->trend = bound(rule->trend * (h->level - was) + (1 - rule->trend) * rule->damp * h->trend);
    if (h->known[slot])
        season = rule->season * (z - h->level) + (1 - rule->season) * season;
    else
        season = z - h->level;
    h->season[slot] = bound(season);
    h->known[slot] = 1;
}

static const struct pack_field fields[] = {
    PACK(struct holt, level, PACK_F64, -BIG, BIG), PACK(struct holt, trend, PACK_F64, -BIG, BIG),
    PACK(struct holt, begun, PACK_U8, 0, 1), PACK(struct holt, known, PACK_U8, 0, 1),
    PACK(struct holt, season, PACK_F64, -BIG, BIG)};

const struct pack_table holt_table = {fields, countof(fields)};
