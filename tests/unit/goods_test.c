/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the synthetic shop sells.
 */
#include "commands/goods.h"
#include "tests/support/t.h"

#include <stdlib.h>

static int by_value(const void *a, const void *b)
{
    const uint64_t *x = a;
    const uint64_t *y = b;

    return (*x > *y) - (*x < *y);
}

static void codes_are_distinct(int64_t n)
{
    struct goods g;
    uint64_t *hashes = malloc((size_t)n * sizeof(*hashes));

    ok(hashes != NULL);
    goods_init(&g, 7, n);
    for (int64_t i = 0; hashes && i < n; i++) {
        char room[GOODS_CODE_MAX];

        hashes[i] = str_hash(goods_code(&g, i, room));
    }
    qsort(hashes, (size_t)n, sizeof(*hashes), by_value);
    for (int64_t i = 1; hashes && i < n; i++)
        ok(hashes[i] != hashes[i - 1]);
    free(hashes);
}

T(no_two_goods_share_a_code)
{
    static const int64_t sizes[] = {1, 2, 3, 5, 4000, 8000, 8001, 100000};

    for (size_t i = 0; i < countof(sizes); i++)
        codes_are_distinct(sizes[i]);
}

T(a_code_has_five_digits_and_perhaps_a_letter)
{
    struct goods g;
    int lettered = 0;

    goods_init(&g, 1, 4000);
    for (int64_t i = 0; i < 4000; i++) {
        char room[GOODS_CODE_MAX];
        struct str code = goods_code(&g, i, room);

        ok(code.n == 5 || code.n == 6);
        lettered += code.n == 6;
    }
    near(lettered, 1000, 150);
}

T(names_fit_and_some_need_quoting)
{
    struct goods g;
    int odd = 0;

    goods_init(&g, 1, GOODS_MAX);
    for (int64_t i = 0; i < 20000; i++) {
        char room[GOODS_NAME_MAX];
        struct str name = goods_name(&g, i * 249, room);

        ok(name.n > 0 && name.n <= GOODS_NAME_MAX);
        odd += memchr(name.p, ',', name.n) || memchr(name.p, '"', name.n);
    }
    near(odd, 300, 120);
}

T(prices_are_whole_pence_and_move_but_seldom)
{
    struct goods g;
    int moves = 0;

    goods_init(&g, 1, 4000);
    for (int64_t code = 0; code < 500; code++) {
        int64_t last = goods_price(&g, code, 14944);

        for (int64_t day = 14945; day < 14944 + 365; day++) {
            int64_t price = goods_price(&g, code, day);

            ok(price > 0 && price % 10 == 0);
            moves += price != last;
            last = price;
        }
    }
    ok(moves > 150);
    ok(moves < 1000);
}

T(popular_goods_are_picked_as_zipf_and_mandelbrot_say)
{
    static int counts[1000];
    struct goods g;
    struct dice d = {seed()};

    goods_init(&g, 1, 1000);
    for (int i = 0; i < 400000; i++)
        counts[goods_pick(&g, &d)]++;
    /* Probability of rank k: 1 / (k + 10), over the sum from 10 to 1009, which is 4.667. */
    near(counts[g.offset], 400000 / 10.0 / 4.667, 500);
    near(counts[(99 * g.step + g.offset) % 1000], 400000 / 109.0 / 4.667, 150);
    near(counts[(999 * g.step + g.offset) % 1000], 400000 / 1009.0 / 4.667, 60);
}

T(a_step_visits_every_number_once)
{
    for (int64_t n = 1; n < 200; n++) {
        bool seen[200] = {false};
        int64_t step = goods_step((uint64_t)n * 31, n);

        for (int64_t k = 0; k < n; k++)
            seen[k * step % n] = true;
        for (int64_t k = 0; k < n; k++)
            ok(seen[k]);
    }
}

T(special_goods_have_codes_and_names)
{
    eq_str(goods_special_code(GOODS_POSTAGE).p, "POST");
    eq_str(goods_special_code(GOODS_BANK).p, "BANK CHARGES");
    ok(goods_special_name(GOODS_VOUCHER).n <= GOODS_NAME_MAX);
}

T(cheap_things_are_bought_in_larger_numbers)
{
    struct dice d = {1};
    int64_t cheap = 0;
    int64_t dear = 0;

    for (int i = 0; i < 1000; i++) {
        cheap += goods_quantity(420, &d);
        dear += goods_quantity(12750, &d);
    }
    ok(cheap > 3 * dear);
    ok(dear >= 1000);
}
