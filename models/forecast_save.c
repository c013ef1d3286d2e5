/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Saved state, in parts so that a save writes only what changed:
 *   models/forecast/0           the calendar, hours that are not over, totals of countries
 *   models/forecast/series/N    one series: profile, three regressions, forecasts awaited
 * The first changes with every line and is small; the others change when an hour closes.
 * Integers and doubles as in models/pack.h.
 *
 * What is loaded is checked against the bounds of each field and the invariants of forecast.c and
 * forecast_series.c; rules and features are not saved, so that the setup must be the same.
 */
#include "models/forecast_parts.h"

#include <stddef.h>
#include <stdio.h>

#define VERSION 1
#define PART_MAX ((size_t)1 << 24)
#define HEAD "models/forecast/0"
#define SERIES "models/forecast/series/"
#define BUCKETS_MAX 4096
#define CELLS_MAX (512 + 1 + FORECAST_RULES_MAX)
#define TOTALS_MAX 1024
#define FAR ((double)FORECAST_FAR)
#define BIG 1e300

static const struct pack_field head_fields[] = {
    PACK(struct forecast, mark_ms, PACK_I64, -1e19, 1e19),
    PACK(struct forecast, closed, PACK_I64, -FAR, FAR),
    PACK(struct forecast, day, PACK_I64, -FAR, FAR),
    PACK(struct forecast, trading, PACK_U8, 0, 1),
    PACK(struct forecast, expects, PACK_U8, 0, 1),
    PACK(struct forecast, traded, PACK_U32, 0, 0xffffff),
    PACK(struct forecast, awaited_hour, PACK_I64, -FAR, FAR),
    PACK(struct forecast, dropped, PACK_U64, 0, 1.9e19),
};

static const struct pack_field cell_fields[] = {
    PACK(struct forecast_cell, id, PACK_U32, 0, UINT32_MAX),
    PACK(struct forecast_cell, n_recent, PACK_U32, 0, 2 * FORECAST_RECENT - 1),
    PACK(struct forecast_cell, value, PACK_I64, -1e19, 1e19),
    PACK(struct forecast_cell, invoices, PACK_U64, 0, 1.9e19),
    PACK(struct forecast_cell, recent, PACK_U64, 0, 1.9e19),
};

static const struct pack_field total_fields[] = {
    PACK(struct forecast_total, country, PACK_U32, 1, UINT32_MAX),
    PACK(struct forecast_total, sales, PACK_F64, -BIG, BIG),
};

#define GUESS(member, low, high) PACK(struct forecast_guess, guess.member, PACK_F64, low, high)

static const struct pack_field guess_fields[] = {
    PACK(struct forecast_guess, made_ms, PACK_I64, -1e19, 1e19),
    PACK(struct forecast_guess, guess.at.slot, PACK_U32, 0, INTERVAL_SLOTS - 1),
    PACK(struct forecast_guess, guess.at.season, PACK_U32, 0, HOLT_SEASON - 1),
    GUESS(at.naive, -BIG, BIG),
    GUESS(centre, 0, BIG),
    GUESS(band.low, 0, BIG),
    GUESS(band.middle, 0, BIG),
    GUESS(band.high, 0, BIG),
    GUESS(predicted, 0, BIG),
    GUESS(lower, 0, BIG),
    GUESS(upper, 0, BIG),
    GUESS(naive, 0, BIG),
    GUESS(holt, 0, BIG),
    PACK(struct forecast_guess, so_far, PACK_F64, -BIG, BIG),
};

static const struct pack_field series_fields[] = {
    PACK(struct forecast_line_of, id.dimension, PACK_U8, 0, FORECAST_DIMENSIONS - 1),
    PACK(struct forecast_line_of, id.measure, PACK_U8, 0, FORECAST_MEASURES - 1),
    PACK(struct forecast_line_of, id.key, PACK_U32, 0, UINT32_MAX),
    PACK(struct forecast_line_of, active, PACK_U8, 0, 1),
    PACK(struct forecast_line_of, awaits_hour, PACK_U8, 0, 1),
    PACK(struct forecast_line_of, awaits_day, PACK_U8, 0, 1),
    PACK(struct forecast_line_of, n_nowcasts, PACK_U32, 0, 25),
};

/* ---- writing ---- */

static enum err write_bucket(const struct forecast_bucket *bucket, struct buf *b)
{
    enum err e = buf_zigzag(b, bucket->hour);

    if (!e)
        e = buf_varint(b, bucket->cells.n);
    for (size_t i = 0; !e && i < bucket->cells.n; i++)
        e = pack_write(b, PACK_TABLE(cell_fields), list_at(&bucket->cells, i));
    return e;
}

static enum err write_head(struct forecast *f, struct buf *b)
{
    enum err e = pack_write(b, PACK_TABLE(head_fields), f);

    if (!e)
        e = pack_write(b, forecast_hours_table, &f->hours);
    if (!e)
        e = buf_varint(b, f->totals.n);
    for (size_t i = 0; !e && i < f->totals.n; i++)
        e = pack_write(b, PACK_TABLE(total_fields), list_at(&f->totals, i));
    if (!e)
        e = buf_varint(b, f->buckets.n);
    for (size_t i = 0; !e && i < f->buckets.n; i++)
        e = write_bucket(forecast_bucket_at(f, i), b);
    return e;
}

static struct pack_field inputs_of(int n)
{
    return (struct pack_field){offsetof(struct forecast_guess, x), (uint32_t)n, PACK_F64, -BIG,
                               BIG};
}

static enum err write_guess(const struct forecast_guess *g, int inputs, struct buf *b)
{
    const struct pack_field x = inputs_of(inputs);
    enum err e = pack_write(b, PACK_TABLE(guess_fields), g);

    return e ? e : pack_write(b, (struct pack_table){&x, 1}, g);
}

static enum err write_series(const struct forecast_line_of *s, struct buf *b)
{
    enum err e = pack_write(b, PACK_TABLE(series_fields), s);

    if (!e && s->active)
        e = pack_write(b, forecast_profile_table, &s->profile);
    if (!e && s->active)
        e = regress_save(&s->hour, b);
    if (!e && s->active)
        e = regress_save(&s->rest, b);
    if (!e && s->active)
        e = regress_save(&s->day, b);
    if (!e && s->awaits_hour)
        e = write_guess(&s->next_hour, s->hour_picks.n, b);
    if (!e && s->awaits_day)
        e = write_guess(&s->next_day, s->day_picks.n, b);
    for (uint32_t i = 0; !e && i < s->n_nowcasts; i++)
        e = write_guess(&s->nowcast[i], FORECAST_REST_FEATURES, b);
    return e;
}

static enum err save_series(struct forecast_line_of *s, uint32_t number, struct parcel *out)
{
    struct buf b;
    char name[64];
    enum err e;

    buf_init(&b, PART_MAX);
    (void)snprintf(name, sizeof(name), SERIES "%02u", (unsigned)number);
    e = write_series(s, &b);
    if (!e)
        e = parcel_state(out, name, VERSION, &b);
    buf_clear(&b);
    if (!e)
        s->unsaved = false;
    return e;
}

enum err forecast_save(struct forecast *f, struct parcel *out)
{
    struct buf b;
    enum err e = ERR_OK;

    for (uint32_t i = 0; !e && i < f->n_series; i++) {
        if (f->series[i].unsaved)
            e = save_series(&f->series[i], i, out);
    }
    if (e || !f->unsaved)
        return e;
    buf_init(&b, PART_MAX);
    e = write_head(f, &b);
    if (!e)
        e = parcel_state(out, HEAD, VERSION, &b);
    buf_clear(&b);
    if (!e)
        f->unsaved = false;
    return e;
}

/* ---- reading ---- */

static enum err read_cells(struct forecast_bucket *bucket, struct reader *in)
{
    uint64_t n = read_count(in, CELLS_MAX);
    int64_t before = -1;

    for (uint64_t i = 0; i < n; i++) {
        struct forecast_cell *c = list_add(&bucket->cells);
        if (!c)
            return ERR_NOMEM;
        pack_read(in, PACK_TABLE(cell_fields), c);
        if (in->bad || c->id <= before)
            return ERR_DAMAGED;
        before = c->id;
    }
    return n ? ERR_OK : ERR_DAMAGED;
}

static enum err read_buckets(struct forecast *f, struct reader *in)
{
    uint64_t n = read_count(in, BUCKETS_MAX);
    int64_t before = f->closed - 1;
    enum err e = ERR_OK;

    for (uint64_t i = 0; !e && i < n; i++) {
        struct forecast_bucket *bucket = list_add(&f->buckets);
        if (!bucket)
            return ERR_NOMEM;
        list_init(&bucket->cells, sizeof(struct forecast_cell));
        bucket->hour = read_zigzag(in);
        if (in->bad || bucket->hour <= before || bucket->hour > FORECAST_FAR)
            return ERR_DAMAGED;
        before = bucket->hour;
        e = read_cells(bucket, in);
    }
    return e;
}

static enum err read_totals(struct forecast *f, struct reader *in)
{
    uint64_t n = read_count(in, TOTALS_MAX);
    uint32_t before = 0;

    for (uint64_t i = 0; i < n; i++) {
        struct forecast_total *t = list_add(&f->totals);
        if (!t)
            return ERR_NOMEM;
        pack_read(in, PACK_TABLE(total_fields), t);
        if (in->bad || t->country <= before)
            return ERR_DAMAGED;
        before = t->country;
    }
    return ERR_OK;
}

static enum err load_head(struct forecast *f, struct reader *in)
{
    enum err e;

    forecast_buckets_clear(f);
    f->totals.n = 0;
    pack_read(in, PACK_TABLE(head_fields), f);
    pack_read(in, forecast_hours_table, &f->hours);
    if (in->bad || (f->trading && (f->closed < f->day * 24 || f->closed >= f->day * 24 + 24)))
        return ERR_DAMAGED;
    e = read_totals(f, in);
    if (!e)
        e = read_buckets(f, in);
    f->unsaved = false;
    return e ? e : in->bad || in->p != in->end ? ERR_DAMAGED : ERR_OK;
}

static void read_guess(struct reader *in, int inputs, struct forecast_guess *g)
{
    const struct pack_field x = inputs_of(inputs);

    *g = (struct forecast_guess){0};
    pack_read(in, PACK_TABLE(guess_fields), g);
    pack_read(in, (struct pack_table){&x, 1}, g);
}

static enum err read_models(struct forecast_line_of *s, struct reader *in)
{
    enum err e;

    pack_read(in, forecast_profile_table, &s->profile);
    e = in->bad ? ERR_DAMAGED : regress_load(&s->hour, in);
    if (!e)
        e = regress_load(&s->rest, in);
    return e ? e : regress_load(&s->day, in);
}

/* Countries come and go; all other series are those of the setup. */
static bool id_sound(const struct forecast_series *was, const struct forecast_series *now,
                     uint32_t number)
{
    if (number >= 1 && number <= FORECAST_COUNTRIES)
        return now->dimension == FORECAST_COUNTRY && now->measure == FORECAST_SALES;
    return was->dimension == now->dimension && was->measure == now->measure && was->key == now->key;
}

static enum err read_guesses(struct forecast_line_of *s, struct reader *in)
{
    if (s->awaits_hour)
        read_guess(in, s->hour_picks.n, &s->next_hour);
    if (s->awaits_day)
        read_guess(in, s->day_picks.n, &s->next_day);
    for (uint32_t i = 0; i < s->n_nowcasts; i++)
        read_guess(in, FORECAST_REST_FEATURES, &s->nowcast[i]);
    return in->bad ? ERR_DAMAGED : ERR_OK;
}

static enum err load_series(struct forecast *f, uint32_t number, struct reader *in)
{
    struct forecast_line_of *s = &f->series[number];
    struct forecast_line_of head = {.active = false};
    const struct forecast_rule *rule =
        number >= FORECAST_FIXED ? &f->setup.rule[number - FORECAST_FIXED] : NULL;
    enum err e = ERR_OK;

    pack_read(in, PACK_TABLE(series_fields), &head);
    if (in->bad || (head.active && !id_sound(&s->id, &head.id, number)))
        return ERR_DAMAGED;
    if (!head.active && (head.awaits_hour || head.awaits_day || head.n_nowcasts))
        return ERR_DAMAGED;
    forecast_series_start(s, head.id, rule);
    s->active = head.active;
    s->awaits_hour = head.awaits_hour;
    s->awaits_day = head.awaits_day;
    s->n_nowcasts = head.n_nowcasts;
    if (s->active)
        e = read_models(s, in);
    if (!e)
        e = read_guesses(s, in);
    s->unsaved = false;
    return !e && in->p != in->end ? ERR_DAMAGED : e;
}

/* "07" is 7; anything but two digits is UINT32_MAX. */
static uint32_t two_digits(struct str s)
{
    if (s.n != 2 || s.p[0] < '0' || s.p[0] > '9' || s.p[1] < '0' || s.p[1] > '9')
        return UINT32_MAX;
    return (uint32_t)(s.p[0] - '0') * 10 + (uint32_t)(s.p[1] - '0');
}

enum err forecast_load(struct forecast *f, struct str name, uint32_t version, struct str data)
{
    const struct str prefix = STR(SERIES);
    struct reader in = reader_of(data.p, data.n);
    uint32_t number;

    if (str_eq(name, STR(HEAD)))
        return version > VERSION ? ERR_NEWER : load_head(f, &in);
    if (name.n <= prefix.n || memcmp(name.p, prefix.p, prefix.n) != 0)
        return ERR_NOT_FOUND;
    number = two_digits((struct str){name.p + prefix.n, name.n - prefix.n});
    if (number >= f->n_series)
        return ERR_NOT_FOUND;
    return version > VERSION ? ERR_NEWER : load_series(f, number, &in);
}
