/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * prices: what a stock code costs: its prices to named and to unnamed customers, and how
 * far from them a price is.
 */
#ifndef TILLSTREAM_MODELS_PRICES_H
#define TILLSTREAM_MODELS_PRICES_H

#include "models/pack.h"

#define PRICES_LEVELS 12

/* Of one code in one channel: the different prices it had. */
struct prices {
    float level[PRICES_LEVELS];    /* ln of a price */
    float standing[PRICES_LEVELS]; /* how often and how lately it was asked */
    float jump;                    /* mean distance of a new price to the nearest known */
    float fresh;                   /* the share of prices that were not known yet */
    float count;                   /* prices learned, ever */
    uint8_t levels;
};

struct price_margin {
    double x;     /* distance in units of what is usual for the code; 0: none, or no prices */
    double ratio; /* ln of price / usual price: the sign says up or down */
    double usual; /* the price of the highest standing, in money */
    double n;     /* prices learned */
};

/* `own` and `other` channel of the code; either may be empty. */
struct price_margin prices_margin(const struct prices *own, const struct prices *other,
                                  double ln_price);
void prices_learn(struct prices *p, double ln_price);
/* ln of the price of the highest standing; 0 without any. */
double prices_usual(const struct prices *p);

#define PRICES_FIELDS(type, member)                                                                \
    PACK(type, member.level, PACK_F32, -1e3, 1e3),                                                 \
        PACK(type, member.standing, PACK_F32, -1e9, 1e9),                                          \
        PACK(type, member.jump, PACK_F32, 0, 1e3), PACK(type, member.fresh, PACK_F32, 0, 1),       \
        PACK(type, member.count, PACK_F32, 0, 1e9),                                                \
        PACK(type, member.levels, PACK_U8, 0, PRICES_LEVELS)

#endif
