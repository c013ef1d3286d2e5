/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/keyed.h"
#include "tests/support/t.h"

#include <stddef.h>
#include <stdio.h>

struct item {
    struct keyed_head head;
    uint32_t value;
    char padding[400];
};

static const struct pack_field fields[] = {PACK(struct item, value, PACK_U32, 0, 5e9)};
static const struct keyed_kind kind = {.name = "test/items",
                                       .version = 1,
                                       .size = sizeof(struct item),
                                       .max = 300,
                                       .table = {fields, countof(fields)}};

static struct item *touch(struct keyed *k, uint64_t key, uint32_t value)
{
    void *record = NULL;

    ok_err(keyed_touch(k, key, &record));
    ((struct item *)record)->value = value;
    return record;
}

/* Against a plain array: what was put is found, what was forgotten is not. */
T(records_are_found_by_their_key_until_they_are_forgotten)
{
    enum { KEYS = 250, STEPS = 20000 };
    static uint32_t value[KEYS];
    uint64_t random = seed();
    struct keyed k;

    keyed_init(&k, &kind);
    for (uint32_t i = 1; i <= STEPS; i++) {
        uint64_t at = rnd_below(&random, KEYS), key = at * UINT64_C(0x100000001);
        struct item *item = keyed_find(&k, key);
        ok((item != NULL) == (value[at] != 0));
        if (item)
            eq_int(item->value, value[at]);
        if (item && rnd_below(&random, 2)) {
            keyed_forget(&k, item);
            value[at] = 0;
        } else {
            (void)touch(&k, key, i);
            value[at] = i;
        }
    }
    keyed_clear(&k);
}

T(when_full_one_not_touched_for_long_gives_way)
{
    struct keyed k;

    keyed_init(&k, &kind);
    for (uint32_t i = 0; i < kind.max; i++)
        (void)touch(&k, i, i);
    (void)touch(&k, 1000, 1); /* all were touched: the hand goes round once */
    for (uint32_t i = 0; i < kind.max; i += 2) {
        if (keyed_find(&k, i))
            (void)touch(&k, i, i);
    }
    for (uint32_t i = 0; i < 50; i++)
        (void)touch(&k, 2000 + i, i);
    eq_int(k.n, kind.max);
    int even = 0;
    for (uint32_t i = 0; i < kind.max; i += 2)
        even += keyed_find(&k, i) != NULL;
    ok(even >= 149);
    keyed_clear(&k);
}

static void move(struct keyed *from, struct keyed *to, size_t parts)
{
    struct parcel *p = parcel_open();
    enum err e = ERR_OK;

    ok(p != NULL);
    ok_err(keyed_save(from, p));
    eq_int(p->states.n, parts);
    for (size_t i = 0; i < p->states.n; i++) {
        const struct state_row *row = list_at(&p->states, i);
        ok(keyed_load(to, parcel_str(p, row->name), parcel_str(p, row->data), &e));
        eq_err(e, ERR_OK);
    }
    parcel_close(p);
}

T(what_is_saved_is_loaded_in_the_same_order)
{
    struct keyed a, b;

    keyed_init(&a, &kind);
    keyed_init(&b, &kind);
    for (uint32_t i = 0; i < 100; i++)
        (void)touch(&a, 7 * i, i);
    move(&a, &b, 3);
    eq_int(b.n, 100);
    for (uint32_t i = 0; i < 100; i++) {
        const struct item *item = keyed_at(&b, i);
        eq_u64(item->head.key, 7 * i);
        eq_int(item->value, i);
    }
    move(&a, &b, 0);
    (void)touch(&a, 7, 70);
    struct parcel *p = parcel_open();
    ok_err(keyed_save(&a, p));
    eq_int(p->states.n, 1);
    parcel_close(p);
    keyed_clear(&a);
    keyed_clear(&b);
}

T(parts_that_hold_nothing_any_more_are_deleted)
{
    struct keyed a;
    struct parcel *p = parcel_open();

    keyed_init(&a, &kind);
    for (uint32_t i = 0; i < 100; i++)
        (void)touch(&a, i, i);
    ok_err(keyed_save(&a, p));
    parcel_reset(p);
    while (a.n > 5)
        keyed_forget(&a, keyed_at(&a, 0));
    ok_err(keyed_save(&a, p));
    int gone = 0;
    for (size_t i = 0; i < p->states.n; i++)
        gone += ((const struct state_row *)list_at(&p->states, i))->gone;
    eq_int(gone, 2);
    parcel_close(p);
    keyed_clear(&a);
}

static enum err load(const char *name, struct str data)
{
    struct keyed k;
    enum err e = ERR_OK;

    keyed_init(&k, &kind);
    if (!keyed_load(&k, str_of(name), data, &e))
        e = ERR_NOT_FOUND;
    keyed_clear(&k);
    return e;
}

T(damaged_parts_are_refused)
{
    eq_err(load("models/other/000000", STR("")), ERR_NOT_FOUND);
    eq_err(load("models/test/items/000001", STR("\1\1\0\0\0\0\0")), ERR_DAMAGED);
    eq_err(load("models/test/items/000000", STR("\2\1\0\0\0\0\0\1\0\0\0\0\0")), ERR_DAMAGED);
    eq_err(load("models/test/items/000000", STR("\1\1\2\0\0\0\0")), ERR_DAMAGED);
    eq_err(load("models/test/items/000000", STR("\1\1\0\0\0\0")), ERR_DAMAGED);
    eq_err(load("models/test/items/000000", STR("\1\1\0\0\0\0\0x")), ERR_DAMAGED);
    eq_err(load("models/test/items/000000", STR("\1\1\0\0\0\0\0")), ERR_OK);
}

T_OOM(a_record_that_gets_no_memory_is_not_there)
{
    struct keyed k;
    void *record;
    enum err e = ERR_OK;

    keyed_init(&k, &kind);
    for (uint64_t i = 0; !e && i < 60; i++)
        e = keyed_touch(&k, i, &record);
    memory_again();
    for (uint32_t i = 0; i < k.n; i++)
        ok(keyed_find(&k, i) != NULL);
    ok(!keyed_find(&k, k.n));
    keyed_clear(&k);
    return e;
}
