/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * dedup: the RecordIDs of the last hours, as 128-bit hashes in order of arrival.
 *
 * Bounded: past `max` entries the oldest is forgotten.
 */
#ifndef TILLSTREAM_ENGINE_DEDUP_H
#define TILLSTREAM_ENGINE_DEDUP_H

#include "engine/parcel.h"

struct dedup;

enum err dedup_open(size_t max, struct dedup **out) MUST_CHECK;
void dedup_close(struct dedup *d);
/* *seen: the id came before and has not expired at `now_ms`; else it is remembered. */
enum err dedup_check(struct dedup *d, struct str id, int64_t now_ms, int64_t expires_ms,
                     bool *seen) MUST_CHECK;
/* New entries since the last call, and up to which sequence number old ones are forgotten. */
enum err dedup_deliver(struct dedup *d, struct parcel *p) MUST_CHECK;
enum err dedup_load(struct dedup *d, uint64_t seq, const uint64_t hash[2],
                    int64_t expires_ms) MUST_CHECK;
size_t dedup_memory(const struct dedup *d);

#endif
