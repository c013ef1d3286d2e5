/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "connectors/pace.h"

#include "tests/support/t.h"

#define SECOND INT64_C(1000000000)

/* How many can be sent at once. */
static int burst(struct pace *p, int64_t now)
{
    int n = 0;

    for (; pace_wait(p, now) == 0 && n < 1000; n++)
        pace_take(p);
    return n;
}

T(a_full_bucket_lets_as_many_through_as_come_in_a_minute)
{
    struct pace p;

    pace_init(&p, 30, 5);
    eq_int(burst(&p, 5), 30);
    eq_int(pace_wait(&p, 5), 2 * SECOND);
}

T(tokens_come_back_evenly)
{
    struct pace p;

    pace_init(&p, 30, 0);
    eq_int(burst(&p, 0), 30);
    eq_int(pace_wait(&p, SECOND), SECOND);
    eq_int(burst(&p, 2 * SECOND - 1), 0);
    eq_int(burst(&p, 2 * SECOND), 1);
    eq_int(burst(&p, 12 * SECOND), 5);
    eq_int(burst(&p, 1000000 * SECOND), 30);
}

T(over_an_hour_no_more_than_the_rate_and_one_bucket)
{
    struct pace p;
    int n = 0;

    pace_init(&p, 7, 0);
    for (int64_t now = 0; now <= 3600 * SECOND; now += SECOND / 4)
        n += burst(&p, now);
    eq_int(n, 60 * 7 + 7);
}

T(a_clock_that_steps_back_neither_gives_nor_takes_tokens)
{
    struct pace p;

    pace_init(&p, 60, 100 * SECOND);
    eq_int(burst(&p, 100 * SECOND), 60);
    eq_int(burst(&p, 50 * SECOND), 0);
    eq_int(burst(&p, 51 * SECOND), 1);
}

T(the_highest_rate_does_not_overflow)
{
    struct pace p;

    pace_init(&p, 100000, 0);
    for (int i = 0; i < 100000; i++) {
        ok(pace_wait(&p, 0) == 0);
        pace_take(&p);
    }
    ok(pace_wait(&p, 0) > 0);
    eq_int(pace_wait(&p, INT64_MAX), 0);
}

T(the_wait_after_failures_doubles_up_to_ten_minutes)
{
    eq_int(pace_backoff(1, 1000), 1000);
    eq_int(pace_backoff(1, 1001), 0);
    eq_int(pace_backoff(4, 8000), 8000);
    eq_int(pace_backoff(10, 512000), 512000);
    eq_int(pace_backoff(11, 600000), 600000);
    eq_int(pace_backoff(11, 600001), 0);
    eq_int(pace_backoff(INT64_MAX, 600000), 600000);
}

T(the_wait_is_spread_from_nothing_to_its_bound)
{
    uint64_t r = seed();
    int64_t low = INT64_MAX, high = 0;

    for (int i = 0; i < 2000; i++) {
        int64_t ms = pace_backoff(5, rnd(&r));

        ok(ms >= 0 && ms <= 16000);
        low = ms < low ? ms : low;
        high = ms > high ? ms : high;
    }
    ok(low < 200 && high > 15800);
}
