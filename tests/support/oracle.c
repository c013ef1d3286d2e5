/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * oracle: see the header.
 *
 * The life of one row is a walk over all events. A sale of its key within its span makes it
 * dirty. When the watermark rises to its end or past it, or a source ends, a dirty row fires:
 * version + 1. It is final when it has fired and is not dirty. A merged sale in a span that
 * fired makes it fire again at once, once for a batch, unless it is dirty anyway.
 */
#include "tests/support/oracle.h"

#include <math.h>
#include <stdlib.h>

enum { SPANS_MAX = 4096 };

struct event {
    bool finish;
    int batch; /* of merged sales; 0: not merged */
    struct oracle_sale sale;
};

struct spell { /* [start, end) */
    int64_t start, end;
};

struct oracle {
    const struct settings *settings;
    struct zone *zone;
    struct event *event;
    size_t n, cap;
    struct oracle_row *row;
    size_t n_rows, cap_rows;
};

static void *must(void *p)
{
    if (!p)
        abort();
    return p;
}

struct oracle *oracle_open(const struct settings *s)
{
    struct oracle *o = must(calloc(1, sizeof(*o)));

    o->settings = s;
    if (zone_open(s->timezone, &o->zone, NULL))
        abort();
    return o;
}

void oracle_close(struct oracle *o)
{
    if (!o)
        return;
    zone_close(o->zone);
    free(o->event);
    free(o->row);
    free(o);
}

static struct event *new_event(struct oracle *o)
{
    if (o->n == o->cap) {
        o->cap = o->cap ? o->cap * 2 : 64;
        o->event = must(realloc(o->event, o->cap * sizeof(*o->event)));
    }
    o->event[o->n] = (struct event){0};
    return &o->event[o->n++];
}

void oracle_sale(struct oracle *o, const struct oracle_sale *sale)
{
    new_event(o)->sale = *sale;
}

void oracle_finish(struct oracle *o)
{
    new_event(o)->finish = true;
}

void oracle_merged(struct oracle *o, const struct oracle_sale *sale, int batch)
{
    struct event *e = new_event(o);

    e->sale = *sale;
    e->batch = batch;
}

/* ---- which instances hold a time ---- */

static int64_t floor_div(int64_t a, int64_t b)
{
    int64_t q = a / b;

    return q * b > a ? q - 1 : q;
}

/* Whether a window's edges lie on the shop's wall clock. */
static bool is_local(const struct oracle *o, const struct window_setting *w)
{
    bool days = w->size_ms % WHEN_DAY == 0;

    if (w->type == WINDOW_SLIDING)
        days = days && w->slide_ms % WHEN_DAY == 0;
    return (days || w->size_months) && !zone_is_utc(o->zone);
}

static int64_t utc_of(const struct oracle *o, const struct window_setting *w, int64_t nominal)
{
    return is_local(o, w) ? zone_to_utc(o->zone, nominal) : nominal;
}

/* The k-th edge of a window's starts, on its own clock. */
static int64_t nominal_start(const struct window_setting *w, int64_t k)
{
    int64_t period = w->type == WINDOW_SLIDING ? w->slide_ms : w->size_ms;

    if (!w->size_months)
        return k * period + w->offset_ms;
    int64_t month = k * w->size_months;
    int64_t year = 1970 + floor_div(month, 12);
    return when_days((int)year, (int)(month - floor_div(month, 12) * 12) + 1, 1) * WHEN_DAY +
           w->offset_ms;
}

static int64_t nominal_end(const struct window_setting *w, int64_t k)
{
    return w->type == WINDOW_SLIDING ? nominal_start(w, k) + w->size_ms : nominal_start(w, k + 1);
}

/* A number of a start well before any instance that reaches t. */
static int64_t first_start(const struct oracle *o, const struct window_setting *w, int64_t t)
{
    int64_t slack = is_local(o, w) ? 3 * WHEN_DAY : 0;
    int64_t early = t - slack - w->size_ms - w->offset_ms;

    if (w->size_months)
        return floor_div(floor_div(early - 100 * WHEN_DAY, 31 * WHEN_DAY), w->size_months) - 1;
    return floor_div(early, w->type == WINDOW_SLIDING ? w->slide_ms : w->size_ms) - 1;
}

/* The instances that end after t, in order, the first `max` of them. */
static size_t spells_after(const struct oracle *o, const struct window_setting *w, int64_t t,
                           size_t max, struct spell *out)
{
    size_t n = 0;

    for (int64_t k = first_start(o, w, t); n < max; k++) {
        struct spell s = {utc_of(o, w, nominal_start(w, k)), utc_of(o, w, nominal_end(w, k))};
        if (s.end <= t || s.start >= s.end)
            continue;
        if (w->type != WINDOW_CUMULATIVE) {
            out[n++] = s;
            continue;
        }
        for (int64_t end = s.start + w->slide_ms; n < max; end += w->slide_ms) {
            struct spell step = {s.start, end < s.end ? end : s.end};
            if (step.end > t)
                out[n++] = step;
            if (end >= s.end)
                break;
        }
    }
    return n;
}

static size_t spells_holding(const struct oracle *o, const struct window_setting *w, int64_t t,
                             struct spell *out)
{
    size_t all =
        spells_after(o, w, t, w->slide_ms ? (size_t)(w->size_ms / w->slide_ms) + 4 : 2, out);
    size_t n = 0;

    for (size_t i = 0; i < all; i++) {
        if (out[i].start <= t)
            out[n++] = out[i];
    }
    return n;
}

/* ---- what a row counts ---- */

static struct oracle_key key_of(const struct oracle *o, int d, const struct oracle_sale *s)
{
    const struct dimension *dim = &o->settings->dimension[d];
    struct oracle_key key = {{0, 0}};

    for (int i = 0; i < dim->n_fields; i++)
        key.part[i] = s->field[dim->fields[i]];
    return key;
}

static bool same_key(struct oracle_key a, struct oracle_key b)
{
    return a.part[0] == b.part[0] && a.part[1] == b.part[1];
}

static bool belongs(const struct oracle *o, const struct oracle_row *r, struct spell span,
                    const struct event *e)
{
    return !e->finish && e->sale.time_ms >= span.start && e->sale.time_ms < span.end &&
           same_key(key_of(o, r->dimension, &e->sale), r->key);
}

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

static int64_t rank_of(const int64_t *sorted, int64_t n, int percent)
{
    int64_t rank = (n * percent + 99) / 100;

    return sorted[(rank ? rank : 1) - 1];
}

static void order_values(struct oracle_row *r, int64_t *value)
{
    long double mean = 0, sum = 0;

    qsort(value, (size_t)r->lines, sizeof(*value), by_value);
    r->min = value[0];
    r->max = value[r->lines - 1];
    r->p50 = rank_of(value, r->lines, 50);
    r->p90 = rank_of(value, r->lines, 90);
    r->p99 = rank_of(value, r->lines, 99);
    for (int64_t i = 0; i < r->lines; i++)
        mean += (long double)value[i] / (long double)r->lines;
    for (int64_t i = 0; i < r->lines; i++)
        sum += ((long double)value[i] - mean) * ((long double)value[i] - mean);
    r->sd = (double)(sqrtl(sum / (long double)r->lines) / 1e6L);
}

/* How many different numbers above `least`. */
static int64_t different(int *number, size_t n, int least)
{
    int64_t found = 0;

    for (size_t i = 0; i < n; i++) {
        size_t k = 0;
        while (k < i && number[k] != number[i])
            k++;
        found += k == i && number[i] >= least;
    }
    return found;
}

/* Counts the sales of the span. */
static void measure(struct oracle *o, struct oracle_row *r, struct spell span)
{
    int64_t *value = must(malloc((o->n + 1) * sizeof(*value)));
    int *invoice = must(malloc((o->n + 1) * sizeof(*invoice)));
    int *customer = must(malloc((o->n + 1) * sizeof(*customer)));

    for (size_t i = 0; i < o->n; i++) {
        const struct oracle_sale *s = &o->event[i].sale;
        if (!belongs(o, r, span, &o->event[i]))
            continue;
        value[r->lines] = s->value;
        invoice[r->lines] = s->invoice;
        customer[r->lines] = s->field[FIELD_CUSTOMER];
        r->lines++;
        r->units += s->quantity;
        r->revenue += s->value;
        r->return_lines += s->quantity < 0;
        r->return_units += s->quantity < 0 ? s->quantity : 0;
        r->return_revenue += s->quantity < 0 ? s->value : 0;
    }
    r->invoices = different(invoice, (size_t)r->lines, 0);
    r->customers = different(customer, (size_t)r->lines, 1);
    if (r->lines)
        order_values(r, value);
    free(value);
    free(invoice);
    free(customer);
}

/* ---- the life of a row ---- */

struct life {
    bool dirty;
    uint32_t version, base; /* base: before the batch */
    int batch;              /* the last that rewrote it */
    int64_t watermark, highest, mark;
};

/* The largest time when a source ended, and all that it is made of. */
static void note_mark(struct life *l, const struct event *e)
{
    if (e->finish)
        l->mark = l->highest;
    else if (e->sale.time_ms > l->highest)
        l->highest = e->sale.time_ms;
}

/* A merged sale of the row. */
static void rewrite(struct life *l, int batch, bool fired)
{
    if (!fired) {
        l->dirty = true;
    } else if (!l->dirty && l->batch != batch) {
        l->version++;
        l->batch = batch;
    }
}

static void fire(struct life *l)
{
    l->version += l->dirty;
    l->dirty = false;
}

/* From event `from` on; sales before it count, but what fired before does not. `fires`: the
 * watermark fires it. */
static void live(const struct oracle *o, struct oracle_row *r, struct spell span, size_t from,
                 bool fires)
{
    struct life l = {.watermark = WHEN_NONE, .highest = WHEN_NONE, .mark = WHEN_NONE};
    bool finished = false;

    for (size_t i = 0; i < o->n; i++) {
        const struct event *e = &o->event[i];
        note_mark(&l, e);
        if (e->finish && i >= from) {
            fire(&l);
            finished = true;
        }
        if (e->finish)
            continue;
        if (e->batch && belongs(o, r, span, e))
            rewrite(&l, e->batch,
                    fires ? span.end <= l.watermark || span.start <= l.mark : finished);
        else
            l.dirty = l.dirty || belongs(o, r, span, e);
        if (e->sale.watermark_ms > l.watermark) {
            l.watermark = e->sale.watermark_ms;
            if (fires && span.end <= l.watermark)
                fire(&l);
        }
    }
    r->version = l.version;
    r->final = l.version > 0 && !l.dirty;
}

static struct oracle_row *new_row(struct oracle *o, int window, int dimension,
                                  struct oracle_key key, struct spell span)
{
    if (o->n_rows == o->cap_rows) {
        o->cap_rows = o->cap_rows ? o->cap_rows * 2 : 256;
        o->row = must(realloc(o->row, o->cap_rows * sizeof(*o->row)));
    }
    struct oracle_row *r = &o->row[o->n_rows++];
    *r = (struct oracle_row){.window = window,
                             .dimension = dimension,
                             .key = key,
                             .start_s = floor_div(span.start, WHEN_SECOND),
                             .end_s = floor_div(span.end, WHEN_SECOND)};
    return r;
}

static bool is_known(const struct oracle *o, size_t from, struct oracle_key key, struct spell span)
{
    for (size_t i = from; i < o->n_rows; i++) {
        const struct oracle_row *r = &o->row[i];
        if (same_key(r->key, key) && r->start_s == floor_div(span.start, WHEN_SECOND) &&
            r->end_s == floor_div(span.end, WHEN_SECOND))
            return true;
    }
    return false;
}

/* One row per key and instance that holds a sale. */
static void history_rows(struct oracle *o, int window, int d)
{
    const struct window_setting *w = &o->settings->window[window];
    static struct spell span[SPANS_MAX];
    size_t from = o->n_rows;

    for (size_t i = 0; i < o->n; i++) {
        if (o->event[i].finish)
            continue;
        struct oracle_key key = key_of(o, d, &o->event[i].sale);
        size_t n = spells_holding(o, w, o->event[i].sale.time_ms, span);
        for (size_t k = 0; k < n; k++) {
            if (is_known(o, from, key, span[k]))
                continue;
            struct oracle_row *r = new_row(o, window, d, key, span[k]);
            measure(o, r, span[k]);
            live(o, r, span[k], 0, true);
        }
    }
}

/* One row per key, of the instance that ends first after the watermark. */
static void newest_rows(struct oracle *o, int window, int d)
{
    const struct window_setting *w = &o->settings->window[window];
    struct spell now = {WHEN_NONE, WHEN_NONE}, span;
    int64_t watermark = WHEN_NONE;
    size_t since = 0, from = o->n_rows;

    for (size_t i = 0; i < o->n; i++) {
        if (o->event[i].finish || o->event[i].sale.watermark_ms <= watermark)
            continue;
        watermark = o->event[i].sale.watermark_ms;
        (void)spells_after(o, w, watermark, 1, &span);
        if (span.end != now.end)
            since = i;
        now = span;
    }
    for (size_t i = 0; i < o->n && now.end != WHEN_NONE; i++) {
        int64_t t = o->event[i].sale.time_ms;
        struct oracle_key key = key_of(o, d, &o->event[i].sale);
        if (o->event[i].finish || t < now.start || t >= now.end || is_known(o, from, key, now))
            continue;
        struct oracle_row *r = new_row(o, window, d, key, now);
        measure(o, r, now);
        live(o, r, now, since, false);
    }
}

/* ---- sessions ---- */

struct run {
    int64_t first, last;
    struct life life;
};

static int64_t gap_between(const struct run *r, int64_t t)
{
    return t > r->last ? t - r->last : t < r->first ? r->first - t : 0;
}

/* Adds a sale: runs within `gap` of it become one. `now` tells watermark and mark. */
static size_t extend_runs(struct run *run, size_t n, int64_t gap, const struct event *e,
                          const struct life *now)
{
    int64_t t = e->sale.time_ms;
    struct run all = {t, t, {.dirty = !e->batch}};
    size_t kept = 0;

    for (size_t i = 0; i < n; i++) {
        if (gap_between(&run[i], t) >= gap) {
            run[kept++] = run[i];
            continue;
        }
        all.first = run[i].first < all.first ? run[i].first : all.first;
        all.last = run[i].last > all.last ? run[i].last : all.last;
        bool again = e->batch && run[i].life.batch == e->batch;
        uint32_t before = again ? run[i].life.base : run[i].life.version;
        if (before > all.life.version)
            all.life.version = before;
        all.life.dirty = all.life.dirty || run[i].life.dirty;
    }
    if (e->batch) {
        all.life.dirty =
            all.life.dirty || (all.last + gap > now->watermark && all.first > now->mark);
        all.life.base = all.life.version;
        all.life.batch = e->batch;
        all.life.version += !all.life.dirty;
    }
    run[kept] = all;
    return kept + 1;
}

static size_t runs_of(const struct oracle *o, int d, struct oracle_key key, int64_t gap,
                      struct run *run)
{
    struct life now = {.watermark = WHEN_NONE, .highest = WHEN_NONE, .mark = WHEN_NONE};
    size_t n = 0;

    for (size_t i = 0; i < o->n; i++) {
        const struct event *e = &o->event[i];
        bool rises = !e->finish && e->sale.watermark_ms > now.watermark;
        note_mark(&now, e);
        if (!e->finish && same_key(key_of(o, d, &e->sale), key))
            n = extend_runs(run, n, gap, e, &now);
        now.watermark = rises ? e->sale.watermark_ms : now.watermark;
        for (size_t k = 0; k < n; k++) {
            if (e->finish || (rises && run[k].last + gap <= now.watermark))
                fire(&run[k].life);
        }
    }
    return n;
}

static void session_rows(struct oracle *o, int window, int d)
{
    int64_t gap = o->settings->window[window].gap_ms;
    struct run *run = must(malloc((o->n + 1) * sizeof(*run)));

    for (size_t i = 0; i < o->n; i++) {
        struct oracle_key key = key_of(o, d, &o->event[i].sale);
        bool first = !o->event[i].finish;
        for (size_t k = 0; first && k < i; k++)
            first = o->event[k].finish || !same_key(key_of(o, d, &o->event[k].sale), key);
        size_t n = first ? runs_of(o, d, key, gap, run) : 0;
        for (size_t k = 0; k < n; k++) {
            struct spell span = {run[k].first, run[k].last + gap};
            struct oracle_row *r = new_row(o, window, d, key, span);
            measure(o, r, (struct spell){run[k].first, run[k].last + 1});
            r->version = run[k].life.version;
            r->final = r->version > 0 && !run[k].life.dirty;
        }
    }
    free(run);
}

/* Rows older than a duration to keep are gone. */
static void expire(struct oracle *o, size_t from, int64_t keep_ms)
{
    int64_t watermark = WHEN_NONE;
    size_t n = from;

    for (size_t i = 0; i < o->n; i++) {
        if (!o->event[i].finish && o->event[i].sale.watermark_ms > watermark)
            watermark = o->event[i].sale.watermark_ms;
    }
    for (size_t i = from; i < o->n_rows && watermark != WHEN_NONE; i++) {
        if (o->row[i].start_s >= floor_div(watermark - keep_ms, WHEN_SECOND))
            o->row[n++] = o->row[i];
    }
    o->n_rows = watermark == WHEN_NONE ? o->n_rows : n;
}

const struct oracle_row *oracle_rows(struct oracle *o, size_t *n)
{
    o->n_rows = 0;
    for (int i = 0; i < o->settings->n_windows; i++) {
        const struct window_setting *w = &o->settings->window[i];
        size_t from = o->n_rows;
        for (int d = 0; d < o->settings->n_dimensions; d++) {
            if (!(w->dimensions & 1u << d))
                continue;
            if (w->type == WINDOW_SESSION)
                session_rows(o, i, d);
            else if (w->keep == KEEP_NEWEST)
                newest_rows(o, i, d);
            else
                history_rows(o, i, d);
        }
        if (w->keep == KEEP_DURATION)
            expire(o, from, w->keep_ms);
    }
    *n = o->n_rows;
    return o->row;
}
