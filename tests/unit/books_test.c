/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/books.h"
#include "tests/support/parcels.h"
#include "tests/support/t.h"

#include <stdio.h>

static struct store *open_store(void)
{
    struct store *s;

    ok_err(store_open(&(struct store_options){.path = tmp_path("books.db"), .env = env_real()}, &s,
                      NULL));
    return s;
}

static uint32_t sell(struct books *b, const char *invoice, int64_t time_ms, uint32_t customer)
{
    struct fact f = {.time_ms = time_ms,
                     .quantity = -2,
                     .price = 5,
                     .value = -10,
                     .customer = customer,
                     .country = 1};

    ok_err(books_slot(b, str_of(invoice), &f.invoice));
    ok_err(books_add(b, &f));
    return f.invoice;
}

static void deliver(struct books *b, struct store *s, uint64_t commit)
{
    struct parcel *p = parcel_open();

    for (uint32_t i = 1; i < 9; i++)
        parcels_key(p, i, "key");
    ok_err(books_deliver(b, p, commit));
    p->commit = true;
    ok_err(store_send(s, &p, NULL));
    ok_err(store_wait(s, NULL));
    parcel_close(p);
}

T(an_invoice_and_its_customers_add_up)
{
    struct books *b;
    struct parcel *p = parcel_open();

    ok_err(books_open(NULL, &b));
    uint32_t slot = sell(b, "536365", 20, 7);
    eq_u64(sell(b, "536365", 10, 8), slot);
    eq_u64(sell(b, "536365", 30, 7), slot);
    ok(sell(b, "a number of more than sixteen bytes", 30, 7) != slot);
    ok_err(books_deliver(b, p, 1));
    eq_u64(p->invoices.n, 2);
    const struct invoice_row *v = list_at(&p->invoices, 0);
    eq_int(v->lines, 3);
    eq_int(v->units, -6);
    eq_int(v->first_ms, 10);
    eq_int(v->last_ms, 30);
    eq_u64(v->customer, 7);
    eq_u64(v->n_customers, 2);
    eq_u64(v->n_countries, 1);
    const struct customer_row *c = list_at(&p->customers, 0);
    eq_u64(c->key, 7);
    eq_int(c->lines, 3);
    eq_int(c->invoices, 2);
    eq_int(c->return_revenue, -30);
    parcel_reset(p);
    ok_err(books_deliver(b, p, 2));
    eq_u64(p->invoices.n + p->customers.n, 0);
    books_close(b);
    parcel_close(p);
}

T(a_live_invoice_is_found_by_its_number_and_says_its_text)
{
    struct books *b;
    char text[16];
    uint32_t found;

    ok_err(books_open(NULL, &b));
    for (int i = 0; i < 9000; i++) {
        (void)snprintf(text, sizeof(text), "%d", 536365 + i);
        (void)sell(b, text, i, 7);
    }
    for (int i = 0; i < 9000; i += 7) {
        uint32_t slot;
        (void)snprintf(text, sizeof(text), "%d", 536365 + i);
        ok_err(books_slot(b, str_of(text), &slot));
        ok_err(books_find(b, books_name(b, slot), &found));
        eq_u64(found, slot);
        eq_bytes(books_text(b, found).p, books_text(b, found).n, text, strlen(text));
    }
    eq_err(books_find(b, 999999, &found), ERR_NOT_FOUND);
    books_close(b);
}

T(forgotten_invoices_come_back_from_the_database_with_all_they_had)
{
    struct store *s = open_store();
    struct books *b;
    char text[32];
    uint32_t slot;

    ok_err(books_open(s, &b));
    for (int i = 0; i < 40000; i++) {
        (void)snprintf(text, sizeof(text), "invoice number %d", i);
        (void)sell(b, text, i, (uint32_t)(i % 7));
    }
    (void)sell(b, "invoice number 5", 5, 8);
    ok_err(books_slot(b, STR("invoice number 5"), &slot));
    uint64_t name = books_name(b, slot);
    deliver(b, s, 1);
    books_forget(b, 39000, store_commits(s));
    eq_u64(books_live(b), 1000);
    ok_err(books_slot(b, STR("invoice number 5"), &slot));
    eq_u64(books_name(b, slot), name);
    ok(books_hashes(b)[slot] == str_hash(STR("invoice number 5")));
    uint32_t found = UINT32_MAX;
    ok_err(books_find(b, name, &found));
    eq_u64(found, slot);
    eq_err(books_find(b, 999999, &found), ERR_NOT_FOUND);
    (void)sell(b, "invoice number 5", 50000, 8); /* known: the same customer as before */
    struct parcel *p = parcel_open();
    ok_err(books_deliver(b, p, 2));
    const struct invoice_row *v = list_at(&p->invoices, 0);
    eq_int(v->lines, 3);
    eq_u64(v->n_customers, 2);
    const struct customer_row *c = list_at(&p->customers, 0);
    eq_int(c->invoices, 0);
    parcel_close(p);
    books_close(b);
    store_close(s);
}

T(an_invoice_that_is_not_durable_or_may_be_in_a_slice_is_not_forgotten)
{
    struct books *b;
    char text[32];

    for (int durable = 0; durable < 2; durable++) {
        ok_err(books_open(NULL, &b));
        for (int i = 0; i < 33000; i++) {
            (void)snprintf(text, sizeof(text), "%d", i);
            (void)sell(b, text, i, 0);
        }
        struct parcel *p = parcel_open();
        ok_err(books_deliver(b, p, 5));
        parcel_close(p);
        books_forget(b, 1000, durable ? 5 : 4);
        eq_u64(books_live(b), durable ? 32000 : 33000);
        books_close(b);
    }
}

T_OOM(books_without_memory_count_a_sale_or_say_so)
{
    struct books *b;
    enum err e = books_open(NULL, &b);

    if (e)
        return e;
    for (uint32_t i = 0; i < 1100 && !e; i++) {
        char text[32];
        struct fact f = {.time_ms = i, .quantity = 1, .customer = i + 1, .country = i};
        (void)snprintf(text, sizeof(text), "%u and so on and on", i / 2);
        e = books_slot(b, str_of(text), &f.invoice);
        if (!e)
            e = books_add(b, &f);
    }
    books_close(b);
    return e;
}
