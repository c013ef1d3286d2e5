/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Tests of the batch memory of engine/source.h (engine/sales.c).
 */
#include "engine/source.h"

#include "tests/support/t.h"

#include <stdlib.h>

T(texts_stay_where_they_are_until_reset)
{
    enum { TEXTS = 3000 };
    struct sales s;
    char *text[TEXTS];
    sales_init(&s);
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < TEXTS; i++) {
            text[i] = sales_text(&s, i % 97 + 1);
            ok(text[i]);
            memset(text[i], (int)(i & 0xff), i % 97 + 1);
        }
        for (size_t i = 0; i < TEXTS; i++) {
            for (size_t k = 0; k < i % 97 + 1; k++) {
                eq_int((unsigned char)text[i][k], i & 0xff);
            }
        }
        sales_reset(&s);
    }
    sales_clear(&s);
}

T(a_text_may_be_longer_than_a_block)
{
    struct sales s;
    sales_init(&s);
    char *small = sales_text(&s, 10), *large = sales_text(&s, 1000000), *none = sales_text(&s, 0);
    ok(small && large && none);
    memset(small, 1, 10);
    memset(large, 2, 1000000);
    eq_int(small[9], 1);
    sales_reset(&s);
    ok(sales_text(&s, 10) == small);
    char *larger = sales_text(&s, 2000000); /* a block between the two */
    ok(larger);
    memset(larger, 3, 2000000);
    ok(sales_text(&s, 900000) == large);
    sales_clear(&s);
}

T(room_for_sales_grows_and_stays)
{
    struct sales s;
    sales_init(&s);
    ok_err(sales_room(&s, 1));
    ok(s.cap >= 1);
    s.sale[0].quantity = 42;
    s.n = 1;
    ok_err(sales_room(&s, 1000));
    ok(s.cap >= 1001);
    eq_int(s.sale[0].quantity, 42);
    eq_err(sales_room(&s, SIZE_MAX), ERR_NOMEM);
    eq_err(sales_room(&s, SIZE_MAX / sizeof(struct sale)), ERR_NOMEM);
    size_t cap = s.cap;
    sales_reset(&s);
    eq_int(s.n, 0);
    eq_int(s.cap, cap);
    sales_clear(&s);
    sales_clear(&s);
}

T(a_reject_keeps_a_bounded_piece_and_a_whole_sentence)
{
    static char raw[SALE_RAW_MAX + 10];
    struct sales s;
    sales_init(&s);
    for (int i = 0; i < 200; i++) {
        ok_err(sales_reject(&s, (uint64_t)i, (struct str){raw, sizeof raw}, "%0300d", i));
    }
    eq_int(s.n_rejects, 200);
    eq_int(s.reject[199].offset, 199);
    eq_int(s.reject[199].raw.n, SALE_RAW_MAX);
    ok(s.reject[199].raw.p == raw);
    eq_int(strlen(s.reject[199].reason), sizeof s.reject[199].reason - 1);
    sales_clear(&s);
}

T_OOM(a_batch_survives_lack_of_memory)
{
    struct sales s;
    sales_init(&s);
    enum err e = sales_room(&s, 100);
    bool text = !e && sales_text(&s, 100000) && sales_text(&s, 100);
    enum err r = text ? sales_reject(&s, 1, STR("x"), "why") : ERR_NOMEM;
    memory_again();
    eq_int(s.n_rejects, r ? 0 : 1);
    ok(e || s.cap >= 100);
    sales_clear(&s);
    return r;
}
