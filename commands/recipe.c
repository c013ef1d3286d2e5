/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * recipe: the lines of the synthetic shop's invoices.
 *
 * How many lines an invoice has comes from the UCI shop: a table of 32 quantiles, straight
 * lines between them and a steep curve in the last one. A customer's level among those
 * quantiles mostly stays his own, so that "far more than usual" means something.
 *
 * 1. Line i depends on (recipe, i) alone: no order of calls changes it.
 * 2. A credit takes back codes and prices of lines sold, never more than was sold, no
 *    line twice, and never the last line of the sale, which may be postage.
 */
#include "commands/recipe.h"

#include "engine/err.h"

#define TWICE                                                                                      \
    UINT64_C(0x7477696365) /* names the hash that decides whether an item is scanned twice */
#define RETAIL 196         /* retail price in per cent of the list price */
#define MANY 48            /* from this quantity on a unit costs 15 % less */

static const int16_t sale_lines[33] = {1,  1,  1,  2,  3,  4,  5,  6,  6,  7,  8,
                                       9,  11, 12, 13, 14, 15, 16, 17, 19, 20, 21,
                                       23, 25, 28, 30, 33, 37, 42, 49, 59, 77, 542};
static const int16_t basket_lines[33] = {2,   2,   2,   3,   3,   4,   6,   8,   10,  14,  18,
                                         23,  30,  36,  41,  46,  50,  55,  62,  71,  79,  107,
                                         137, 152, 168, 182, 195, 216, 241, 287, 388, 520, 1114};
static const int16_t credit_lines[33] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,  1,
                                         1, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 4, 5, 6, 9, 101};

static const char *const stock_remarks[] = {
    "", "", "check", "damages", "?", "found", "lost, or sold as \"sets\"", "wet/rusty"};

static const char *const oddity_names[RECIPE_ODDITIES] = {
    [RECIPE_ORDINARY] = "ordinary",         [RECIPE_NIGHT] = "night",
    [RECIPE_PRICE_X10] = "price_x10",       [RECIPE_PRICE_X100] = "price_x100",
    [RECIPE_PRICE_DIV100] = "price_div100", [RECIPE_PRICE_ZERO] = "price_zero",
    [RECIPE_QTY_X100] = "qty_x100",         [RECIPE_NEW_COUNTRY] = "new_country",
    [RECIPE_DUP_BURST] = "dup_burst",       [RECIPE_DUP_REPLAY] = "dup_replay",
    [RECIPE_BIG_BASKET] = "big_basket",     [RECIPE_CARD_TESTING] = "card_testing",
};

const char *recipe_oddity_name(enum recipe_oddity o)
{
    return oddity_names[o];
}

/* The value at `level` (0..65535) of a table of quantiles. */
static int quantile(const int16_t *table, int64_t level)
{
    int64_t at = level >> 11;
    int64_t within = (level & 2047) << 5; /* 0..65535 of the way to the next entry */

    for (int i = 0; at == 31 && i < 3; i++)
        within = within * within >> 16;
    return table[at] + (int)((table[at + 1] - table[at]) * within >> 16);
}

/* Reflects at both ends, so that level + noise stays evenly spread. */
static int64_t reflect(int64_t level)
{
    if (level < 0)
        return -level;
    return level > 65535 ? INT64_C(2) * 65535 - level : level;
}

int recipe_usual_lines(const struct patrons *p, int64_t rank)
{
    return quantile(sale_lines, patrons_basket_level(p, rank));
}

struct recipe recipe_sale(const struct patrons *p, int64_t rank, int64_t day, uint64_t seed)
{
    struct dice d = {seed};
    int64_t level = patrons_basket_level(p, rank) + dice_below(&d, 16384) - 8192;
    struct recipe r = {.kind = RECIPE_SALE, .rank = rank, .day = day, .seed = dice_roll(&d)};

    if (dice_below(&d, 4) == 0)
        level = dice_below(&d, 65536);
    r.country = patrons_country(p, rank);
    r.lines = r.sale_lines = quantile(sale_lines, reflect(level));
    return r;
}

struct recipe recipe_nameless(enum recipe_kind kind, int64_t day, uint64_t seed)
{
    struct dice d = {seed};
    struct recipe r = {.kind = kind, .rank = -1, .day = day, .seed = dice_roll(&d), .lines = 1};

    if (kind == RECIPE_BASKET) {
        r.lines = quantile(basket_lines, dice_below(&d, 65536));
        if (dice_below(&d, 4) == 0)
            r.country = patrons_any_country(dice_roll(&d));
    }
    r.sale_lines = r.lines;
    return r;
}

bool recipe_credit(struct recipe *sale, uint64_t roll, struct recipe *credit)
{
    int left = sale->sale_lines - 1 - sale->skip;

    if (left <= 0)
        return false;
    *credit = *sale;
    credit->kind = RECIPE_CREDIT;
    credit->oddity = RECIPE_ORDINARY;
    credit->lines = quantile(credit_lines, dice_scale(roll, 65536));
    if (credit->lines > left)
        credit->lines = left;
    sale->skip += credit->lines;
    return true;
}

static void special_line(enum goods_special s, int64_t quantity, int64_t price_milli,
                         struct recipe_line *out)
{
    out->code = goods_special_code(s);
    out->name = goods_special_name(s);
    out->quantity = quantity;
    out->price_milli = price_milli;
}

/* Lines typed in by hand, about one in a thousand. */
static void odd_line(const struct recipe *r, struct dice *d, struct recipe_line *out)
{
    int64_t what = dice_below(d, 64);
    int64_t quantity = 1 + dice_below(d, 2);
    int64_t price_milli = 1 + dice_below(d, 50000);

    if (what == 0)
        special_line(GOODS_BANK, 1, 15000, out);
    else if (what < 8 && r->kind == RECIPE_BASKET)
        special_line(GOODS_VOUCHER, 1, 17020, out);
    else if (what < 12)
        special_line(GOODS_MANUAL, 1, price_milli, out); /* tenths of a penny */
    else
        special_line(GOODS_MANUAL, quantity, (price_milli + 9) / 10 * 10, out);
}

static bool last_line(const struct recipe *r, struct dice *d, struct recipe_line *out)
{
    if (r->kind == RECIPE_BASKET && dice_below(d, 2)) {
        special_line(GOODS_DOTCOM, 1, 10 * (100 + dice_below(d, 40 * r->sale_lines + 100)), out);
        return true;
    }
    if (r->kind != RECIPE_SALE || r->country == PATRONS_UK || dice_below(d, 3) == 0)
        return false;
    if (str_eq(out->country, STR("EIRE")))
        special_line(GOODS_CARRIAGE, 1, 50000, out);
    else
        special_line(GOODS_POSTAGE, 1 + r->sale_lines / 16, 18000, out);
    return true;
}

static void sold_line(const struct recipe *r, int slot, const struct goods *g,
                      const struct patrons *p, struct recipe_line *out)
{
    struct dice d = {dice_hash(r->seed, (uint64_t)slot)};
    int64_t number;

    if (slot > 0 && slot == r->sale_lines - 1 && last_line(r, &d, out))
        return;
    if (dice_below(&d, 1000) == 0) {
        odd_line(r, &d, out);
        return;
    }
    number = goods_pick(g, &d);
    out->code = goods_code(g, number, out->room);
    out->name = goods_name(g, number, out->room + GOODS_CODE_MAX);
    out->price_milli = goods_price(g, number, r->day);
    if (r->kind == RECIPE_BASKET) {
        out->quantity = dice_below(&d, 4) ? 1 : 1 + dice_below(&d, 5);
        out->price_milli = (out->price_milli * RETAIL / 100 + 5) / 10 * 10;
        return;
    }
    out->quantity = goods_quantity(out->price_milli, &d) * patrons_bulk(p, r->rank);
    if (out->quantity >= MANY)
        out->price_milli = (out->price_milli * 85 / 100 + 5) / 10 * 10;
}

static void stock_line(const struct recipe *r, const struct goods *g, struct recipe_line *out)
{
    struct dice d = {r->seed};

    out->code = goods_code(g, goods_pick(g, &d), out->room);
    out->name = str_of(stock_remarks[dice_below(&d, countof(stock_remarks))]);
    out->quantity = 1 + dice_below(&d, 1 + dice_below(&d, 300));
    if (dice_below(&d, 2))
        out->quantity = -out->quantity;
    out->price_milli = 0;
}

static void credit_line(const struct recipe *r, int slot, struct recipe_line *out)
{
    struct dice d = {dice_hash(r->seed, ~(uint64_t)slot)};
    int64_t back = dice_below(&d, 5) < 2 ? out->quantity : 1 + dice_below(&d, out->quantity);

    out->quantity = -back;
    /* Once in a while it is not the goods that come back but something off the price. */
    if (r->lines == 1 && dice_below(&d, 40) == 0)
        special_line(GOODS_DISCOUNT, -1, 10 * (100 + dice_below(&d, 5000)), out);
}

static void spoil(const struct recipe *r, struct recipe_line *out)
{
    switch (r->oddity) {
    case RECIPE_PRICE_X10:
        out->price_milli *= 10;
        break;
    case RECIPE_PRICE_X100:
        out->price_milli *= 100;
        break;
    case RECIPE_PRICE_DIV100:
        out->price_milli = (out->price_milli + 500) / 1000 * 10;
        if (out->price_milli == 0)
            out->price_milli = 10;
        break;
    case RECIPE_PRICE_ZERO:
        out->price_milli = 0;
        break;
    case RECIPE_QTY_X100:
        out->quantity *= 100;
        break;
    case RECIPE_ORDINARY:
    case RECIPE_NIGHT:
    case RECIPE_NEW_COUNTRY:
    case RECIPE_DUP_BURST:
    case RECIPE_DUP_REPLAY:
    case RECIPE_BIG_BASKET:
    case RECIPE_CARD_TESTING:
    case RECIPE_ODDITIES:
        break;
    }
}

/* The line of the sale that line i is: the one before when an item is scanned twice. */
static int slot_of(const struct recipe *r, int i)
{
    int slot = r->skip + i;

    if (r->oddity == RECIPE_DUP_REPLAY)
        slot %= r->sale_lines;
    if (slot > 0 && slot < r->sale_lines - 1 &&
        dice_hash(r->seed ^ TWICE, (uint64_t)slot) % 150 == 0)
        slot--;
    return slot;
}

void recipe_line(const struct recipe *r, int i, const struct goods *g, const struct patrons *p,
                 struct recipe_line *out)
{
    int slot = slot_of(r, i);
    struct dice d = {r->seed};

    out->country = patrons_country_name(r->country);
    out->customer = r->rank < 0 ? 0 : patrons_number(p, r->rank);
    if (r->kind == RECIPE_STOCK) {
        stock_line(r, g, out);
        return;
    }
    if (r->kind == RECIPE_DEBT) {
        special_line(GOODS_DEBT, 1, 10 * (dice_below(&d, 2000000) - 1000000), out);
        return;
    }
    sold_line(r, slot, g, p, out);
    if (r->kind == RECIPE_CREDIT)
        credit_line(r, slot, out);
    if (i == (r->lines > 1 ? (int)(r->seed % (uint64_t)(r->lines - 1)) : 0))
        spoil(r, out);
}
