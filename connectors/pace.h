/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * pace: how often something may be sent, and how long to wait after it failed. No clock of its
 * own: times are handed in, so a test can play a day in no time.
 */
#ifndef TILLSTREAM_CONNECTORS_PACE_H
#define TILLSTREAM_CONNECTORS_PACE_H

#include <stdbool.h>
#include <stdint.h>

#define PACE_FIRST_MS INT64_C(1000)     /* the longest first wait after a failure */
#define PACE_LONGEST_MS INT64_C(600000) /* the longest of all */

/* A bucket of tokens: full at first, refilled evenly. */
struct pace {
    int64_t capacity; /* tokens; as many come in a minute */
    int64_t level;    /* in token-nanoseconds: a token is PACE_MINUTE_NS */
    int64_t last_ns;
};

#define PACE_MINUTE_NS INT64_C(60000000000)

/* 1 <= per_minute <= 100000. */
void pace_init(struct pace *p, int64_t per_minute, int64_t now_ns);
/* Nanoseconds until there is a token; 0: now. */
int64_t pace_wait(struct pace *p, int64_t now_ns);
/* Takes one that pace_wait said is there. */
void pace_take(struct pace *p);

/* Milliseconds to wait after so many failures in a row (at least 1), by 64 random bits: evenly
 * from 0 to a bound that doubles ("full jitter"). */
int64_t pace_backoff(int64_t failures, uint64_t random);

#endif
