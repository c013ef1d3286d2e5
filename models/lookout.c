/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * An hour is counted in one of HOURS places until the watermark passes its end; hours close in
 * their order. A line of an hour that is closed was late and is left out.
 *
 * Invariants:
 *  (1) place h % HOURS holds hour h or is free (lines == 0); open hours are above `closed`.
 *  (2) a series keeps its number, so parts of the state keep their names.
 */
#include "models/lookout.h"

#include "engine/json.h"
#include "engine/when.h"
#include "models/pack.h"
#include "models/rarity.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define STATE_VERSION 1
#define HOURS 8
#define QUIET 300 /* hours of a series before the first alarm: about a month of trading */
#define SERIES_MAX 64
#define NAME_MAX_BYTES 300
#define TEXT_MAX ((size_t)1 << 14)
#define STATE_MAX ((size_t)1 << 24)
#define PREFIX "models/lookout/"

static const struct rarity_rule rule = {
    .keep = 1024, .keep_distances = 1024, .quiet = QUIET, .gate = 48};

struct hour {
    int64_t number; /* hours since 1970 */
    uint64_t lines, unnamed, returns;
};

static const struct pack_field hour_fields[] = {
    PACK(struct hour, number, PACK_I64, -1e12, 1e12),
    PACK(struct hour, lines, PACK_U64, 0, 1e18),
    PACK(struct hour, unnamed, PACK_U64, 0, 1e18),
    PACK(struct hour, returns, PACK_U64, 0, 1e18),
};

struct watched {
    char name[NAME_MAX_BYTES];
    struct rarity *rarity;
    bool changed;
};

struct lookout {
    const struct model_setup *setup;
    struct hour hour[HOURS];
    int64_t closed; /* hours up to this one */
    struct watched series[SERIES_MAX];
    uint32_t n_series;
    struct buf text;
};

enum err lookout_open(const struct model_setup *setup, struct lookout **out)
{
    struct lookout *w = calloc(1, sizeof(*w));

    if (!w)
        return ERR_NOMEM;
    w->setup = setup;
    w->closed = INT64_MIN;
    buf_init(&w->text, TEXT_MAX);
    *out = w;
    return ERR_OK;
}

void lookout_close(struct lookout *w)
{
    if (!w)
        return;
    for (uint32_t i = 0; i < w->n_series; i++)
        rarity_close(w->series[i].rarity);
    buf_clear(&w->text);
    free(w);
}

static enum err add_series(struct lookout *w, const char *name, struct watched **out)
{
    struct watched *s = &w->series[w->n_series];
    enum err e = rarity_open(&rule, &s->rarity);

    if (e)
        return e;
    (void)snprintf(s->name, sizeof(s->name), "%s", name);
    w->n_series++;
    *out = s;
    return ERR_OK;
}

/* NULL in *out: there are too many. */
static enum err find_series(struct lookout *w, const char *name, struct watched **out)
{
    *out = NULL;
    for (uint32_t i = 0; i < w->n_series; i++) {
        if (strcmp(w->series[i].name, name) == 0) {
            *out = &w->series[i];
            return ERR_OK;
        }
    }
    return w->n_series < SERIES_MAX ? add_series(w, name, out) : ERR_OK;
}

/* ---- anomalies ---- */

static enum err put_text(struct lookout *w, struct parcel *out, struct span *at)
{
    enum err e = parcel_text(out, (struct str){w->text.p, w->text.n}, at);

    w->text.n = 0;
    return e;
}

static enum err put_words(struct lookout *w, const struct watched *s,
                          const struct rarity_verdict *v, struct parcel *out,
                          struct anomaly_row *row)
{
    double usual = fabs(v->usual), factor = usual > 0 ? fabs(v->seen) / usual : 0;
    enum err e =
        buf_printf(&w->text, "%s: %s %.6g", s->name, rarity_reason_text(v->reason), v->seen);

    if (!e && factor > 0)
        e = buf_printf(&w->text, ", %.3g times the usual %.6g", factor, v->usual);
    else if (!e)
        e = buf_printf(&w->text, ", where %.6g is usual", v->usual);
    if (!e)
        e = buf_printf(&w->text, "; so far from %.6g to %.6g", v->low, v->high);
    return e ? e : put_text(w, out, &row->text);
}

static enum err put_reason(struct lookout *w, const struct rarity_verdict *v, struct parcel *out,
                           struct anomaly_row *row)
{
    struct str words = parcel_str(out, row->text);
    enum err e = buf_printf(&w->text,
                            "[{\"feature\":\"%s\",\"value\":%.15g,\"usual\":%.15g,\"weight\":%.6f,"
                            "\"text\":",
                            rarity_reason_text(v->reason), v->seen, v->usual,
                            v->raw > 0 ? v->part[v->reason] / v->raw : 0);

    if (!e)
        e = json_quote(&w->text, words);
    if (!e)
        e = buf_text(&w->text, "}]");
    return e ? e : put_text(w, out, &row->reasons);
}

static enum err put_anomaly(struct lookout *w, const struct watched *s, int64_t start_ms,
                            const struct rarity_verdict *v, struct parcel *out)
{
    const uint32_t kind = sizeof("series") - 1;
    struct anomaly_row row = {
        .state = ANOMALY_FINAL, .time_ms = start_ms, .score = v->score, .p_value = (double)NAN};
    char at[WHEN_TEXT];
    enum err e;

    (void)when_format(start_ms, at);
    w->text.n = 0;
    e = buf_printf(&w->text, "series:%s, %s", s->name, at);
    if (!e)
        e = put_text(w, out, &row.id);
    row.kind = (struct span){row.id.at, kind};
    row.subject = (struct span){row.id.at + kind + 1, row.id.n - kind - 1};
    if (!e)
        e = parcel_text(out, str_of(rarity_reason_text(v->reason)), &row.rank_reason);
    if (!e)
        e = put_words(w, s, v, out, &row);
    if (!e)
        e = put_reason(w, v, out, &row);
    return e || list_put(&out->anomalies, &row) ? e : ERR_NOMEM;
}

/* ---- hours ---- */

enum err lookout_value(struct lookout *w, const char *name, int64_t start_ms, double value,
                       struct parcel *out)
{
    struct rarity_verdict v;
    struct watched *s;
    enum err e = find_series(w, name, &s);

    if (e || !s)
        return e;
    e = rarity_add(s->rarity, value, &v);
    s->changed = true;
    if (e == ERR_INVALID)
        return ERR_OK;
    bool alarm = !e && rarity_count(s->rarity) > QUIET && v.score >= RARITY_ALARM;
    return alarm ? put_anomaly(w, s, start_ms, &v, out) : e;
}

static enum err close_hour(struct lookout *w, struct hour *h, struct parcel *out)
{
    int64_t start_ms = h->number * WHEN_HOUR;
    double lines = (double)h->lines;
    enum err e = lookout_value(w, "lines an hour", start_ms, lines, out);

    if (!e)
        e = lookout_value(w, "share of lines without a customer", start_ms,
                          (double)h->unnamed / lines, out);
    if (!e)
        e = lookout_value(w, "share of lines that are returns", start_ms,
                          (double)h->returns / lines, out);
    *h = (struct hour){0};
    return e;
}

static int64_t hour_of(int64_t ms)
{
    return (ms - (ms < 0 ? WHEN_HOUR - 1 : 0)) / WHEN_HOUR;
}

/* Closes the hours before `hour`, in their order. */
static enum err close_before(struct lookout *w, int64_t hour, struct parcel *out)
{
    enum err e = ERR_OK;

    while (!e) {
        struct hour *first = NULL;
        for (int i = 0; i < HOURS; i++) {
            struct hour *h = &w->hour[i];
            if (h->lines && h->number < hour && (!first || h->number < first->number))
                first = h;
        }
        if (!first)
            break;
        e = close_hour(w, first, out);
    }
    w->closed = hour - 1 > w->closed ? hour - 1 : w->closed;
    return e;
}

enum err lookout_line(struct lookout *w, const struct model_line *line, struct parcel *out)
{
    int64_t number = hour_of(line->time_ms), passed = hour_of(line->watermark_ms);
    enum err e = ERR_OK;

    if (number > w->closed) {
        struct hour *h = &w->hour[(uint64_t)number % HOURS];
        if (h->lines && h->number != number) /* hours far apart */
            e = close_before(w, h->number + 1 < number ? h->number + 1 : number, out);
        if (!e && !h->lines)
            h->number = number;
        if (!e && h->number == number) {
            h->lines++;
            h->unnamed += line->customer == 0;
            h->returns += line->quantity < 0;
        }
    }
    return e || line->watermark_ms == WHEN_NONE || passed <= w->closed + 1
               ? e
               : close_before(w, passed, out);
}

/* ---- state ---- */

static enum err save_hours(struct lookout *w, struct parcel *out)
{
    const struct pack_table table = PACK_TABLE(hour_fields);
    struct buf b;
    enum err e;

    buf_init(&b, STATE_MAX);
    e = buf_zigzag(&b, w->closed);
    for (int i = 0; !e && i < HOURS; i++)
        e = pack_write(&b, table, &w->hour[i]);
    if (!e)
        e = parcel_state(out, PREFIX "hours", STATE_VERSION, &b);
    buf_clear(&b);
    return e;
}

static enum err save_series(struct lookout *w, uint32_t i, struct parcel *out)
{
    struct watched *s = &w->series[i];
    char name[64];
    struct buf b;
    enum err e;

    (void)snprintf(name, sizeof(name), PREFIX "series/%03" PRIu32, i);
    buf_init(&b, STATE_MAX);
    e = buf_varint(&b, strlen(s->name));
    if (!e)
        e = buf_text(&b, s->name);
    if (!e)
        e = rarity_save(s->rarity, &b);
    if (!e)
        e = parcel_state(out, name, STATE_VERSION, &b);
    buf_clear(&b);
    s->changed = s->changed && e;
    return e;
}

enum err lookout_save(struct lookout *w, struct parcel *out)
{
    enum err e = save_hours(w, out);

    for (uint32_t i = 0; !e && i < w->n_series; i++) {
        if (w->series[i].changed)
            e = save_series(w, i, out);
    }
    return e;
}

bool lookout_owns(struct str name)
{
    return name.n > sizeof(PREFIX) - 1 && memcmp(name.p, PREFIX, sizeof(PREFIX) - 1) == 0;
}

static enum err load_hours(struct lookout *w, struct reader *in)
{
    const struct pack_table table = PACK_TABLE(hour_fields);

    w->closed = read_zigzag(in);
    for (int i = 0; i < HOURS; i++) {
        pack_read(in, table, &w->hour[i]);
        const struct hour *h = &w->hour[i];
        if (h->unnamed > h->lines || h->returns > h->lines ||
            (h->lines && (h->number <= w->closed || (uint64_t)h->number % HOURS != (uint64_t)i)))
            in->bad = true;
    }
    return ERR_OK;
}

static enum err load_series(struct lookout *w, struct str number, struct reader *in)
{
    char expected[8], name[NAME_MAX_BYTES];
    struct watched *s = NULL;

    (void)snprintf(expected, sizeof(expected), "%03" PRIu32, w->n_series);
    uint64_t n = read_count(in, NAME_MAX_BYTES - 1);
    if (in->bad || !str_eq(number, str_of(expected)) || w->n_series == SERIES_MAX ||
        (size_t)(in->end - in->p) < n || memchr(in->p, 0, n))
        return ERR_DAMAGED;
    memcpy(name, in->p, n);
    name[n] = '\0';
    in->p += n;
    enum err e = add_series(w, name, &s);
    return e ? e : rarity_load(s->rarity, in);
}

enum err lookout_load(struct lookout *w, struct str name, uint32_t version, struct str data,
                      struct why *why)
{
    const struct str series = STR(PREFIX "series/");
    struct reader in = reader_of(data.p, data.n);
    enum err e = ERR_DAMAGED;

    if (version > STATE_VERSION)
        return why_set(why, ERR_NEWER,
                       "state part \"%.*s\" is of a newer tillstream: use that version",
                       (int)name.n, name.p);
    if (str_eq(name, STR(PREFIX "hours")))
        e = load_hours(w, &in);
    else if (name.n > series.n && memcmp(name.p, series.p, series.n) == 0)
        e = load_series(w, (struct str){name.p + series.n, name.n - series.n}, &in);
    if (!e && (in.bad || in.p != in.end))
        e = ERR_DAMAGED;
    return e ? why_set(why, e,
                       "state part \"%.*s\" can't be restored (%s): restore a copy of the "
                       "database, or move it away and run the source again",
                       (int)name.n, name.p, err_text(e))
             : ERR_OK;
}

size_t lookout_memory(const struct lookout *w)
{
    size_t bytes = sizeof(*w);

    for (uint32_t i = 0; i < w->n_series; i++)
        bytes += rarity_memory(w->series[i].rarity);
    return bytes;
}
