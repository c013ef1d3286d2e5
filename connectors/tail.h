/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * tail: is the file that is being followed still the one it was, and the one its path names?
 */
#ifndef TILLSTREAM_CONNECTORS_TAIL_H
#define TILLSTREAM_CONNECTORS_TAIL_H

#include "connectors/watch.h"
#include "engine/err.h"
#include "engine/str.h"

#include <time.h>

#define TAIL_HEAD_MAX 4096

struct tail {
    char head[TAIL_HEAD_MAX];
    size_t head_len;
    struct timespec changed; /* the file's time of change when head was compared */
    int next_fd;             /* the file that replaces this one, -1: none so far */
    int code;                /* the errno behind the last ERR_IO */
    struct watch watch;
};

void tail_init(struct tail *t);
void tail_clear(struct tail *t);
/* The next file: t->next_fd when there is one (the caller owns it now), else `fd`, the same
 * one from its start. Forgets what was known of the last one. */
int tail_next(struct tail *t, int fd);

/* Looks at the file after `got` bytes were read that end at `end`. *same is false when it was
 * truncated, or changed at its head: then the `got` bytes are none of this file. ERR_IO. */
enum err tail_check(struct tail *t, int fd, uint64_t end, size_t got, bool *same) MUST_CHECK;
/* *yes: the path names another file, and that is not empty. It is opened as next_fd. ERR_IO,
 * also when the path names no regular file any more. */
enum err tail_replaced(struct tail *t, int fd, const char *path, bool *yes) MUST_CHECK;

/* Opens for reading; never waits for the other end of a FIFO. -1 and errno. */
int tail_open(const char *path);
/* The first `n` bytes, fewer where the file is shorter. Returns 0 or an errno. */
int tail_read_head(int fd, char *to, size_t n, size_t *got) MUST_CHECK;

#endif
