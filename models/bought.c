/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Two Bloom filters of 2^20 bits (Bloom, CACM 13, 1970) with four bits a pair. When one holds
 * 150,000 pairs the older one is emptied and filled anew.
 *
 *   models/detect/bought/head     which is filled now, pairs of both
 *   models/detect/bought/G-PP     page PP of generation G: 512 words
 *
 * Invariants:
 *  (1) every pair learned since the last turn but one is found.
 *  (2) a page that differs from what is stored is marked in `changed`.
 */
#include "models/bought.h"

#include <stdio.h>
#include <stdlib.h>

#define VERSION 1
#define PAIRS_MAX 150000
#define BITS 4
#define PAGE_BITS (BOUGHT_PAGE_WORDS * 64)
#define ALL_BITS (BOUGHT_PAGES * PAGE_BITS)

enum err bought_init(struct bought *b)
{
    *b = (struct bought){.generation = calloc(2, sizeof(*b->generation))};
    return b->generation ? ERR_OK : ERR_NOMEM;
}

void bought_clear(struct bought *b)
{
    free(b->generation);
    *b = (struct bought){.generation = NULL};
}

size_t bought_memory(void)
{
    return 2 * sizeof(struct bought_generation);
}

static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ x >> 27) * UINT64_C(0x94D049BB133111EB);
    return x ^ x >> 31;
}

static uint64_t hash(uint32_t customer, uint32_t stock)
{
    return mix(((uint64_t)customer << 32 | stock) + UINT64_C(0x9E3779B97F4A7C15));
}

/* The bit of the pair's k-th probe: double hashing (Kirsch and Mitzenmacher, 2006). */
static uint32_t bit_of(uint64_t h, uint32_t k)
{
    return ((uint32_t)h + k * ((uint32_t)(h >> 32) | 1)) % ALL_BITS;
}

static bool held(const struct bought_generation *g, uint64_t h)
{
    for (uint32_t k = 0; k < BITS; k++) {
        uint32_t bit = bit_of(h, k);
        if (!(g->word[bit / PAGE_BITS][bit % PAGE_BITS / 64] >> (bit % 64) & 1))
            return false;
    }
    return true;
}

bool bought_ever(const struct bought *b, uint32_t customer, uint32_t stock)
{
    uint64_t h = hash(customer, stock);

    return held(&b->generation[0], h) || held(&b->generation[1], h);
}

static void turn(struct bought *b)
{
    b->newest = !b->newest;
    memset(&b->generation[b->newest], 0, sizeof(b->generation[b->newest]));
    b->changed[b->newest] = (UINT64_C(1) << BOUGHT_PAGES) - 1;
}

void bought_learn(struct bought *b, uint32_t customer, uint32_t stock)
{
    uint64_t h = hash(customer, stock);

    if (held(&b->generation[b->newest], h))
        return;
    if (b->generation[b->newest].pairs >= PAIRS_MAX)
        turn(b);
    struct bought_generation *g = &b->generation[b->newest];
    for (uint32_t k = 0; k < BITS; k++) {
        uint32_t bit = bit_of(h, k);
        g->word[bit / PAGE_BITS][bit % PAGE_BITS / 64] |= UINT64_C(1) << (bit % 64);
        b->changed[b->newest] |= UINT64_C(1) << (bit / PAGE_BITS);
    }
    g->pairs++;
    b->turned = true;
}

/* ---- state ---- */

static enum err save_page(const struct bought *b, uint32_t g, uint32_t page, struct parcel *out)
{
    struct buf buf;
    char name[48];
    enum err e = ERR_OK;

    buf_init(&buf, sizeof(b->generation->word[0]));
    (void)snprintf(name, sizeof(name), "models/detect/bought/%u-%02u", g, page);
    for (int i = 0; !e && i < BOUGHT_PAGE_WORDS; i++)
        e = buf_u64(&buf, b->generation[g].word[page][i]);
    if (!e)
        e = parcel_state(out, name, VERSION, &buf);
    buf_clear(&buf);
    return e;
}

static enum err save_head(const struct bought *b, struct parcel *out)
{
    struct buf buf;
    enum err e;

    buf_init(&buf, 64);
    e = buf_u8(&buf, (uint8_t)b->newest);
    for (int g = 0; !e && g < 2; g++)
        e = buf_u32(&buf, b->generation[g].pairs);
    if (!e)
        e = parcel_state(out, "models/detect/bought/head", VERSION, &buf);
    buf_clear(&buf);
    return e;
}

enum err bought_save(struct bought *b, struct parcel *out)
{
    enum err e = ERR_OK;

    for (uint32_t g = 0; !e && g < 2; g++) {
        for (uint32_t page = 0; !e && page < BOUGHT_PAGES; page++) {
            if (b->changed[g] >> page & 1)
                e = save_page(b, g, page, out);
        }
    }
    if (!e && b->turned)
        e = save_head(b, out);
    if (e)
        return e;
    b->changed[0] = b->changed[1] = 0;
    b->turned = false;
    return ERR_OK;
}

static enum err load_page(struct bought *b, struct str at, struct reader *r)
{
    bool named = at.n == 4 && (at.p[0] == '0' || at.p[0] == '1') && at.p[1] == '-';
    int page = named ? (at.p[2] - '0') * 10 + at.p[3] - '0' : -1;

    if (page < 0 || page >= BOUGHT_PAGES)
        return ERR_DAMAGED;
    for (int i = 0; i < BOUGHT_PAGE_WORDS; i++)
        b->generation[at.p[0] - '0'].word[page][i] = read_u64(r);
    return ERR_OK;
}

bool bought_load(struct bought *b, struct str name, struct str data, enum err *e)
{
    const struct str prefix = STR("models/detect/bought/");
    struct reader r = reader_of(data.p, data.n);

    if (name.n < prefix.n || memcmp(name.p, prefix.p, prefix.n) != 0)
        return false;
    struct str at = {name.p + prefix.n, name.n - prefix.n};
    *e = ERR_OK;
    if (str_eq(at, STR("head"))) {
        b->newest = read_u8(&r);
        for (int g = 0; g < 2; g++)
            b->generation[g].pairs = read_u32(&r);
        if (b->newest > 1 || b->generation[0].pairs > PAIRS_MAX ||
            b->generation[1].pairs > PAIRS_MAX)
            *e = ERR_DAMAGED;
    } else {
        *e = load_page(b, at, &r);
    }
    if (!*e && (r.bad || r.p != r.end))
        *e = ERR_DAMAGED;
    if (*e)
        b->newest = 0; /* nothing that is used later may be out of range */
    return true;
}
