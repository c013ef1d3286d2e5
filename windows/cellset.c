/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Most sets hold a handful of cells for an hour; a few hold thousands. Small sets are
 * searched along the array, larger ones (over LINEAR) have an index.
 */
#include "windows/cellset.h"

#include <stdlib.h>

#define LINEAR 4
#define FLAG_CHANGED 1u

void cellset_clear(struct cellset *s)
{
    for (uint32_t i = 0; i < s->n; i++) {
        if (cell_holds_memory(&s->cell[i]))
            cell_clear(&s->cell[i]);
    }
    free(s->cell);
    free(s->index);
    free(s->changed);
    *s = (struct cellset){0};
}

static uint32_t home(uint32_t key, uint32_t mask)
{
    return (uint32_t)((key * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & mask;
}

struct cell *cellset_find(const struct cellset *s, uint32_t key)
{
    if (!s->index) {
        for (uint32_t i = 0; i < s->n; i++) {
            if (s->cell[i].key == key)
                return &s->cell[i];
        }
        return NULL;
    }
    for (uint32_t i = home(key, s->mask); s->index[i]; i = (i + 1) & s->mask) {
        struct cell *c = &s->cell[s->index[i] - 1];
        if (c->key == key)
            return c;
    }
    return NULL;
}

static void put_index(struct cellset *s, uint32_t place)
{
    uint32_t i = home(s->cell[place].key, s->mask);

    while (s->index[i])
        i = (i + 1) & s->mask;
    s->index[i] = place + 1;
}

static enum err grow_index(struct cellset *s)
{
    uint32_t size = s->index ? (s->mask + 1) * 2 : 16;
    uint32_t *index = calloc(size, sizeof(*index));

    if (!index)
        return ERR_NOMEM;
    free(s->index);
    s->index = index;
    s->mask = size - 1;
    for (uint32_t i = 0; i < s->n; i++)
        put_index(s, i);
    return ERR_OK;
}

static enum err grow_cells(struct cellset *s)
{
    uint32_t cap = s->cap ? s->cap + (s->cap + 1) / 2 : 1;
    struct cell *cell = realloc(s->cell, cap * sizeof(*cell));

    if (!cell)
        return ERR_NOMEM;
    s->cell = cell;
    s->cap = cap;
    return ERR_OK;
}

static enum err room_for_change(struct cellset *s)
{
    if (s->n_changed < s->cap_changed)
        return ERR_OK;
    uint32_t cap = s->cap_changed ? s->cap_changed * 2 : 2;
    uint32_t *changed = realloc(s->changed, cap * sizeof(*changed));
    if (!changed)
        return ERR_NOMEM;
    s->changed = changed;
    s->cap_changed = cap;
    return ERR_OK;
}

static struct cell *add_cell(struct cellset *s, uint32_t key)
{
    if (s->n == s->cap && grow_cells(s))
        return NULL;
    bool crowded = s->index ? s->n + s->n / 2 >= s->mask : s->n >= LINEAR;
    if (crowded && grow_index(s))
        return NULL;
    struct cell *c = &s->cell[s->n];
    cell_init(c, key);
    s->n++;
    if (s->index)
        put_index(s, s->n - 1);
    return c;
}

struct cell *cellset_cell(struct cellset *s, uint32_t key)
{
    struct cell *c = cellset_find(s, key);

    return c ? c : add_cell(s, key);
}

bool cellset_changed(const struct cell *c)
{
    return c->flags & FLAG_CHANGED;
}

struct cell *cellset_touch(struct cellset *s, uint32_t key)
{
    if (room_for_change(s))
        return NULL;
    struct cell *c = cellset_cell(s, key);
    if (c && !(c->flags & FLAG_CHANGED)) {
        c->flags |= FLAG_CHANGED;
        s->changed[s->n_changed++] = (uint32_t)(c - s->cell);
    }
    return c;
}

void cellset_settle(struct cellset *s)
{
    for (uint32_t i = 0; i < s->n_changed; i++)
        s->cell[s->changed[i]].flags &= ~FLAG_CHANGED;
    s->n_changed = 0;
}

size_t cellset_memory(const struct cellset *s)
{
    size_t bytes = s->cap * sizeof(*s->cell) + s->cap_changed * sizeof(*s->changed) +
                   (s->index ? (s->mask + 1) * sizeof(*s->index) : 0);

    for (uint32_t i = 0; i < s->n; i++)
        bytes += cell_memory(&s->cell[i]);
    return bytes;
}
