/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * parcel: the growable lists that carry results from the pipeline to the store.
 *
 * A parcel is filled, handed over, applied and emptied many times a second, so emptying
 * keeps the memory and a list doubles when it is full.
 *
 * Invariants:
 *  1. list.n <= list.cap, and p has room for cap * size bytes.
 *  2. A failed add or text leaves the list or the text as it was.
 *  3. Every span lies within `text`: offsets, so that the text may move as it grows.
 */
#include "engine/parcel.h"

#include <assert.h>
#include <stdlib.h>

#define LIST_FIRST 16
#define PARCEL_TEXT_MAX ((size_t)1 << 30)

void list_init(struct list *l, size_t size)
{
    *l = (struct list){.size = size};
}

void list_clear(struct list *l)
{
    free(l->p);
    list_init(l, l->size);
}

static bool make_room(struct list *l)
{
    size_t cap = l->cap ? l->cap * 2 : LIST_FIRST;

    if (cap > UINT32_MAX || cap > SIZE_MAX / l->size)
        return false;
    char *p = realloc(l->p, cap * l->size);
    if (!p)
        return false;
    l->p = p;
    l->cap = cap;
    return true;
}

void *list_add(struct list *l)
{
    if (l->n == l->cap && !make_room(l))
        return NULL;
    return memset(l->p + l->n++ * l->size, 0, l->size);
}

void *list_put(struct list *l, const void *item)
{
    if (l->n == l->cap && !make_room(l))
        return NULL;
    return memcpy(l->p + l->n++ * l->size, item, l->size);
}

void *list_at(const struct list *l, size_t i)
{
    assert(i < l->n);
    return l->p + i * l->size;
}

/* The item size of every list, by its place in struct parcel. */
static const struct {
    size_t at, size;
} lists[] = {
    {offsetof(struct parcel, series), sizeof(struct series_row)},
    {offsetof(struct parcel, keys), sizeof(struct key_row)},
    {offsetof(struct parcel, rows), sizeof(struct agg_row)},
    {offsetof(struct parcel, invoices), sizeof(struct invoice_row)},
    {offsetof(struct parcel, customers), sizeof(struct customer_row)},
    {offsetof(struct parcel, verdicts), sizeof(struct verdict_row)},
    {offsetof(struct parcel, anomalies), sizeof(struct anomaly_row)},
    {offsetof(struct parcel, sent), sizeof(struct sent_row)},
    {offsetof(struct parcel, forecasts), sizeof(struct forecast_row)},
    {offsetof(struct parcel, feedback), sizeof(struct feedback_row)},
    {offsetof(struct parcel, rejects), sizeof(struct reject_row)},
    {offsetof(struct parcel, late), sizeof(struct late_row)},
    {offsetof(struct parcel, merged), sizeof(struct merged_row)},
    {offsetof(struct parcel, answers), sizeof(struct answer_row)},
    {offsetof(struct parcel, sources), sizeof(struct source_row)},
    {offsetof(struct parcel, progress), sizeof(struct progress_row)},
    {offsetof(struct parcel, ledger), sizeof(struct ledger_row)},
    {offsetof(struct parcel, dedup), sizeof(struct dedup_row)},
    {offsetof(struct parcel, states), sizeof(struct state_row)},
};

static struct list *nth_list(struct parcel *p, size_t i)
{
    return (struct list *)(void *)((char *)p + lists[i].at);
}

struct parcel *parcel_open(void)
{
    struct parcel *p = calloc(1, sizeof(*p));

    if (!p)
        return NULL;
    buf_init(&p->text, PARCEL_TEXT_MAX);
    for (size_t i = 0; i < countof(lists); i++)
        list_init(nth_list(p, i), lists[i].size);
    return p;
}

void parcel_close(struct parcel *p)
{
    if (!p)
        return;
    for (size_t i = 0; i < countof(lists); i++)
        list_clear(nth_list(p, i));
    buf_clear(&p->text);
    free(p);
}

void parcel_reset(struct parcel *p)
{
    for (size_t i = 0; i < countof(lists); i++)
        nth_list(p, i)->n = 0;
    p->text.n = 0;
    p->dedup_before = 0;
    p->commit = false;
}

size_t parcel_memory(const struct parcel *p)
{
    size_t bytes = sizeof(*p) + p->text.cap;

    for (size_t i = 0; i < countof(lists); i++) {
        const struct list *l = (const struct list *)(const void *)((const char *)p + lists[i].at);

        bytes += l->cap * l->size;
    }
    return bytes;
}

enum err parcel_text(struct parcel *p, struct str s, struct span *out)
{
    struct span at = {(uint32_t)p->text.n, (uint32_t)s.n};
    enum err e = buf_str(&p->text, s);

    if (!e)
        *out = at;
    return e;
}

struct str parcel_str(const struct parcel *p, struct span at)
{
    if (at.n == 0)
        return (struct str){"", 0};
    assert((size_t)at.at + at.n <= p->text.n);
    return (struct str){p->text.p + at.at, at.n};
}

enum err parcel_state(struct parcel *p, const char *name, uint32_t version, const struct buf *data)
{
    struct span name_at, data_at = {0};
    enum err e = parcel_text(p, str_of(name), &name_at);

    if (!e && data)
        e = parcel_text(p, (struct str){data->p, data->n}, &data_at);
    if (e)
        return e;
    struct state_row *row = list_add(&p->states);
    if (!row)
        return ERR_NOMEM;
    *row = (struct state_row){.name = name_at, .version = version, .gone = !data, .data = data_at};
    return ERR_OK;
}
