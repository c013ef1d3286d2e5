/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * rarity_set: against a plain array that is sorted anew each time.
 */
#include "models/rarity_set.h"

#include "tests/support/t.h"

#include <math.h>
#include <stdlib.h>

enum { KEEP = 200, ROUNDS = 3000 };

static float any(uint64_t *state)
{
    return rnd_below(state, 3) ? (float)rnd_below(state, 40) : (float)rnd_below(state, 100000) / 7;
}

static int by_size(const void *a, const void *b)
{
    const float *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

static int by_distance(const void *a, const void *b)
{
    const double *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

static double slow_distance(const float *all, uint32_t n, float x, uint32_t count)
{
    double d[KEEP], sum = 0;

    for (uint32_t i = 0; i < n; i++)
        d[i] = fabs((double)all[i] - (double)x);
    qsort(d, n, sizeof(*d), by_distance);
    count = count < n ? count : n;
    for (uint32_t i = 0; i < count; i++)
        sum += d[i];
    return count ? sum / count : 0;
}

T(it_is_the_last_numbers_in_order)
{
    uint64_t state = seed();
    struct rarity_set s;
    float all[ROUNDS], order[KEEP];

    rarity_set_init(&s, KEEP);
    for (uint32_t i = 0; i < ROUNDS; i++) {
        uint32_t n = i < KEEP ? i : KEEP, below = 0;
        const float *last = &all[i - n];
        float x = any(&state);
        memcpy(order, last, n * sizeof(*last));
        qsort(order, n, sizeof(*order), by_size);
        eq_int(s.n, n);
        eq_bytes(s.sorted, n * sizeof(float), order, n * sizeof(float));
        while (below < n && order[below] < x)
            below++;
        eq_int(rarity_set_below(&s, x), below);
        near(rarity_set_distance(&s, x, 5), slow_distance(last, n, x, 5), 1e-9);
        all[i] = x;
        ok_err(rarity_set_reserve(&s));
        rarity_set_add(&s, x);
    }
    rarity_set_clear(&s);
}

T(a_saved_one_goes_on_the_same)
{
    uint64_t state = seed();

    for (int rounds = 0; rounds < 500; rounds += 83) {
        struct rarity_set a, b;
        struct buf out;
        rarity_set_init(&a, KEEP);
        rarity_set_init(&b, KEEP);
        buf_init(&out, 1 << 16);
        for (int i = 0; i < rounds; i++) {
            ok_err(rarity_set_reserve(&a));
            rarity_set_add(&a, any(&state));
        }
        ok_err(rarity_set_save(&a, &out));
        struct reader in = reader_of(out.p, out.n);
        ok_err(rarity_set_load(&b, &in));
        ok(in.p == in.end);
        for (int i = 0; i < 300; i++) {
            float x = any(&state);
            ok_err(rarity_set_reserve(&a));
            ok_err(rarity_set_reserve(&b));
            rarity_set_add(&a, x);
            rarity_set_add(&b, x);
        }
        eq_bytes(a.sorted, a.n * sizeof(float), b.sorted, b.n * sizeof(float));
        eq_bytes(a.ring, a.n * sizeof(float), b.ring, b.n * sizeof(float));
        eq_int(a.at, b.at);
        rarity_set_clear(&a);
        rarity_set_clear(&b);
        buf_clear(&out);
    }
}

T(damaged_state_is_told_before_memory_is_taken)
{
    static const char much[] = {(char)0xff, (char)0xff, 3, 0};
    static const char at[] = {2, 1, 0, 0, 0, 0, 0, 0, 0, 0};
    static const char none[] = {1, 0, 0, 0, (char)0xc0, 0x7f};
    struct rarity_set s;

    rarity_set_init(&s, 65536);
    struct reader in = reader_of(much, sizeof(much));
    eq_err(rarity_set_load(&s, &in), ERR_DAMAGED);
    in = reader_of(at, sizeof(at));
    eq_err(rarity_set_load(&s, &in), ERR_DAMAGED);
    in = reader_of(none, sizeof(none));
    eq_err(rarity_set_load(&s, &in), ERR_DAMAGED);
    eq_int(s.n, 0);
    rarity_set_clear(&s);
}

T_OOM(a_set_survives_lack_of_memory)
{
    struct rarity_set s;
    enum err e = ERR_OK;
    uint32_t n = 0;

    rarity_set_init(&s, 1000);
    for (; !e && n < 600; n++) {
        e = rarity_set_reserve(&s);
        if (!e)
            rarity_set_add(&s, (float)(n % 7));
    }
    memory_again();
    eq_int(s.n, e ? n - 1 : n);
    ok_err(rarity_set_reserve(&s));
    rarity_set_add(&s, 3);
    rarity_set_clear(&s);
    return e;
}
