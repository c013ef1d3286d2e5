/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * sales: the memory of one decoded batch.
 *
 * The idea: sales and rejects stand in two arrays that grow by doubling and are kept from
 * batch to batch. Texts that had to be made (unescaped, converted) are cut from blocks; a
 * full block is followed by another, and reset starts again at the first one. So a steady
 * flow of batches allocates nothing.
 *
 * Invariants:
 *   (1) A block never moves and is not freed before sales_clear: texts stay valid until reset.
 *   (2) Blocks before `current` are full for this batch, blocks after it are empty.
 *   (3) A failed call leaves the arrays, their contents and the blocks as they were.
 */
#include "engine/source.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define BLOCK_BYTES ((size_t)64 * 1024)
#define FIRST_ROOM 64

struct block {
    struct block *next;
    size_t used, size;
    char bytes[];
};

struct sales_block {
    struct block *first, *current;
};

void sales_init(struct sales *s)
{
    *s = (struct sales){0};
}

void sales_clear(struct sales *s)
{
    struct block *b = s->blocks ? s->blocks->first : NULL;
    while (b) {
        struct block *next = b->next;
        free(b);
        b = next;
    }
    free(s->blocks);
    free(s->sale);
    free(s->reject);
    sales_init(s);
}

void sales_reset(struct sales *s)
{
    s->n = 0;
    s->n_rejects = 0;
    if (s->blocks && s->blocks->first) {
        s->blocks->current = s->blocks->first;
        s->blocks->first->used = 0;
    }
}

/* Makes room for `more` entries of `size` bytes behind `n`. */
static enum err grow(void **array, size_t size, size_t n, size_t more, size_t *cap)
{
    if (more <= *cap - n) {
        return ERR_OK;
    }
    if (more > SIZE_MAX / size / 2 - n) {
        return ERR_NOMEM;
    }
    size_t want = *cap ? *cap : FIRST_ROOM;
    while (want < n + more) {
        want *= 2;
    }
    if (want > SIZE_MAX / size) {
        return ERR_NOMEM;
    }
    void *bigger = realloc(*array, want * size);
    if (!bigger) {
        return ERR_NOMEM;
    }
    *array = bigger;
    *cap = want;
    return ERR_OK;
}

enum err sales_room(struct sales *s, size_t more)
{
    void *array = s->sale;
    enum err e = grow(&array, sizeof(*s->sale), s->n, more, &s->cap);
    s->sale = array;
    return e;
}

/* A block with room for `n` more bytes becomes the current one. */
static enum err next_block(struct sales_block *l, size_t n)
{
    struct block *b = l->current ? l->current->next : l->first;
    if (b && b->size >= n) {
        b->used = 0;
        l->current = b;
        return ERR_OK;
    }
    size_t size = n > BLOCK_BYTES ? n : BLOCK_BYTES;
    if (size > SIZE_MAX - sizeof(*b)) {
        return ERR_NOMEM;
    }
    b = malloc(sizeof(*b) + size);
    if (!b) {
        return ERR_NOMEM;
    }
    b->size = size;
    b->used = 0;
    struct block **place = l->current ? &l->current->next : &l->first;
    b->next = *place;
    *place = b;
    l->current = b;
    return ERR_OK;
}

char *sales_text(struct sales *s, size_t n)
{
    if (!s->blocks) {
        s->blocks = calloc(1, sizeof(*s->blocks));
    }
    struct sales_block *l = s->blocks;
    if (!l) {
        return NULL;
    }
    bool fits = l->current && n <= l->current->size - l->current->used;
    if (!fits && next_block(l, n)) {
        return NULL;
    }
    char *p = l->current->bytes + l->current->used;
    l->current->used += n;
    return p;
}

enum err sales_reject(struct sales *s, uint64_t offset, struct str raw, const char *format, ...)
{
    void *array = s->reject;
    enum err e = grow(&array, sizeof(*s->reject), s->n_rejects, 1, &s->cap_rejects);
    s->reject = array;
    if (e) {
        return e;
    }
    struct reject *r = &s->reject[s->n_rejects];
    r->offset = offset;
    r->raw = raw;
    r->raw.n = raw.n > SALE_RAW_MAX ? SALE_RAW_MAX : raw.n;
    va_list args;
    va_start(args, format);
    int n = vsnprintf(r->reason, sizeof(r->reason), format, args);
    va_end(args);
    if (n < 0) {
        r->reason[0] = '\0';
    }
    s->n_rejects++;
    return ERR_OK;
}
