/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * recipe: an invoice of the synthetic shop before its lines are written down.
 *
 * A recipe is a few numbers from which any line can be made again at any time. That is how
 * a return names exactly what was sold, and a duplicate repeats it, without a store of
 * past lines.
 */
#ifndef TILLSTREAM_COMMANDS_RECIPE_H
#define TILLSTREAM_COMMANDS_RECIPE_H

#include "commands/goods.h"
#include "commands/patrons.h"

#include <stdbool.h>

enum recipe_kind {
    RECIPE_SALE,   /* to a customer with a number */
    RECIPE_BASKET, /* to somebody without: retail prices, small quantities */
    RECIPE_STOCK,  /* the stock is put right: one line at price 0 */
    RECIPE_CREDIT, /* C: lines of an earlier sale taken back */
    RECIPE_DEBT,   /* A: bad debt written off or on */
};

/* What can be wrong with an invoice, for those who practise finding it. */
enum recipe_oddity {
    RECIPE_ORDINARY,
    RECIPE_NIGHT,     /* at an hour when the shop never trades */
    RECIPE_PRICE_X10, /* one line's price, a decimal point slipped */
    RECIPE_PRICE_X100,
    RECIPE_PRICE_DIV100,
    RECIPE_PRICE_ZERO,
    RECIPE_QTY_X100,     /* one line's quantity */
    RECIPE_NEW_COUNTRY,  /* a customer from a country never seen for him */
    RECIPE_DUP_BURST,    /* the same invoice again within minutes */
    RECIPE_DUP_REPLAY,   /* the same lines several times within an invoice */
    RECIPE_BIG_BASKET,   /* far more lines than this customer's usual */
    RECIPE_CARD_TESTING, /* many tiny invoices of one customer within minutes */
    RECIPE_ODDITIES
};

struct recipe {
    enum recipe_kind kind;
    enum recipe_oddity oddity;
    int country;
    int64_t rank;   /* the customer's; -1: none */
    uint64_t seed;  /* of the lines: a credit's is that of its sale */
    int64_t day;    /* whose prices hold: a credit's is that of its sale */
    int sale_lines; /* lines of the sale */
    int skip;       /* lines of the sale before the first of these */
    int lines;
};

/* One line; the texts are borrowed from `room` or are constants. */
struct recipe_line {
    struct str code, name, country;
    int64_t customer; /* 0: none */
    int64_t quantity;
    int64_t price_milli;
    char room[GOODS_CODE_MAX + GOODS_NAME_MAX];
};

/* "price_x10": the name in label files. */
const char *recipe_oddity_name(enum recipe_oddity o);

/* An ordinary sale to a customer; how many lines is drawn here, the lines are not. */
struct recipe recipe_sale(const struct patrons *p, int64_t rank, int64_t day, uint64_t seed);
/* Any of RECIPE_BASKET, RECIPE_STOCK and RECIPE_DEBT. */
struct recipe recipe_nameless(enum recipe_kind kind, int64_t day, uint64_t seed);
/* Takes back some lines of a sale, and remembers in the sale that it did. False, and
 * nothing done, when the sale has none left. */
bool recipe_credit(struct recipe *sale, uint64_t roll, struct recipe *credit);
/* How many lines a customer's baskets usually have. */
int recipe_usual_lines(const struct patrons *p, int64_t rank);

/* Writes line i, 0 <= i < r->lines. */
void recipe_line(const struct recipe *r, int i, const struct goods *g, const struct patrons *p,
                 struct recipe_line *out);

#endif
