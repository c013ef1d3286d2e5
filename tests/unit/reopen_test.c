/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/t.h"
#include "windows/reopen.h"

static bool ended(void *arg, const struct reopened_row *row)
{
    return row->span.end <= *(const int64_t *)arg;
}

T(rows_are_found_by_the_end_of_their_instance_and_forgotten_together)
{
    struct reopened r = {0};
    int64_t until = 500;

    for (int64_t i = 1; i <= 1000; i++) {
        struct reopened_row row = {
            .window = (int)(i % 3), .key = 7, .span = {0, i}, .pending = i % 2};
        ok_err(reopened_add(&r, &row));
    }
    eq_u64(r.n_pending, 500);
    eq_int(r.first_pending_end, 1);
    for (int64_t i = 1; i <= 1000; i++)
        eq_int(reopened_find(&r, (int)(i % 3), 0, 7, i)->span.end, i);
    ok(reopened_find(&r, 0, 0, 7, 1) == NULL);
    reopened_forget(&r, ended, &until);
    eq_u64(r.n, 500);
    eq_u64(r.n_pending, 250);
    ok(reopened_find(&r, 500 % 3, 0, 7, 500) == NULL);
    struct reopened_row *row = reopened_find(&r, 502 % 3, 0, 7, 502);
    ok(row && !row->pending);
    reopened_touch(&r, row);
    reopened_touch(&r, row);
    eq_u64(r.n_pending, 251);
    reopened_clear(&r);
}
