/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Format of an entry: flags u8, then
 *   flags & FINISH: nothing more
 *   flags & MERGED: a late sale that was merged; the rest as of any other
 *   flags & TIME:      zigzag(time - last time), milliseconds
 *   flags & WATERMARK: varint(watermark - last watermark), modulo 2^64; never decreases but
 *                      for the first entry of a chunk, which starts from 0
 *   flags & INVOICE:   zigzag(invoice - last invoice)
 *   flags & CUSTOMER:  varint(customer)
 *   flags & COUNTRY:   varint(country)
 *   always:            varint(stock) zigzag(quantity) zigzag(price)
 * value is quantity * price.
 */
#include "engine/ledger.h"

#include "engine/money.h"

enum {
    FLAG_TIME = 1,
    FLAG_WATERMARK = 2,
    FLAG_INVOICE = 4,
    FLAG_CUSTOMER = 8,
    FLAG_COUNTRY = 16,
    FLAG_FINISH = 32,
    FLAG_MERGED = 64,
    FLAG_ALL = 127
};

#define ENTRY_MAX 80 /* bytes an entry can take */

void ledger_init(struct ledger *l)
{
    buf_init(&l->bytes, LEDGER_CHUNK_MAX);
    ledger_reset(l);
}

void ledger_clear(struct ledger *l)
{
    buf_clear(&l->bytes);
}

void ledger_reset(struct ledger *l)
{
    l->bytes.n = 0;
    l->last = (struct ledger_entry){0};
    l->sales = 0;
    l->first_ms = INT64_MAX;
    l->last_ms = INT64_MIN;
}

static unsigned changes(const struct ledger *l, const struct fact *f, uint64_t invoice)
{
    const struct fact *last = &l->last.fact;
    unsigned flags = 0;

    flags |= f->time_ms != last->time_ms ? FLAG_TIME : 0;
    flags |= f->watermark_ms != last->watermark_ms ? FLAG_WATERMARK : 0;
    flags |= invoice != l->last.invoice ? FLAG_INVOICE : 0;
    flags |= f->customer != last->customer ? FLAG_CUSTOMER : 0;
    flags |= f->country != last->country ? FLAG_COUNTRY : 0;
    return flags;
}

/* Differences wrap modulo 2^64, which the reader undoes: no value is out of range. */
static int64_t difference(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a - (uint64_t)b);
}

static int64_t moved(int64_t from, int64_t by)
{
    return (int64_t)((uint64_t)from + (uint64_t)by);
}

static enum err write_changes(struct buf *b, unsigned flags, const struct fact *f,
                              const struct fact *last)
{
    enum err e = buf_u8(b, (uint8_t)flags);

    if (!e && (flags & FLAG_TIME))
        e = buf_zigzag(b, difference(f->time_ms, last->time_ms));
    if (!e && (flags & FLAG_WATERMARK))
        e = buf_varint(b, (uint64_t)difference(f->watermark_ms, last->watermark_ms));
    return e;
}

static enum err write_keys(struct buf *b, unsigned flags, const struct fact *f)
{
    enum err e = ERR_OK;

    if (flags & FLAG_CUSTOMER)
        e = buf_varint(b, f->customer);
    if (!e && (flags & FLAG_COUNTRY))
        e = buf_varint(b, f->country);
    if (!e)
        e = buf_varint(b, f->stock);
    if (!e)
        e = buf_zigzag(b, f->quantity);
    return e ? e : buf_zigzag(b, f->price);
}

static enum err add_sale(struct ledger *l, const struct fact *f, uint64_t invoice, unsigned kind)
{
    unsigned flags = changes(l, f, invoice) | kind;
    enum err e = buf_reserve(&l->bytes, ENTRY_MAX);

    if (!e)
        e = write_changes(&l->bytes, flags, f, &l->last.fact);
    if (!e && (flags & FLAG_INVOICE))
        e = buf_zigzag(&l->bytes, difference((int64_t)invoice, (int64_t)l->last.invoice));
    if (!e)
        e = write_keys(&l->bytes, flags, f);
    if (e)
        return e;
    l->last.fact = *f;
    l->last.invoice = invoice;
    l->sales++;
    l->first_ms = f->time_ms < l->first_ms ? f->time_ms : l->first_ms;
    l->last_ms = f->time_ms > l->last_ms ? f->time_ms : l->last_ms;
    return ERR_OK;
}

enum err ledger_sale(struct ledger *l, const struct fact *f, uint64_t invoice)
{
    return add_sale(l, f, invoice, 0);
}

enum err ledger_merged(struct ledger *l, const struct fact *f, uint64_t invoice)
{
    return add_sale(l, f, invoice, FLAG_MERGED);
}

enum err ledger_finish(struct ledger *l)
{
    return buf_u8(&l->bytes, FLAG_FINISH);
}

static void read_changes(struct reader *in, unsigned flags, struct ledger_entry *entry)
{
    struct fact *f = &entry->fact;

    if (flags & FLAG_TIME)
        f->time_ms = moved(f->time_ms, read_zigzag(in));
    if (flags & FLAG_WATERMARK)
        f->watermark_ms = moved(f->watermark_ms, (int64_t)read_varint(in));
    if (flags & FLAG_INVOICE)
        entry->invoice = (uint64_t)moved((int64_t)entry->invoice, read_zigzag(in));
    if (flags & FLAG_CUSTOMER)
        f->customer = (uint32_t)read_count(in, UINT32_MAX);
    if (flags & FLAG_COUNTRY)
        f->country = (uint32_t)read_count(in, UINT32_MAX);
    f->stock = (uint32_t)read_count(in, UINT32_MAX);
    f->quantity = read_zigzag(in);
    f->price = read_zigzag(in);
    if (!in->bad && money_times(f->quantity, f->price, &f->value))
        in->bad = true;
}

static enum ledger_kind kind_of(unsigned flags)
{
    if (flags & FLAG_FINISH)
        return LEDGER_FINISH;
    return flags & FLAG_MERGED ? LEDGER_MERGED : LEDGER_SALE;
}

enum err ledger_each(struct str chunk,
                     enum err (*each)(void *arg, const struct ledger_entry *entry), void *arg)
{
    struct reader in = reader_of(chunk.p, chunk.n);
    struct ledger_entry entry = {0};
    enum err e = ERR_OK;

    while (!e && in.p < in.end) {
        unsigned flags = read_u8(&in);
        entry.kind = kind_of(flags);
        if (flags > FLAG_ALL || (entry.kind == LEDGER_FINISH && flags != FLAG_FINISH))
            in.bad = true;
        else if (entry.kind != LEDGER_FINISH)
            read_changes(&in, flags, &entry);
        e = in.bad ? ERR_DAMAGED : each(arg, &entry);
    }
    return e;
}
