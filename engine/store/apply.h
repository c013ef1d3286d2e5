/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * apply: turns parcels into rows, on one connection, within transactions.
 */
#ifndef TILLSTREAM_ENGINE_STORE_APPLY_H
#define TILLSTREAM_ENGINE_STORE_APPLY_H

#include "engine/parcel.h"
#include "engine/store/sql.h"

struct apply;

/* `db` has our schema; it becomes the apply's own, also when this fails. */
enum err apply_open(sqlite3 *db, struct apply **out, struct why *why) MUST_CHECK;
/* Rolls back what is not committed, empties the write-ahead log if no reader is in the way,
 * and closes the connection. */
void apply_close(struct apply *a);

/* Applies a parcel in the running transaction, begins one if there is none, and commits if
 * the parcel says so. After an error apply_rollback must follow. */
enum err apply_parcel(struct apply *a, const struct parcel *p, struct why *why) MUST_CHECK;
/* Part of the running transaction, which it begins if there is none. */
enum err apply_meta(struct apply *a, struct str name, struct str value, struct why *why) MUST_CHECK;
/* Undoes what is not committed. */
void apply_rollback(struct apply *a);

#endif
