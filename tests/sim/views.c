/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * views: see the header.
 */
#include "tests/sim/views.h"

#include "engine/when.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- rows as lines ---- */

static enum err add_row(void *arg, int n, const char *const *names, const struct value *values)
{
    char text[4096];
    size_t at = 0;

    (void)names;
    for (int i = 0; i < n; i++) {
        const struct value *v = &values[i];
        const char *bar = i ? "|" : "";
        size_t room = at < sizeof(text) ? sizeof(text) - at : 0;
        if (v->kind == VALUE_TEXT)
            at += (size_t)snprintf(text + at, room, "%s%.*s", bar, (int)v->text.n, v->text.p);
        else if (v->kind == VALUE_REAL)
            at += (size_t)snprintf(text + at, room, "%s%.17g", bar, v->real);
        else if (v->kind == VALUE_WHOLE)
            at += (size_t)snprintf(text + at, room, "%s%" PRId64, bar, v->whole);
        else
            at += (size_t)snprintf(text + at, room, "%s", bar);
    }
    lines_add(arg, "%s", text);
    return ERR_OK;
}

static void ask(struct trail *t, struct reader_db *db, const char *sql, struct lines *out)
{
    const struct question q = {.sql = sql};
    struct why why = {""};

    if (reader_db_ask(db, &q, add_row, out, &why))
        trail_fail(t, "a reader: %s: %s", sql, why.text);
}

static void compare(struct trail *t, struct reader_db *db, const char *sql, struct lines *wanted)
{
    struct lines got = {.n = 0};
    const char *difference;

    ask(t, db, sql, &got);
    difference = lines_difference(&got, wanted);
    trail_check(t, !difference, "%s: %s", sql, difference);
    for (size_t i = 0; i < got.n; i++)
        trail_note(t, "%s", got.line[i]);
    lines_clear(&got);
}

/* ---- aggregates ---- */

enum { MEASURES = 13, EXACT = 10 };

struct figure {
    char place[400];           /* window|dimension|key|start|end */
    int64_t measure[MEASURES]; /* the first EXACT to the last digit, quantiles within 1 % */
    double sd;
};

struct figures {
    struct figure *row;
    size_t n, cap;
};

static struct figure *new_figure(struct figures *f)
{
    if (f->n == f->cap) {
        f->cap = f->cap ? f->cap * 2 : 256;
        f->row = realloc(f->row, f->cap * sizeof(*f->row));
    }
    if (!f->row)
        abort();
    return &f->row[f->n++];
}

static const char aggregates[] =
    "SELECT \"window\" || '|' || dimension || '|' || \"key\" || '|' || strftime('%s', window_start)"
    " || '|' || strftime('%s', window_end), lines, units, revenue_micros, invoices, customers,"
    " return_lines, return_units, return_revenue_micros, final, version,"
    " CAST(round(p50_line * 1000000) AS INTEGER), CAST(round(p90_line * 1000000) AS INTEGER),"
    " CAST(round(p99_line * 1000000) AS INTEGER), sd_line, min_line, max_line FROM aggregates";

static enum err add_figure(void *arg, int n, const char *const *names, const struct value *v)
{
    struct figure *f = new_figure(arg);

    (void)n;
    (void)names;
    (void)snprintf(f->place, sizeof(f->place), "%.*s|%" PRId64 "|%" PRId64, (int)v[0].text.n,
                   v[0].text.p, (int64_t)llround(v[15].real * 1e6),
                   (int64_t)llround(v[16].real * 1e6));
    for (int i = 0; i < MEASURES; i++)
        f->measure[i] = v[1 + i].whole;
    f->sd = v[14].kind == VALUE_REAL ? v[14].real : (double)v[14].whole;
    return ERR_OK;
}

static size_t add_part(char *out, size_t n, const char *part, bool escape)
{
    for (; *part; part++) {
        bool special = escape && (*part == '+' || *part == '%');
        n += (size_t)snprintf(out + n, 4, special ? "%%%02X" : "%c", (unsigned char)*part);
    }
    return n;
}

static void key_text(const struct settings *s, const struct oracle_row *r, char *out)
{
    const struct dimension *d = &s->dimension[r->dimension];
    size_t n = add_part(out, 0, d->n_fields ? "" : "*", false);

    out[n] = '\0';
    for (int i = 0; i < d->n_fields; i++) {
        n = i ? add_part(out, n, "+", false) : n;
        n = add_part(out, n, scene_words()->field[d->fields[i]][r->key.part[i]], d->n_fields > 1);
    }
}

static void want_figures(const struct settings *s, struct oracle *o, struct figures *out)
{
    size_t n;
    const struct oracle_row *rows = oracle_rows(o, &n);

    for (size_t i = 0; i < n; i++) {
        const struct oracle_row *r = &rows[i];
        const int64_t measure[MEASURES] = {
            r->lines,     r->units,        r->revenue,      r->invoices,
            r->customers, r->return_lines, r->return_units, r->return_revenue,
            r->final,     r->version,      r->p50,          r->p90,
            r->p99};
        struct figure *f = new_figure(out);
        char key[200];
        key_text(s, r, key);
        (void)snprintf(f->place, sizeof(f->place),
                       "%s|%s|%s|%" PRId64 "|%" PRId64 "|%" PRId64 "|%" PRId64,
                       s->window[r->window].name, s->dimension[r->dimension].name, key, r->start_s,
                       r->end_s, r->min, r->max);
        memcpy(f->measure, measure, sizeof(measure));
        f->sd = r->sd;
    }
}

static int by_place(const void *a, const void *b)
{
    return strcmp(((const struct figure *)a)->place, ((const struct figure *)b)->place);
}

static bool is_same(const struct figure *a, const struct figure *b)
{
    bool same = strcmp(a->place, b->place) == 0 && fabs(a->sd - b->sd) <= 1e-9 * b->sd + 1e-9;

    for (int i = 0; i < MEASURES; i++) {
        double wanted = (double)b->measure[i];
        double off = fabs((double)a->measure[i] - wanted);
        double allowed = i < EXACT || fabs(wanted) < 4096 ? 0 : fabs(wanted) * 0.01 + 1;
        same = same && off <= allowed;
    }
    return same;
}

static void describe(const struct figure *f, char *out, size_t size)
{
    int n = snprintf(out, size, "%s:", f ? f->place : "nothing");

    for (int i = 0; f && i < MEASURES; i++)
        n += snprintf(out + n, size - (size_t)n, " %" PRId64, f->measure[i]);
    if (f)
        (void)snprintf(out + n, size - (size_t)n, " sd %.9g", f->sd);
}

static void compare_figures(struct trail *t, struct figures *got, struct figures *wanted)
{
    char a[900], b[900];
    size_t i = 0;

    if (got->n)
        qsort(got->row, got->n, sizeof(*got->row), by_place);
    if (wanted->n)
        qsort(wanted->row, wanted->n, sizeof(*wanted->row), by_place);
    while (i < got->n && i < wanted->n && is_same(&got->row[i], &wanted->row[i]))
        i++;
    describe(i < got->n ? &got->row[i] : NULL, a, sizeof(a));
    describe(i < wanted->n ? &wanted->row[i] : NULL, b, sizeof(b));
    trail_check(t, i == got->n && i == wanted->n,
                "aggregates: %zu rows, wanted %zu; (window|dimension|key|start|end|min|max: lines "
                "units revenue invoices customers returns final version quantiles)\n  %s\nwanted\n"
                "  %s",
                got->n, wanted->n, a, b);
    for (i = 0; i < got->n; i++) {
        describe(&got->row[i], a, sizeof(a));
        trail_note(t, "%s", a);
    }
}

static void compare_aggregates(struct trail *t, struct reader_db *db, struct truth *truth)
{
    const struct question q = {.sql = aggregates};
    struct figures got = {.n = 0}, wanted = {.n = 0};
    struct why why = {""};

    if (reader_db_ask(db, &q, add_figure, &got, &why))
        trail_fail(t, "a reader: aggregates: %s", why.text);
    want_figures(&truth->scene->settings, truth->oracle, &wanted);
    compare_figures(t, &got, &wanted);
    free(got.row);
    free(wanted.row);
}

void views_compare(struct trail *t, struct reader_db *db, struct truth *truth)
{
    compare(t, db,
            "SELECT source, shard, position, \"read\", aggregated, late, rejected, pending,"
            " duplicates, coalesce(watermark, '') FROM progress",
            &truth->progress);
    compare(t, db, "SELECT source, shard, position, raw, reason FROM rejects", &truth->rejects);
    compare(t, db, "SELECT source, shard, position, reason, event_time, record FROM late",
            &truth->late);
    compare(t, db,
            "SELECT invoice, coalesce(customer, ''), coalesce(country, ''), first_time, last_time,"
            " lines, units, revenue_micros, n_customers, n_countries FROM invoices",
            &truth->invoices);
    compare(t, db,
            "SELECT customer, coalesce(country, ''), first_time, last_time, lines, invoices, units,"
            " revenue_micros, return_revenue_micros FROM customers",
            &truth->customers);
    compare_aggregates(t, db, truth);
}

/* ---- after every commit ---- */

void views_agree(struct trail *t, struct reader_db *db, const struct settings *s)
{
    static const char disagreements[] =
        "WITH p AS (SELECT coalesce(sum(\"read\"), 0) r, coalesce(sum(aggregated), 0) a,"
        " coalesce(sum(late), 0) l, coalesce(sum(rejected), 0) j, coalesce(sum(pending), 0) w"
        " FROM progress) SELECT 'read is not the sum of all fates' FROM p WHERE r <> a + l + j + w"
        " UNION ALL SELECT 'the ledger holds other sales' FROM p"
        " WHERE a <> (SELECT coalesce(sum(sales), 0) FROM ledger)"
        " UNION ALL SELECT 'the invoices hold other sales' FROM p"
        " WHERE a <> (SELECT coalesce(sum(lines), 0) FROM invoices)"
        " UNION ALL SELECT 'late is not what progress says' FROM p"
        " WHERE l <> (SELECT count(*) FROM late)"
        " UNION ALL SELECT 'rejects are not what progress says' FROM p"
        " WHERE j <> (SELECT count(*) FROM rejects)"
        " UNION ALL SELECT 'a late sale is not in its window' FROM late"
        " WHERE window_start > event_time"
        " UNION ALL SELECT 'more than dedup_max RecordIDs are kept'"
        " WHERE (SELECT count(*) FROM dedup) > ?";
    const struct value max = {.kind = VALUE_WHOLE, .whole = s->dedup_max};
    const struct question q = {.sql = disagreements, .parameters = &max, .n_parameters = 1};
    struct lines got = {.n = 0};
    struct why why = {""};

    if (reader_db_ask(db, &q, add_row, &got, &why))
        trail_fail(t, "a reader: %s", why.text);
    trail_check(t, got.n == 0, "a commit is not whole: %s", got.line[0]);
    lines_clear(&got);
}
