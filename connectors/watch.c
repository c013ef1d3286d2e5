/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * watch: inotify with a fallback.
 *
 * A wake-up says only "look again": what happened is never read from the events, since they
 * can be merged, lost (the queue overflows) or be about another file of the folder. So the
 * caller's own look (fstat, stat) is the one source of truth, and a missing event costs
 * waiting time but never a byte.
 *
 * Arming again is idempotent: the kernel gives the same watch for the same inode. When the
 * path has come to name another inode, the old one stays watched too, which is wanted (its
 * writer may still append); the owner calls watch_clear when it is done with it.
 *
 * Without inotify (too many instances, a folder that doesn't exist yet) the wait is cut into
 * turns of TURN_MS. On file systems that don't report what other machines do (NFS) a change
 * is seen when the caller looks again after its own wait_ms.
 */
#include "connectors/watch.h"

#include <limits.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#define TURN_MS 2
#define DRAIN_MAX 64 /* reads; what is left over wakes once more */

void watch_init(struct watch *w)
{
    w->fd = -1;
    w->complete = false;
}

void watch_clear(struct watch *w)
{
    if (w->fd >= 0)
        (void)close(w->fd);
    watch_init(w);
}

static bool watch_folder(int fd, const char *path)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    size_t n = slash ? (size_t)(slash - path) : 0;

    if (n >= sizeof(folder))
        return false;
    memcpy(folder, path, n);
    folder[n] = '\0';
    if (n == 0)
        memcpy(folder, slash ? "/" : ".", sizeof("/"));
    return inotify_add_watch(fd, folder, IN_CREATE | IN_MOVED_TO | IN_ONLYDIR) >= 0;
}

void watch_arm(struct watch *w, const char *path, bool exists)
{
    const uint32_t file_events = IN_MODIFY | IN_ATTRIB | IN_MOVE_SELF | IN_DELETE_SELF;

    if (w->fd < 0)
        w->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    w->complete = w->fd >= 0 && watch_folder(w->fd, path);
    if (w->complete && exists)
        w->complete = inotify_add_watch(w->fd, path, file_events) >= 0;
}

static void drain(int fd)
{
    char events[4096];
    ssize_t n = 1;

    for (int i = 0; i < DRAIN_MAX && n > 0; i++)
        n = read(fd, events, sizeof(events));
}

int watch_wait(struct watch *w, int wait_ms)
{
    struct pollfd p = {.fd = w->fd, .events = POLLIN};
    int turn = !w->complete && wait_ms > TURN_MS ? TURN_MS : wait_ms;
    int r = poll(&p, 1, turn); /* an fd of -1 is ignored: a plain sleep */

    if (r > 0)
        drain(w->fd);
    return r == 0 ? wait_ms - turn : 0;
}
