/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Two arrays of the same numbers: a ring by age, and one by size, in which a new number and the
 * one it replaces bound the stretch that has to move. For the few thousand numbers kept this is
 * faster than a tree, and a rank is an index.
 *
 * 1. sorted[0 .. n) is ring[0 .. n) in order; n <= cap <= keep; at == 0 until n == keep.
 * 2. All numbers are finite; zero has no sign.
 */
#include "models/rarity_set.h"

#include <math.h>
#include <stdlib.h>

#define CAP_FIRST 128

void rarity_set_init(struct rarity_set *s, uint32_t keep)
{
    *s = (struct rarity_set){.keep = keep};
}

void rarity_set_clear(struct rarity_set *s)
{
    free(s->ring);
    free(s->sorted);
    rarity_set_init(s, s->keep);
}

static enum err make_room(struct rarity_set *s, uint32_t cap)
{
    float *ring = realloc(s->ring, cap * sizeof(float));

    if (!ring)
        return ERR_NOMEM;
    s->ring = ring;
    float *sorted = realloc(s->sorted, cap * sizeof(float));
    if (!sorted)
        return ERR_NOMEM;
    s->sorted = sorted;
    s->cap = cap;
    return ERR_OK;
}

enum err rarity_set_reserve(struct rarity_set *s)
{
    uint32_t cap = s->cap ? 2 * s->cap : CAP_FIRST;

    if (s->n < s->cap || s->n == s->keep)
        return ERR_OK;
    return make_room(s, cap < s->keep ? cap : s->keep);
}

uint32_t rarity_set_below(const struct rarity_set *s, float x)
{
    uint32_t low = 0, high = s->n;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (s->sorted[middle] < x)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

double rarity_set_distance(const struct rarity_set *s, float x, uint32_t count)
{
    uint32_t right = rarity_set_below(s, x), left = right, taken = 0;
    double sum = 0;

    for (; taken < count && (left > 0 || right < s->n); taken++) {
        double below = left > 0 ? (double)x - (double)s->sorted[left - 1] : HUGE_VAL;
        double above = right < s->n ? (double)s->sorted[right] - (double)x : HUGE_VAL;
        if (below <= above) {
            sum += below;
            left--;
        } else {
            sum += above;
            right++;
        }
    }
    return taken ? sum / taken : 0;
}

/* In sorted order, x takes the place of `old`. */
static void replace(struct rarity_set *s, float old, float x)
{
    uint32_t from = rarity_set_below(s, old), to = rarity_set_below(s, x);

    if (to > from) {
        to--;
        memmove(&s->sorted[from], &s->sorted[from + 1], (to - from) * sizeof(float));
    } else {
        memmove(&s->sorted[to + 1], &s->sorted[to], (from - to) * sizeof(float));
    }
    s->sorted[to] = x;
}

void rarity_set_add(struct rarity_set *s, float x)
{
    x += 0.0F; /* of the two zeros, one */
    if (s->n == s->keep) {
        replace(s, s->ring[s->at], x);
        s->ring[s->at] = x;
        s->at = (s->at + 1) % s->keep;
        return;
    }
    uint32_t to = rarity_set_below(s, x);
    memmove(&s->sorted[to + 1], &s->sorted[to], (s->n - to) * sizeof(float));
    s->sorted[to] = x;
    s->ring[s->n++] = x;
}

enum err rarity_set_save(const struct rarity_set *s, struct buf *out)
{
    enum err e = buf_varint(out, s->n);

    if (!e)
        e = buf_varint(out, s->at);
    for (uint32_t i = 0; !e && i < s->n; i++) {
        uint32_t bits;
        memcpy(&bits, &s->ring[i], sizeof(bits));
        e = buf_u32(out, bits);
    }
    return e;
}

static int by_size(const void *a, const void *b)
{
    const float *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

static enum err read_ring(struct rarity_set *s, struct reader *in, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        uint32_t bits = read_u32(in);
        memcpy(&s->ring[i], &bits, sizeof(bits));
        if (in->bad || !isfinite(s->ring[i]))
            return ERR_DAMAGED;
        s->ring[i] += 0.0F;
    }
    memcpy(s->sorted, s->ring, n * sizeof(float));
    qsort(s->sorted, n, sizeof(float), by_size);
    s->n = n;
    return ERR_OK;
}

enum err rarity_set_load(struct rarity_set *s, struct reader *in)
{
    uint32_t n = (uint32_t)read_count(in, s->keep), at = (uint32_t)read_count(in, s->keep);
    struct rarity_set got;
    enum err e = ERR_OK;

    if (in->bad || (at > 0 && (n < s->keep || at >= n)) ||
        (size_t)(in->end - in->p) / sizeof(uint32_t) < n)
        return ERR_DAMAGED;
    rarity_set_init(&got, s->keep);
    got.at = at;
    if (n)
        e = make_room(&got, n);
    if (!e && n)
        e = read_ring(&got, in, n);
    if (e) {
        rarity_set_clear(&got);
        return e;
    }
    rarity_set_clear(s);
    *s = got;
    return ERR_OK;
}
