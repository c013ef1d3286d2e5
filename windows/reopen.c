/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A dense array with an open-addressing index. Rows leave together when their windows can
 * no longer change; the index is rebuilt then, in place.
 */
#include "windows/reopen.h"

#include <stdlib.h>

void reopened_clear(struct reopened *r)
{
    free(r->row);
    free(r->index);
    *r = (struct reopened){0};
}

static uint32_t home(const struct reopened *r, int window, int dimension, uint32_t key, int64_t end)
{
    uint64_t h = (uint64_t)end * UINT64_C(0x9e3779b97f4a7c15);

    h ^= (uint64_t)key << 12 ^ (uint64_t)(unsigned)window << 4 ^ (uint64_t)(unsigned)dimension;
    h *= UINT64_C(0xff51afd7ed558ccd);
    return (uint32_t)(h >> 32) & r->mask;
}

struct reopened_row *reopened_find(const struct reopened *r, int window, int dimension,
                                   uint32_t key, int64_t end)
{
    if (!r->n)
        return NULL;
    uint32_t i = home(r, window, dimension, key, end);
    for (; r->index[i]; i = (i + 1) & r->mask) {
        struct reopened_row *row = &r->row[r->index[i] - 1];
        if (row->key == key && row->window == window && row->dimension == dimension &&
            row->span.end == end)
            return row;
    }
    return NULL;
}

static void fill_index(struct reopened *r)
{
    memset(r->index, 0, ((size_t)r->mask + 1) * sizeof(*r->index));
    for (uint32_t k = 0; k < r->n; k++) {
        const struct reopened_row *row = &r->row[k];
        uint32_t i = home(r, row->window, row->dimension, row->key, row->span.end);
        while (r->index[i])
            i = (i + 1) & r->mask;
        r->index[i] = k + 1;
    }
}

static enum err grow(struct reopened *r)
{
    uint32_t cap = r->cap ? r->cap * 2 : 64;
    struct reopened_row *row = realloc(r->row, cap * sizeof(*row));

    if (!row)
        return ERR_NOMEM;
    r->row = row;
    uint32_t *index = malloc((size_t)cap * 2 * sizeof(*index));
    if (!index)
        return ERR_NOMEM;
    free(r->index);
    r->index = index;
    r->mask = cap * 2 - 1;
    r->cap = cap;
    fill_index(r);
    return ERR_OK;
}

enum err reopened_add(struct reopened *r, const struct reopened_row *row)
{
    enum err e = r->n == r->cap ? grow(r) : ERR_OK;

    if (e)
        return e;
    uint32_t i = home(r, row->window, row->dimension, row->key, row->span.end);
    while (r->index[i])
        i = (i + 1) & r->mask;
    r->row[r->n++] = *row;
    r->index[i] = r->n;
    if (row->pending) {
        r->first_pending_end = r->n_pending && r->first_pending_end < row->span.end
                                   ? r->first_pending_end
                                   : row->span.end;
        r->n_pending++;
    }
    return ERR_OK;
}

void reopened_touch(struct reopened *r, struct reopened_row *row)
{
    row->changed = true;
    if (row->pending)
        return;
    row->pending = true;
    if (!r->n_pending || row->span.end < r->first_pending_end)
        r->first_pending_end = row->span.end;
    r->n_pending++;
}

void reopened_forget(struct reopened *r, bool (*gone)(void *arg, const struct reopened_row *row),
                     void *arg)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < r->n; i++) {
        if (gone(arg, &r->row[i]))
            r->n_pending -= r->row[i].pending;
        else
            r->row[n++] = r->row[i];
    }
    if (n == r->n)
        return;
    r->n = n;
    fill_index(r);
}
