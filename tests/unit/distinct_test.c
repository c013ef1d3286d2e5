/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * distinct: exact to 4,096 ids, then a sketch, and which of the two depends on the union alone.
 */
#include "windows/distinct.h"

#include "tests/support/t.h"

#include <stdlib.h>

enum { IDS = 20000 };

static const uint64_t *hashes(void)
{
    static uint64_t hash[IDS];
    uint64_t state = 1;

    for (size_t i = 0; i < IDS && hash[IDS - 1] == 0; i++)
        hash[i] = rnd(&state);
    return hash;
}

static void add_run(struct distinct *d, uint32_t from, uint32_t to)
{
    for (uint32_t id = from; id < to; id++)
        ok_err(distinct_add(d, id, hashes()));
}

static struct distinct run_of(uint32_t from, uint32_t to)
{
    struct distinct d;

    distinct_init(&d);
    add_run(&d, from, to);
    return d;
}

static struct buf saved(const struct distinct *d)
{
    struct buf out;

    buf_init(&out, 1 << 20);
    ok_err(distinct_save(d, &out, NULL, NULL));
    return out;
}

static void same(const struct distinct *a, const struct distinct *b)
{
    struct buf x = saved(a), y = saved(b);

    eq_bytes(x.p, x.n, y.p, y.n);
    buf_clear(&x);
    buf_clear(&y);
}

T(an_id_counts_once_and_ids_come_in_order_of_arrival)
{
    static const uint32_t given[] = {7, 7, 3, 7, 9, 3, 1, 9, 7};
    static const uint32_t wanted[] = {7, 3, 9, 1};
    struct distinct d;
    size_t n;

    distinct_init(&d);
    eq_u64(distinct_count(&d), 0);
    for (size_t i = 0; i < countof(given); i++)
        ok_err(distinct_add(&d, given[i], hashes()));
    const uint32_t *ids = distinct_ids(&d, &n);
    eq_bytes(ids, n * sizeof(*ids), wanted, sizeof(wanted));
    distinct_clear(&d);
}

T(two_ids_need_no_memory)
{
    struct distinct d = run_of(0, 2);

    eq_int(distinct_memory(&d), 0);
    distinct_clear(&d);
}

T(the_count_is_exact_at_every_size_up_to_4096)
{
    struct distinct d;
    uint64_t state = seed();
    static bool there[IDS];
    uint64_t n = 0;

    distinct_init(&d);
    while (n < DISTINCT_EXACT) {
        uint32_t id = (uint32_t)rnd_below(&state, IDS);
        n += !there[id];
        there[id] = true;
        ok_err(distinct_add(&d, id, hashes()));
        eq_u64(distinct_count(&d), n);
    }
    for (uint32_t id = 0; id < IDS; id++) {
        if (there[id])
            ok_err(distinct_add(&d, id, hashes()));
    }
    eq_u64(distinct_count(&d), DISTINCT_EXACT);
    eq_int(distinct_memory(&d), 32768);
    distinct_clear(&d);
}

T(ids_far_apart_are_as_good_as_neighbours)
{
    struct distinct d;

    distinct_init(&d);
    for (uint32_t round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < 3000; i++)
            ok_err(distinct_add(&d, i << 20 | i, NULL));
    }
    eq_u64(distinct_count(&d), 3000);
    distinct_clear(&d);
}

T(the_4097th_id_makes_a_sketch)
{
    struct distinct d = run_of(0, DISTINCT_EXACT);
    size_t n;

    ok(distinct_ids(&d, &n) != NULL);
    eq_u64(distinct_count(&d), DISTINCT_EXACT);
    ok_err(distinct_add(&d, DISTINCT_EXACT, hashes()));
    ok(distinct_ids(&d, &n) == NULL);
    ok(distinct_count(&d) > DISTINCT_EXACT);
    near((double)distinct_count(&d), DISTINCT_EXACT + 1, 0.025 * DISTINCT_EXACT);
    eq_int(distinct_memory(&d), DISTINCT_REGISTERS);
    distinct_clear(&d);
}

T(a_sketch_never_counts_4096_or_less)
{
    for (uint32_t from = 0; from < 12000; from += 1000) {
        struct distinct d = run_of(from, from + DISTINCT_EXACT + 1);
        ok(distinct_count(&d) > DISTINCT_EXACT);
        distinct_clear(&d);
    }
}

/* The same union of n ids by one add after another and by merging overlapping pieces of every
 * size, in an order drawn by lot. */
static void union_by_lot(uint32_t n, uint64_t *state)
{
    struct distinct whole = run_of(0, n), d, piece;

    distinct_init(&d);
    for (uint32_t at = 0; at < n; at = d.form == 3 ? n : at) {
        uint32_t from = (uint32_t)rnd_below(state, n), most = rnd(state) % 2 ? 20 : n;
        uint32_t to = from + 1 + (uint32_t)rnd_below(state, most);
        piece = run_of(from, to < n ? to : n);
        ok_err(distinct_merge(&d, &piece, hashes()));
        distinct_clear(&piece);
        at = d.n;
    }
    piece = run_of(0, n);
    ok_err(distinct_merge(&piece, &d, hashes()));
    same(&piece, &whole);
    ok_err(distinct_merge(&d, &whole, hashes()));
    same(&d, &whole);
    distinct_clear(&piece);
    distinct_clear(&d);
    distinct_clear(&whole);
}

T(the_form_depends_on_the_union_alone)
{
    static const uint32_t sizes[] = {1,  2,  3,    4,    15,   16,   17,   31,   32,   33,
                                     64, 65, 1000, 2048, 2049, 4095, 4096, 4097, 4098, 9000};
    uint64_t state = seed();

    for (size_t i = 0; i < countof(sizes); i++)
        union_by_lot(sizes[i], &state);
}

T(halves_that_overlap_stay_exact_at_4096_and_become_a_sketch_at_4097)
{
    for (uint32_t more = 0; more < 2; more++) {
        struct distinct a = run_of(0, 3000), b = run_of(1000, DISTINCT_EXACT + more);
        struct distinct whole = run_of(0, DISTINCT_EXACT + more);
        ok_err(distinct_merge(&b, &a, hashes()));
        eq_int(b.form == 3, more);
        same(&b, &whole);
        distinct_clear(&whole);
        distinct_clear(&b);
        distinct_clear(&a);
    }
}

T(a_sketch_merged_into_a_small_set_is_the_sketch_of_both)
{
    struct distinct few = run_of(8000, 8001), many = run_of(0, 8000), both = run_of(0, 8001);

    ok_err(distinct_merge(&few, &many, hashes()));
    same(&few, &both);
    distinct_clear(&both);
    distinct_clear(&many);
    distinct_clear(&few);
}

T(merging_a_set_with_itself_changes_nothing)
{
    static const uint32_t sizes[] = {0, 1, 2, 5, 17, 100, 4096, 5000};

    for (size_t i = 0; i < countof(sizes); i++) {
        struct distinct d = run_of(0, sizes[i]), twin = run_of(0, sizes[i]);
        ok_err(distinct_merge(&d, &d, hashes()));
        same(&d, &twin);
        distinct_clear(&twin);
        distinct_clear(&d);
    }
}

T(a_set_with_nothing_new_takes_no_more_memory)
{
    struct distinct d = run_of(0, 2), twin = run_of(0, 2);

    ok_err(distinct_merge(&d, &twin, hashes()));
    eq_int(distinct_memory(&d), 0);
    distinct_clear(&twin);
    distinct_clear(&d);
    d = run_of(0, 60), twin = run_of(0, 60);
    size_t before = distinct_memory(&d);
    ok_err(distinct_merge(&d, &twin, hashes()));
    eq_int(distinct_memory(&d), before);
    distinct_clear(&twin);
    distinct_clear(&d);
}

T(a_reset_set_is_empty_whatever_it_was_and_serves_again)
{
    static const uint32_t sizes[] = {1, 2, 10, 40, 4096, 6000, 3, 2100, 4097, 17, 33};
    struct distinct d;

    distinct_init(&d);
    for (size_t i = 0; i < countof(sizes); i++) {
        struct distinct fresh = run_of(5, 5 + sizes[i]);
        add_run(&d, 5, 5 + sizes[i]);
        same(&d, &fresh);
        distinct_reset(&d);
        eq_u64(distinct_count(&d), 0);
        ok(distinct_memory(&d) <= 65536);
        distinct_clear(&fresh);
    }
    distinct_clear(&d);
}

T(a_set_comes_back_as_it_was_stored)
{
    static const uint32_t sizes[] = {0, 1, 2, 3, 16, 17, 300, 4096, 4097, 9000};

    for (size_t i = 0; i < countof(sizes); i++) {
        struct distinct d = run_of(3, 3 + sizes[i]), back = run_of(0, 5);
        struct buf out = saved(&d);
        struct reader in = reader_of(out.p, out.n);
        ok_err(distinct_load(&back, &in, NULL, NULL, hashes()));
        ok(in.p == in.end);
        same(&d, &back);
        add_run(&d, 100, 5000);
        add_run(&back, 100, 5000);
        same(&d, &back);
        buf_clear(&out);
        distinct_clear(&back);
        distinct_clear(&d);
    }
}

static uint64_t name_of(void *arg, uint32_t id)
{
    return *(uint64_t *)arg - id;
}

static uint32_t id_of(void *arg, uint64_t name)
{
    uint64_t id = *(uint64_t *)arg - name;

    return id < 5000 ? (uint32_t)id : UINT32_MAX;
}

T(ids_are_stored_by_name_and_found_by_name)
{
    uint64_t far = UINT64_MAX;
    struct distinct d = run_of(4000, 4100), back;
    struct buf out;

    buf_init(&out, 1 << 20);
    distinct_init(&back);
    ok_err(distinct_save(&d, &out, name_of, &far));
    struct reader in = reader_of(out.p, out.n);
    ok_err(distinct_load(&back, &in, id_of, &far, hashes()));
    same(&d, &back);
    far = 4050; /* half of the names are now unknown */
    in = reader_of(out.p, out.n);
    eq_err(distinct_load(&back, &in, id_of, &far, hashes()), ERR_DAMAGED);
    eq_u64(distinct_count(&back), 0);
    buf_clear(&out);
    distinct_clear(&back);
    distinct_clear(&d);
}

static uint32_t always_one(void *arg, uint64_t name)
{
    (void)arg, (void)name;
    return 1;
}

T(damaged_sets_are_refused)
{
    static const struct {
        const char *p;
        size_t n;
    } bad[] = {
        {"", 0},                                                  /* nothing */
        {"\x02\x05", 2},                                          /* short */
        {"\x02\x05\x00", 3},                                      /* the same id twice */
        {"\x82\x20\x05", 3},                                      /* 4098 ids */
        {"\x81\x20\x05", 3},                                      /* a sketch, short */
        {"\x01\xff\xff\xff\xff\x0f", 6},                          /* 2^32 - 1 is no id */
        {"\x02\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 12}, /* past 2^64 */
    };
    struct distinct d;

    distinct_init(&d);
    for (size_t i = 0; i < countof(bad); i++) {
        struct reader in = reader_of(bad[i].p, bad[i].n);
        eq_err(distinct_load(&d, &in, NULL, NULL, hashes()), ERR_DAMAGED);
        eq_u64(distinct_count(&d), 0);
    }
    struct reader in = reader_of("\x02\x05\x01", 3);
    eq_err(distinct_load(&d, &in, always_one, NULL, hashes()), ERR_DAMAGED);
    distinct_clear(&d);
}

T(a_save_without_room_leaves_the_buffer_as_it_was)
{
    struct distinct d = run_of(0, 100);
    struct buf out;

    buf_init(&out, 50);
    ok_err(buf_text(&out, "before"));
    eq_err(distinct_save(&d, &out, NULL, NULL), ERR_LIMIT);
    eq_bytes(out.p, out.n, "before", 6);
    buf_clear(&out);
    distinct_clear(&d);
}

static enum err try_sets(struct distinct *a, struct distinct *b)
{
    enum err e = ERR_OK;

    for (uint32_t i = 0; i < 70 && !e; i++) {
        e = distinct_add(a, i, hashes());
        eq_u64(distinct_count(a), e ? i : i + 1);
    }
    for (uint32_t i = 50; i < 50 + 4080 && !e; i++)
        e = distinct_add(b, i, hashes());
    uint64_t before = distinct_count(a);
    if (!e) {
        e = distinct_merge(a, b, hashes());
        ok(e ? distinct_count(a) == before : a->form == 3);
    }
    return e;
}

T_OOM(a_set_that_gets_no_memory_is_unchanged)
{
    struct distinct a, b;

    distinct_init(&a);
    distinct_init(&b);
    (void)hashes();
    enum err e = try_sets(&a, &b);
    distinct_clear(&a);
    distinct_clear(&b);
    return e;
}
