/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Customers buy 2 to 12 lines of their favourite codes at the code's price, in the mornings and
 * afternoons of every day, from one country.
 */
#include "tests/support/baskets.h"
#include "engine/when.h"
#include "tests/support/t.h"

#include <stdlib.h>

void baskets_init(struct baskets *b, uint64_t seed)
{
    *b = (struct baskets){.random = seed};
    b->time_ms = when_days(2011, 1, 4) * WHEN_DAY + 9 * WHEN_HOUR;
    list_init(&b->lines, sizeof(struct model_line));
}

void baskets_clear(struct baskets *b)
{
    list_clear(&b->lines);
}

int64_t baskets_price(uint32_t stock)
{
    return (int64_t)(stock % 17 + 1) * 450000;
}

static int64_t roll(struct baskets *b, uint64_t n)
{
    return (int64_t)rnd_below(&b->random, n);
}

static struct model_line *add_line(struct baskets *b)
{
    struct model_line *line = list_add(&b->lines);

    if (!line)
        abort();
    return line;
}

struct model_line *baskets_one(struct baskets *b, uint32_t customer, int lines, int64_t after_ms)
{
    size_t first = b->lines.n;

    b->time_ms += after_ms;
    b->invoice++;
    for (int i = 0; i < lines; i++) {
        struct model_line *line = add_line(b);
        uint32_t stock = 101 + (customer * 7 + (uint32_t)roll(b, 30)) % BASKETS_CODES;
        *line = (struct model_line){.time_ms = b->time_ms,
                                    .local_ms = b->time_ms,
                                    .watermark_ms = b->time_ms - 5 * WHEN_MINUTE,
                                    .quantity = 1 + roll(b, 12),
                                    .price = baskets_price(stock),
                                    .invoice = b->invoice,
                                    .customer = customer,
                                    .country = BASKETS_COUNTRY + customer % 3,
                                    .stock = stock};
        line->value = line->quantity * line->price;
    }
    return list_at(&b->lines, first);
}

void baskets_fill(struct baskets *b, int n)
{
    for (int i = 0; i < n; i++) {
        int64_t hour = b->time_ms % WHEN_DAY / WHEN_HOUR;
        if (hour >= 16)
            b->time_ms += WHEN_DAY - b->time_ms % WHEN_DAY + 9 * WHEN_HOUR;
        uint32_t customer = 1 + (uint32_t)roll(b, BASKETS_CUSTOMERS);
        (void)baskets_one(b, customer, 2 + (int)roll(b, 11), WHEN_MINUTE * (5 + roll(b, 10)));
    }
}

void baskets_wait(struct baskets *b)
{
    (void)baskets_one(b, BASKETS_CUSTOMERS, 1, WHEN_HOUR);
}

/* ---- verdicts ---- */

void verdicts_init(struct verdicts *v, uint64_t invoice)
{
    *v = (struct verdicts){.invoice = invoice};
    buf_init(&v->bytes, 1u << 30);
}

void verdicts_clear(struct verdicts *v)
{
    buf_clear(&v->bytes);
}

enum err verdicts_take(void *arg, const struct verdict *v)
{
    struct verdicts *all = arg;

    all->n++;
    all->finals += v->kind == VERDICT_FINAL;
    all->flagged += v->kind == VERDICT_FINAL && v->flagged;
    if (!all->invoice || v->invoice == all->invoice) {
        if (v->kind == VERDICT_FINAL)
            all->final = *v;
        if (v->kind == VERDICT_PROVISIONAL)
            all->provisional = *v;
        if (v->kind == VERDICT_LINE)
            all->line = *v;
    }
    return verdict_write(v, &all->bytes);
}

struct detect *verdicts_detector(struct verdicts *v)
{
    struct detect_setup setup = detect_defaults();
    struct detect *d;

    setup.take = verdicts_take;
    setup.arg = v;
    if (detect_open(&setup, &d))
        abort();
    return d;
}

void verdicts_feed(struct detect *d, const struct baskets *b, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        ok_err(detect_line(d, list_at(&b->lines, i)));
}

/* ---- state ---- */

void attic_init(struct attic *a)
{
    list_init(&a->parts, sizeof(struct attic_part));
}

void attic_clear(struct attic *a)
{
    for (size_t i = 0; i < a->parts.n; i++)
        buf_clear(&((struct attic_part *)list_at(&a->parts, i))->data);
    list_clear(&a->parts);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct attic_part *)a)->name, ((const struct attic_part *)b)->name);
}

static struct attic_part *part_of(struct attic *a, struct str name)
{
    for (size_t i = 0; i < a->parts.n; i++) {
        struct attic_part *p = list_at(&a->parts, i);
        if (str_eq(str_of(p->name), name))
            return p;
    }
    struct attic_part *p = list_add(&a->parts);
    if (!p || name.n >= sizeof(p->name))
        abort();
    memcpy(p->name, name.p, name.n);
    buf_init(&p->data, 1u << 30);
    return p;
}

static void drop_part(struct attic *a, struct attic_part *p)
{
    struct attic_part *last = list_at(&a->parts, a->parts.n - 1);

    buf_clear(&p->data);
    if (p != last)
        *p = *last;
    a->parts.n--;
}

size_t attic_save(struct attic *a, struct detect *d)
{
    struct parcel *parcel = parcel_open();
    size_t n = 0;

    if (!parcel)
        abort();
    ok_err(detect_save(d, parcel));
    for (size_t i = 0; i < parcel->states.n; i++) {
        const struct state_row *row = list_at(&parcel->states, i);
        struct attic_part *p = part_of(a, parcel_str(parcel, row->name));
        p->data.n = 0;
        p->version = row->version;
        if (row->gone)
            drop_part(a, p);
        else
            ok_err(buf_str(&p->data, parcel_str(parcel, row->data)));
        n += row->data.n;
    }
    parcel_close(parcel);
    if (a->parts.n)
        qsort(a->parts.p, a->parts.n, sizeof(struct attic_part), by_name);
    return n;
}

enum err attic_load(const struct attic *a, struct detect *d)
{
    struct why why;
    enum err e = ERR_OK;

    for (size_t i = 0; !e && i < a->parts.n; i++) {
        const struct attic_part *p = list_at(&a->parts, i);
        e = detect_load(d, str_of(p->name), p->version, (struct str){p->data.p, p->data.n}, &why);
    }
    return e ? e : detect_loaded(d, &why);
}
