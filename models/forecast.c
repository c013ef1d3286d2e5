/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Lines fall into hours of the shop's wall clock; the watermark closes hours; closed hours go to
 * the series, and so do days at their end. Nothing else moves time, so that forecasts depend on
 * lines and their order alone.
 *
 * A day becomes the day under way when it has a line. A day without one is not learned: the shop
 * was closed. After a day the next likely trading day is awaited, with forecasts of its first
 * hour and its total; if the shop opens on another day, they are made anew for that one.
 *
 * The largest countries are chosen at the end of a day by their fading totals. One that is
 * followed gives way to another that is CLEARLY larger, since a new one has all to learn.
 *
 * 1. Buckets are in order of their hours, all of them >= closed.
 * 2. Under way: day * 24 <= closed < day * 24 + 24.
 * 3. mark_ms never decreases; every hour before `closed` is over.
 */
#include "models/forecast_parts.h"

#include <math.h>
#include <stdlib.h>

#define BUCKETS_MAX 4096 /* hours ahead of the watermark that are kept apart */
#define CELLS_MAX 512    /* countries in an hour that are kept apart */
#define TOTALS_MAX 1024
#define FADE 0.995 /* of totals, in a trading day */
#define CLEARLY 1.25
#define MILLION 1e6

static int64_t floor_div(int64_t a, int64_t b)
{
    int64_t q = a / b;

    return q - (a % b < 0);
}

int64_t forecast_utc_ms(const struct forecast *f, int64_t hour)
{
    return f->zone ? zone_to_utc(f->zone, hour * WHEN_HOUR) : hour * WHEN_HOUR;
}

struct forecast_bucket *forecast_bucket_at(struct forecast *f, size_t i)
{
    return list_at(&f->buckets, i);
}

/* ---- opening ---- */

static void start_series(struct forecast *f)
{
    const struct forecast_series all = {.dimension = FORECAST_ALL};
    const struct forecast_series rest = {.dimension = FORECAST_REST};

    forecast_series_start(&f->series[0], all, NULL);
    forecast_series_start(&f->series[FORECAST_COUNTRIES + 1], rest, NULL);
    for (uint32_t i = 0; i < f->setup.n_rules; i++)
        forecast_series_start(&f->series[FORECAST_FIXED + i], f->setup.rule[i].series,
                              &f->setup.rule[i]);
}

enum err forecast_open(const struct forecast_setup *setup, struct forecast **out)
{
    struct forecast *f;

    if (setup->n_rules > FORECAST_RULES_MAX || setup->n_skip > FORECAST_SKIP_MAX)
        return ERR_INVALID;
    for (uint32_t i = 0; i < setup->n_rules; i++) {
        if (!forecast_rule_sound(&setup->rule[i]))
            return ERR_INVALID;
    }
    f = calloc(1, sizeof(*f));
    if (!f)
        return ERR_NOMEM;
    f->n_series = FORECAST_FIXED + setup->n_rules;
    f->series = calloc(f->n_series, sizeof(*f->series));
    if (!f->series) {
        free(f);
        return ERR_NOMEM;
    }
    f->zone = setup->zone;
    f->setup = *setup;
    f->mark_ms = INT64_MIN;
    f->closed = f->awaited_hour = -FORECAST_FAR;
    f->unsaved = true;
    list_init(&f->buckets, sizeof(struct forecast_bucket));
    list_init(&f->totals, sizeof(struct forecast_total));
    forecast_hours_init(&f->hours);
    start_series(f);
    *out = f;
    return ERR_OK;
}

void forecast_buckets_clear(struct forecast *f)
{
    for (size_t i = 0; i < f->buckets.n; i++)
        list_clear(&forecast_bucket_at(f, i)->cells);
    f->buckets.n = 0;
}

void forecast_close(struct forecast *f)
{
    if (!f)
        return;
    forecast_buckets_clear(f);
    list_clear(&f->buckets);
    list_clear(&f->totals);
    free(f->series);
    free(f);
}

/* ---- a line into its hour ---- */

/* Index of the first bucket that is not before the hour. */
static size_t bucket_place(struct forecast *f, int64_t hour)
{
    size_t i = f->buckets.n;

    while (i > 0 && forecast_bucket_at(f, i - 1)->hour >= hour)
        i--;
    return i;
}

static struct forecast_bucket *bucket_for(struct forecast *f, int64_t hour)
{
    size_t i = bucket_place(f, hour), n = f->buckets.n;

    if (i < n && forecast_bucket_at(f, i)->hour == hour)
        return forecast_bucket_at(f, i);
    if (n >= BUCKETS_MAX)
        return forecast_bucket_at(f, i < n ? i : n - 1);
    if (!list_add(&f->buckets))
        return NULL;
    struct forecast_bucket *b = forecast_bucket_at(f, i);
    memmove(b + 1, b, (n - i) * sizeof(*b));
    *b = (struct forecast_bucket){.hour = hour};
    list_init(&b->cells, sizeof(struct forecast_cell));
    return b;
}

static void drop_bucket(struct forecast *f, struct forecast_bucket *b)
{
    size_t i = bucket_place(f, b->hour);

    list_clear(&b->cells);
    f->buckets.n--;
    memmove(b, b + 1, (f->buckets.n - i) * sizeof(*b));
}

static size_t cell_place(const struct forecast_bucket *b, uint32_t id)
{
    size_t low = 0, high = b->cells.n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct forecast_cell *c = list_at(&b->cells, middle);
        if (c->id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static const struct forecast_cell *cell_of(const struct forecast_bucket *b, uint32_t id)
{
    size_t i = cell_place(b, id);
    const struct forecast_cell *c = i < b->cells.n ? list_at(&b->cells, i) : NULL;

    return c && c->id == id ? c : NULL;
}

static enum err cell_for(struct forecast_bucket *b, uint32_t id, struct forecast_cell **out)
{
    size_t i = cell_place(b, id), n = b->cells.n;

    *out = i < n ? list_at(&b->cells, i) : NULL;
    if (*out && (*out)->id == id)
        return ERR_OK;
    if (n >= CELLS_MAX && id < FORECAST_CELL_RULE) {
        *out = NULL;
        return ERR_OK;
    }
    if (!list_add(&b->cells))
        return ERR_NOMEM;
    *out = list_at(&b->cells, i);
    memmove(*out + 1, *out, (n - i) * sizeof(**out));
    **out = (struct forecast_cell){.id = id};
    return ERR_OK;
}

static bool cell_is_new(struct forecast_cell *c, uint64_t invoice)
{
    uint32_t n = c->n_recent < FORECAST_RECENT ? c->n_recent : FORECAST_RECENT;

    for (uint32_t i = 0; i < n; i++) {
        if (c->recent[i] == invoice)
            return false;
    }
    c->recent[c->n_recent % FORECAST_RECENT] = invoice;
    c->n_recent = c->n_recent < 2 * FORECAST_RECENT - 1 ? c->n_recent + 1 : FORECAST_RECENT;
    return true;
}

static int64_t add_held(int64_t a, int64_t b)
{
    int64_t sum;

    if (!__builtin_add_overflow(a, b, &sum))
        return sum;
    return b < 0 ? INT64_MIN : INT64_MAX;
}

static void cell_add(struct forecast_cell *c, int64_t value, uint64_t invoice)
{
    c->value = add_held(c->value, value);
    c->invoices += cell_is_new(c, invoice);
}

static bool skipped(const struct forecast *f, uint32_t stock)
{
    for (uint32_t i = 0; i < f->setup.n_skip; i++) {
        if (f->setup.skip[i] == stock)
            return true;
    }
    return false;
}

static bool matches(const struct forecast_series *s, const struct model_line *line)
{
    switch ((enum forecast_dimension)s->dimension) {
    case FORECAST_ALL:
        return true;
    case FORECAST_COUNTRY:
        return s->key == line->country;
    case FORECAST_CUSTOMER:
        return s->key == line->customer;
    case FORECAST_STOCK:
        return s->key == line->stock;
    case FORECAST_REST:
    case FORECAST_DIMENSIONS:
        break;
    }
    return false;
}

/* What a line adds to a measure; invoices are counted otherwise. */
static int64_t measured(const struct forecast *f, const struct forecast_series *s,
                        const struct model_line *line)
{
    switch ((enum forecast_measure)s->measure) {
    case FORECAST_SALES:
        return skipped(f, line->stock) ? 0 : line->value;
    case FORECAST_REVENUE:
        return line->value;
    case FORECAST_UNITS:
        return line->quantity;
    case FORECAST_LINES:
        return 1;
    case FORECAST_RETURNS:
        return line->quantity < 0 && line->value > INT64_MIN ? -line->value : 0;
    case FORECAST_INVOICES:
    case FORECAST_MEASURES:
        break;
    }
    return 0;
}

static double plain(const struct forecast_series *s, int64_t value, uint64_t invoices)
{
    if (s->measure == FORECAST_INVOICES)
        return (double)invoices;
    if (s->measure == FORECAST_UNITS || s->measure == FORECAST_LINES)
        return (double)value;
    return (double)value / MILLION;
}

/* The cells of a line: all, its country, those of rules that it matches. */
static enum err cells_for(struct forecast *f, struct forecast_bucket *b,
                          const struct model_line *line)
{
    struct forecast_cell *c;
    enum err e = cell_for(b, line->country, &c);

    if (!e)
        e = cell_for(b, FORECAST_CELL_ALL, &c);
    for (uint32_t i = 0; !e && i < f->setup.n_rules; i++) {
        if (matches(&f->setup.rule[i].series, line))
            e = cell_for(b, FORECAST_CELL_RULE + i, &c);
    }
    return e;
}

static enum err add_to_hour(struct forecast *f, const struct model_line *line, int64_t hour)
{
    const size_t before = f->buckets.n;
    struct forecast_bucket *b = bucket_for(f, hour);
    const int64_t sales = measured(f, &f->series[0].id, line);
    struct forecast_cell *c;
    enum err e = b ? cells_for(f, b, line) : ERR_NOMEM;

    if (e) {
        if (b && f->buckets.n > before)
            drop_bucket(f, b);
        return e;
    }
    e = cell_for(b, line->country, &c);
    if (!e && c)
        cell_add(c, sales, line->invoice);
    e = cell_for(b, FORECAST_CELL_ALL, &c);
    if (!e)
        cell_add(c, sales, line->invoice);
    for (uint32_t i = 0; i < f->setup.n_rules; i++) {
        const struct forecast_series *s = &f->setup.rule[i].series;
        if (!matches(s, line) || cell_for(b, FORECAST_CELL_RULE + i, &c))
            continue;
        cell_add(c, measured(f, s, line), line->invoice);
    }
    return ERR_OK;
}

/* A line of an hour that is over: it still counts in the total of the day under way. */
static void add_to_day(struct forecast *f, const struct model_line *line, int64_t hour)
{
    if (!f->trading || hour < f->day * 24 || hour > f->closed) {
        f->dropped++;
        return;
    }
    for (uint32_t i = 0; i < f->n_series; i++) {
        struct forecast_line_of *s = &f->series[i];
        bool mine = i <= FORECAST_COUNTRIES || i >= FORECAST_FIXED ? matches(&s->id, line) : true;
        for (uint32_t k = 1; i == FORECAST_COUNTRIES + 1 && k <= FORECAST_COUNTRIES; k++)
            mine = mine && !(f->series[k].active && matches(&f->series[k].id, line));
        if (!s->active || !mine)
            continue;
        forecast_profile_add(&s->profile, plain(&s->id, measured(f, &s->id, line), 0));
        s->unsaved = true;
    }
}

/* ---- hours and days that are over ---- */

struct amount {
    double value, events;
};

/* What the countries that have no series of their own had: exact, so that nothing is nought. */
static struct amount rest_of(const struct forecast *f, const struct forecast_bucket *b)
{
    const struct forecast_cell *all = cell_of(b, FORECAST_CELL_ALL);
    int64_t value = all ? all->value : 0, events = all ? (int64_t)all->invoices : 0;

    for (uint32_t k = 1; k <= FORECAST_COUNTRIES; k++) {
        const struct forecast_line_of *s = &f->series[k];
        const struct forecast_cell *c = s->active ? cell_of(b, s->id.key) : NULL;
        value = c ? add_held(value, c->value > INT64_MIN ? -c->value : INT64_MAX) : value;
        events -= c ? (int64_t)c->invoices : 0;
    }
    return (struct amount){plain(&f->series[0].id, value, 0), fmax((double)events, 0)};
}

/* What a series had in an hour; no bucket: nothing. */
static struct amount amount_of(const struct forecast *f, const struct forecast_bucket *b,
                               uint32_t i)
{
    const struct forecast_series *s = &f->series[i].id;
    const struct forecast_cell *c;

    if (!b)
        return (struct amount){0};
    if (s->dimension == FORECAST_REST)
        return rest_of(f, b);
    if (i >= FORECAST_FIXED)
        c = cell_of(b, FORECAST_CELL_RULE + i - FORECAST_FIXED);
    else
        c = cell_of(b, i == 0 ? FORECAST_CELL_ALL : s->key);
    if (!c)
        return (struct amount){0};
    return (struct amount){plain(s, c->value, c->invoices), (double)c->invoices};
}

static struct forecast_total *total_for(struct forecast *f, uint32_t country)
{
    size_t i = f->totals.n;
    struct forecast_total *t;

    while (i > 0 && ((struct forecast_total *)list_at(&f->totals, i - 1))->country >= country)
        i--;
    t = i < f->totals.n ? list_at(&f->totals, i) : NULL;
    if (t && t->country == country)
        return t;
    if (f->totals.n >= TOTALS_MAX || !list_add(&f->totals))
        return NULL;
    t = list_at(&f->totals, i);
    memmove(t + 1, t, (f->totals.n - 1 - i) * sizeof(*t));
    *t = (struct forecast_total){.country = country};
    return t;
}

/* Countries without a name are part of the rest. */
static void add_totals(struct forecast *f, const struct forecast_bucket *b)
{
    for (size_t i = 0; i < b->cells.n; i++) {
        const struct forecast_cell *c = list_at(&b->cells, i);
        struct forecast_total *t =
            c->id > 0 && c->id < FORECAST_CELL_RULE ? total_for(f, c->id) : NULL;
        if (t)
            t->sales += (double)c->value / MILLION;
    }
}

static void close_hour(struct forecast_step *step)
{
    struct forecast *f = step->f;
    const int hour = (int)(f->closed - f->day * 24);
    const bool trading_hour = f->hours.mask >> hour & 1;
    struct forecast_bucket *b = f->buckets.n ? forecast_bucket_at(f, 0) : NULL;

    b = b && b->hour == f->closed ? b : NULL;
    f->traded |= (uint32_t)(b != NULL) << hour;
    for (uint32_t i = 0; i < f->n_series; i++) {
        struct forecast_line_of *s = &f->series[i];
        if (!s->active)
            continue;
        struct amount a = amount_of(f, b, i);
        if (trading_hour)
            forecast_series_hour(step, s, a.value, a.events);
        else
            forecast_profile_add(&s->profile, a.value);
        s->unsaved = true;
    }
    if (trading_hour)
        f->awaited_hour = f->day * 24 + forecast_hours_next(&f->hours, hour + 1);
    if (b) {
        add_totals(f, b);
        drop_bucket(f, b);
    }
    f->closed++;
}

static bool followed(const struct forecast *f, uint32_t country)
{
    for (uint32_t k = 1; k <= FORECAST_COUNTRIES; k++) {
        if (f->series[k].active && f->series[k].id.key == country)
            return true;
    }
    return false;
}

static double total_of(const struct forecast *f, uint32_t country)
{
    for (size_t i = 0; i < f->totals.n; i++) {
        const struct forecast_total *t = list_at(&f->totals, i);
        if (t->country == country)
            return t->sales;
    }
    return 0;
}

/* The place that a new country may have, and what it must exceed for it. */
static uint32_t weakest(const struct forecast *f, double *most)
{
    uint32_t at = 1;

    for (uint32_t k = 1; k <= FORECAST_COUNTRIES; k++) {
        if (!f->series[k].active) {
            *most = 0;
            return k;
        }
        if (total_of(f, f->series[k].id.key) < total_of(f, f->series[at].id.key))
            at = k;
    }
    *most = fmax(CLEARLY * total_of(f, f->series[at].id.key), 0);
    return at;
}

static const struct forecast_total *strongest_other(const struct forecast *f)
{
    const struct forecast_total *best = NULL;

    for (size_t i = 0; i < f->totals.n; i++) {
        const struct forecast_total *t = list_at(&f->totals, i);
        if (!followed(f, t->country) && (!best || t->sales > best->sales))
            best = t;
    }
    return best;
}

static void choose_countries(struct forecast *f)
{
    for (int i = 0; i < FORECAST_COUNTRIES; i++) {
        const struct forecast_total *t = strongest_other(f);
        double most;
        uint32_t at = weakest(f, &most);
        if (!t || t->sales <= most)
            break;
        const struct forecast_series id = {.dimension = FORECAST_COUNTRY, .key = t->country};
        forecast_series_start(&f->series[at], id, NULL);
    }
    for (size_t i = 0; i < f->totals.n; i++)
        ((struct forecast_total *)list_at(&f->totals, i))->sales *= FADE;
}

static void await_day(struct forecast_step *step, int64_t day, int64_t made_ms)
{
    struct forecast *f = step->f;

    f->day = day;
    f->awaited_hour = day * 24 + forecast_hours_next(&f->hours, 0);
    for (uint32_t i = 0; i < f->n_series; i++) {
        if (f->series[i].active)
            forecast_series_await(step, &f->series[i], made_ms);
    }
}

static void end_day(struct forecast_step *step)
{
    struct forecast *f = step->f;

    for (uint32_t i = 0; i < f->n_series; i++) {
        if (f->series[i].active)
            forecast_series_day(step, &f->series[i]);
    }
    forecast_hours_learn(&f->hours, f->day, f->traded);
    choose_countries(f);
    f->trading = false;
    f->expects = true;
    await_day(step, forecast_hours_next_day(&f->hours, f->day), forecast_utc_ms(f, f->closed));
}

static void begin_day(struct forecast_step *step, int64_t day)
{
    struct forecast *f = step->f;

    for (uint32_t i = 0; f->expects && f->day < day && i < f->n_series; i++) {
        if (f->series[i].active)
            forecast_series_void(step, &f->series[i]);
    }
    if (!f->expects || f->day != day)
        await_day(step, day, forecast_utc_ms(f, day * 24));
    f->expects = false;
    f->trading = true;
    f->traded = 0;
    f->closed = day * 24;
}

/* Does what is due next; false: nothing is. `over`: hours before this are over. */
static bool advance(struct forecast_step *step, int64_t over)
{
    struct forecast *f = step->f;

    if (f->trading && f->closed >= over)
        return false;
    if (f->trading) {
        close_hour(step);
        if (f->closed == f->day * 24 + 24)
            end_day(step);
        return true;
    }
    int64_t day = f->buckets.n ? floor_div(forecast_bucket_at(f, 0)->hour, 24) : FORECAST_FAR;
    if (day == FORECAST_FAR || day * 24 > over)
        return false;
    begin_day(step, day);
    return true;
}

enum err forecast_line(struct forecast *f, const struct model_line *line,
                       const struct forecast_sink *sink)
{
    const int64_t hour = floor_div(line->local_ms, WHEN_HOUR);
    const int64_t mark_ms =
        f->zone ? zone_to_local(f->zone, line->watermark_ms) : line->watermark_ms;
    struct forecast_step step = {.f = f, .sink = sink};

    if (hour < f->closed || hour > FORECAST_FAR) {
        add_to_day(f, line, hour);
    } else {
        enum err e = add_to_hour(f, line, hour);
        if (e)
            return e;
    }
    f->unsaved = true;
    f->mark_ms = mark_ms > f->mark_ms ? mark_ms : f->mark_ms;
    while (advance(&step, floor_div(f->mark_ms, WHEN_HOUR)))
        continue;
    return step.failed;
}

/* ---- reading ---- */

uint32_t forecast_series_count(const struct forecast *f)
{
    return f->n_series;
}

void forecast_score_of(const struct forecast *f, uint32_t series, enum forecast_horizon horizon,
                       struct forecast_score *out)
{
    const struct forecast_line_of *s = &f->series[series];
    const struct regress *r = horizon == FORECAST_NEXT_HOUR ? &s->hour
                              : horizon == FORECAST_NOWCAST ? &s->rest
                                                            : &s->day;
    const double n = fmax((double)r->score.n, 1);

    *out = (struct forecast_score){.series = s->id,
                                   .horizon = (uint8_t)horizon,
                                   .n = r->score.n,
                                   .covered = r->score.covered,
                                   .error = r->score.error / n,
                                   .naive_error = r->score.naive_error / n,
                                   .holt_error = r->score.holt_error / n,
                                   .winkler = r->score.winkler / n,
                                   .scale = horizon == FORECAST_NEXT_HOUR ? s->profile.mean
                                                                          : s->profile.day_mean};
}

uint64_t forecast_dropped(const struct forecast *f)
{
    return f->dropped;
}

size_t forecast_memory(const struct forecast *f)
{
    size_t n = sizeof(*f) + f->n_series * sizeof(*f->series) + f->buckets.cap * f->buckets.size +
               f->totals.cap * f->totals.size;

    for (size_t i = 0; i < f->buckets.n; i++) {
        const struct forecast_bucket *b = list_at(&f->buckets, i);
        n += b->cells.cap * b->cells.size;
    }
    return n;
}

enum forecast_feature forecast_feature_named(struct str name)
{
    int i = 0;

    while (i < FORECAST_FEATURE_COUNT && !str_eq(str_of(forecast_features[i].name), name))
        i++;
    return (enum forecast_feature)i;
}
