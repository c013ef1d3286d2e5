/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * query_figures: `query aggregates` and `query top`.
 *
 * The windows and dimensions that fit the filters are taken one after another, in the order
 * of the configuration. The rows of one come ordered by start from each database; rows of one
 * start (of one end, where instances share their start) are a group, which is sorted by key and
 * passed on: printed at once, or, when --limit or --by is in force, offered to the ranking, which
 * forgets whatever can't be among the best --limit rows. Of several databases all rows of one
 * window and dimension are a group; those about the same become one, whose measures are counted
 * again (query_recount.c). So memory depends on a group and on --limit.
 *
 * Output order: window, dimension, start (then end, where the start is shared), key; with --by
 * the measure, largest first (returns, which are negative, by size). --limit alone keeps the
 * newest rows.
 */
#include "commands/query.h"
#include "commands/query_recount.h"
#include "commands/query_rows.h"
#include "engine/nearest.h"
#include "engine/store/figures.h"
#include "engine/when.h"

#include <stdio.h>

#define TABLE_ROWS 100
#define TOP_ROWS 10
#define SEEN_MAX 512 /* different names of windows or dimensions */

/* ---- the columns ---- */

enum {
    COL_WINDOW,
    COL_DIMENSION,
    COL_KEY,
    COL_START,
    COL_END,
    COL_MEASURES,
    COL_FINAL = COL_MEASURES + 17,
    COL_VERSION,
    COL_COUNT
};

static const struct print_column aggregate_columns[COL_COUNT] = {
    {.name = "window", .rank = 4},
    {.name = "dimension", .rank = 5},
    {.name = "key"},
    {.name = "window_start"},
    {.name = "window_end", .rank = 10},
    {.name = "lines"},
    {.name = "invoices", .rank = 6},
    {.name = "customers", .rank = 7},
    {.name = "units", .rank = 3},
    {.name = "revenue", .kind = PRINT_MONEY},
    {.name = "revenue_micros", .only_data = true},
    {.name = "return_lines", .rank = 13},
    {.name = "return_units", .rank = 12},
    {.name = "return_revenue", .kind = PRINT_MONEY, .rank = 11},
    {.name = "return_revenue_micros", .only_data = true},
    {.name = "min_line", .kind = PRINT_MONEY, .rank = 14},
    {.name = "max_line", .kind = PRINT_MONEY, .rank = 15},
    {.name = "mean_line", .rank = 16},
    {.name = "sd_line", .rank = 17},
    {.name = "p50_line", .kind = PRINT_ROUGH, .rank = 18},
    {.name = "p90_line", .kind = PRINT_ROUGH, .rank = 19},
    {.name = "p99_line", .kind = PRINT_ROUGH, .rank = 20},
    {.name = "final", .rank = 8},
    {.name = "version", .kind = PRINT_ID, .rank = 9},
};

static void fill_values(const struct agg_row *r, struct value *v)
{
    int i = COL_MEASURES;

    v[i++] = query_whole(r->lines);
    v[i++] = query_whole(r->invoices);
    v[i++] = query_whole(r->customers);
    v[i++] = query_whole(r->units);
    v[i++] = query_whole(r->revenue);
    v[i++] = query_whole(r->revenue);
    v[i++] = query_whole(r->return_lines);
    v[i++] = query_whole(r->return_units);
    v[i++] = query_whole(r->return_revenue);
    v[i++] = query_whole(r->return_revenue);
    v[i++] = query_whole(r->min);
    v[i++] = query_whole(r->max);
    v[i++] = query_real(query_mean(r));
    v[i++] = query_real(r->sd);
    v[i++] = query_whole(r->p50);
    v[i++] = query_whole(r->p90);
    v[i++] = query_whole(r->p99);
    v[i++] = query_whole(r->final);
    v[i++] = query_whole(r->version);
}

/* ---- what is being gathered ---- */

struct pair {
    const char *window, *dimension;
};

struct figures {
    struct query *q;
    struct list series[QUERY_DBS_MAX]; /* struct figures_series of each database */
    struct list pairs;                 /* struct pair: the windows and dimensions asked for */
    bool newest_window;
    int measure;             /* to rank by; -1: by time */
    int64_t limit;           /* 0: none */
    uint32_t order;          /* of the pair being read */
    bool by_end;             /* so is the series being read */
    struct query_rows group; /* being read */
    struct query_rows kept;  /* ranked */
    uint64_t total;          /* rows that fit the question */
    const struct print_column *columns;
    struct print *print;
    struct query_recount *recount; /* several databases */
};

/* ---- output ---- */

static enum err print_figures(struct figures *f, const struct query_row *row)
{
    const struct pair *pair = list_at(&f->pairs, row->order);
    struct value v[COL_COUNT];
    char start[WHEN_TEXT];
    char end[WHEN_TEXT];

    (void)when_format(row->figures.start_s * 1000, start);
    (void)when_format(row->figures.end_s * 1000, end);
    v[COL_WINDOW] = query_text(pair->window);
    v[COL_DIMENSION] = query_text(pair->dimension);
    v[COL_KEY] = (struct value){.kind = VALUE_TEXT, .text = query_row_key(row)};
    v[COL_START] = query_text(start);
    v[COL_END] = query_text(end);
    fill_values(&row->figures, v);
    return print_row(f->print, v);
}

/* What tells the row's instance from the window's others. */
static int64_t instance_s(const struct query_row *row)
{
    return row->by_end ? row->figures.end_s : row->figures.start_s;
}

/* Prints a row or offers it to the ranking. */
static enum err pass_on(struct figures *f, const struct query_row *row)
{
    struct query_row ranked = *row;
    size_t limit = (size_t)f->limit;
    enum err e;

    f->total++;
    if (f->limit == 0 && f->measure < 0)
        return print_figures(f, row);
    ranked.rank =
        f->measure < 0 ? (long double)instance_s(row) : query_measure(&row->figures, f->measure);
    e = query_rows_add(&f->kept, &ranked, query_row_key(row));
    if (e || f->limit == 0 || f->kept.list.n < 2 * limit + 1000)
        return e;
    query_rows_sort(&f->kept, query_by_rank);
    return query_rows_cut(&f->kept, limit);
}

/* The group is complete: in order, passed on. */
static enum err end_group(struct figures *f)
{
    struct query_rows *g = &f->group;
    enum err e = ERR_OK;

    query_rows_sort(g, query_in_order);
    for (size_t i = 0; !e && i < g->list.n; i++) {
        const struct query_row *row = query_row_at(g, i);
        const struct query_row *last = query_row_at(g, g->list.n - 1);

        if (!f->newest_window || instance_s(row) == instance_s(last))
            e = pass_on(f, row);
    }
    g->list.n = 0;
    g->text.n = 0;
    return e;
}

static enum err take_row(void *arg, const struct agg_row *figures, struct str key)
{
    struct figures *f = arg;
    struct query_rows *g = &f->group;
    struct query_row row = {.figures = *figures, .order = f->order, .by_end = f->by_end};
    enum err e = ERR_OK;

    if (f->q->n_dbs == 1 && g->list.n > 0 && instance_s(query_row_at(g, 0)) != instance_s(&row))
        e = end_group(f);
    return e ? e : query_rows_add(g, &row, key);
}

/* Above the table of one window. */
static void heading(const struct figures *f, const struct query_row *row)
{
    char start[WHEN_TEXT];
    char end[WHEN_TEXT];

    (void)when_format(row->figures.start_s * 1000, start);
    (void)when_format(row->figures.end_s * 1000, end);
    (void)printf("%s, %s to %s, %s by %s\n", f->q->window, start, end, f->q->dimension, f->q->by);
}

static enum err end_ranking(struct figures *f)
{
    enum err e = ERR_OK;

    query_rows_sort(&f->kept, query_by_rank);
    if (f->limit > 0)
        e = query_rows_cut(&f->kept, (size_t)f->limit);
    if (f->newest_window && f->kept.list.n > 0 && f->q->format == PRINT_TABLE)
        heading(f, query_row_at(&f->kept, 0));
    if (f->measure < 0)
        query_rows_sort(&f->kept, query_in_order);
    for (size_t i = 0; !e && i < f->kept.list.n; i++)
        e = print_figures(f, query_row_at(&f->kept, i));
    return e;
}

/* ---- which windows and dimensions ---- */

static bool has_pair(const struct figures *f, const struct figures_series *s)
{
    for (size_t i = 0; i < f->pairs.n; i++) {
        const struct pair *pair = list_at(&f->pairs, i);

        if (strcmp(pair->window, s->window) == 0 && strcmp(pair->dimension, s->dimension) == 0)
            return true;
    }
    return false;
}

static bool fits(const char *wanted, const char *name)
{
    return !wanted || strcmp(wanted, name) == 0;
}

static enum err choose_pairs(struct figures *f)
{
    for (int d = 0; d < f->q->n_dbs; d++) {
        for (size_t i = 0; i < f->series[d].n; i++) {
            const struct figures_series *s = list_at(&f->series[d], i);
            struct pair *pair = NULL;

            if (!fits(f->q->window, s->window) || !fits(f->q->dimension, s->dimension) ||
                has_pair(f, s))
                continue;
            pair = list_add(&f->pairs);
            if (!pair)
                return ERR_NOMEM;
            *pair = (struct pair){.window = s->window, .dimension = s->dimension};
        }
    }
    return ERR_OK;
}

static const char *window_name(const struct figures_series *s)
{
    return s->window;
}

static const char *dimension_name(const struct figures_series *s)
{
    return s->dimension;
}

typedef const char *(*name_fn)(const struct figures_series *s);

/* The `nth` different name over all databases; NULL past the last. */
static const char *nth_name(const struct figures *f, name_fn name, size_t nth)
{
    const char *seen[SEEN_MAX];
    size_t n = 0;

    for (int d = 0; d < f->q->n_dbs; d++) {
        for (size_t i = 0; i < f->series[d].n && n < SEEN_MAX; i++) {
            const char *found = name(list_at(&f->series[d], i));
            size_t k = 0;

            while (k < n && strcmp(seen[k], found) != 0)
                k++;
            if (k < n)
                continue;
            if (n == nth)
                return found;
            seen[n++] = found;
        }
    }
    return NULL;
}

/* A name that no database has: says which there are, the nearest first. */
static enum err check_name(const struct figures *f, const char *option, const char *wanted,
                           name_fn name, struct why *why)
{
    struct nearest near = nearest_to(str_of(wanted ? wanted : ""));
    char hint[NEAREST_HINT];
    char all[300] = "";
    size_t used = 0;

    for (size_t i = 0; wanted && nth_name(f, name, i); i++) {
        const char *found = nth_name(f, name, i);

        if (strcmp(found, wanted) == 0)
            return ERR_OK;
        nearest_offer(&near, found);
        if (used < sizeof(all))
            used += (size_t)snprintf(all + used, sizeof(all) - used, "%s%s", i ? ", " : "", found);
    }
    if (!wanted)
        return ERR_OK;
    if (!all[0])
        return why_set(why, ERR_NOT_FOUND,
                       "%s has no windows yet: a run adds them with the first sales",
                       f->q->name[0]);
    return why_set(why, ERR_USAGE, "--%s: there is no \"%.64s\"%s; there are %s", option, wanted,
                   nearest_hint(&near, hint), all);
}

static enum err check_names(const struct figures *f, struct why *why)
{
    enum err e = check_name(f, "window", f->q->window, window_name, why);

    if (!e)
        e = check_name(f, "dimension", f->q->dimension, dimension_name, why);
    if (!e && f->pairs.n == 0 && f->q->window && f->q->dimension)
        e = why_set(why, ERR_USAGE, "the window %.64s is not kept for the dimension %.64s",
                    f->q->window, f->q->dimension);
    return e;
}

/* ---- reading ---- */

/* What the databases have of one window and dimension. */
struct instance {
    int series; /* in how many databases */
    bool newest, varies;
    int64_t start_s, end_s; /* newest: the latest of them */
};

static void note_series(struct instance *in, const struct figures_series *s)
{
    in->series++;
    in->newest = in->newest && s->newest;
    in->varies = in->varies || s->span_s == 0;
    if (s->newest && s->end_s > in->end_s) {
        in->start_s = s->start_s;
        in->end_s = s->end_s;
    }
}

static struct instance instance_of(const struct figures *f, const struct pair *pair)
{
    struct instance in = {.newest = true, .start_s = INT64_MIN, .end_s = INT64_MIN};

    for (int d = 0; d < f->q->n_dbs; d++) {
        for (size_t i = 0; i < f->series[d].n; i++) {
            const struct figures_series *s = list_at(&f->series[d], i);

            if (fits(pair->window, s->window) && fits(pair->dimension, s->dimension))
                note_series(&in, s);
        }
    }
    return in;
}

/* All databases' sales of the latest instance: one that lags behind has rows of an earlier. */
static enum err newest_of_all(struct figures *f, const struct instance *in, struct why *why)
{
    const struct pair *pair = list_at(&f->pairs, f->order);
    struct query_window w = {.dimension = pair->dimension, .key = f->q->key};
    struct agg_row *like = &w.like.figures;
    bool any = false;

    *like = (struct agg_row){.start_s = in->start_s, .end_s = in->end_s, .final = 1};
    w.like.order = f->order;
    for (size_t i = 0; i < f->group.list.n; i++) {
        const struct agg_row *r = &query_row_at(&f->group, i)->figures;

        if (r->start_s != in->start_s || r->end_s != in->end_s)
            continue;
        any = true;
        like->final = like->final && r->final;
        like->version = r->version > like->version ? r->version : like->version;
    }
    f->group.list.n = 0;
    f->group.text.n = 0;
    return any ? query_recount_window(f->recount, &w, &f->group, why) : ERR_OK;
}

/* Rows of several databases become those of all their sales together. */
static enum err merge_group(struct figures *f, struct why *why)
{
    const struct pair *pair = list_at(&f->pairs, f->order);
    struct instance in = instance_of(f, pair);
    enum err e = ERR_OK;

    if (in.series < 2 || f->group.list.n == 0)
        return ERR_OK;
    if (!f->recount)
        e = query_recount_open(f->q, &f->recount);
    if (e)
        return e;
    if (in.newest)
        return newest_of_all(f, &in, why);
    query_merge_group(&f->group, in.varies);
    return query_recount_shared(f->recount, pair->dimension, &f->group, why);
}

static enum err read_pair(struct figures *f, struct why *why)
{
    const struct pair *pair = list_at(&f->pairs, f->order);
    struct figures_filter filter = {
        .has_key = f->q->key != NULL,
        .key = str_of(f->q->key ? f->q->key : ""),
        .from_s = f->q->from_s,
        .to_s = f->q->to_s,
        .newest_window = f->newest_window,
    };
    enum err e = ERR_OK;

    for (int d = 0; !e && d < f->q->n_dbs; d++) {
        for (size_t i = 0; !e && i < f->series[d].n; i++) {
            const struct figures_series *s = list_at(&f->series[d], i);

            f->by_end = s->by_end;
            if (fits(pair->window, s->window) && fits(pair->dimension, s->dimension))
                e = figures_rows(f->q->db[d], s, &filter, take_row, f, why);
        }
    }
    if (!e)
        e = merge_group(f, why);
    return e ? e : end_group(f);
}

static enum err answer(struct figures *f, struct why *why)
{
    enum err e = query_print(f->q, f->columns, COL_COUNT, &f->print);

    for (f->order = 0; !e && f->order < f->pairs.n; f->order++)
        e = read_pair(f, why);
    if (!e)
        e = end_ranking(f);
    if (!e)
        e = print_end(f->print);
    if (!e && f->limit > 0 && f->total > (uint64_t)f->limit)
        query_more(f->q, f->total - (uint64_t)f->limit);
    return e;
}

static void init(struct figures *f, struct query *q)
{
    *f = (struct figures){.q = q, .measure = query_measure_index(q->by)};
    for (int d = 0; d < q->n_dbs; d++)
        list_init(&f->series[d], sizeof(struct figures_series));
    list_init(&f->pairs, sizeof(struct pair));
    query_rows_init(&f->group);
    query_rows_init(&f->kept);
}

static void clear(struct figures *f)
{
    print_close(f->print);
    query_recount_close(f->recount);
    query_rows_clear(&f->kept);
    query_rows_clear(&f->group);
    list_clear(&f->pairs);
    for (int d = 0; d < f->q->n_dbs; d++)
        list_clear(&f->series[d]);
}

static enum err read_series(struct figures *f, struct why *why)
{
    enum err e = ERR_OK;

    for (int d = 0; !e && d < f->q->n_dbs; d++)
        e = figures_series(f->q->db[d], &f->series[d], why);
    return e;
}

enum err query_aggregates(struct query *q, struct why *why)
{
    struct figures f;
    enum err e;

    init(&f, q);
    f.limit = query_limit(q, TABLE_ROWS);
    f.columns = aggregate_columns;
    e = read_series(&f, why);
    e = e ? e : choose_pairs(&f);
    e = e ? e : check_names(&f, why);
    e = e ? e : answer(&f, why);
    clear(&f);
    return e;
}

/* ---- top ---- */

/* `usual` if there is one of that name, else the first. */
static const char *usual_or_first(const struct figures *f, name_fn name, const char *usual)
{
    for (size_t i = 0; nth_name(f, name, i); i++) {
        if (strcmp(nth_name(f, name, i), usual) == 0)
            return usual;
    }
    return nth_name(f, name, 0);
}

/* The table of one window says which above itself and leaves those columns out. */
static void choose_columns(const struct figures *f, struct print_column *columns)
{
    memcpy(columns, aggregate_columns, sizeof(aggregate_columns));
    for (int i = 0; i < COL_COUNT; i++) {
        bool same = i == COL_WINDOW || i == COL_DIMENSION || i == COL_START || i == COL_END;

        if (same && f->newest_window)
            columns[i].only_data = true;
        if (strcmp(columns[i].name, f->q->by) == 0)
            columns[i].rank = 0;
    }
}

enum err query_top(struct query *q, struct why *why)
{
    struct print_column columns[COL_COUNT];
    struct figures f;
    enum err e;

    if (!q->by)
        q->by = "revenue";
    init(&f, q);
    f.limit = query_limit(q, TOP_ROWS);
    if (q->limit == QUERY_NO_LIMIT)
        f.limit = TOP_ROWS;
    f.newest_window = !q->has_range;
    f.columns = columns;
    choose_columns(&f, columns);
    e = read_series(&f, why);
    if (!e && !q->window)
        q->window = usual_or_first(&f, window_name, "last24h");
    if (!e && !q->dimension)
        q->dimension = usual_or_first(&f, dimension_name, "stock_code");
    e = e ? e : choose_pairs(&f);
    e = e ? e : check_names(&f, why);
    e = e ? e : answer(&f, why);
    clear(&f);
    return e;
}
