/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * pipeline: the loop: read a stretch, decode, judge, fold into slices, fire what the
 * watermark closed, deliver, checkpoint. It never sleeps by itself; pipeline_turn says
 * whether there was anything to do.
 *
 * Source positions, books, state and results of one checkpoint reach the store as one
 * transaction. The same input and settings give the same results whatever the batch sizes,
 * checkpoint intervals and threads.
 */
#ifndef TILLSTREAM_ENGINE_PIPELINE_H
#define TILLSTREAM_ENGINE_PIPELINE_H

#include "engine/env.h"
#include "engine/fold.h"
#include "engine/judge.h"
#include "engine/model.h"
#include "engine/source.h"
#include "engine/store/store.h"

struct pipeline;

struct pipeline_setup {
    struct env *env;
    const struct settings *settings;
    struct store *store;
    const struct fold_kind *fold;
    const struct model_kind *model; /* NULL: nothing is judged */
    const struct source_kind *source;
    const char *locator;
    bool follow;
    const struct codec_kind *(*codec_for)(const char *locator, struct str head);
    const struct codec_kind *const
        *codecs; /* all, to go on with the one a position was saved with */
    /* Called before each commit and when there is nothing to read, for what others want
     * committed along: alerts that were sent. NULL: nobody does. */
    enum err (*before_commit)(void *arg, struct parcel *out);
    void *before_commit_arg;
};

/* For people and tests; as of the last turn. */
struct pipeline_status {
    struct judge_counts counts; /* of the source being read */
    int64_t records;            /* read in this run */
    int64_t watermark_ms;
    uint64_t position;
    bool resumed; /* went on where an earlier run stopped */
    bool resumable;
    const char *source;        /* as in progress.source, without generation */
    struct fold_stats windows; /* filled by pipeline_status only when asked */
    size_t keys, invoices, memory;
};

enum err pipeline_open(const struct pipeline_setup *setup, struct pipeline **out,
                       struct why *why) MUST_CHECK;
void pipeline_close(struct pipeline *p);
/* One turn. ERR_OK: go on at once; ERR_AGAIN: nothing new came within wait_ms; ERR_END: the
 * source is finished and everything is committed. ERR_INVALID in strict mode for the first
 * bad record, after everything before it was committed. Any other error: what was not
 * committed is not there, run again to go on. */
enum err pipeline_turn(struct pipeline *p, int wait_ms, struct why *why) MUST_CHECK;
/* Without a source (setup.source NULL): applies the requests that wait in the database (those
 * of other commands, see engine/store/request.h), durably, as each turn does otherwise. */
enum err pipeline_requests(struct pipeline *p, struct why *why) MUST_CHECK;
/* Commits what has been read so far and waits until it is durable. */
enum err pipeline_commit(struct pipeline *p, struct why *why) MUST_CHECK;
/* Before the last commit of a run that was stopped: a source of which nothing more was there to
 * read holds the watermark back no longer, should it never be read again. */
void pipeline_rest(struct pipeline *p);
void pipeline_status(const struct pipeline *p, bool all, struct pipeline_status *out);

#endif
