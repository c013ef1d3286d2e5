/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * hll: the error is what the paper says, and merging is the union.
 */
#include "windows/hll.h"

#include "tests/support/t.h"

#include <math.h>

static uint64_t text_hash(uint64_t i)
{
    uint64_t state = i;

    return rnd(&state);
}

static double relative_error(const uint8_t *registers, uint64_t n)
{
    return (double)hll_count(registers) / (double)n - 1;
}

T(nothing_added_counts_as_zero)
{
    uint8_t r[HLL_REGISTERS] = {0};

    eq_u64(hll_count(r), 0);
}

T(the_same_hash_counts_once)
{
    uint8_t r[HLL_REGISTERS] = {0};

    for (int i = 0; i < 1000; i++)
        hll_add(r, 42);
    eq_u64(hll_count(r), 1);
}

T(the_error_stays_within_three_sigma_from_hundreds_to_a_million)
{
    static uint8_t r[HLL_REGISTERS];
    uint64_t base = seed();
    double squares = 0;
    int points = 0;

    for (int run = 0; run < 4; run++, base += UINT64_C(1) << 40) {
        uint64_t n = 0, next = 300;
        memset(r, 0, sizeof(r));
        for (; next < 1000000; next += next / 4) {
            for (; n < next; n++)
                hll_add(r, text_hash(base + n));
            double error = relative_error(r, n);
            near(error, 0, 3 * 0.0081);
            squares += error * error;
            points++;
        }
    }
    ok(sqrt(squares / points) < 1.5 * 0.0081);
}

T(hashes_that_are_small_numbers_are_spread_first)
{
    static uint8_t r[HLL_REGISTERS];

    for (uint64_t i = 0; i < 100000; i++)
        hll_add(r, i);
    near(relative_error(r, 100000), 0, 3 * 0.0081);
}

T(merging_gives_the_registers_of_the_union)
{
    static uint8_t a[HLL_REGISTERS], b[HLL_REGISTERS], both[HLL_REGISTERS];

    for (uint64_t i = 0; i < 30000; i++) {
        hll_add(i < 20000 ? a : b, text_hash(i));
        hll_add(i % 3 ? a : b, text_hash(i));
        hll_add(both, text_hash(i));
    }
    hll_merge(a, b);
    eq_bytes(a, sizeof(a), both, sizeof(both));
}

T(registers_no_set_has_still_give_a_number)
{
    static uint8_t r[HLL_REGISTERS];

    memset(r, 51, sizeof(r));
    eq_u64(hll_count(r), UINT64_MAX);
    r[0] = 0;
    ok(hll_count(r) > 0);
}

T(registers_come_back_as_they_were_stored)
{
    static uint8_t r[HLL_REGISTERS], back[HLL_REGISTERS];
    struct buf out;

    for (size_t i = 0; i < HLL_REGISTERS; i++)
        r[i] = (uint8_t)(i * 7 % 52);
    buf_init(&out, 1 << 20);
    ok_err(hll_save(r, &out));
    eq_int(out.n, HLL_REGISTERS / 4 * 3);
    struct reader in = reader_of(out.p, out.n);
    ok_err(hll_load(back, &in));
    eq_bytes(r, sizeof(r), back, sizeof(back));
    buf_clear(&out);
}

T(a_rank_above_51_or_a_short_text_is_damaged)
{
    static uint8_t r[HLL_REGISTERS], back[HLL_REGISTERS];
    struct buf out;

    buf_init(&out, 1 << 20);
    ok_err(hll_save(r, &out));
    struct reader in = reader_of(out.p, out.n - 1);
    eq_err(hll_load(back, &in), ERR_DAMAGED);
    out.p[100] = 52;
    out.p[99] = 0;
    in = reader_of(out.p, out.n);
    ok_err(hll_load(back, &in)); /* bits of two registers: 52 = 0b110100 is split */
    out.p[99] = 52;
    in = reader_of(out.p, out.n);
    eq_err(hll_load(back, &in), ERR_DAMAGED);
    buf_clear(&out);
}

T(the_estimate_of_fixed_hashes_never_changes)
{
    static uint8_t r[HLL_REGISTERS];

    for (uint64_t i = 0; i < 50000; i++)
        hll_add(r, text_hash(i));
    eq_u64(hll_count(r), 50293);
}
