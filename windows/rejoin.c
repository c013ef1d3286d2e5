/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The sessions of late sales that are counted after all. Such a sale may lie alone, extend a
 * session, or bridge two; any of them may be in memory or long closed.
 *
 * So sessions are found anew: the times of a key's sales are gathered from the ledger in a
 * stretch around the late ones, which is widened to three times its length until there is a
 * gap on either side. Runs of these times without the late sales are the sessions that were;
 * with them, those that will be. Those that were leave memory, their rows are deleted unless
 * the new one starts where they did; those that will be are recounted like any closed window.
 *
 * Invariants:
 *  (1) a run goes (back) to memory iff one of its parts was there or a sale may still reach
 *      it: its end is past the lateness. It is open iff a part was, or its end is ahead.
 *  (2) version is the largest of its parts', + 1 when it is final.
 */
#include "windows/state.h"

#include "engine/store/store.h"

#include <stdlib.h>

/* A late sale in a session window. */
struct visit {
    struct place at;
    uint32_t key;
    int64_t time_ms;
};

/* Where its session is looked for: the visits [first, first + n) are in it. */
struct search {
    size_t first, n;
    int64_t low_ms, high_ms; /* sales at low <= time < high are known */
};

/* A sale's time; in the ledger or late. */
struct moment {
    size_t search;
    int64_t time_ms;
    bool late;
};

struct rejoin {
    struct merging *m;
    struct list visits;   /* struct visit, sorted */
    struct list searches; /* struct search */
    struct list moments;  /* struct moment */
    size_t *search_of;    /* by row of the recount at hand */
};

static int64_t gap_of(const struct rejoin *r, const struct visit *v)
{
    return r->m->fold->window[v->at.window].setting->gap_ms;
}

static const struct visit *visit_of(const struct rejoin *r, const struct search *s)
{
    return list_at(&r->visits, s->first);
}

static int64_t seconds(int64_t ms)
{
    return grid_floor(&(struct grid){.period_ms = WHEN_SECOND}, ms) / WHEN_SECOND;
}

/* ---- which sales are looked at ---- */

static enum err add_visits(struct rejoin *r, const struct fact *fact)
{
    struct fold *f = r->m->fold;
    enum err e = ERR_OK;

    for (int i = 0; !e && i < f->n_windows; i++) {
        for (int d = 0; !e && d < f->settings->n_dimensions; d++) {
            if (!f->window[i].sessions[d])
                continue;
            struct visit *v = list_add(&r->visits);
            if (!v)
                return ERR_NOMEM;
            *v = (struct visit){.at = {i, d}, .time_ms = fact->time_ms};
            e = fold_key(f, fact, d, &v->key);
        }
    }
    return e;
}

static int by_number(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int by_key(const struct visit *x, const struct visit *y)
{
    int c = by_number(x->at.window, y->at.window);

    c = c ? c : by_number(x->at.dimension, y->at.dimension);
    return c ? c : by_number(x->key, y->key);
}

static int by_visit(const void *a, const void *b)
{
    const struct visit *x = a, *y = b;
    int c = by_key(x, y);

    return c ? c : by_number(x->time_ms, y->time_ms);
}

static void sort(struct list *l, int (*compare)(const void *, const void *))
{
    if (l->n > 1)
        qsort(l->p, l->n, l->size, compare);
}

/* Searches of one key that overlap become one. They lie in the order of their visits; one that
 * was widened may reach back over several. */
static void join_searches(struct rejoin *r)
{
    size_t n = 0;

    for (size_t i = 0; i < r->searches.n; i++) {
        struct search next = *(struct search *)list_at(&r->searches, i);
        for (; n > 0; n--) {
            const struct search *last = list_at(&r->searches, n - 1);
            if (next.low_ms > last->high_ms || by_key(visit_of(r, last), visit_of(r, &next)) != 0)
                break;
            next.n = next.first + next.n - last->first;
            next.first = last->first;
            next.low_ms = last->low_ms < next.low_ms ? last->low_ms : next.low_ms;
            next.high_ms = last->high_ms > next.high_ms ? last->high_ms : next.high_ms;
        }
        *(struct search *)list_at(&r->searches, n++) = next;
    }
    r->searches.n = n;
}

static enum err begin_searches(struct rejoin *r)
{
    for (size_t i = 0; i < r->visits.n; i++) {
        const struct visit *v = list_at(&r->visits, i);
        struct search *s = list_add(&r->searches);
        if (!s)
            return ERR_NOMEM;
        *s = (struct search){i, 1, v->time_ms - 2 * gap_of(r, v), v->time_ms + 2 * gap_of(r, v)};
    }
    join_searches(r);
    return ERR_OK;
}

/* ---- gathering times ---- */

static enum err note_moment(struct rejoin *r, size_t search, int64_t time_ms, bool late)
{
    struct moment *t = list_add(&r->moments);

    if (!t)
        return ERR_NOMEM;
    *t = (struct moment){search, time_ms, late};
    return ERR_OK;
}

static enum err take_sale(void *arg, size_t row, const struct fact *fact)
{
    struct rejoin *r = arg;

    return note_moment(r, r->search_of[row], fact->time_ms, false);
}

static enum err want_searches(struct rejoin *r, struct recount *c)
{
    uint32_t number = 0;
    enum err e = ERR_OK;

    for (size_t i = 0; !e && i < r->searches.n; i++) {
        const struct search *s = list_at(&r->searches, i);
        const struct search *before = i ? list_at(&r->searches, i - 1) : NULL;
        const struct visit *v = visit_of(r, s);
        bool same = before && visit_of(r, before)->at.window == v->at.window &&
                    visit_of(r, before)->at.dimension == v->at.dimension;
        if (!same)
            e = recount_series(c, &r->m->fold->settings->dimension[v->at.dimension], &number);
        if (!e)
            e = recount_want(c, number, (struct window_span){s->low_ms, s->high_ms}, v->key);
    }
    return e;
}

/* Rows are in the order of searches: both are sorted by window, dimension, key and time. */
static enum err number_rows(struct rejoin *r, const struct recount *c)
{
    free(r->search_of);
    r->search_of = calloc(recount_rows(c) + 1, sizeof(*r->search_of));
    if (!r->search_of || recount_rows(c) != r->searches.n)
        return r->search_of ? ERR_INVALID : ERR_NOMEM;
    for (size_t i = 0; i < r->searches.n; i++)
        r->search_of[i] = i;
    return ERR_OK;
}

static int by_moment(const void *a, const void *b)
{
    const struct moment *x = a, *y = b;
    int c = by_number((int64_t)x->search, (int64_t)y->search);

    return c ? c : by_number(x->time_ms, y->time_ms);
}

static enum err gather(struct rejoin *r)
{
    struct recount *c = NULL;
    enum err e = merge_recount(r->m->fold, &c);

    r->moments.n = 0;
    if (!e)
        e = want_searches(r, c);
    if (!e)
        e = recount_ready(c);
    if (!e)
        e = number_rows(r, c);
    if (!e)
        e = recount_count(c, &r->m->ledger, take_sale, r);
    for (size_t i = 0; !e && i < r->searches.n; i++) {
        const struct search *s = list_at(&r->searches, i);
        for (size_t k = 0; !e && k < s->n; k++) {
            const struct visit *v = list_at(&r->visits, s->first + k);
            e = note_moment(r, i, v->time_ms, true);
        }
    }
    recount_close(c);
    if (!e)
        sort(&r->moments, by_moment);
    return e;
}

/* ---- from times to sessions ---- */

static const struct moment *moment_at(const struct rejoin *r, size_t i)
{
    return list_at(&r->moments, i);
}

/* The moments [from, end) that are one run; *late: with a late sale. */
static size_t run_end(const struct rejoin *r, size_t from, size_t end, int64_t gap, bool *late)
{
    size_t i = from + 1;

    *late = moment_at(r, from)->late;
    for (; i < end && moment_at(r, i)->time_ms - moment_at(r, i - 1)->time_ms < gap; i++)
        *late = *late || moment_at(r, i)->late;
    return i;
}

static enum err delete_row(struct rejoin *r, const struct visit *v, int64_t start_s)
{
    struct agg_row *row = list_add(&r->m->out->rows);

    if (!row)
        return ERR_NOMEM;
    row->series = r->m->fold->window[v->at.window].series[v->at.dimension];
    row->op = ROW_DELETE;
    row->key = v->key;
    row->start_s = start_s;
    return ERR_OK;
}

/* A session that was, to be part of a run. */
static enum err absorb(struct rejoin *r, const struct visit *v, int64_t first_ms, int64_t last_ms,
                       struct run *run)
{
    const struct window *w = &r->m->fold->window[v->at.window];
    const struct agg_row was = {.series = w->series[v->at.dimension],
                                .key = v->key,
                                .start_s = seconds(first_ms),
                                .end_s = seconds(last_ms + gap_of(r, v))};
    uint32_t version = 1; /* at least; how often it was rewritten is not known again */
    bool fired = true;
    bool taken =
        sessions_take(w->sessions[v->at.dimension], v->key, first_ms, last_ms, &version, &fired);
    enum err e = ERR_OK;

    if (!taken && !r->m->again)
        e = store_row_version(r->m->fold->store, &was, &version);
    run->live = run->live || taken;
    run->open = run->open || !fired;
    run->version = version > run->version ? version : run->version;
    if (!e && seconds(first_ms) != seconds(run->first_ms))
        e = delete_row(r, v, seconds(first_ms));
    return e;
}

/* The sessions that were within the moments [from, end). */
static enum err absorb_parts(struct rejoin *r, const struct visit *v, size_t from, size_t end,
                             struct run *run)
{
    int64_t first = 0, last = 0;
    bool any = false;
    enum err e = ERR_OK;

    for (size_t i = from; !e && i < end; i++) {
        const struct moment *t = moment_at(r, i);
        if (t->late)
            continue;
        if (any && t->time_ms - last >= gap_of(r, v))
            e = absorb(r, v, first, last, run);
        if (!any || t->time_ms - last >= gap_of(r, v))
            first = t->time_ms;
        last = t->time_ms;
        any = true;
    }
    return e || !any ? e : absorb(r, v, first, last, run);
}

static enum err plan_run(struct rejoin *r, const struct visit *v, size_t from, size_t end)
{
    const struct fold *f = r->m->fold;
    struct run run = {.at = v->at,
                      .key = v->key,
                      .first_ms = moment_at(r, from)->time_ms,
                      .last_ms = moment_at(r, end - 1)->time_ms};
    int64_t ends = run.last_ms + gap_of(r, v);
    enum err e = absorb_parts(r, v, from, end, &run);

    if (e)
        return e;
    run.open = run.open || (ends > f->watermark_ms && run.first_ms > f->end_mark_ms);
    run.live = run.live || ends > r->m->unreachable_ms;
    run.version += !run.open;
    if (r->m->again && !run.live)
        return ERR_OK;
    struct run *to = list_add(&r->m->runs);
    if (!to)
        return ERR_NOMEM;
    *to = run;
    return merge_want(r->m, v->at, (struct window_span){run.first_ms, run.last_ms + 1}, v->key);
}

/* Whether the runs with late sales among the moments [from, end) have a gap on either side. */
static bool is_settled(const struct rejoin *r, const struct search *s, size_t from, size_t end)
{
    int64_t gap = gap_of(r, visit_of(r, s));
    bool late;

    for (size_t i = from, next; i < end; i = next) {
        next = run_end(r, i, end, gap, &late);
        if (late && (moment_at(r, i)->time_ms - gap < s->low_ms ||
                     moment_at(r, next - 1)->time_ms + gap > s->high_ms))
            return false;
    }
    return true;
}

static enum err plan_runs(struct rejoin *r, const struct search *s, size_t from, size_t end)
{
    const struct visit *v = visit_of(r, s);
    enum err e = ERR_OK;
    bool late;

    for (size_t i = from, next; !e && i < end; i = next) {
        next = run_end(r, i, end, gap_of(r, v), &late);
        if (late)
            e = plan_run(r, v, i, next);
    }
    return e;
}

/* Plans the runs of searches that found all; the others go on, wider. */
static enum err settle(struct rejoin *r)
{
    size_t n = 0, from = 0, end;
    enum err e = ERR_OK;

    for (size_t i = 0; !e && i < r->searches.n; i++, from = end) {
        struct search s = *(struct search *)list_at(&r->searches, i);
        for (end = from; end < r->moments.n && moment_at(r, end)->search == i;)
            end++;
        if (is_settled(r, &s, from, end)) {
            e = plan_runs(r, &s, from, end);
            continue;
        }
        int64_t length = s.high_ms - s.low_ms;
        s.low_ms -= length;
        s.high_ms += length;
        *(struct search *)list_at(&r->searches, n++) = s;
    }
    r->searches.n = n;
    join_searches(r);
    return e;
}

enum err rejoin_plan(struct merging *m)
{
    struct rejoin r = {.m = m};
    enum err e = ERR_OK;

    list_init(&r.visits, sizeof(struct visit));
    list_init(&r.searches, sizeof(struct search));
    list_init(&r.moments, sizeof(struct moment));
    for (size_t i = 0; !e && i < m->n; i++)
        e = add_visits(&r, &m->facts[i]);
    sort(&r.visits, by_visit);
    if (!e)
        e = begin_searches(&r);
    while (!e && r.searches.n) {
        e = gather(&r);
        if (!e)
            e = settle(&r);
    }
    list_clear(&r.visits);
    list_clear(&r.searches);
    list_clear(&r.moments);
    free(r.search_of);
    return e;
}

/* ---- writing ---- */

/* Invoices of a cell that stays in memory must not be forgotten before it. */
static void touch_invoices(struct fold *f, const struct cell *c, int64_t time_ms)
{
    size_t n = 0;
    const uint32_t *slot = distinct_ids(&c->invoices, &n);

    for (size_t i = 0; slot && i < n; i++)
        books_touch(f->books, slot[i], time_ms);
}

static enum err put_live(struct merging *m, const struct run *run, size_t row)
{
    struct fold *f = m->fold;
    struct sessions *s = f->window[run->at.window].sessions[run->at.dimension];
    struct cell cell = recount_take(m->recount, row);
    const struct session_put put = {run->first_ms, run->last_ms, run->version, !run->open};
    enum err e;

    touch_invoices(f, &cell, run->last_ms);
    e = sessions_put(s, &cell, &put);
    cell_clear(&cell);
    if (sessions_next_end(s) < f->next_event_ms)
        f->next_event_ms = sessions_next_end(s);
    return e;
}

static enum err put_closed(struct merging *m, const struct run *run, const struct cell *c)
{
    struct fold *f = m->fold;
    const struct window *w = &f->window[run->at.window];
    struct agg_row *row = NULL;

    if (merge_expired(f, w, seconds(run->first_ms) * WHEN_SECOND))
        return ERR_OK;
    row = list_add(&m->out->rows);
    if (!row)
        return ERR_NOMEM;
    row->series = w->series[run->at.dimension];
    row->op = ROW_PUT;
    row->start_s = seconds(run->first_ms);
    row->end_s = seconds(run->last_ms + w->setting->gap_ms);
    row->final = 1;
    row->version = run->version;
    emit_row(row, c);
    f->rows++;
    return ERR_OK;
}

enum err rejoin_write(struct merging *m)
{
    enum err e = ERR_OK;

    for (size_t i = 0; !e && i < m->runs.n; i++) {
        const struct run *run = list_at(&m->runs, i);
        uint32_t series = m->number[run->at.window][run->at.dimension] - 1;
        struct recount_row row;
        size_t at = 0;
        if (!recount_find(m->recount, series, run->key, run->first_ms, &at))
            return ERR_INVALID;
        recount_row(m->recount, at, &row);
        e = run->live ? put_live(m, run, at) : put_closed(m, run, row.cell);
    }
    return e;
}
