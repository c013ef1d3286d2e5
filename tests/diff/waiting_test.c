/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Rows made straight from sales that wait, and from cells that caught up because there were
 * commits or more sales than may wait: the same.
 */
#include "tests/support/t.h"
#include "tests/support/till.h"

#include "engine/when.h"
#include "windows/waiting.h"

#include <stdio.h>

enum { SALES = WAITING_MAX + 3000, TEXT = 16 };

/* The n-th sale of a shop that sells all of them within three hours, most in the second. */
static void sell(struct till *t, int shard, uint64_t *state, int n)
{
    char invoice[TEXT], stock[TEXT], customer[TEXT];
    int64_t second = n < 500 ? n * 7 : 3600 + (int64_t)n * 3599 / SALES;

    if (n > SALES - 200)
        second = 7300 + (n - (SALES - 200)) * 10;
    (void)snprintf(invoice, sizeof(invoice), "%d", 500000 + n / 20);
    (void)snprintf(stock, sizeof(stock), "S%d", (int)rnd_below(state, 900));
    (void)snprintf(customer, sizeof(customer), "%d", n / 20 % 300 + 12000);
    struct sale s = {.time_ms = 2000 * WHEN_DAY + 9 * WHEN_HOUR + second * WHEN_SECOND,
                     .quantity = (int64_t)rnd_below(state, 40) - 3,
                     .price = (int64_t)rnd_below(state, 900) * 10000,
                     .invoice = str_of(invoice),
                     .stock = str_of(stock),
                     .customer = str_of(n / 20 % 7 ? customer : ""),
                     .country = n / 20 % 9 ? STR("United Kingdom") : STR("France")};
    s.value = s.quantity * s.price;
    ok_err(till_sale(t, shard, &s));
}

static void play(struct till *t, const struct settings *s, int commit_each)
{
    uint64_t state = 5;
    int shard;

    ok_err(till_open(t, s, NULL, NULL));
    ok_err(till_shard(t, 1, "0", &shard));
    for (int n = 0; n < SALES; n++) {
        sell(t, shard, &state, n);
        if (n % 1000 == 999)
            ok_err(till_batch(t));
        if (commit_each && n % commit_each == commit_each - 1)
            ok_err(till_commit(t, false));
    }
    ok_err(till_end(t, &shard, 1));
    ok_err(till_commit(t, false));
}

T(a_busy_shop_has_the_same_rows_whether_its_sales_waited_or_not)
{
    static const int commits[] = {700, 20000};
    struct settings settings;
    struct till waited, t;
    struct why why;

    ok_err(settings_init(&settings));
    ok_err(settings_check(&settings, &why));
    play(&waited, &settings, 0);
    for (size_t i = 0; i < countof(commits); i++) {
        play(&t, &settings, commits[i]);
        const char *difference = till_compare(&waited, &t, true);
        if (difference)
            fail("commits each %d sales: %s", commits[i], difference);
        till_close(&t);
    }
    till_close(&waited);
    settings_clear(&settings);
}
