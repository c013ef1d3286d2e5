/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * From sales and cells to rows. A span of a window is covered by slices ("pieces"): panes as
 * far as they are built, slices of level 0 past that. One piece whose sales still wait gives
 * its rows at once; else the pieces' cells catch up. With one piece its cells are the answer;
 * with several, the cells of a key are chained and summed into one scratch cell.
 *
 * Rows leave in key order, which is the order in which the store wants them.
 */
#include "windows/order.h"
#include "windows/state.h"

#include <stdlib.h>

#define FEW 32 /* sales of a key that need no cell to be summed up */

static const double shown[] = {0.5, 0.9, 0.99}; /* the quantiles of a row */

void bench_clear(struct bench *b)
{
    free(b->piece);
    free(b->link);
    free(b->head);
    free(b->key);
    waiting_order_clear(&b->order);
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

static enum err add_pieces(struct bench *b, const struct level *l, struct window_span span)
{
    for (size_t i = level_from(l, span.start); i < l->n && l->slice[i]->start < span.end; i++) {
        if (b->n_pieces == b->cap_pieces) {
            size_t cap = b->cap_pieces ? b->cap_pieces * 2 : 64;
            struct slice **piece = realloc(b->piece, cap * sizeof(struct slice *));
            if (!piece)
                return ERR_NOMEM;
            b->piece = piece;
            b->cap_pieces = cap;
        }
        b->piece[b->n_pieces++] = l->slice[i];
    }
    return ERR_OK;
}

enum err emit_pieces(struct fold *f, const struct window *w, struct window_span span)
{
    const struct level *panes = &f->level[w->level];
    struct window_span rest = span;
    enum err e = ERR_OK;

    f->bench.n_pieces = 0;
    if (w->level > 0) {
        int64_t built = panes->built_until;
        struct window_span done = {span.start, built < span.end ? built : span.end};
        if (done.end > done.start) {
            e = add_pieces(&f->bench, panes, done);
            rest.start = done.end;
        }
    }
    if (!e && rest.start < rest.end)
        e = add_pieces(&f->bench, &f->level[0], rest);
    return e;
}

static enum err count_pieces(struct fold *f)
{
    enum err e = ERR_OK;

    for (size_t i = 0; !e && i < f->bench.n_pieces; i++)
        e = fold_catch_up(f, f->bench.piece[i]);
    return e;
}

static enum err counted_pieces(struct fold *f, const struct window *w, struct window_span span)
{
    enum err e = emit_pieces(f, w, span);

    return e ? e : count_pieces(f);
}

void emit_row(struct agg_row *row, const struct cell *c)
{
    int64_t at[countof(shown)];

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
    quantile_at(&c->values, c->min, c->max, shown, countof(shown), at);
    row->p50 = at[0];
    row->p90 = at[1];
    row->p99 = at[2];
    row->sd = cell_sd(c);
}

/* What the rows of one span have in common. */
static struct agg_row row_like(const struct fold *f, const struct window *w, int d,
                               struct window_span span)
{
    bool fired = window_fired(f, w, span);

    return (struct agg_row){.series = w->series[d],
                            .op = ROW_PUT,
                            .start_s = span.start / WHEN_SECOND,
                            .end_s = span.end / WHEN_SECOND,
                            .final = fired,
                            .version = fired};
}

struct rows {
    struct fold *fold;
    struct window *window;
    int dimension;
    struct window_span span;
    struct agg_row like; /* row_like */
    struct parcel *out;
};

static struct rows rows_of(struct fold *f, struct window *w, int d, struct window_span span,
                           struct parcel *out)
{
    return (struct rows){f, w, d, span, row_like(f, w, d, span), out};
}

/* A new row with everything but the measures. */
static struct agg_row *add_row(struct rows *r, uint32_t key)
{
    struct fold *f = r->fold;
    struct agg_row *row = list_put(&r->out->rows, &r->like);

    if (!row)
        return NULL;
    row->key = key;
    f->rows++;
    if (!f->reopened.n)
        return row;
    const struct reopened_row *again =
        reopened_find(&f->reopened, (int)(r->window - f->window), r->dimension, key, r->span.end);
    if (again) {
        row->final = !again->pending;
        row->version = again->version;
    }
    return row;
}

static enum err emit_cell(struct rows *r, const struct cell *c)
{
    struct agg_row *row = add_row(r, c->key);

    if (!row)
        return ERR_NOMEM;
    emit_row(row, c);
    return ERR_OK;
}

/* ---- straight from the sales that wait in a slice ---- */

/* The row of a key with one sale. */
static void row_of_sale(struct agg_row *row, const struct amount *a)
{
    row->lines = row->invoices = 1;
    row->customers = a->customer != 0;
    row->units = a->quantity;
    row->revenue = a->value;
    if (a->quantity < 0) {
        row->return_lines = 1;
        row->return_units = a->quantity;
        row->return_revenue = a->value;
    }
    row->min = row->max = row->p50 = row->p90 = row->p99 = a->value;
}

/* How many different ones there are; those that follow each other are often the same. */
static int64_t count_different(const uint32_t *id, uint32_t n)
{
    int64_t different = 0;

    for (uint32_t i = 0; i < n; i++) {
        uint32_t k = i;
        while (k > 0 && id[k - 1] != id[i])
            k--;
        different += k == 0;
    }
    return different;
}

/* The row of up to FEW sales: what a cell would say, without making one. */
static void row_of_few(struct agg_row *row, const struct waiting *q, const uint64_t *place,
                       uint32_t n)
{
    __extension__ unsigned __int128 squares = 0;
    uint32_t invoice[FEW], customer[FEW], named = 0;
    int16_t bucket[FEW];
    int64_t at[countof(shown)];

    row->min = INT64_MAX;
    row->max = INT64_MIN;
    row->lines = n;
    for (uint32_t i = 0; i < n; i++) {
        const struct amount *a = &waiting_at(q, (uint32_t)place[i])->amount;
        invoice[i] = a->invoice;
        customer[named] = a->customer;
        named += a->customer != 0;
        bucket[i] = a->bucket;
        row->units += a->quantity;
        row->revenue += a->value;
        row->return_lines += a->quantity < 0;
        row->return_units += a->quantity < 0 ? a->quantity : 0;
        row->return_revenue += a->quantity < 0 ? a->value : 0;
        row->min = a->value < row->min ? a->value : row->min;
        row->max = a->value > row->max ? a->value : row->max;
        squares += cell_square(a->value);
    }
    row->invoices = count_different(invoice, n);
    row->customers = count_different(customer, named);
    quantile_of_list((struct quantile_list){bucket, n}, row->min, row->max, shown, countof(shown),
                     at);
    row->p50 = at[0];
    row->p90 = at[1];
    row->p99 = at[2];
    row->sd = cell_deviation(n, row->revenue, squares);
}

static enum err emit_group(struct rows *r, const struct waiting *q, uint32_t from, uint32_t to,
                           uint32_t key)
{
    struct bench *b = &r->fold->bench;

    if (to - from > FEW) {
        cell_reset(&b->sum);
        b->sum.key = key;
        enum err e = waiting_add_to(q, &b->order, from, to, &b->sum, &r->fold->hashes);
        return e ? e : emit_cell(r, &b->sum);
    }
    struct agg_row *row = add_row(r, key);
    if (!row)
        return ERR_NOMEM;
    if (to - from == 1)
        row_of_sale(row, &waiting_at(q, (uint32_t)b->order.place[from])->amount);
    else
        row_of_few(row, q, b->order.place + from, to - from);
    return ERR_OK;
}

static enum err emit_waiting(struct rows *r, const struct waiting *q)
{
    struct waiting_order *order = &r->fold->bench.order;
    enum err e = waiting_sort(q, r->dimension, order);

    for (uint32_t from = 0, to; !e && from < q->n; from = to) {
        uint32_t key;
        to = waiting_group(q, order, from, &key);
        e = emit_group(r, q, from, to, key);
    }
    return e;
}

/* ---- from cells ---- */

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
        uint64_t *key = realloc(b->key, links * 4 * sizeof(*key));
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
        order_by_key(b->key, b->n_keys, b->key + b->n_keys);
}

static uint32_t key_at(const struct bench *b, size_t i)
{
    return (uint32_t)(b->key[i] >> 32);
}

static void unchain(struct bench *b)
{
    for (size_t i = 0; i < b->n_keys; i++)
        b->head[key_at(b, i)] = 0;
    b->n_keys = 0;
}

/* Chains the cells of every key over all pieces. */
static enum err chain_pieces(struct fold *f, int d)
{
    struct bench *b = &f->bench;
    size_t links = 0;

    for (size_t i = 0; i < b->n_pieces; i++)
        links += b->piece[i]->set[d].n;
    enum err e = room_for_keys(b, links, keys_count(f->keys));
    if (e)
        return e;
    b->n_links = b->n_keys = 0;
    for (size_t i = 0; i < b->n_pieces; i++) {
        const struct cellset *set = &b->piece[i]->set[d];
        for (uint32_t k = 0; k < set->n; k++) {
            const struct cell *c = &set->cell[k];
            if (!b->head[c->key])
                b->key[b->n_keys++] = (uint64_t)c->key << 32;
            b->link[b->n_links] = (struct link){c, b->head[c->key]};
            b->head[c->key] = (uint32_t)++b->n_links;
        }
    }
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

static enum err emit_chained(struct rows *r)
{
    struct bench *b = &r->fold->bench;
    enum err e = chain_pieces(r->fold, r->dimension);

    if (!e)
        sort_keys(b);
    for (size_t i = 0; !e && i < b->n_keys; i++) {
        const struct cell *c;
        e = sum_chain(r->fold, key_at(b, i), b->head[key_at(b, i)], &c);
        if (!e)
            e = emit_cell(r, c);
    }
    unchain(b);
    return e;
}

/* The only piece, if its sales all wait. */
static const struct waiting *waiting_alone(const struct bench *b)
{
    const struct slice *s = b->n_pieces == 1 ? b->piece[0] : NULL;

    if (!s || !s->waiting.n)
        return NULL;
    for (int d = 0; d < s->n_sets; d++) {
        if (s->set[d].n)
            return NULL;
    }
    return &s->waiting;
}

enum err emit_all(struct fold *f, struct window *w, struct window_span span, struct parcel *out)
{
    enum err e = emit_pieces(f, w, span);
    const struct waiting *alone = waiting_alone(&f->bench);

    if (!e && !alone)
        e = count_pieces(f);
    for (int d = 0; !e && d < f->settings->n_dimensions; d++) {
        if (!w->series[d])
            continue;
        struct rows r = rows_of(f, w, d, span, out);
        e = alone ? emit_waiting(&r, alone) : emit_chained(&r);
    }
    return e;
}

/* The cells of one key summed over the pieces at hand; NULL: it has none. */
static enum err sum_key(struct fold *f, int d, uint32_t key, const struct cell **out)
{
    struct bench *b = &f->bench;
    const struct cell *first = NULL;
    bool summing = false;
    enum err e = ERR_OK;

    for (size_t i = 0; !e && i < b->n_pieces; i++) {
        const struct cell *c = cellset_find(&b->piece[i]->set[d], key);
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

/* The row of a key whose cells are summed up in `c`; NULL: it has no sales. */
static enum err emit_sum(struct rows *r, uint32_t key, const struct cell *c)
{
    if (c)
        return emit_cell(r, c);
    struct agg_row *row = add_row(r, key);
    if (!row)
        return ERR_NOMEM;
    row->op = ROW_DELETE;
    return ERR_OK;
}

static enum err emit_summed(struct rows *r, uint32_t key)
{
    const struct cell *c;
    enum err e = sum_key(r->fold, r->dimension, key, &c);

    return e ? e : emit_sum(r, key, c);
}

enum err emit_key(struct fold *f, struct window *w, int d, struct window_span span, uint32_t key,
                  struct parcel *out)
{
    struct rows r = rows_of(f, w, d, span, out);
    enum err e = counted_pieces(f, w, span);

    return e ? e : emit_summed(&r, key);
}

/* All keys at once when that means fewer steps than looking each up in each piece. */
static bool chaining_pays(const struct bench *b, int d, size_t n_keys)
{
    size_t cells = 0;

    for (size_t i = 0; i < b->n_pieces; i++)
        cells += b->piece[i]->set[d].n;
    return cells < n_keys * b->n_pieces;
}

enum err emit_keys(struct fold *f, struct window *w, int d, struct window_span span,
                   const struct keyset *keys, struct parcel *out)
{
    struct bench *b = &f->bench;
    struct rows r = rows_of(f, w, d, span, out);
    enum err e = counted_pieces(f, w, span);
    bool chain = !e && chaining_pays(b, d, keys->n);

    if (chain)
        e = chain_pieces(f, d);
    for (size_t i = 0; !e && i < keys->n; i++) {
        const struct cell *c = NULL;
        uint32_t key = keys->key[i], first = chain ? b->head[key] : 0;
        if (!chain)
            e = emit_summed(&r, key);
        else if (first)
            e = sum_chain(f, key, first, &c);
        if (!e && chain)
            e = emit_sum(&r, key, c);
    }
    if (chain)
        unchain(b);
    return e;
}

enum err emit_has(struct fold *f, struct window *w, int d, struct window_span span, uint32_t key,
                  bool *has)
{
    enum err e = counted_pieces(f, w, span);

    *has = false;
    for (size_t i = 0; !e && !*has && i < f->bench.n_pieces; i++)
        *has = cellset_find(&f->bench.piece[i]->set[d], key) != NULL;
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
                b->key[b->n_keys++] = (uint64_t)key << 32;
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
        b->head[key_at(b, i)] = 0;
    sort_keys(b);
    return e;
}

static enum err emit_changed(struct fold *f, struct window *w, int d, struct window_span span,
                             struct parcel *out)
{
    struct rows r = rows_of(f, w, d, span, out);
    enum err e = changed_keys(f, w, d, span);

    if (!e)
        e = counted_pieces(f, w, span);
    for (size_t i = 0; !e && i < f->bench.n_keys; i++)
        e = emit_summed(&r, key_at(&f->bench, i));
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
