/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/dedup.h"
#include "tests/support/t.h"

#include <stdio.h>

static bool seen(struct dedup *d, int id, int64_t now, int64_t expires)
{
    char text[16];
    bool before;
    int n = snprintf(text, sizeof(text), "id %d", id);

    ok_err(dedup_check(d, (struct str){text, (size_t)n}, now, expires, &before));
    return before;
}

T(an_id_is_seen_until_it_expires_and_then_anew)
{
    struct dedup *d;

    ok_err(dedup_open(100, &d));
    ok(!seen(d, 1, 0, 10));
    ok(seen(d, 1, 9, 19));
    ok(!seen(d, 1, 10, 20));
    ok(seen(d, 1, 19, 30));
    dedup_close(d);
}

T(the_last_max_ids_are_remembered_and_no_more)
{
    struct dedup *d;

    ok_err(dedup_open(3, &d));
    for (int i = 1; i <= 3; i++)
        ok(!seen(d, i, 0, 100));
    for (int i = 1; i <= 3; i++)
        ok(seen(d, i, 0, 100));
    ok(!seen(d, 4, 0, 100));
    ok(!seen(d, 1, 0, 100));
    ok(seen(d, 3, 0, 100));
    dedup_close(d);
}

/* Ids come, expire out of order and come again, against a plain array. */
T(random_ids_are_remembered_as_an_array_would)
{
    enum { IDS = 3000, STEPS = 60000 };
    static int64_t expires[IDS];
    uint64_t dice = seed();
    struct dedup *d;
    int64_t now = 0;

    ok_err(dedup_open(STEPS + 1, &d));
    for (int i = 0; i < STEPS; i++) {
        int id = (int)rnd_below(&dice, IDS);
        int64_t until = now + 1 + (int64_t)rnd_below(&dice, 5000);
        bool wanted = expires[id] > now;
        ok(seen(d, id, now, until) == wanted);
        if (!wanted)
            expires[id] = until;
        now += (int64_t)rnd_below(&dice, 2);
    }
    dedup_close(d);
}

T_OOM(an_id_that_gets_no_memory_is_not_remembered)
{
    struct dedup *d;
    bool before;
    enum err e = dedup_open(10, &d);

    if (e)
        return e;
    e = dedup_check(d, STR("a"), 0, 10, &before);
    memory_again();
    bool again = false;
    ok_err(dedup_check(d, STR("a"), 0, 10, &again));
    ok(again == !e);
    dedup_close(d);
    return e;
}
