/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/opened.h"
#include "tests/support/t.h"

static struct opened *add(struct openings *o, uint64_t invoice, int64_t due_ms)
{
    const struct model_line line = {.invoice = invoice};
    struct opened *i = NULL;

    ok_err(openings_add(o, &line, due_ms, &i));
    return i;
}

/* Against a plain array: the earliest comes first, the smaller number where times are equal. */
T(invoices_come_up_in_the_order_of_their_time_then_number)
{
    enum { INVOICES = 400 };
    uint64_t random = seed();
    struct openings o;
    int64_t before_ms = -1;
    uint64_t before = 0;

    openings_init(&o);
    for (uint64_t n = 1; n <= INVOICES; n++)
        (void)add(&o, n * 7919 % 401, (int64_t)rnd_below(&random, 50));
    for (int n = 0; n < 100; n++) /* lines came: time moves back */
        openings_find(&o, 1 + rnd_below(&random, INVOICES))->due_ms += 20;
    int n = 0;
    for (struct opened *i = openings_due(&o, 1000); i; i = openings_due(&o, 1000)) {
        ok(i->due_ms > before_ms || (i->due_ms == before_ms && i->head.key > before));
        before_ms = i->due_ms;
        before = i->head.key;
        openings_remove(&o, i);
        n++;
    }
    eq_int(n, INVOICES);
    openings_clear(&o);
}

T(nothing_comes_up_before_its_time)
{
    struct openings o;

    openings_init(&o);
    struct opened *i = add(&o, 1, 10);
    ok(!openings_due(&o, 9));
    ok(openings_due(&o, 10) == i);
    i->due_ms = 20;
    openings_again(&o, i);
    ok(!openings_due(&o, 19));
    ok(openings_due(&o, 20) == i);
    openings_clear(&o);
}

T(lines_of_an_invoice_are_bounded)
{
    struct openings o;
    struct opened_line *line;

    openings_init(&o);
    struct opened *i = add(&o, 1, 10);
    for (int n = 0; n < OPENED_LINES_MAX; n++) {
        ok_err(opened_add(i, &line));
        ok(line != NULL);
    }
    ok_err(opened_add(i, &line));
    ok(!line);
    opened_drop_lines(i);
    eq_int(i->n_line, 0);
    openings_clear(&o);
}

T(open_invoices_survive_saving)
{
    struct openings o, again;
    struct opened_line *line;
    struct buf b, c;

    openings_init(&o);
    openings_init(&again);
    for (uint64_t n = 1; n < 40; n++) {
        struct opened *i = add(&o, n, 100 - (int64_t)n);
        ok_err(opened_add(i, &line));
        *line = (struct opened_line){.same = n, .stock = 5, .ln_price = 1};
        i->found[STAT_HOUR] = (struct evidence){.stat = STAT_HOUR, .surprise = (double)n};
        i->echo_bucket = (int32_t)(n % 5) - 1;
    }
    buf_init(&b, 1u << 20);
    buf_init(&c, 1u << 20);
    ok_err(openings_save(&o, &b));
    struct reader r = reader_of(b.p, b.n);
    ok_err(openings_load(&again, &r));
    ok(r.p == r.end);
    ok_err(openings_save(&again, &c));
    eq_bytes(b.p, b.n, c.p, c.n);
    eq_u64(openings_due(&again, 1000)->head.key, 39);
    buf_clear(&b);
    buf_clear(&c);
    openings_clear(&o);
    openings_clear(&again);
}

T_OOM(an_invoice_that_gets_no_memory_is_not_open)
{
    struct openings o;
    enum err e = ERR_OK;

    openings_init(&o);
    for (uint64_t n = 1; !e && n < 100; n++) {
        const struct model_line line = {.invoice = n};
        struct opened *i;
        struct opened_line *mine;
        e = openings_add(&o, &line, 5, &i);
        if (!e)
            e = opened_add(i, &mine);
    }
    memory_again();
    for (struct opened *i = openings_due(&o, 5); i; i = openings_due(&o, 5))
        openings_remove(&o, i);
    eq_int(o.table.n, 0);
    openings_clear(&o);
    return e;
}
