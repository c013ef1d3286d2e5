/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * fold: what counts accepted sales: the contract between the pipeline and the windows.
 *
 * Facts come in the order of acceptance, each with the watermark that holds after it. What
 * the watermark closes fires exactly between two facts, so results don't depend on batches.
 * Finished rows go into the parcel.
 */
#ifndef TILLSTREAM_ENGINE_FOLD_H
#define TILLSTREAM_ENGINE_FOLD_H

#include "engine/books.h"
#include "engine/keys.h"
#include "engine/settings.h"

struct fold;
struct store;

struct fold_setup {
    const struct settings *settings;
    const struct zone *zone;
    struct keys *keys;
    struct books *books;
    struct store *store; /* knows the numbers of the series; NULL in tests */
    /* The most that allowed_lateness has been while what is there was counted: sales of then
     * come again when the ledger is folded again. Never less than the setting is used. */
    int64_t lateness_ms;
};

struct fold_stats {
    uint64_t slices, cells, sessions; /* in memory */
    uint64_t rows;                    /* given to parcels so far */
    size_t memory;                    /* bytes, estimated from the parts */
};

struct fold_kind {
    enum err (*open)(const struct fold_setup *setup, struct fold **out, struct why *why);
    void (*close)(struct fold *f);
    /* Describes the series (windows x dimensions) to the store: once, before anything else. */
    enum err (*announce)(struct fold *f, struct parcel *out);
    enum err (*add)(struct fold *f, const struct fact *facts, size_t n, struct parcel *out);
    /* Late sales that are counted after all, together: rows of windows that fired get version
     * + 1 once, those of windows long closed are recounted from the ledger, which must hold
     * every other accepted sale, as the store's rows must be up to date: call it right after a
     * commit, with before_seq = UINT64_MAX. Their time is behind the watermark, which stays.
     * When a chunk of the ledger is folded again, before_seq is its number: then state alone
     * matters and rows of closed windows, which are there, are left out. */
    enum err (*merge)(struct fold *f, const struct fact *facts, size_t n, uint64_t before_seq,
                      struct parcel *out);
    /* A finite source ended: every window fires; the watermark stays. */
    enum err (*finish)(struct fold *f, struct parcel *out);
    /* Before each commit: rows of open windows that changed since the last. */
    enum err (*snapshot)(struct fold *f, struct parcel *out);
    /* Start of the smallest slice that a sale at this time belongs to. */
    int64_t (*slice_start)(const struct fold *f, int64_t time_ms);
    void (*stats)(const struct fold *f, struct fold_stats *out); /* walks all cells */
    /* Start of the oldest slice, pane or session in memory; INT64_MAX: none. */
    int64_t (*oldest)(const struct fold *f);
    /* State: parts that changed since the last save (names "windows/..."), and back: load is
     * called for every stored part in name order on a fresh fold; loaded after the last. */
    enum err (*save)(struct fold *f, struct parcel *out);
    enum err (*load)(struct fold *f, struct str name, uint32_t version, struct str data,
                     struct why *why);
    enum err (*loaded)(struct fold *f, struct why *why);
};

extern const struct fold_kind fold_windows; /* windows/fold.c */

#endif
