/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * chunks: the ledger's chunks of some stretches of time, for recounting windows.
 */
#ifndef TILLSTREAM_ENGINE_STORE_CHUNKS_H
#define TILLSTREAM_ENGINE_STORE_CHUNKS_H

#include "engine/ledger.h"
#include "engine/store/sql.h"

/* Those with seq < before_seq that `walk` wants, in order. ERR_DAMAGED: a checksum. */
enum err chunks_each(sqlite3 *db, uint64_t before_seq, const struct ledger_walk *walk,
                     struct why *why) MUST_CHECK;

#endif
