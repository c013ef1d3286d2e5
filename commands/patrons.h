/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * patrons: who buys at the synthetic shop: customers with a home country and habits.
 * Like goods, nothing is stored: all follows from the customer's rank and the seed.
 */
#ifndef TILLSTREAM_COMMANDS_PATRONS_H
#define TILLSTREAM_COMMANDS_PATRONS_H

#include "commands/dice.h"
#include "engine/str.h"

#define PATRONS_MAX INT64_C(5000000)
#define PATRONS_COUNTRIES 38
#define PATRONS_UK 0

struct patrons {
    uint64_t seed;
    int64_t n;
    struct dice_zipf activity;
    int64_t step, offset;
};

void patrons_init(struct patrons *p, uint64_t seed, int64_t n); /* 1 <= n <= PATRONS_MAX */
int64_t patrons_pick(const struct patrons *p, struct dice *d);  /* a rank, 0 the busiest */
int64_t patrons_number(const struct patrons *p, int64_t rank);  /* CustomerID */
int patrons_country(const struct patrons *p, int64_t rank);     /* the home country */
/* A country anybody might be from, by the number of invoices it gets. */
int patrons_any_country(uint64_t roll);
struct str patrons_country_name(int country);
/* How big this customer's baskets are among all customers', 0 .. 65535. */
int64_t patrons_basket_level(const struct patrons *p, int64_t rank);
/* Quantities are this many times those of a household: 1, or more for a trader. */
int64_t patrons_bulk(const struct patrons *p, int64_t rank);

#endif
