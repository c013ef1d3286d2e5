/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * lock: an exclusive POSIX record lock on "<database>-lock".
 *
 * The kernel frees the lock with the process, however it ends, so there is nothing to clean
 * up after kill -9; the file itself stays, empty. A file beside the database is used because
 * SQLite has record locks of its own on the database.
 *
 * Invariants:
 *  1. The lock file is opened once per process and store: closing any other descriptor of it
 *     would free the lock (POSIX).
 *  2. The lock is taken before the database is touched.
 * A process does not exclude itself: one process opens a database for writing once.
 */
#define _XOPEN_SOURCE 700 /* realpath. NOLINT(bugprone-reserved-identifier) */
#include "engine/store/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static enum err system_error(struct why *why, const char *what, const char *path, int number)
{
    char text[128];

    if (number == ENOMEM)
        return why_set(why, ERR_NOMEM, "out of memory opening %s", path);
    if (strerror_r(number, text, sizeof(text)))
        (void)snprintf(text, sizeof(text), "error %d", number);
    return why_set(why, ERR_IO, "%s %s: %s: check the directory or name another with --db", what,
                   path, text);
}

/* "directory" + "/" + "name"; NULL: out of memory. */
static char *join(const char *directory, const char *name)
{
    size_t n = strlen(directory) + strlen(name) + 2;
    char *out = malloc(n);

    if (out)
        (void)snprintf(out, n, "%s/%s", strcmp(directory, "/") ? directory : "", name);
    return out;
}

/* The real path of a file that does not exist: that of its directory and the name. */
static enum err real_directory(const char *path, char **out, struct why *why)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    char *real = NULL;
    char *directory = NULL;
    enum err e = ERR_OK;

    if (slash == path)
        directory = strdup("/");
    else
        directory = slash ? strndup(path, (size_t)(slash - path)) : strdup(".");
    if (!directory)
        return why_set(why, ERR_NOMEM, "out of memory opening %s", path);
    real = realpath(directory, NULL);
    if (real) {
        *out = join(real, name);
        e = *out ? ERR_OK : why_set(why, ERR_NOMEM, "out of memory opening %s", path);
    } else {
        e = system_error(why, "no database can be made in", directory, errno);
    }
    free(real);
    free(directory);
    return e;
}

enum err lock_real_path(const char *path, char **out, struct why *why)
{
    size_t n = strlen(path);

    if (n == 0 || path[n - 1] == '/')
        return why_set(why, ERR_USAGE, "\"%s\" is no name for a database file", path);
    *out = realpath(path, NULL);
    if (*out)
        return ERR_OK;
    if (errno != ENOENT)
        return system_error(why, "can't open the database", path, errno);
    return real_directory(path, out, why);
}

/* The lock could not be had: says by whom it is held. */
static enum err held(const char *path, int fd, struct why *why)
{
    struct flock ask = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

    if (fcntl(fd, F_GETLK, &ask) == 0 && ask.l_type != F_UNLCK)
        return why_set(why, ERR_BUSY,
                       "%s is being written by process %ld: end that one first, or name another "
                       "database with --db",
                       path, (long)ask.l_pid);
    return why_set(why, ERR_BUSY,
                   "%s is being written by another process: end that one first, or name another "
                   "database with --db",
                   path);
}

/* Both may be interrupted by a signal where the file lies on another machine. */
static int open_lock(const char *name)
{
    int fd;

    do
        fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    while (fd < 0 && errno == EINTR);
    return fd;
}

static bool take_lock(int fd)
{
    struct flock want = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int rc;

    do
        rc = fcntl(fd, F_SETLK, &want);
    while (rc != 0 && errno == EINTR);
    return rc == 0;
}

enum err lock_open(const char *path, int *fd, struct why *why)
{
    size_t n = strlen(path) + sizeof("-lock");
    char *name = malloc(n);
    int file = -1;
    enum err e = ERR_OK;

    if (!name)
        return why_set(why, ERR_NOMEM, "out of memory opening %s", path);
    (void)snprintf(name, n, "%s-lock", path);
    file = open_lock(name);
    if (file < 0)
        e = system_error(why, "can't write", name, errno);
    if (!e && !take_lock(file))
        e = errno == EACCES || errno == EAGAIN ? held(path, file, why)
                                               : system_error(why, "can't lock", name, errno);
    free(name);
    if (e && file >= 0)
        (void)close(file);
    if (!e)
        *fd = file;
    return e;
}

void lock_close(int fd)
{
    if (fd >= 0)
        (void)close(fd);
}
