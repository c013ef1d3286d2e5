/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The forecast knows codes to skip by number, but a code has none before it is first sold: the
 * text decides, once for each number, and what is skipped goes in under one number of its own.
 */
#include "models/foretell.h"

#include "models/lookout.h"
#include "models/rules.h"

#include <math.h>
#include <stdlib.h>

#define SKIPPED ((UINT32_C(1) << 30) - 1)
#define TEXT_MAX 4096
#define RECENT 4096

static const char *const no_goods[] = {"AMAZONFEE", "B", "BANK CHARGES", "CRUK", "M", "m",
                                       "D",         "S", "ADJUST"};

enum { UNKNOWN, GOODS, NO_GOODS };

struct foretell {
    const struct model_setup *setup;
    struct lookout *lookout;
    struct forecast *forecast;
    uint8_t *goods; /* by key id: UNKNOWN, GOODS or NO_GOODS */
    uint32_t cap;
    struct parcel *out;
    uint32_t recent[RECENT]; /* places in out->forecasts, by a hash */
    struct buf text;
};

/* Rules name keys, whose numbers are known once the stored keys are loaded. */
static enum err ready(struct foretell *f)
{
    struct forecast_setup forecast = {.zone = f->setup->zone, .skip = {SKIPPED}, .n_skip = 1};
    struct why why;

    if (f->forecast)
        return ERR_OK;
    enum err e = rules_parse(f->setup->settings->forecast, f->setup->keys, &forecast, &why);
    return e ? e : forecast_open(&forecast, &f->forecast);
}

enum err foretell_open(const struct model_setup *setup, struct lookout *lookout,
                       struct foretell **out, struct why *why)
{
    struct forecast_setup rules = {0};
    enum err e = rules_parse(setup->settings->forecast, NULL, &rules, why);
    struct foretell *f = e ? NULL : calloc(1, sizeof(*f));

    if (!f)
        return e ? e : ERR_NOMEM;
    f->setup = setup;
    f->lookout = lookout;
    buf_init(&f->text, TEXT_MAX);
    *out = f;
    return ERR_OK;
}

void foretell_close(struct foretell *f)
{
    if (!f)
        return;
    forecast_close(f->forecast);
    buf_clear(&f->text);
    free(f->goods);
    free(f);
}

/* ---- rows ---- */

static int64_t seconds(int64_t ms)
{
    return (ms - (ms < 0 ? WHEN_SECOND - 1 : 0)) / WHEN_SECOND;
}

/* "sales of country Germany" */
static enum err write_name(struct foretell *f, const struct forecast_series *s)
{
    struct str key = keys_text(f->setup->keys, s->key);
    enum err e =
        buf_printf(&f->text, "%s of %s", rules_measure(s->measure), rules_dimension(s->dimension));

    return e || !key.n ? e : buf_printf(&f->text, " %.*s", (int)key.n, key.p);
}

static enum err tell_lookout(struct foretell *f, const struct forecast_record *r)
{
    enum err e;

    f->text.n = 0;
    e = write_name(f, &r->series);
    if (!e)
        e = buf_u8(&f->text, 0);
    return e ? e : lookout_value(f->lookout, f->text.p, r->start_ms, r->actual, f->out);
}

/* The row of the same forecast in the same parcel: what it foretold has come true since. */
static struct forecast_row *same_row(struct foretell *f, const struct forecast_row *row)
{
    uint64_t mix = (uint64_t)row->window_s * 31 + (uint64_t)row->made_ms / WHEN_MINUTE + row->key +
                   (uint64_t)row->horizon[0] * 7 + (uint64_t)row->dimension[0];
    uint32_t *recent = &f->recent[mix % RECENT];
    uint32_t place = *recent;

    *recent = (uint32_t)f->out->forecasts.n;
    if (place >= f->out->forecasts.n)
        return NULL;
    struct forecast_row *was = list_at(&f->out->forecasts, place);
    bool same = was->window_s == row->window_s && was->made_ms == row->made_ms &&
                was->key == row->key && was->dimension == row->dimension &&
                was->measure == row->measure && was->horizon == row->horizon;
    if (same)
        *recent = place;
    return same ? was : NULL;
}

static enum err put_record(void *arg, const struct forecast_record *r)
{
    struct foretell *f = arg;
    const struct forecast_row row = {.key = r->series.key,
                                     .dimension = rules_dimension(r->series.dimension),
                                     .measure = rules_measure(r->series.measure),
                                     .horizon = rules_horizon(r->horizon),
                                     .window_s = seconds(r->start_ms),
                                     .made_ms = r->made_ms,
                                     .predicted = r->predicted,
                                     .lower = r->lower,
                                     .upper = r->upper,
                                     .week_ago = r->naive,
                                     .holt_winters = r->holt,
                                     .actual = r->known ? r->actual : (double)NAN};
    struct forecast_row *was = same_row(f, &row);

    if (was)
        *was = row;
    else if (!list_put(&f->out->forecasts, &row))
        return ERR_NOMEM;
    return r->known && r->horizon == FORECAST_NEXT_HOUR ? tell_lookout(f, r) : ERR_OK;
}

/* "series:sales of country Germany, hour, 2011-09-12T10:00:00Z" */
static enum err write_subject(struct foretell *f, const struct forecast_drift *d)
{
    char at[WHEN_TEXT];
    enum err e;

    (void)when_format(d->at_ms, at);
    f->text.n = 0;
    e = buf_text(&f->text, "series:");
    if (!e)
        e = write_name(f, &d->series);
    return e ? e : buf_printf(&f->text, ", %s, %s", rules_horizon(d->horizon), at);
}

static enum err put_drift(void *arg, const struct forecast_drift *d)
{
    struct foretell *f = arg;
    struct anomaly_row row = {
        .state = ANOMALY_FINAL, .time_ms = d->at_ms, .score = (double)NAN, .p_value = (double)NAN};
    const uint32_t kind = sizeof("series") - 1;
    enum err e = write_subject(f, d);

    if (!e)
        e = parcel_text(f->out, (struct str){f->text.p, f->text.n}, &row.id);
    row.kind = (struct span){row.id.at, kind};
    row.subject = (struct span){row.id.at + kind + 1, row.id.n - kind - 1};
    if (!e)
        e = parcel_text(f->out, STR("drift"), &row.rank_reason);
    if (!e)
        e = parcel_text(f->out, STR("[]"), &row.reasons);
    if (!e)
        e = parcel_text(f->out,
                        STR("the forecasts of this series have become worse for good: what it "
                            "sells has changed"),
                        &row.text);
    return e || list_put(&f->out->anomalies, &row) ? e : ERR_NOMEM;
}

/* ---- lines ---- */

static enum err room_for(struct foretell *f, uint32_t key)
{
    uint32_t cap = f->cap ? f->cap : 4096;

    if (key < f->cap)
        return ERR_OK;
    while (cap <= key)
        cap *= 2;
    uint8_t *goods = realloc(f->goods, cap);
    if (!goods)
        return ERR_NOMEM;
    memset(goods + f->cap, UNKNOWN, cap - f->cap);
    f->goods = goods;
    f->cap = cap;
    return ERR_OK;
}

static uint8_t sort_of(struct str code)
{
    for (size_t i = 0; i < countof(no_goods); i++) {
        if (str_eq(code, str_of(no_goods[i])))
            return NO_GOODS;
    }
    return GOODS;
}

enum err foretell_line(struct foretell *f, const struct model_line *line, struct parcel *out)
{
    const struct forecast_sink sink = {f, put_record, put_drift};
    struct model_line mine = *line;
    enum err e = ready(f);

    if (!e)
        e = room_for(f, line->stock);
    if (e)
        return e;
    if (f->goods[line->stock] == UNKNOWN)
        f->goods[line->stock] = sort_of(keys_text(f->setup->keys, line->stock));
    if (f->goods[line->stock] == NO_GOODS)
        mine.stock = SKIPPED;
    f->out = out;
    return forecast_line(f->forecast, &mine, &sink);
}

/* ---- state ---- */

enum err foretell_save(struct foretell *f, struct parcel *out)
{
    enum err e = ready(f);

    return e ? e : forecast_save(f->forecast, out);
}

bool foretell_owns(struct str name)
{
    const struct str mine = STR("models/forecast/");

    return name.n > mine.n && memcmp(name.p, mine.p, mine.n) == 0;
}

enum err foretell_load(struct foretell *f, struct str name, uint32_t version, struct str data,
                       struct why *why)
{
    enum err e = ready(f);

    if (!e)
        e = forecast_load(f->forecast, name, version, data);

    if (e == ERR_NEWER)
        return why_set(why, e, "state part \"%.*s\" is of a newer tillstream: use that version",
                       (int)name.n, name.p);
    return e ? why_set(why, e == ERR_NOT_FOUND ? ERR_DAMAGED : e,
                       "state part \"%.*s\" can't be restored (%s): restore a copy of the "
                       "database, or move it away and run the source again",
                       (int)name.n, name.p, err_text(e))
             : ERR_OK;
}

size_t foretell_memory(const struct foretell *f)
{
    return sizeof(*f) + f->cap + (f->forecast ? forecast_memory(f->forecast) : 0);
}
