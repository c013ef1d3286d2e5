/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * model: what learns from accepted sales and judges them: the contract between the pipeline
 * and the models.
 *
 * Facts come as to the windows (engine/fold.h): in the order of acceptance, each with the
 * watermark that holds after it, so that results depend neither on batches nor on commits.
 * Findings (verdicts, anomalies, forecasts) go into the parcel; each names what it is about
 * and replaces what was found before. State goes along with the windows' state: what was
 * folded since the last save is folded again at a restart.
 */
#ifndef TILLSTREAM_ENGINE_MODEL_H
#define TILLSTREAM_ENGINE_MODEL_H

#include "engine/books.h"
#include "engine/keys.h"
#include "engine/settings.h"

struct model;
struct zone;

struct model_setup {
    const struct settings *settings;
    const struct zone *zone;
    struct keys *keys;
    struct books *books;
};

/* What a person says of an invoice. */
enum feedback { FEEDBACK_OK, FEEDBACK_FLAG, FEEDBACK_UNDO };

struct model_kind {
    enum err (*open)(const struct model_setup *setup, struct model **out, struct why *why);
    void (*close)(struct model *m);
    enum err (*add)(struct model *m, const struct fact *facts, size_t n, struct parcel *out);
    /* A finite source ended: whatever waits is judged. */
    enum err (*finish)(struct model *m, struct parcel *out);
    /* State: parts that changed since the last save (names "models/..."), and back: load is
     * called for every stored part in name order on a fresh model; loaded after the last. */
    enum err (*save)(struct model *m, struct parcel *out);
    enum err (*load)(struct model *m, struct str name, uint32_t version, struct str data,
                     struct why *why);
    enum err (*loaded)(struct model *m, struct why *why);
    /* `verdict` is verdict_row.data as stored, `before` what was said of it until now
     * (FEEDBACK_UNDO: nothing). ERR_DAMAGED: it can't be read. */
    enum err (*feedback)(struct model *m, struct str verdict, enum feedback before,
                         enum feedback now);
    size_t (*memory)(const struct model *m);
};

extern const struct model_kind model_shop; /* models/shop.c */

#endif
