/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * unpack: one face for the three streaming decoders of zlib, liblzma and libzstd.
 *
 * The libraries differ in how they say "this part is whole", "there is more output than you
 * have room for" and "I need more input"; the step function below turns that into one rule,
 * and a format is a table of four functions:
 *
 *     code     decode once from io->in to io->out
 *     finish   all input was decoded: is the archive whole?
 *
 * Memory an archive can ask for is bounded: gzip 32 KiB, xz 256 MiB (the highest preset needs
 * 65 MiB), zstd a window of 128 MiB (what the zstd tool accepts without --long).
 *
 * Byte numbers in messages count stored bytes from the start of the archive. A decoder sees
 * damage where a check fails, so the byte named is at or shortly after the damaged one.
 *
 * Invariants
 * 1. `code` is called only with room for output, and either with input or while the last
 *    call filled the output (`pending`): the libraries take a call with neither for an error.
 * 2. `complete` says that the archive may end after the bytes decoded so far.
 * 3. Once `failed` is set no library function but the closing one is called.
 */
#define ZLIB_CONST
#include "connectors/unpack.h"

#include <limits.h>
#include <lzma.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#define XZ_MEMORY_MAX (UINT64_C(256) << 20)
#define ZSTD_FIRST_HINT 5 /* enough of a frame header to know its length */

struct unpack {
    const struct unpack_kind *kind;
    uint64_t used; /* stored bytes decoded */
    bool complete;
    bool pending;
    bool padding; /* gzip: zeros after the last member were seen */
    enum err failed;
    const char *reason; /* of `failed`: what the library says, NULL when cut short */
    size_t hint;        /* zstd: the input it wants next */
    z_stream gzip;
    lzma_stream xz;
    ZSTD_DStream *zstd;
};

struct unpack_kind {
    const char *name;
    unsigned char magic[UNPACK_MAGIC_MAX];
    unsigned char mask; /* of the first byte */
    unsigned char n_magic;
    unsigned char n_sure; /* bytes of the magic number that no text begins with */
    enum err (*open)(struct unpack *u);
    void (*close)(struct unpack *u);
    enum err (*code)(struct unpack *u, struct unpack_io *io);
    void (*finish)(struct unpack *u, struct unpack_io *io);
};

static void advance(struct unpack_io *io, size_t used, size_t made)
{
    io->in.p += used;
    io->in.n -= used;
    io->out += made;
    io->room -= made;
}

static enum err failing(struct unpack *u, enum err e, const char *reason)
{
    u->reason = reason;
    return e;
}

/* The flag `complete` says it all. */
static void finish_flag(struct unpack *u, struct unpack_io *io)
{
    (void)u;
    (void)io;
}

/* ---- gzip ---- */

static enum err gzip_open(struct unpack *u)
{
    u->gzip = (z_stream){0};
    return inflateInit2(&u->gzip, 16 + MAX_WBITS) == Z_OK ? ERR_OK : ERR_NOMEM;
}

static void gzip_close(struct unpack *u)
{
    (void)inflateEnd(&u->gzip);
}

/* Tapes and block devices leave zeros after the last member. */
static enum err gzip_padding(struct unpack *u, struct unpack_io *io)
{
    size_t n = 0;

    while (n < io->in.n && io->in.p[n] == 0)
        n++;
    advance(io, n, 0);
    u->padding = true;
    return io->in.n == 0 ? ERR_OK : failing(u, ERR_DAMAGED, "other bytes follow its end");
}

static enum err gzip_code(struct unpack *u, struct unpack_io *io)
{
    z_stream *z = &u->gzip;
    uInt n_in = io->in.n < UINT_MAX ? (uInt)io->in.n : UINT_MAX;
    uInt room = io->room < UINT_MAX ? (uInt)io->room : UINT_MAX;
    int r;

    if (u->complete && (u->padding || io->in.p[0] == 0))
        return gzip_padding(u, io);
    if (u->complete)
        (void)inflateReset(z);
    u->complete = false;
    z->next_in = (const Bytef *)io->in.p;
    z->avail_in = n_in;
    z->next_out = (Bytef *)io->out;
    z->avail_out = room;
    r = inflate(z, Z_SYNC_FLUSH);
    advance(io, n_in - z->avail_in, room - z->avail_out);
    u->complete = r == Z_STREAM_END;
    if (r == Z_OK || r == Z_STREAM_END || r == Z_BUF_ERROR)
        return ERR_OK;
    if (r == Z_MEM_ERROR)
        return ERR_NOMEM;
    return failing(u, ERR_DAMAGED, z->msg ? z->msg : "malformed data");
}

/* ---- xz ---- */

static enum err xz_open(struct unpack *u)
{
    u->xz = (lzma_stream)LZMA_STREAM_INIT;
    return lzma_stream_decoder(&u->xz, XZ_MEMORY_MAX, LZMA_CONCATENATED) == LZMA_OK ? ERR_OK
                                                                                    : ERR_NOMEM;
}

static void xz_close(struct unpack *u)
{
    lzma_end(&u->xz);
}

static lzma_ret xz_call(struct unpack *u, struct unpack_io *io, lzma_action action)
{
    lzma_stream *x = &u->xz;
    lzma_ret r;

    x->next_in = (const uint8_t *)io->in.p;
    x->avail_in = io->in.n;
    x->next_out = (uint8_t *)io->out;
    x->avail_out = io->room;
    r = lzma_code(x, action);
    advance(io, io->in.n - x->avail_in, io->room - x->avail_out);
    return r;
}

static enum err xz_code(struct unpack *u, struct unpack_io *io)
{
    lzma_ret r = xz_call(u, io, LZMA_RUN);

    if (r == LZMA_OK || r == LZMA_BUF_ERROR)
        return ERR_OK;
    if (r == LZMA_MEM_ERROR)
        return ERR_NOMEM;
    if (r == LZMA_MEMLIMIT_ERROR)
        return failing(u, ERR_LIMIT, "it needs more than 256 MiB of memory");
    if (r == LZMA_FORMAT_ERROR)
        return failing(u, ERR_DAMAGED, "no xz header where one must be");
    if (r == LZMA_OPTIONS_ERROR)
        return failing(u, ERR_DAMAGED, "unknown options in a header");
    return failing(u, ERR_DAMAGED, "a check or a length is wrong");
}

/* Between two streams liblzma can't know that none follows: it must be told. */
static void xz_finish(struct unpack *u, struct unpack_io *io)
{
    u->complete = xz_call(u, io, LZMA_FINISH) == LZMA_STREAM_END;
}

/* ---- zstd ---- */

static enum err zstd_open(struct unpack *u)
{
    u->hint = ZSTD_FIRST_HINT;
    u->zstd = ZSTD_createDStream();
    return u->zstd ? ERR_OK : ERR_NOMEM;
}

static void zstd_close(struct unpack *u)
{
    (void)ZSTD_freeDStream(u->zstd);
}

/* Input goes in by the piece that zstd asks for: it saves copies within the library, and an
 * error, which leaves the position where it was, is then found to one block. */
static enum err zstd_code(struct unpack *u, struct unpack_io *io)
{
    size_t n_in = u->hint < io->in.n ? u->hint : io->in.n;
    ZSTD_inBuffer in = {io->in.p, n_in, 0};
    ZSTD_outBuffer out = {io->out, io->room, 0};
    size_t r = ZSTD_decompressStream(u->zstd, &out, &in);
    bool bad = ZSTD_isError(r) != 0;
    ZSTD_ErrorCode code = ZSTD_getErrorCode(r);

    advance(io, in.pos, out.pos);
    u->complete = r == 0;
    u->hint = r > 0 ? r : ZSTD_FIRST_HINT;
    if (!bad)
        return ERR_OK;
    if (code == ZSTD_error_memory_allocation)
        return ERR_NOMEM;
    if (code == ZSTD_error_frameParameter_windowTooLarge)
        return failing(u, ERR_LIMIT, "its window is larger than 128 MiB (made with --long?)");
    return failing(u, ERR_DAMAGED, ZSTD_getErrorName(r));
}

/* ---- the one face ---- */

static const struct unpack_kind kinds[] = {
    {
        .name = "gzip",
        .magic = {0x1f, 0x8b},
        .mask = 0xff,
        .n_magic = 2,
        .n_sure = 1,
        .open = gzip_open,
        .close = gzip_close,
        .code = gzip_code,
        .finish = finish_flag,
    },
    {
        .name = "xz",
        .magic = {0xfd, '7', 'z', 'X', 'Z', 0x00},
        .mask = 0xff,
        .n_magic = 6,
        .n_sure = 1,
        .open = xz_open,
        .close = xz_close,
        .code = xz_code,
        .finish = xz_finish,
    },
    {
        .name = "zstd",
        .magic = {0x28, 0xb5, 0x2f, 0xfd},
        .mask = 0xff,
        .n_magic = 4,
        .n_sure = 2,
        .open = zstd_open,
        .close = zstd_close,
        .code = zstd_code,
        .finish = finish_flag,
    },
    {
        /* A skippable frame: parallel packers write one first. */
        .name = "zstd",
        .magic = {0x50, 0x2a, 0x4d, 0x18},
        .mask = 0xf0,
        .n_magic = 4,
        .n_sure = 4,
        .open = zstd_open,
        .close = zstd_close,
        .code = zstd_code,
        .finish = finish_flag,
    },
};

/* How many bytes agree, up to all of the shorter one; 0 when one differs. */
static size_t agreeing(const struct unpack_kind *kind, struct str head)
{
    size_t n = head.n < kind->n_magic ? head.n : kind->n_magic;

    for (size_t i = 0; i < n; i++) {
        unsigned char byte = (unsigned char)head.p[i];
        if ((i == 0 ? byte & kind->mask : byte) != kind->magic[i])
            return 0;
    }
    return n;
}

enum err unpack_detect(struct str head, bool end, const struct unpack_kind **kind)
{
    bool open_question = head.n == 0;

    *kind = NULL;
    for (size_t i = 0; i < countof(kinds); i++) {
        size_t n = agreeing(&kinds[i], head);
        if (n == kinds[i].n_magic || (end && n >= kinds[i].n_sure)) {
            *kind = &kinds[i];
            return ERR_OK;
        }
        open_question = open_question || n > 0;
    }
    return open_question && !end ? ERR_AGAIN : ERR_OK;
}

const char *unpack_name(const struct unpack_kind *kind)
{
    return kind->name;
}

enum err unpack_open(const struct unpack_kind *kind, struct unpack **out)
{
    struct unpack *u = calloc(1, sizeof(*u));

    if (!u)
        return ERR_NOMEM;
    u->kind = kind;
    if (kind->open(u)) {
        free(u);
        return ERR_NOMEM;
    }
    *out = u;
    return ERR_OK;
}

void unpack_close(struct unpack *u)
{
    if (!u)
        return;
    u->kind->close(u);
    free(u);
}

static enum err why_of(const struct unpack *u, struct why *why)
{
    unsigned long long byte = u->used;

    if (u->failed == ERR_NOMEM)
        return why_set(why, ERR_NOMEM, "out of memory for the %s data", u->kind->name);
    if (!u->reason)
        return why_set(why, u->failed, "the %s data is cut short: it ends at byte %llu",
                       u->kind->name, byte);
    return why_set(why, u->failed, "the %s data can't be decoded at byte %llu: %s", u->kind->name,
                   byte, u->reason);
}

/* One call of the library, which must get ahead when it was given input. */
static enum err code_once(struct unpack *u, struct unpack_io *io)
{
    size_t n_in = io->in.n, room = io->room;
    enum err e = u->kind->code(u, io);

    u->used += n_in - io->in.n;
    u->pending = io->room == 0;
    if (!e && n_in > 0 && io->in.n == n_in && io->room == room)
        e = failing(u, ERR_DAMAGED, "the decoder does not get ahead");
    return e;
}

enum err unpack_step(struct unpack *u, struct unpack_io *io, struct why *why)
{
    while (!u->failed && io->room > 0 && (io->in.n > 0 || (u->pending && !u->complete)))
        u->failed = code_once(u, io);
    if (!u->failed && io->end && io->in.n == 0 && io->room > 0) {
        u->kind->finish(u, io);
        if (u->complete)
            return ERR_END;
        u->failed = ERR_DAMAGED;
    }
    return u->failed ? why_of(u, why) : ERR_OK;
}
