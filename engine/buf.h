/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * buf: a growable run of bytes that declares its largest size when it is made.
 *
 * Integers are stored little-endian whatever the machine (stored state uses this).
 * A failed call leaves the buffer as it was.
 */
#ifndef TILLSTREAM_ENGINE_BUF_H
#define TILLSTREAM_ENGINE_BUF_H

#include "engine/err.h"
#include "engine/str.h"

struct buf {
    char *p;
    size_t n;   /* bytes in use */
    size_t cap; /* bytes allocated */
    size_t max; /* never more than this */
};

void buf_init(struct buf *b, size_t max);
void buf_clear(struct buf *b);                               /* frees; usable again */
enum err buf_reserve(struct buf *b, size_t more) MUST_CHECK; /* room for `more` bytes */
enum err buf_add(struct buf *b, const void *p, size_t n) MUST_CHECK;
enum err buf_str(struct buf *b, struct str s) MUST_CHECK;
enum err buf_text(struct buf *b, const char *text) MUST_CHECK;
enum err buf_printf(struct buf *b, const char *format, ...) PRINTF_LIKE(2, 3) MUST_CHECK;
enum err buf_u8(struct buf *b, uint8_t v) MUST_CHECK;
enum err buf_u32(struct buf *b, uint32_t v) MUST_CHECK;
enum err buf_u64(struct buf *b, uint64_t v) MUST_CHECK;
enum err buf_varint(struct buf *b, uint64_t v) MUST_CHECK;  /* LEB128, 1 to 10 bytes */
enum err buf_zigzag(struct buf *b, int64_t v) MUST_CHECK;   /* signed, small ones short */
enum err buf_bytes(struct buf *b, struct str s) MUST_CHECK; /* varint length, then bytes */

/* Reads what the functions above wrote. After the first short or malformed read
 * `bad` is set, every further read gives 0, and the caller checks once at the end. */
struct reader {
    const unsigned char *p;
    const unsigned char *end;
    bool bad;
};

struct reader reader_of(const void *p, size_t n);
uint8_t read_u8(struct reader *r);
uint32_t read_u32(struct reader *r);
uint64_t read_u64(struct reader *r);
uint64_t read_varint(struct reader *r);
int64_t read_zigzag(struct reader *r);
struct str read_bytes(struct reader *r); /* borrows from the input */
/* A varint that must be <= max, else `bad`: for counts that size an allocation. */
uint64_t read_count(struct reader *r, uint64_t max);

#endif
