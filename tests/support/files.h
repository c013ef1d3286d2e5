/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * files: what the tests of source_file share: an environment that keeps the last log line,
 * texts and archives of them, and what a read must give.
 */
#ifndef TILLSTREAM_TESTS_SUPPORT_FILES_H
#define TILLSTREAM_TESTS_SUPPORT_FILES_H

#include "engine/source.h"
#include "tests/support/t.h"

#include <fcntl.h>
#include <lzma.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#define ROOM 200000
#define WAIT_MS 5000 /* longer than any event takes */

static const struct source_kind *const kind = &source_file;

struct blob {
    char p[ROOM];
    size_t n;
};

static char logged[4096];

static inline void log_line(struct env *env, enum log_level level, const char *line)
{
    (void)env;
    (void)level;
    (void)snprintf(logged, sizeof(logged), "%s", line);
}

static struct env env = {.log = log_line, .level = LOG_DEBUG};
static const struct settings settings = {.max_record = 65536, .batch_bytes = 65536};

static inline struct source *open_file(const char *path, bool follow)
{
    struct source *s = NULL;
    struct why why = {""};
    enum err e = kind->open(&env, &settings, path, follow, &s, &why);

    if (e)
        fail("open: %s", why.text);
    return s;
}

static inline void make_text(struct blob *text, size_t n)
{
    uint64_t r = seed();

    for (text->n = 0; text->n < n; text->n++)
        text->p[text->n] = "0123456789,;\n{}ABC"[rnd_below(&r, 18)];
}

static inline void append(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT, 0600);

    ok(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) && close(fd) == 0);
}

/* Expects exactly this stretch and consumes it. */
static inline void expect_at(struct t_here here, struct source *s, uint64_t offset,
                             const char *text, bool last)
{
    struct stretch st = {0};
    struct why why = {""};
    enum err e = kind->read(s, 1000, WAIT_MS, &st, &why);

    if (e)
        t_fail(here, "read: %s: %s", err_text(e), why.text);
    t_eq_bytes(here, "read", text, st.bytes.p, st.bytes.n, text, strlen(text));
    t_eq_u64(here, "offset", "wanted", st.offset, offset);
    t_eq_int(here, "last", "wanted", st.last, last);
    kind->consume(s, st.bytes.n);
}
#define expect(s, offset, text, last) expect_at(T_HERE, s, offset, text, last)

static inline enum err peek(struct source *s, int wait_ms)
{
    struct stretch st;
    struct why why;

    return kind->read(s, 1000, wait_ms, &st, &why);
}

/* A fresh file each time: truncating one makes some file systems wait for the disk. */
static inline const char *fresh(const char *name, const struct blob *b, size_t n)
{
    (void)unlink(tmp_path(name));
    return tmp_write(name, b->p, n);
}

/* ---- archives ---- */

/* Memory that can't fail: a scenario's is for what it tests, not for making its input. */
static inline voidpf arena_take(voidpf arena, uInt n, uInt size)
{
    struct blob *b = arena;
    char *p = b->p + b->n;

    b->n += ((size_t)n * size + 15) / 16 * 16;
    return b->n <= sizeof(b->p) ? p : NULL;
}

static inline void arena_leave(voidpf arena, voidpf p)
{
    (void)arena;
    (void)p;
}

static inline void pack_gzip(const char *text, size_t n, struct blob *to)
{
    static _Alignas(16) struct blob arena;
    z_stream z = {.zalloc = arena_take, .zfree = arena_leave, .opaque = &arena};

    arena.n = 0;

    ok(deflateInit2(&z, 6, Z_DEFLATED, 31, 5, Z_DEFAULT_STRATEGY) == Z_OK);
    z.next_in = (Bytef *)(uintptr_t)text;
    z.avail_in = (uInt)n;
    z.next_out = (Bytef *)to->p + to->n;
    z.avail_out = (uInt)(ROOM - to->n);
    ok(deflate(&z, Z_FINISH) == Z_STREAM_END);
    to->n = ROOM - z.avail_out;
    ok(deflateEnd(&z) == Z_OK);
}

static inline void pack_xz(const char *text, size_t n, struct blob *to)
{
    ok(lzma_easy_buffer_encode(1, LZMA_CHECK_CRC64, NULL, (const uint8_t *)text, n,
                               (uint8_t *)to->p, &to->n, ROOM) == LZMA_OK);
}

static inline void pack_zstd(const char *text, size_t n, struct blob *to)
{
    size_t r = ZSTD_compress(to->p + to->n, ROOM - to->n, text, n, 3);

    ok(!ZSTD_isError(r));
    to->n += r;
}

static inline void pack_none(const char *text, size_t n, struct blob *to)
{
    memcpy(to->p + to->n, text, n);
    to->n += n;
}

static void (*const packs[])(const char *, size_t, struct blob *) = {pack_none, pack_gzip, pack_xz,
                                                                     pack_zstd};

/* In two parts; the name tells nothing. */
static inline const char *write_packed(size_t i, const struct blob *text)
{
    static struct blob archive;

    archive.n = 0;
    packs[i](text->p, text->n / 3, &archive);
    packs[i](text->p + text->n / 3, text->n - text->n / 3, &archive);
    return fresh("sales.csv", &archive, archive.n);
}

#endif
