/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Interning by open addressing. A slot holds the upper half of the key's hash beside its
 * id, so that a probe seldom touches the text. Texts lie in blocks that never move.
 *
 * Invariants:
 *  (1) count ids are in use, 0 .. count-1; text[0] is "".
 *  (2) the table has at least 3 slots for 2 keys; slot 0-valued is empty (id + 1 is stored).
 *  (3) pairs map (a << 32 | b) to the id of their joined text.
 */
#include "engine/keys.h"

#include <stdlib.h>

#define KEYS_MAX ((UINT32_C(1) << 30) - 1) /* row numbers of the store pack 30 bits of key */
#define BLOCK_BYTES 65536

struct slot {
    uint32_t tag; /* upper half of the hash */
    uint32_t id1; /* id + 1; 0: empty */
};

struct block {
    struct block *next;
    size_t used, size;
    char bytes[];
};

struct pair_slot {
    uint64_t parts;
    uint32_t id1;
};

struct keys {
    struct slot *slot;
    uint32_t mask;
    uint32_t count, cap, delivered;
    struct str *text;
    uint64_t *hash;
    struct block *blocks;
    size_t block_bytes;
    struct pair_slot *pair;
    uint32_t pair_mask, n_pairs;
};

static enum err grow_arrays(struct keys *k)
{
    uint32_t cap = k->cap ? k->cap * 2 : 1024;
    struct str *text = realloc(k->text, cap * sizeof(*text));

    if (!text)
        return ERR_NOMEM;
    k->text = text;
    uint64_t *hash = realloc(k->hash, cap * sizeof(*hash));
    if (!hash)
        return ERR_NOMEM;
    k->hash = hash;
    k->cap = cap;
    return ERR_OK;
}

static void put_slot(struct keys *k, uint64_t hash, uint32_t id)
{
    uint32_t i = (uint32_t)hash & k->mask;

    while (k->slot[i].id1)
        i = (i + 1) & k->mask;
    k->slot[i] = (struct slot){(uint32_t)(hash >> 32), id + 1};
}

static enum err grow_table(struct keys *k)
{
    uint32_t size = k->slot ? (k->mask + 1) * 2 : 4096;
    struct slot *slot = calloc(size, sizeof(*slot));

    if (!slot)
        return ERR_NOMEM;
    free(k->slot);
    k->slot = slot;
    k->mask = size - 1;
    for (uint32_t id = 0; id < k->count; id++)
        put_slot(k, k->hash[id], id);
    return ERR_OK;
}

static char *text_room(struct keys *k, size_t n)
{
    struct block *b = k->blocks;

    if (!b || b->size - b->used < n) {
        size_t size = n > BLOCK_BYTES ? n : BLOCK_BYTES;
        b = malloc(sizeof(*b) + size);
        if (!b)
            return NULL;
        *b = (struct block){.next = k->blocks, .size = size};
        k->blocks = b;
        k->block_bytes += sizeof(*b) + size;
    }
    b->used += n;
    return b->bytes + b->used - n;
}

static enum err add_key(struct keys *k, struct str text, uint64_t hash)
{
    enum err e = ERR_OK;

    if (k->count >= KEYS_MAX)
        return ERR_LIMIT;
    if (k->count == k->cap)
        e = grow_arrays(k);
    if (!e && (!k->slot || k->count + k->count / 2 >= k->mask))
        e = grow_table(k);
    if (e)
        return e;
    char *copy = text_room(k, text.n);
    if (!copy)
        return ERR_NOMEM;
    if (text.n)
        memcpy(copy, text.p, text.n);
    k->text[k->count] = (struct str){copy, text.n};
    k->hash[k->count] = hash;
    put_slot(k, hash, k->count);
    k->count++;
    return ERR_OK;
}

enum err keys_open(struct keys **out)
{
    struct keys *k = calloc(1, sizeof(*k));

    if (!k)
        return ERR_NOMEM;
    if (add_key(k, STR(""), str_hash(STR("")))) {
        keys_close(k);
        return ERR_NOMEM;
    }
    k->delivered = 1; /* "" is known to everyone */
    *out = k;
    return ERR_OK;
}

void keys_close(struct keys *k)
{
    if (!k)
        return;
    while (k->blocks) {
        struct block *next = k->blocks->next;
        free(k->blocks);
        k->blocks = next;
    }
    free(k->slot);
    free(k->text);
    free(k->hash);
    free(k->pair);
    free(k);
}

enum err keys_id(struct keys *k, struct str text, uint32_t *id)
{
    uint64_t hash = str_hash(text);
    uint32_t tag = (uint32_t)(hash >> 32);

    for (uint32_t i = (uint32_t)hash & k->mask; k->slot[i].id1; i = (i + 1) & k->mask) {
        uint32_t found = k->slot[i].id1 - 1;
        if (k->slot[i].tag == tag && str_eq(k->text[found], text)) {
            *id = found;
            return ERR_OK;
        }
    }
    enum err e = add_key(k, text, hash);
    if (!e)
        *id = k->count - 1;
    return e;
}

static uint32_t pair_index(const struct keys *k, uint64_t parts)
{
    uint32_t i = (uint32_t)((parts * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & k->pair_mask;

    while (k->pair[i].id1 && k->pair[i].parts != parts)
        i = (i + 1) & k->pair_mask;
    return i;
}

static enum err grow_pairs(struct keys *k)
{
    struct pair_slot *old = k->pair;
    uint32_t old_size = old ? k->pair_mask + 1 : 0;
    uint32_t size = old ? old_size * 2 : 4096;
    struct pair_slot *pair = calloc(size, sizeof(*pair));

    if (!pair)
        return ERR_NOMEM;
    k->pair = pair;
    k->pair_mask = size - 1;
    for (uint32_t i = 0; i < old_size; i++) {
        if (old[i].id1)
            k->pair[pair_index(k, old[i].parts)] = old[i];
    }
    free(old);
    return ERR_OK;
}

static enum err join_part(struct buf *out, struct str part)
{
    enum err e = ERR_OK;

    for (size_t i = 0; !e && i < part.n; i++) {
        if (part.p[i] == '+')
            e = buf_str(out, STR("%2B"));
        else if (part.p[i] == '%')
            e = buf_str(out, STR("%25"));
        else
            e = buf_add(out, part.p + i, 1);
    }
    return e;
}

static enum err pair_text_id(struct keys *k, uint32_t a, uint32_t b, uint32_t *id)
{
    struct buf text;
    enum err e;

    buf_init(&text, 4096);
    e = join_part(&text, k->text[a]);
    if (!e)
        e = buf_str(&text, STR("+"));
    if (!e)
        e = join_part(&text, k->text[b]);
    if (!e)
        e = keys_id(k, (struct str){text.p, text.n}, id);
    buf_clear(&text);
    return e;
}

enum err keys_pair(struct keys *k, uint32_t a, uint32_t b, uint32_t *id)
{
    uint64_t parts = (uint64_t)a << 32 | b;
    enum err e = ERR_OK;

    if (!k->pair || k->n_pairs + k->n_pairs / 2 >= k->pair_mask)
        e = grow_pairs(k);
    if (e)
        return e;
    uint32_t i = pair_index(k, parts);
    if (!k->pair[i].id1) {
        e = pair_text_id(k, a, b, id);
        if (e)
            return e;
        k->pair[i] = (struct pair_slot){parts, *id + 1};
        k->n_pairs++;
    }
    *id = k->pair[i].id1 - 1;
    return ERR_OK;
}

struct str keys_text(const struct keys *k, uint32_t id)
{
    return id < k->count ? k->text[id] : STR("");
}

uint32_t keys_count(const struct keys *k)
{
    return k->count;
}

size_t keys_memory(const struct keys *k)
{
    return k->block_bytes + (k->mask + 1) * sizeof(*k->slot) +
           k->cap * (sizeof(*k->text) + sizeof(*k->hash)) +
           (k->pair ? (k->pair_mask + 1) * sizeof(*k->pair) : 0);
}

const uint64_t *keys_hashes(const struct keys *k)
{
    return k->hash;
}

enum err keys_load(struct keys *k, uint32_t id, struct str text)
{
    if (id != k->count)
        return ERR_DAMAGED;
    enum err e = add_key(k, text, str_hash(text));
    if (!e)
        k->delivered = k->count;
    return e;
}

enum err keys_deliver(struct keys *k, struct parcel *p)
{
    while (k->delivered < k->count) {
        struct span at;
        enum err e = parcel_text(p, k->text[k->delivered], &at);
        if (e)
            return e;
        struct key_row *row = list_add(&p->keys);
        if (!row)
            return ERR_NOMEM;
        *row = (struct key_row){.id = k->delivered, .text = at};
        k->delivered++;
    }
    return ERR_OK;
}
