/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * quantile: every value has one bucket, 1 % holds for all of int64, merging is addition.
 */
#include "windows/quantile.h"

#include "tests/support/t.h"

#include <math.h>
#include <stdlib.h>

enum { LAST = 4096 + 36 * 51 - 1 };

__extension__ typedef __int128 i128;

/* Of any magnitude and either sign. */
static int64_t any_value(uint64_t *state)
{
    return (int64_t)rnd(state) >> rnd_below(state, 64);
}

static int64_t price_like(uint64_t *state)
{
    int64_t cents = (int64_t)rnd_below(state, 1 + rnd_below(state, 100000));

    return (rnd(state) % 10 ? cents : -cents) * 10000;
}

static struct buf saved(const struct quantile *q)
{
    struct buf out;

    buf_init(&out, 1 << 20);
    ok_err(quantile_save(q, &out));
    return out;
}

static void same(const struct quantile *a, const struct quantile *b)
{
    struct buf x = saved(a), y = saved(b);

    eq_bytes(x.p, x.n, y.p, y.n);
    buf_clear(&x);
    buf_clear(&y);
}

/* What a quantile of nothing but `value` says, unclamped, is within 1 % of it: exactly. */
static void within_one_percent(int64_t value)
{
    static const double half = 0.5;
    struct quantile q;
    int64_t got;

    quantile_init(&q);
    ok_err(quantile_add(&q, value));
    quantile_at(&q, INT64_MIN, INT64_MAX, &half, 1, &got);
    i128 error = (i128)got - value, size = value;
    error = error < 0 ? -error : error;
    size = size < 0 ? -size : size;
    if (error * 100 > size)
        fail("%jd is said to be %jd", (intmax_t)value, (intmax_t)got);
    if (size < 4096)
        eq_int(got, value);
    quantile_clear(&q);
}

T(buckets_share_out_all_of_int64_without_gap_or_overlap)
{
    int64_t before = 0;

    for (int b = -LAST - 1; b <= LAST; b++) {
        int64_t low, high;
        quantile_bounds((int16_t)b, &low, &high);
        ok(low <= high);
        if (b == -LAST - 1)
            eq_int(low, INT64_MIN);
        else
            eq_int(low, before + 1);
        eq_int(quantile_bucket(low), b);
        eq_int(quantile_bucket(high), b);
        before = high;
    }
    eq_int(before, INT64_MAX);
}

T(limits_follow_the_documented_rule)
{
    uint64_t limit = UINT64_C(1) << 31;

    for (int j = 0; j < 36; j++, limit += limit / 51) {
        int64_t low, high;
        quantile_bounds((int16_t)(4096 + 36 * (31 - 12) + j), &low, &high);
        eq_int(low, limit);
        quantile_bounds((int16_t)(4096 + 36 * (40 - 12) + j), &low, &high);
        eq_int(low, limit << 9);
        quantile_bounds((int16_t)(4096 + 36 * (12 - 12) + j), &low, &high);
        eq_int(low, (limit + (1 << 19) - 1) >> 19);
    }
    ok(limit >= UINT64_C(1) << 32);
}

T(one_percent_holds_at_both_ends_of_every_bucket)
{
    for (int b = -LAST - 1; b <= LAST; b++) {
        int64_t low, high;
        quantile_bounds((int16_t)b, &low, &high);
        within_one_percent(low);
        within_one_percent(high);
    }
}

T(one_percent_holds_for_any_value)
{
    uint64_t state = seed();

    within_one_percent(INT64_MIN);
    within_one_percent(INT64_MAX);
    for (int i = 0; i < 300000; i++)
        within_one_percent(any_value(&state));
}

T(a_bucket_of_a_larger_value_is_never_smaller)
{
    uint64_t state = seed();

    for (int i = 0; i < 200000; i++) {
        int64_t a = any_value(&state), b = any_value(&state);
        ok(a < b ? quantile_bucket(a) <= quantile_bucket(b)
                 : quantile_bucket(a) >= quantile_bucket(b));
    }
}

T(nothing_added_gives_zeros)
{
    static const double p[] = {0, 0.5, 1};
    int64_t out[] = {7, 7, 7};
    struct quantile q;

    quantile_init(&q);
    quantile_at(&q, 0, 0, p, countof(p), out);
    for (size_t i = 0; i < countof(out); i++)
        eq_int(out[i], 0);
    eq_u64(quantile_count(&q), 0);
}

static int ascending(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

/* n values by `draw`, against the sorted array. */
static void check_ranks(size_t n, int64_t (*draw)(uint64_t *), uint64_t *state)
{
    static const double p[] = {0, 0.001, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 0.9999, 1};
    static int64_t values[5000];
    int64_t out[countof(p)];
    struct quantile q;

    quantile_init(&q);
    for (size_t i = 0; i < n; i++) {
        values[i] = draw(state);
        ok_err(quantile_add(&q, values[i]));
    }
    qsort(values, n, sizeof(*values), ascending);
    quantile_at(&q, values[0], values[n - 1], p, countof(p), out);
    for (size_t i = 0; i < countof(p); i++) {
        size_t rank = (size_t)ceil(p[i] * (double)n);
        double exact = (double)values[rank ? rank - 1 : 0];
        near((double)out[i], exact, 0.01 * fabs(exact));
    }
    eq_int(out[0] >= values[0] && out[countof(p) - 1] <= values[n - 1], 1);
    quantile_clear(&q);
}

T(quantiles_are_within_one_percent_of_the_sorted_values)
{
    static const size_t sizes[] = {1, 2, 3, 4, 5, 8, 9, 31, 32, 33, 100, 1000, 5000};
    uint64_t state = seed();

    for (size_t i = 0; i < countof(sizes); i++) {
        check_ranks(sizes[i], any_value, &state);
        check_ranks(sizes[i], price_like, &state);
    }
}

T(ten_values_have_their_ninth_as_p90)
{
    static const double p[] = {0.5, 0.9, 0.99};
    struct quantile q;
    int64_t out[3];

    quantile_init(&q);
    for (int64_t v = 10; v > 0; v--)
        ok_err(quantile_add(&q, v));
    quantile_at(&q, 1, 10, p, 3, out);
    eq_int(out[0], 5);
    eq_int(out[1], 9);
    eq_int(out[2], 10);
    quantile_clear(&q);
}

T(four_values_need_no_memory)
{
    struct quantile q;

    quantile_init(&q);
    for (int64_t v = 0; v < 4; v++)
        ok_err(quantile_add(&q, v * INT64_C(1000000000)));
    eq_int(quantile_memory(&q), 0);
    ok_err(quantile_add(&q, 5));
    ok(quantile_memory(&q) > 0);
    quantile_clear(&q);
}

T(merging_in_any_grouping_equals_adding_all)
{
    uint64_t state = seed();

    for (int round = 0; round < 300; round++) {
        struct quantile part[3], whole;
        quantile_init(&whole);
        for (int i = 0; i < 3; i++) {
            quantile_init(&part[i]);
            for (uint64_t n = rnd_below(&state, round % 2 ? 20 : 200); n > 0; n--) {
                int64_t v = round % 3 ? price_like(&state) : any_value(&state);
                ok_err(quantile_add(&part[i], v));
                ok_err(quantile_add(&whole, v));
            }
        }
        if (round % 5 == 0) { /* (a + b) + c, else a + (c + b) */
            ok_err(quantile_merge(&part[0], &part[1]));
            ok_err(quantile_merge(&part[0], &part[2]));
        } else {
            ok_err(quantile_merge(&part[2], &part[1]));
            ok_err(quantile_merge(&part[0], &part[2]));
        }
        same(&part[0], &whole);
        eq_u64(quantile_count(&part[0]), quantile_count(&whole));
        quantile_clear(&whole);
        for (int i = 0; i < 3; i++)
            quantile_clear(&part[i]);
    }
}

T(merging_with_itself_doubles_the_counts)
{
    for (int64_t n = 0; n < 70; n++) {
        struct quantile q, twice;
        quantile_init(&q);
        quantile_init(&twice);
        for (int64_t v = -n / 3; v < n - n / 3; v++) {
            ok_err(quantile_add(&q, v * 300000));
            ok_err(quantile_add(&twice, v * 300000));
            ok_err(quantile_add(&twice, v * 300000));
        }
        ok_err(quantile_merge(&q, &q));
        same(&q, &twice);
        quantile_clear(&twice);
        quantile_clear(&q);
    }
}

T(a_reset_one_serves_again_and_keeps_its_memory)
{
    static const int64_t sizes[] = {3, 40, 2, 10, 100, 1, 0, 33};
    struct quantile q, other;

    quantile_init(&q);
    quantile_init(&other);
    for (size_t i = 0; i < countof(sizes); i++) {
        struct quantile fresh;
        quantile_init(&fresh);
        for (int64_t v = 0; v < sizes[i]; v++) {
            int64_t value = (v % 2 ? v : -v) * 77777777;
            ok_err(quantile_add(&q, value));
            ok_err(quantile_add(&fresh, value));
        }
        same(&q, &fresh);
        quantile_reset(&other);
        ok_err(quantile_merge(&other, &q));
        same(&other, &fresh);
        size_t memory = quantile_memory(&q);
        quantile_reset(&q);
        eq_u64(quantile_count(&q), 0);
        eq_int(quantile_memory(&q), memory);
        quantile_clear(&fresh);
    }
    quantile_clear(&other);
    quantile_clear(&q);
}

T(the_range_is_that_of_the_values)
{
    int16_t low, high;
    struct quantile q;

    quantile_init(&q);
    quantile_range(&q, &low, &high);
    eq_int(low, 0);
    eq_int(high, 0);
    for (int64_t v = 1; v < 60; v++) {
        ok_err(quantile_add(&q, v * 1000));
        quantile_range(&q, &low, &high);
        eq_int(low, quantile_bucket(1000));
        eq_int(high, quantile_bucket(v * 1000));
    }
    quantile_clear(&q);
}

T(values_come_back_as_they_were_stored)
{
    uint64_t state = seed();

    for (size_t n = 0; n < 80; n++) {
        struct quantile q, back;
        quantile_init(&q);
        quantile_init(&back);
        ok_err(quantile_add(&back, 5)); /* replaced */
        for (size_t i = 0; i < n; i++)
            ok_err(quantile_add(&q, i % 4 ? price_like(&state) : any_value(&state)));
        struct buf out = saved(&q);
        struct reader in = reader_of(out.p, out.n);
        ok_err(quantile_load(&back, &in));
        ok(in.p == in.end);
        same(&q, &back);
        buf_clear(&out);
        quantile_clear(&back);
        quantile_clear(&q);
    }
}

T(damaged_values_are_refused)
{
    static const struct {
        const char *p;
        size_t n;
    } bad[] = {
        {"", 0},
        {"\x01\x02", 2},                                              /* short */
        {"\x01\x02\x00", 3},                                          /* counts nothing */
        {"\x02\x02\x01\x00\x01", 5},                                  /* a bucket twice */
        {"\x01\xd8\x5c\x01", 4},                                      /* bucket 5932 */
        {"\x01\xd9\x5c\x01", 4},                                      /* bucket -5933 */
        {"\x01\x02\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 12},     /* 2^64 - 1 values */
        {"\x02\x02\xff\xff\xff\xff\xff\xff\xff\xff\x7f\x01\x01", 13}, /* 2^63 values */
        {"\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x01", 12},     /* bucket -2^63 */
        {"\xff\xff\x7f\x02\x01", 5},                                  /* pairs */
    };
    struct quantile q;

    quantile_init(&q);
    for (size_t i = 0; i < countof(bad); i++) {
        struct reader in = reader_of(bad[i].p, bad[i].n);
        eq_err(quantile_load(&q, &in), ERR_DAMAGED);
        eq_u64(quantile_count(&q), 0);
    }
    struct reader in = reader_of("\x02\xd7\x5c\x01\xab\x2e\x01", 7); /* -5932 and -1: sound */
    ok_err(quantile_load(&q, &in));
    quantile_clear(&q);
}

static enum err try_values(struct quantile *a, struct quantile *b)
{
    enum err e = ERR_OK;

    for (int64_t i = 0; i < 40 && !e; i++) {
        e = quantile_add(a, i * 1000000);
        eq_u64(quantile_count(a), e ? i : i + 1);
    }
    for (int64_t i = 0; i < 20 && !e; i++)
        e = quantile_add(b, -i * 1000000);
    for (int i = 0; i < 2 && !e; i++) { /* 40, then 80 */
        uint64_t before = quantile_count(b), more = quantile_count(i ? b : a);
        e = quantile_merge(b, i ? b : a);
        eq_u64(quantile_count(b), e ? before : before + more);
    }
    return e;
}

T_OOM(values_that_get_no_memory_are_unchanged)
{
    struct quantile a, b;

    quantile_init(&a);
    quantile_init(&b);
    enum err e = try_values(&a, &b);
    quantile_clear(&a);
    quantile_clear(&b);
    return e;
}
