/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * reopen: the rows whose version is not the usual one: those of windows that had fired and
 * were touched again within the lateness (or by a later source). All others are 0 while
 * open and 1 once fired, and need no memory.
 */
#ifndef TILLSTREAM_WINDOWS_REOPEN_H
#define TILLSTREAM_WINDOWS_REOPEN_H

#include "engine/buf.h"
#include "windows/span.h"

struct reopened_row {
    int window, dimension; /* places in fold.window and settings.dimension */
    uint32_t key;
    struct window_span span;
    uint32_t version; /* of its last firing; 0: it had no sales then */
    bool pending;     /* touched since it last fired: final = 0 */
    bool changed;     /* ... and not yet shown by a commit */
    bool merged;      /* during a merge: it has its new version */
};

struct reopened {
    struct reopened_row *row;
    uint32_t n, cap;
    uint32_t *index; /* open addressing: place + 1 */
    uint32_t mask;
    uint32_t n_pending;
    int64_t first_pending_end; /* no pending row ends before this */
};

void reopened_clear(struct reopened *r);
/* By the end of the instance: those of a cumulative window share their start. */
struct reopened_row *reopened_find(const struct reopened *r, int window, int dimension,
                                   uint32_t key, int64_t end);
/* Adds a row that is not in yet. */
enum err reopened_add(struct reopened *r, const struct reopened_row *row) MUST_CHECK;
void reopened_touch(struct reopened *r, struct reopened_row *row);
/* Forgets the rows for which `gone` says so. */
void reopened_forget(struct reopened *r, bool (*gone)(void *arg, const struct reopened_row *row),
                     void *arg);

#endif
