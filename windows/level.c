/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * An array of pointers: there are at most some thousands of slices, new ones come at the
 * end, old ones leave at the front together.
 */
#include "windows/level.h"

#include <stdlib.h>

static void free_slice(struct slice *s)
{
    for (int i = 0; i < s->n_sets; i++)
        cellset_clear(&s->set[i]);
    waiting_clear(&s->waiting);
    free(s);
}

void level_clear(struct level *l)
{
    for (size_t i = 0; i < l->n; i++)
        free_slice(l->slice[i]);
    free(l->slice);
    *l = (struct level){0};
}

size_t level_from(const struct level *l, int64_t t)
{
    size_t low = 0, high = l->n;

    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (l->slice[mid]->end > t)
            high = mid;
        else
            low = mid + 1;
    }
    return low;
}

struct slice *level_at(struct level *l, int64_t t)
{
    if (l->last && l->last->start <= t && t < l->last->end)
        return l->last;
    size_t i = level_from(l, t);
    if (i == l->n || l->slice[i]->start > t)
        return NULL;
    l->last = l->slice[i];
    return l->last;
}

struct slice *level_slice(struct level *l, int64_t start, int64_t end, int n_sets, bool *made)
{
    size_t i = level_from(l, start);

    *made = false;
    if (i < l->n && l->slice[i]->start == start)
        return l->slice[i];
    if (l->n == l->cap) {
        size_t cap = l->cap ? l->cap * 2 : 64;
        struct slice **slice = realloc(l->slice, cap * sizeof(struct slice *));
        if (!slice)
            return NULL;
        l->slice = slice;
        l->cap = cap;
    }
    struct slice *s = calloc(1, sizeof(*s) + (size_t)n_sets * sizeof(s->set[0]));
    if (!s)
        return NULL;
    s->start = start;
    s->end = end;
    s->n_sets = n_sets;
    s->dimensions = l->dimensions;
    memmove(&l->slice[i + 1], &l->slice[i], (l->n - i) * sizeof(struct slice *));
    l->slice[i] = s;
    l->n++;
    *made = true;
    return s;
}

void level_drop(struct level *l, size_t n)
{
    if (!n)
        return;
    for (size_t i = 0; i < n; i++)
        free_slice(l->slice[i]);
    l->n -= n;
    memmove(l->slice, l->slice + n, l->n * sizeof(struct slice *));
    l->last = NULL;
}

void level_settle(struct level *l)
{
    for (size_t i = 0; i < l->n; i++) {
        if (!l->slice[i]->changed)
            continue;
        for (int d = 0; d < l->slice[i]->n_sets; d++)
            cellset_settle(&l->slice[i]->set[d]);
        l->slice[i]->changed = false;
    }
}

size_t level_memory(const struct level *l)
{
    size_t bytes = l->cap * sizeof(struct slice *);

    for (size_t i = 0; i < l->n; i++) {
        bytes += sizeof(struct slice) + (size_t)l->slice[i]->n_sets * sizeof(struct cellset);
        bytes += waiting_memory(&l->slice[i]->waiting);
        for (int d = 0; d < l->slice[i]->n_sets; d++)
            bytes += cellset_memory(&l->slice[i]->set[d]);
    }
    return bytes;
}
