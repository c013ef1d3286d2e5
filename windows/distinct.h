/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * distinct: how many different ids a cell has seen.
 *
 * Exact up to DISTINCT_EXACT ids; past that a HyperLogLog (Flajolet 2007) of 2^14 one-byte
 * registers with Ertl's improved estimator (arXiv:1702.01284, standard error 0.81 %). Which
 * form is used depends on the union alone, never on the order of adds and merges: a set
 * holds its ids until it has more than DISTINCT_EXACT of them, and registers merge by
 * maximum. Ids are small integers; `hash[id]` is the 64-bit hash of the text behind one.
 *
 * Size: 16 bytes; two ids inline; then a dense array of ids in order of arrival (capacity
 * doubles) with an open-addressing index beside it past 16 ids; then 16 KiB.
 */
#ifndef TILLSTREAM_WINDOWS_DISTINCT_H
#define TILLSTREAM_WINDOWS_DISTINCT_H

#include "engine/buf.h"
#include "engine/err.h"

#define DISTINCT_EXACT 4096
#define DISTINCT_REGISTERS 16384

struct distinct {
    uint32_t n;    /* ids, while exact */
    uint16_t form; /* 0 inline, 1 array, 2 array + index, 3 registers */
    uint16_t size; /* log2 of the array's capacity */
    union {
        uint32_t few[2];
        uint32_t *ids; /* forms 1, 2: ids, then (form 2) the index */
        uint8_t *registers;
    } u;
};

void distinct_init(struct distinct *d);
void distinct_clear(struct distinct *d); /* frees */
void distinct_reset(struct distinct *d); /* empties; may keep memory (at most 64 KiB) */
/* On ERR_NOMEM unchanged. */
enum err distinct_add(struct distinct *d, uint32_t id, const uint64_t *hash) MUST_CHECK;
enum err distinct_merge(struct distinct *into, const struct distinct *from,
                        const uint64_t *hash) MUST_CHECK;
/* The two halves of add and merge, for owners that change several things or none: after a
 * reserve the same put cannot fail. A reserve changes nothing that can be read. */
enum err distinct_reserve(struct distinct *d, uint32_t id) MUST_CHECK;
void distinct_put(struct distinct *d, uint32_t id, const uint64_t *hash);
enum err distinct_reserve_all(struct distinct *into, const struct distinct *from) MUST_CHECK;
void distinct_put_all(struct distinct *into, const struct distinct *from, const uint64_t *hash);
/* Whether this id came last: neighbouring sales share most ids. */
static inline bool distinct_last_is(const struct distinct *d, uint32_t id)
{
    const uint32_t *ids = d->form == 0 ? d->u.few : d->u.ids;

    return d->n > 0 && ids[d->n - 1] == id; /* n is 0 for a sketch */
}
/* The estimate is rounded to nearest and never DISTINCT_EXACT or less. */
uint64_t distinct_count(const struct distinct *d);
/* The ids while exact (order of arrival; sorted by name after a load), NULL when a sketch. */
const uint32_t *distinct_ids(const struct distinct *d, size_t *n);
size_t distinct_memory(const struct distinct *d); /* heap bytes */

/* Stored: ids sorted, or registers. `map` turns a stored id into a live one (NULL: as is);
 * it returns UINT32_MAX for an unknown id, which makes the load ERR_DAMAGED. `name` is the
 * reverse for saving (slot to lasting id; NULL: as is). A load replaces what `d` held and
 * leaves it empty when it fails. */
enum err distinct_save(const struct distinct *d, struct buf *out,
                       uint64_t (*name)(void *, uint32_t), void *arg) MUST_CHECK;
enum err distinct_load(struct distinct *d, struct reader *in, uint32_t (*map)(void *, uint64_t),
                       void *arg, const uint64_t *hash) MUST_CHECK;

#endif
