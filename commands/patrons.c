/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * patrons: who buys at the synthetic shop. Activity is heavy-tailed (a bent Zipf law over
 * ranks: the busiest customer makes about 2 % of the invoices); ranks are spread over the
 * customer numbers by a one-to-one mapping, so that a number says nothing about activity.
 * Countries and how often they occur are the UCI shop's.
 */
#include "commands/patrons.h"

#include "commands/goods.h"

#define FIRST_NUMBER 12346
#define HOME_RANKS 8   /* the busiest are British, or one of them would decide a country's total */
#define ENVOYS_FROM 20 /* rank 20 + 23 k is from country k, so that no country is missing */
#define ENVOYS_EVERY 23
#define REGULARS 5 /* one visit in five is by anybody at all, so that few customers never come */

enum purpose { PURPOSE_OFFSET = 101, PURPOSE_COUNTRY, PURPOSE_BASKET, PURPOSE_BULK };

static const struct {
    const char *name;
    int64_t weight;
} countries[PATRONS_COUNTRIES] = {
    {"United Kingdom", 23494},
    {"Germany", 603},
    {"France", 461},
    {"EIRE", 360},
    {"Belgium", 119},
    {"Spain", 105},
    {"Netherlands", 101},
    {"Switzerland", 74},
    {"Portugal", 71},
    {"Australia", 69},
    {"Italy", 55},
    {"Finland", 48},
    {"Sweden", 46},
    {"Norway", 40},
    {"Channel Islands", 33},
    {"Japan", 28},
    {"Poland", 24},
    {"Denmark", 21},
    {"Cyprus", 20},
    {"Austria", 19},
    {"Hong Kong", 15},
    {"Unspecified", 13},
    {"Singapore", 10},
    {"Malta", 10},
    {"Israel", 9},
    {"Iceland", 7},
    {"USA", 7},
    {"Greece", 6},
    {"Canada", 6},
    {"Czech Republic", 5},
    {"European Community", 5},
    {"Lithuania", 4},
    {"Bahrain", 4},
    {"United Arab Emirates", 3},
    {"Saudi Arabia", 2},
    {"Lebanon", 1},
    {"Brazil", 1},
    {"RSA", 1},
};
#define WEIGHTS 25900 /* their sum */

static uint64_t trait(const struct patrons *p, int64_t rank, enum purpose purpose)
{
    return dice_hash(p->seed + (uint64_t)purpose, (uint64_t)rank);
}

void patrons_init(struct patrons *p, uint64_t seed, int64_t n)
{
    int64_t shift = n / 550;

    *p = (struct patrons){.seed = seed, .n = n};
    p->activity = dice_zipf_of(n, shift ? shift : 1);
    p->step = goods_step(seed + PURPOSE_OFFSET, n);
    p->offset = dice_scale(dice_hash(seed, PURPOSE_OFFSET), n);
}

int64_t patrons_pick(const struct patrons *p, struct dice *d)
{
    return dice_below(d, REGULARS) ? dice_zipf_roll(&p->activity, d) : dice_below(d, p->n);
}

int64_t patrons_number(const struct patrons *p, int64_t rank)
{
    return FIRST_NUMBER + (rank * p->step + p->offset) % p->n;
}

int patrons_any_country(uint64_t roll)
{
    int64_t left = dice_scale(roll, WEIGHTS);
    int country = 0;

    while (left >= countries[country].weight)
        left -= countries[country++].weight;
    return country;
}

int patrons_country(const struct patrons *p, int64_t rank)
{
    int64_t envoy = (rank - ENVOYS_FROM) / ENVOYS_EVERY;

    if (rank < HOME_RANKS)
        return PATRONS_UK;
    if (rank == ENVOYS_FROM + envoy * ENVOYS_EVERY && envoy < PATRONS_COUNTRIES)
        return (int)envoy;
    return patrons_any_country(trait(p, rank, PURPOSE_COUNTRY));
}

struct str patrons_country_name(int country)
{
    return str_of(countries[country].name);
}

int64_t patrons_basket_level(const struct patrons *p, int64_t rank)
{
    return dice_scale(trait(p, rank, PURPOSE_BASKET), 65536);
}

int64_t patrons_bulk(const struct patrons *p, int64_t rank)
{
    uint64_t h = trait(p, rank, PURPOSE_BULK);

    return h % 24 ? 1 : 2 + dice_scale(h, 7);
}
