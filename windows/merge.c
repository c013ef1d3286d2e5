/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Late sales that are counted after all.
 *
 * Where all slices of a window are still in memory, a sale is added to its slice as any other
 * and the row of a window that fired is rewritten by the next snapshot. Of a window that ended
 * more than the lateness ago slices may be gone: its row is recounted from the ledger and the
 * sales at hand. Sessions are in rejoin.c.
 *
 * Invariants:
 *  (1) a row that had fired is final again at once, with version + 1 for the whole batch; one
 *      that an ordinary sale had touched waits for the watermark as before.
 *  (2) a sale is added to a slice or pane iff a window may still read it there, so state
 *      depends on the watermark alone, not on when slices were dropped.
 *  (3) the watermark, the highest time and what fires next stay as they are.
 */
#include "windows/state.h"

#include "engine/store/store.h"

#include <stdlib.h>

/* ---- windows in memory ---- */

/* Whether some window may still read the slice or pane at t. */
static bool is_held(const struct merging *m, int level, int64_t t)
{
    const struct fold *f = m->fold;
    int64_t start = level ? grid_floor(&f->grid[level], t) : fold_slice_start(f, t);
    bool held = fold_needed_until(f, level, start) > m->unreachable_ms;

    if (level)
        return held && t < f->level[level].built_until;
    for (int k = 1; !held && k < f->n_levels; k++)
        held = t >= f->level[k].built_until;
    return held;
}

static enum err rewrite_row(struct merging *m, struct window *w, int d, struct window_span span,
                            uint32_t key)
{
    struct fold *f = m->fold;
    int place = (int)(w - f->window);
    struct reopened_row *row = reopened_find(&f->reopened, place, d, key, span.end);
    bool has;

    if (row) {
        row->version += !row->pending && !row->merged;
        row->merged = row->merged || !row->pending;
        row->changed = true;
        return ERR_OK;
    }
    enum err e = emit_has(f, w, d, span, key, &has);
    if (e)
        return e;
    return reopened_add(&f->reopened, &(struct reopened_row){.window = place,
                                                             .dimension = d,
                                                             .key = key,
                                                             .span = span,
                                                             .version = has ? 2 : 1,
                                                             .changed = true,
                                                             .merged = true});
}

static enum err rewrite_instance(struct merging *m, struct window *w, struct window_span span,
                                 const uint32_t *key)
{
    const struct fold *f = m->fold;
    bool newest = w->setting->keep == KEEP_NEWEST;
    bool closed = !newest && span.end <= m->unreachable_ms;
    enum err e = ERR_OK;

    if (newest && span.end != w->current.end)
        return ERR_OK;
    if (!closed && !window_fired(f, w, span))
        return ERR_OK;
    if (closed && (m->again || merge_expired(f, w, span.start)))
        return ERR_OK;
    for (int d = 0; !e && d < f->settings->n_dimensions; d++) {
        if (!w->series[d])
            continue;
        struct place at = {(int)(w - f->window), d};
        e = closed ? merge_want(m, at, span, key[d]) : rewrite_row(m, w, d, span, key[d]);
    }
    return e;
}

/* Before a sale is added: rows of windows that fired. */
static enum err rewrite_fired(struct merging *m, int64_t t, const uint32_t *key)
{
    struct fold *f = m->fold;
    enum err e = ERR_OK;

    for (int i = 0; !e && i < f->n_windows; i++) {
        struct window *w = &f->window[i];
        if (w->setting->type == WINDOW_SESSION)
            continue;
        struct window_span span = shape_ending_after(&w->shape, t);
        for (; !e && span.start <= t; span = shape_ending_after(&w->shape, span.end))
            e = rewrite_instance(m, w, span, key);
    }
    return e;
}

static enum err merge_fact(struct merging *m, const struct fact *fact)
{
    struct fold *f = m->fold;
    uint32_t key[SETTINGS_DIMENSIONS_MAX];
    enum err e = ERR_OK;

    for (int d = 0; !e && d < f->settings->n_dimensions; d++)
        e = fold_key(f, fact, d, &key[d]);
    if (!e)
        e = rewrite_fired(m, fact->time_ms, key);
    for (int k = 0; !e && k < f->n_levels; k++) {
        if (!is_held(m, k, fact->time_ms))
            continue;
        struct slice *s = fold_slice(f, k, fact->time_ms);
        e = s ? fold_count(f, s, f->level[k].dimensions, fact, key) : ERR_NOMEM;
    }
    return e;
}

/* ---- windows long closed ---- */

bool merge_expired(const struct fold *f, const struct window *w, int64_t start_ms)
{
    const struct grid seconds = {.period_ms = WHEN_SECOND};

    return w->setting->keep == KEEP_DURATION &&
           start_ms < grid_floor(&seconds, f->watermark_ms - w->setting->keep_ms);
}

static enum err ledger_chunks(void *arg, const struct ledger_walk *walk)
{
    struct merging *m = arg;

    return store_each_chunk(m->fold->store, m->before_seq, walk);
}

static enum err ledger_invoice(void *arg, uint64_t name, uint32_t *slot)
{
    enum err e = books_find(((struct merging *)arg)->fold->books, name, slot);

    return e == ERR_NOT_FOUND ? ERR_DAMAGED : e;
}

static const uint64_t *invoice_hashes(void *arg)
{
    return books_hashes(((struct fold *)arg)->books);
}

enum err merge_recount(struct fold *f, struct recount **out)
{
    const struct recount_setup setup = {
        .keys = f->keys, .invoice_hashes = invoice_hashes, .arg = f};

    return recount_open(&setup, out);
}

enum err merge_want(struct merging *m, struct place at, struct window_span span, uint32_t key)
{
    uint32_t *number = &m->number[at.window][at.dimension];
    enum err e = ERR_OK;

    if (!*number) {
        struct place *place = list_add(&m->places);
        if (!place)
            return ERR_NOMEM;
        *place = at;
        e = recount_series(m->recount, &m->fold->settings->dimension[at.dimension], number);
        (*number)++;
    }
    return e ? e : recount_want(m->recount, *number - 1, span, key);
}

static enum err write_closed(struct merging *m, const struct recount_row *from)
{
    struct fold *f = m->fold;
    const struct place *at = list_at(&m->places, from->series);
    const struct window *w = &f->window[at->window];
    const struct agg_row like = {.series = w->series[at->dimension],
                                 .op = ROW_PUT,
                                 .final = 1,
                                 .key = from->key,
                                 .start_s = from->span.start / WHEN_SECOND,
                                 .end_s = from->span.end / WHEN_SECOND};
    uint32_t version;
    enum err e = store_row_version(f->store, &like, &version);
    struct agg_row *row = e ? NULL : list_add(&m->out->rows);

    if (!row)
        return e ? e : ERR_NOMEM;
    *row = like;
    row->version = version + 1;
    emit_row(row, from->cell);
    f->rows++;
    return ERR_OK;
}

static enum err recount_closed(struct merging *m)
{
    enum err e = recount_ready(m->recount);

    if (!e)
        e = recount_count(m->recount, &m->ledger, NULL, NULL);
    for (size_t i = 0; !e && i < m->n; i++)
        e = recount_fact(m->recount, &m->facts[i]);
    for (size_t i = 0; !e && i < recount_rows(m->recount); i++) {
        struct recount_row row;
        recount_row(m->recount, i, &row);
        const struct place *at = list_at(&m->places, row.series);
        if (m->fold->window[at->window].setting->type != WINDOW_SESSION)
            e = write_closed(m, &row);
    }
    return e ? e : rejoin_write(m);
}

/* ---- the whole ---- */

static enum err merge_all(struct merging *m)
{
    struct fold *f = m->fold;
    enum err e = merge_recount(f, &m->recount);

    fold_hashes(f);
    for (size_t i = 0; !e && i < m->n; i++)
        e = merge_fact(m, &m->facts[i]);
    if (!e)
        e = rejoin_plan(m);
    if (!e)
        e = recount_closed(m);
    for (uint32_t i = 0; i < f->reopened.n; i++)
        f->reopened.row[i].merged = false;
    return e;
}

enum err fold_merge(struct fold *f, const struct fact *facts, size_t n, uint64_t before_seq,
                    struct parcel *out)
{
    struct merging *m = calloc(1, sizeof(*m));
    enum err e;

    if (!m)
        return ERR_NOMEM;
    *m = (struct merging){.fold = f, .facts = facts, .n = n, .before_seq = before_seq, .out = out};
    m->ledger =
        (struct recount_ledger){.arg = m, .chunks = ledger_chunks, .invoice = ledger_invoice};
    m->again = before_seq != UINT64_MAX;
    m->unreachable_ms = f->watermark_ms == WHEN_NONE ? WHEN_NONE : f->watermark_ms - f->lateness_ms;
    list_init(&m->places, sizeof(struct place));
    list_init(&m->runs, sizeof(struct run));
    e = n && f->store ? merge_all(m) : ERR_OK;
    recount_close(m->recount);
    recount_forget(&m->ledger);
    list_clear(&m->places);
    list_clear(&m->runs);
    free(m);
    return e;
}
