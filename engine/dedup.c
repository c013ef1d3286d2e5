/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A ring of entries in order of arrival and an open-addressing index of ring places.
 *
 * Invariants:
 *  (1) entries first .. next-1 are held; entry s lies at ring[s & mask].
 *  (2) the index points at every held entry by its hash; forgetting removes the entry from
 *      the index by backward shift, so there are no tombstones.
 *  (3) entries below `delivered` are in the store or on their way.
 */
#include "engine/dedup.h"

#include <stdlib.h>

struct entry {
    uint64_t hash[2];
    int64_t expires_ms;
};

struct dedup {
    struct entry *ring;
    uint32_t *index;      /* ring place + 1; twice as many slots as ring entries */
    uint64_t mask;        /* ring size - 1 */
    uint64_t first, next; /* sequence numbers */
    uint64_t delivered;
    size_t max;
};

enum err dedup_open(size_t max, struct dedup **out)
{
    struct dedup *d = calloc(1, sizeof(*d));

    if (!d)
        return ERR_NOMEM;
    d->max = max ? max : 1;
    d->first = d->next = d->delivered = 1;
    *out = d;
    return ERR_OK;
}

void dedup_close(struct dedup *d)
{
    if (!d)
        return;
    free(d->ring);
    free(d->index);
    free(d);
}

static void hash_id(struct str id, uint64_t hash[2])
{
    char salted[1 + 256] = {'d'};
    size_t n = id.n < 256 ? id.n : 256;

    if (n)
        memcpy(salted + 1, id.p, n);
    hash[0] = str_hash(id);
    hash[1] = str_hash((struct str){salted, n + 1});
}

static uint64_t index_mask(const struct dedup *d)
{
    return d->mask * 2 + 1;
}

static uint64_t find(const struct dedup *d, const uint64_t hash[2])
{
    uint64_t i = hash[0] & index_mask(d);

    while (d->index[i]) {
        const struct entry *e = &d->ring[d->index[i] - 1];
        if (e->hash[0] == hash[0] && e->hash[1] == hash[1])
            break;
        i = (i + 1) & index_mask(d);
    }
    return i;
}

static enum err grow(struct dedup *d)
{
    struct entry *old = d->ring;
    uint64_t old_mask = d->mask, size = old ? (d->mask + 1) * 2 : 1024;
    struct entry *ring = malloc(size * sizeof(*ring));
    uint32_t *index = calloc(size * 2, sizeof(*index));

    if (!ring || !index) {
        free(ring);
        free(index);
        return ERR_NOMEM;
    }
    free(d->index);
    d->ring = ring;
    d->index = index;
    d->mask = size - 1;
    for (uint64_t s = d->first; old && s < d->next; s++) {
        const struct entry *e = &old[s & old_mask];
        ring[s & d->mask] = *e;
        index[find(d, e->hash)] = (uint32_t)(s & d->mask) + 1;
    }
    free(old);
    return ERR_OK;
}

/* Removes index slot `hole` and moves later entries of its run back (Knuth 6.4 R). */
static void remove_index(struct dedup *d, uint64_t hole)
{
    uint64_t mask = index_mask(d);

    for (uint64_t i = (hole + 1) & mask; d->index[i]; i = (i + 1) & mask) {
        uint64_t home = d->ring[d->index[i] - 1].hash[0] & mask;
        if (((i - home) & mask) >= ((i - hole) & mask)) {
            d->index[hole] = d->index[i];
            hole = i;
        }
    }
    d->index[hole] = 0;
}

static void forget_first(struct dedup *d)
{
    uint32_t place = (uint32_t)(d->first & d->mask);
    uint64_t i = find(d, d->ring[place].hash);

    /* An id seen again after it expired has a newer entry in the index: leave that. */
    if (d->index[i] == place + 1)
        remove_index(d, i);
    d->first++;
}

static enum err append(struct dedup *d, const uint64_t hash[2], int64_t expires_ms)
{
    if (!d->ring || d->next - d->first > d->mask) {
        enum err e = grow(d);
        if (e)
            return e;
    }
    uint32_t place = (uint32_t)(d->next & d->mask);
    d->ring[place] = (struct entry){{hash[0], hash[1]}, expires_ms};
    d->index[find(d, hash)] = place + 1;
    d->next++;
    return ERR_OK;
}

enum err dedup_check(struct dedup *d, struct str id, int64_t now_ms, int64_t expires_ms, bool *seen)
{
    uint64_t hash[2];

    hash_id(id, hash);
    *seen = false;
    if (d->ring) {
        uint64_t i = find(d, hash);
        *seen = d->index[i] && d->ring[d->index[i] - 1].expires_ms > now_ms;
    }
    if (*seen)
        return ERR_OK;
    while (d->ring && d->first < d->next &&
           (d->ring[d->first & d->mask].expires_ms <= now_ms || d->next - d->first >= d->max))
        forget_first(d);
    return append(d, hash, expires_ms);
}

enum err dedup_deliver(struct dedup *d, struct parcel *p)
{
    uint64_t s = d->delivered > d->first ? d->delivered : d->first;

    for (; s < d->next; s++) {
        const struct entry *e = &d->ring[s & d->mask];
        struct dedup_row *row = list_add(&p->dedup);
        if (!row)
            return ERR_NOMEM;
        *row = (struct dedup_row){s, {e->hash[0], e->hash[1]}, e->expires_ms};
    }
    d->delivered = d->next;
    p->dedup_before = d->first;
    return ERR_OK;
}

enum err dedup_load(struct dedup *d, uint64_t seq, const uint64_t hash[2], int64_t expires_ms)
{
    if (d->first == d->next)
        d->first = d->next = seq;
    if (seq != d->next)
        return ERR_DAMAGED;
    enum err e = append(d, hash, expires_ms);
    if (!e)
        d->delivered = d->next;
    return e;
}

size_t dedup_memory(const struct dedup *d)
{
    return d->ring ? (d->mask + 1) * (sizeof(*d->ring) + 2 * sizeof(*d->index)) : 0;
}
