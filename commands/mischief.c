/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * mischief: labelled anomalies, of the kinds a shop meets: slips at the keyboard, a feed
 * delivered twice, a stolen card tried out, an account taken over.
 *
 * A plan is a list of recipes with their minutes. An anomaly is nothing but a recipe with
 * its `oddity` set; recipe_line carries out what is about a line.
 */
#include "commands/mischief.h"

#define NIGHT_FROM 120 /* 2 o'clock */
#define NIGHT_MINUTES 170

static int plan_burst(const struct recipe *sale, struct dice *d, int64_t minute,
                      struct mischief_visit *out)
{
    int copies = 1 + (int)dice_below(d, 3);

    out[0] = (struct mischief_visit){minute, *sale};
    out[0].recipe.oddity = RECIPE_ORDINARY;
    for (int i = 1; i <= copies; i++)
        out[i] = (struct mischief_visit){minute + 4 + i, *sale};
    return copies + 1;
}

static int plan_card_testing(const struct recipe *sale, struct dice *d, int64_t minute,
                             struct mischief_visit *out)
{
    int n = 6 + (int)dice_below(d, 4);

    for (int i = 0; i < n; i++) {
        out[i] = (struct mischief_visit){minute + i, *sale};
        out[i].recipe.seed = dice_roll(d);
        out[i].recipe.lines = 1 + (int)dice_below(d, 2);
        out[i].recipe.sale_lines = out[i].recipe.lines + 1; /* no postage line */
    }
    return n;
}

static int other_country(int home, struct dice *d)
{
    int country = (int)dice_below(d, PATRONS_COUNTRIES - 1);

    return country < home ? country : country + 1;
}

int mischief_plan(enum recipe_oddity oddity, const struct recipe *sale, const struct patrons *p,
                  int64_t minute, struct mischief_visit out[MISCHIEF_VISITS])
{
    struct dice d = {dice_hash(sale->seed, (uint64_t)oddity)};
    struct recipe r = *sale;

    r.oddity = oddity;
    if (oddity == RECIPE_DUP_BURST)
        return plan_burst(&r, &d, minute, out);
    if (oddity == RECIPE_CARD_TESTING)
        return plan_card_testing(&r, &d, minute, out);
    if (oddity == RECIPE_NIGHT) {
        minute = NIGHT_FROM + dice_below(&d, NIGHT_MINUTES);
    } else if (oddity == RECIPE_NEW_COUNTRY) {
        r.country = other_country(r.country, &d);
    } else if (oddity == RECIPE_DUP_REPLAY) {
        r.sale_lines = 4 + (int)dice_below(&d, 12);
        r.lines = r.sale_lines * (5 + (int)dice_below(&d, 6));
    } else if (oddity == RECIPE_BIG_BASKET) {
        int usual = recipe_usual_lines(p, r.rank);

        r.lines = r.sale_lines = usual < 3 ? 40 + 10 * usual : usual > 18 ? 15 * usual : 20 * usual;
    }
    out[0] = (struct mischief_visit){minute, r};
    return 1;
}
