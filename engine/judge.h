/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * judge: the fate of each sale, decided once, record by record, before anything is counted.
 *
 * Watermark of a shard = its highest accepted event time - out_of_order. The merged
 * watermark is the minimum over shards that are neither idle nor ended, and never
 * decreases. A sale is late when its time < merged watermark - allowed_lateness.
 *
 * A sale more than max_ahead beyond its shard's highest accepted time waits in the pen. If
 * the next sale is within max_ahead of the old level, the penned ones were mistakes: late,
 * "ahead". If pen_sales of at least pen_invoices gather, or the source ends, the gap is
 * real: the shard's level moves to the earliest penned time and the penned sales are judged
 * again in order of arrival (so that a sale stamped years ahead inside a real gap still
 * waits). At the end of a source this repeats until none waits. A shard is also measured
 * against the level of those that ended: a file after another goes on where that stopped.
 *
 * The sums of |value| and of |quantity| of all accepted sales must fit int64: a sale that
 * would pass one is rejected, so no sum anywhere can wrap.
 *
 * An equal RecordID within dedup_horizon of event time is a duplicate: dropped, counted.
 */
#ifndef TILLSTREAM_ENGINE_JUDGE_H
#define TILLSTREAM_ENGINE_JUDGE_H

#include "engine/parcel.h"
#include "engine/sale.h"
#include "engine/settings.h"

struct judge;

enum fate {
    FATE_ACCEPTED,
    FATE_LATE,     /* behind the watermark */
    FATE_AHEAD,    /* penned, then shown to be a mistake: goes to late */
    FATE_REJECTED, /* `reason` says why */
};

/* What is decided of one sale. The sale borrows until the next call. */
struct outcome {
    enum fate fate;
    const struct sale *sale;
    int64_t watermark_ms; /* merged, after this sale */
    const char *reason;
};

typedef enum err (*judge_fn)(void *arg, const struct outcome *outcome);

struct judge_counts {
    int64_t read, aggregated, late, rejected, pending, duplicates;
};

enum err judge_open(const struct settings *s, struct judge **out) MUST_CHECK;
void judge_close(struct judge *j);

/* The shard's number, made when it is new; an ended one is active again. */
enum err judge_shard(struct judge *j, int64_t source, struct str name, int *shard) MUST_CHECK;
/* Judges one sale; calls `each` for every fate that is decided by it, in order: none when it
 * is penned or a duplicate, several when it empties the pen. */
enum err judge_sale(struct judge *j, int shard, const struct sale *sale, judge_fn each,
                    void *arg) MUST_CHECK;
/* A record that could not be decoded: counted. */
void judge_reject(struct judge *j, int shard);
/* The source of this shard ended: its pen is emptied as a real gap; it no longer holds the
 * watermark back. */
enum err judge_end(struct judge *j, int shard, judge_fn each, void *arg) MUST_CHECK;
/* A sale of this shard that was late is counted after all: late - 1, aggregated + 1; levels
 * and the watermark stay. ERR_LIMIT: the sums of all values would not fit, nothing changed.
 * ERR_NOT_FOUND: no such shard has a late sale. */
enum err judge_merge(struct judge *j, int64_t source, struct str shard,
                     const struct sale *sale) MUST_CHECK;
/* Whether the shard is known and has not ended; its number. */
bool judge_is_open(const struct judge *j, int64_t source, struct str name, int *shard);
/* Idle by evidence (empty reads at the tip), until its next sale. */
void judge_idle(struct judge *j, int shard);

/* A source, other than this shard's, that is neither idle nor ended: windows wait for it. 0: none.
 */
int64_t judge_waits_for(const struct judge *j, int shard);

int64_t judge_watermark(const struct judge *j); /* WHEN_NONE before the first sale */
int64_t judge_shard_watermark(const struct judge *j, int shard);
struct judge_counts judge_counts(const struct judge *j, int shard);
size_t judge_memory(const struct judge *j);

/* State: part "judge" whole each time, RecordIDs as additions (parcel.dedup). */
enum err judge_save(struct judge *j, struct parcel *p) MUST_CHECK;
enum err judge_load(struct judge *j, uint32_t version, struct str data, struct why *why) MUST_CHECK;
enum err judge_load_dedup(struct judge *j, uint64_t seq, const uint64_t hash[2],
                          int64_t expires_ms) MUST_CHECK;

#endif
