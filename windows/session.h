/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * session: the session windows of one dimension: per key, runs of sales less than `gap`
 * apart. Window start = first event time, end = last event time + gap. Each session keeps
 * a cell of its own; a sale between two sessions joins them.
 */
#ifndef TILLSTREAM_WINDOWS_SESSION_H
#define TILLSTREAM_WINDOWS_SESSION_H

#include "engine/parcel.h"
#include "windows/cell.h"

struct sessions;

enum err sessions_open(uint16_t series, int64_t gap_ms, struct sessions **out) MUST_CHECK;
void sessions_close(struct sessions *s);
/* Joining sessions deletes the row of the absorbed one: hence `out`. */
enum err sessions_add(struct sessions *s, uint32_t key, const struct fact *f,
                      const struct hashes *h, struct parcel *out) MUST_CHECK;
/* Fires sessions that end at or before the watermark; forgets those that no accepted sale
 * can reach (end <= forget_ms). */
enum err sessions_advance(struct sessions *s, int64_t watermark_ms, int64_t forget_ms,
                          struct parcel *out) MUST_CHECK;
enum err sessions_finish(struct sessions *s, struct parcel *out) MUST_CHECK; /* all fire */
enum err sessions_snapshot(struct sessions *s,
                           struct parcel *out) MUST_CHECK; /* open rows that changed */
int64_t sessions_next_end(const struct sessions *s);       /* INT64_MAX: none waits */
int64_t sessions_oldest(const struct sessions *s); /* start of the oldest, INT64_MAX: none */
/* Takes the session of this key within [first_ms, last_ms] out of memory; its row stays.
 * false: there is none. */
bool sessions_take(struct sessions *s, uint32_t key, int64_t first_ms, int64_t last_ms,
                   uint32_t *version, bool *fired);
/* Puts one back, perhaps joined from several: its cell is moved in unless it fails; the next
 * snapshot writes its row. */
struct session_put {
    int64_t first_ms, last_ms;
    uint32_t version;
    bool fired;
};
enum err sessions_put(struct sessions *s, struct cell *cell,
                      const struct session_put *put) MUST_CHECK;
size_t sessions_count(const struct sessions *s);
size_t sessions_memory(const struct sessions *s);
bool sessions_unsaved(const struct sessions *s); /* changed since the last save */
enum err sessions_save(struct sessions *s, struct buf *out,
                       const struct cell_names *names) MUST_CHECK;
enum err sessions_load(struct sessions *s, struct reader *in, const struct cell_names *names,
                       const struct hashes *h) MUST_CHECK;

#endif
