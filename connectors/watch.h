/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * watch: sleep until something may have happened to a file: it appeared, grew, was replaced.
 */
#ifndef TILLSTREAM_CONNECTORS_WATCH_H
#define TILLSTREAM_CONNECTORS_WATCH_H

#include <stdbool.h>

struct watch {
    int fd;        /* inotify, -1 until armed */
    bool complete; /* the kernel will tell; otherwise sleep in short turns */
};

void watch_init(struct watch *w);
void watch_clear(struct watch *w); /* forgets all; usable again */
/* Watches the folder of `path`, and the file itself when `exists`. To be called before the
 * last look at the file and the wait after it, so that nothing falls between the two. */
void watch_arm(struct watch *w, const char *path, bool exists);
/* Sleeps, but wakes as soon as something happened. Returns the milliseconds that are left
 * to wait after the caller has looked; 0 as well after an event or a signal. */
int watch_wait(struct watch *w, int wait_ms);

#endif
