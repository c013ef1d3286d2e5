/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * buf: the writing half of stored state, and every text of unknown length.
 *
 * The idea: a buffer doubles until the largest size declared when it was made, and a caller
 * who asks for more gets ERR_LIMIT instead of a machine out of memory. Numbers are written
 * byte by byte, lowest first. A varint is LEB128: seven bits a byte, lowest first, the top
 * bit set on all but the last. A zigzag maps 0, -1, 1, -2, ... to 0, 1, 2, 3, ... first.
 *
 * Invariants:
 * 1. n <= cap <= max.
 * 2. cap + 1 bytes are allocated where cap > 0: the spare one takes the NUL of vsnprintf, so
 *    a text of exactly `max` bytes fits.
 * 3. A failed call changes neither n nor the first n bytes.
 */
#include "engine/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define BUF_FIRST 64 /* bytes of the first allocation */

void buf_init(struct buf *b, size_t max)
{
    *b = (struct buf){.max = max};
}

void buf_clear(struct buf *b)
{
    free(b->p);
    buf_init(b, b->max);
}

enum err buf_reserve(struct buf *b, size_t more)
{
    if (more <= b->cap - b->n) {
        return ERR_OK;
    }
    if (more > b->max - b->n) {
        return ERR_LIMIT;
    }
    size_t need = b->n + more;
    size_t cap = b->cap < BUF_FIRST ? BUF_FIRST : b->cap;
    while (cap < need && cap <= b->max / 2) {
        cap *= 2;
    }
    if (cap < need || cap > b->max) {
        cap = b->max;
    }
    if (cap >= PTRDIFF_MAX) {
        return ERR_NOMEM;
    }
    char *p = realloc(b->p, cap + 1);
    if (!p) {
        return ERR_NOMEM;
    }
    b->p = p;
    b->cap = cap;
    return ERR_OK;
}

enum err buf_add(struct buf *b, const void *p, size_t n)
{
    enum err e = buf_reserve(b, n);
    if (e || n == 0) {
        return e;
    }
    memcpy(b->p + b->n, p, n);
    b->n += n;
    return ERR_OK;
}

enum err buf_str(struct buf *b, struct str s)
{
    return buf_add(b, s.p, s.n);
}

enum err buf_text(struct buf *b, const char *text)
{
    return buf_add(b, text, strlen(text));
}

enum err buf_printf(struct buf *b, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (length < 0) {
        return ERR_INVALID;
    }
    enum err e = buf_reserve(b, (size_t)length);
    if (e || length == 0) {
        return e;
    }
    va_start(args, format);
    (void)vsnprintf(b->p + b->n, (size_t)length + 1, format, args);
    va_end(args);
    b->n += (size_t)length;
    return ERR_OK;
}

enum err buf_u8(struct buf *b, uint8_t v)
{
    return buf_add(b, &v, 1);
}

enum err buf_u32(struct buf *b, uint32_t v)
{
    unsigned char bytes[4];
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (unsigned char)(v >> (8 * i));
    }
    return buf_add(b, bytes, sizeof bytes);
}

enum err buf_u64(struct buf *b, uint64_t v)
{
    unsigned char bytes[8];
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (unsigned char)(v >> (8 * i));
    }
    return buf_add(b, bytes, sizeof bytes);
}

enum err buf_varint(struct buf *b, uint64_t v)
{
    unsigned char bytes[10];
    size_t n = 0;
    for (; v >= 0x80; v >>= 7) {
        bytes[n++] = (unsigned char)(v | 0x80);
    }
    bytes[n++] = (unsigned char)v;
    return buf_add(b, bytes, n);
}

enum err buf_zigzag(struct buf *b, int64_t v)
{
    uint64_t sign = v < 0 ? UINT64_MAX : 0;
    return buf_varint(b, (uint64_t)v << 1 ^ sign);
}

enum err buf_bytes(struct buf *b, struct str s)
{
    size_t before = b->n;
    enum err e = buf_varint(b, s.n);
    if (!e) {
        e = buf_str(b, s);
    }
    if (e) {
        b->n = before;
    }
    return e;
}
