/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Labelled anomalies of the synthetic shop.
 */
#include "commands/mischief.h"
#include "tests/support/t.h"

#define DAY 14944
#define NOON 720

static int plan(enum recipe_oddity oddity, uint64_t seed_of_sale, struct recipe *sale,
                struct mischief_visit *out)
{
    struct patrons p;

    patrons_init(&p, 1, 4400);
    *sale = recipe_sale(&p, 100, DAY, seed_of_sale);
    return mischief_plan(oddity, sale, &p, NOON, out);
}

T(visits_come_in_order_of_time_and_all_fit)
{
    for (int o = RECIPE_NIGHT; o < RECIPE_ODDITIES; o++) {
        for (uint64_t i = 0; i < 200; i++) {
            struct mischief_visit visits[MISCHIEF_VISITS];
            struct recipe sale;
            int n = plan((enum recipe_oddity)o, i, &sale, visits);

            ok(n >= 1 && n <= MISCHIEF_VISITS);
            eq_int(visits[n - 1].recipe.oddity, o);
            for (int k = 1; k < n; k++)
                ok(visits[k].minute >= visits[k - 1].minute);
        }
    }
}

T(a_burst_is_the_ordinary_invoice_and_then_its_copies)
{
    struct mischief_visit visits[MISCHIEF_VISITS];
    struct recipe sale;
    int n = plan(RECIPE_DUP_BURST, 1, &sale, visits);

    ok(n >= 2);
    eq_int(visits[0].recipe.oddity, RECIPE_ORDINARY);
    for (int i = 1; i < n; i++) {
        eq_u64(visits[i].recipe.seed, sale.seed);
        eq_int(visits[i].recipe.lines, sale.lines);
        ok(visits[i].minute > NOON);
    }
}

T(a_card_is_tried_out_with_tiny_invoices_within_minutes)
{
    struct mischief_visit visits[MISCHIEF_VISITS];
    struct recipe sale;
    int n = plan(RECIPE_CARD_TESTING, 1, &sale, visits);

    ok(n >= 6);
    ok(visits[n - 1].minute - visits[0].minute < 10);
    for (int i = 0; i < n; i++)
        ok(visits[i].recipe.lines <= 2);
}

T(a_new_country_is_never_the_home_country)
{
    for (uint64_t i = 0; i < 500; i++) {
        struct mischief_visit visits[MISCHIEF_VISITS];
        struct recipe sale;

        (void)plan(RECIPE_NEW_COUNTRY, i, &sale, visits);
        ok(visits[0].recipe.country != sale.country);
        ok(visits[0].recipe.country >= 0 && visits[0].recipe.country < PATRONS_COUNTRIES);
    }
}

T(night_is_when_nobody_else_comes)
{
    for (uint64_t i = 0; i < 500; i++) {
        struct mischief_visit visits[MISCHIEF_VISITS];
        struct recipe sale;

        (void)plan(RECIPE_NIGHT, i, &sale, visits);
        ok(visits[0].minute >= 120 && visits[0].minute < 300);
    }
}

T(a_big_basket_is_far_beyond_the_usual)
{
    struct mischief_visit visits[MISCHIEF_VISITS];
    struct recipe sale;
    struct patrons p;

    patrons_init(&p, 1, 4400);
    (void)plan(RECIPE_BIG_BASKET, 1, &sale, visits);
    ok(visits[0].recipe.lines >= 15 * recipe_usual_lines(&p, 100));
    ok(visits[0].recipe.lines >= 40);
}
