/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * ranking: all judged invoices after the warm-up, by their last score; labelled ones are the
 * hits. Ignored ones without a label are left out of the ranking, but count for what a share
 * of alerts is: the first 1.5 % are the first ceil(0.015 n) of the ranking, n with them.
 * Equal scores are ranked by time, then by the invoice's place in the database.
 *
 * The average precision of one type leaves out the labels of other types.
 */
#include "commands/ranking.h"

#include "commands/merit.h"
#include "models/evidence.h"

#include <math.h>
#include <stdlib.h>

const double ranking_rates[RANKING_RATES] = {0.005, 0.01, 0.015, 0.02};

void ranking_init(struct ranking *r)
{
    *r = (struct ranking){.n = 0};
    labels_init(&r->labels);
    labels_init(&r->ignore);
    labels_init(&r->controls);
    list_init(&r->all, sizeof(struct judged));
}

void ranking_clear(struct ranking *r)
{
    labels_clear(&r->labels);
    labels_clear(&r->ignore);
    labels_clear(&r->controls);
    list_clear(&r->all);
    free(r->hit);
}

/* ---- what is right ---- */

/* What a person would name as the reason of a type of label. */
static const struct {
    const char *type;
    enum stat right[2];
} types_known[] = {
    {"price_x10", {STAT_PRICE_UP, STAT_PRICE_UP}},
    {"price_x100", {STAT_PRICE_UP, STAT_PRICE_UP}},
    {"price_div100", {STAT_PRICE_DOWN, STAT_PRICE_DOWN}},
    {"price_zero", {STAT_FREE, STAT_PRICE_DOWN}},
    {"qty_x100", {STAT_QUANTITY, STAT_QUANTITY}},
    {"big_basket", {STAT_LINES, STAT_LINES}},
    {"card_testing", {STAT_BURST, STAT_BURST}},
    {"dup_burst", {STAT_ECHO, STAT_BURST}},
    {"dup_replay", {STAT_REPEAT, STAT_REPEAT}},
    {"new_country", {STAT_COUNTRY, STAT_COUNTRY}},
    {"night", {STAT_HOUR, STAT_HOUR}},
};

static struct str type_of(const struct judged *j)
{
    return labels_str(j->label, j->label->type);
}

/* The index in types_known; -1: a type of its own. */
static int known_type(struct str type)
{
    for (size_t i = 0; i < countof(types_known); i++) {
        if (str_eq(type, str_of(types_known[i].type)))
            return (int)i;
    }
    return -1;
}

/* Whether one of the first n reasons is right. */
static bool is_right(const struct judged *j, int type, int n)
{
    for (int i = 0; i < n; i++) {
        if (j->reason[i] == types_known[type].right[0] ||
            j->reason[i] == types_known[type].right[1])
            return true;
    }
    return false;
}

/* ---- reading ---- */

static void read_reasons(struct str data, struct judged *out)
{
    struct reader r = reader_of(data.p, data.n);
    struct verdict v;
    enum err e = verdict_read(&v, &r);

    for (uint32_t i = 0; i < RANKING_REASONS; i++)
        out->reason[i] = !e && i < v.n_evidence ? v.evidence[i].stat : STAT_COUNT;
}

static enum err take_verdict(void *arg, int n, const char *const *names, const struct value *v)
{
    struct ranking *r = arg;
    struct judged *j = list_add(&r->all);

    (void)n;
    (void)names;
    if (!j)
        return ERR_NOMEM;
    j->id = v[0].whole;
    j->label = labels_find(&r->labels, v[1].text);
    j->ignored = !j->label && labels_find(&r->ignore, v[1].text);
    j->control = labels_find(&r->controls, v[1].text) != NULL;
    j->time_ms = v[2].whole;
    j->score = v[3].kind == VALUE_REAL ? v[3].real : (double)v[3].whole;
    j->flagged = v[4].whole != 0;
    read_reasons(v[5].kind == VALUE_TEXT ? v[5].text : STR(""), j);
    return ERR_OK;
}

static int by_rank(const void *a, const void *b)
{
    const struct judged *x = a;
    const struct judged *y = b;

    if (x->score > y->score || x->score < y->score)
        return x->score > y->score ? -1 : 1;
    if (x->time_ms != y->time_ms)
        return x->time_ms < y->time_ms ? -1 : 1;
    return (x->id > y->id) - (x->id < y->id);
}

/* What is not to be ranked goes. */
static void leave_out(struct ranking *r)
{
    int64_t start_ms = INT64_MAX;

    r->row = (struct judged *)(void *)r->all.p;
    for (size_t i = 0; i < r->all.n; i++) {
        if (r->row[i].time_ms < start_ms)
            start_ms = r->row[i].time_ms;
    }
    r->from_ms = start_ms + r->warm_up_ms;
    for (size_t i = 0; i < r->all.n; i++) {
        if (r->row[i].time_ms < r->from_ms)
            continue;
        r->n_all++;
        if (!r->row[i].ignored)
            r->row[r->n++] = r->row[i];
    }
}

static enum err rank(struct ranking *r)
{
    leave_out(r);
    r->hit = malloc(r->n + 1);
    if (!r->hit)
        return ERR_NOMEM;
    qsort(r->row, r->n, sizeof(*r->row), by_rank);
    for (size_t i = 0; i < r->n; i++)
        r->hit[i] = r->row[i].label != NULL;
    for (int i = 0; i < RANKING_RATES; i++) {
        size_t within = (size_t)ceil(ranking_rates[i] * (double)r->n_all);

        r->cut[i] = within < r->n ? within : r->n;
    }
    r->positives = merit_hits(r->hit, r->n);
    return ERR_OK;
}

enum err ranking_read(struct ranking *r, struct reader_db *reader, const char *db, struct why *why)
{
    static const struct question ask = {
        .sql = "SELECT i.id, i.text, v.time_ms, coalesce(v.score, 0.0), v.flagged, v.data"
               " FROM verdict v JOIN invoice i ON i.id = v.invoice"};
    enum err e = ERR_OK;

    labels_sort(&r->labels);
    labels_sort(&r->ignore);
    labels_sort(&r->controls);
    e = reader_db_ask(reader, &ask, take_verdict, r, why);
    if (!e && r->all.n == 0)
        return why_set(why, ERR_NOT_FOUND,
                       "no invoice was judged in %s: count its sales with the setting models", db);
    if (!e)
        e = rank(r);
    if (!e && r->positives == 0)
        return why_set(why, ERR_NOT_FOUND,
                       "none of the %zu labelled invoices is among the %zu that were judged in %s "
                       "after the warm-up",
                       r->labels.list.n, r->n_all, db);
    return e;
}

/* ---- figures ---- */

double ranking_share(size_t part, size_t of)
{
    return of ? (double)part / (double)of : 0;
}

double ranking_recall(const struct ranking *r, int rate)
{
    return ranking_share(merit_hits(r->hit, r->cut[rate]), r->positives);
}

double ranking_precision(const struct ranking *r, size_t k)
{
    k = k < r->n ? k : r->n;
    return ranking_share(merit_hits(r->hit, k), k);
}

struct ranking_flags ranking_flags(const struct ranking *r)
{
    struct ranking_flags f = {.given = 0};

    for (size_t i = 0; i < r->n; i++) {
        f.given += r->row[i].flagged;
        f.right += r->row[i].flagged && r->hit[i];
    }
    f.precision = ranking_share(f.right, f.given);
    f.recall = ranking_share(f.right, r->positives);
    f.f1 = ranking_share(2 * f.right, f.given + r->positives);
    return f;
}

struct ranking_controls ranking_controls(const struct ranking *r)
{
    struct ranking_controls c = {.judged = 0};

    for (size_t i = 0; i < r->n; i++) {
        c.judged += r->row[i].control;
        c.within += r->row[i].control && i < r->cut[RANKING_RATE];
        c.flagged += r->row[i].control && r->row[i].flagged;
    }
    return c;
}

struct ranking_reasons ranking_reasons(const struct ranking *r)
{
    struct ranking_reasons reasons = {.of = 0};

    for (size_t i = 0; i < r->cut[RANKING_RATE]; i++) {
        const struct judged *j = &r->row[i];
        int type = j->label ? known_type(type_of(j)) : -1;

        if (type < 0)
            continue;
        reasons.of++;
        reasons.first += is_right(j, type, 1);
        reasons.among += is_right(j, type, RANKING_REASONS);
    }
    return reasons;
}

/* ---- by event ---- */

struct event {
    struct str name;
    size_t place;
};

static int by_event(const void *a, const void *b)
{
    const struct event *x = a;
    const struct event *y = b;
    int c = str_cmp(x->name, y->name);

    return c ? c : (x->place > y->place) - (x->place < y->place);
}

enum err ranking_events(const struct ranking *r, int rate, double *out)
{
    struct event *all = calloc(r->positives + 1, sizeof(*all));
    size_t n = 0, events = 0, found = 0;

    if (!all)
        return ERR_NOMEM;
    for (size_t i = 0; i < r->n; i++) {
        const struct label *l = r->row[i].label;

        if (l)
            all[n++] = (struct event){labels_str(l, l->event.n ? l->event : l->invoice), i};
    }
    qsort(all, n, sizeof(*all), by_event);
    for (size_t i = 0; i < n; i++) {
        if (i > 0 && str_eq(all[i - 1].name, all[i].name))
            continue;
        events++;
        found += all[i].place < r->cut[rate];
    }
    free(all);
    *out = ranking_share(found, events);
    return ERR_OK;
}

/* ---- by type ---- */

/* The row of this name, a new one if need be; NULL: too many types. */
static struct ranking_type *type_row(struct ranking_type *rows, size_t *n, struct str name)
{
    size_t at = 0;

    while (at < *n && !str_eq(rows[at].name, name))
        at++;
    if (at == RANKING_TYPES_MAX)
        return NULL;
    if (at == *n)
        rows[(*n)++] = (struct ranking_type){.name = name};
    return &rows[at];
}

static int by_name(const void *a, const void *b)
{
    return str_cmp(((const struct ranking_type *)a)->name, ((const struct ranking_type *)b)->name);
}

/* Of the ranking without the labels of other types; `hit` has room for all. */
static double type_precision(const struct ranking *r, struct str type, uint8_t *hit)
{
    size_t n = 0;

    for (size_t i = 0; i < r->n; i++) {
        bool of_type = r->row[i].label && str_eq(type_of(&r->row[i]), type);

        if (!r->row[i].label || of_type)
            hit[n++] = of_type;
    }
    return merit_average_precision(hit, n);
}

enum err ranking_types(const struct ranking *r, struct ranking_type *out, size_t *n)
{
    uint8_t *hit = malloc(r->n + 1);

    *n = 0;
    if (!hit)
        return ERR_NOMEM;
    for (size_t i = 0; i < r->n; i++) {
        const struct judged *j = &r->row[i];
        struct ranking_type *row = j->label ? type_row(out, n, type_of(j)) : NULL;

        if (!row)
            continue;
        row->labelled++;
        row->found += i < r->cut[RANKING_RATE];
        row->flagged += j->flagged;
    }
    qsort(out, *n, sizeof(*out), by_name);
    for (size_t i = 0; i < *n; i++)
        out[i].average_precision = type_precision(r, out[i].name, hit);
    free(hit);
    return ERR_OK;
}
