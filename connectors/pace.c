/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * pace: a token bucket and a back-off.
 *
 * The bucket counts in token-nanoseconds, so refilling is a multiplication without rounding:
 * in t nanoseconds `capacity` * t of them come in, and a token is a minute's worth of one.
 *
 * The back-off is full jitter (Brooker, "Exponential Backoff And Jitter", 2015): a random time
 * below min(longest, first * 2^(failures - 1)). Many programs that lost the same receiver at
 * the same moment don't come back at the same moment.
 *
 * Invariants:
 *  1. 0 <= level <= capacity * PACE_MINUTE_NS.
 *  2. A clock that steps back gives no tokens and takes none.
 */
#include "connectors/pace.h"

#include <assert.h>

void pace_init(struct pace *p, int64_t per_minute, int64_t now_ns)
{
    *p = (struct pace){
        .capacity = per_minute, .level = per_minute * PACE_MINUTE_NS, .last_ns = now_ns};
}

int64_t pace_wait(struct pace *p, int64_t now_ns)
{
    int64_t passed = now_ns - p->last_ns;
    int64_t full = p->capacity * PACE_MINUTE_NS;

    p->last_ns = now_ns;
    if (passed >= PACE_MINUTE_NS)
        p->level = full;
    else if (passed > 0)
        p->level += passed * p->capacity;
    if (p->level > full)
        p->level = full;
    if (p->level >= PACE_MINUTE_NS)
        return 0;
    return (PACE_MINUTE_NS - p->level + p->capacity - 1) / p->capacity;
}

void pace_take(struct pace *p)
{
    assert(p->level >= PACE_MINUTE_NS);
    p->level -= PACE_MINUTE_NS;
}

int64_t pace_backoff(int64_t failures, uint64_t random)
{
    int64_t bound = PACE_FIRST_MS;

    for (int64_t i = 1; i < failures && bound < PACE_LONGEST_MS; i++)
        bound *= 2;
    if (bound > PACE_LONGEST_MS)
        bound = PACE_LONGEST_MS;
    return (int64_t)(random % (uint64_t)(bound + 1));
}
