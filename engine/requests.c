/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * requests: what other commands ask of the run that holds the database. They lie in the table
 * `requests`; the run looks after each commit and when it is idle.
 *
 *   merge   late sales that are not merged yet are counted after all; the argument is empty,
 *           or the time that `late.window_start` shows: only those of that slice
 *   ok, flag, undo   what a person says of an invoice (engine/feedback.c)
 *   model-save, model-reset, model-import   (engine/model_request.c)
 *
 * A late sale is read back from its record, gets its books, a place in the ledger and in every
 * window it belongs to, and is marked, all in one transaction with the answer, so it is counted
 * once whatever happens. More than MERGE_SALES are done in several transactions, each of which
 * is whole; the answer is in the last.
 *
 * Invariants:
 *  (1) a batch begins right after a commit: the ledger and the rows in the store are complete,
 *      and its chunk of the ledger holds nothing else.
 *  (2) a batch ends with a save of the windows: no usual restart has to fold it again.
 *  (3) a sale that is not behind the watermark stays late: a wrong date must not open windows
 *      years ahead.
 */
#include "engine/pipeline_parts.h"

#include "engine/store/request.h"

#include <inttypes.h>
#include <stdlib.h>

#define MERGE_SALES 32768
#define MERGE_TEXT ((size_t)1 << 30)
#define RESULT_MAX 512

struct late_sale {
    int64_t id, source;
    struct span shard, record; /* in batch.text */
};

struct batch {
    struct pipeline *p;
    bool one_slice;
    int64_t slice_s; /* if one_slice */
    int64_t last_id; /* of the sales looked at */
    bool full;
    struct list sales; /* struct late_sale */
    struct buf text;
    struct buf parsed;
    int64_t counted, ahead, too_large, unreadable;
};

/* ---- collecting ---- */

static enum err keep_text(struct batch *b, struct str text, struct span *out)
{
    *out = (struct span){(uint32_t)b->text.n, (uint32_t)text.n};
    return buf_str(&b->text, text);
}

static enum err take_late(void *arg, const struct stored_late *late)
{
    struct batch *b = arg;
    struct late_sale sale = {.id = late->id, .source = late->source};
    enum err e;

    b->full = b->sales.n == MERGE_SALES;
    if (b->full)
        return ERR_END;
    b->last_id = late->id;
    if (b->one_slice && late->slice_s != b->slice_s)
        return ERR_OK;
    e = keep_text(b, late->shard, &sale.shard);
    if (!e)
        e = keep_text(b, late->record, &sale.record);
    struct late_sale *to = e ? NULL : list_add(&b->sales);
    if (!to)
        return e ? e : ERR_NOMEM;
    *to = sale;
    return ERR_OK;
}

static enum err collect(struct batch *b)
{
    b->sales.n = 0;
    b->text.n = 0;
    b->full = false;
    return store_each_late(b->p->setup.store, b->last_id, take_late, b);
}

/* ---- counting ---- */

static struct str text_at(const struct batch *b, struct span at)
{
    return (struct str){at.n ? b->text.p + at.at : "", at.n};
}

static enum err mark(struct pipeline *p, int64_t id)
{
    struct merged_row *row = list_add(&p->parcel->merged);

    if (!row)
        return ERR_NOMEM;
    *row = (struct merged_row){.id = id, .merged_ms = judge_watermark(p->judge)};
    return ERR_OK;
}

static enum err count(struct batch *b, const struct late_sale *late, const struct sale *sale)
{
    struct pipeline *p = b->p;
    struct fact *f = NULL;
    enum err e = judge_merge(p->judge, late->source, text_at(b, late->shard), sale);

    if (e == ERR_LIMIT || e == ERR_NOT_FOUND) {
        b->too_large += e == ERR_LIMIT;
        b->unreadable += e == ERR_NOT_FOUND;
        return ERR_OK;
    }
    if (!e)
        e = pipeline_fact(p, sale, judge_watermark(p->judge), &f);
    if (!e)
        e = ledger_merged(&p->ledger, f, books_name(p->books, f->invoice));
    if (!e)
        e = mark(p, late->id);
    b->counted += !e;
    return e;
}

static enum err look_at(struct batch *b, const struct late_sale *late)
{
    struct sale sale;
    enum err e = sale_parse(text_at(b, late->record), &b->parsed, &sale);

    if (e == ERR_NOMEM)
        return e;
    if (e || sale.time_ms >= judge_watermark(b->p->judge)) {
        b->unreadable += e != ERR_OK;
        b->ahead += e == ERR_OK;
        return ERR_OK;
    }
    return count(b, late, &sale);
}

static enum err count_all(struct batch *b)
{
    struct pipeline *p = b->p;
    enum err e = ERR_OK;

    for (size_t i = 0; !e && i < b->sales.n; i++)
        e = look_at(b, list_at(&b->sales, i));
    if (!e)
        e = p->setup.fold->merge(p->fold, (const struct fact *)(const void *)p->facts.p, p->facts.n,
                                 UINT64_MAX, p->parcel);
    if (p->facts.n)
        p->save_now = p->merged = true;
    p->facts.n = 0;
    return e;
}

/* ---- answering ---- */

static enum err write_result(const struct batch *b, struct buf *out)
{
    enum err e = b->counted ? buf_printf(out, "counted %" PRId64 " late sale%s", b->counted,
                                         b->counted == 1 ? "" : "s")
                            : buf_text(out, "no late sale to count");

    if (!e && b->ahead)
        e = buf_printf(out, "; %" PRId64 " left, which the watermark has not passed yet", b->ahead);
    if (!e && b->too_large)
        e = buf_printf(out, "; %" PRId64 " left, with which the sum of all sales would not fit",
                       b->too_large);
    if (!e && b->unreadable)
        e = buf_printf(out, "; %" PRId64 " left, whose record is damaged", b->unreadable);
    return e;
}

/* "file:/srv/till.ndjson:12345"; nothing without a source. */
static enum err position_of(struct pipeline *p, struct span *out)
{
    struct buf text;
    enum err e;

    *out = (struct span){0, 0};
    if (!p->source_id)
        return ERR_OK;
    buf_init(&text, sizeof(p->identity.path) + 32);
    e = buf_printf(&text, "%s:%" PRIu64, p->identity.path, p->position);
    if (!e)
        e = parcel_text(p->parcel, (struct str){text.p, text.n}, out);
    buf_clear(&text);
    return e;
}

enum err requests_answer(struct pipeline *p, int64_t id, struct str result)
{
    struct answer_row row = {.id = id};
    enum err e = position_of(p, &row.position);

    if (!e)
        e = parcel_text(p->parcel, result, &row.result);
    struct answer_row *to = e ? NULL : list_add(&p->parcel->answers);
    if (!to)
        return e ? e : ERR_NOMEM;
    *to = row;
    p->dirty = true;
    return ERR_OK;
}

static enum err commit_batch(struct pipeline *p, struct why *why)
{
    p->dirty = true;
    return pipeline_commit(p, why);
}

/* ---- kinds of request ---- */

static enum err merge(struct batch *b, int64_t id, struct why *why)
{
    struct buf result;
    enum err e = commit_batch(b->p, why);

    buf_init(&result, RESULT_MAX);
    do {
        if (!e)
            e = collect(b);
        if (!e)
            e = count_all(b);
        if (!e && !b->full)
            e = write_result(b, &result);
        if (!e && !b->full)
            e = requests_answer(b->p, id, (struct str){result.p, result.n});
        if (!e)
            e = commit_batch(b->p, why);
    } while (!e && b->full);
    buf_clear(&result);
    return e;
}

static enum err apply_merge(struct pipeline *p, int64_t id, struct str argument, struct why *why)
{
    const struct when_rules utc = {.order = WHEN_MDY};
    struct batch b = {.p = p, .one_slice = argument.n > 0};
    int64_t slice_ms = 0;
    enum err e = ERR_OK;

    if (argument.n && when_parse(argument, &utc, &slice_ms))
        return requests_answer(p, id, STR("not done: the argument is no time"));
    b.slice_s = slice_ms / WHEN_SECOND;
    list_init(&b.sales, sizeof(struct late_sale));
    buf_init(&b.text, MERGE_TEXT);
    buf_init(&b.parsed, MERGE_TEXT);
    e = merge(&b, id, why);
    list_clear(&b.sales);
    buf_clear(&b.text);
    buf_clear(&b.parsed);
    return e;
}

static enum err apply_ok(struct pipeline *p, int64_t id, struct str argument, struct why *why)
{
    return feedback_request(p, id, FEEDBACK_OK, argument, why);
}

static enum err apply_flag(struct pipeline *p, int64_t id, struct str argument, struct why *why)
{
    return feedback_request(p, id, FEEDBACK_FLAG, argument, why);
}

static enum err apply_undo(struct pipeline *p, int64_t id, struct str argument, struct why *why)
{
    return feedback_request(p, id, FEEDBACK_UNDO, argument, why);
}

static enum err apply_model_save(struct pipeline *p, int64_t id, struct str argument,
                                 struct why *why)
{
    (void)argument;
    (void)why;
    return model_request_save(p, id);
}

static enum err apply_model_reset(struct pipeline *p, int64_t id, struct str argument,
                                  struct why *why)
{
    (void)argument;
    return model_request_reset(p, id, why);
}

static const struct kind {
    const char *name;
    enum err (*apply)(struct pipeline *p, int64_t id, struct str argument, struct why *why);
} kinds[] = {
    {"merge", apply_merge},
    {"ok", apply_ok},
    {"flag", apply_flag},
    {"undo", apply_undo},
    {"model-save", apply_model_save},
    {"model-reset", apply_model_reset},
    {"model-import", model_request_import},
};

static enum err apply(struct pipeline *p, const struct stored_request *r, struct why *why)
{
    for (size_t i = 0; i < countof(kinds); i++) {
        if (str_eq(str_of(kinds[i].name), r->kind))
            return kinds[i].apply(p, r->id, r->argument, why);
    }
    return requests_answer(p, r->id, STR("not done: this program knows no such request"));
}

/* The answer must not be lost with the run, or the next one would fail on it again. */
static enum err give_up(struct pipeline *p, int64_t id, enum err e, struct why *why)
{
    (void)store_explain(p->setup.store, e, why);
    if (why && !why->text[0])
        (void)why_set(why, e, "the request could not be carried out: %s", err_text(e));
    request_fail(p->setup.settings->db, id, why ? why->text : err_text(e));
    return e;
}

enum err requests_apply(struct pipeline *p, struct why *why)
{
    struct stored_request r;
    enum err e = store_next_request(p->setup.store, &r);

    while (!e) {
        e = apply(p, &r, why);
        if (!e)
            e = pipeline_commit(p, why);
        if (e)
            return give_up(p, r.id, e, why);
        e = store_next_request(p->setup.store, &r);
    }
    return e == ERR_NOT_FOUND ? ERR_OK : store_explain(p->setup.store, e, why);
}

enum err pipeline_requests(struct pipeline *p, struct why *why)
{
    return requests_apply(p, why);
}
