/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * views: what people and notebooks see; names and columns are a contract.
 */
#ifndef TILLSTREAM_ENGINE_STORE_VIEWS_H
#define TILLSTREAM_ENGINE_STORE_VIEWS_H

#include "engine/store/sql.h"

/* Creates every view but `aggregates`. */
enum err views_create(sqlite3 *db, struct why *why) MUST_CHECK;
/* Makes `aggregates` anew from the table `series`, within the running transaction. */
enum err views_series(sqlite3 *db, struct why *why) MUST_CHECK;

#endif
