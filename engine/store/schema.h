/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * schema: the tables of a database, and how ours are told from others.
 */
#ifndef TILLSTREAM_ENGINE_STORE_SCHEMA_H
#define TILLSTREAM_ENGINE_STORE_SCHEMA_H

#include "engine/store/sql.h"

/* A row's id packs the start (by_end: the end) of its window and its key; see schema_row_id. */
#define SCHEMA_KEY_BITS 30
#define SCHEMA_KEYS ((int64_t)1 << SCHEMA_KEY_BITS) /* key ids are below this */
#define SCHEMA_START_MAX ((int64_t)1 << 33)         /* |that time| is below this: 1697 to 2242 */

enum schema_state { SCHEMA_EMPTY, SCHEMA_OURS };

/* Looks without changing anything. ERR_DAMAGED: not ours; ERR_NEWER. */
enum err schema_look(sqlite3 *db, enum schema_state *out, struct why *why) MUST_CHECK;
/* Adds to a database of ours what an earlier program did not make. */
enum err schema_complete(sqlite3 *db, struct why *why) MUST_CHECK;
/* Makes an empty database ours, in one transaction. */
enum err schema_create(sqlite3 *db, struct why *why) MUST_CHECK;
/* Creates the table of one series. */
enum err schema_add_series(sqlite3 *db, unsigned id, struct why *why) MUST_CHECK;

static inline int64_t schema_row_id(int64_t at_s, uint32_t key)
{
    return at_s * SCHEMA_KEYS + (int64_t)key;
}

#endif
