/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * waiting: sales of a slice that its cells have not counted yet.
 *
 * A sale that comes is only noted here. Most slices fire before anybody asks for their
 * cells, and rows are made from the sales at once; else the cells catch up, key by key, so
 * that each cell is looked up once and stays in the cache. When makes no difference:
 * a cell is the same however its sales came (windows/cell.h).
 */
#ifndef TILLSTREAM_WINDOWS_WAITING_H
#define TILLSTREAM_WINDOWS_WAITING_H

#include "windows/cellset.h"

#define WAITING_MAX 32768 /* sales that wait in one slice at most */

struct waiting_sale {
    struct amount amount;
    uint32_t key[]; /* by dimension */
};

struct waiting {
    char *sale; /* struct waiting_sale, `stride` bytes apart, in order of arrival */
    uint32_t n, cap, stride;
};

/* Places of waiting sales in the order of their keys: key << 32 | place. The owner keeps it,
 * so that nothing is allocated once it has grown. */
struct waiting_order {
    uint64_t *place;
    size_t cap;
};

static inline const struct waiting_sale *waiting_at(const struct waiting *q, uint32_t i)
{
    return (const struct waiting_sale *)(const void *)(q->sale + (size_t)i * q->stride);
}

/* ERR_NOMEM leaves it as it was; the caller sees to WAITING_MAX. */
enum err waiting_add(struct waiting *q, const struct amount *amount, const uint32_t *key,
                     int n_dimensions) MUST_CHECK;
enum err waiting_append(struct waiting *q, const struct waiting *from) MUST_CHECK;
void waiting_clear(struct waiting *q);
size_t waiting_memory(const struct waiting *q);

/* The sales by key of one dimension, those of one key in order of arrival. */
enum err waiting_sort(const struct waiting *q, int dimension, struct waiting_order *out) MUST_CHECK;
/* The end of the group of one key that begins at `from`; its key. */
uint32_t waiting_group(const struct waiting *q, const struct waiting_order *order, uint32_t from,
                       uint32_t *key);
/* Adds the sales of the group [from, to) to a cell, the first ones of them on ERR_NOMEM. */
enum err waiting_add_to(const struct waiting *q, const struct waiting_order *order, uint32_t from,
                        uint32_t to, struct cell *c, const struct hashes *h) MUST_CHECK;
/* Counts all of them in the cells of those dimensions, which are marked changed, and empties
 * it. What is counted when memory runs out is not said: the state is lost then. */
enum err waiting_count(struct waiting *q, struct cellset *set, uint32_t dimensions,
                       struct waiting_order *order, const struct hashes *h) MUST_CHECK;
void waiting_order_clear(struct waiting_order *order);

#endif
