/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Ends of instances: a tumbling window's cell ends where the next begins; a sliding
 * window's instance starts at a multiple of slide and ends size later; a cumulative
 * window's instances share their start (midnight) and end at each step.
 * With a zone, local days count: size later is so many local days later.
 */
#include "windows/span.h"

static int64_t gcd(int64_t a, int64_t b)
{
    while (b) {
        int64_t r = a % b;
        a = b;
        b = r;
    }
    return a;
}

void shape_of(const struct window_setting *w, const struct zone *zone, struct shape *out)
{
    const struct zone *local = zone && !zone_is_utc(zone) ? zone : NULL;
    int64_t period = w->type == WINDOW_SLIDING ? gcd(w->size_ms, w->slide_ms) : w->size_ms;

    *out = (struct shape){.type = w->type, .size_ms = w->size_ms};
    out->panes.offset_ms = w->offset_ms;
    out->panes.months = w->size_months;
    out->panes.period_ms = period;
    if (w->size_months || period % WHEN_DAY == 0)
        out->panes.zone = local;
    out->starts = out->panes;
    if (w->type == WINDOW_SLIDING)
        out->starts.period_ms = w->slide_ms;
    if (w->type == WINDOW_CUMULATIVE) {
        out->panes.period_ms = w->slide_ms;
        out->panes.restart_ms = w->size_ms;
    }
}

/* Where midnight is missing a day starts at one: it counts from midnight all the same. */
static int64_t sliding_end(const struct shape *s, int64_t start)
{
    const struct grid days = {.period_ms = s->panes.period_ms, .offset_ms = s->panes.offset_ms};

    if (!s->starts.zone)
        return start + s->size_ms;
    int64_t nominal = grid_floor(&days, zone_to_local(s->starts.zone, start));
    return zone_to_utc(s->starts.zone, nominal + s->size_ms);
}

/* A time before which every instance has ended at t; clocks may shift it by hours. */
static int64_t size_before(const struct shape *s, int64_t t)
{
    return t - s->size_ms - (s->starts.zone ? 4 * WHEN_HOUR : 0);
}

static struct window_span sliding_after(const struct shape *s, int64_t t)
{
    struct window_span span;

    span.start = grid_floor(&s->starts, size_before(s, t));
    span.end = sliding_end(s, span.start);
    while (span.end <= t) {
        span.start = grid_next(&s->starts, span.start);
        span.end = sliding_end(s, span.start);
    }
    return span;
}

struct window_span shape_ending_after(const struct shape *s, int64_t t)
{
    if (s->type == WINDOW_SLIDING)
        return sliding_after(s, t);
    return (struct window_span){grid_floor(&s->starts, t), grid_next(&s->panes, t)};
}

int64_t shape_last_end(const struct shape *s, int64_t t)
{
    if (s->type == WINDOW_SLIDING)
        return sliding_end(s, grid_floor(&s->starts, t));
    return grid_next(&s->starts, t);
}
