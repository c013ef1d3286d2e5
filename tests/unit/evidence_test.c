/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/evidence.h"
#include "tests/support/t.h"

static struct verdict example(void)
{
    struct verdict v = {.kind = VERDICT_FINAL,
                        .flagged = 1,
                        .letter = 'C',
                        .invoice = UINT64_MAX,
                        .time_ms = -5,
                        .judged_ms = INT64_MIN,
                        .customer = 7,
                        .lines = 3,
                        .units = 12,
                        .revenue = -99,
                        .score = 4.5,
                        .p_value = 0.01,
                        .n_evidence = 2,
                        .n_normals = 1};

    v.evidence[0] = (struct evidence){.stat = STAT_HOUR, .contribution = 4, .value = 3};
    v.evidence[1] = (struct evidence){.stat = STAT_ECHO, .contribution = 0.5, .other = 9};
    v.normal[0] = (struct normal){.invoice = 5, .value = 1.5F, .hour = 23};
    return v;
}

static enum err read_again(struct buf *b, struct verdict *v)
{
    struct reader r = reader_of(b->p, b->n);

    return verdict_read(v, &r);
}

T(a_verdict_is_read_as_it_was_written)
{
    struct verdict v = example(), again;
    struct buf b, c;

    buf_init(&b, 10000);
    buf_init(&c, 10000);
    ok_err(verdict_write(&v, &b));
    ok_err(read_again(&b, &again));
    ok_err(verdict_write(&again, &c));
    eq_bytes(b.p, b.n, c.p, c.n);
    eq_u64(again.invoice, UINT64_MAX);
    eq_int(again.evidence[1].other, 9);
    buf_clear(&b);
    buf_clear(&c);
}

T(damaged_and_newer_verdicts_are_refused)
{
    struct verdict v = example(), again;
    uint64_t random = seed();
    struct buf b;

    buf_init(&b, 10000);
    ok_err(verdict_write(&v, &b));
    b.p[0] = 2;
    eq_err(read_again(&b, &again), ERR_NEWER);
    b.p[0] = 0;
    eq_err(read_again(&b, &again), ERR_DAMAGED);
    b.p[0] = 1;
    size_t whole = b.n;
    for (b.n = 0; b.n < whole; b.n++)
        eq_err(read_again(&b, &again), ERR_DAMAGED);
    for (int i = 0; i < 2000; i++) {
        size_t at = 1 + rnd_below(&random, whole - 1);
        char old = b.p[at];
        b.p[at] = (char)rnd(&random);
        enum err e = read_again(&b, &again);
        ok(e == ERR_OK || e == ERR_DAMAGED);
        ok(e || (again.n_evidence <= STAT_COUNT && again.n_normals <= VERDICT_NORMALS));
        b.p[at] = old;
    }
    buf_clear(&b);
}
