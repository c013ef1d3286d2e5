/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * scan_portable: the masks of scan.h in plain C, eight bytes in one integer. Include scan.h,
 * not this.
 *
 * The classic exact test for a zero byte (Hacker's Delight, 6-1): for a byte y,
 * ((y & 0x7f) + 0x7f) | y has its top bit clear only if y is 0; no carry crosses bytes.
 */
#ifndef TILLSTREAM_CONNECTORS_SCAN_PORTABLE_H
#define TILLSTREAM_CONNECTORS_SCAN_PORTABLE_H

#include <stddef.h>
#include <stdint.h>

#define SCAN_EACH(byte) (UINT64_C(0x0101010101010101) * (byte))
#define SCAN_TOP SCAN_EACH(0x80U)

/* Byte 0 is the lowest, whatever the machine. */
static inline uint64_t scan_word(const char *p)
{
    uint64_t x = 0;
    for (size_t i = 0; i < 8; i++) {
        x |= (uint64_t)(unsigned char)p[i] << (8 * i);
    }
    return x;
}

/* The top bit of each byte that equals `byte`. */
static inline uint64_t scan_equal(uint64_t x, unsigned char byte)
{
    uint64_t y = x ^ SCAN_EACH(byte);
    return ~(((y & ~SCAN_TOP) + ~SCAN_TOP) | y) & SCAN_TOP;
}

/* The top bit of each byte below 0x20. */
static inline uint64_t scan_below_space(uint64_t x)
{
    return ~((x & ~SCAN_TOP) + SCAN_EACH(0x60U)) & ~x & SCAN_TOP;
}

/* Gathers the top bits of eight bytes into eight bits, in order. */
static inline uint64_t scan_gather(uint64_t tops)
{
    return ((tops >> 7) * UINT64_C(0x0102040810204080)) >> 56;
}

static inline uint64_t scan_json16(const char *p, uint64_t *high)
{
    uint64_t mask = 0;
    for (size_t i = 0; i < 2; i++) {
        uint64_t x = scan_word(p + 8 * i);
        uint64_t tops = scan_equal(x, '"') | scan_equal(x, '\\') | scan_below_space(x);
        mask |= scan_gather(tops) << (8 * i);
        *high |= scan_gather(x & SCAN_TOP) << (8 * i);
    }
    return mask;
}

static inline uint64_t scan_csv64(const char *p, char separator, uint64_t *odd)
{
    uint64_t mask = 0;
    for (size_t i = 0; i < 8; i++) {
        uint64_t x = scan_word(p + 8 * i);
        uint64_t tops = scan_equal(x, (unsigned char)separator) | scan_equal(x, '"') |
                        scan_equal(x, '\n') | scan_equal(x, '\r');
        mask |= scan_gather(tops) << (8 * i);
        *odd |= scan_gather((x & SCAN_TOP) | scan_equal(x, 0));
    }
    return mask;
}

#endif
