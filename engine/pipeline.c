/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The loop. pipeline_turn is the picture of docs/ARCHITECTURE.md in code, in the same order.
 *
 * Invariants:
 *  (1) between two turns every decoded record has met its fate: it is in `facts` that the
 *      fold has seen, in the parcel's rejects or late rows, or in the judge's pen.
 *  (2) `position` is the offset behind the last such record: what a checkpoint stores.
 *  (3) nothing reaches the store as durable but through commit(), whole.
 */
#include "engine/pipeline_parts.h"

#include "engine/crash.h"
#include "engine/lines.h"
#include "engine/money.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define BATCH_SALES 4096            /* decoded at once */
#define PARCEL_ROWS 4096            /* rows after which a parcel is handed over early */
#define TRICKLE_BYTES 16384         /* a stretch shorter than this: we keep up with the source */
#define TRICKLE_NS INT64_C(4000000) /* then commits are this far apart, not `checkpoint` */
#define MEMORY_CHECK_NS INT64_C(250000000)
#define SAVE_BYTES (1u << 20) /* ledger bytes after which the windows are saved anew */
#define HEAD_MAX 4096         /* of source_identity.head_len */

/* An error that has no sentence yet gets the store's, or one that says in what it happened. */
static enum err failed(const struct pipeline *p, struct why *why, enum err e, const char *what)
{
    (void)store_explain(p->setup.store, e, why);
    if (e && why && !why->text[0])
        (void)why_set(why, e, "%s: %s", what, err_text(e));
    return e;
}

/* ---- fate of a sale ------------------------------------------------------------------ */

static enum err key_of(struct pipeline *p, struct str text, uint32_t *id)
{
    /* Lines of an invoice follow each other: most keys are those of the line before. */
    if (str_eq(keys_text(p->keys, *id), text))
        return ERR_OK;
    return keys_id(p->keys, text, id);
}

/* Pairs get their numbers with the sale, not when windows fold it: else numbers, and what sorts
 * by them, depended on how the input was cut into batches. */
static enum err number_pairs(struct pipeline *p, const struct fact *f)
{
    const uint32_t part[FIELD_COUNT] = {
        [FIELD_CUSTOMER] = f->customer, [FIELD_COUNTRY] = f->country, [FIELD_STOCK] = f->stock};
    const struct settings *s = p->setup.settings;
    enum err e = ERR_OK;

    for (int i = 0; !e && i < s->n_dimensions; i++) {
        const struct dimension *d = &s->dimension[i];
        uint32_t id;
        if (d->n_fields == 2)
            e = keys_pair(p->keys, part[d->fields[0]], part[d->fields[1]], &id);
    }
    return e;
}

enum err pipeline_fact(struct pipeline *p, const struct sale *s, int64_t watermark_ms,
                       struct fact **out)
{
    struct fact *f = list_add(&p->facts);
    enum err e;

    if (!f)
        return ERR_NOMEM;
    f->time_ms = s->time_ms;
    f->watermark_ms = watermark_ms;
    f->quantity = s->quantity;
    f->price = s->price;
    f->value = s->value;
    e = key_of(p, s->customer, &p->last_customer);
    if (!e)
        e = key_of(p, s->country, &p->last_country);
    if (!e)
        e = keys_id(p->keys, s->stock, &f->stock);
    if (!e)
        e = books_slot(p->books, s->invoice, &f->invoice);
    f->customer = p->last_customer;
    f->country = p->last_country;
    *out = f;
    if (!e)
        e = number_pairs(p, f);
    return e ? e : books_add(p->books, f);
}

static enum err accept(struct pipeline *p, const struct sale *s, int64_t watermark_ms)
{
    struct fact *f = NULL;
    enum err e = pipeline_fact(p, s, watermark_ms, &f);

    return e ? e : ledger_sale(&p->ledger, f, books_name(p->books, f->invoice));
}

static enum err position_text(struct parcel *to, uint64_t offset, struct span *out)
{
    char text[32];
    int n = snprintf(text, sizeof(text), "%" PRIu64, offset);

    return parcel_text(to, (struct str){text, (size_t)n}, out);
}

static enum err set_aside(struct pipeline *p, const struct sale *s, const char *reason)
{
    struct buf json;
    struct late_row row = {.source = p->source_id, .event_ms = s->time_ms};
    enum err e;

    buf_init(&json, SALE_JSON_MAX);
    e = sale_json(s, &json);
    if (!e)
        e = parcel_text(p->parcel, (struct str){json.p, json.n}, &row.record);
    buf_clear(&json);
    if (!e)
        e = parcel_text(p->parcel, STR("0"), &row.shard);
    if (!e)
        e = parcel_text(p->parcel, str_of(reason), &row.reason);
    if (!e)
        e = position_text(p->parcel, s->offset, &row.position);
    if (e)
        return e;
    row.slice_s = p->setup.fold->slice_start(p->fold, s->time_ms) / WHEN_SECOND;
    row.seen_ms = p->setup.env->wall_ms(p->setup.env);
    struct late_row *to = list_add(&p->parcel->late);
    if (!to)
        return ERR_NOMEM;
    *to = row;
    return ERR_OK;
}

static enum err reject(struct pipeline *p, uint64_t offset, struct str raw, const char *reason)
{
    struct reject_row row = {.source = p->source_id};
    enum err e = parcel_text(p->parcel, STR("0"), &row.shard);

    if (!e)
        e = parcel_text(p->parcel, str_of(reason), &row.reason);
    if (!e)
        e = parcel_text(p->parcel, raw, &row.raw);
    if (!e)
        e = position_text(p->parcel, offset, &row.position);
    if (e)
        return e;
    row.seen_ms = p->setup.env->wall_ms(p->setup.env);
    struct reject_row *to = list_add(&p->parcel->rejects);
    if (!to)
        return ERR_NOMEM;
    *to = row;
    return ERR_OK;
}

/* Only sales of the stretch at hand are rejected, so its bytes are there. */
static enum err reject_sale(struct pipeline *p, const struct sale *s, const char *reason)
{
    size_t n = s->length < SALE_RAW_MAX ? s->length : SALE_RAW_MAX;

    return reject(p, s->offset,
                  (struct str){p->stretch.bytes.p + (s->offset - p->stretch.offset), n}, reason);
}

static enum err meet_fate(void *arg, const struct outcome *o)
{
    struct pipeline *p = arg;

    p->dirty = true;
    switch (o->fate) {
    case FATE_ACCEPTED:
        return accept(p, o->sale, o->watermark_ms);
    case FATE_LATE:
        return set_aside(p, o->sale, "late");
    case FATE_AHEAD:
        return set_aside(p, o->sale, "ahead");
    case FATE_REJECTED:
        return reject_sale(p, o->sale, o->reason);
    }
    return ERR_INVALID;
}

/* Judges decoded records in the order of their offsets. In strict mode stops before the
 * first bad one: *bad. */
static enum err judge_batch(struct pipeline *p, const struct reject **bad)
{
    const struct sales *b = &p->sales;
    size_t i = 0, k = 0;
    enum err e = ERR_OK;

    *bad = NULL;
    while (!e && (i < b->n || k < b->n_rejects)) {
        bool next_is_bad =
            k < b->n_rejects && (i == b->n || b->reject[k].offset < b->sale[i].offset);
        if (!next_is_bad) {
            p->records++;
            e = judge_sale(p->judge, p->shard, &b->sale[i++], meet_fate, p);
            continue;
        }
        if (p->setup.settings->strict) {
            *bad = &b->reject[k];
            return ERR_OK;
        }
        p->records++;
        p->dirty = true;
        judge_reject(p->judge, p->shard);
        e = reject(p, b->reject[k].offset, b->reject[k].raw, b->reject[k].reason);
        k++;
    }
    return e;
}

/* ---- deliver and checkpoint ---------------------------------------------------------- */

static enum err fold_facts(struct pipeline *p)
{
    const struct fact *facts = (const struct fact *)(const void *)p->facts.p;
    enum err e = p->setup.fold->add(p->fold, facts, p->facts.n, p->parcel);

    if (!e && p->model)
        e = p->setup.model->add(p->model, facts, p->facts.n, p->parcel);
    p->facts.n = 0;
    return e;
}

static enum err hand_over(struct pipeline *p, struct why *why)
{
    enum err e = store_send(p->setup.store, &p->parcel, why);

    if (e)
        return e;
    if (!p->parcel)
        p->parcel = parcel_open();
    return p->parcel ? ERR_OK : failed(p, why, ERR_NOMEM, "the next batch of results");
}

static enum err deliver(struct pipeline *p, struct why *why)
{
    return p->parcel->rows.n + p->parcel->verdicts.n >= PARCEL_ROWS ? hand_over(p, why) : ERR_OK;
}

static enum err deliver_ledger(struct pipeline *p)
{
    struct span data;

    if (!p->ledger.bytes.n)
        return ERR_OK;
    enum err e = parcel_text(p->parcel, (struct str){p->ledger.bytes.p, p->ledger.bytes.n}, &data);
    if (e)
        return e;
    struct ledger_row *row = list_add(&p->parcel->ledger);
    if (!row)
        return ERR_NOMEM;
    *row = (struct ledger_row){.seq = ++p->ledger_seq,
                               .first_ms = p->ledger.first_ms,
                               .last_ms = p->ledger.last_ms,
                               .sales = p->ledger.sales,
                               .data = data};
    p->unsaved_bytes += p->ledger.bytes.n;
    ledger_reset(&p->ledger);
    return ERR_OK;
}

static enum err deliver_source(struct pipeline *p)
{
    struct source_row source = {
        .id = p->source_id, .head_hash = p->identity.head_hash, .head_len = p->identity.head_len};
    enum err e = resume_codec_save(p, &source.codec);

    if (!e)
        e = parcel_text(p->parcel, str_of(p->identity.path), &source.path);
    if (e)
        return e;
    struct source_row *to = list_add(&p->parcel->sources);
    if (!to)
        return ERR_NOMEM;
    *to = source;
    return ERR_OK;
}

static enum err deliver_progress(struct pipeline *p, struct str shard, struct span position)
{
    struct judge_counts c = judge_counts(p->judge, p->shard);
    struct progress_row progress = {.source = p->source_id,
                                    .position = position,
                                    .read = c.read,
                                    .aggregated = c.aggregated,
                                    .late = c.late,
                                    .rejected = c.rejected,
                                    .pending = c.pending,
                                    .duplicates = c.duplicates,
                                    .watermark_ms = judge_watermark(p->judge),
                                    .millis_behind = -1};
    enum err e = parcel_text(p->parcel, shard, &progress.shard);

    if (e)
        return e;
    progress.updated_ms = p->setup.env->wall_ms(p->setup.env);
    struct progress_row *to = list_add(&p->parcel->progress);
    if (!to)
        return ERR_NOMEM;
    *to = progress;
    return ERR_OK;
}

static enum err deliver_position(struct pipeline *p)
{
    struct span position = {0};
    enum err e = deliver_source(p);

    if (!e)
        e = position_text(p->parcel, p->position, &position);
    return e ? e : deliver_progress(p, STR("0"), position);
}

static enum err save_parts(struct pipeline *p)
{
    enum err e = p->setup.fold->save(p->fold, p->parcel);

    if (!e && p->model)
        e = p->setup.model->save(p->model, p->parcel);
    p->save_now = p->save_now && e;
    if (e)
        return e;
    p->saved_seq = p->ledger_seq;
    p->unsaved_bytes = 0;
    return ERR_OK;
}

static enum err save_state(struct pipeline *p)
{
    enum err e = judge_save(p->judge, p->parcel);

    if (!e && (p->unsaved_bytes >= SAVE_BYTES || p->save_now))
        e = save_parts(p);
    return e ? e : resume_mark(p);
}

/* What others want committed. */
static enum err gather(struct pipeline *p)
{
    enum err e = ERR_OK;

    if (p->setup.before_commit)
        e = p->setup.before_commit(p->setup.before_commit_arg, p->parcel);
    p->dirty = p->dirty || p->parcel->sent.n > 0;
    return e;
}

static enum err fill_commit(struct pipeline *p)
{
    enum err e = gather(p);

    if (!e)
        e = p->setup.fold->snapshot(p->fold, p->parcel);
    if (!e)
        e = deliver_ledger(p);
    if (!e)
        e = save_state(p);
    if (!e)
        e = keys_deliver(p->keys, p->parcel);
    if (!e)
        e = books_deliver(p->books, p->parcel, p->commits + 1);
    if (!e && p->source_id)
        e = deliver_position(p);
    p->parcel->commit = true;
    return e;
}

static enum err commit(struct pipeline *p, struct why *why)
{
    enum err e = fill_commit(p);

    if (e)
        return failed(p, why, e, "the checkpoint could not be put together");
    crash_point("before_commit");
    e = hand_over(p, why);
    if (e)
        return e;
    crash_point("after_commit");
    p->commits++;
    p->dirty = false;
    p->last_commit_ns = p->setup.env->mono_ns(p->setup.env);
    p->records_at_commit = p->records;
    books_forget(p->books, p->setup.fold->oldest(p->fold), store_commits(p->setup.store));
    return ERR_OK;
}

/* A few times a second: does what is held still fit memory_limit? The estimate is of our own
 * structures; SQLite's cache and the parcels under way (some 50 MB at most) stand apart. */
static enum err check_memory(struct pipeline *p, struct why *why)
{
    int64_t limit = p->setup.settings->memory_limit;
    int64_t now = limit ? p->setup.env->mono_ns(p->setup.env) : 0;
    struct pipeline_status s;

    if (!limit || now - p->last_memory_ns < MEMORY_CHECK_NS)
        return ERR_OK;
    p->last_memory_ns = now;
    pipeline_status(p, true, &s);
    if (s.memory <= (size_t)limit)
        return ERR_OK;
    enum err e = pipeline_commit(p, why);
    return e ? e
             : why_set(why, ERR_LIMIT,
                       "memory_limit: %zu MB are in use, %" PRId64 " allowed (windows %zu MB with "
                       "%" PRIu64 " cells, %zu keys, %zu invoices). Everything read so far is "
                       "committed. Raise memory_limit, or keep fewer or shorter windows or "
                       "dimensions, and run again to go on",
                       s.memory / 1000000, limit / 1000000, s.windows.memory / 1000000,
                       s.windows.cells, s.keys, s.invoices);
}

static bool commit_is_due(const struct pipeline *p)
{
    const struct settings *s = p->setup.settings;
    int64_t ns = p->setup.env->mono_ns(p->setup.env) - p->last_commit_ns;

    if (!p->dirty)
        return false;
    if (p->ledger.bytes.n >= LEDGER_CHUNK_MAX / 4)
        return true;
    if (p->trickle && ns >= TRICKLE_NS && store_commits(p->setup.store) == p->commits)
        return true;
    if (s->checkpoint_records && p->records - p->records_at_commit >= s->checkpoint_records)
        return true;
    return ns >= s->checkpoint_ms * 1000000;
}

/* Commits if there is anything to commit. */
static enum err commit_rest(struct pipeline *p, struct why *why)
{
    enum err e = failed(p, why, gather(p), "what was sent could not be noted");

    return e || !p->dirty ? e : commit(p, why);
}

enum err pipeline_commit(struct pipeline *p, struct why *why)
{
    enum err e = commit_rest(p, why);

    return e ? e : store_wait(p->setup.store, why);
}

static enum err checkpoint(struct pipeline *p, struct why *why)
{
    enum err e = commit(p, why);

    return e ? e : requests_apply(p, why);
}

/* ---- the turn ------------------------------------------------------------------------ */

/* The head by which a file is known again must hold all that was read of it, up to 4 KiB, or
 * another file might pass for it. Asked here, while the source is surely still at this file. */
static void know_again(struct pipeline *p)
{
    struct source_identity grown;

    if (!p->identity.resumable || p->identity.head_len >= HEAD_MAX ||
        p->identity.head_len >= p->position)
        return;
    if (!p->setup.source->identity(p->source, &grown, NULL))
        p->identity = grown;
}

/* Puts the source's name before a sentence that lacks it. */
static enum err named(const struct pipeline *p, enum err e, struct why *why)
{
    struct why text;

    if (!why || !why->text[0])
        return e;
    text = *why;
    return why_set(why, e, "%.200s: %.300s", p->identity.path, text.text);
}

/* Whether whoever writes the file may be in the middle of a line. */
static bool in_a_line(struct str bytes)
{
    return bytes.n && bytes.p[bytes.n - 1] != '\n' && bytes.p[bytes.n - 1] != '\r';
}

/* What is behind the last whole record of a file that somebody may be writing. Is it a record
 * that only lacks its line end? Else it stays where it is, for the run that finds it whole. */
static enum err decode_tail(struct pipeline *p, const struct stretch *in, size_t *used,
                            struct why *why)
{
    enum err e = resume_codec_keep(p);

    if (!e)
        e = p->codec_kind->decode(p->codec, in, BATCH_SALES, &p->sales, used, why);
    if (e || !in->bytes.n || !p->sales.n_rejects)
        return e;
    p->cut_off = true;
    *used = 0;
    sales_reset(&p->sales);
    env_log(p->setup.env, LOG_WARN,
            "%s ends in the middle of a record, at byte %" PRIu64 ": it is counted by the run that "
            "finds the rest of it",
            p->identity.path, in->offset);
    return resume_codec_again(p, why);
}

static enum err decode_some(struct pipeline *p, const struct stretch *in, size_t *used,
                            struct why *why)
{
    struct stretch whole = *in;
    bool careful = in->last && in->grows && !p->setup.settings->strict && in_a_line(in->bytes);
    enum err e;

    whole.last = in->last && !careful;
    e = p->codec_kind->decode(p->codec, &whole, BATCH_SALES, &p->sales, used, why);
    if (e || !careful || *used || p->sales.n || p->sales.n_rejects)
        return e;
    return decode_tail(p, in, used, why);
}

static enum err decode(struct pipeline *p, const struct stretch *in, struct why *why)
{
    size_t used = 0;
    enum err e = p->codec ? ERR_OK : resume_codec_open(p, in->bytes, why);

    sales_reset(&p->sales);
    if (!e && p->codec)
        e = decode_some(p, in, &used, why);
    if (e)
        return named(p, failed(p, why, e, "the records can't be read"), why);
    p->setup.source->consume(p->source, used);
    p->at_tip = false;
    p->stretch = *in;
    p->position = in->offset + used;
    know_again(p);
    p->trickle = in->bytes.n < TRICKLE_BYTES;
    p->dirty = p->dirty || used > 0;
    return ERR_OK;
}

static enum err stop_at_bad(struct pipeline *p, const struct reject *bad, struct why *why)
{
    const struct lines_source source = {p->setup.env, p->setup.settings, p->setup.source,
                                        p->setup.locator};
    int64_t line = p->identity.resumable ? lines_at(&source, bad->offset) : 0;
    char place[32] = "";
    struct why text;
    enum err e;

    if (line)
        (void)snprintf(place, sizeof(place), "line %" PRId64 ", ", line);
    (void)why_set(&text, ERR_INVALID,
                  "%s: bad record at %sbyte %" PRIu64 ": %s (--strict stops at the first; without "
                  "it the record goes to `rejects`)",
                  p->identity.path, place, bad->offset, bad->reason);
    p->position = bad->offset;
    e = commit(p, why);
    if (!e)
        e = store_wait(p->setup.store, why);
    return e ? e : why_set(why, ERR_INVALID, "%s", text.text);
}

static enum err finish(struct pipeline *p, struct why *why)
{
    enum err e = judge_end(p->judge, p->shard, meet_fate, p);

    if (!e)
        e = fold_facts(p);
    if (!e)
        e = p->setup.fold->finish(p->fold, p->parcel);
    if (!e && p->model)
        e = p->setup.model->finish(p->model, p->parcel);
    if (!e)
        e = ledger_finish(&p->ledger);
    if (e)
        return failed(p, why, e, "the end of the source could not be counted");
    e = commit(p, why);
    if (!e)
        e = store_wait(p->setup.store, why);
    if (!e)
        e = requests_apply(p, why);
    return e ? e : ERR_END;
}

enum err pipeline_retire(struct pipeline *p, const struct stored_progress *g)
{
    struct span position = {0};

    if (!judge_is_open(p->judge, g->source, g->shard, &p->shard))
        return ERR_OK;
    p->source_id = g->source;
    p->dirty = true;
    enum err e = judge_end(p->judge, p->shard, meet_fate, p);
    if (!e)
        e = fold_facts(p);
    if (!e)
        e = parcel_text(p->parcel, g->position, &position);
    return e ? e : deliver_progress(p, g->shard, position);
}

/* The followed file was replaced: its shard ends, the new one begins. */
static enum err next_generation(struct pipeline *p, struct why *why)
{
    enum err e = judge_end(p->judge, p->shard, meet_fate, p);

    if (!e)
        e = fold_facts(p);
    if (!e)
        e = commit(p, why);
    if (e)
        return failed(p, why, e, "the end of the file that was replaced could not be counted");
    p->source_id = 0;
    e = resume_source(p, why);
    return e && e != ERR_AGAIN ? failed(p, why, e, "the new file could not be taken up") : e;
}

void pipeline_rest(struct pipeline *p)
{
    if (!p->at_tip)
        return;
    judge_idle(p->judge, p->shard);
    p->dirty = true;
}

static enum err idle(struct pipeline *p, struct why *why)
{
    enum err e = commit_rest(p, why);

    if (!e)
        e = requests_apply(p, why);
    p->at_tip = p->source_id != 0;
    return e ? e : ERR_AGAIN;
}

/* With something to commit, not longer than until that commit is due: a sale is to be
 * visible within 10 ms of being written, also when the next follows closely. */
static int patience(const struct pipeline *p, int wait_ms)
{
    return p->dirty && wait_ms > 1 ? 1 : wait_ms;
}

static enum err read_stretch(struct pipeline *p, int wait_ms, struct stretch *in, struct why *why)
{
    enum err e = p->source_id ? ERR_OK : resume_source(p, why);

    if (e && e != ERR_AGAIN) /* again: it is not there yet, and read waits for it */
        return e;
    return p->setup.source->read(p->source, (size_t)p->setup.settings->batch_bytes,
                                 patience(p, wait_ms), in, why);
}

enum err pipeline_turn(struct pipeline *p, int wait_ms, struct why *why)
{
    struct stretch in;
    const struct reject *bad;
    enum err e = read_stretch(p, wait_ms, &in, why);

    if (e == ERR_AGAIN)
        return idle(p, why);
    if (e == ERR_NOT_FOUND && p->source_id)
        return next_generation(p, why);
    if (e == ERR_END)
        return finish(p, why);
    crash_point("after_read");
    if (!e)
        e = decode(p, &in, why);
    if (!e)
        e = failed(p, why, judge_batch(p, &bad), "the records could not be judged");
    crash_point("after_judge");
    if (!e)
        e = failed(p, why, fold_facts(p), "the sales could not be counted");
    crash_point("after_fold");
    if (!e && bad)
        return stop_at_bad(p, bad, why);
    if (!e && p->cut_off)
        return finish(p, why);
    if (!e)
        e = deliver(p, why);
    if (!e && commit_is_due(p))
        e = checkpoint(p, why);
    return e ? e : check_memory(p, why);
}

void pipeline_status(const struct pipeline *p, bool all, struct pipeline_status *out)
{
    *out = (struct pipeline_status){.records = p->records,
                                    .watermark_ms = judge_watermark(p->judge),
                                    .position = p->position,
                                    .resumed = p->resumed,
                                    .resumable = p->identity.resumable,
                                    .source = p->identity.path};
    if (p->source_id)
        out->counts = judge_counts(p->judge, p->shard);
    if (!all)
        return;
    p->setup.fold->stats(p->fold, &out->windows);
    out->keys = keys_count(p->keys);
    out->invoices = books_live(p->books);
    out->memory = out->windows.memory + keys_memory(p->keys) + books_memory(p->books) +
                  judge_memory(p->judge) + (p->model ? p->setup.model->memory(p->model) : 0);
}
