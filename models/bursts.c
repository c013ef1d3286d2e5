/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The share of sales with k others around, shrunk to a prior that falls by a factor:
 *
 *   p(k) = (at_least[k] + 20 one factor^(k - 1)) / (sales + 20)
 */
#include "models/bursts.h"

#include "models/calc.h"

#define PRIOR_SALES 20.0

static const struct pack_field fields[] = {
    PACK(struct bursts, one, PACK_F64, 0, 1),
    PACK(struct bursts, factor, PACK_F64, 0, 1),
    PACK(struct bursts, sales, PACK_F64, 0, 1e15),
    PACK(struct bursts, at_least, PACK_F64, 0, 1e15),
};
const struct pack_table bursts_table = {fields, countof(fields)};

void bursts_init(struct bursts *b, double one, double factor)
{
    *b = (struct bursts){.one = one, .factor = factor, .sales = 1};
}

double bursts_share(const struct bursts *b, int further)
{
    double prior = b->one;

    if (further <= 0)
        return 1;
    if (further > BURSTS_MAX)
        further = BURSTS_MAX;
    for (int k = 1; k < further; k++)
        prior *= b->factor;
    return (b->at_least[further] + PRIOR_SALES * prior) / (b->sales + PRIOR_SALES);
}

double bursts_surprise(const struct bursts *b, int further, double usual)
{
    double s = calc_surprise(bursts_share(b, further));

    return further <= usual ? s * 0.5 : s;
}

void bursts_learn(struct bursts *b, int further, double weight)
{
    for (int k = 1; k <= further && k <= BURSTS_MAX; k++)
        b->at_least[k] += weight;
    b->sales += 1;
}
