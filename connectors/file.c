/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * file: files, plain or compressed, read once or followed; pipes, and "-" for stdin.
 *
 * Bytes take one of three roads into `buf`, the run of bytes not consumed yet:
 *
 *     packed      pull -> raw -> unpack -> buf     what begins like an archive
 *     plain       pull -> buf                      the rest, once the bytes that were looked
 *                                                  at to tell are out of `raw`
 *     followed    pull -> tail_check -> buf        regular files with --follow
 *
 * What is compressed is known by its first bytes, never by its name. A followed file can't be
 * compressed: an archive that is being written ends in the middle of something.
 *
 * The end of a followed file (tail.c says when) is not the end of its bytes: what is there is
 * given first, a cut-off record with `last`, then ERR_NOT_FOUND, then the next file from 0.
 *
 * Invariants
 * 1. buf.p[from] is byte `offset` of the decoded file, buf.p[buf.n - 1] the last one read.
 * 2. buf never grows past max_record + batch_bytes + SLACK; when it is full nothing is read.
 * 3. raw_pos is the stored byte that is pulled next.
 * 4. Nothing is read any more after `last`, nor once `failed` is set.
 * 5. A followed file gives no byte before its identity was asked for (`unnamed`).
 */
#define _XOPEN_SOURCE 700 /* realpath. NOLINT(bugprone-reserved-identifier) */

#include "connectors/tail.h"
#include "connectors/unpack.h"
#include "engine/buf.h"
#include "engine/source.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define SLACK ((size_t)4096)
#define RAW_BYTES ((size_t)256 * 1024)

struct source {
    struct env *env;
    char *path;  /* as named by the user; "stdin" for "-" */
    int fd;      /* -1: a followed file that does not exist yet */
    int keep_fd; /* a followed FIFO: our own writing end, so that it never ends */
    bool is_stdin;
    bool regular; /* can be read at any position */
    bool follow;

    struct buf buf;
    size_t from;
    uint64_t offset;
    bool last;       /* the end was reached */
    bool last_given; /* ... and a stretch has said so */
    bool consumed;   /* since the last stretch */
    enum err failed;
    struct why failed_why;

    char *raw; /* RAW_BYTES; NULL when not needed */
    size_t raw_from, raw_n;
    uint64_t raw_pos;
    bool raw_end; /* no stored bytes follow */
    bool sniffed; /* it is known whether to unpack */
    struct unpack *unpack;

    struct tail tail;
    bool unnamed; /* a file began and nobody has asked for its identity yet */
};

/* ---- errors ---- */

static const char *advice(int code)
{
    static const struct {
        int code;
        const char *text;
    } table[] = {
        {ENOENT, "check the name, or wait for it with --follow"},
        {ENOTDIR, "check the name: a part of it is no folder"},
        {EACCES, "let this user read it (chmod, chown)"},
        {EISDIR, "name a file in it"},
        {ENXIO, "it is a socket or a device that can't be read; pipe its bytes to \"-\""},
        {EMFILE, "raise the limit of open files (ulimit -n)"},
        {EIO, "see the kernel log, mend the device, run again: it goes on where it stopped"},
        {ESTALE, "its file server has dropped it; run again: it goes on where it stopped"},
        {EBADF, "give it something to read"},
    };

    for (size_t i = 0; i < countof(table); i++) {
        if (table[i].code == code)
            return table[i].text;
    }
    return "mend that and run again: it goes on where it stopped";
}

static enum err io_error(struct source *s, enum err e, int code)
{
    return why_set(&s->failed_why, e, "can't read %.250s: %s; %s", s->path, strerror(code),
                   advice(code));
}

/* Tells the caller of a failure that was noted before. */
static enum err report(const struct source *s, enum err e, struct why *why)
{
    if (e == ERR_NOMEM || e == ERR_STOPPED)
        return why_set(why, e, "can't read %.250s: %s", s->path, err_text(e));
    return why_set(why, e, "%s", s->failed_why.text);
}

/* ---- stored bytes ---- */

static bool is_ready(int fd, int wait_ms)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};

    return poll(&p, 1, wait_ms > 0 ? wait_ms : 0) > 0;
}

/* The stored bytes that come next. At their end *got is 0 and raw_end is set. */
static enum err pull(struct source *s, char *to, size_t n, int wait_ms, size_t *got)
{
    ssize_t r;

    *got = 0;
    if (s->raw_end)
        return ERR_OK;
    if (!s->regular && !is_ready(s->fd, wait_ms))
        return ERR_AGAIN;
    do
        r = s->regular ? pread(s->fd, to, n, (off_t)s->raw_pos) : read(s->fd, to, n);
    while (r < 0 && errno == EINTR);
    if (r < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return ERR_AGAIN;
    if (r < 0)
        return io_error(s, ERR_IO, errno);
    s->raw_end = r == 0;
    s->raw_pos += (uint64_t)r;
    *got = (size_t)r;
    return ERR_OK;
}

/* Appends to what is in `raw`. */
static enum err pull_raw(struct source *s, int wait_ms)
{
    size_t got;
    enum err e;

    if (!s->raw)
        s->raw = malloc(RAW_BYTES);
    if (!s->raw)
        return ERR_NOMEM;
    if (s->raw_from == s->raw_n)
        s->raw_from = s->raw_n = 0;
    e = pull(s, s->raw + s->raw_n, RAW_BYTES - s->raw_n, wait_ms, &got);
    s->raw_n += got;
    return e;
}

/* Decides by the first bytes whether to unpack. */
static enum err sniff(struct source *s, int wait_ms)
{
    const struct unpack_kind *kind = NULL;
    enum err e = ERR_AGAIN;

    while (e == ERR_AGAIN) {
        e = pull_raw(s, wait_ms);
        if (e)
            return e;
        e = unpack_detect((struct str){s->raw, s->raw_n}, s->raw_end, &kind);
        wait_ms = 0;
    }
    if (!e && kind)
        e = unpack_open(kind, &s->unpack);
    s->sniffed = !e;
    return e;
}

/* ---- roads into buf ---- */

static enum err take_plain(struct source *s, char *to, size_t n, int wait_ms, size_t *got)
{
    enum err e;

    if (s->raw_from < s->raw_n) {
        *got = s->raw_n - s->raw_from < n ? s->raw_n - s->raw_from : n;
        memcpy(to, s->raw + s->raw_from, *got);
        s->raw_from += *got;
        return ERR_OK;
    }
    free(s->raw);
    s->raw = NULL;
    s->raw_from = s->raw_n = 0;
    e = pull(s, to, n, wait_ms, got);
    s->last = s->raw_end;
    return e;
}

static enum err take_packed(struct source *s, char *to, size_t n, int wait_ms, size_t *got)
{
    struct unpack_io io = {{s->raw + s->raw_from, s->raw_n - s->raw_from}, to, n, s->raw_end};
    struct why why;
    enum err e = unpack_step(s->unpack, &io, &why);

    s->raw_from = s->raw_n - io.in.n;
    *got = n - io.room;
    s->last = e == ERR_END;
    if (e && !s->last)
        return why_set(&s->failed_why, e,
                       "can't read %.200s: %.200s; get a whole copy of it and run again", s->path,
                       why.text);
    return *got > 0 || s->last ? ERR_OK : pull_raw(s, wait_ms);
}

static enum err fill_once(struct source *s, size_t want, int wait_ms)
{
    enum err e = s->sniffed ? ERR_OK : sniff(s, wait_ms);
    size_t done = 0;

    while (!e && done < want && !s->last) {
        char *to = s->buf.p + s->buf.n;
        size_t got = 0;
        int wait = done > 0 ? 0 : wait_ms;
        e = s->unpack ? take_packed(s, to, want - done, wait, &got)
                      : take_plain(s, to, want - done, wait, &got);
        s->buf.n += got;
        done += got;
    }
    return e == ERR_AGAIN && done > 0 ? ERR_OK : e;
}

/* ---- opening ---- */

static enum err refuse_packed(struct source *s)
{
    const struct unpack_kind *kind = NULL;

    if (unpack_detect((struct str){s->tail.head, s->tail.head_len}, false, &kind) || !kind)
        return ERR_OK;
    return why_set(&s->failed_why, ERR_INVALID,
                   "can't follow %.250s: it is %s data, and a file that grows must be plain; "
                   "read it without --follow",
                   s->path, unpack_name(kind));
}

/* Is the followed file what it was? *same as in tail_check. */
static enum err check(struct source *s, size_t got, bool *same)
{
    enum err e = tail_check(&s->tail, s->fd, s->raw_pos, got, same);

    return e ? io_error(s, e, s->tail.code) : refuse_packed(s);
}

static enum err attach_kind(struct source *s)
{
    bool same;
    struct stat st;

    if (fstat(s->fd, &st))
        return io_error(s, ERR_IO, errno);
    if (S_ISDIR(st.st_mode))
        return io_error(s, ERR_IO, EISDIR);
    s->regular = S_ISREG(st.st_mode);
    if (s->regular)
        (void)posix_fadvise(s->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    if (S_ISFIFO(st.st_mode) && s->follow)
        s->keep_fd = open(s->path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    return s->regular && s->follow ? check(s, 0, &same) : ERR_OK;
}

/* Opens the path: ERR_NOT_FOUND when it names nothing. */
static enum err attach(struct source *s)
{
    enum err e;

    s->fd = tail_open(s->path);
    if (s->fd < 0)
        return io_error(s, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, errno);
    e = attach_kind(s);
    if (e) {
        (void)close(s->fd);
        s->fd = -1;
    }
    return e;
}

/* ---- following ---- */

/* At the end of the bytes: has another file taken the path? */
static enum err look_for_next(struct source *s)
{
    bool yes = false;
    enum err e;

    if (s->tail.next_fd >= 0) {
        s->last = true; /* nothing came after the other file was seen */
        return ERR_OK;
    }
    e = tail_replaced(&s->tail, s->fd, s->path, &yes);
    if (e)
        return io_error(s, e, s->tail.code);
    if (yes)
        env_log(s->env, LOG_INFO, "%s was replaced: going on with the new file", s->path);
    return ERR_AGAIN;
}

/* The awaited file: its bytes come after its identity was asked for. */
static enum err look_for_first(struct source *s)
{
    enum err e = attach(s);

    return !e || e == ERR_NOT_FOUND ? ERR_AGAIN : e;
}

/* One look: new bytes, or `last`, or ERR_AGAIN. */
static enum err look_once(struct source *s, size_t want)
{
    bool same = true;
    size_t got = 0;
    enum err e = pull(s, s->buf.p + s->buf.n, want, 0, &got);

    s->raw_end = false;
    if (!e)
        e = check(s, got, &same);
    if (e)
        return e;
    if (!same) {
        env_log(s->env, LOG_WARN, "%s was truncated: reading it from its start", s->path);
        s->last = true;
        return ERR_OK;
    }
    s->buf.n += got;
    return got > 0 ? ERR_OK : look_for_next(s);
}

/* Is there a file that nobody has asked the identity of? Nothing is read of it yet. */
static bool is_unnamed(const struct source *s)
{
    return s->unnamed && s->fd >= 0;
}

/* That the file was replaced is not its end yet: a second look takes what was written to it
 * before. */
static enum err look(struct source *s, size_t want)
{
    bool known = s->tail.next_fd >= 0;
    enum err e = s->fd < 0 ? look_for_first(s) : look_once(s, want);

    return !known && s->tail.next_fd >= 0 ? look_once(s, want) : e;
}

static enum err fill_followed(struct source *s, size_t want, int wait_ms)
{
    int left = wait_ms > 0 ? wait_ms : 0;
    enum err e = look(s, want);

    if (e != ERR_AGAIN || left == 0 || is_unnamed(s))
        return e;
    watch_arm(&s->tail.watch, s->path, s->fd >= 0);
    e = look(s, want);
    while (e == ERR_AGAIN && left > 0 && !is_unnamed(s)) {
        left = watch_wait(&s->tail.watch, left);
        e = look(s, want);
    }
    return e;
}

static void next_file(struct source *s)
{
    s->fd = tail_next(&s->tail, s->fd);
    s->raw_pos = s->offset = 0;
    s->last = s->last_given = s->consumed = false;
    s->unnamed = true;
}

/* ---- the source ---- */

static void file_close(struct source *s)
{
    if (!s)
        return;
    tail_clear(&s->tail);
    unpack_close(s->unpack);
    free(s->raw);
    buf_clear(&s->buf);
    if (s->keep_fd >= 0)
        (void)close(s->keep_fd);
    if (s->fd >= 0 && !s->is_stdin)
        (void)close(s->fd);
    free(s->path);
    free(s);
}

static struct source *make(struct env *env, const struct settings *settings, const char *locator,
                           bool follow)
{
    bool is_stdin = strcmp(locator, "-") == 0;
    const char *path = is_stdin ? "stdin" : locator;
    struct source *s = calloc(1, sizeof(*s));

    if (!s)
        return NULL;
    s->env = env;
    s->is_stdin = is_stdin;
    s->follow = follow && !is_stdin;
    s->fd = is_stdin ? STDIN_FILENO : -1;
    s->keep_fd = -1;
    buf_init(&s->buf, (size_t)settings->max_record + (size_t)settings->batch_bytes + SLACK);
    tail_init(&s->tail);
    s->path = malloc(strlen(path) + 1);
    if (!s->path) {
        file_close(s);
        return NULL;
    }
    memcpy(s->path, path, strlen(path) + 1);
    return s;
}

static enum err file_open(struct env *env, const struct settings *settings, const char *locator,
                          bool follow, struct source **out, struct why *why)
{
    struct source *s = make(env, settings, locator, follow);
    enum err e;

    if (!s)
        return why_set(why, ERR_NOMEM, "out of memory for reading %.250s", locator);
    e = s->is_stdin ? ERR_OK : attach(s);
    if (e == ERR_NOT_FOUND && s->follow) {
        env_log(env, LOG_INFO, "waiting for %s", s->path);
        s->unnamed = true;
        e = ERR_OK;
    }
    if (e) {
        (void)report(s, e, why);
        file_close(s);
        return e;
    }
    *out = s;
    return ERR_OK;
}

/* Of what is no file, like /dev/fd/63, there may be no better name than the one given. */
static enum err name_of(const struct source *s, struct source_identity *out, struct why *why)
{
    char real[PATH_MAX];
    const char *path = realpath(s->path, real) ? real : s->path;
    int n;

    if (s->is_stdin)
        n = snprintf(out->path, sizeof(out->path), "stdin");
    else
        n = snprintf(out->path, sizeof(out->path), "file:%s", path);
    if (n < 0 || (size_t)n >= sizeof(out->path))
        return why_set(why, ERR_LIMIT, "can't read %.250s: its full path is too long; move it",
                       s->path);
    return ERR_OK;
}

static enum err file_identity(struct source *s, struct source_identity *out, struct why *why)
{
    char head[TAIL_HEAD_MAX];
    size_t n = 0;
    int code;
    enum err e = s->fd < 0 ? attach(s) : ERR_OK;

    if (e == ERR_NOT_FOUND)
        return ERR_AGAIN;
    if (e)
        return report(s, e, why);
    *out = (struct source_identity){.resumable = s->regular};
    e = name_of(s, out, why);
    if (e)
        return e;
    code = s->regular ? tail_read_head(s->fd, head, sizeof(head), &n) : 0;
    if (code)
        return report(s, io_error(s, ERR_IO, code), why);
    out->head_len = (uint32_t)n;
    out->head_hash = str_hash((struct str){head, n});
    s->unnamed = false;
    return ERR_OK;
}

static enum err file_head(struct source *s, uint32_t len, uint64_t *hash)
{
    char head[TAIL_HEAD_MAX];
    size_t n;

    if (len > sizeof(head))
        return ERR_USAGE;
    if (s->fd < 0 || !s->regular)
        return ERR_NOT_FOUND;
    if (tail_read_head(s->fd, head, len, &n))
        return ERR_IO;
    if (n < len)
        return ERR_NOT_FOUND;
    *hash = str_hash((struct str){head, n});
    return ERR_OK;
}

/* Room for *want bytes more at the end of buf; *want is made smaller where the maximum of
 * buf asks for it. */
static enum err make_room(struct source *s, size_t *want)
{
    size_t rest = s->buf.n - s->from;

    if (*want > s->buf.max - rest)
        *want = s->buf.max - rest;
    if (s->from > 0 && (rest == 0 || s->buf.cap - s->buf.n < *want)) {
        memmove(s->buf.p, s->buf.p + s->from, rest);
        s->buf.n = rest;
        s->from = 0;
    }
    return *want > 0 ? buf_reserve(&s->buf, *want) : ERR_OK;
}

static enum err fill(struct source *s, size_t want, int wait_ms)
{
    enum err e = make_room(s, &want);

    if (e || want == 0)
        return e;
    if (s->fd < 0 || (s->follow && s->regular))
        return fill_followed(s, want, wait_ms);
    return fill_once(s, want, wait_ms);
}

static enum err too_short(const struct source *s, uint64_t offset, struct why *why)
{
    return why_set(why, ERR_DAMAGED,
                   "can't go on with %.250s at byte %llu: it is shorter than what was read "
                   "already; was it truncated? Put the whole file back, or give it another name",
                   s->path, (unsigned long long)offset);
}

/* There is no short way into the middle of an archive: decode and drop. */
static enum err seek_packed(struct source *s, uint64_t offset, struct why *why)
{
    uint64_t left = offset;
    enum err e = ERR_OK;

    while (!e && left > 0 && !s->last) {
        if (s->env->stop)
            return report(s, ERR_STOPPED, why);
        e = fill(s, left < RAW_BYTES ? (size_t)left : RAW_BYTES, 0);
        left -= s->buf.n;
        s->buf.n = 0;
    }
    if (left > 0 && !e)
        return too_short(s, offset, why);
    s->offset = offset;
    return left > 0 ? report(s, e, why) : ERR_OK; /* what is damaged after it, read will say */
}

static enum err seek_plain(struct source *s, uint64_t offset, struct why *why)
{
    struct stat st;

    if (fstat(s->fd, &st))
        return report(s, io_error(s, ERR_IO, errno), why);
    if (offset > (uint64_t)st.st_size)
        return too_short(s, offset, why);
    s->raw_from = s->raw_n = 0;
    s->raw_end = false;
    s->raw_pos = s->offset = offset;
    return ERR_OK;
}

static enum err file_seek(struct source *s, uint64_t offset, struct why *why)
{
    enum err e = ERR_OK;

    if (offset == 0)
        return ERR_OK;
    if (!s->regular)
        return why_set(why, ERR_USAGE, "can't go on with %.250s at byte %llu: it is no file",
                       s->path, (unsigned long long)offset);
    if (!s->follow && !s->sniffed)
        e = sniff(s, 0);
    if (e)
        return report(s, e, why);
    return s->unpack ? seek_packed(s, offset, why) : seek_plain(s, offset, why);
}

static enum err give(struct source *s, struct stretch *out)
{
    size_t rest = s->buf.n - s->from;

    out->bytes = rest > 0 ? (struct str){s->buf.p + s->from, rest} : STR("");
    out->offset = s->offset;
    out->last = s->last;
    out->grows = s->last && s->regular && !s->follow && !s->unpack && !s->is_stdin;
    s->last_given = s->last;
    s->consumed = false;
    return ERR_OK;
}

/* All of the file was given: it is the end, or the file that took its name comes next. */
static enum err after_last(struct source *s)
{
    if (!s->follow || !s->regular)
        return ERR_END;
    next_file(s);
    return ERR_NOT_FOUND;
}

/* An error is kept for after the bytes before it, but for memory, which may come back. */
static enum err fill_or_fail(struct source *s, size_t max_bytes, int wait_ms)
{
    enum err e = fill(s, max_bytes, wait_ms);

    if (e && e != ERR_AGAIN && e != ERR_NOMEM)
        s->failed = e;
    return e;
}

static enum err file_read(struct source *s, size_t max_bytes, int wait_ms, struct stretch *out,
                          struct why *why)
{
    size_t rest = s->buf.n - s->from;
    bool again = s->consumed && rest > 0;
    enum err e = ERR_OK;

    if (s->last_given && rest == 0)
        return after_last(s);
    if (is_unnamed(s))
        return ERR_AGAIN;
    if (!s->last && !s->failed)
        e = fill_or_fail(s, max_bytes, again ? 0 : wait_ms);
    if (e == ERR_NOMEM)
        return report(s, e, why);
    if (again || s->buf.n - s->from > rest)
        return give(s, out);
    if (s->failed)
        return report(s, s->failed, why);
    return e == ERR_AGAIN ? e : give(s, out);
}

static void file_consume(struct source *s, size_t n)
{
    assert(n <= s->buf.n - s->from);
    s->from += n;
    s->offset += n;
    s->consumed = s->consumed || n > 0;
}

const struct source_kind source_file = {
    .name = "file",
    .open = file_open,
    .close = file_close,
    .identity = file_identity,
    .head = file_head,
    .seek = file_seek,
    .read = file_read,
    .consume = file_consume,
};
