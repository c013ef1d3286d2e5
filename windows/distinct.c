/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * distinct: a set of small integers that becomes a sketch when it is too large.
 *
 * Most sets hold one or two ids, and consecutive adds bring the same one, so the last id is
 * looked at first and up to SCAN ids are compared one by one. Past that an open-addressing
 * index of 16-bit positions (+ 1; 0: free) lies behind the ids in the same block:
 *
 *     cap <= 16:  ids[cap]
 *     cap >= 32:  ids[cap] index[2 * cap]          at most 32 KiB, at cap = 4096
 *
 * The index uses as few of its slots as n ids need (the power of two that is at least 2n), so
 * that a reset costs nothing however large the block is. A set becomes a sketch within
 * its own block: the registers need just the bytes of the largest index.
 *
 * Stored: varint n, then the ids' names in ascending order, the first as it is, the others as
 * the difference to the one before; or varint 4097, then the registers (windows/hll).
 *
 * 1. ids[0..n) are different, n <= DISTINCT_EXACT; n <= SCAN exactly if there is no index.
 * 2. SKETCH exactly if the union ever added has more than DISTINCT_EXACT ids; n is 0 then.
 * 3. After distinct_reserve* the same put allocates nothing; a put never fails.
 */
#include "windows/distinct.h"

#include "windows/hll.h"

#include <assert.h>
#include <stdlib.h>

enum { INLINE, ARRAY, INDEXED, SKETCH };
enum { FEW = 2, SCAN = 16, SIZE_MAX_EXACT = 12, SIZE_SKETCH = 11, SORT_HERE = 16 };

_Static_assert(1 << SIZE_MAX_EXACT == DISTINCT_EXACT, "the largest array");
_Static_assert(DISTINCT_EXACT * sizeof(uint32_t) == DISTINCT_REGISTERS, "a sketch in place");
_Static_assert(HLL_REGISTERS == DISTINCT_REGISTERS, "one number, two names");
_Static_assert(sizeof(struct distinct) == 16, "as promised");

static uint32_t capacity(const struct distinct *d)
{
    return d->form == INLINE ? FEW : UINT32_C(1) << d->size;
}

static size_t block_bytes(size_t cap)
{
    return cap <= SCAN ? cap * sizeof(uint32_t) : cap * 2 * sizeof(uint32_t);
}

static const uint32_t *ids_of(const struct distinct *d)
{
    return d->form == INLINE ? d->u.few : d->u.ids;
}

void distinct_init(struct distinct *d)
{
    *d = (struct distinct){0};
}

void distinct_clear(struct distinct *d)
{
    if (d->form != INLINE)
        free(d->u.ids);
    distinct_init(d);
}

/* A sketch's block serves as an array again: 2048 ids and their index are as large. */
void distinct_reset(struct distinct *d)
{
    if (d->form != INLINE)
        d->form = ARRAY;
    d->n = 0;
}

/* ---- the index ---- */

static uint16_t *index_of(const struct distinct *d)
{
    return (uint16_t *)(d->u.ids + (UINT32_C(1) << d->size));
}

/* log2 of the slots in use: at least 2n of them, for n > SCAN. */
static uint32_t index_bits(uint32_t n)
{
    return 33 - (uint32_t)__builtin_clz(n - 1);
}

/* Neighbouring ids, the usual case, spread evenly (Fibonacci hashing). */
static uint32_t home(uint32_t id, uint32_t bits)
{
    return (id * UINT32_C(2654435769)) >> (32 - bits);
}

/* The position of the slot that holds `id`, or of the free one where it belongs. */
static uint32_t probe(const struct distinct *d, uint32_t id, uint32_t bits)
{
    const uint16_t *index = index_of(d);
    uint32_t mask = (UINT32_C(1) << bits) - 1;
    uint32_t at = home(id, bits);

    while (index[at] && d->u.ids[index[at] - 1] != id)
        at = (at + 1) & mask;
    return at;
}

static void index_all(struct distinct *d)
{
    uint16_t *index = index_of(d);
    uint32_t bits = index_bits(d->n);

    memset(index, 0, sizeof(*index) << bits);
    d->form = INDEXED;
    for (uint32_t i = 0; i < d->n; i++)
        index[probe(d, d->u.ids[i], bits)] = (uint16_t)(i + 1);
}

/* ---- adding ---- */

static bool holds(const struct distinct *d, uint32_t id)
{
    const uint32_t *ids = ids_of(d);

    if (d->form == INDEXED)
        return ids[d->n - 1] == id || index_of(d)[probe(d, id, index_bits(d->n))] != 0;
    for (uint32_t i = d->n; i > 0; i--) {
        if (ids[i - 1] == id)
            return true;
    }
    return false;
}

static enum err grow(struct distinct *d, uint32_t want)
{
    uint16_t size = 2;

    while ((UINT32_C(1) << size) < want)
        size++;
    uint32_t *p = realloc(d->form == INLINE ? NULL : d->u.ids, block_bytes(UINT32_C(1) << size));
    if (!p)
        return ERR_NOMEM;
    if (d->form == INLINE) {
        memcpy(p, d->u.few, sizeof(d->u.few));
        d->form = ARRAY;
    }
    d->u.ids = p;
    d->size = size;
    if (d->form == INDEXED)
        index_all(d); /* it lies elsewhere now */
    return ERR_OK;
}

static void append(struct distinct *d, uint32_t id)
{
    uint32_t *ids = d->form == INLINE ? d->u.few : d->u.ids;
    uint32_t n = d->n++;

    ids[n] = id;
    if (n < SCAN)
        return;
    if ((n & (n - 1)) == 0) /* 16, 32, ...: a first or a larger index */
        index_all(d);
    else
        index_of(d)[probe(d, id, index_bits(n + 1))] = (uint16_t)(n + 1);
}

/* Needs an array of full size. The registers are built where the index was. */
static void become_sketch(struct distinct *d, const uint64_t *hash)
{
    uint8_t *registers = (uint8_t *)index_of(d);

    assert(d->form != INLINE && d->form != SKETCH && d->size == SIZE_MAX_EXACT);
    memset(registers, 0, DISTINCT_REGISTERS);
    for (uint32_t i = 0; i < d->n; i++)
        hll_add(registers, hash[d->u.ids[i]]);
    memcpy(d->u.ids, registers, DISTINCT_REGISTERS);

    uint8_t *smaller = realloc(d->u.ids, DISTINCT_REGISTERS);
    if (smaller)
        d->u.registers = smaller;
    d->n = 0;
    d->form = SKETCH;
    d->size = SIZE_SKETCH;
}

enum err distinct_reserve(struct distinct *d, uint32_t id)
{
    if (d->form == SKETCH || d->n < capacity(d) || d->n == DISTINCT_EXACT || holds(d, id))
        return ERR_OK;
    return grow(d, d->n + 1);
}

void distinct_put(struct distinct *d, uint32_t id, const uint64_t *hash)
{
    if (d->form != SKETCH && holds(d, id))
        return;
    if (d->n == DISTINCT_EXACT)
        become_sketch(d, hash);
    if (d->form == SKETCH)
        hll_add(d->u.registers, hash[id]);
    else
        append(d, id);
}

enum err distinct_add(struct distinct *d, uint32_t id, const uint64_t *hash)
{
    enum err e = distinct_reserve(d, id);

    if (!e)
        distinct_put(d, id, hash);
    return e;
}

/* ---- merging ---- */

/* Counts what is new only when the sum of both would not fit: a merge of two sets that are
 * much the same then needs no larger block. */
enum err distinct_reserve_all(struct distinct *into, const struct distinct *from)
{
    uint32_t want = into->n;

    if (into->form == SKETCH)
        return ERR_OK;
    if (from->form != SKETCH && into->n + from->n <= capacity(into))
        return ERR_OK;
    if (from->form == SKETCH) {
        want = DISTINCT_EXACT;
    } else {
        for (uint32_t i = 0; i < from->n; i++)
            want += !holds(into, ids_of(from)[i]);
    }
    want = want < DISTINCT_EXACT ? want : DISTINCT_EXACT;
    return want <= capacity(into) ? ERR_OK : grow(into, want);
}

void distinct_put_all(struct distinct *into, const struct distinct *from, const uint64_t *hash)
{
    if (from->form != SKETCH) {
        for (uint32_t i = 0; i < from->n; i++)
            distinct_put(into, ids_of(from)[i], hash);
        return;
    }
    if (into->form != SKETCH)
        become_sketch(into, hash);
    hll_merge(into->u.registers, from->u.registers);
}

enum err distinct_merge(struct distinct *into, const struct distinct *from, const uint64_t *hash)
{
    enum err e = distinct_reserve_all(into, from);

    if (!e)
        distinct_put_all(into, from, hash);
    return e;
}

/* ---- reading ---- */

uint64_t distinct_count(const struct distinct *d)
{
    if (d->form != SKETCH)
        return d->n;
    uint64_t about = hll_count(d->u.registers);
    return about > DISTINCT_EXACT ? about : DISTINCT_EXACT + 1; /* that much is known */
}

const uint32_t *distinct_ids(const struct distinct *d, size_t *n)
{
    *n = d->n;
    return d->form == SKETCH ? NULL : ids_of(d);
}

size_t distinct_memory(const struct distinct *d)
{
    return d->form == INLINE ? 0 : block_bytes(capacity(d));
}

/* ---- storing ---- */

static int by_name(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

static void sort(uint64_t *names, uint32_t n)
{
    if (n > SORT_HERE) {
        qsort(names, n, sizeof(*names), by_name);
        return;
    }
    for (uint32_t i = 1; i < n; i++) {
        uint64_t name = names[i];
        uint32_t at = i;
        for (; at > 0 && names[at - 1] > name; at--)
            names[at] = names[at - 1];
        names[at] = name;
    }
}

static enum err save_names(uint64_t *names, uint32_t n, struct buf *out)
{
    uint64_t before = 0;
    enum err e = ERR_OK;

    sort(names, n);
    for (uint32_t i = 0; i < n && !e; i++) {
        e = buf_varint(out, names[i] - before);
        before = names[i];
    }
    return e;
}

static enum err save_ids(const struct distinct *d, struct buf *out,
                         uint64_t (*name)(void *, uint32_t), void *arg)
{
    uint64_t here[SORT_HERE];
    const uint32_t *ids = ids_of(d);
    uint64_t *names = d->n <= SORT_HERE ? here : malloc(d->n * sizeof(*names));

    if (!names)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < d->n; i++)
        names[i] = name ? name(arg, ids[i]) : ids[i];
    enum err e = save_names(names, d->n, out);
    if (names != here)
        free(names);
    return e;
}

enum err distinct_save(const struct distinct *d, struct buf *out,
                       uint64_t (*name)(void *, uint32_t), void *arg)
{
    size_t start = out->n;
    bool sketch = d->form == SKETCH;
    enum err e = buf_varint(out, sketch ? DISTINCT_EXACT + 1 : d->n);

    if (!e)
        e = sketch ? hll_save(d->u.registers, out) : save_ids(d, out, name, arg);
    if (e)
        out->n = start;
    return e;
}

static enum err load_sketch(struct distinct *d, struct reader *in)
{
    if (capacity(d) < UINT32_C(1) << SIZE_SKETCH) {
        enum err e = grow(d, UINT32_C(1) << SIZE_SKETCH);
        if (e)
            return e;
    }
    d->form = SKETCH;
    d->size = SIZE_SKETCH;
    return hll_load(d->u.registers, in);
}

static enum err load_id(struct distinct *d, uint64_t name, uint32_t (*map)(void *, uint64_t),
                        void *arg, const uint64_t *hash)
{
    uint32_t n = d->n;
    uint32_t id = UINT32_MAX;

    if (map)
        id = map(arg, name);
    else if (name < UINT32_MAX)
        id = (uint32_t)name;
    if (id == UINT32_MAX)
        return ERR_DAMAGED;
    enum err e = distinct_add(d, id, hash);
    if (!e && d->n == n)
        e = ERR_DAMAGED; /* a name twice, or two names of one id */
    return e;
}

static enum err load_ids(struct distinct *d, struct reader *in, uint32_t n,
                         uint32_t (*map)(void *, uint64_t), void *arg, const uint64_t *hash)
{
    uint64_t name = 0;
    enum err e = ERR_OK;

    for (uint32_t i = 0; i < n && !e; i++) {
        uint64_t step = read_varint(in);
        if (in->bad || step > UINT64_MAX - name)
            return ERR_DAMAGED;
        name += step;
        e = load_id(d, name, map, arg, hash);
    }
    return e;
}

enum err distinct_load(struct distinct *d, struct reader *in, uint32_t (*map)(void *, uint64_t),
                       void *arg, const uint64_t *hash)
{
    enum err e = ERR_DAMAGED;
    uint32_t n = (uint32_t)read_count(in, DISTINCT_EXACT + 1);

    distinct_reset(d);
    if (!in->bad)
        e = n > DISTINCT_EXACT ? load_sketch(d, in) : load_ids(d, in, n, map, arg, hash);
    if (e)
        distinct_reset(d);
    return e;
}
