/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * figures: one series' table read directly, by row id.
 *
 * The id of a history row is start_s * 2^30 + key (schema.h), so a range of window starts is a
 * range of ids and costs only the rows in it; the latest window is found at the end of the
 * table. Where the id packs the end instead, rows are in the order of their starts as well: a
 * range of starts begins at the first row that ends after its beginning, and the first row
 * that starts behind it ends the reading. The rows of a `newest` series all belong to one window:
 * its start is checked once, and a key is found by id.
 */
#include "engine/store/figures.h"
#include "engine/store/schema.h"

#include <stdio.h>

/* Columns of the select in read_row, after the measures of struct agg_row in their order. */
enum {
    AT_ID,
    AT_KEY,
    AT_LINES,
    AT_MIN = AT_LINES + 8,
    AT_SD = AT_MIN + 5,
    AT_END,
    AT_STATE,
    AT_OF
};

static struct value whole(int64_t v)
{
    return (struct value){.kind = VALUE_WHOLE, .whole = v};
}

/* ---- the series of a database ---- */

static bool take_name(char *out, const struct value *v)
{
    if (v->kind != VALUE_TEXT || v->text.n >= FIGURES_NAME_MAX)
        return false;
    memcpy(out, v->text.p, v->text.n);
    out[v->text.n] = 0;
    return true;
}

static enum err add_series(void *arg, int n, const char *const *names, const struct value *v)
{
    struct figures_series *s = list_add(arg);

    (void)n;
    (void)names;
    if (!s)
        return ERR_NOMEM;
    s->id = v[0].whole;
    s->newest = v[3].whole != 0;
    s->span_s = v[4].whole;
    s->start_s = v[5].whole;
    s->end_s = v[6].whole;
    s->by_end = v[7].whole != 0;
    return take_name(s->window, &v[1]) && take_name(s->dimension, &v[2]) ? ERR_OK : ERR_DAMAGED;
}

enum err figures_series(struct reader_db *r, struct list *out, struct why *why)
{
    static const struct question q = {
        .sql = "SELECT id, \"window\", dimension, newest, span_s, start_s, end_s, by_end"
               " FROM series ORDER BY id",
    };
    enum err e = reader_db_ask(r, &q, add_series, out, why);

    if (e == ERR_DAMAGED)
        (void)why_set(why, e, "the database's table of windows is damaged: restore a copy");
    return e;
}

/* ---- rows ---- */

struct row_reader {
    const struct figures_series *series;
    const struct figures_filter *filter;
    figures_fn each;
    void *arg;
    bool unsound; /* a row was of no possible time */
};

static int64_t or_revenue(const struct value *v, int64_t revenue)
{
    return v->kind == VALUE_NULL ? revenue : v->whole;
}

static double as_real(const struct value *v)
{
    return v->kind == VALUE_REAL ? v->real : (double)v->whole;
}

static void take_measures(struct agg_row *row, const struct value *v)
{
    row->lines = v[AT_LINES].whole;
    row->invoices = v[AT_LINES + 1].whole;
    row->customers = v[AT_LINES + 2].whole;
    row->units = v[AT_LINES + 3].whole;
    row->revenue = v[AT_LINES + 4].whole;
    row->return_lines = v[AT_LINES + 5].whole;
    row->return_units = v[AT_LINES + 6].whole;
    row->return_revenue = v[AT_LINES + 7].whole;
    row->min = or_revenue(&v[AT_MIN], row->revenue);
    row->max = or_revenue(&v[AT_MIN + 1], row->revenue);
    row->p50 = or_revenue(&v[AT_MIN + 2], row->revenue);
    row->p90 = or_revenue(&v[AT_MIN + 3], row->revenue);
    row->p99 = or_revenue(&v[AT_MIN + 4], row->revenue);
    row->sd = as_real(&v[AT_SD]);
}

/* Without undefined overflow, whatever a damaged file holds. */
static int64_t end_of(int64_t start_s, int64_t span_s)
{
    return (int64_t)((uint64_t)start_s + (uint64_t)span_s);
}

/* Start, end, final and version. */
static void take_window(struct agg_row *row, const struct figures_series *s, const struct value *v)
{
    int64_t packed_s = (v[AT_ID].whole - (int64_t)row->key) / SCHEMA_KEYS;
    bool of_window = true;

    if (s->newest) {
        row->start_s = s->start_s;
        row->end_s = s->end_s;
        of_window = v[AT_OF].kind == VALUE_WHOLE && v[AT_OF].whole == s->start_s;
    } else if (s->by_end) {
        row->start_s = v[AT_END].whole;
        row->end_s = packed_s;
    } else {
        row->start_s = packed_s;
        row->end_s = v[AT_END].kind == VALUE_NULL ? end_of(packed_s, s->span_s) : v[AT_END].whole;
    }
    if (of_window) {
        row->final = v[AT_STATE].whole & 1;
        row->version = (uint32_t)(v[AT_STATE].whole >> 1);
    }
}

static bool possible(int64_t s)
{
    return s > -2 * SCHEMA_START_MAX && s < 2 * SCHEMA_START_MAX;
}

static enum err read_row(void *arg, int n, const char *const *names, const struct value *v)
{
    struct row_reader *reader = arg;
    const struct figures_series *s = reader->series;
    struct agg_row row = {.series = (uint16_t)s->id, .op = ROW_PUT};

    (void)n;
    (void)names;
    row.key = (uint32_t)((uint64_t)v[AT_ID].whole & (uint64_t)(SCHEMA_KEYS - 1));
    take_measures(&row, v);
    take_window(&row, s, v);
    reader->unsound = !possible(row.start_s) || !possible(row.end_s);
    if (reader->unsound)
        return ERR_DAMAGED;
    if (s->by_end && row.start_s >= reader->filter->to_s)
        return ERR_END;
    if (s->by_end && row.start_s < reader->filter->from_s)
        return ERR_OK;
    return reader->each(reader->arg, &row, v[AT_KEY].text);
}

static enum err take_whole(void *arg, int n, const char *const *names, const struct value *v)
{
    (void)n;
    (void)names;
    *(struct value *)arg = v[0].kind == VALUE_WHOLE ? v[0] : (struct value){.kind = VALUE_NULL};
    return ERR_END;
}

static int64_t clamped(int64_t start_s)
{
    if (start_s > SCHEMA_START_MAX)
        return SCHEMA_START_MAX;
    return start_s < -SCHEMA_START_MAX ? -SCHEMA_START_MAX : start_s;
}

/* Moves range[0] to the first id of the latest window in the range, if there is one. */
static enum err find_newest(struct reader_db *r, const struct figures_series *s,
                            const struct figures_filter *filter, int64_t range[2], struct why *why)
{
    struct value newest = {.kind = VALUE_NULL};
    struct value bounds[] = {whole(range[0]), whole(range[1]), whole(filter->from_s),
                             whole(filter->to_s)};
    char sql[160];
    struct question q = {.sql = sql, .parameters = bounds, .n_parameters = s->by_end ? 4 : 2};
    enum err e;

    (void)snprintf(sql, sizeof(sql),
                   "SELECT id FROM rows_%lld WHERE id BETWEEN ? AND ?%s ORDER BY id DESC LIMIT 1",
                   (long long)s->id, s->by_end ? " AND end_s >= ? AND end_s < ?" : "");
    e = reader_db_ask(r, &q, take_whole, &newest, why);
    if (!e && newest.kind == VALUE_WHOLE)
        range[0] = newest.whole - (int64_t)((uint64_t)newest.whole & (uint64_t)(SCHEMA_KEYS - 1));
    return e;
}

/* First and last id of the range; *last < *first: nothing is in it. */
static enum err id_range(struct reader_db *r, const struct figures_series *s,
                         const struct figures_filter *filter, int64_t range[2], struct why *why)
{
    int64_t from_s = clamped(filter->from_s);
    int64_t to_s = clamped(filter->to_s);

    if (s->newest) {
        bool inside = s->start_s >= from_s && s->start_s < to_s;

        range[0] = 0;
        range[1] = inside ? SCHEMA_KEYS - 1 : -1;
        return ERR_OK;
    }
    if (to_s == -SCHEMA_START_MAX) {
        range[0] = 0;
        range[1] = -1;
        return ERR_OK;
    }
    range[0] = from_s == -SCHEMA_START_MAX ? INT64_MIN : from_s * SCHEMA_KEYS;
    range[1] = s->by_end || to_s == SCHEMA_START_MAX ? INT64_MAX : to_s * SCHEMA_KEYS - 1;
    return filter->newest_window ? find_newest(r, s, filter, range, why) : ERR_OK;
}

/* The number of the key asked for; *known: there is one. */
static enum err key_id(struct reader_db *r, struct str text, int64_t *id, bool *known,
                       struct why *why)
{
    struct value parameter = {.kind = VALUE_TEXT, .text = text};
    struct value found = {.kind = VALUE_NULL};
    struct question q = {.sql = "SELECT id FROM \"key\" WHERE text = ? LIMIT 1",
                         .parameters = &parameter,
                         .n_parameters = 1};
    enum err e = reader_db_ask(r, &q, take_whole, &found, why);

    *known = found.kind == VALUE_WHOLE;
    *id = found.whole;
    return e;
}

/* The select of one series between two ids. The one key of the dimension "all" is "*". */
static void select_text(const struct figures_series *s, bool all, bool one_key, char *sql,
                        size_t size)
{
    static const char columns[] =
        " lines, invoices, customers, units, revenue, return_lines, return_units, return_revenue,"
        " min, max, p50, p90, p99, sd, end_s, state, \"of\"";

    if (all)
        (void)snprintf(sql, size,
                       "SELECT r.id, '*',%s FROM rows_%lld r WHERE r.id BETWEEN ? AND ?"
                       " ORDER BY r.id",
                       columns, (long long)s->id);
    else
        (void)snprintf(sql, size,
                       "SELECT r.id, k.text,%s FROM rows_%lld r CROSS JOIN \"key\" k"
                       " WHERE r.id BETWEEN ? AND ? AND k.id = (r.id & %lld)%s ORDER BY r.id",
                       columns, (long long)s->id, (long long)(SCHEMA_KEYS - 1),
                       one_key ? " AND k.id = ?" : "");
}

enum err figures_rows(struct reader_db *r, const struct figures_series *s,
                      const struct figures_filter *filter, figures_fn each, void *arg,
                      struct why *why)
{
    struct row_reader reader = {.series = s, .filter = filter, .each = each, .arg = arg};
    bool all = strcmp(s->dimension, "all") == 0;
    bool one_key = filter->has_key && !all;
    bool known = all ? !filter->has_key || str_eq(filter->key, STR("*")) : true;
    char sql[640];
    struct value parameters[3];
    struct question q = {.sql = sql, .parameters = parameters, .n_parameters = 2 + one_key};
    int64_t range[2] = {0, -1};
    int64_t key = 0;
    enum err e = ERR_OK;

    if (one_key)
        e = key_id(r, filter->key, &key, &known, why);
    if (!e && known)
        e = id_range(r, s, filter, range, why);
    if (e || range[0] > range[1])
        return e;
    if (one_key && s->newest)
        range[0] = range[1] = key;
    parameters[0] = whole(range[0]);
    parameters[1] = whole(range[1]);
    parameters[2] = whole(key);
    select_text(s, all, one_key, sql, sizeof(sql));
    e = reader_db_ask(r, &q, read_row, &reader, why);
    return reader.unsound ? why_set(why, ERR_DAMAGED,
                                    "the rows of the window %s are damaged: restore a copy of the "
                                    "database, or move it away and run the source again",
                                    s->window)
                          : e;
}
