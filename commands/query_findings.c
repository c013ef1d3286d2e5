/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * query_findings: `query anomalies` and `query forecasts`: what the models found.
 *
 * Rows of a single database are printed as they come. Those of several are held and put in
 * order together, with the database's name in a first column. Every SELECT begins with two
 * columns that are not shown, by which rows are in order: the first falls, the second rises.
 *
 * --scores compares forecasts whose actual value is known with what came:
 *
 *   mae           the mean of |predicted - actual|
 *   vs_week_ago   the sum of these over that of |week_ago - actual|, of windows that have a
 *                 week before: below 1 is better than saying the same again
 *   holt_winters  the same ratio for the other baseline
 *   inside        the share with lower <= actual <= upper
 *   width         the mean of upper - lower
 */
#include "commands/query.h"

#include "engine/when.h"

#include <stdio.h>
#include <stdlib.h>

#define TABLE_ROWS 100
#define SQL_MAX 2048
#define CELLS_MAX 24
#define ORDER_CELLS 2
#define TEXT_BYTES_MAX ((size_t)1 << 30)

struct listing {
    const char *order; /* the two */
    const char *cells; /* what the columns are made of */
    const char *from;  /* the view, and which rows */
    const char *group; /* or "" */
    const struct print_column *columns;
    int n_columns;
};

/* A row that is held; its texts lie in sheet.text. */
struct held {
    const char *db;
    struct value value[CELLS_MAX];
    size_t at[CELLS_MAX];
};

struct sheet {
    struct query *q;
    const struct listing *listing;
    struct print_column columns[CELLS_MAX];
    int shift; /* 1: the database's name comes first */
    struct print *print;
    const char *db; /* being read */
    struct list held;
    struct buf text;
    int64_t total;
};

/* ---- the columns ---- */

static const struct print_column anomaly_columns[] = {
    {.name = "time"},
    {.name = "invoice"},
    {.name = "customer", .rank = 3},
    {.name = "country", .rank = 5},
    {.name = "revenue", .rank = 4},
    {.name = "score"},
    {.name = "state", .rank = 6},
    {.name = "feedback", .rank = 2},
    {.name = "text", .rest = true},
};
#define ANOMALY_CELLS                                                                              \
    "\"time\", CASE kind WHEN 'invoice' THEN invoice ELSE subject END, customer, country, "        \
    "revenue, score, state, feedback,"                                                             \
    " text"

static const struct print_column anomaly_data[] = {
    {.name = "id"},
    {.name = "kind"},
    {.name = "subject"},
    {.name = "state"},
    {.name = "time"},
    {.name = "invoice"},
    {.name = "customer"},
    {.name = "country"},
    {.name = "revenue"},
    {.name = "score"},
    {.name = "p_value"},
    {.name = "rank_reason"},
    {.name = "reasons", .kind = PRINT_RAW},
    {.name = "text"},
    {.name = "feedback"},
    {.name = "feedback_by"},
    {.name = "feedback_at"},
};
#define ANOMALY_DATA                                                                               \
    "id, kind, subject, state, \"time\", invoice, customer, country, revenue, score, p_value,"     \
    " rank_reason, CASE WHEN json_valid(reasons) THEN reasons END, text, feedback, feedback_by,"   \
    " feedback_at"

static const struct print_column forecast_columns[] = {
    {.name = "dimension"},
    {.name = "key"},
    {.name = "measure", .rank = 4},
    {.name = "horizon"},
    {.name = "window_start"},
    {.name = "made_at", .rank = 3},
    {.name = "predicted"},
    {.name = "lower"},
    {.name = "upper"},
    {.name = "actual"},
    {.name = "week_ago", .rank = 1},
    {.name = "holt_winters", .rank = 2},
};
#define FORECAST_CELLS                                                                             \
    "dimension, \"key\", measure, horizon, window_start, made_at, predicted, lower, upper,"        \
    " actual, week_ago, holt_winters"

static const struct print_column score_columns[] = {
    {.name = "horizon"},
    {.name = "dimension"},
    {.name = "key"},
    {.name = "measure", .rank = 1},
    {.name = "n"},
    {.name = "mae"},
    {.name = "vs_week_ago", .kind = PRINT_RATIO},
    {.name = "holt_winters", .kind = PRINT_RATIO},
    {.name = "inside", .kind = PRINT_RATIO},
    {.name = "width"},
};
#define SCORE_CELLS                                                                                \
    "horizon, dimension, \"key\", measure, count(*), avg(abs(predicted - actual)),"                \
    " sum(abs(predicted - actual)) FILTER (WHERE week_ago IS NOT NULL)"                            \
    " / nullif(sum(abs(week_ago - actual)), 0),"                                                   \
    " sum(abs(holt_winters - actual)) FILTER (WHERE week_ago IS NOT NULL)"                         \
    " / nullif(sum(abs(week_ago - actual)) FILTER (WHERE holt_winters IS NOT NULL), 0),"           \
    " avg(actual BETWEEN lower AND upper), avg(upper - lower)"

/* ?1 key, ?2 dimension, ?3 from, ?4 to; every SELECT names them all. */
#define SAME_KEY_OF_ANOMALY                                                                        \
    " WHERE (?1 IS NULL OR customer = ?1 OR invoice = ?1 OR country = ?1) AND ?2 IS NULL"
#define SAME_KEY_OF_FORECAST                                                                       \
    " WHERE (?1 IS NULL OR \"key\" = ?1) AND (?2 IS NULL OR dimension = ?2)"
#define IN_RANGE(time) " AND (?3 IS NULL OR " time " >= ?3) AND (?4 IS NULL OR " time " < ?4)"

#define FROM_ANOMALIES " FROM anomalies" SAME_KEY_OF_ANOMALY IN_RANGE("\"time\"")
#define FROM_FORECASTS " FROM forecasts" SAME_KEY_OF_FORECAST IN_RANGE("window_start")
#define BY_HORIZON                                                                                 \
    "CASE horizon WHEN 'hour' THEN 1 WHEN 'nowcast' THEN 2 ELSE 3 END || horizon || ' ' ||"        \
    " (dimension <> 'all') || dimension || ' ' || \"key\" || ' ' || measure"

static const struct listing anomalies = {
    .order = "\"time\", id",
    .cells = ANOMALY_CELLS,
    .from = FROM_ANOMALIES,
    .group = "",
    .columns = anomaly_columns,
    .n_columns = countof(anomaly_columns),
};
static const struct listing forecasts = {
    .order = "window_start, " BY_HORIZON,
    .cells = FORECAST_CELLS,
    .from = FROM_FORECASTS,
    .group = "",
    .columns = forecast_columns,
    .n_columns = countof(forecast_columns),
};
static const struct listing scores = {
    .order = "0, " BY_HORIZON,
    .cells = SCORE_CELLS,
    .from = FROM_FORECASTS " AND actual IS NOT NULL AND predicted IS NOT NULL",
    .group = " GROUP BY horizon, dimension, \"key\", measure",
    .columns = score_columns,
    .n_columns = countof(score_columns),
};

/* ---- rows ---- */

static enum err show(struct sheet *s, const char *db, const struct value *v)
{
    struct value all[CELLS_MAX];

    all[0] = query_text(db);
    memcpy(all + s->shift, v + ORDER_CELLS, (size_t)s->listing->n_columns * sizeof(*v));
    return print_row(s->print, all);
}

static enum err hold(struct sheet *s, int n, const struct value *v)
{
    struct held *row = list_add(&s->held);
    enum err e = row ? ERR_OK : ERR_NOMEM;

    if (e)
        return e;
    row->db = s->db;
    for (int i = 0; !e && i < n; i++) {
        row->value[i] = v[i];
        row->at[i] = s->text.n;
        if (v[i].kind == VALUE_TEXT)
            e = buf_str(&s->text, v[i].text);
    }
    return e;
}

static enum err take_row(void *arg, int n, const char *const *names, const struct value *v)
{
    struct sheet *s = arg;

    (void)names;
    return s->shift ? hold(s, n, v) : show(s, s->db, v);
}

static enum err take_count(void *arg, int n, const char *const *names, const struct value *v)
{
    struct sheet *s = arg;

    (void)n;
    (void)names;
    query_add(&s->total, v[0].whole);
    return ERR_OK;
}

static int compare_values(const struct value *a, const struct value *b)
{
    double x = a->kind == VALUE_WHOLE ? (double)a->whole : a->real;
    double y = b->kind == VALUE_WHOLE ? (double)b->whole : b->real;

    if (a->kind == VALUE_NULL || b->kind == VALUE_NULL)
        return (a->kind != VALUE_NULL) - (b->kind != VALUE_NULL);
    if (a->kind == VALUE_TEXT && b->kind == VALUE_TEXT)
        return str_cmp(a->text, b->text);
    return (x > y) - (x < y);
}

static int in_order(const void *a, const void *b)
{
    const struct held *x = a;
    const struct held *y = b;
    int c = compare_values(&y->value[0], &x->value[0]);

    c = c ? c : compare_values(&x->value[1], &y->value[1]);
    return c ? c : strcmp(x->db, y->db);
}

/* Of the rows of several databases the first `limit` (0: all). */
static enum err show_held(struct sheet *s, int64_t limit)
{
    size_t n = limit > 0 && s->held.n > (size_t)limit ? (size_t)limit : s->held.n;
    enum err e = ERR_OK;

    /* Texts have moved while more were read. */
    for (size_t i = 0; i < s->held.n; i++) {
        struct held *row = list_at(&s->held, i);

        for (int c = 0; c < CELLS_MAX; c++)
            row->value[c].text.p = row->value[c].text.n ? s->text.p + row->at[c] : "";
    }
    if (s->held.n)
        qsort(s->held.p, s->held.n, sizeof(struct held), in_order);
    for (size_t i = 0; !e && i < n; i++) {
        const struct held *row = list_at(&s->held, i);

        e = show(s, row->db, row->value);
    }
    return e;
}

/* ---- questions ---- */

static struct value text_or_null(const char *text)
{
    return text ? query_text(text) : (struct value){.kind = VALUE_NULL};
}

static struct value time_value(int64_t s, int64_t open, char *out)
{
    if (s == open)
        return (struct value){.kind = VALUE_NULL};
    (void)when_format(s * 1000, out);
    return query_text(out);
}

static enum err ask(struct sheet *s, int64_t limit, struct why *why)
{
    const struct listing *l = s->listing;
    const struct query *q = s->q;
    char from[WHEN_TEXT], to[WHEN_TEXT], count[SQL_MAX], rows[SQL_MAX];
    const struct value parameters[] = {text_or_null(q->key), text_or_null(q->dimension),
                                       time_value(q->from_s, INT64_MIN, from),
                                       time_value(q->to_s, INT64_MAX, to)};
    struct question counting = {count, parameters, countof(parameters)};
    struct question asking = {rows, parameters, countof(parameters)};
    enum err e = ERR_OK;

    (void)snprintf(count, sizeof(count), "SELECT count(*)%s", l->from);
    (void)snprintf(rows, sizeof(rows), "SELECT %s, %s%s%s ORDER BY 1 DESC, 2 LIMIT %lld", l->order,
                   l->cells, l->from, l->group, limit > 0 ? (long long)limit : -1LL);
    for (int d = 0; !e && d < q->n_dbs; d++) {
        s->db = q->name[d];
        if (limit > 0 && !l->group[0])
            e = reader_db_ask(q->db[d], &counting, take_count, s, why);
        if (!e)
            e = reader_db_ask(q->db[d], &asking, take_row, s, why);
    }
    return e;
}

static enum err open_sheet(struct sheet *s)
{
    int n = s->listing->n_columns;

    s->shift = s->q->n_dbs > 1;
    s->columns[0] = (struct print_column){.name = "db"};
    memcpy(s->columns + s->shift, s->listing->columns, (size_t)n * sizeof(*s->columns));
    list_init(&s->held, sizeof(struct held));
    buf_init(&s->text, TEXT_BYTES_MAX);
    return query_print(s->q, s->columns, n + s->shift, &s->print);
}

static enum err answer(struct query *q, const struct listing *listing, struct why *why)
{
    int64_t limit = listing->group[0] ? 0 : query_limit(q, TABLE_ROWS);
    struct sheet s = {.q = q, .listing = listing};
    enum err e = open_sheet(&s);

    if (!e)
        e = ask(&s, limit, why);
    if (!e && s.shift)
        e = show_held(&s, limit);
    if (!e)
        e = print_end(s.print);
    if (!e && s.total > limit)
        query_more(q, (uint64_t)(s.total - limit));
    print_close(s.print);
    list_clear(&s.held);
    buf_clear(&s.text);
    return e;
}

enum err query_anomalies(struct query *q, struct why *why)
{
    struct listing listing = anomalies;

    if (q->format != PRINT_TABLE) {
        listing.cells = ANOMALY_DATA;
        listing.columns = anomaly_data;
        listing.n_columns = countof(anomaly_data);
    }
    if (q->by)
        listing.order = "score, \"time\" || id";
    return answer(q, &listing, why);
}

enum err query_forecasts(struct query *q, struct why *why)
{
    return answer(q, q->scores ? &scores : &forecasts, why);
}
