/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * ledger_fuzz: by the first byte, arbitrary bytes to ledger_each (what can be read must come
 * back the same when written again), or sales made of the bytes, written and read back.
 */
#include "engine/ledger.h"

#include "engine/money.h"

#include <stdlib.h>

enum { ENTRIES_MAX = 2000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct entries {
    struct ledger_entry entry[ENTRIES_MAX];
    size_t n, checked;
    struct ledger out;
};

static void must(bool holds)
{
    if (!holds)
        abort();
}

static enum err write_entry(struct entries *all, const struct ledger_entry *e)
{
    if (e->kind == LEDGER_FINISH)
        return ledger_finish(&all->out);
    return e->kind == LEDGER_MERGED ? ledger_merged(&all->out, &e->fact, e->invoice)
                                    : ledger_sale(&all->out, &e->fact, e->invoice);
}

static enum err keep(void *arg, const struct ledger_entry *entry)
{
    struct entries *all = arg;

    if (all->n == ENTRIES_MAX)
        return ERR_LIMIT;
    all->entry[all->n++] = *entry;
    return write_entry(all, entry);
}

static enum err compare(void *arg, const struct ledger_entry *b)
{
    struct entries *all = arg;

    must(all->checked < all->n);
    const struct ledger_entry *a = &all->entry[all->checked++];
    must(a->kind == b->kind);
    if (a->kind == LEDGER_FINISH)
        return ERR_OK;
    must(a->fact.time_ms == b->fact.time_ms && a->fact.watermark_ms == b->fact.watermark_ms);
    must(a->fact.quantity == b->fact.quantity && a->fact.price == b->fact.price);
    must(a->fact.value == b->fact.value && a->invoice == b->invoice);
    must(a->fact.customer == b->fact.customer && a->fact.country == b->fact.country);
    must(a->fact.stock == b->fact.stock);
    return ERR_OK;
}

/* Sales whose fields are taken from the bytes: small and huge ones. */
static void make(struct entries *all, struct reader *in)
{
    while (!in->bad && in->p < in->end && all->n < ENTRIES_MAX) {
        unsigned kind = read_u8(in) % 16;
        struct ledger_entry e = {.kind =
                                     kind > LEDGER_MERGED ? LEDGER_SALE : (enum ledger_kind)kind};
        e.fact.time_ms = read_zigzag(in);
        e.fact.watermark_ms = read_zigzag(in);
        e.fact.quantity = read_zigzag(in);
        e.fact.price = read_zigzag(in);
        e.fact.customer = read_u8(in);
        e.fact.country = (uint32_t)read_varint(in);
        e.fact.stock = (uint32_t)read_varint(in);
        e.invoice = read_varint(in);
        if (money_times(e.fact.quantity, e.fact.price, &e.fact.value))
            continue;
        all->entry[all->n++] = e;
        must(write_entry(all, &e) == ERR_OK);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct entries all;

    if (size < 1)
        return 0;
    all.n = all.checked = 0;
    ledger_init(&all.out);
    if (data[0] % 2) {
        struct reader in = reader_of(data + 1, size - 1);
        make(&all, &in);
    } else {
        enum err e = ledger_each((struct str){(const char *)data + 1, size - 1}, keep, &all);
        must(e == ERR_OK || e == ERR_DAMAGED || e == ERR_LIMIT);
    }
    struct str chunk = {all.out.bytes.p, all.out.bytes.n};
    must(ledger_each(chunk, compare, &all) == ERR_OK && all.checked == all.n);
    ledger_clear(&all.out);
    return 0;
}
