/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/t.h"
#include "windows/session.h"

static uint64_t hash[64];

static const struct hashes *hashes(void)
{
    static const struct hashes h = {hash, hash};

    return &h;
}

static void sell(struct sessions *s, uint32_t key, int64_t time_s, struct parcel *p)
{
    struct fact f = {.time_ms = time_s * 1000, .quantity = 1, .value = 5};

    ok_err(sessions_add(s, key, &f, hashes(), p));
}

static const struct agg_row *row(const struct parcel *p, size_t i)
{
    ok(i < p->rows.n);
    return list_at(&p->rows, i);
}

T(a_sale_between_two_sessions_joins_them_and_deletes_a_row)
{
    struct sessions *s;
    struct parcel *p = parcel_open();

    ok_err(sessions_open(1, 100000, &s));
    sell(s, 3, 1000, p);
    sell(s, 3, 1150, p);
    sell(s, 4, 1000, p);
    eq_u64(sessions_count(s), 3);
    ok_err(sessions_snapshot(s, p));
    eq_u64(p->rows.n, 3);
    parcel_reset(p);
    sell(s, 3, 1099, p); /* less than a gap from both */
    eq_u64(sessions_count(s), 2);
    ok_err(sessions_snapshot(s, p));
    int deleted = 0, put = 0;
    for (size_t i = 0; i < p->rows.n; i++) {
        deleted += row(p, i)->op == ROW_DELETE;
        put += row(p, i)->op == ROW_PUT;
    }
    eq_int(put, 1);
    ok(deleted >= 1);
    const struct agg_row *last = row(p, p->rows.n - 1);
    eq_int(last->start_s, 1000);
    eq_int(last->end_s, 1250);
    eq_int(last->lines, 3);
    sessions_close(s);
    parcel_close(p);
}

T(a_gap_of_just_the_length_parts_two_sessions)
{
    struct sessions *s;
    struct parcel *p = parcel_open();

    ok_err(sessions_open(1, 100000, &s));
    sell(s, 3, 1000, p);
    sell(s, 3, 1100, p);
    eq_u64(sessions_count(s), 2);
    eq_int(sessions_next_end(s), 1100000);
    ok_err(sessions_advance(s, 1099999, 0, p));
    eq_u64(p->rows.n, 0);
    ok_err(sessions_advance(s, 1100000, 0, p));
    eq_u64(p->rows.n, 1);
    eq_u64(row(p, 0)->version, 1);
    eq_u64(row(p, 0)->final, 1);
    ok_err(sessions_advance(s, 1300000, 1100000, p));
    eq_u64(sessions_count(s), 1); /* the first can't be reached any more */
    sessions_close(s);
    parcel_close(p);
}

T(sessions_come_back_from_a_save_and_overlapping_ones_are_damaged)
{
    struct sessions *s, *back;
    struct parcel *p = parcel_open();
    struct buf b;

    buf_init(&b, 4096);
    ok_err(sessions_open(1, 100000, &s));
    sell(s, 3, 1000, p);
    sell(s, 3, 1150, p);
    ok_err(sessions_finish(s, p));
    ok(sessions_unsaved(s));
    ok_err(sessions_save(s, &b, NULL));
    ok(!sessions_unsaved(s));
    ok_err(sessions_open(1, 100000, &back));
    struct reader in = reader_of(b.p, b.n);
    ok_err(sessions_load(back, &in, NULL, hashes()));
    eq_u64(sessions_count(back), 2);
    in = reader_of(b.p, b.n);
    eq_err(sessions_load(back, &in, NULL, hashes()), ERR_DAMAGED);
    sessions_close(back);
    sessions_close(s);
    parcel_close(p);
    buf_clear(&b);
}
