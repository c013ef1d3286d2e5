/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Who buys at the synthetic shop.
 */
#include "commands/patrons.h"
#include "tests/support/t.h"

T(every_customer_has_a_number_of_his_own)
{
    static bool seen[4400];
    struct patrons p;

    patrons_init(&p, 1, 4400);
    for (int64_t rank = 0; rank < 4400; rank++) {
        int64_t number = patrons_number(&p, rank);

        ok(number >= 12346 && number < 12346 + 4400);
        ok(!seen[number - 12346]);
        seen[number - 12346] = true;
    }
}

T(nine_of_ten_are_british_and_no_country_is_missing)
{
    int counts[PATRONS_COUNTRIES] = {0};
    struct patrons p;

    patrons_init(&p, 1, 4400);
    for (int64_t rank = 0; rank < 4400; rank++)
        counts[patrons_country(&p, rank)]++;
    near(counts[PATRONS_UK] / 4400.0, 0.90, 0.02);
    for (int i = 0; i < PATRONS_COUNTRIES; i++)
        ok(counts[i] > 0);
    eq_str(patrons_country_name(PATRONS_UK).p, "United Kingdom");
    eq_str(patrons_country_name(PATRONS_COUNTRIES - 1).p, "RSA");
}

T(the_extremes_of_a_roll_are_countries_too)
{
    eq_int(patrons_any_country(0), PATRONS_UK);
    eq_int(patrons_any_country(UINT64_MAX), PATRONS_COUNTRIES - 1);
}

T(few_customers_come_often_and_most_come_seldom)
{
    static int visits[4400];
    struct patrons p;
    struct dice d = {seed()};
    int never = 0;

    patrons_init(&p, 1, 4400);
    for (int i = 0; i < 18500; i++)
        visits[patrons_pick(&p, &d)]++;
    for (int i = 0; i < 4400; i++)
        never += visits[i] == 0;
    near(visits[0], 300, 100);
    ok(never > 300);
    ok(never < 1300);
}

T(a_few_customers_are_traders)
{
    struct patrons p;
    int traders = 0;

    patrons_init(&p, 1, 4400);
    for (int64_t rank = 0; rank < 4400; rank++) {
        int64_t bulk = patrons_bulk(&p, rank);

        ok(bulk >= 1 && bulk <= 8);
        traders += bulk > 1;
    }
    near(traders, 183, 60);
}
