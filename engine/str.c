/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * str: the one hash of the program.
 *
 * The idea is that of Wang Yi's wyhash: a 64 x 64 -> 128 bit product mixes better than any
 * cheap run of shifts, and folding its halves together keeps what it mixed. Two words of
 * input are taken at a time, each met by a constant or by the state so far:
 *
 *     state = fold(word0 ^ K1, word1 ^ state)        fold(a, b) = low(a*b) ^ high(a*b)
 *
 * The last 1 to 16 bytes are read as two words that may overlap each other or the block
 * before, so that there is no loop over single bytes. Most keys (an invoice, a stock code, a
 * country) are 16 bytes or shorter and cost two products.
 *
 * Invariants:
 * 1. The result depends on the bytes alone: words are little-endian on every machine. It is
 *    part of stored sketches, so a change here is a change of the state's format.
 * 2. The length takes part, so texts that differ only in trailing zero bytes differ.
 */
#include "engine/str.h"

__extension__ typedef unsigned __int128 u128;

/* Odd, about half of their bits set: the first digits of the fractions of the square roots
 * of 2, 3, 5 and 7, the lowest bit set. */
static const uint64_t K0 = UINT64_C(0x6a09e667f3bcc909);
static const uint64_t K1 = UINT64_C(0xbb67ae8584caa73b);
static const uint64_t K2 = UINT64_C(0x3c6ef372fe94f82b);
static const uint64_t K3 = UINT64_C(0xa54ff53a5f1d36f1);

static uint64_t load64(const char *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? __builtin_bswap64(v) : v;
}

static uint64_t load32(const char *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? __builtin_bswap32(v) : v;
}

static uint64_t fold(uint64_t a, uint64_t b)
{
    u128 product = (u128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* 1 to 3 bytes as one number: the first, the middle and the last. */
static uint64_t load_few(const char *p, size_t n)
{
    uint64_t first = (unsigned char)p[0];
    uint64_t middle = (unsigned char)p[n / 2];
    uint64_t last = (unsigned char)p[n - 1];
    return first << 16 | middle << 8 | last;
}

uint64_t str_hash(struct str s)
{
    const char *p = s.p;
    size_t left = s.n;
    uint64_t state = K0 ^ s.n;
    for (; left > 16; left -= 16, p += 16) {
        state = fold(load64(p) ^ K1, load64(p + 8) ^ state);
    }
    uint64_t a = 0, b = 0;
    if (left >= 8) {
        a = load64(p);
        b = load64(p + left - 8);
    } else if (left >= 4) {
        a = load32(p);
        b = load32(p + left - 4);
    } else if (left > 0) {
        a = load_few(p, left);
    }
    u128 product = (u128)(a ^ K1) * (b ^ state);
    return fold((uint64_t)product ^ K2 ^ s.n, (uint64_t)(product >> 64) ^ K3);
}
