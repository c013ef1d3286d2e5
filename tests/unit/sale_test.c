/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/money.h"
#include "engine/sale.h"
#include "engine/when.h"
#include "tests/support/t.h"

static void eq_text(struct str a, struct str b)
{
    eq_bytes(a.p, a.n, b.p, b.n);
}

static void check(const struct sale *sale)
{
    struct buf json, texts;
    struct sale back;

    buf_init(&json, 1u << 20);
    buf_init(&texts, 1u << 20);
    ok_err(sale_json(sale, &json));
    ok_err(sale_parse((struct str){json.p, json.n}, &texts, &back));
    eq_text(back.invoice, sale->invoice);
    eq_text(back.stock, sale->stock);
    eq_text(back.customer, sale->customer);
    eq_text(back.country, sale->country);
    eq_text(back.record_id, sale->record_id);
    eq_int(back.time_ms, sale->time_ms);
    eq_int(back.quantity, sale->quantity);
    eq_int(back.price, sale->price);
    eq_int(back.value, sale->value);
    buf_clear(&json);
    buf_clear(&texts);
}

T(a_sale_comes_back_from_its_line_of_json)
{
    uint64_t random = seed();
    static const char bytes[] = "a\"\\\n\x01,:{}[]\t\x1f\x7fZ\xc3\xa9+% ";
    static const int64_t odd[] = {0, 1, -1, 999, -999, 1000, 1300000000123, -2208988800000};

    for (int round = 0; round < 2000; round++) {
        char text[5][20];
        struct str part[5];
        struct sale s = {.quantity = (int64_t)rnd_below(&random, 2000001) - 1000000};
        for (int i = 0; i < 5; i++) {
            size_t n = rnd_below(&random, 12);
            for (size_t k = 0; k < n; k++)
                text[i][k] = bytes[rnd_below(&random, sizeof(bytes) - 1)];
            part[i] = (struct str){text[i], n};
        }
        s.invoice = part[0].n ? part[0] : STR("1");
        s.stock = part[1];
        s.customer = part[2];
        s.country = part[3];
        s.record_id = part[4];
        s.price = (int64_t)rnd_below(&random, 9000000000) - 1000000000;
        s.time_ms = rnd_below(&random, 3) ? (int64_t)rnd_below(&random, 2000000000000)
                                          : odd[rnd_below(&random, countof(odd))];
        ok_err(money_times(s.quantity, s.price, &s.value));
        check(&s);
    }
}

T(what_is_not_such_a_line_is_refused)
{
    static const char *const lines[] = {
        "",
        "{",
        "{}",
        "null",
        "{\"InvoiceNo\":\"1\"}",
        "{\"InvoiceNo\":\"1\",\"Quantity\":1,\"UnitPrice\":1,\"InvoiceDate\":\"2011-01-01\"",
        "{\"InvoiceNo\":\"1\",\"Quantity\":1,\"UnitPrice\":1,\"InvoiceDate\":\"2011-01-01\"}x",
        "{\"InvoiceNo\":\"1\",\"Quantity\":1.5,\"UnitPrice\":1,\"InvoiceDate\":\"2011-01-01\"}",
        "{\"InvoiceNo\":\"1\",\"Quantity\":1,\"UnitPrice\":1,\"InvoiceDate\":\"yesterday\"}",
        "{\"InvoiceNo\":\"\",\"Quantity\":1,\"UnitPrice\":1,\"InvoiceDate\":\"2011-01-01\"}",
        "{\"InvoiceNo\":\"1\",\"Quantity\":1,\"Quantity\":1,\"UnitPrice\":1,\"InvoiceDate\":"
        "\"2011-01-01\"}",
        "{\"InvoiceNo\":\"1\",\"Other\":1,\"Quantity\":1,\"UnitPrice\":1,\"InvoiceDate\":"
        "\"2011-01-01\"}",
        "{\"InvoiceNo\":\"\\x\",\"Quantity\":1,\"UnitPrice\":1,\"InvoiceDate\":\"2011-01-01\"}",
        "{\"InvoiceNo\":\"\\u12",
        "{\"InvoiceNo\":\"\\",
    };

    for (size_t i = 0; i < countof(lines); i++) {
        struct buf texts;
        struct sale s;
        buf_init(&texts, 4096);
        eq_err(sale_parse(str_of(lines[i]), &texts, &s), ERR_DAMAGED);
        buf_clear(&texts);
    }
}
