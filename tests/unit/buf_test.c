/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Tests of engine/buf.h: writing (buf.c) and reading back (read.c).
 */
#include "engine/buf.h"

#include "tests/support/t.h"

#include <stdlib.h>

/* 1 to 10 bytes as varints, and their neighbours. */
static const uint64_t EDGES[] = {
    0,
    1,
    127,
    128,
    16383,
    16384,
    (UINT64_C(1) << 32) - 1,
    UINT64_C(1) << 32,
    (UINT64_C(1) << 63) - 1,
    UINT64_C(1) << 63,
    UINT64_MAX - 1,
    UINT64_MAX,
};

T(a_buffer_never_grows_beyond_its_declared_size)
{
    struct buf b;
    buf_init(&b, 10);
    ok_err(buf_text(&b, "0123456"));
    eq_err(buf_text(&b, "789a"), ERR_LIMIT);
    eq_bytes(b.p, b.n, "0123456", 7);
    eq_err(buf_printf(&b, "%d", 1234), ERR_LIMIT);
    eq_err(buf_u32(&b, 1), ERR_LIMIT);
    eq_err(buf_reserve(&b, SIZE_MAX), ERR_LIMIT);
    eq_bytes(b.p, b.n, "0123456", 7);
    ok_err(buf_printf(&b, "%d", 789)); /* exactly full: the NUL has a place of its own */
    eq_bytes(b.p, b.n, "0123456789", 10);
    eq_int(b.cap, 10);
    eq_err(buf_u8(&b, 0), ERR_LIMIT);
    ok_err(buf_text(&b, ""));
    buf_clear(&b);
    ok_err(buf_text(&b, "again"));
    eq_bytes(b.p, b.n, "again", 5);
    buf_clear(&b);
}

T(a_text_with_its_length_is_written_whole_or_not_at_all)
{
    struct buf b;
    buf_init(&b, 4);
    eq_err(buf_bytes(&b, STR("four")), ERR_LIMIT);
    eq_int(b.n, 0);
    ok_err(buf_bytes(&b, STR("two")));
    eq_bytes(b.p, b.n, "\3two", 4);
    buf_clear(&b);
}

T(an_empty_buffer_takes_nothing_and_allocates_nothing)
{
    struct buf b;
    buf_init(&b, 0);
    ok_err(buf_str(&b, (struct str){NULL, 0}));
    ok_err(buf_printf(&b, "%s", ""));
    ok_err(buf_reserve(&b, 0));
    ok(b.p == NULL);
    eq_err(buf_u8(&b, 1), ERR_LIMIT);
    buf_clear(&b);
}

T(a_size_that_no_machine_has_is_lack_of_memory)
{
    struct buf b;
    buf_init(&b, SIZE_MAX);
    ok_err(buf_text(&b, "kept"));
    eq_err(buf_reserve(&b, SIZE_MAX - 4), ERR_NOMEM);
    eq_bytes(b.p, b.n, "kept", 4);
    buf_clear(&b);
}

T_OOM(a_buffer_survives_lack_of_memory)
{
    struct buf b;
    buf_init(&b, 1 << 20);
    size_t whole = 0;
    enum err e = ERR_OK;
    for (int i = 0; !e && i < 200; i++) {
        e = buf_printf(&b, "%08d", i);
        whole += e ? 0 : 8;
    }
    memory_again();
    eq_int(b.n, whole);
    for (size_t i = 0; i < b.n; i += 8) {
        char number[9] = {0};
        memcpy(number, b.p + i, 8);
        eq_int(strtol(number, NULL, 10), i / 8);
    }
    buf_clear(&b);
    return e;
}

T(numbers_are_stored_lowest_byte_first)
{
    struct buf b;
    buf_init(&b, 100);
    ok_err(buf_u8(&b, 0xfe));
    ok_err(buf_u32(&b, 0x01020304));
    ok_err(buf_u64(&b, UINT64_C(0x1112131415161718)));
    ok_err(buf_varint(&b, 300));
    ok_err(buf_zigzag(&b, -2));
    eq_bytes(b.p, b.n, "\xfe\x04\x03\x02\x01\x18\x17\x16\x15\x14\x13\x12\x11\xac\x02\x03", 16);
    buf_clear(&b);
}

T(what_was_written_is_read_back)
{
    struct buf b;
    buf_init(&b, 1000);
    for (size_t i = 0; i < countof(EDGES); i++) {
        ok_err(buf_varint(&b, EDGES[i]));
        ok_err(buf_zigzag(&b, (int64_t)EDGES[i]));
        ok_err(buf_u64(&b, EDGES[i]));
        ok_err(buf_u32(&b, (uint32_t)EDGES[i]));
        ok_err(buf_bytes(&b, (struct str){"abcdefghijkl", i}));
    }
    struct reader r = reader_of(b.p, b.n);
    for (size_t i = 0; i < countof(EDGES); i++) {
        eq_u64(read_varint(&r), EDGES[i]);
        eq_int(read_zigzag(&r), (int64_t)EDGES[i]);
        eq_u64(read_u64(&r), EDGES[i]);
        eq_u64(read_u32(&r), (uint32_t)EDGES[i]);
        struct str s = read_bytes(&r);
        eq_bytes(s.p, s.n, "abcdefghijkl", i);
    }
    ok(!r.bad && r.p == r.end);
    buf_clear(&b);
}

T(a_varint_takes_one_byte_for_each_seven_bits)
{
    for (unsigned bits = 0; bits < 64; bits++) {
        struct buf b;
        buf_init(&b, 10);
        ok_err(buf_varint(&b, UINT64_C(1) << bits));
        eq_int(b.n, bits / 7 + 1);
        buf_clear(&b);
    }
}

T(a_reader_that_went_wrong_stays_wrong)
{
    struct reader r = reader_of("\1\2\3", 3);
    eq_u64(read_u32(&r), 0);
    ok(r.bad);
    eq_u64(read_u8(&r), 0); /* there was a byte left, but not any more */
    eq_u64(read_varint(&r), 0);
    eq_u64(read_u64(&r), 0);
    eq_int(read_zigzag(&r), 0);
    eq_int(read_bytes(&r).n, 0);
    ok(r.bad && r.p == r.end);
}

T(nothing_is_read_from_nothing)
{
    struct reader r = reader_of(NULL, 0);
    ok(!r.bad);
    eq_int(read_bytes(&r).n, 0);
    ok(r.bad);
}

T(a_varint_has_one_spelling)
{
    static const struct str bad[] = {
        {"\x80", 1},                                        /* cut short */
        {"\x80\x00", 2},                                    /* a needless byte */
        {"\xff\x80\x00", 3},                                /* another */
        {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10},   /* 65 bits */
        {"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\1", 11}, /* no end after ten bytes */
    };
    for (size_t i = 0; i < countof(bad); i++) {
        struct reader r = reader_of(bad[i].p, bad[i].n);
        eq_u64(read_varint(&r), 0);
        ok(r.bad);
    }
    struct reader zero = reader_of("\0", 1);
    eq_u64(read_varint(&zero), 0);
    ok(!zero.bad);
}

T(a_length_beyond_the_input_is_bad)
{
    struct reader r = reader_of("\4abc", 4);
    eq_int(read_bytes(&r).n, 0);
    ok(r.bad);
    r = reader_of("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01xyz", 13);
    eq_int(read_bytes(&r).n, 0);
    ok(r.bad);
}

T(a_count_beyond_its_bound_is_bad)
{
    struct reader r = reader_of("\x64\x64", 2);
    eq_u64(read_count(&r, 100), 100);
    ok(!r.bad);
    eq_u64(read_count(&r, 99), 0);
    ok(r.bad);
}

static void read_something(struct reader *r, uint64_t what)
{
    size_t left = (size_t)(r->end - r->p);
    switch (what) {
    case 0:
        (void)read_varint(r);
        break;
    case 1:
        (void)read_u32(r);
        break;
    case 2:
        (void)read_u8(r);
        break;
    case 3:
        ok(read_bytes(r).n <= left);
        break;
    default:
        (void)read_zigzag(r);
    }
    ok(r->p <= r->end);
}

T(random_bytes_never_take_a_reader_out_of_bounds)
{
    uint64_t state = seed();
    for (int round = 0; round < 20000; round++) {
        size_t n = 1 + rnd_below(&state, 40);
        char *bytes = calloc(1, n); /* exact, for the sanitizer */
        for (size_t i = 0; bytes && i < n; i++) {
            bytes[i] = (char)rnd_below(&state, 128);
        }
        struct reader r = reader_of(bytes, n);
        for (int step = 0; bytes && step < 50 && !r.bad; step++) {
            read_something(&r, rnd_below(&state, 5));
        }
        ok(r.bad);
        free(bytes);
    }
}
