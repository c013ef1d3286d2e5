/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/ledger.h"
#include "tests/support/t.h"

struct seen {
    struct ledger_entry entry[8];
    size_t n;
};

static enum err keep(void *arg, const struct ledger_entry *entry)
{
    struct seen *s = arg;

    s->entry[s->n++] = *entry;
    return ERR_OK;
}

static struct fact fact(int64_t time_ms, int64_t quantity, int64_t price, uint32_t customer)
{
    return (struct fact){.time_ms = time_ms,
                         .watermark_ms = time_ms - 300000,
                         .quantity = quantity,
                         .price = price,
                         .value = quantity * price,
                         .customer = customer,
                         .country = 4294967295u,
                         .stock = 9};
}

static void write_some(struct ledger *l)
{
    struct fact f = fact(1291191960000, 6, 2550000, 17850);

    ledger_init(l);
    ok_err(ledger_sale(l, &f, 1));
    ok_err(ledger_sale(l, &f, 1));
    ok_err(ledger_finish(l));
    f = fact(INT64_MIN + 300000, -1, 0, 0);
    ok_err(ledger_sale(l, &f, UINT64_MAX));
    f = fact(INT64_MAX, INT64_MAX, 1, 3);
    ok_err(ledger_sale(l, &f, 7));
}

T(entries_come_back_as_they_were_written)
{
    struct ledger l;
    struct seen s = {.n = 0};

    write_some(&l);
    eq_u64(l.sales, 4);
    eq_int(l.first_ms, INT64_MIN + 300000);
    eq_int(l.last_ms, INT64_MAX);
    ok_err(ledger_each((struct str){l.bytes.p, l.bytes.n}, keep, &s));
    eq_u64(s.n, 5);
    eq_int(s.entry[1].fact.value, 6 * 2550000);
    eq_u64(s.entry[1].invoice, 1);
    eq_int(s.entry[2].kind, LEDGER_FINISH);
    eq_int(s.entry[3].fact.time_ms, INT64_MIN + 300000);
    eq_int(s.entry[3].fact.watermark_ms, INT64_MIN);
    eq_u64(s.entry[3].invoice, UINT64_MAX);
    eq_int(s.entry[4].fact.quantity, INT64_MAX);
    eq_u64(s.entry[4].fact.country, 4294967295u);
    ledger_clear(&l);
}

T(a_chunk_cut_off_inside_an_entry_is_damaged)
{
    struct ledger l;

    write_some(&l);
    for (size_t n = 0; n < l.bytes.n; n++) {
        struct seen s = {.n = 0};
        enum err e = ledger_each((struct str){l.bytes.p, n}, keep, &s);
        ok(e == ERR_DAMAGED || (e == ERR_OK && s.n < 5));
    }
    eq_err(ledger_each((struct str){"\x80", 1}, keep, NULL), ERR_DAMAGED);
    eq_err(ledger_each((struct str){"\x21", 1}, keep, NULL), ERR_DAMAGED);
    ledger_clear(&l);
}

T(chunks_stand_alone)
{
    struct ledger l;
    struct seen s = {.n = 0};
    struct fact f = fact(1291191960000, 6, 2550000, 17850);

    write_some(&l);
    ledger_reset(&l);
    ok_err(ledger_sale(&l, &f, 5));
    ok_err(ledger_each((struct str){l.bytes.p, l.bytes.n}, keep, &s));
    eq_int(s.entry[0].fact.time_ms, f.time_ms);
    eq_u64(s.entry[0].invoice, 5);
    ledger_clear(&l);
}
