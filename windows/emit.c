/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * From cells to rows. A span of a window is covered by cellsets ("pieces"): panes as far
 * as they are built, slices of level 0 past that. With one piece its cells are the answer;
 * with several, the cells of a key are chained and summed into one scratch cell.
 *
 * Rows leave in key order, which is the order in which the store wants them.
 */
#include "windows/order.h"
#include "windows/state.h"

#include <stdlib.h>

void bench_clear(struct bench *b)
{
    free(b->piece);
    free(b->link);
    free(b->head);
    free(b->key);
    cell_clear(&b->sum);
    *b = (struct bench){0};
}

bool window_fired(const struct fold *f, const struct window *w, struct window_span span)
{
    if (w->setting->keep == KEEP_NEWEST)
        return span.end == w->fired_end;
    return span.end <= f->watermark_ms || span.start <= f->end_mark_ms;
}

/* Whether end - start is not the same for all rows: the store then keeps the end. */
static bool length_varies(const struct window *w)
{
    return w->setting->type == WINDOW_SESSION || w->setting->type == WINDOW_CUMULATIVE ||
           w->setting->size_months || w->shape.starts.zone;
}

enum err emit_series(struct fold *f, const struct window *w, int d, int64_t delete_before_s,
                     struct parcel *out)
{
    struct series_row *row = list_add(&out->series);

    if (!row)
        return ERR_NOMEM;
    *row = (struct series_row){.id = w->series[d],
                               .newest = w->setting->keep == KEEP_NEWEST,
                               .by_end = w->setting->type == WINDOW_CUMULATIVE &&
                                         w->setting->keep != KEEP_NEWEST,
                               .span_s = length_varies(w) ? 0 : w->setting->size_ms / WHEN_SECOND,
                               .delete_before_s = delete_before_s};
    if (w->current.end != WHEN_NONE) {
        row->start_s = w->current.start / WHEN_SECOND;
        row->end_s = w->current.end / WHEN_SECOND;
    }
    enum err e = parcel_text(out, str_of(w->setting->name), &row->window);
    return e ? e : parcel_text(out, str_of(f->settings->dimension[d].name), &row->dimension);
}

static enum err add_pieces(struct bench *b, const struct level *l, int d, struct window_span span)
{
    for (size_t i = level_from(l, span.start); i < l->n && l->slice[i]->start < span.end; i++) {
        const struct cellset *set = &l->slice[i]->set[d];
        if (!set->n)
            continue;
        if (b->n_pieces == b->cap_pieces) {
            size_t cap = b->cap_pieces ? b->cap_pieces * 2 : 64;
            const struct cellset **piece = realloc(b->piece, cap * sizeof(const struct cellset *));
            if (!piece)
                return ERR_NOMEM;
            b->piece = piece;
            b->cap_pieces = cap;
        }
        b->piece[b->n_pieces++] = set;
    }
    return ERR_OK;
}

enum err emit_pieces(struct fold *f, const struct window *w, int d, struct window_span span)
{
    const struct level *panes = &f->level[w->level];
    struct window_span rest = span;
    enum err e = ERR_OK;

    f->bench.n_pieces = 0;
    if (w->level > 0) {
        int64_t built = panes->built_until;
        struct window_span done = {span.start, built < span.end ? built : span.end};
        if (done.end > done.start) {
            e = add_pieces(&f->bench, panes, d, done);
            rest.start = done.end;
        }
    }
    if (!e && rest.start < rest.end)
        e = add_pieces(&f->bench, &f->level[0], d, rest);
    return e;
}

void emit_row(struct agg_row *row, const struct cell *c)
{
    static const double p[] = {0.5, 0.9, 0.99};
    int64_t at[3];

    row->key = c->key;
    row->lines = (int64_t)c->lines;
    row->units = c->units;
    row->revenue = c->revenue;
    row->return_lines = (int64_t)c->return_lines;
    row->return_units = c->return_units;
    row->return_revenue = c->return_revenue;
    row->min = c->min;
    row->max = c->max;
    row->invoices = (int64_t)distinct_count(&c->invoices);
    row->customers = (int64_t)distinct_count(&c->customers);
    if (c->lines == 1) {
        row->p50 = row->p90 = row->p99 = c->min;
        return;
    }
    quantile_at(&c->values, c->min, c->max, p, countof(p), at);
    row->p50 = at[0];
    row->p90 = at[1];
    row->p99 = at[2];
    row->sd = cell_sd(c);
}

/* A new row with everything but the measures. */
static struct agg_row *add_row(struct fold *f, struct window *w, int d, struct window_span span,
                               uint32_t key, struct parcel *out)
{
    struct agg_row *row = list_add(&out->rows);
    const struct reopened_row *again;

    if (!row)
        return NULL;
    again = reopened_find(&f->reopened, (int)(w - f->window), d, key, span.end);
    bool fired = window_fired(f, w, span);
    row->series = w->series[d];
    row->op = ROW_PUT;
    row->key = key;
    row->start_s = span.start / WHEN_SECOND;
    row->end_s = span.end / WHEN_SECOND;
    row->final = again ? !again->pending : fired;
    row->version = again ? again->version : fired;
    f->rows++;
    return row;
}

static enum err emit_cell(struct fold *f, struct window *w, int d, struct window_span span,
                          const struct cell *c, struct parcel *out)
{
    struct agg_row *row = add_row(f, w, d, span, c->key, out);

    if (!row)
        return ERR_NOMEM;
    emit_row(row, c);
    return ERR_OK;
}

static enum err room_for_keys(struct bench *b, size_t links, uint32_t keys)
{
    if (links > b->cap_links) {
        struct link *link = realloc(b->link, links * 2 * sizeof(*link));
        if (!link)
            return ERR_NOMEM;
        b->link = link;
        b->cap_links = links * 2;
    }
    if (links * 2 > b->cap_keys) {
        uint32_t *key = realloc(b->key, links * 4 * sizeof(*key));
        if (!key)
            return ERR_NOMEM;
        b->key = key;
        b->cap_keys = links * 4;
    }
    if (keys > b->cap_head) {
        uint32_t *head = realloc(b->head, (size_t)keys * 2 * sizeof(*head));
        if (!head)
            return ERR_NOMEM;
        memset(head + b->cap_head, 0, ((size_t)keys * 2 - b->cap_head) * sizeof(*head));
        b->head = head;
        b->cap_head = keys * 2;
    }
    return ERR_OK;
}

/* bench.key has room for twice its keys. */
static void sort_keys(struct bench *b)
{
    if (b->n_keys)
        order_keys(b->key, b->n_keys, b->key + b->n_keys);
}

/* Chains the cells of every key over all pieces and sorts the keys. */
static enum err chain_pieces(struct fold *f)
{
    struct bench *b = &f->bench;
    size_t links = 0;

    for (size_t i = 0; i < b->n_pieces; i++)
        links += b->piece[i]->n;
    enum err e = room_for_keys(b, links, keys_count(f->keys));
    if (e)
        return e;
    b->n_links = b->n_keys = 0;
    for (size_t i = 0; i < b->n_pieces; i++) {
        for (uint32_t k = 0; k < b->piece[i]->n; k++) {
            const struct cell *c = &b->piece[i]->cell[k];
            if (!b->head[c->key])
                b->key[b->n_keys++] = c->key;
            b->link[b->n_links] = (struct link){c, b->head[c->key]};
            b->head[c->key] = (uint32_t)++b->n_links;
        }
    }
    sort_keys(b);
    return ERR_OK;
}

static enum err sum_chain(struct fold *f, uint32_t key, uint32_t first, const struct cell **out)
{
    struct bench *b = &f->bench;
    const struct link *l = &b->link[first - 1];
    enum err e = ERR_OK;

    *out = l->cell;
    if (!l->next)
        return ERR_OK;
    cell_reset(&b->sum);
    b->sum.key = key;
    while (!e && l) {
        e = cell_merge(&b->sum, l->cell, &f->hashes);
        l = l->next ? &b->link[l->next - 1] : NULL;
    }
    *out = &b->sum;
    return e;
}

static enum err emit_dimension(struct fold *f, struct window *w, int d, struct window_span span,
                               struct parcel *out)
{
    struct bench *b = &f->bench;
    enum err e = emit_pieces(f, w, d, span);

    if (!e)
        e = chain_pieces(f);
    for (size_t i = 0; !e && i < b->n_keys; i++) {
        const struct cell *c;
        e = sum_chain(f, b->key[i], b->head[b->key[i]], &c);
        if (!e)
            e = emit_cell(f, w, d, span, c, out);
    }
    for (size_t i = 0; i < b->n_keys; i++)
        b->head[b->key[i]] = 0;
    b->n_keys = 0;
    return e;
}

enum err emit_all(struct fold *f, struct window *w, struct window_span span, struct parcel *out)
{
    enum err e = ERR_OK;

    for (int d = 0; !e && d < f->settings->n_dimensions; d++) {
        if (w->series[d])
            e = emit_dimension(f, w, d, span, out);
    }
    return e;
}

/* The cells of one key summed over the pieces at hand; NULL: it has none. */
static enum err sum_key(struct fold *f, uint32_t key, const struct cell **out)
{
    struct bench *b = &f->bench;
    const struct cell *first = NULL;
    bool summing = false;
    enum err e = ERR_OK;

    for (size_t i = 0; !e && i < b->n_pieces; i++) {
        const struct cell *c = cellset_find(b->piece[i], key);
        if (!c)
            continue;
        if (!first) {
            first = c;
            continue;
        }
        if (!summing) {
            summing = true;
            cell_reset(&b->sum);
            b->sum.key = key;
            e = cell_merge(&b->sum, first, &f->hashes);
        }
        if (!e)
            e = cell_merge(&b->sum, c, &f->hashes);
    }
    *out = summing ? &b->sum : first;
    return e;
}

static enum err emit_summed(struct fold *f, struct window *w, int d, struct window_span span,
                            uint32_t key, struct parcel *out)
{
    const struct cell *c;
    enum err e = sum_key(f, key, &c);

    if (e)
        return e;
    if (c)
        return emit_cell(f, w, d, span, c, out);
    struct agg_row *row = add_row(f, w, d, span, key, out);
    if (!row)
        return ERR_NOMEM;
    row->op = ROW_DELETE;
    return ERR_OK;
}

enum err emit_key(struct fold *f, struct window *w, int d, struct window_span span, uint32_t key,
                  struct parcel *out)
{
    enum err e = emit_pieces(f, w, d, span);

    return e ? e : emit_summed(f, w, d, span, key, out);
}

enum err emit_has(struct fold *f, struct window *w, int d, struct window_span span, uint32_t key,
                  bool *has)
{
    enum err e = emit_pieces(f, w, d, span);

    *has = false;
    for (size_t i = 0; !e && !*has && i < f->bench.n_pieces; i++)
        *has = cellset_find(f->bench.piece[i], key) != NULL;
    return e;
}

/* Adds the changed keys of a level's slices within the span to bench.key. */
static enum err add_changed(struct fold *f, const struct level *l, int d, struct window_span span)
{
    struct bench *b = &f->bench;
    size_t n = b->n_keys;
    enum err e;

    for (size_t i = level_from(l, span.start); i < l->n && l->slice[i]->start < span.end; i++)
        n += l->slice[i]->set[d].n_changed;
    e = room_for_keys(b, n, keys_count(f->keys));
    for (size_t i = level_from(l, span.start); !e && i < l->n && l->slice[i]->start < span.end;
         i++) {
        const struct cellset *set = &l->slice[i]->set[d];
        for (uint32_t k = 0; k < set->n_changed; k++) {
            uint32_t key = set->cell[set->changed[k]].key;
            if (!b->head[key])
                b->key[b->n_keys++] = key;
            b->head[key] = 1;
        }
    }
    return e;
}

/* The changed keys within the span into bench.key, sorted. Slices of level 0 may be gone
 * already, but what changed in them is marked in their pane then. */
static enum err changed_keys(struct fold *f, const struct window *w, int d, struct window_span span)
{
    struct bench *b = &f->bench;
    enum err e;

    b->n_keys = 0;
    e = add_changed(f, &f->level[0], d, span);
    if (!e && w->level > 0)
        e = add_changed(f, &f->level[w->level], d, span);
    for (size_t i = 0; i < b->n_keys; i++)
        b->head[b->key[i]] = 0;
    sort_keys(b);
    return e;
}

static enum err emit_changed(struct fold *f, struct window *w, int d, struct window_span span,
                             struct parcel *out)
{
    enum err e = changed_keys(f, w, d, span);

    if (!e)
        e = emit_pieces(f, w, d, span);
    for (size_t i = 0; !e && i < f->bench.n_keys; i++)
        e = emit_summed(f, w, d, span, f->bench.key[i], out);
    return e;
}

/* The first changed slice or pane of a window that ends after t, NULL: none. */
static const struct slice *next_changed(const struct fold *f, const struct window *w, int64_t t)
{
    const struct level *const levels[] = {&f->level[0], &f->level[w->level]};
    const struct slice *first = NULL;

    for (size_t k = 0; k < countof(levels); k++) {
        size_t i = level_from(levels[k], t);
        while (i < levels[k]->n && !levels[k]->slice[i]->changed)
            i++;
        if (i < levels[k]->n && (!first || levels[k]->slice[i]->start < first->start))
            first = levels[k]->slice[i];
    }
    return first;
}

/* The changed keys of one open instance. */
static enum err emit_instance(struct fold *f, struct window *w, struct window_span span,
                              struct parcel *out)
{
    enum err e = ERR_OK;

    for (int d = 0; !e && d < f->settings->n_dimensions; d++) {
        if (w->series[d])
            e = emit_changed(f, w, d, span, out);
    }
    return e;
}

enum err emit_open(struct fold *f, struct window *w, struct parcel *out)
{
    const struct slice *s = next_changed(f, w, INT64_MIN);
    enum err e = ERR_OK;

    if (!s)
        return ERR_OK;
    struct window_span span = shape_ending_after(&w->shape, s->start);
    while (!e && s) {
        bool holds = s->start < span.end;
        if (holds && !window_fired(f, w, span))
            e = emit_instance(f, w, span, out);
        span = shape_ending_after(&w->shape, holds ? span.end : s->start);
        s = next_changed(f, w, span.start);
    }
    return e;
}
