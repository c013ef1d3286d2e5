/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Each penned sale owns one block that holds its five texts one after another; the first
 * text (the invoice, never empty) is the block's start.
 */
#include "engine/pen.h"

#include "engine/money.h"

#include <stdlib.h>

static struct str *texts_of(struct sale *s, size_t i)
{
    struct str *const all[] = {&s->invoice, &s->stock, &s->customer, &s->country, &s->record_id};

    return i < countof(all) ? all[i] : NULL;
}

static void free_texts(struct sale *s)
{
    union {
        const char *borrowed;
        char *owned;
    } block = {.borrowed = s->invoice.p};

    free(block.owned);
}

void pen_clear(struct pen *p)
{
    for (size_t i = 0; i < p->n; i++)
        free_texts(&p->sale[i]);
    free(p->sale);
    *p = (struct pen){0};
}

static enum err grow(struct pen *p)
{
    size_t cap = p->cap ? p->cap * 2 : 32;
    struct sale *sale = realloc(p->sale, cap * sizeof(*sale));

    if (!sale)
        return ERR_NOMEM;
    p->sale = sale;
    p->cap = cap;
    return ERR_OK;
}

enum err pen_add(struct pen *p, const struct sale *s)
{
    struct sale copy = *s;
    size_t bytes = 0;
    enum err e = p->n == p->cap ? grow(p) : ERR_OK;

    if (e)
        return e;
    for (size_t i = 0; texts_of(&copy, i); i++)
        bytes += texts_of(&copy, i)->n;
    char *block = malloc(bytes + 1);
    if (!block)
        return ERR_NOMEM;
    char *at = block;
    for (size_t i = 0; texts_of(&copy, i); i++) {
        struct str *text = texts_of(&copy, i);
        if (text->n)
            memcpy(at, text->p, text->n);
        text->p = at;
        at += text->n;
    }
    p->sale[p->n++] = copy;
    p->bytes += bytes;
    return ERR_OK;
}

size_t pen_invoices(const struct pen *p, size_t enough)
{
    size_t different = 0;

    for (size_t i = 0; i < p->n && different < enough; i++) {
        size_t k = 0;
        while (k < i && !str_eq(p->sale[k].invoice, p->sale[i].invoice))
            k++;
        different += k == i;
    }
    return different;
}

int64_t pen_earliest(const struct pen *p)
{
    int64_t earliest = p->sale[0].time_ms;

    for (size_t i = 1; i < p->n; i++)
        earliest = p->sale[i].time_ms < earliest ? p->sale[i].time_ms : earliest;
    return earliest;
}

enum err pen_save(const struct pen *p, struct buf *out)
{
    enum err e = buf_varint(out, p->n);

    for (size_t i = 0; !e && i < p->n; i++) {
        struct sale s = p->sale[i];
        e = buf_zigzag(out, s.time_ms);
        if (!e)
            e = buf_zigzag(out, s.quantity);
        if (!e)
            e = buf_zigzag(out, s.price);
        if (!e)
            e = buf_zigzag(out, s.value);
        if (!e)
            e = buf_varint(out, s.offset);
        if (!e)
            e = buf_varint(out, s.length);
        for (size_t k = 0; !e && texts_of(&s, k); k++)
            e = buf_bytes(out, *texts_of(&s, k));
    }
    return e;
}

enum err pen_load(struct pen *p, struct reader *in)
{
    size_t n = read_count(in, PEN_MAX);
    enum err e = ERR_OK;

    for (size_t i = 0; !e && i < n; i++) {
        struct sale s = {.time_ms = read_zigzag(in)};
        s.quantity = read_zigzag(in);
        s.price = read_zigzag(in);
        s.value = read_zigzag(in);
        s.offset = read_varint(in);
        s.length = (uint32_t)read_count(in, UINT32_MAX);
        for (size_t k = 0; texts_of(&s, k); k++)
            *texts_of(&s, k) = read_bytes(in);
        int64_t value = 0;
        bool good = !in->bad && s.invoice.n > 0 && !money_times(s.quantity, s.price, &value);
        e = good && value == s.value ? pen_add(p, &s) : ERR_DAMAGED;
    }
    return e ? e : (in->bad ? ERR_DAMAGED : ERR_OK);
}
