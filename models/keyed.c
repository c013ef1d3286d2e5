/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Records lie in chunks of about 16 KB that never move, one chunk is one part of the state;
 * an open-addressing index finds them by key.
 *
 *   models/<name>/<chunk>    count, then by record: key, recent, the fields of the table
 *   models/<name>/hand       the hand of the clock, when it ever moved
 *
 * Invariants:
 *  (1) places 0 .. n-1 are in use; place p lies in chunk p / chunk_records.
 *  (2) the index points at every place in use, by its key; no tombstones.
 *  (3) a chunk that differs from what is stored is marked in `changed`, or lies beyond n and
 *      is known by `saved`.
 */
#include "models/keyed.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#define CHUNK_BYTES 16384
#define PART_MAX ((size_t)1 << 22)
#define INDEX_FIRST 64

void keyed_init(struct keyed *k, const struct keyed_kind *kind)
{
    size_t n = CHUNK_BYTES / kind->size;

    *k = (struct keyed){.kind = kind, .chunk_records = n ? (uint32_t)n : 1};
}

void keyed_clear(struct keyed *k)
{
    for (uint32_t i = 0; i < k->chunks; i++)
        free(k->chunk[i]);
    free(k->chunk);
    free(k->changed);
    free(k->index);
    keyed_init(k, k->kind);
}

static uint32_t home(const struct keyed *k, uint64_t key)
{
    key = (key ^ key >> 32) * UINT64_C(0x9E3779B97F4A7C15);
    return (uint32_t)(key >> 32) & (k->index_size - 1);
}

void *keyed_at(const struct keyed *k, uint32_t place)
{
    return k->chunk[place / k->chunk_records] + place % k->chunk_records * k->kind->size;
}

static uint32_t slot_of(const struct keyed *k, uint64_t key)
{
    uint32_t i = home(k, key);

    while (k->index[i]) {
        const struct keyed_head *h = keyed_at(k, k->index[i] - 1);
        if (h->key == key)
            break;
        i = (i + 1) & (k->index_size - 1);
    }
    return i;
}

void *keyed_find(const struct keyed *k, uint64_t key)
{
    if (!k->n)
        return NULL;
    uint32_t slot = slot_of(k, key);
    return k->index[slot] ? keyed_at(k, k->index[slot] - 1) : NULL;
}

void keyed_change(struct keyed *k, const void *record)
{
    const struct keyed_head *h = record;

    k->changed[h->place / k->chunk_records] = 1;
}

static enum err grow_index(struct keyed *k)
{
    uint32_t size = k->index_size ? k->index_size * 2 : INDEX_FIRST;
    uint32_t *index = calloc(size, sizeof(*index));

    if (!index)
        return ERR_NOMEM;
    free(k->index);
    k->index = index;
    k->index_size = size;
    for (uint32_t p = 0; p < k->n; p++) {
        const struct keyed_head *h = keyed_at(k, p);
        k->index[slot_of(k, h->key)] = p + 1;
    }
    return ERR_OK;
}

static enum err grow_chunks(struct keyed *k)
{
    char **chunk = realloc(k->chunk, (k->chunks + 1) * sizeof(*chunk));

    if (!chunk)
        return ERR_NOMEM;
    k->chunk = chunk;
    uint8_t *changed = realloc(k->changed, k->chunks + 1);
    if (!changed)
        return ERR_NOMEM;
    k->changed = changed;
    chunk[k->chunks] = malloc(k->chunk_records * k->kind->size);
    if (!chunk[k->chunks])
        return ERR_NOMEM;
    changed[k->chunks++] = 0;
    return ERR_OK;
}

/* Removes an index slot and moves later entries of its run back (Knuth 6.4 R). */
static void unlist(struct keyed *k, uint32_t hole)
{
    uint32_t mask = k->index_size - 1;

    for (uint32_t i = (hole + 1) & mask; k->index[i]; i = (i + 1) & mask) {
        const struct keyed_head *h = keyed_at(k, k->index[i] - 1);
        if (((i - home(k, h->key)) & mask) >= ((i - hole) & mask)) {
            k->index[hole] = k->index[i];
            hole = i;
        }
    }
    k->index[hole] = 0;
}

static struct keyed_head *next_in_turn(struct keyed *k)
{
    k->hand = k->hand + 1 < k->n ? k->hand + 1 : 0;
    k->hand_moved = true;
    return keyed_at(k, k->hand);
}

void *keyed_turn(struct keyed *k)
{
    return k->n ? next_in_turn(k) : NULL;
}

/* The place of a record that was not touched since the hand last met it. */
static struct keyed_head *victim(struct keyed *k)
{
    struct keyed_head *h = next_in_turn(k);

    while (h->recent) {
        h->recent = 0;
        keyed_change(k, h);
        h = next_in_turn(k);
    }
    return h;
}

static struct keyed_head *enter(struct keyed *k, uint64_t key)
{
    struct keyed_head *h;
    uint32_t place = k->n;

    if (k->n >= k->kind->max) {
        h = victim(k);
        place = h->place;
        unlist(k, slot_of(k, h->key));
    } else {
        h = keyed_at(k, place);
        k->n++;
    }
    memset(h, 0, k->kind->size);
    h->key = key;
    h->place = place;
    k->index[slot_of(k, key)] = place + 1;
    return h;
}

enum err keyed_touch(struct keyed *k, uint64_t key, void **record)
{
    struct keyed_head *h = keyed_find(k, key);
    enum err e = ERR_OK;

    if (!h) {
        if ((uint64_t)(k->n + 1) * 3 > (uint64_t)k->index_size * 2)
            e = grow_index(k);
        if (!e && k->n < k->kind->max && k->n == k->chunks * k->chunk_records)
            e = grow_chunks(k);
        if (e)
            return e;
        h = enter(k, key);
    }
    h->recent = 1;
    keyed_change(k, h);
    *record = h;
    return ERR_OK;
}

void keyed_forget(struct keyed *k, void *record)
{
    struct keyed_head *h = record;
    uint32_t place = h->place;
    struct keyed_head *last = keyed_at(k, k->n - 1);

    keyed_change(k, h);
    keyed_change(k, last);
    unlist(k, slot_of(k, h->key));
    if (h != last) {
        uint32_t slot = slot_of(k, last->key);
        memcpy(h, last, k->kind->size);
        h->place = place;
        k->index[slot] = place + 1;
    }
    k->n--;
    if (k->hand >= k->n) {
        k->hand = 0;
        k->hand_moved = true;
    }
}

size_t keyed_memory(const struct keyed *k)
{
    return k->chunks * (k->chunk_records * k->kind->size + sizeof(*k->chunk) + 1) +
           k->index_size * sizeof(*k->index);
}

/* ---- state ---- */

static enum err write_chunk(const struct keyed *k, uint32_t chunk, struct buf *b)
{
    uint32_t first = chunk * k->chunk_records;
    uint32_t n = k->n - first < k->chunk_records ? k->n - first : k->chunk_records;
    enum err e = buf_varint(b, n);

    for (uint32_t i = 0; !e && i < n; i++) {
        const struct keyed_head *h = keyed_at(k, first + i);
        e = buf_varint(b, h->key);
        if (!e)
            e = buf_u8(b, (uint8_t)h->recent);
        if (!e)
            e = pack_write(b, k->kind->table, h);
    }
    return e;
}

static enum err save_chunk(struct keyed *k, uint32_t chunk, struct parcel *out)
{
    struct buf b;
    char name[64];
    enum err e;

    buf_init(&b, PART_MAX);
    (void)snprintf(name, sizeof(name), "models/%s/%06u", k->kind->name, chunk);
    e = write_chunk(k, chunk, &b);
    if (!e)
        e = parcel_state(out, name, k->kind->version, &b);
    buf_clear(&b);
    return e;
}

static enum err save_hand(struct keyed *k, struct parcel *out)
{
    struct buf b;
    char name[64];
    enum err e;

    buf_init(&b, 64);
    (void)snprintf(name, sizeof(name), "models/%s/hand", k->kind->name);
    e = buf_varint(&b, k->hand);
    if (!e)
        e = parcel_state(out, name, k->kind->version, &b);
    buf_clear(&b);
    return e;
}

enum err keyed_save(struct keyed *k, struct parcel *out)
{
    uint32_t used = (k->n + k->chunk_records - 1) / k->chunk_records;
    char name[64];
    enum err e = ERR_OK;

    for (uint32_t i = 0; !e && i < used; i++) {
        if (!k->changed[i])
            continue;
        e = save_chunk(k, i, out);
        if (!e)
            k->changed[i] = 0;
    }
    for (uint32_t i = used; !e && i < k->saved; i++) {
        (void)snprintf(name, sizeof(name), "models/%s/%06u", k->kind->name, i);
        e = parcel_state(out, name, k->kind->version, NULL);
        k->changed[i] = 0;
    }
    if (!e && k->hand_moved)
        e = save_hand(k, out);
    if (e)
        return e;
    k->hand_moved = false;
    k->saved = used;
    return ERR_OK;
}

static enum err load_record(struct keyed *k, struct reader *in)
{
    uint64_t key = read_varint(in);
    uint8_t recent = read_u8(in);
    void *record;

    if (in->bad || recent > 1 || k->n >= k->kind->max || keyed_find(k, key))
        return ERR_DAMAGED;
    enum err e = keyed_touch(k, key, &record);
    if (e)
        return e;
    pack_read(in, k->kind->table, record);
    ((struct keyed_head *)record)->recent = recent;
    return in->bad || (k->kind->sound && !k->kind->sound(record)) ? ERR_DAMAGED : ERR_OK;
}

static enum err load_chunk(struct keyed *k, uint32_t chunk, struct reader *in)
{
    uint64_t n = read_count(in, k->chunk_records);
    enum err e = ERR_OK;

    if (in->bad || !n || k->n != chunk * k->chunk_records)
        return ERR_DAMAGED;
    for (uint64_t i = 0; !e && i < n; i++)
        e = load_record(k, in);
    if (!e)
        k->changed[chunk] = 0;
    k->saved = chunk + 1;
    return e;
}

bool keyed_load(struct keyed *k, struct str name, struct str data, enum err *e)
{
    struct reader in = reader_of(data.p, data.n);
    char prefix[64];
    int n = snprintf(prefix, sizeof(prefix), "models/%s/", k->kind->name);
    uint32_t chunk = 0;

    if (n < 0 || name.n < (size_t)n || memcmp(name.p, prefix, (size_t)n) != 0)
        return false;
    struct str rest = {name.p + n, name.n - (size_t)n};
    if (str_eq(rest, STR("hand"))) {
        k->hand = (uint32_t)read_count(&in, k->n ? k->n - 1 : 0);
        *e = ERR_OK;
    } else {
        for (size_t i = 0; i < rest.n && i < 6; i++)
            chunk = chunk * 10 + (uint32_t)(unsigned char)(rest.p[i] - '0');
        *e = rest.n == 6 && chunk < 1000000 ? load_chunk(k, chunk, &in) : ERR_DAMAGED;
    }
    if (!*e && (in.bad || in.p != in.end))
        *e = ERR_DAMAGED;
    return true;
}
