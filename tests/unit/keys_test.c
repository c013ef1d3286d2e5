/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/keys.h"
#include "tests/support/t.h"

#include <stdio.h>

T(equal_texts_share_an_id_and_the_empty_text_is_0)
{
    struct keys *k;
    uint32_t a, b, c;

    ok_err(keys_open(&k));
    ok_err(keys_id(k, STR(""), &a));
    eq_u64(a, 0);
    ok_err(keys_id(k, STR("85123A"), &a));
    ok_err(keys_id(k, STR("85123a"), &b));
    ok_err(keys_id(k, STR("85123A"), &c));
    eq_u64(a, 1);
    eq_u64(b, 2);
    eq_u64(c, 1);
    ok(keys_hashes(k)[2] == str_hash(STR("85123a")));
    keys_close(k);
}

T(pairs_are_unambiguous)
{
    struct keys *k;
    uint32_t a_b, c, a, b_c, one, two;

    ok_err(keys_open(&k));
    ok_err(keys_id(k, STR("a+b"), &a_b));
    ok_err(keys_id(k, STR("c"), &c));
    ok_err(keys_id(k, STR("a"), &a));
    ok_err(keys_id(k, STR("b+c"), &b_c));
    ok_err(keys_pair(k, a_b, c, &one));
    ok_err(keys_pair(k, a, b_c, &two));
    ok(one != two);
    ok(str_eq(keys_text(k, one), STR("a%2Bb+c")));
    ok(str_eq(keys_text(k, two), STR("a+b%2Bc")));
    ok_err(keys_pair(k, a_b, c, &two));
    eq_u64(one, two);
    keys_close(k);
}

T(many_keys_and_pairs_keep_their_ids_and_are_delivered_once)
{
    struct keys *k;
    struct parcel *p = parcel_open();
    char text[300];
    uint32_t id, pair;

    ok_err(keys_open(&k));
    for (uint32_t round = 0; round < 2; round++) {
        for (uint32_t i = 1; i <= 20000; i++) {
            int n = snprintf(text, sizeof(text), "%0*u", i % 250 ? 1 : 250, i);
            ok_err(keys_id(k, (struct str){text, (size_t)n}, &id));
            ok_err(keys_pair(k, id, 1, &pair));
            eq_u64(id, 2 * i - 1);
            eq_u64(pair, 2 * i);
        }
        ok_err(keys_deliver(k, p));
        eq_u64(p->keys.n, 40000);
    }
    struct keys *other;
    ok_err(keys_open(&other));
    for (size_t i = 0; i < p->keys.n; i++) {
        const struct key_row *row = list_at(&p->keys, i);
        ok_err(keys_load(other, row->id, parcel_str(p, row->text)));
    }
    eq_err(keys_load(other, 7, STR("x")), ERR_DAMAGED);
    ok_err(keys_id(other, STR("12345"), &id));
    eq_u64(id, 2 * 12345 - 1);
    ok_err(keys_pair(other, id, 1, &pair));
    eq_u64(pair, 2 * 12345);
    parcel_reset(p);
    ok_err(keys_deliver(other, p));
    eq_u64(p->keys.n, 0);
    keys_close(other);
    keys_close(k);
    parcel_close(p);
}

T_OOM(keys_without_memory_stay_what_they_were)
{
    struct keys *k;
    uint32_t id, pair, n = 0;
    enum err e = keys_open(&k);
    char text[16];

    if (e)
        return e;
    for (uint32_t i = 1; i < 3000 && !e; i += 1) {
        int length = snprintf(text, sizeof(text), "%u", i);
        n = keys_count(k);
        e = keys_id(k, (struct str){text, (size_t)length}, &id);
        if (!e && i % 64 == 0)
            e = keys_pair(k, id, 1, &pair);
    }
    memory_again();
    ok(keys_count(k) >= n);
    ok_err(keys_id(k, STR("1"), &id));
    eq_u64(id, n > 1 ? 1 : id);
    keys_close(k);
    return e;
}
