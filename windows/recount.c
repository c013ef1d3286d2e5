/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Wanted rows lie sorted by (series, key, start); those of one series and key are a group,
 * found by hashing. A sale looks, in each series, for its key's group, and in that, from the
 * last row that starts at or before the sale, back as far as the longest span reaches. So a
 * sale costs a probe and a binary search per series, however many rows are wanted.
 *
 * The stretches of time that wanted spans cover are merged into disjoint ones, to see at once
 * which chunks and which sales can matter.
 *
 * Invariants:
 *  (1) once ready, rows are unique and in order; `stretch` is ascending, disjoint, and covers
 *      all spans.
 *  (2) an invoice is mapped when its first sale is counted: the hashes are asked for after.
 */
#include "windows/recount.h"

#include "windows/state.h"

#include <assert.h>
#include <stdlib.h>

#define MAP_MAX ((uint64_t)1 << 31) /* numbers of keys and invoices in a ledger are below */

struct want {
    uint32_t series, key;
    struct window_span span;
    struct cell cell;
};

struct group {
    uint32_t series, key;
    size_t first, n;
    int64_t longest;
};

struct series {
    struct dimension dimension;
    bool wanted, all;
    struct window_span whole; /* if all: */
    struct cellset set;
};

struct recount {
    struct recount_setup setup;
    struct hashes hashes;
    struct list series;  /* struct series */
    struct list wants;   /* struct want */
    struct list groups;  /* struct group */
    struct list stretch; /* struct window_span */
    size_t *index;       /* of groups, by hash: place + 1 */
    size_t mask;
    bool ready;
};

/* ---- life ---- */

enum err recount_open(const struct recount_setup *setup, struct recount **out)
{
    struct recount *r = calloc(1, sizeof(*r));

    if (!r)
        return ERR_NOMEM;
    r->setup = *setup;
    list_init(&r->series, sizeof(struct series));
    list_init(&r->wants, sizeof(struct want));
    list_init(&r->groups, sizeof(struct group));
    list_init(&r->stretch, sizeof(struct window_span));
    *out = r;
    return ERR_OK;
}

void recount_close(struct recount *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < r->wants.n; i++)
        cell_clear(&((struct want *)list_at(&r->wants, i))->cell);
    for (size_t i = 0; i < r->series.n; i++)
        cellset_clear(&((struct series *)list_at(&r->series, i))->set);
    list_clear(&r->series);
    list_clear(&r->wants);
    list_clear(&r->groups);
    list_clear(&r->stretch);
    free(r->index);
    free(r);
}

void recount_forget(struct recount_ledger *l)
{
    free(l->keys.common);
    free(l->invoices.common);
    l->keys = l->invoices = (struct recount_map){NULL, 0};
}

/* ---- what is wanted ---- */

static struct series *series_at(const struct recount *r, size_t i)
{
    return list_at(&r->series, i);
}

static struct want *want_at(const struct recount *r, size_t i)
{
    return list_at(&r->wants, i);
}

enum err recount_series(struct recount *r, const struct dimension *d, uint32_t *series)
{
    struct series *s = r->series.n < RECOUNT_SERIES_MAX ? list_add(&r->series) : NULL;

    if (!s)
        return r->series.n < RECOUNT_SERIES_MAX ? ERR_NOMEM : ERR_LIMIT;
    s->dimension = *d;
    *series = (uint32_t)r->series.n - 1;
    return ERR_OK;
}

static enum err add_stretch(struct recount *r, struct window_span span)
{
    struct window_span *s = list_add(&r->stretch);

    if (s)
        *s = span;
    return s ? ERR_OK : ERR_NOMEM;
}

enum err recount_want(struct recount *r, uint32_t series, struct window_span span, uint32_t key)
{
    struct want *w = NULL;
    enum err e = add_stretch(r, span);

    assert(!r->ready);
    if (!e) {
        w = list_add(&r->wants);
        e = w ? ERR_OK : ERR_NOMEM;
    }
    if (e)
        return e;
    *w = (struct want){.series = series, .key = key, .span = span};
    cell_init(&w->cell, key);
    series_at(r, series)->wanted = true;
    return ERR_OK;
}

enum err recount_want_all(struct recount *r, uint32_t series, struct window_span span)
{
    struct series *s = series_at(r, series);

    assert(!r->ready && !s->all);
    s->all = true;
    s->whole = span;
    return add_stretch(r, span);
}

static int by_number(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int by_place(const void *a, const void *b)
{
    const struct want *x = a, *y = b;
    int c = by_number(x->series, y->series);

    c = c ? c : by_number(x->key, y->key);
    c = c ? c : by_number(x->span.start, y->span.start);
    return c ? c : by_number(x->span.end, y->span.end);
}

static int by_start(const void *a, const void *b)
{
    const struct window_span *x = a, *y = b;

    return by_number(x->start, y->start);
}

/* Sorts the wanted rows and drops those asked for twice, which are still empty. */
static void sort_wants(struct recount *r)
{
    size_t n = 0;

    if (r->wants.n > 1)
        qsort(r->wants.p, r->wants.n, r->wants.size, by_place);
    for (size_t i = 0; i < r->wants.n; i++) {
        if (n == 0 || by_place(want_at(r, n - 1), want_at(r, i)) != 0)
            *want_at(r, n++) = *want_at(r, i);
    }
    r->wants.n = n;
}

static void merge_stretches(struct recount *r)
{
    size_t n = 0;

    if (r->stretch.n > 1)
        qsort(r->stretch.p, r->stretch.n, r->stretch.size, by_start);
    for (size_t i = 0; i < r->stretch.n; i++) {
        struct window_span next = *(struct window_span *)list_at(&r->stretch, i);
        struct window_span *last = n ? list_at(&r->stretch, n - 1) : NULL;
        if (last && next.start <= last->end)
            last->end = next.end > last->end ? next.end : last->end;
        else
            *(struct window_span *)list_at(&r->stretch, n++) = next;
    }
    r->stretch.n = n;
}

static size_t home(const struct recount *r, uint32_t series, uint32_t key)
{
    uint64_t h = ((uint64_t)series << 32 | key) * UINT64_C(0x9e3779b97f4a7c15);

    return (size_t)(h >> 32) & r->mask;
}

static const struct group *group_of(const struct recount *r, uint32_t series, uint32_t key)
{
    if (!r->index)
        return NULL;
    for (size_t i = home(r, series, key); r->index[i]; i = (i + 1) & r->mask) {
        const struct group *g = list_at(&r->groups, r->index[i] - 1);
        if (g->series == series && g->key == key)
            return g;
    }
    return NULL;
}

static enum err make_groups(struct recount *r)
{
    struct group *g = NULL;

    for (size_t i = 0; i < r->wants.n; i++) {
        const struct want *w = want_at(r, i);
        if (!g || g->series != w->series || g->key != w->key) {
            g = list_add(&r->groups);
            if (!g)
                return ERR_NOMEM;
            *g = (struct group){.series = w->series, .key = w->key, .first = i};
        }
        g->n++;
        if (w->span.end - w->span.start > g->longest)
            g->longest = w->span.end - w->span.start;
    }
    return ERR_OK;
}

static enum err index_groups(struct recount *r)
{
    size_t size = 64;

    while (size < r->groups.n * 2)
        size *= 2;
    r->index = calloc(size, sizeof(*r->index));
    if (!r->index)
        return ERR_NOMEM;
    r->mask = size - 1;
    for (size_t k = 0; k < r->groups.n; k++) {
        const struct group *g = list_at(&r->groups, k);
        size_t i = home(r, g->series, g->key);
        while (r->index[i])
            i = (i + 1) & r->mask;
        r->index[i] = k + 1;
    }
    return ERR_OK;
}

enum err recount_ready(struct recount *r)
{
    enum err e;

    assert(!r->ready);
    sort_wants(r);
    merge_stretches(r);
    e = make_groups(r);
    if (!e)
        e = index_groups(r);
    r->ready = !e;
    return e;
}

/* ---- counting ---- */

/* The place of the first stretch that ends after t. */
static size_t stretch_after(const struct recount *r, int64_t t)
{
    size_t low = 0, high = r->stretch.n;

    while (low < high) {
        size_t mid = low + (high - low) / 2;
        const struct window_span *s = list_at(&r->stretch, mid);
        if (s->end > t)
            high = mid;
        else
            low = mid + 1;
    }
    return low;
}

static bool matters(const struct recount *r, int64_t first_ms, int64_t last_ms)
{
    size_t i = stretch_after(r, first_ms);

    return i < r->stretch.n &&
           ((const struct window_span *)list_at(&r->stretch, i))->start <= last_ms;
}

/* One ledger's sales on their way into the rows. */
struct counting {
    struct recount *recount;
    struct recount_ledger *ledger; /* NULL: the numbers are common ones */
    uint64_t invoice;
    bool mapped; /* the fact has its invoice */
    recount_fn each;
    void *arg;
};

static enum err room_in_map(struct recount_map *m, uint64_t number)
{
    size_t n = m->n ? m->n : 1024;

    if (number < m->n)
        return ERR_OK;
    if (number >= MAP_MAX)
        return ERR_DAMAGED;
    while (n <= number)
        n *= 2;
    uint32_t *common = realloc(m->common, n * sizeof(*common));
    if (!common)
        return ERR_NOMEM;
    memset(common + m->n, 0, (n - m->n) * sizeof(*common));
    m->common = common;
    m->n = n;
    return ERR_OK;
}

static enum err map_key(struct recount_ledger *l, uint32_t *id)
{
    uint32_t common;
    enum err e = ERR_OK;

    if (*id < l->keys.n && l->keys.common[*id]) {
        *id = l->keys.common[*id] - 1;
        return ERR_OK;
    }
    e = l->key(l->arg, *id, &common);
    if (!e)
        e = room_in_map(&l->keys, *id);
    if (e)
        return e;
    l->keys.common[*id] = common + 1;
    *id = common;
    return ERR_OK;
}

static enum err map_keys(struct recount_ledger *l, struct fact *f)
{
    enum err e;

    if (!l || !l->key)
        return ERR_OK;
    e = map_key(l, &f->customer);
    if (!e)
        e = map_key(l, &f->country);
    return e ? e : map_key(l, &f->stock);
}

static enum err map_invoice(struct recount_ledger *l, uint64_t name, uint32_t *id)
{
    enum err e;

    if (name < l->invoices.n && l->invoices.common[name]) {
        *id = l->invoices.common[name] - 1;
        return ERR_OK;
    }
    e = l->invoice(l->arg, name, id);
    if (!e)
        e = room_in_map(&l->invoices, name);
    if (!e)
        l->invoices.common[name] = *id + 1;
    return e;
}

/* The last things needed before a sale can go into a cell. */
static enum err complete(struct counting *c, struct fact *f)
{
    struct recount *r = c->recount;
    enum err e = ERR_OK;

    if (c->mapped)
        return ERR_OK;
    if (c->ledger)
        e = map_invoice(c->ledger, c->invoice, &f->invoice);
    r->hashes.invoice = r->setup.invoice_hashes(r->setup.arg);
    r->hashes.key = keys_hashes(r->setup.keys);
    c->mapped = !e;
    return e;
}

static enum err key_of(const struct recount *r, const struct dimension *d, const struct fact *f,
                       uint32_t *key)
{
    const uint32_t part[FIELD_COUNT] = {
        [FIELD_CUSTOMER] = f->customer, [FIELD_COUNTRY] = f->country, [FIELD_STOCK] = f->stock};

    *key = d->n_fields ? part[d->fields[0]] : 0;
    return d->n_fields < 2 ? ERR_OK : keys_pair(r->setup.keys, *key, part[d->fields[1]], key);
}

static bool holds(struct window_span span, int64_t t)
{
    return span.start <= t && t < span.end;
}

static enum err add_to_row(struct counting *c, size_t row, struct fact *f)
{
    enum err e;

    if (c->each)
        return c->each(c->arg, row, f);
    e = complete(c, f);
    return e ? e : cell_add(&want_at(c->recount, row)->cell, f, &c->recount->hashes);
}

/* How many of a group's rows start at or before t. */
static size_t started(const struct recount *r, const struct group *g, int64_t t)
{
    size_t low = 0, high = g->n;

    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (want_at(r, g->first + mid)->span.start > t)
            high = mid;
        else
            low = mid + 1;
    }
    return low;
}

static enum err add_to_group(struct counting *c, const struct group *g, struct fact *f)
{
    const struct recount *r = c->recount;
    enum err e = ERR_OK;

    for (size_t i = started(r, g, f->time_ms); !e && i > 0; i--) {
        const struct want *w = want_at(r, g->first + i - 1);
        if (w->span.start <= f->time_ms - g->longest)
            break;
        if (holds(w->span, f->time_ms))
            e = add_to_row(c, g->first + i - 1, f);
    }
    return e;
}

static enum err add_to_all(struct counting *c, struct series *s, uint32_t key, struct fact *f)
{
    struct cell *cell = NULL;
    enum err e = complete(c, f);

    if (e)
        return e;
    cell = cellset_cell(&s->set, key);
    return cell ? cell_add(cell, f, &c->recount->hashes) : ERR_NOMEM;
}

static enum err add_fact(struct counting *c, struct fact *f)
{
    struct recount *r = c->recount;
    enum err e = map_keys(c->ledger, f);

    for (size_t i = 0; !e && i < r->series.n; i++) {
        struct series *s = series_at(r, i);
        bool in_all = s->all && !c->each && holds(s->whole, f->time_ms);
        uint32_t key = 0;
        if (!s->wanted && !in_all)
            continue;
        e = key_of(r, &s->dimension, f, &key);
        if (!e && in_all)
            e = add_to_all(c, s, key, f);
        const struct group *g = e ? NULL : group_of(r, (uint32_t)i, key);
        if (g)
            e = add_to_group(c, g, f);
    }
    return e;
}

static enum err take_entry(void *arg, const struct ledger_entry *entry)
{
    struct counting *c = arg;
    struct fact f = entry->fact;

    if (entry->kind == LEDGER_FINISH || !matters(c->recount, f.time_ms, f.time_ms))
        return ERR_OK;
    c->invoice = entry->invoice;
    c->mapped = false;
    return add_fact(c, &f);
}

static enum err take_chunk(void *arg, struct str chunk)
{
    return ledger_each(chunk, take_entry, arg);
}

static bool wants_chunk(void *arg, int64_t first_ms, int64_t last_ms)
{
    return matters(((struct counting *)arg)->recount, first_ms, last_ms);
}

enum err recount_count(struct recount *r, struct recount_ledger *l, recount_fn each, void *arg)
{
    struct counting c = {.recount = r, .ledger = l, .each = each, .arg = arg};
    struct ledger_walk walk = {.wants = wants_chunk, .take = take_chunk, .arg = &c};

    assert(r->ready);
    if (r->stretch.n == 0)
        return ERR_OK;
    walk.from_ms = ((const struct window_span *)list_at(&r->stretch, 0))->start;
    walk.to_ms = ((const struct window_span *)list_at(&r->stretch, r->stretch.n - 1))->end;
    return l->chunks(l->arg, &walk);
}

enum err recount_fact(struct recount *r, const struct fact *fact)
{
    struct counting c = {.recount = r};
    struct fact f = *fact;

    assert(r->ready);
    return matters(r, f.time_ms, f.time_ms) ? add_fact(&c, &f) : ERR_OK;
}

/* ---- results ---- */

size_t recount_rows(const struct recount *r)
{
    return r->wants.n;
}

void recount_row(const struct recount *r, size_t i, struct recount_row *out)
{
    const struct want *w = want_at(r, i);

    *out =
        (struct recount_row){.series = w->series, .key = w->key, .span = w->span, .cell = &w->cell};
}

bool recount_find(const struct recount *r, uint32_t series, uint32_t key, int64_t start_ms,
                  size_t *i)
{
    const struct group *g = group_of(r, series, key);
    size_t n = g ? started(r, g, start_ms) : 0;

    if (n == 0 || want_at(r, g->first + n - 1)->span.start != start_ms)
        return false;
    *i = g->first + n - 1;
    return true;
}

const struct cellset *recount_all(const struct recount *r, uint32_t series)
{
    return &series_at(r, series)->set;
}

struct cell recount_take(struct recount *r, size_t i)
{
    struct cell *c = &want_at(r, i)->cell;
    struct cell taken = *c;

    cell_init(c, taken.key);
    return taken;
}

void recount_measures(const struct cell *c, struct agg_row *row)
{
    emit_row(row, c);
}
