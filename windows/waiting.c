/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Sales lie in one block, each with its keys behind it. They are taken key by key: a sort of
 * (key, place) brings those of one key together in order of arrival.
 */
#include "windows/waiting.h"

#include "windows/order.h"

#include <stdlib.h>

#define FIRST 16

static enum err make_room(struct waiting *q, uint32_t n)
{
    uint32_t cap = q->cap ? q->cap : FIRST;

    if (n <= q->cap)
        return ERR_OK;
    while (cap < n)
        cap *= 2;
    char *p = realloc(q->sale, (size_t)cap * q->stride);
    if (!p)
        return ERR_NOMEM;
    q->sale = p;
    q->cap = cap;
    return ERR_OK;
}

enum err waiting_add(struct waiting *q, const struct amount *amount, const uint32_t *key,
                     int n_dimensions)
{
    q->stride = (uint32_t)(sizeof(struct waiting_sale) + ((size_t)n_dimensions + 1) / 2 * 8);
    if (q->n == q->cap && make_room(q, q->n + 1))
        return ERR_NOMEM;
    struct waiting_sale *to = (void *)(q->sale + (size_t)q->n * q->stride);
    to->amount = *amount;
    for (int d = 0; d < n_dimensions; d++)
        to->key[d] = key[d];
    q->n++;
    return ERR_OK;
}

enum err waiting_append(struct waiting *q, const struct waiting *from)
{
    if (!from->n)
        return ERR_OK;
    q->stride = from->stride;
    if (make_room(q, q->n + from->n))
        return ERR_NOMEM;
    memcpy(q->sale + (size_t)q->n * q->stride, from->sale, (size_t)from->n * q->stride);
    q->n += from->n;
    return ERR_OK;
}

void waiting_clear(struct waiting *q)
{
    free(q->sale);
    *q = (struct waiting){0};
}

size_t waiting_memory(const struct waiting *q)
{
    return (size_t)q->cap * q->stride;
}

void waiting_order_clear(struct waiting_order *order)
{
    free(order->place);
    *order = (struct waiting_order){0};
}

static enum err room_to_sort(struct waiting_order *order, size_t n)
{
    if (n <= order->cap)
        return ERR_OK;
    size_t cap = n * 2;
    uint64_t *place = realloc(order->place, 3 * cap * sizeof(*place));
    if (!place)
        return ERR_NOMEM;
    order->place = place;
    order->cap = cap;
    return ERR_OK;
}

/* Lines of an invoice follow each other, so most keys come in runs: these are sorted. */
enum err waiting_sort(const struct waiting *q, int dimension, struct waiting_order *out)
{
    enum err e = room_to_sort(out, q->n);
    uint64_t *run = e ? NULL : out->place + out->cap;
    uint32_t n_runs = 0, n = 0, last = 0;

    for (uint32_t i = 0; !e && i < q->n; i++) {
        uint32_t key = waiting_at(q, i)->key[dimension];
        if (i == 0 || key != last)
            run[n_runs++] = (uint64_t)key << 32 | i;
        last = key;
    }
    if (e)
        return e;
    order_by_key(run, n_runs, run + out->cap);
    for (uint32_t i = 0; i < n_runs; i++) {
        uint64_t item = run[i], high = item >> 32;
        do
            out->place[n++] = item++;
        while ((uint32_t)item < q->n && waiting_at(q, (uint32_t)item)->key[dimension] == high);
    }
    return ERR_OK;
}

uint32_t waiting_group(const struct waiting *q, const struct waiting_order *order, uint32_t from,
                       uint32_t *key)
{
    uint64_t high = order->place[from] >> 32;
    uint32_t to = from + 1;

    while (to < q->n && order->place[to] >> 32 == high)
        to++;
    *key = (uint32_t)high;
    return to;
}

enum err waiting_add_to(const struct waiting *q, const struct waiting_order *order, uint32_t from,
                        uint32_t to, struct cell *c, const struct hashes *h)
{
    struct amount some[CELL_ADD_MAX];
    enum err e = ERR_OK;

    for (uint32_t i = from; !e && i < to;) {
        size_t n = 0;
        for (; n < CELL_ADD_MAX && i < to; i++)
            some[n++] = waiting_at(q, (uint32_t)order->place[i])->amount;
        e = cell_add_all(c, some, n, h);
    }
    return e;
}

enum err waiting_count(struct waiting *q, struct cellset *set, uint32_t dimensions,
                       struct waiting_order *order, const struct hashes *h)
{
    enum err e = ERR_OK;

    for (int d = 0; !e && dimensions >> d; d++) {
        if (!(dimensions >> d & 1))
            continue;
        e = waiting_sort(q, d, order);
        for (uint32_t from = 0, to; !e && from < q->n; from = to) {
            uint32_t key;
            to = waiting_group(q, order, from, &key);
            struct cell *c = cellset_touch(&set[d], key);
            e = c ? waiting_add_to(q, order, from, to, c, h) : ERR_NOMEM;
        }
    }
    if (!e)
        waiting_clear(q);
    return e;
}
