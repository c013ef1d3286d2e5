/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * On the local wall clock a cell's edges are found in local time and taken back to UTC,
 * so a day is 23 or 25 hours long when the clocks change. Where a local edge falls into a
 * repeated hour it is the first; into a missing one, it moves forward (engine/when.h).
 */
#include "windows/grid.h"

static int64_t floor_to(int64_t t, int64_t period, int64_t offset)
{
    int64_t r = (t - offset) % period;

    return t - (r < 0 ? r + period : r);
}

static int64_t month_start(int64_t month) /* months since January 1970, in local ms */
{
    int64_t year = 1970 + (month >= 0 ? month / 12 : -((11 - month) / 12));

    return when_days((int)year, (int)(month - (year - 1970) * 12) + 1, 1) * WHEN_DAY;
}

static int64_t month_floor(int64_t local, int64_t months)
{
    int year, month, day;

    when_civil(floor_to(local, WHEN_DAY, 0) / WHEN_DAY, &year, &month, &day);
    return floor_to((int64_t)(year - 1970) * 12 + month - 1, months, 0);
}

static int64_t to_local(const struct grid *g, int64_t t)
{
    return g->zone ? zone_to_local(g->zone, t) : t;
}

static int64_t to_utc(const struct grid *g, int64_t local)
{
    return g->zone ? zone_to_utc(g->zone, local) : local;
}

/* The edge on the wall clock at or before a local time, and the one `step` edges on. */
static int64_t local_edge(const struct grid *g, int64_t period, int64_t local, int step)
{
    if (!g->months)
        return floor_to(local, period, g->offset_ms) + step * period;
    int64_t month = month_floor(local - g->offset_ms, g->months);
    return month_start(month + step * g->months) + g->offset_ms;
}

/* An edge within an hour that is missing lies later than the clock says, one within an hour
 * that comes twice may lie before it: hence the search. Edges ascend, for a cell is longer
 * than clocks are ever put back. */
static int64_t edge_before(const struct grid *g, int64_t period, int64_t t)
{
    int64_t local = local_edge(g, period, to_local(g, t), 1);

    while (to_utc(g, local) > t)
        local = local_edge(g, period, local - 1, 0);
    return to_utc(g, local);
}

static int64_t edge_after(const struct grid *g, int64_t period, int64_t t)
{
    int64_t local = local_edge(g, period, to_local(g, t), 0);

    while (to_utc(g, local) <= t)
        local = local_edge(g, period, local, 1);
    return to_utc(g, local);
}

int64_t grid_floor(const struct grid *g, int64_t t)
{
    if (!g->restart_ms)
        return edge_before(g, g->period_ms, t);
    int64_t day = edge_before(g, g->restart_ms, t);
    return day + (t - day) / g->period_ms * g->period_ms;
}

int64_t grid_next(const struct grid *g, int64_t t)
{
    if (!g->restart_ms)
        return edge_after(g, g->period_ms, t);
    int64_t day_end = edge_after(g, g->restart_ms, t);
    int64_t end = grid_floor(g, t) + g->period_ms;
    return end < day_end ? end : day_end;
}

bool grid_same(const struct grid *a, const struct grid *b)
{
    return a->period_ms == b->period_ms && a->offset_ms == b->offset_ms && a->months == b->months &&
           a->restart_ms == b->restart_ms && a->zone == b->zone;
}

bool grid_nests(const struct grid *fine, const struct grid *coarse)
{
    if (grid_same(fine, coarse))
        return true;
    if (fine->zone || coarse->zone || fine->months || fine->restart_ms)
        return false;
    int64_t period = coarse->months ? WHEN_DAY : coarse->period_ms;
    bool restarts = !coarse->restart_ms || coarse->restart_ms % fine->period_ms == 0;
    return restarts && period % fine->period_ms == 0 &&
           (coarse->offset_ms - fine->offset_ms) % fine->period_ms == 0;
}
