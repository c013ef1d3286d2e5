/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * cell: a mergeable summary of sales: every measure of one key in one slice.
 *
 * merge is associative and commutative, and merging cells equals adding their sales to
 * one: sums are integers, the distinct sets depend on the union alone, the quantile
 * buckets are fixed. Nothing is ever subtracted.
 *
 * Sums never overflow: engine/judge rejects a sale that would take the sum of all |value|
 * ever accepted past int64, so |revenue| < 2^63 and squares < 2^126; units likewise.
 */
#ifndef TILLSTREAM_WINDOWS_CELL_H
#define TILLSTREAM_WINDOWS_CELL_H

#include "engine/buf.h"
#include "engine/fact.h"
#include "windows/distinct.h"
#include "windows/quantile.h"

struct cell {
    uint32_t key;   /* key id; the owner's */
    uint32_t flags; /* the owner's (dirty marks); not saved */
    uint64_t lines, return_lines;
    int64_t units, revenue; /* revenue: sum of value, millionths */
    int64_t return_units, return_revenue;
    int64_t min, max;                        /* of the line value; 0 while lines == 0 */
    __extension__ unsigned __int128 squares; /* sum of value * value */
    struct distinct invoices;                /* invoice slots */
    struct distinct customers;               /* customer key ids, the missing one (0) left out */
    struct quantile values;                  /* line values */
};

/* What a sale counts for in any cell. */
struct amount {
    int64_t value, quantity;
    uint32_t invoice, customer;
    int16_t bucket; /* quantile_bucket(value) */
};

void cell_init(struct cell *c, uint32_t key);
/* Most cells of an hour hold all they have inline: nothing to free. */
static inline bool cell_holds_memory(const struct cell *c)
{
    return c->invoices.form | c->customers.form | c->values.form;
}
void cell_clear(struct cell *c); /* frees what it holds */
void cell_reset(struct cell *c); /* empties, may keep memory: for scratch cells */
/* On ERR_NOMEM the cell counts the sale fully or not at all; likewise on ERR_LIMIT, a sum
 * that does not fit (which needs cells that no stream of judged sales makes). */
enum err cell_add(struct cell *c, const struct fact *f, const struct hashes *h) MUST_CHECK;
#define CELL_ADD_MAX 64
struct amount cell_amount(const struct fact *f);
/* Several at once: their sums are made first, then added. After ERR_NOMEM the cell is lost: its
 * sets may hold some of them. ERR_LIMIT leaves it as it was. */
enum err cell_add_all(struct cell *c, const struct amount *a, size_t n,
                      const struct hashes *h) MUST_CHECK; /* n <= CELL_ADD_MAX */
enum err cell_merge(struct cell *into, const struct cell *from, const struct hashes *h) MUST_CHECK;

__extension__ static inline unsigned __int128 cell_square(int64_t v)
{
    uint64_t magnitude = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;

    return (unsigned __int128)magnitude * magnitude;
}

double cell_mean(const struct cell *c); /* of the line value in units of money (not millionths) */
double cell_sd(const struct cell *c);   /* see cell_deviation; 0 for one line */
/* The population standard deviation of n values with this sum and sum of squares, in units of
 * money; 0 for none. */
__extension__ double cell_deviation(uint64_t n, int64_t sum, unsigned __int128 squares);
size_t cell_memory(const struct cell *c);

/* How slots and ids survive a restart; see windows/distinct.h. */
struct cell_names {
    uint64_t (*invoice_name)(void *arg, uint32_t slot);
    uint32_t (*invoice_slot)(void *arg, uint64_t name);
    void *arg;
    uint32_t n_keys; /* a stored key or customer id must be below it; 0: any will do */
};
/* `names` may be NULL, as may its functions: ids are stored as they are. A load replaces what
 * `c` held, its key too, and leaves it empty when it fails. */
enum err cell_save(const struct cell *c, struct buf *out,
                   const struct cell_names *names) MUST_CHECK;
enum err cell_load(struct cell *c, struct reader *in, const struct cell_names *names,
                   const struct hashes *h) MUST_CHECK;

#endif
