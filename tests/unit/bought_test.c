/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/bought.h"
#include "tests/support/t.h"

T(what_was_bought_is_known_and_most_that_was_not_is_not)
{
    struct bought b;
    int wrong = 0;

    ok_err(bought_init(&b));
    for (uint32_t c = 1; c <= 1000; c++) {
        for (uint32_t s = 0; s < 100; s++)
            bought_learn(&b, c, s * 3);
    }
    for (uint32_t c = 1; c <= 1000; c++) {
        for (uint32_t s = 0; s < 100; s++) {
            ok(bought_ever(&b, c, s * 3));
            wrong += bought_ever(&b, c, s * 3 + 1);
        }
    }
    ok(wrong < 3000);
    bought_clear(&b);
}

T(the_last_150000_pairs_are_known_however_many_came)
{
    struct bought b;
    int wrong = 0;

    ok_err(bought_init(&b));
    for (uint32_t i = 0; i < 1000000; i++)
        bought_learn(&b, i, 1);
    for (uint32_t i = 850000; i < 1000000; i++)
        ok(bought_ever(&b, i, 1));
    for (uint32_t i = 0; i < 100000; i++)
        wrong += bought_ever(&b, i, 1);
    ok(wrong < 10000);
    bought_clear(&b);
}

T(only_pages_that_changed_are_saved_and_all_is_loaded)
{
    struct bought a, b;
    struct parcel *p = parcel_open();
    enum err e;

    ok_err(bought_init(&a));
    ok_err(bought_init(&b));
    for (uint32_t i = 0; i < 3000; i++)
        bought_learn(&a, i, i);
    ok_err(bought_save(&a, p));
    for (size_t i = 0; i < p->states.n; i++) {
        const struct state_row *row = list_at(&p->states, i);
        ok(bought_load(&b, parcel_str(p, row->name), parcel_str(p, row->data), &e));
        ok_err(e);
    }
    for (uint32_t i = 0; i < 3000; i++)
        ok(bought_ever(&b, i, i));
    parcel_reset(p);
    ok_err(bought_save(&a, p));
    eq_int(p->states.n, 0);
    bought_learn(&a, 77777, 1);
    ok_err(bought_save(&a, p));
    ok(p->states.n <= 5);
    parcel_close(p);
    bought_clear(&a);
    bought_clear(&b);
}

T_OOM(without_memory_there_is_none)
{
    struct bought b;
    enum err e = bought_init(&b);

    bought_clear(&b);
    return e;
}
