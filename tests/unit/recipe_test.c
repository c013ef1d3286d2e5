/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The lines of the synthetic shop's invoices.
 */
#include "commands/recipe.h"
#include "tests/support/t.h"

#define DAY 14944

struct till {
    struct goods goods;
    struct patrons patrons;
};

static struct till till_of(int64_t codes)
{
    struct till t;

    goods_init(&t.goods, 1, codes);
    patrons_init(&t.patrons, 1, 4400);
    return t;
}

static struct recipe_line line_of(const struct till *t, const struct recipe *r, int i)
{
    struct recipe_line line;

    recipe_line(r, i, &t->goods, &t->patrons, &line);
    return line;
}

/* The room that a copied line's texts point at is gone: compares all but the texts. */
static void same_line(struct recipe_line a, struct recipe_line b)
{
    eq_int(a.customer, b.customer);
    eq_int(a.quantity, b.quantity);
    eq_int(a.price_milli, b.price_milli);
    eq_u64(a.code.n, b.code.n);
}

/* A sale with at least `lines` lines. */
static struct recipe long_sale(const struct till *t, int lines)
{
    struct recipe r = {0};

    for (uint64_t i = 1; r.lines < lines; i++)
        r = recipe_sale(&t->patrons, 30, DAY, i);
    return r;
}

T(a_line_is_the_same_whatever_was_asked_before)
{
    struct till t = till_of(4000);
    struct recipe r = long_sale(&t, 10);
    struct recipe_line ninth = line_of(&t, &r, 9);

    for (int i = 0; i < 9; i++)
        (void)line_of(&t, &r, i);
    same_line(line_of(&t, &r, 9), ninth);
}

T(credits_take_back_each_line_once_and_never_the_last)
{
    struct till t = till_of(4000);
    struct recipe sale = long_sale(&t, 20);
    const struct recipe untouched = sale;
    struct recipe credit;
    int back = 0;

    for (uint64_t roll = 0; recipe_credit(&sale, roll << 50, &credit); roll += 999) {
        for (int i = 0; i < credit.lines; i++, back++) {
            struct recipe_line sold = line_of(&t, &untouched, back);
            struct recipe_line taken = line_of(&t, &credit, i);

            if (taken.code.n == 1)
                continue; /* a discount instead */
            ok(taken.quantity < 0);
            ok(-taken.quantity <= sold.quantity);
            eq_int(taken.price_milli, sold.price_milli);
            eq_int(taken.customer, sold.customer);
        }
    }
    eq_int(back, untouched.lines - 1);
}

T(a_sale_of_one_line_is_never_taken_back)
{
    struct till t = till_of(4000);
    struct recipe sale = long_sale(&t, 1);
    struct recipe credit;

    sale.lines = sale.sale_lines = 1;
    ok(!recipe_credit(&sale, 0, &credit));
    eq_int(sale.skip, 0);
}

T(an_oddity_changes_one_line_as_its_name_says)
{
    static const struct {
        enum recipe_oddity oddity;
        int64_t price_times, quantity_times;
    } cases[] = {
        {RECIPE_PRICE_X10, 10, 1},
        {RECIPE_PRICE_X100, 100, 1},
        {RECIPE_PRICE_ZERO, 0, 1},
        {RECIPE_QTY_X100, 1, 100},
    };
    struct till t = till_of(4000);

    for (size_t c = 0; c < countof(cases); c++) {
        struct recipe plain = long_sale(&t, 6);
        struct recipe odd = plain;
        int changed = 0;

        odd.oddity = cases[c].oddity;
        for (int i = 0; i < plain.lines; i++) {
            struct recipe_line a = line_of(&t, &plain, i);
            struct recipe_line b = line_of(&t, &odd, i);

            if (a.price_milli == b.price_milli && a.quantity == b.quantity)
                continue;
            eq_int(b.price_milli, a.price_milli * cases[c].price_times);
            eq_int(b.quantity, a.quantity * cases[c].quantity_times);
            changed++;
        }
        eq_int(changed, 1);
    }
}

T(a_price_divided_by_100_stays_above_zero)
{
    struct till t = till_of(4000);
    struct recipe r = long_sale(&t, 1);

    r.oddity = RECIPE_PRICE_DIV100;
    for (uint64_t i = 0; i < 300; i++) {
        r.seed = i;
        r.lines = r.sale_lines = 1;
        struct recipe_line line = line_of(&t, &r, 0);
        ok(line.price_milli >= 10 && line.price_milli % 10 == 0);
        ok(line.price_milli <= 500);
    }
}

T(a_replayed_invoice_repeats_its_lines)
{
    struct till t = till_of(4000);
    struct recipe r = long_sale(&t, 5);

    r.oddity = RECIPE_DUP_REPLAY;
    r.sale_lines = 5;
    r.lines = 15;
    for (int i = 0; i < 5; i++) {
        same_line(line_of(&t, &r, i), line_of(&t, &r, i + 5));
        same_line(line_of(&t, &r, i), line_of(&t, &r, i + 10));
    }
}

T(stock_is_put_right_at_no_price_and_baskets_have_no_customer)
{
    struct till t = till_of(4000);

    for (uint64_t i = 0; i < 200; i++) {
        struct recipe stock = recipe_nameless(RECIPE_STOCK, DAY, i);
        struct recipe basket = recipe_nameless(RECIPE_BASKET, DAY, i);
        struct recipe debt = recipe_nameless(RECIPE_DEBT, DAY, i);

        eq_int(stock.lines, 1);
        eq_int(line_of(&t, &stock, 0).price_milli, 0);
        ok(basket.lines >= 2);
        eq_int(line_of(&t, &basket, 0).customer, 0);
        eq_int(line_of(&t, &debt, 0).quantity, 1);
    }
}

T(baskets_are_as_long_as_the_real_ones)
{
    struct till t = till_of(4000);
    int64_t named = 0;
    int64_t nameless = 0;
    struct dice d = {1};

    for (uint64_t i = 0; i < 20000; i++) {
        named += recipe_sale(&t.patrons, dice_below(&d, 4400), DAY, i).lines;
        nameless += recipe_nameless(RECIPE_BASKET, DAY, i).lines;
    }
    near((double)named / 20000, 21.5, 1.5);
    near((double)nameless / 20000, 109, 8);
}

T(every_oddity_has_a_name)
{
    for (int i = 0; i < RECIPE_ODDITIES; i++)
        ok(recipe_oddity_name((enum recipe_oddity)i) != NULL);
    eq_str(recipe_oddity_name(RECIPE_CARD_TESTING), "card_testing");
}
