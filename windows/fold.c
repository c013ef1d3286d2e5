/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The windows as the pipeline sees them: sales in, finished rows out.
 *
 * A fact is added to one slice; when the watermark after it reaches next_event_ms, the
 * panes it passed are built, the windows it passed fire, and slices no window needs any
 * more are dropped. All of this happens between two facts, so batches don't matter.
 *
 * Invariants:
 *  (1) a slice of level 0 is kept until every window over it ended allowed_lateness ago,
 *      so an accepted sale always finds its slice and a reopened window all of its slices.
 *  (2) a pane [s, e) of level k is built iff e <= level[k].built_until, and then equals the
 *      merge of the slices in it, also after further sales.
 *  (3) final and version of a row follow from window_fired and the reopened rows alone.
 */
#include "windows/state.h"

#include "engine/crash.h"

#include <stdlib.h>

static int64_t min64(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t max64(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static void close_windows(struct fold *f)
{
    if (!f)
        return;
    for (int i = 0; i < f->n_windows; i++) {
        for (int d = 0; d < SETTINGS_DIMENSIONS_MAX; d++) {
            keyset_clear(&f->window[i].touched[d]);
            sessions_close(f->window[i].sessions[d]);
        }
    }
    for (int i = 0; i < LEVELS_MAX; i++)
        level_clear(&f->level[i]);
    reopened_clear(&f->reopened);
    bench_clear(&f->bench);
    list_clear(&f->dropped);
    free(f);
}

static enum err open_windows(const struct fold_setup *setup, struct fold **out, struct why *why)
{
    struct fold *f = calloc(1, sizeof(*f));

    if (!f)
        return why_set(why, ERR_NOMEM, "out of memory");
    f->settings = setup->settings;
    f->zone = setup->zone;
    f->keys = setup->keys;
    f->books = setup->books;
    f->store = setup->store;
    f->lateness_ms = f->settings->allowed_lateness_ms;
    if (f->lateness_ms < setup->lateness_ms)
        f->lateness_ms = setup->lateness_ms;
    f->watermark_ms = f->highest_ms = f->end_mark_ms = f->end_horizon_ms = WHEN_NONE;
    f->next_event_ms = WHEN_NONE;
    f->n_windows = f->settings->n_windows;
    cell_init(&f->bench.sum, 0);
    list_init(&f->dropped, sizeof(struct dropped));
    for (int i = 0; i < f->n_windows; i++) {
        f->window[i] = (struct window){.setting = &f->settings->window[i],
                                       .next_end = WHEN_NONE,
                                       .current = {WHEN_NONE, WHEN_NONE},
                                       .fired_end = WHEN_NONE};
    }
    plan_levels(f);
    enum err e = plan_series(f);
    if (e) { /* the store knows what happened (store_explain) */
        close_windows(f);
        return e;
    }
    *out = f;
    return ERR_OK;
}

static enum err announce(struct fold *f, struct parcel *out)
{
    enum err e = ERR_OK;

    for (int i = 0; !e && i < f->n_windows; i++) {
        for (int d = 0; !e && d < f->settings->n_dimensions; d++) {
            if (f->window[i].series[d])
                e = emit_series(f, &f->window[i], d, INT64_MIN, out);
        }
    }
    return e;
}

int64_t fold_slice_start(const struct fold *f, int64_t t)
{
    int64_t start = INT64_MIN;

    if (!f->overlay)
        return grid_floor(&f->grid[0], t);
    for (int i = 1; i < f->n_levels; i++)
        start = max64(start, grid_floor(&f->grid[i], t));
    return start;
}

int64_t fold_slice_end(const struct fold *f, int64_t t)
{
    int64_t end = INT64_MAX;

    if (!f->overlay)
        return grid_next(&f->grid[0], t);
    for (int i = 1; i < f->n_levels; i++)
        end = min64(end, grid_next(&f->grid[i], t));
    return end;
}

int64_t fold_needed_until(const struct fold *f, int level, int64_t start)
{
    int64_t until = INT64_MIN;

    for (int i = 0; i < f->n_windows; i++) {
        const struct window *w = &f->window[i];
        if (w->setting->type != WINDOW_SESSION && (w->level == level || level == 0)) {
            bool direct = w->level == level;
            until = max64(until, direct ? shape_last_end(&w->shape, start)
                                        : grid_next(&w->shape.panes, start));
        }
    }
    return until;
}

void fold_hashes(struct fold *f)
{
    f->hashes.invoice = books_hashes(f->books);
    f->hashes.key = keys_hashes(f->keys);
}

enum err fold_key(struct fold *f, const struct fact *fact, int d, uint32_t *key)
{
    const struct dimension *dim = &f->settings->dimension[d];
    const uint32_t part[FIELD_COUNT] = {[FIELD_CUSTOMER] = fact->customer,
                                        [FIELD_COUNTRY] = fact->country,
                                        [FIELD_STOCK] = fact->stock};

    *key = dim->n_fields ? part[dim->fields[0]] : 0;
    if (dim->n_fields < 2)
        return ERR_OK;
    enum err e = keys_pair(f->keys, *key, part[dim->fields[1]], key);
    f->hashes.key = keys_hashes(f->keys);
    return e;
}

enum err fold_catch_up(struct fold *f, struct slice *s)
{
    if (!s->waiting.n)
        return ERR_OK;
    return waiting_count(&s->waiting, s->set, s->dimensions, &f->bench.order, &f->hashes);
}

/* Room in a slice for n more sales to wait: when there would be too many, they are counted. */
static enum err room_to_wait(struct fold *f, struct slice *s, uint32_t n)
{
    return s->waiting.n + n > WAITING_MAX ? fold_catch_up(f, s) : ERR_OK;
}

/* The newest sale of a slice of level 0. */
static enum err let_wait(struct fold *f, const struct fact *fact, const uint32_t *key)
{
    const struct amount amount = cell_amount(fact);
    struct slice *s = fold_slice(f, 0, fact->time_ms);
    enum err e = s ? room_to_wait(f, s, 1) : ERR_NOMEM;

    if (!e)
        e = waiting_add(&s->waiting, &amount, key, f->settings->n_dimensions);
    if (!e)
        s->changed = s->unsaved = true;
    return e;
}

enum err fold_count(struct fold *f, struct slice *s, uint32_t dimensions, const struct fact *fact,
                    const uint32_t *key)
{
    enum err e = ERR_OK;

    for (int d = 0; !e && d < f->settings->n_dimensions; d++) {
        if (!(dimensions & 1u << d))
            continue;
        struct cell *c = cellset_touch(&s->set[d], key[d]);
        e = c ? cell_add(c, fact, &f->hashes) : ERR_NOMEM;
    }
    s->changed = true;
    s->unsaved = true;
    return e;
}

struct slice *fold_slice(struct fold *f, int level, int64_t t)
{
    struct level *l = &f->level[level];
    struct slice *s = level_at(l, t);
    bool made;

    if (s)
        return s;
    int64_t start = level ? grid_floor(&f->grid[level], t) : fold_slice_start(f, t);
    int64_t end = level ? grid_next(&f->grid[level], t) : fold_slice_end(f, t);
    s = level_slice(l, start, end, f->settings->n_dimensions, &made);
    if (s && made)
        s->needed_until = fold_needed_until(f, level, start);
    return s;
}

/* Notes that the row of this key in a fired instance changes once more. */
static enum err reopen_row(struct fold *f, struct window *w, int d, struct window_span span,
                           uint32_t key)
{
    int place = (int)(w - f->window);
    struct reopened_row *row = reopened_find(&f->reopened, place, d, key, span.end);
    bool has;

    if (row) {
        reopened_touch(&f->reopened, row);
        return ERR_OK;
    }
    enum err e = emit_has(f, w, d, span, key, &has);
    if (e)
        return e;
    return reopened_add(&f->reopened, &(struct reopened_row){.window = place,
                                                             .dimension = d,
                                                             .key = key,
                                                             .span = span,
                                                             .version = has ? 1 : 0,
                                                             .pending = true,
                                                             .changed = true});
}

static enum err reopen_instance(struct fold *f, struct window *w, struct window_span span,
                                const uint32_t *key)
{
    enum err e = ERR_OK;

    for (int d = 0; !e && d < f->settings->n_dimensions; d++) {
        if (w->series[d])
            e = reopen_row(f, w, d, span, key[d]);
    }
    return e;
}

static enum err reopen_window(struct fold *f, struct window *w, int64_t t, const uint32_t *key)
{
    struct window_span span = shape_ending_after(&w->shape, t);
    enum err e = ERR_OK;

    for (; !e && span.start <= t; span = shape_ending_after(&w->shape, span.end)) {
        bool current = w->setting->keep != KEEP_NEWEST || span.end == w->current.end;
        if (current && window_fired(f, w, span))
            e = reopen_instance(f, w, span, key);
    }
    return e;
}

/* Before a sale is added: which fired instances does it change? */
static enum err reopen_fired(struct fold *f, int64_t t, const uint32_t *key)
{
    enum err e = ERR_OK;

    for (int i = 0; !e && i < f->n_windows; i++) {
        if (f->window[i].setting->type != WINDOW_SESSION)
            e = reopen_window(f, &f->window[i], t, key);
    }
    return e;
}

static enum err add_to_sessions(struct fold *f, const struct fact *fact, const uint32_t *key,
                                struct parcel *out)
{
    enum err e = ERR_OK;

    for (int i = 0; !e && i < f->n_windows; i++) {
        struct window *w = &f->window[i];
        for (int d = 0; !e && d < f->settings->n_dimensions; d++) {
            if (!w->sessions[d])
                continue;
            e = sessions_add(w->sessions[d], key[d], fact, &f->hashes, out);
            f->next_event_ms = min64(f->next_event_ms, sessions_next_end(w->sessions[d]));
        }
    }
    return e;
}

static enum err add_fact(struct fold *f, const struct fact *fact, struct parcel *out)
{
    uint32_t key[SETTINGS_DIMENSIONS_MAX] = {0};
    enum err e = ERR_OK;

    fold_hashes(f);
    for (int d = 0; !e && d < f->settings->n_dimensions; d++)
        e = fold_key(f, fact, d, &key[d]);
    if (!e && (fact->time_ms < f->watermark_ms || fact->time_ms < f->end_horizon_ms))
        e = reopen_fired(f, fact->time_ms, key);
    if (!e)
        e = let_wait(f, fact, key);
    for (int k = 1; !e && k < f->n_levels; k++) {
        if (fact->time_ms >= f->level[k].built_until)
            continue;
        struct slice *s = fold_slice(f, k, fact->time_ms);
        e = s ? fold_count(f, s, f->level[k].dimensions, fact, key) : ERR_NOMEM;
    }
    if (!e)
        e = add_to_sessions(f, fact, key, out);
    f->highest_ms = max64(f->highest_ms, fact->time_ms);
    return e;
}

/* What changed since the last commit is passed on: the slice may be dropped before it. */
static enum err add_cells_to_pane(struct fold *f, struct cellset *pane, const struct cellset *slice)
{
    enum err e = ERR_OK;

    for (uint32_t i = 0; !e && i < slice->n; i++) {
        const struct cell *from = &slice->cell[i];
        struct cell *into =
            cellset_changed(from) ? cellset_touch(pane, from->key) : cellset_cell(pane, from->key);
        e = into ? cell_merge(into, from, &f->hashes) : ERR_NOMEM;
    }
    return e;
}

static enum err add_to_pane(struct fold *f, struct slice *pane, const struct slice *from)
{
    enum err e = room_to_wait(f, pane, from->waiting.n);

    if (!e)
        e = waiting_append(&pane->waiting, &from->waiting);
    for (int d = 0; !e && d < f->settings->n_dimensions; d++) {
        if (pane->dimensions & 1u << d)
            e = add_cells_to_pane(f, &pane->set[d], &from->set[d]);
    }
    pane->changed = pane->unsaved = true;
    return e;
}

/* Builds the panes of a level that the watermark has passed. */
static enum err build_panes(struct fold *f, int k)
{
    struct level *base = &f->level[0], *l = &f->level[k];
    int64_t until = grid_floor(&f->grid[k], f->watermark_ms);
    enum err e = ERR_OK;

    if (until <= l->built_until)
        return ERR_OK;
    for (size_t i = level_from(base, l->built_until);
         !e && i < base->n && base->slice[i]->start < until; i++) {
        const struct slice *from = base->slice[i];
        struct slice *pane = fold_slice(f, k, from->start);
        e = pane ? add_to_pane(f, pane, from) : ERR_NOMEM;
    }
    l->built_until = until;
    return e;
}

/* Start of the first slice or pane of a window that ends after t; INT64_MAX: none. */
static int64_t next_content(const struct fold *f, const struct window *w, int64_t t)
{
    int64_t start = INT64_MAX;
    const int levels[] = {0, w->level};

    for (size_t k = 0; k < countof(levels); k++) {
        const struct level *l = &f->level[levels[k]];
        size_t i = level_from(l, t);
        if (i < l->n)
            start = min64(start, l->slice[i]->start);
    }
    return start;
}

/* Which instances fire: those with end in (after, until] and start in (fired, last_start]. */
struct firing {
    int64_t after, until;
    int64_t fired; /* instances starting at or before this fired when a source ended */
    int64_t last_start;
};

static enum err fire(struct fold *f, struct window *w, const struct firing *range,
                     struct parcel *out)
{
    struct window_span span = shape_ending_after(&w->shape, range->after);
    enum err e = ERR_OK;

    while (!e && span.end <= range->until && span.start <= range->last_start) {
        int64_t content = next_content(f, w, span.start);
        if (content == INT64_MAX)
            break;
        if (content >= span.end) {
            span = shape_ending_after(&w->shape, content);
            continue;
        }
        if (span.start > range->fired)
            e = emit_all(f, w, span, out);
        span = shape_ending_after(&w->shape, span.end);
    }
    return e;
}

/* Fires the rows that were touched again, those of windows ending at or before `until`. */
static enum err refire(struct fold *f, int64_t until, struct parcel *out)
{
    struct reopened *r = &f->reopened;
    int64_t next = INT64_MAX;
    enum err e = ERR_OK;

    if (!r->n_pending || r->first_pending_end > until)
        return ERR_OK;
    for (uint32_t i = 0; !e && i < r->n; i++) {
        struct reopened_row *row = &r->row[i];
        if (!row->pending)
            continue;
        if (row->span.end > until) {
            next = min64(next, row->span.end);
            continue;
        }
        row->version++;
        row->pending = row->changed = false;
        r->n_pending--;
        e = emit_key(f, &f->window[row->window], row->dimension, row->span, row->key, out);
    }
    r->first_pending_end = next;
    return e;
}

static bool settled(void *arg, const struct reopened_row *row)
{
    return row->span.end <= *(const int64_t *)arg;
}

static enum err drop_slices(struct fold *f)
{
    int64_t unreachable = f->watermark_ms - f->lateness_ms;
    enum err e = ERR_OK;

    for (int k = 0; !e && k < f->n_levels; k++) {
        struct level *l = &f->level[k];
        size_t n = 0;
        while (!e && n < l->n && l->slice[n]->needed_until <= unreachable)
            e = fold_note_dropped(f, k, l->slice[n++]);
        if (!e)
            level_drop(l, n);
    }
    if (f->reopened.n)
        reopened_forget(&f->reopened, settled, &unreachable);
    return e;
}

static enum err advance_sessions(struct fold *f, struct window *w, struct parcel *out)
{
    int64_t forget = f->watermark_ms - f->lateness_ms;
    enum err e = ERR_OK;

    for (int d = 0; !e && d < f->settings->n_dimensions; d++) {
        if (w->sessions[d])
            e = sessions_advance(w->sessions[d], f->watermark_ms, forget, out);
    }
    return e;
}

void fold_schedule(struct fold *f)
{
    f->next_event_ms = INT64_MAX;
    for (int i = 0; i < f->n_windows; i++) {
        const struct window *w = &f->window[i];
        bool newest = w->setting->keep == KEEP_NEWEST;
        if (w->setting->type != WINDOW_SESSION)
            f->next_event_ms = min64(f->next_event_ms, newest ? w->current.end : w->next_end);
        for (int d = 0; d < f->settings->n_dimensions; d++) {
            if (w->sessions[d])
                f->next_event_ms = min64(f->next_event_ms, sessions_next_end(w->sessions[d]));
        }
    }
}

/* No instance with sales ended at or before this and did not fire: the watermark, or while
 * there was none (a shard without a sale holds it back) the oldest slice. */
static int64_t since(const struct fold *f, int64_t watermark_ms)
{
    const struct level *base = &f->level[0];

    if (watermark_ms != WHEN_NONE)
        return watermark_ms;
    return base->n ? base->slice[0]->start : f->highest_ms;
}

static enum err pass_window(struct fold *f, struct window *w, int64_t before, struct parcel *out)
{
    enum err e = ERR_OK;

    if (w->setting->type == WINDOW_SESSION)
        return advance_sessions(f, w, out);
    if (w->setting->keep == KEEP_NEWEST)
        return w->current.end <= f->watermark_ms ? newest_move(f, w) : ERR_OK;
    if (w->next_end > f->watermark_ms)
        return ERR_OK;
    struct firing range = {since(f, before), f->watermark_ms, f->end_mark_ms, INT64_MAX};
    e = fire(f, w, &range, out);
    w->next_end = shape_ending_after(&w->shape, f->watermark_ms).end;
    return e;
}

/* The watermark moved to an edge or past it. */
static enum err pass_edges(struct fold *f, int64_t before, struct parcel *out)
{
    enum err e = ERR_OK;

    for (int k = 1; !e && k < f->n_levels; k++)
        e = build_panes(f, k);
    for (int i = 0; !e && i < f->n_windows; i++)
        e = pass_window(f, &f->window[i], before, out);
    crash_point("after_fire");
    if (!e)
        e = drop_slices(f);
    fold_schedule(f);
    return e;
}

static enum err advance(struct fold *f, int64_t watermark_ms, struct parcel *out)
{
    int64_t before = f->watermark_ms;
    enum err e;

    f->watermark_ms = watermark_ms;
    e = refire(f, watermark_ms, out);
    if (!e && watermark_ms >= f->next_event_ms)
        e = pass_edges(f, before, out);
    return e;
}

static enum err add(struct fold *f, const struct fact *facts, size_t n, struct parcel *out)
{
    enum err e = ERR_OK;

    for (size_t i = 0; !e && i < n; i++) {
        e = add_fact(f, &facts[i], out);
        if (!e && facts[i].watermark_ms > f->watermark_ms)
            e = advance(f, facts[i].watermark_ms, out);
    }
    return e;
}

static enum err finish_window(struct fold *f, struct window *w, int64_t fired, struct parcel *out)
{
    const struct firing range = {since(f, f->watermark_ms), INT64_MAX, fired, f->highest_ms};
    enum err e = ERR_OK;

    if (w->setting->keep == KEEP_NEWEST)
        return newest_finish(f, w, out);
    if (w->setting->type != WINDOW_SESSION)
        return fire(f, w, &range, out);
    for (int d = 0; !e && d < f->settings->n_dimensions; d++) {
        if (w->sessions[d])
            e = sessions_finish(w->sessions[d], out);
    }
    return e;
}

static enum err catch_up_level(struct fold *f, const struct level *l)
{
    enum err e = ERR_OK;

    for (size_t i = 0; !e && i < l->n; i++)
        e = fold_catch_up(f, l->slice[i]);
    return e;
}

static enum err catch_up(struct fold *f)
{
    enum err e = ERR_OK;

    fold_hashes(f);
    for (int k = 0; !e && k < f->n_levels; k++)
        e = catch_up_level(f, &f->level[k]);
    return e;
}

static enum err finish(struct fold *f, struct parcel *out)
{
    int64_t fired = f->end_mark_ms;
    enum err e;

    if (f->highest_ms == WHEN_NONE)
        return ERR_OK;
    e = catch_up(f);
    if (!e)
        e = refire(f, INT64_MAX, out);
    f->end_mark_ms = f->highest_ms; /* from here on window_fired says yes */
    for (int i = 0; !e && i < f->n_windows; i++) {
        struct window *w = &f->window[i];
        e = finish_window(f, w, fired, out);
        if (w->setting->type != WINDOW_SESSION)
            f->end_horizon_ms = max64(f->end_horizon_ms, shape_last_end(&w->shape, f->highest_ms));
    }
    return e;
}

/* Rows older than a window keeps are deleted by the commit. */
static enum err expire_rows(struct fold *f, struct window *w, struct parcel *out)
{
    enum err e = ERR_OK;

    if (w->setting->keep != KEEP_DURATION || f->watermark_ms == WHEN_NONE)
        return ERR_OK;
    int64_t before =
        grid_floor(&(struct grid){.period_ms = WHEN_SECOND}, f->watermark_ms - w->setting->keep_ms);
    for (int d = 0; !e && d < f->settings->n_dimensions; d++) {
        if (w->series[d])
            e = emit_series(f, w, d, before / WHEN_SECOND, out);
    }
    return e;
}

static enum err snapshot_window(struct fold *f, struct window *w, struct parcel *out)
{
    enum err e = ERR_OK;

    for (int d = 0; !e && d < f->settings->n_dimensions; d++) {
        if (w->sessions[d])
            e = sessions_snapshot(w->sessions[d], out);
    }
    if (!e && w->setting->keep == KEEP_NEWEST)
        e = newest_snapshot(f, w, out);
    else if (!e && w->setting->type != WINDOW_SESSION)
        e = emit_open(f, w, out);
    return e ? e : expire_rows(f, w, out);
}

static enum err snapshot(struct fold *f, struct parcel *out)
{
    enum err e = catch_up(f);

    for (int i = 0; !e && i < f->n_windows; i++)
        e = snapshot_window(f, &f->window[i], out);
    for (uint32_t i = 0; !e && i < f->reopened.n; i++) {
        struct reopened_row *row = &f->reopened.row[i];
        if (row->changed)
            e = emit_key(f, &f->window[row->window], row->dimension, row->span, row->key, out);
        row->changed = false;
    }
    for (int k = 0; k < f->n_levels; k++)
        level_settle(&f->level[k]);
    return e;
}

static void stats(const struct fold *f, struct fold_stats *out)
{
    *out = (struct fold_stats){.rows = f->rows, .memory = sizeof(*f)};
    for (int k = 0; k < f->n_levels; k++) {
        const struct level *l = &f->level[k];
        out->slices += l->n;
        out->memory += level_memory(l);
        for (size_t i = 0; i < l->n; i++) {
            for (int d = 0; d < l->slice[i]->n_sets; d++)
                out->cells += l->slice[i]->set[d].n;
            out->cells += l->slice[i]->waiting.n;
        }
    }
    for (int i = 0; i < f->n_windows; i++) {
        for (int d = 0; d < f->settings->n_dimensions; d++) {
            const struct sessions *sessions = f->window[i].sessions[d];
            if (!sessions)
                continue;
            out->sessions += sessions_count(sessions);
            out->memory += sessions_memory(sessions);
        }
    }
}

static int64_t oldest(const struct fold *f)
{
    int64_t ms = INT64_MAX;

    for (int k = 0; k < f->n_levels; k++) {
        if (f->level[k].n)
            ms = min64(ms, f->level[k].slice[0]->start);
    }
    for (int i = 0; i < f->n_windows; i++) {
        for (int d = 0; d < f->settings->n_dimensions; d++) {
            if (f->window[i].sessions[d])
                ms = min64(ms, sessions_oldest(f->window[i].sessions[d]));
        }
    }
    return ms;
}

static enum err loaded(struct fold *f, struct why *why)
{
    fold_schedule(f);
    return fold_loaded(f, why);
}

const struct fold_kind fold_windows = {
    .open = open_windows,
    .close = close_windows,
    .announce = announce,
    .add = add,
    .merge = fold_merge,
    .finish = finish,
    .snapshot = snapshot,
    .slice_start = fold_slice_start,
    .stats = stats,
    .oldest = oldest,
    .save = fold_save,
    .load = fold_load,
    .loaded = loaded,
};
