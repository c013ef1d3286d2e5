/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * hll: counts different hashes in 16 KiB.
 *
 * A hash chooses one register by its upper 14 bits; the register keeps the largest rank seen,
 * which is 1 + the number of leading zeros of the other 50 bits (so 1 to 51; 0: nothing seen).
 * With m registers, C[k] of them holding k and q = 50, Ertl's estimate is
 *
 *     0.5/ln 2 * m^2 / (m * sigma(C[0]/m) + sum(C[k] / 2^k, k = 1..q) + m * tau(1 - C[q+1]/m) /
 * 2^q) sigma(x) = x + sum(x^(2^k) * 2^(k-1), k >= 1) tau(x)   = (1 - x - sum((1 - x^(2^-k))^2 /
 * 2^k, k >= 1)) / 3
 *
 * 1. Registers only grow, and merging takes the larger of two: order does not matter.
 * 2. The estimate is the same on every machine: additions, multiplications, divisions and
 *    square roots only, all exactly rounded, and no expression that a compiler might fuse.
 */
#include "windows/hll.h"

#include <math.h>

enum { RANKS = 64 - HLL_BITS, RANK_MAX = RANKS + 1 };

/* The finishing step of splitmix64. The texts' hash need not spread all of its bits well:
 * part of what is stored, so never to be changed. */
static uint64_t spread(uint64_t x)
{
    x ^= x >> 30;
    x *= UINT64_C(0xbf58476d1ce4e5b9);
    x ^= x >> 27;
    x *= UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

void hll_add(uint8_t *registers, uint64_t hash)
{
    uint64_t x = spread(hash);
    uint64_t rest = (x << HLL_BITS) | (UINT64_C(1) << (HLL_BITS - 1)); /* ends the zeros */
    uint8_t rank = (uint8_t)(__builtin_clzll(rest) + 1);
    uint8_t *r = &registers[x >> RANKS];

    if (rank > *r)
        *r = rank;
}

void hll_merge(uint8_t *into, const uint8_t *from)
{
    for (size_t i = 0; i < HLL_REGISTERS; i++)
        into[i] = from[i] > into[i] ? from[i] : into[i];
}

static double sigma(double x)
{
    double y = 1, z = x, before = -1;

    if (x >= 1)
        return HUGE_VAL;
    while (z > before) {
        x *= x;
        before = z;
        double step = x * y;
        z += step;
        y += y;
    }
    return z;
}

static double tau(double x)
{
    double y = 1, z = 1 - x, before = 2;

    if (x <= 0 || x >= 1)
        return 0;
    while (z < before) {
        x = sqrt(x);
        before = z;
        y *= 0.5;
        double gap = 1 - x;
        gap *= gap;
        gap *= y;
        z -= gap;
    }
    return z / 3;
}

uint64_t hll_count(const uint8_t *registers)
{
    const double m = HLL_REGISTERS;
    const double alpha = 0.72134752044448170368; /* 0.5 / ln 2 */
    uint32_t held[RANK_MAX + 1] = {0};

    for (size_t i = 0; i < HLL_REGISTERS; i++)
        held[registers[i]]++;

    double z = m * tau(1 - held[RANK_MAX] / m);
    for (int k = RANKS; k >= 1; k--) {
        z += held[k];
        z *= 0.5;
    }
    double none = sigma(held[0] / m);
    none *= m;
    z += none;

    double count = alpha * m * m / z;
    return count < 0x1p64 ? (uint64_t)(count + 0.5) : UINT64_MAX;
}

enum err hll_save(const uint8_t *registers, struct buf *out)
{
    uint8_t packed[HLL_REGISTERS / 4 * 3];

    for (size_t i = 0, at = 0; i < HLL_REGISTERS; i += 4, at += 3) {
        const uint8_t *r = registers + i;
        packed[at] = (uint8_t)(r[0] | r[1] << 6);
        packed[at + 1] = (uint8_t)(r[1] >> 2 | r[2] << 4);
        packed[at + 2] = (uint8_t)(r[2] >> 4 | r[3] << 2);
    }
    return buf_add(out, packed, sizeof(packed));
}

enum err hll_load(uint8_t *registers, struct reader *in)
{
    bool sound = true;

    for (size_t i = 0; i < HLL_REGISTERS; i += 4) {
        uint32_t bits = read_u8(in);
        bits |= (uint32_t)read_u8(in) << 8;
        bits |= (uint32_t)read_u8(in) << 16;
        for (size_t k = 0; k < 4; k++, bits >>= 6) {
            registers[i + k] = (uint8_t)(bits & 63);
            sound = sound && (bits & 63) <= RANK_MAX;
        }
    }
    return sound && !in->bad ? ERR_OK : ERR_DAMAGED;
}
