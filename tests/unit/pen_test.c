/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/pen.h"
#include "tests/support/t.h"

static struct sale sale(int64_t time_ms, const char *invoice)
{
    return (struct sale){.time_ms = time_ms,
                         .quantity = -2,
                         .price = 3,
                         .value = -6,
                         .invoice = str_of(invoice),
                         .country = STR("France"),
                         .record_id = STR("r"),
                         .offset = 77,
                         .length = 5};
}

T(penned_sales_own_their_texts_and_come_back_from_a_save)
{
    struct pen p = {0}, back = {0};
    struct buf b;
    char text[] = "first";

    buf_init(&b, 4096);
    struct sale s = sale(30, text);
    ok_err(pen_add(&p, &s));
    text[0] = 'x';
    s = sale(20, "second");
    ok_err(pen_add(&p, &s));
    ok_err(pen_add(&p, &s));
    eq_u64(pen_invoices(&p, 9), 2);
    eq_u64(pen_invoices(&p, 1), 1);
    eq_int(pen_earliest(&p), 20);
    ok_err(pen_save(&p, &b));
    struct reader in = reader_of(b.p, b.n);
    ok_err(pen_load(&back, &in));
    ok(in.p == in.end);
    eq_u64(back.n, 3);
    ok(str_eq(back.sale[0].invoice, STR("first")));
    ok(str_eq(back.sale[2].country, STR("France")));
    eq_u64(back.sale[1].offset, 77);
    eq_int(back.sale[1].value, -6);
    for (size_t n = 0; n < b.n; n++) { /* cut off anywhere it is damaged */
        pen_clear(&back);
        in = reader_of(b.p, n);
        eq_err(pen_load(&back, &in), ERR_DAMAGED);
    }
    pen_clear(&p);
    pen_clear(&back);
    buf_clear(&b);
}

T(a_saved_sale_whose_value_is_not_quantity_times_price_is_damaged)
{
    struct pen p = {0}, back = {0};
    struct sale s = sale(30, "a");
    struct buf b;

    buf_init(&b, 4096);
    s.value = 7;
    ok_err(pen_add(&p, &s));
    ok_err(pen_save(&p, &b));
    struct reader in = reader_of(b.p, b.n);
    eq_err(pen_load(&back, &in), ERR_DAMAGED);
    pen_clear(&p);
    pen_clear(&back);
    buf_clear(&b);
}

T_OOM(a_pen_that_gets_no_memory_holds_what_it_held)
{
    struct pen p = {0};
    enum err e = ERR_OK;
    size_t added = 0;

    while (!e && added < 70) {
        struct sale s = sale((int64_t)added, "536365");
        e = pen_add(&p, &s);
        added += !e;
    }
    eq_u64(p.n, added);
    pen_clear(&p);
    return e;
}
