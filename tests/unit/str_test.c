/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Tests of engine/str: comparing, and what makes the hash fit for tables and sketches.
 */
#include "engine/str.h"

#include "tests/support/t.h"

#include <stdio.h>
#include <stdlib.h>

T(strings_compare_by_bytes_and_a_prefix_comes_first)
{
    ok(str_eq(STR(""), (struct str){NULL, 0}));
    ok(str_eq(STR("85123A"), STR("85123A")));
    ok(!str_eq(STR("85123A"), STR("85123a")));
    ok(!str_eq(STR("85123"), STR("85123A")));
    ok(str_cmp(STR("a"), STR("b")) < 0);
    ok(str_cmp(STR("ab"), STR("a")) > 0);
    ok(str_cmp(STR("\xc3"), STR("z")) > 0);
    eq_int(str_cmp(STR(""), (struct str){NULL, 0}), 0);
}

T(hashes_are_the_same_on_every_machine_and_in_every_version)
{
    /* Stored sketches depend on these: computed by a second implementation. */
    static const struct {
        const char *text;
        uint64_t hash;
    } frozen[] = {
        {"", UINT64_C(0x57b630e0964af7bd)},
        {"a", UINT64_C(0xf1177d1ffa4dfb8b)},
        {"ab", UINT64_C(0x51730facc5d37353)},
        {"abc", UINT64_C(0xaa5ee1dbf46b553b)},
        {"536365", UINT64_C(0x519129b4318b3c3d)},
        {"85123A", UINT64_C(0x4937f9d707847691)},
        {"C536379", UINT64_C(0x2fe927987aba9760)},
        {"United Kingdom", UINT64_C(0x581f93a22124d47f)},
        {"0123456789abcdef", UINT64_C(0xd37049d8b2219727)},
        {"0123456789abcdefg", UINT64_C(0x23f653cd9258c732)},
        {"WHITE HANGING HEART T-LIGHT HOLDER", UINT64_C(0xd8fbf56f8ab9ad8b)},
    };
    for (size_t i = 0; i < countof(frozen); i++) {
        eq_u64(str_hash(str_of(frozen[i].text)), frozen[i].hash);
    }
}

T(a_hash_reads_nothing_beyond_the_text)
{
    for (size_t n = 0; n < 70; n++) {
        char *exact = calloc(1, n ? n : 1); /* the sanitizer guards its end */
        char wide[80];
        memset(wide, '!', sizeof wide);
        memset(wide + 3, 0, n);
        ok(exact != NULL);
        eq_u64(str_hash((struct str){exact, n}), str_hash((struct str){wide + 3, n}));
        free(exact);
    }
}

T(texts_of_zero_bytes_differ_by_their_length)
{
    static const char zeros[64];
    for (size_t n = 0; n < 64; n++) {
        for (size_t m = 0; m < n; m++) {
            ok(str_hash((struct str){zeros, n}) != str_hash((struct str){zeros, m}));
        }
    }
}

/* How many bits of the hash change with this bit, over 32 random texts of n bytes. */
static int turned_by(size_t bit, size_t n, uint64_t *state)
{
    int turned = 0;
    for (int round = 0; round < 32; round++) {
        char text[40];
        for (size_t i = 0; i < n; i++) {
            text[i] = (char)(rnd(state) & 0x7f);
        }
        uint64_t before = str_hash((struct str){text, n});
        text[bit / 8] = (char)(text[bit / 8] ^ (char)(1 << bit % 8));
        turned += __builtin_popcountll(before ^ str_hash((struct str){text, n}));
    }
    return turned;
}

T(each_bit_of_the_input_turns_half_of_the_hash)
{
    uint64_t state = seed();
    for (size_t n = 1; n <= 40; n++) {
        for (size_t bit = 0; bit < 8 * n; bit++) {
            /* 2048 coins, sd 22.6: eight of them */
            near((double)turned_by(bit, n, &state), 1024.0, 181.0);
        }
    }
}

static int by_value(const void *a, const void *b)
{
    uint64_t x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

#define NUMBERS ((size_t)1 << 20)
#define BINS ((size_t)4096)

/* Chi-square of the bins against an even spread. */
static double chi_square(const double *bins)
{
    double chi = 0, even = (double)NUMBERS / (double)BINS;
    for (size_t b = 0; b < BINS; b++) {
        chi += (bins[b] - even) * (bins[b] - even) / even;
    }
    return chi;
}

T(a_million_invoice_numbers_collide_nowhere_and_fill_tables_evenly)
{
    static uint64_t hash[NUMBERS];
    static double low[BINS], high[BINS];
    for (size_t i = 0; i < NUMBERS; i++) {
        char text[16];
        int n = snprintf(text, sizeof text, "%zu", 536365 + i);
        hash[i] = str_hash((struct str){text, (size_t)n});
        low[hash[i] % BINS]++;
        high[hash[i] >> 52]++;
    }
    near(chi_square(low), (double)BINS - 1, 6 * 90.5); /* sd is sqrt(2 * 4095) */
    near(chi_square(high), (double)BINS - 1, 6 * 90.5);
    qsort(hash, NUMBERS, sizeof *hash, by_value);
    for (size_t i = 1; i < NUMBERS; i++) {
        ok(hash[i] != hash[i - 1]);
    }
}
