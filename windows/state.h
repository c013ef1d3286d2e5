/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * state: what the files of this folder share: the windows, their levels of slices, and
 * what has fired. Not for other folders (they see engine/fold.h).
 *
 * One sale is added to one slice of level 0 per dimension, to panes already built, and to
 * its sessions. Everything else is done when the watermark passes an edge (windows/fold.c),
 * when a fired window is touched again (reopen.c), or before a commit (emit.c, newest.c).
 */
#ifndef TILLSTREAM_WINDOWS_STATE_H
#define TILLSTREAM_WINDOWS_STATE_H

#include "engine/fold.h"
#include "windows/level.h"
#include "windows/recount.h"
#include "windows/reopen.h"
#include "windows/session.h"
#include "windows/span.h"

#define LEVELS_MAX (SETTINGS_WINDOWS_MAX + 1)

/* A time that can have been saved: differences of two such don't overflow. */
static inline bool state_time(int64_t ms)
{
    return ms > -(INT64_C(1) << 60) && ms < INT64_C(1) << 60;
}

/* A set of key ids that remembers the order of arrival. */
struct keyset {
    uint8_t *in; /* by key id */
    uint32_t cap;
    uint32_t *key;
    size_t n, cap_key;
};

enum err keyset_add(struct keyset *s, uint32_t key) MUST_CHECK;
void keyset_reset(struct keyset *s);
void keyset_clear(struct keyset *s);

struct window {
    const struct window_setting *setting;
    struct shape shape;
    int level;                                /* where its panes are */
    uint16_t series[SETTINGS_DIMENSIONS_MAX]; /* 0: dimension not kept */
    int64_t next_end;                         /* history: the next end that fires */
    struct window_span current;               /* newest: its one instance */
    int64_t fired_end;                        /* newest: end of the instance that finish fired */
    bool moved;                               /* newest: current not yet told to the store */
    struct keyset touched[SETTINGS_DIMENSIONS_MAX]; /* newest: rows to write again */
    struct sessions *sessions[SETTINGS_DIMENSIONS_MAX];
    uint64_t saved_sessions[SETTINGS_DIMENSIONS_MAX]; /* as part windows/0 has it */
};

/* A cell of one key among those to be merged; a chain of them per key. */
struct link {
    const struct cell *cell;
    uint32_t next; /* place + 1 */
};

/* Work space of emit.c, kept so that nothing is allocated once it has grown. */
struct bench {
    struct slice **piece; /* what makes up a span */
    size_t n_pieces, cap_pieces;
    struct link *link;
    size_t n_links, cap_links;
    uint32_t *head; /* by key id: place of its first link + 1; all 0 between uses */
    uint32_t cap_head;
    uint64_t *key; /* keys met, in the upper half, to be sorted */
    size_t n_keys, cap_keys;
    struct waiting_order order;
    struct cell sum;
};

/* A slice that was saved and has since been dropped. */
struct dropped {
    int level;
    int64_t start;
};

struct fold {
    const struct settings *settings;
    const struct zone *zone;
    struct keys *keys;
    struct books *books;
    struct store *store;
    struct hashes hashes;
    struct window window[SETTINGS_WINDOWS_MAX];
    int n_windows;
    struct level level[LEVELS_MAX];
    struct grid grid[LEVELS_MAX]; /* of level i; level 0: see `overlay` */
    int n_levels;
    bool overlay;           /* level 0 is cut by all grids, not by grid[0] alone */
    int64_t lateness_ms;    /* how far behind the watermark a sale may be */
    int64_t watermark_ms;   /* as of the last fact */
    int64_t highest_ms;     /* largest event time added */
    int64_t end_mark_ms;    /* largest event time when a finite source last ended */
    int64_t end_horizon_ms; /* largest end of a window that was fired by that */
    int64_t next_event_ms;  /* the watermark that next has something to do */
    struct reopened reopened;
    struct list dropped;               /* struct dropped: saved slices that are gone */
    uint64_t saved_slices[LEVELS_MAX]; /* as part windows/0 has it */
    struct bench bench;
    uint64_t rows;
};

/* emit.c */
void bench_clear(struct bench *b);
/* Whether an instance of a window has fired. */
bool window_fired(const struct fold *f, const struct window *w, struct window_span span);
/* Rows of every key with sales in the span. */
enum err emit_all(struct fold *f, struct window *w, struct window_span span,
                  struct parcel *out) MUST_CHECK;
/* The row of one key; a key without sales gets ROW_DELETE. */
enum err emit_key(struct fold *f, struct window *w, int d, struct window_span span, uint32_t key,
                  struct parcel *out) MUST_CHECK;
/* Rows of open instances whose keys changed since the last commit. */
enum err emit_open(struct fold *f, struct window *w, struct parcel *out) MUST_CHECK;
/* Describes one series to the store. */
enum err emit_series(struct fold *f, const struct window *w, int d, int64_t delete_before_s,
                     struct parcel *out) MUST_CHECK;
/* Fills `row` from a cell. */
void emit_row(struct agg_row *row, const struct cell *c);
/* Whether the key has sales in the span. */
enum err emit_has(struct fold *f, struct window *w, int d, struct window_span span, uint32_t key,
                  bool *has) MUST_CHECK;
/* The rows of those keys, in their order; a key without sales gets ROW_DELETE. */
enum err emit_keys(struct fold *f, struct window *w, int d, struct window_span span,
                   const struct keyset *keys, struct parcel *out) MUST_CHECK;
/* Makes bench.piece the slices and panes that cover the span; sales may wait in them. */
enum err emit_pieces(struct fold *f, const struct window *w, struct window_span span) MUST_CHECK;

/* newest.c: windows with keep = newest */
enum err newest_move(struct fold *f, struct window *w) MUST_CHECK;
enum err newest_finish(struct fold *f, struct window *w, struct parcel *out) MUST_CHECK;
enum err newest_snapshot(struct fold *f, struct window *w, struct parcel *out) MUST_CHECK;

/* save.c */
enum err fold_save(struct fold *f, struct parcel *out) MUST_CHECK;
enum err fold_note_dropped(struct fold *f, int level, const struct slice *s) MUST_CHECK;
enum err fold_load(struct fold *f, struct str name, uint32_t version, struct str data,
                   struct why *why) MUST_CHECK;
/* Whether all that was saved has been loaded. */
enum err fold_loaded(const struct fold *f, struct why *why) MUST_CHECK;

/* plan.c: at the opening */
void plan_levels(struct fold *f);
enum err plan_series(struct fold *f) MUST_CHECK;

/* fold.c */
int64_t fold_slice_start(const struct fold *f, int64_t t);
int64_t fold_slice_end(const struct fold *f, int64_t t);
void fold_schedule(struct fold *f); /* recomputes next_event_ms */
/* Looks up where the hashes are: books and keys may have grown since. */
void fold_hashes(struct fold *f);
/* The key of a fact in a dimension. */
enum err fold_key(struct fold *f, const struct fact *fact, int d, uint32_t *key) MUST_CHECK;
int64_t fold_needed_until(const struct fold *f, int level, int64_t start);
/* The slice or pane that holds t, made when there is none yet; NULL: out of memory. */
struct slice *fold_slice(struct fold *f, int level, int64_t t);
/* Counts what waits in a slice. */
enum err fold_catch_up(struct fold *f, struct slice *s) MUST_CHECK;
/* Counts a sale in those dimensions of a slice; `key` by dimension. */
enum err fold_count(struct fold *f, struct slice *s, uint32_t dimensions, const struct fact *fact,
                    const uint32_t *key) MUST_CHECK;

/* merge.c: late sales that are counted after all */
struct place {
    int window, dimension;
};

/* A session as it will be. */
struct run {
    struct place at;
    uint32_t key, version;
    int64_t first_ms, last_ms;
    bool live; /* in memory */
    bool open; /* not fired yet */
};

struct merging {
    struct fold *fold;
    const struct fact *facts;
    size_t n;
    uint64_t before_seq;
    bool again; /* the ledger is folded again: rows of closed windows are there */
    struct parcel *out;
    int64_t unreachable_ms; /* windows that end at or before this may have lost slices */
    struct recount_ledger ledger;
    struct recount *recount; /* of rows long closed */
    /* By window and dimension: the number of its series in `recount` + 1, 0: none yet. */
    uint32_t number[SETTINGS_WINDOWS_MAX][SETTINGS_DIMENSIONS_MAX];
    struct list places; /* struct place, by number */
    struct list runs;   /* struct run: sessions that are rewritten */
};

enum err fold_merge(struct fold *f, const struct fact *facts, size_t n, uint64_t before_seq,
                    struct parcel *out) MUST_CHECK;
/* Wants a row of this window and dimension recounted. */
enum err merge_want(struct merging *m, struct place at, struct window_span span,
                    uint32_t key) MUST_CHECK;
/* A recount with the fold's keys and invoices. */
enum err merge_recount(struct fold *f, struct recount **out) MUST_CHECK;
/* Whether rows that start then are too old to be kept. */
bool merge_expired(const struct fold *f, const struct window *w, int64_t start_ms);

/* rejoin.c: their sessions */
enum err rejoin_plan(struct merging *m) MUST_CHECK;  /* finds and wants them */
enum err rejoin_write(struct merging *m) MUST_CHECK; /* recounted: writes them */

#endif
