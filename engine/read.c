/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * read: the reading half of engine/buf.h, for bytes that may have been damaged.
 *
 * The idea: a reader that went wrong stays wrong and gives zeros, so a loader reads
 * everything in a straight line and looks at `bad` once, before it believes any of it.
 *
 * Invariants:
 * 1. p <= end; nothing behind `end` is ever read.
 * 2. bad implies p == end: no later read can succeed by chance.
 * 3. A number has one spelling: a varint with needless bytes is malformed, so what was read
 *    is written again as the same bytes.
 */
#include "engine/buf.h"

struct reader reader_of(const void *p, size_t n)
{
    const unsigned char *begin = p;
    return (struct reader){.p = begin, .end = n ? begin + n : begin};
}

static void read_fail(struct reader *r)
{
    r->bad = true;
    r->p = r->end;
}

/* The next n (> 0) bytes, or NULL. */
static const unsigned char *read_raw(struct reader *r, size_t n)
{
    if ((size_t)(r->end - r->p) < n) {
        read_fail(r);
        return NULL;
    }
    const unsigned char *at = r->p;
    r->p += n;
    return at;
}

static uint64_t read_little(struct reader *r, size_t n)
{
    const unsigned char *at = read_raw(r, n);
    uint64_t v = 0;
    for (size_t i = 0; at && i < n; i++) {
        v |= (uint64_t)at[i] << (8 * i);
    }
    return v;
}

uint8_t read_u8(struct reader *r)
{
    return (uint8_t)read_little(r, 1);
}

uint32_t read_u32(struct reader *r)
{
    return (uint32_t)read_little(r, 4);
}

uint64_t read_u64(struct reader *r)
{
    return read_little(r, 8);
}

uint64_t read_varint(struct reader *r)
{
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 64 && r->p < r->end; shift += 7) {
        unsigned char byte = *r->p++;
        v |= (uint64_t)(byte & 0x7f) << shift;
        if (byte & 0x80) {
            continue;
        }
        bool needless = byte == 0 && shift > 0;
        bool overflow = shift == 63 && byte > 1;
        if (needless || overflow) {
            break;
        }
        return v;
    }
    read_fail(r);
    return 0;
}

int64_t read_zigzag(struct reader *r)
{
    uint64_t v = read_varint(r);
    int64_t half = (int64_t)(v >> 1);
    return v & 1 ? -half - 1 : half;
}

struct str read_bytes(struct reader *r)
{
    uint64_t n = read_count(r, (uint64_t)(r->end - r->p));
    const unsigned char *at = n ? read_raw(r, (size_t)n) : NULL;
    return at ? (struct str){(const char *)at, (size_t)n} : (struct str){"", 0};
}

uint64_t read_count(struct reader *r, uint64_t max)
{
    uint64_t n = read_varint(r);
    if (n > max) {
        read_fail(r);
        return 0;
    }
    return n;
}
