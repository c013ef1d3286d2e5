/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/parcel.h"
#include "tests/support/t.h"

T(a_list_grows_and_keeps_what_is_in_it)
{
    struct list l;

    list_init(&l, sizeof(struct key_row));
    for (uint32_t i = 0; i < 1000; i++) {
        struct key_row *r = list_add(&l);

        ok(r != NULL);
        eq_int(r->id, 0);
        r->id = i;
    }
    eq_int(l.n, 1000);
    for (uint32_t i = 0; i < 1000; i++)
        eq_int(((struct key_row *)list_at(&l, i))->id, i);
    list_clear(&l);
    eq_int(l.n, 0);
    ok(list_add(&l) != NULL);
    list_clear(&l);
}

T(an_added_item_is_zero_even_where_an_older_one_lay)
{
    struct parcel *p = parcel_open();
    struct agg_row *r = list_add(&p->rows);

    r->revenue = 7;
    parcel_reset(p);
    r = list_add(&p->rows);
    eq_int(r->revenue, 0);
    parcel_close(p);
}

T(texts_of_a_parcel_are_found_again_after_it_grew)
{
    struct parcel *p = parcel_open();
    struct span first;
    struct span empty;
    struct span more;

    ok_err(parcel_text(p, STR("first"), &first));
    ok_err(parcel_text(p, STR(""), &empty));
    for (int i = 0; i < 10000; i++)
        ok_err(parcel_text(p, STR("and more"), &more));
    ok(str_eq(parcel_str(p, first), STR("first")));
    ok(str_eq(parcel_str(p, empty), STR("")));
    ok(parcel_str(p, empty).p != NULL);
    ok(str_eq(parcel_str(p, more), STR("and more")));
    parcel_close(p);
}

T(a_reset_parcel_is_empty_and_keeps_its_memory)
{
    struct parcel *p = parcel_open();
    struct span at;
    size_t memory;

    ok(list_add(&p->dedup) != NULL);
    ok(list_add(&p->states) != NULL);
    ok_err(parcel_text(p, STR("x"), &at));
    p->commit = true;
    p->dedup_before = 9;
    memory = parcel_memory(p);
    parcel_reset(p);
    eq_int(p->dedup.n, 0);
    eq_int(p->states.n, 0);
    eq_int(p->text.n, 0);
    eq_int(p->dedup_before, 0);
    ok(!p->commit);
    eq_int(parcel_memory(p), memory);
    parcel_close(p);
    parcel_close(NULL);
}

T_OOM(a_parcel_survives_lack_of_memory)
{
    struct parcel *p = parcel_open();
    struct span at = {0, 0};
    enum err e = ERR_NOMEM;

    if (!p)
        return ERR_NOMEM;
    if (list_add(&p->rows))
        e = parcel_text(p, STR("text"), &at);
    memory_again();
    eq_int(p->text.n, e ? 0 : 4);
    ok(p->rows.n <= 1);
    parcel_close(p);
    return e;
}
