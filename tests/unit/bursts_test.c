/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/bursts.h"
#include "tests/support/t.h"

T(more_at_once_is_rarer_even_if_never_seen)
{
    struct bursts b;

    bursts_init(&b, 0.06, 0.22);
    near(bursts_share(&b, 0), 1, 0);
    for (int k = 1; k < 30; k++)
        ok(bursts_share(&b, k + 1) <= bursts_share(&b, k));
    ok(bursts_share(&b, BURSTS_MAX) > 0);
}

T(what_happens_often_is_no_surprise)
{
    struct bursts b;

    bursts_init(&b, 0.06, 0.22);
    for (int i = 0; i < 1000; i++)
        bursts_learn(&b, i % 10 ? 0 : 3, 1);
    near(bursts_share(&b, 3), 0.1, 0.01);
    near(bursts_surprise(&b, 3, 0), 1, 0.05);
    ok(bursts_surprise(&b, 4, 0) > 3);
}

T(who_did_it_before_surprises_half_as_much)
{
    struct bursts b;

    bursts_init(&b, 0.06, 0.22);
    near(bursts_surprise(&b, 4, 4), bursts_surprise(&b, 4, 3) / 2, 1e-12);
}
