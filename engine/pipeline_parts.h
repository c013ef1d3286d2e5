/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * pipeline_parts: what pipeline.c (the loop), resume.c (opening, restoring) and requests.c
 * (what others ask of a run) share.
 */
#ifndef TILLSTREAM_ENGINE_PIPELINE_PARTS_H
#define TILLSTREAM_ENGINE_PIPELINE_PARTS_H

#include "engine/ledger.h"
#include "engine/pipeline.h"

struct pipeline {
    struct pipeline_setup setup;
    struct zone *zone;
    struct keys *keys;
    struct books *books;
    struct judge *judge;
    struct fold *fold;
    struct model *model; /* NULL: none */
    struct source *source;
    struct source_identity identity;
    int64_t source_id; /* 0: not known yet (a followed file that is not there) */
    int64_t last_source_id;
    int shard; /* the judge's number for it */
    const struct codec_kind *codec_kind;
    struct stretch stretch; /* the bytes of the sales at hand */
    struct codec *codec;
    struct buf codec_state; /* saved state to go on with */
    struct sales sales;
    struct list facts; /* struct fact */
    struct ledger ledger;
    uint64_t ledger_seq;  /* of the last chunk */
    uint64_t saved_seq;   /* the windows' saved parts hold chunks up to this one */
    size_t unsaved_bytes; /* of ledger since then */
    struct parcel *parcel;
    uint64_t commits;
    uint64_t position;
    int64_t records, records_at_commit;
    int64_t last_commit_ns, last_memory_ns;
    uint32_t last_customer, last_country;
    bool trickle; /* the last stretch was short */
    bool dirty;   /* something to commit */
    bool at_tip;  /* the last read found nothing more */
    bool cut_off; /* the source ends in the middle of a record, which is left there */
    bool resumed;
    bool save_now; /* the next commit saves the windows */
    bool merged;   /* the ledger holds a merged sale */
    bool marked;   /* the state has a mark: something was committed */
};

/* Counts a sale in its books and appends it to p->facts. */
enum err pipeline_fact(struct pipeline *p, const struct sale *s, int64_t watermark_ms,
                       struct fact **out) MUST_CHECK;
/* Applies every request that waits. Only right after a commit. */
enum err requests_apply(struct pipeline *p, struct why *why) MUST_CHECK;
/* Answers a request with the next commit. */
enum err requests_answer(struct pipeline *p, int64_t id, struct str result) MUST_CHECK;
/* feedback.c: a model that learned anew is told again what people said. */
enum err feedback_again(struct pipeline *p) MUST_CHECK;
/* "ok", "flag" or "undo"; the argument is "INVOICE\nWHO". */
enum err feedback_request(struct pipeline *p, int64_t id, enum feedback now, struct str argument,
                          struct why *why) MUST_CHECK;

/* model_request.c: the models are saved, start anew, or become those of a file. */
enum err model_request_save(struct pipeline *p, int64_t id) MUST_CHECK;
enum err model_request_reset(struct pipeline *p, int64_t id, struct why *why) MUST_CHECK;
enum err model_request_import(struct pipeline *p, int64_t id, struct str path,
                              struct why *why) MUST_CHECK;

/* Ends a source that an earlier run left open and whose bytes can't come back, with what is
 * stored of its progress. Not while another source is being read. */
enum err pipeline_retire(struct pipeline *p, const struct stored_progress *g) MUST_CHECK;
/* Restores keys, judge, windows from the store. */
enum err resume_state(struct pipeline *p, struct why *why) MUST_CHECK;
/* Asks the source who it is and takes up its position. ERR_AGAIN: it is not there yet. */
enum err resume_source(struct pipeline *p, struct why *why) MUST_CHECK;
enum err resume_codec_open(struct pipeline *p, struct str head, struct why *why) MUST_CHECK;
enum err resume_codec_save(struct pipeline *p, struct span *out) MUST_CHECK;
/* Keeps what the codec knows now, and makes it know no more than that again. */
enum err resume_codec_keep(struct pipeline *p) MUST_CHECK;
enum err resume_codec_again(struct pipeline *p, struct why *why) MUST_CHECK;
/* Notes in the parcel how far the ledger goes, and up to where the saved parts hold it. */
enum err resume_mark(struct pipeline *p) MUST_CHECK;

#endif
