/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/pack.h"
#include "tests/support/t.h"

#include <math.h>
#include <stddef.h>

struct thing {
    double d;
    float f[3];
    int64_t i;
    uint64_t u;
    uint16_t h;
    uint8_t c;
};

static const struct pack_field fields[] = {
    PACK(struct thing, d, PACK_F64, -10, 10),   PACK(struct thing, f, PACK_F32, 0, 5),
    PACK(struct thing, i, PACK_I64, -1e19, 10), PACK(struct thing, u, PACK_U64, 0, 2e19),
    PACK(struct thing, h, PACK_U16, 0, 70000),  PACK(struct thing, c, PACK_U8, 1, 9),
};

static bool reads_back(const struct thing *t)
{
    struct buf b;
    struct thing again = {0};

    buf_init(&b, 1000);
    ok_err(pack_write(&b, PACK_TABLE(fields), t));
    eq_int(b.n, 8 + 12 + 8 + 8 + 2 + 1);
    struct reader r = reader_of(b.p, b.n);
    pack_read(&r, PACK_TABLE(fields), &again);
    bool good = !r.bad && r.p == r.end;
    if (good)
        ok(again.d == t->d && again.f[2] == t->f[2] && again.i == t->i && again.u == t->u &&
           again.h == t->h && again.c == t->c);
    buf_clear(&b);
    return good;
}

T(what_is_written_is_read_back)
{
    struct thing t = {-3.25, {0, 1.5F, 4.75F}, -77, UINT64_MAX, 65535, 9};

    ok(reads_back(&t));
}

T(bytes_are_little_endian)
{
    static const struct pack_field one[] = {PACK(struct thing, h, PACK_U16, 0, 70000)};
    struct thing t = {.h = 0x1234};
    struct buf b;

    buf_init(&b, 100);
    ok_err(pack_write(&b, PACK_TABLE(one), &t));
    eq_bytes(b.p, b.n, "\x34\x12", 2);
    buf_clear(&b);
}

T(a_value_out_of_range_or_no_number_is_bad)
{
    const struct thing good = {1, {1, 1, 1}, 1, 1, 1, 1};
    struct thing t = good;

    t.d = (double)NAN;
    ok(!reads_back(&t));
    t = good;
    t.f[1] = (float)HUGE_VAL;
    ok(!reads_back(&t));
    t = good;
    t.c = 0;
    ok(!reads_back(&t));
    t = good;
    t.i = 11;
    ok(!reads_back(&t));
}

T(short_input_is_bad)
{
    struct thing t = {0};
    struct reader r = reader_of("1234567", 7);

    pack_read(&r, PACK_TABLE(fields), &t);
    ok(r.bad);
}

T(a_write_beyond_the_limit_leaves_the_buffer_as_it_was)
{
    struct thing t = {.c = 1};
    struct buf b;

    buf_init(&b, 20);
    ok_err(buf_text(&b, "ab"));
    eq_err(pack_write(&b, PACK_TABLE(fields), &t), ERR_LIMIT);
    eq_bytes(b.p, b.n, "ab", 2);
    buf_clear(&b);
}

T(a_part_is_added_with_its_name_or_as_gone)
{
    struct parcel *p = parcel_open();
    struct buf b;

    ok(p != NULL);
    buf_init(&b, 20);
    ok_err(buf_text(&b, "data"));
    ok_err(parcel_state(p, "models/x", 3, &b));
    ok_err(parcel_state(p, "models/y", 3, NULL));
    eq_int(p->states.n, 2);
    const struct state_row *row = list_at(&p->states, 0);
    ok(str_eq(parcel_str(p, row->name), STR("models/x")) && row->version == 3 && !row->gone);
    ok(((const struct state_row *)list_at(&p->states, 1))->gone);
    buf_clear(&b);
    parcel_close(p);
}
