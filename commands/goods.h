/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * goods: what the synthetic shop sells: codes, descriptions, prices.
 *
 * Nothing is stored: a code's name and price follow from its number and the seed, so a
 * shop of four million codes needs no more memory than one of ten.
 */
#ifndef TILLSTREAM_COMMANDS_GOODS_H
#define TILLSTREAM_COMMANDS_GOODS_H

#include "commands/dice.h"
#include "engine/str.h"

#define GOODS_CODE_MAX 24
#define GOODS_NAME_MAX 96
#define GOODS_MAX INT64_C(5000000)

struct goods {
    uint64_t seed;
    int64_t n;
    struct dice_zipf popularity;
    int64_t step, offset; /* rank -> number: (rank * step + offset) mod n, one to one */
};

/* Lines that are no merchandise. */
enum goods_special {
    GOODS_POSTAGE,
    GOODS_DOTCOM,
    GOODS_MANUAL,
    GOODS_DISCOUNT,
    GOODS_BANK,
    GOODS_CARRIAGE,
    GOODS_DEBT,
    GOODS_VOUCHER,
};

/* The mapping rank -> number used above, for anything that is popular by rank. */
int64_t goods_step(uint64_t seed, int64_t n);

void goods_init(struct goods *g, uint64_t seed, int64_t n); /* 1 <= n <= GOODS_MAX */
int64_t goods_pick(const struct goods *g, struct dice *d);  /* a number, popular ones often */
/* Writes at most GOODS_CODE_MAX or GOODS_NAME_MAX bytes (no NUL); the view is of `out`. */
struct str goods_code(const struct goods *g, int64_t number, char *out);
struct str goods_name(const struct goods *g, int64_t number, char *out);
/* The wholesale list price on a day, in thousandths of a pound; a whole number of pence. */
int64_t goods_price(const struct goods *g, int64_t number, int64_t day);
/* How many are bought at once by somebody who buys small amounts, by the price. */
int64_t goods_quantity(int64_t price_milli, struct dice *d);

struct str goods_special_code(enum goods_special s);
struct str goods_special_name(enum goods_special s);

#endif
