/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * grid: a partition of time into cells [start, end).
 *
 * Times are UTC milliseconds. A grid is regular (period and offset from the epoch), a
 * calendar of months, or, with a time zone, either of these on the local wall clock
 * (windows of a day or more are the shop's local days). `day_ms` > 0 restarts a regular
 * grid at each cell of that larger period: the steps of a cumulative window.
 */
#ifndef TILLSTREAM_WINDOWS_GRID_H
#define TILLSTREAM_WINDOWS_GRID_H

#include "engine/when.h"

struct grid {
    int64_t period_ms; /* > 0 unless months > 0 */
    int64_t offset_ms;
    int64_t months;          /* > 0: calendar months, counted from January 1970 */
    int64_t restart_ms;      /* > 0: cells restart at each multiple of this */
    const struct zone *zone; /* NULL: UTC */
};

int64_t grid_floor(const struct grid *g, int64_t t); /* start of the cell that holds t */
int64_t grid_next(const struct grid *g, int64_t t);  /* end of the cell that holds t */
bool grid_same(const struct grid *a, const struct grid *b);
/* Every cell of `coarse` is a union of cells of `fine`, provably. */
bool grid_nests(const struct grid *fine, const struct grid *coarse);

#endif
