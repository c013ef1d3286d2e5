/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * books: what is known of each invoice and each customer since ever.
 *
 * Invoices live in slots: small numbers that windows put into their distinct sets, reused
 * once an invoice is dead: not touched since the oldest slice still in memory. The stored
 * table keeps every invoice; one that comes back is loaded again. Customers are kept as
 * additions since the last commit. Memory follows the live invoices, not those read.
 */
#ifndef TILLSTREAM_ENGINE_BOOKS_H
#define TILLSTREAM_ENGINE_BOOKS_H

#include "engine/fact.h"
#include "engine/parcel.h"
#include "engine/sale.h"

struct books;
struct store;

/* `store` may be NULL: nothing is looked up (tests, benchmarks). */
enum err books_open(struct store *store, struct books **out) MUST_CHECK;
void books_close(struct books *b);
/* The slot of an invoice, made or loaded when it has none. */
enum err books_slot(struct books *b, struct str invoice, uint32_t *slot) MUST_CHECK;
/* Counts an accepted sale (slot and key ids filled in) in its invoice and customer. */
enum err books_add(struct books *b, const struct fact *f) MUST_CHECK;
/* The lasting number of the invoice in a slot, and back (loads it; ERR_NOT_FOUND). */
uint64_t books_name(const struct books *b, uint32_t slot);
struct str books_text(const struct books *b, uint32_t slot); /* until the next call */
enum err books_find(struct books *b, uint64_t name, uint32_t *slot) MUST_CHECK;
/* Marks an invoice as seen at `time_ms` without counting (restoring windows). */
void books_touch(struct books *b, uint32_t slot, int64_t time_ms);
const uint64_t *books_hashes(const struct books *b);
/* Adds what changed since the last call to the parcel, which will be commit number
 * `commit` (see store_commits). */
enum err books_deliver(struct books *b, struct parcel *p, uint64_t commit) MUST_CHECK;
/* Frees slots of invoices whose last sale is before `oldest_ms` and whose row is durable
 * (in a commit <= `durable`). Does nothing while the books are small. */
void books_forget(struct books *b, int64_t oldest_ms, uint64_t durable);
size_t books_memory(const struct books *b);
size_t books_live(const struct books *b);

#endif
