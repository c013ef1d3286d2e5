/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * findings: writes what the models found: verdicts, anomalies, forecasts, and what people say
 * of them. Part of the writer (engine/store/apply).
 */
#ifndef TILLSTREAM_ENGINE_STORE_FINDINGS_H
#define TILLSTREAM_ENGINE_STORE_FINDINGS_H

#include "engine/parcel.h"
#include "engine/store/sql.h"

struct findings;

enum err findings_open(sqlite3 *db, struct findings **out, struct why *why) MUST_CHECK;
void findings_close(struct findings *f); /* before its connection is */
/* Within the transaction that is open. */
enum err findings_apply(struct findings *f, const struct parcel *p, struct why *why) MUST_CHECK;

#endif
