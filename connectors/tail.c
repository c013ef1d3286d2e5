/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * tail: what becomes of a file that others write while we read it.
 *
 * A followed file ends in one of two ways:
 *   - truncated: it is shorter than our position, or its first bytes (up to 4 KiB, kept in
 *     `head`) have changed. The head tells of a copytruncate even when the file has grown
 *     past our position since;
 *   - replaced: its path names another file that is not empty. An empty one is not enough:
 *     after `mv log log.1; touch log` the writer appends to log.1 until it is told to reopen.
 *
 * Limits. A truncated file that has grown past our position with the very same head, or that
 * was changed to the very same size within one tick of the file system's clock, looks as if
 * it had not been touched. When a file is replaced twice before its end was reached, the one
 * in between is never seen. A writer that is still busy with the old file when another one
 * already fills the new one is cut off.
 *
 * Invariants
 * 1. `head` holds the first head_len bytes of the file as they were when it was last found to
 *    be the same. It only grows.
 * 2. At most one further file is open, next_fd, and it is a regular one.
 */
#include "connectors/tail.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

void tail_init(struct tail *t)
{
    t->head_len = 0;
    t->changed = (struct timespec){0};
    t->next_fd = -1;
    t->code = 0;
    watch_init(&t->watch);
}

void tail_clear(struct tail *t)
{
    if (t->next_fd >= 0)
        (void)close(t->next_fd);
    watch_clear(&t->watch);
    tail_init(t);
}

int tail_next(struct tail *t, int fd)
{
    int next = t->next_fd;

    watch_clear(&t->watch);
    tail_init(t);
    if (next < 0)
        return fd;
    (void)close(fd);
    return next;
}

int tail_open(const char *path)
{
    int fd;

    do
        fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    while (fd < 0 && errno == EINTR);
    return fd;
}

int tail_read_head(int fd, char *to, size_t n, size_t *got)
{
    ssize_t r = 1;

    *got = 0;
    while (*got < n && r != 0) {
        r = pread(fd, to + *got, n - *got, (off_t)*got);
        if (r < 0 && errno != EINTR)
            return errno;
        *got += r > 0 ? (size_t)r : 0;
    }
    return 0;
}

static enum err io(struct tail *t, int code)
{
    t->code = code;
    return ERR_IO;
}

static bool same_time(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

enum err tail_check(struct tail *t, int fd, uint64_t end, size_t got, bool *same)
{
    char head[TAIL_HEAD_MAX];
    struct stat st;
    size_t n;
    int code;

    *same = true;
    if (fstat(fd, &st))
        return io(t, errno);
    if ((uint64_t)st.st_size < end) {
        /* Bytes that were read a moment ago were still the old file's: the next look,
         * which gets none, ends it. */
        *same = got > 0;
        return ERR_OK;
    }
    if (got == 0 && same_time(st.st_mtim, t->changed))
        return ERR_OK;
    code = tail_read_head(fd, head, sizeof(head), &n);
    if (code)
        return io(t, code);
    *same = n >= t->head_len && memcmp(head, t->head, t->head_len) == 0;
    if (*same) {
        memcpy(t->head, head, n);
        t->head_len = n;
        t->changed = st.st_mtim;
    }
    return ERR_OK;
}

static bool is_other(const struct stat *ours, const struct stat *theirs)
{
    bool same = ours->st_ino == theirs->st_ino && ours->st_dev == theirs->st_dev;

    return !same && theirs->st_size > 0;
}

enum err tail_replaced(struct tail *t, int fd, const char *path, bool *yes)
{
    struct stat ours, theirs;
    int next;

    *yes = false;
    if (fstat(fd, &ours))
        return io(t, errno);
    if (stat(path, &theirs) || !is_other(&ours, &theirs))
        return ERR_OK; /* a path that names nothing is between two files */
    next = tail_open(path);
    if (next < 0)
        return errno == ENOENT ? ERR_OK : io(t, errno);
    /* Once more, of what was really opened. */
    if (fstat(next, &theirs) || !is_other(&ours, &theirs) || !S_ISREG(theirs.st_mode)) {
        (void)close(next);
        return S_ISREG(theirs.st_mode) ? ERR_OK : io(t, S_ISDIR(theirs.st_mode) ? EISDIR : ENXIO);
    }
    t->next_fd = next;
    *yes = true;
    return ERR_OK;
}
