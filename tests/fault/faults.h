/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * faults: makes the n-th call of a kind fail, for n = 1, 2, 3, ...: what is asked of the memory
 * or of the system, by our code and by the libraries linked statically (SQLite among them).
 */
#ifndef TILLSTREAM_TESTS_FAULT_FAULTS_H
#define TILLSTREAM_TESTS_FAULT_FAULTS_H

#include <stdbool.h>
#include <stdint.h>

enum fault {
    FAULT_MEMORY,    /* allocations, maps, new threads */
    FAULT_INTERRUPT, /* EINTR */
    FAULT_SHORT,     /* reads and writes do half of what was asked */
    FAULT_BROKEN,    /* EIO */
    FAULT_FULL,      /* ENOSPC, of what makes a file grow */
    FAULT_FORBIDDEN, /* EROFS, of what opens or makes a file for writing */
    FAULT_COUNT
};

/* From here on the n-th call that this fault can strike fails; with `onwards` those that follow
 * it, too (of interruptions the next few: a caller may retry for ever). n = 0: counts only. */
void fault_arm(enum fault kind, uint64_t n, bool onwards);
/* All is well again. Returns whether a call failed. */
bool fault_disarm(void);
/* Calls counted since fault_arm. */
uint64_t fault_seen(void);
/* Sleeps that were skipped, since the process began. */
int64_t fault_slept_ns(void);
const char *fault_name(enum fault kind);
/* The first that failed: "fsync 17", for messages. */
const char *fault_struck(void);

#endif
