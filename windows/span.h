/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * span: the instances of a configured window: which [start, end) it has, in order of end.
 *
 * Sessions have no instances of their own here (windows/session.h).
 */
#ifndef TILLSTREAM_WINDOWS_SPAN_H
#define TILLSTREAM_WINDOWS_SPAN_H

#include "engine/settings.h"
#include "windows/grid.h"

struct window_span {
    int64_t start, end; /* UTC milliseconds */
};

struct shape {
    enum window_type type;
    struct grid panes;  /* the finest cells its instances are unions of */
    struct grid starts; /* sliding, cumulative: where instances start */
    int64_t size_ms;    /* sliding */
};

/* `zone` NULL or UTC: plain. The zone must outlive the shape. */
void shape_of(const struct window_setting *w, const struct zone *zone, struct shape *out);
/* The instance with the smallest end > t: the first that holds t, if one does. The others
 * that hold it follow with shape_ending_after(s, span.end) while span.start <= t. */
struct window_span shape_ending_after(const struct shape *s, int64_t t);
/* The largest end of an instance that holds t. */
int64_t shape_last_end(const struct shape *s, int64_t t);

#endif
