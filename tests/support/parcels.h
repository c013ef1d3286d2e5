/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * parcels: small parcels made by hand, and what a test reads back from a database.
 */
#ifndef TILLSTREAM_TESTS_SUPPORT_PARCELS_H
#define TILLSTREAM_TESTS_SUPPORT_PARCELS_H

#include "engine/store/reader.h"
#include "engine/store/store.h"

/* Every function of this kind ends the process on lack of memory. */
struct span parcels_text(struct parcel *p, const char *text);
/* A window kept for a dimension; lines of history unless start_s > INT64_MIN (newest). */
struct series_row *parcels_series(struct parcel *p, uint16_t id, const char *window,
                                  const char *dimension, int64_t span_s);
void parcels_key(struct parcel *p, uint32_t id, const char *text);
/* A row of `lines` lines worth `revenue` together, the first of value `revenue`. */
struct agg_row *parcels_row(struct parcel *p, uint16_t series, int64_t start_s, uint32_t key,
                            int64_t lines, int64_t revenue);
void parcels_state(struct parcel *p, const char *name, uint32_t version, const char *data);

/* Opens a database for writing; the error of doing so. */
struct store *parcels_store(const char *path, bool helper);
enum err parcels_open_error(const char *path, struct why *why);
/* Sends, waits, and gives back a parcel to fill. */
struct parcel *parcels_sent(struct store *s, struct parcel *p, bool commit);
/* Series 3, hour x country, and the keys 1, France, and 2, Germany. */
void parcels_country_hour(struct parcel *p);
void parcels_source(struct parcel *p, int64_t id, const char *path);
/* Lets another program run these statements (without a single quote) on a database. */
void parcels_tamper(const char *path, const char *sql);

/* The rows of a question as one text: values split by '|', rows by '\n'. Static, until the
 * next call. Ends with "error: ..." when it fails. */
const char *parcels_ask(const char *path, const char *sql);

#endif
