/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Scores go into a tail histogram as they are (a score is a logarithm already), ten bins to
 * one. While few are known, the threshold leans on a high one, so that the first day does not
 * flag everything.
 */
#include "models/alert.h"

#include "engine/when.h"
#include "models/calc.h"

#define FIRST_THRESHOLD 4.5
#define FIRST_WEIGHT 500.0
#define DAY_RATE 0.1

static const struct tail_rule rule = {.bins = 10, .trim = 0.004, .low = 0.05};
static const struct pack_field fields[] = {
    PACK(struct alert, day, PACK_I64, -1e9, 1e9),
    PACK(struct alert, today, PACK_F64, 0, 1e15),
    PACK(struct alert, usual, PACK_F64, 0, 1e15),
};
const struct pack_table alert_table = {fields, countof(fields)};

void alert_init(struct alert *a)
{
    *a = (struct alert){.usual = 0};
    tails_one_init(&a->scores);
}

void alert_learn(struct alert *a, double score, int64_t local_ms)
{
    int64_t day = local_ms / WHEN_DAY - (local_ms % WHEN_DAY < 0);

    if (day != a->day && a->today > 0) {
        a->usual += (a->usual > 0 ? DAY_RATE : 1) * (a->today - a->usual);
        a->today = 0;
    }
    a->day = day;
    a->today += 1;
    tails_one_add(&a->scores, calc_exp(score) - 1, &rule);
}

double alert_p(struct alert *a, double score)
{
    return tails_one_p(&a->scores, calc_exp(score) - 1, &rule);
}

double alert_threshold(const struct alert *a, double rate, double per_day)
{
    double n = a->scores.n;

    if (per_day > 0)
        rate = per_day / (a->usual > 0 ? a->usual : a->today > 1 ? a->today : 1);
    if (rate > 0.5)
        rate = 0.5;
    double quantile = n > 0 ? calc_ln(1 + tails_one_quantile(&a->scores, rate, &rule)) : 0;
    double weight = FIRST_WEIGHT * FIRST_WEIGHT / (n + FIRST_WEIGHT);
    return (n * quantile + weight * FIRST_THRESHOLD) / (n + weight);
}
