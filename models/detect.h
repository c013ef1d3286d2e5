/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * detect: judges invoices as their lines come: which ones are out of the ordinary, and why.
 *
 * A line whose price or quantity alone would do is told at once (VERDICT_LINE). An invoice is
 * judged when it closes, `idle_ms` of event time after its last line (VERDICT_PROVISIONAL),
 * and for good `settle_ms` later (VERDICT_FINAL), when what came right after it is known too.
 * Verdicts come exactly between two lines, ordered by the time they were due, then by invoice:
 * they don't depend on batches. Everything is learned from lines already seen.
 *
 * After ERR_NOMEM the model may have counted a line in part: load its last state.
 */
#ifndef TILLSTREAM_MODELS_DETECT_H
#define TILLSTREAM_MODELS_DETECT_H

#include "models/evidence.h"
#include "models/line.h"

struct detect;

struct detect_setup {
    int64_t idle_ms, settle_ms;
    double alert_rate;    /* the share of invoices to flag */
    double flags_per_day; /* > 0: this many a day instead */
    double min_effect;    /* money; less at stake is never flagged */
    /* Takes each verdict, which lives for the call; an error ends what is going on. */
    enum err (*take)(void *arg, const struct verdict *v);
    void *arg;
};

struct detect_stats {
    uint64_t lines, invoices;
    uint32_t codes, customers, contents, open; /* held */
    size_t memory;                             /* bytes */
    double threshold;                          /* the score flagged from on */
};

/* 5 min, 15 min, 1.5 %, no budget, no smallest effect; `take` is the caller's to set. */
struct detect_setup detect_defaults(void);
enum err detect_open(const struct detect_setup *setup, struct detect **out) MUST_CHECK;
void detect_close(struct detect *d);
enum err detect_line(struct detect *d, const struct model_line *line) MUST_CHECK;
/* The end of a finite source: every open invoice is closed and settled. */
enum err detect_finish(struct detect *d) MUST_CHECK;
/* A person says of a verdict: it is fine (else: it is not). Undone by detect_recall. */
enum err detect_feedback(struct detect *d, const struct verdict *v, bool fine) MUST_CHECK;
void detect_recall(struct detect *d, const struct verdict *v);
void detect_measure(const struct detect *d, struct detect_stats *out);

/* State: the parts that changed since the last save, named models/detect/..., and back: load
 * is called for each stored part in the order of names on a fresh model, then loaded. */
enum err detect_save(struct detect *d, struct parcel *out) MUST_CHECK;
enum err detect_load(struct detect *d, struct str name, uint32_t version, struct str data,
                     struct why *why) MUST_CHECK;
enum err detect_loaded(struct detect *d, struct why *why) MUST_CHECK;

#endif
