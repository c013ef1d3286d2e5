/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * level: slices of time in order, each with one cellset per dimension.
 *
 * Level 0 cuts time at every edge of every window; each sale is added to one slice of it.
 * Further levels hold panes: unions of slices along the grid of a coarser window, built
 * once when the watermark has passed them, so that a 7-day window merges 7 panes and not
 * 168 slices. A sale that comes after its pane was built is added to the pane as well.
 */
#ifndef TILLSTREAM_WINDOWS_LEVEL_H
#define TILLSTREAM_WINDOWS_LEVEL_H

#include "windows/waiting.h"

struct slice {
    int64_t start, end;
    int64_t needed_until;   /* the last end of a window that merges it */
    struct waiting waiting; /* sales its cells have not counted yet */
    bool changed;           /* a sale came since level_settle */
    bool unsaved;           /* ... since it was last saved */
    bool saved;             /* the store has a copy */
    uint32_t dimensions;    /* of its level */
    int n_sets;
    struct cellset set[]; /* by dimension */
};

struct level {
    struct slice **slice; /* by start, ascending, no overlaps; only slices with sales */
    size_t n, cap;
    struct slice *last;  /* the one found last */
    uint32_t dimensions; /* bit i: dimension i is kept here */
    int64_t built_until; /* panes: those ending at or before this are built */
};

void level_clear(struct level *l);
/* The slice [start, end), made when it is new (*made says so). NULL: out of memory. */
struct slice *level_slice(struct level *l, int64_t start, int64_t end, int n_sets, bool *made);
/* The slice that holds t, NULL if there is none. */
struct slice *level_at(struct level *l, int64_t t);
/* Index of the first slice with end > t. */
size_t level_from(const struct level *l, int64_t t);
/* Frees the first `n` slices. */
void level_drop(struct level *l, size_t n);
void level_settle(struct level *l);
size_t level_memory(const struct level *l);

#endif
