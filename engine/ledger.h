/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * ledger: the accepted sales in order, as compact bytes: about 10 bytes a sale.
 *
 * Saved state is a snapshot plus the ledger entries after it; windows are recomputed from
 * it when databases are merged or a late sale is added to a window long closed.
 *
 * An entry is one flag byte, then only what differs from the entry before (invoice, times
 * and keys as zigzag differences). Each chunk starts from zero, so chunks stand alone.
 */
#ifndef TILLSTREAM_ENGINE_LEDGER_H
#define TILLSTREAM_ENGINE_LEDGER_H

#include "engine/buf.h"
#include "engine/fact.h"

#define LEDGER_CHUNK_MAX (64u << 20)

/* LEDGER_MERGED: a late sale that was counted after all. Those that follow each other in one
 * chunk were counted together; the pipeline gives each batch a chunk of its own. */
enum ledger_kind { LEDGER_SALE, LEDGER_FINISH, LEDGER_MERGED };

struct ledger_entry {
    enum ledger_kind kind; /* LEDGER_FINISH: a finite source ended here, nothing else is set */
    struct fact fact;      /* fact.invoice is not used: */
    uint64_t invoice;      /* the lasting number */
};

/* The chunk being written. */
struct ledger {
    struct buf bytes;
    struct ledger_entry last;
    uint32_t sales;
    int64_t first_ms, last_ms;
};

void ledger_init(struct ledger *l);
void ledger_clear(struct ledger *l);
void ledger_reset(struct ledger *l);
/* ERR_NOMEM, ERR_LIMIT leave the chunk as it was. */
enum err ledger_sale(struct ledger *l, const struct fact *f, uint64_t invoice) MUST_CHECK;
enum err ledger_merged(struct ledger *l, const struct fact *f, uint64_t invoice) MUST_CHECK;
enum err ledger_finish(struct ledger *l) MUST_CHECK;
/* Calls `each` for every entry; ERR_DAMAGED for bytes that ledger_sale can't have written. */
enum err ledger_each(struct str chunk,
                     enum err (*each)(void *arg, const struct ledger_entry *entry),
                     void *arg) MUST_CHECK;

/* Which stored chunks somebody wants, and what takes them. */
struct ledger_walk {
    int64_t from_ms, to_ms; /* with a sale at from <= time < to */
    bool (*wants)(void *arg, int64_t first_ms, int64_t last_ms); /* is asked before reading */
    enum err (*take)(void *arg, struct str chunk);
    void *arg;
};

#endif
