/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "connectors/unpack.h"

#include "tests/support/t.h"

#include <lzma.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#define ROOM 65536

/* An archive or a text. */
struct blob {
    char p[ROOM];
    size_t n;
};

static void pack_gzip(const void *text, size_t n, struct blob *to)
{
    z_stream z = {0};

    ok(deflateInit2(&z, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    z.next_in = (Bytef *)(uintptr_t)text;
    z.avail_in = (uInt)n;
    z.next_out = (Bytef *)to->p + to->n;
    z.avail_out = (uInt)(ROOM - to->n);
    ok(deflate(&z, Z_FINISH) == Z_STREAM_END);
    to->n = ROOM - z.avail_out;
    ok(deflateEnd(&z) == Z_OK);
}

static void pack_xz(const void *text, size_t n, struct blob *to)
{
    ok(lzma_easy_buffer_encode(6, LZMA_CHECK_CRC64, NULL, text, n, (uint8_t *)to->p, &to->n,
                               ROOM) == LZMA_OK);
}

static void pack_zstd(const void *text, size_t n, struct blob *to)
{
    ZSTD_CCtx *c = ZSTD_createCCtx();
    size_t r;

    ok(!ZSTD_isError(ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, 1)));
    r = ZSTD_compress2(c, to->p + to->n, ROOM - to->n, text, n);
    ok(!ZSTD_isError(r));
    to->n += r;
    (void)ZSTD_freeCCtx(c);
}

static const struct format {
    const char *name;
    void (*pack)(const void *text, size_t n, struct blob *to);
} formats[] = {{"gzip", pack_gzip}, {"xz", pack_xz}, {"zstd", pack_zstd}};

static void make_text(struct blob *text, size_t n)
{
    uint64_t r = seed();

    for (text->n = 0; text->n < n; text->n++)
        text->p[text->n] = "0123456789,;\n{}ABC"[rnd_below(&r, 18)];
}

/* Decodes in pieces of `in_piece` into pieces of `out_piece`. */
static enum err decode(const struct blob *archive, size_t in_piece, size_t out_piece,
                       struct blob *text, struct why *why)
{
    const struct unpack_kind *kind;
    struct unpack *u;
    size_t fed = 0;
    enum err e = ERR_OK;

    text->n = 0;
    ok_err(unpack_detect((struct str){archive->p, archive->n}, true, &kind));
    ok(kind != NULL);
    ok_err(unpack_open(kind, &u));
    while (!e) {
        size_t left = archive->n - fed;
        size_t n_in = left < in_piece ? left : in_piece;
        size_t room = ROOM - text->n < out_piece ? ROOM - text->n : out_piece;
        struct unpack_io io = {{archive->p + fed, n_in}, text->p + text->n, room, n_in == left};
        ok(room > 0);
        e = unpack_step(u, &io, why);
        fed += n_in - io.in.n;
        text->n += room - io.room;
    }
    if (e != ERR_END) {
        struct unpack_io io = {{"", 0}, text->p, 1, true};
        eq_err(unpack_step(u, &io, NULL), e); /* an error stays */
    }
    unpack_close(u);
    return e;
}

T(every_format_decodes_in_pieces_of_any_size)
{
    static const size_t pieces[] = {1, 2, 7, 100, ROOM};
    static struct blob text, out, archive;
    struct why why;

    make_text(&text, 3000);
    for (size_t f = 0; f < countof(formats); f++) {
        archive.n = 0;
        formats[f].pack(text.p, text.n, &archive);
        for (size_t i = 0; i < 25; i++) {
            eq_err(decode(&archive, pieces[i / 5], pieces[i % 5], &out, &why), ERR_END);
            eq_bytes(out.p, out.n, text.p, text.n);
        }
    }
}

T(parts_one_after_the_other_are_one_text)
{
    static struct blob text, out, archive;
    struct why why;

    make_text(&text, 3000);
    for (size_t f = 0; f < countof(formats); f++) {
        archive.n = 0;
        formats[f].pack(text.p, 1000, &archive);
        formats[f].pack(text.p, 0, &archive); /* an empty part in between */
        formats[f].pack(text.p + 1000, 2000, &archive);
        for (size_t piece = 1; piece < 50; piece += 3) {
            eq_err(decode(&archive, piece, 51 - piece, &out, &why), ERR_END);
            eq_bytes(out.p, out.n, text.p, text.n);
        }
    }
}

T(an_archive_of_nothing_decodes_to_nothing)
{
    static struct blob out, archive;

    for (size_t f = 0; f < countof(formats); f++) {
        archive.n = 0;
        formats[f].pack("", 0, &archive);
        eq_err(decode(&archive, 1, 1, &out, NULL), ERR_END);
        eq_u64(out.n, 0);
    }
}

T(an_archive_cut_at_any_byte_gives_what_it_has_and_says_where)
{
    static struct blob text, out, archive;
    struct why why;
    char where[64];

    make_text(&text, 500);
    for (size_t f = 0; f < countof(formats); f++) {
        archive.n = 0;
        formats[f].pack(text.p, text.n, &archive);
        size_t shortest = f == 2 ? 2 : 1; /* "(" alone may be text */
        for (size_t n = archive.n - 1; n >= shortest; n--) {
            archive.n = n;
            eq_err(decode(&archive, 13, 17, &out, &why), ERR_DAMAGED);
            ok(out.n <= text.n && memcmp(out.p, text.p, out.n) == 0);
            (void)snprintf(where, sizeof(where), "cut short: it ends at byte %zu", n);
            ok(strstr(why.text, formats[f].name) && strstr(why.text, where));
            size_t all = out.n;
            eq_err(decode(&archive, ROOM, 1, &out, &why), ERR_DAMAGED);
            eq_u64(out.n, all); /* what the decoder still held is not lost */
        }
    }
}

T(an_archive_cut_in_a_later_part_is_cut_short)
{
    static struct blob text, out, archive;
    struct why why;

    make_text(&text, 400);
    for (size_t f = 0; f < countof(formats); f++) {
        archive.n = 0;
        formats[f].pack(text.p, 200, &archive);
        size_t first = archive.n;
        formats[f].pack(text.p + 200, 200, &archive);
        for (size_t n = archive.n - 1; n > first; n--) {
            archive.n = n;
            eq_err(decode(&archive, 1000, 1000, &out, &why), ERR_DAMAGED);
            ok(out.n >= 200 && memcmp(out.p, text.p, out.n) == 0);
        }
    }
}

T(no_flipped_bit_makes_another_text)
{
    static struct blob text, out, archive;
    struct why why;
    size_t unseen = 0;

    make_text(&text, 100);
    for (size_t f = 0; f < countof(formats); f++) {
        archive.n = 0;
        formats[f].pack(text.p, text.n, &archive);
        for (size_t bit = 8 * UNPACK_MAGIC_MAX; bit < 8 * archive.n; bit++) {
            archive.p[bit / 8] = (char)(archive.p[bit / 8] ^ (1 << bit % 8));
            enum err e = decode(&archive, ROOM, ROOM, &out, &why);
            ok(e == ERR_END || e == ERR_DAMAGED || e == ERR_LIMIT);
            if (e == ERR_END) /* such as the operating system in a gzip header */
                eq_bytes(out.p, out.n, text.p, text.n);
            unseen += e == ERR_END;
            archive.p[bit / 8] = (char)(archive.p[bit / 8] ^ (1 << bit % 8));
        }
    }
    ok(unseen < 60);
}

T(damage_is_named_by_its_byte)
{
    static struct blob text, out, archive;
    struct why why;

    make_text(&text, 300);
    for (size_t f = 0; f < countof(formats); f++) {
        archive.n = 0;
        formats[f].pack(text.p, text.n, &archive);
        archive.p[archive.n / 2] = (char)~archive.p[archive.n / 2];
        eq_err(decode(&archive, ROOM, ROOM, &out, &why), ERR_DAMAGED);
        const char *byte = strstr(why.text, "at byte ");
        ok(byte != NULL);
        size_t at = strtoul(byte + strlen("at byte "), NULL, 10);
        ok(at > 0 && at <= archive.n);
    }
}

T(zeros_may_follow_gzip_and_xz_but_nothing_else_may)
{
    static struct blob text, out, archive;
    struct why why;

    make_text(&text, 300);
    for (size_t f = 0; f < 2; f++) {
        archive.n = 0;
        formats[f].pack(text.p, text.n, &archive);
        memset(archive.p + archive.n, 0, 512);
        archive.n += 512;
        eq_err(decode(&archive, 5, 1000, &out, &why), ERR_END);
        eq_bytes(out.p, out.n, text.p, text.n);
        archive.p[archive.n++] = 'x';
        eq_err(decode(&archive, 5, 1000, &out, &why), ERR_DAMAGED);
        eq_bytes(out.p, out.n, text.p, text.n);
    }
    for (size_t f = 0; f < countof(formats); f++) {
        archive.n = 0;
        formats[f].pack(text.p, text.n, &archive);
        memcpy(archive.p + archive.n, "{\"a\":1}", 7);
        archive.n += 7;
        eq_err(decode(&archive, 5, 1000, &out, &why), ERR_DAMAGED);
        eq_bytes(out.p, out.n, text.p, text.n);
    }
}

T(a_skippable_frame_before_zstd_data_is_skipped)
{
    static struct blob text, out, archive;

    make_text(&text, 300);
    memcpy(archive.p, "\x5a\x2a\x4d\x18\x02\0\0\0xx", 10);
    archive.n = 10;
    pack_zstd(text.p, text.n, &archive);
    eq_err(decode(&archive, 3, 1000, &out, NULL), ERR_END);
    eq_bytes(out.p, out.n, text.p, text.n);
}

T(an_archive_that_wants_too_much_memory_is_refused)
{
    static struct blob out, archive;
    struct why why;

    memcpy(archive.p, "\x28\xb5\x2f\xfd\x00\x90\x01\0\0", 9); /* a window of 256 MiB */
    archive.n = 9;
    eq_err(decode(&archive, 100, 100, &out, &why), ERR_LIMIT);
    ok(strstr(why.text, "128 MiB"));

    archive.n = 0;
    pack_xz("abc", 3, &archive);
    uint8_t *header = (uint8_t *)archive.p + 12;
    size_t n = ((size_t)header[0] + 1) * 4 - 4;
    header[6] = 36; /* a dictionary of 1 GiB */
    uint32_t crc = lzma_crc32(header, n, 0);
    for (size_t i = 0; i < 4; i++)
        header[n + i] = (uint8_t)(crc >> 8 * i);
    eq_err(decode(&archive, 100, 100, &out, &why), ERR_LIMIT);
    ok(strstr(why.text, "256 MiB"));
}

T(only_the_first_bytes_decide)
{
    static const struct {
        const char *head;
        size_t n;
        bool end;
        enum err e;
        const char *name;
    } cases[] = {
        {"", 0, false, ERR_AGAIN, NULL},
        {"", 0, true, ERR_OK, NULL},
        {"{", 1, false, ERR_OK, NULL},
        {"Invoice,", 8, true, ERR_OK, NULL},
        {"\x1f", 1, false, ERR_AGAIN, NULL},
        {"\x1f", 1, true, ERR_OK, "gzip"},
        {"\x1f\x8b", 2, false, ERR_OK, "gzip"},
        {"\x1f{", 2, false, ERR_OK, NULL},
        {"\xfd"
         "7zXZ",
         5, false, ERR_AGAIN, NULL},
        {"\xfd"
         "7zXZ",
         5, true, ERR_OK, "xz"},
        {"\xfd"
         "7zXZ\0",
         6, false, ERR_OK, "xz"},
        {"(", 1, false, ERR_AGAIN, NULL},
        {"(", 1, true, ERR_OK, NULL},
        {"(\xb5", 2, true, ERR_OK, "zstd"},
        {"(\xb5/\xfd", 4, false, ERR_OK, "zstd"},
        {"P", 1, false, ERR_AGAIN, NULL},
        {"P*M", 3, true, ERR_OK, NULL},
        {"P*M\x18", 4, true, ERR_OK, "zstd"},
        {"Price", 5, false, ERR_OK, NULL},
    };
    const struct unpack_kind *kind;

    for (size_t i = 0; i < countof(cases); i++) {
        enum err e = unpack_detect((struct str){cases[i].head, cases[i].n}, cases[i].end, &kind);
        eq_err(e, cases[i].e);
        eq_str(kind ? unpack_name(kind) : "none", cases[i].name ? cases[i].name : "none");
    }
}

T(random_bytes_behind_a_magic_number_do_no_harm)
{
    static struct blob out, archive;
    static const struct str magic[] = {{"\x1f\x8b\x08\0", 4},
                                       {"\xfd"
                                        "7zXZ\0",
                                        6},
                                       {"(\xb5/\xfd", 4}};
    uint64_t r = seed();

    for (size_t i = 0; i < 600; i++) {
        struct str m = magic[i % 3];
        memcpy(archive.p, m.p, m.n);
        archive.n = m.n + rnd_below(&r, 200);
        for (size_t k = m.n; k < archive.n; k++)
            archive.p[k] = (char)rnd(&r);
        enum err e = decode(&archive, 1 + rnd_below(&r, 300), ROOM, &out, NULL);
        ok(e == ERR_DAMAGED || e == ERR_LIMIT || e == ERR_END);
    }
}

T(closing_nothing_is_fine)
{
    unpack_close(NULL);
}

T_OOM(opening_an_archive_survives_lack_of_memory)
{
    const struct unpack_kind *kind;
    struct unpack *u = NULL;
    enum err e = unpack_detect(STR("\x1f\x8b"), true, &kind);

    if (!e)
        e = unpack_open(kind, &u);
    memory_again();
    ok(e ? !u : u != NULL);
    unpack_close(u);
    return e;
}
