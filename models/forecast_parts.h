/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the files of forecast share.
 */
#ifndef TILLSTREAM_MODELS_FORECAST_PARTS_H
#define TILLSTREAM_MODELS_FORECAST_PARTS_H

#include "models/forecast.h"

#define FORECAST_FIXED (FORECAST_COUNTRIES + 2) /* all, the countries, the rest */
#define FORECAST_SERIES_MAX (FORECAST_FIXED + FORECAST_RULES_MAX)
#define FORECAST_RECENT 8 /* invoices remembered to count different ones */
#define FORECAST_WARM_DAYS 28

/* Hours since 1970 lie between -FORECAST_FAR, which is before everything, and FORECAST_FAR (2209).
 */
#define FORECAST_FAR INT64_C(2100000)

/* Sums of one hour: of all sales, a country, or what a rule asks for. */
struct forecast_cell {
    uint32_t id;       /* a country's key id, or as below */
    uint32_t n_recent; /* invoices in `recent`, and where the next goes: it counts up */
    int64_t value;     /* millionths, or a count; stops at the limits of int64 */
    uint64_t invoices;
    uint64_t recent[FORECAST_RECENT];
};

#define FORECAST_CELL_ALL UINT32_MAX
#define FORECAST_CELL_RULE (UINT32_MAX - 1 - FORECAST_RULES_MAX) /* + number of the rule */

struct forecast_bucket { /* an hour that is not over */
    int64_t hour;        /* since 1970, on the wall clock */
    struct list cells;   /* struct forecast_cell, by id */
};

struct forecast_total {
    uint32_t country;
    double sales; /* fading */
};

struct forecast_guess { /* a forecast whose truth is awaited */
    int64_t made_ms;
    struct regress_guess guess;
    double x[RLS_MAX];
    double so_far; /* of a nowcast: what was sold when it was made */
};

struct forecast_picks {
    int n;
    uint8_t feature[RLS_MAX];
};

struct forecast_line_of { /* one series with all its models */
    struct forecast_series id;
    bool active, unsaved;
    struct forecast_picks hour_picks, day_picks;
    struct regress_rule hour_rule, day_rule;
    struct forecast_profile profile;
    struct regress hour, rest, day;
    bool awaits_hour, awaits_day;
    struct forecast_guess next_hour, next_day;
    uint32_t n_nowcasts;
    struct forecast_guess nowcast[25];
};

struct forecast {
    const struct zone *zone;
    struct forecast_setup setup;
    struct forecast_hours hours;
    int64_t mark_ms;      /* the watermark on the wall clock; never decreases */
    int64_t closed;       /* hours before this are over */
    int64_t day;          /* the trading day under way, or the one expected */
    bool trading;         /* it is under way */
    bool expects;         /* it is expected */
    uint32_t traded;      /* hours of it with trade */
    int64_t awaited_hour; /* for which there is a forecast */
    uint64_t dropped;
    struct list buckets; /* struct forecast_bucket, by hour */
    struct list totals;  /* struct forecast_total, by country */
    uint32_t n_series;
    struct forecast_line_of *series;
    bool unsaved;
};

/* What a step works with. */
struct forecast_step {
    struct forecast *f;
    const struct forecast_sink *sink;
    enum err failed;
};

/* ---- forecast_series.c ---- */

void forecast_series_start(struct forecast_line_of *s, struct forecast_series id,
                           const struct forecast_rule *rule);
bool forecast_rule_sound(const struct forecast_rule *rule);
/* The hour f->closed of the day under way is over. */
void forecast_series_hour(struct forecast_step *step, struct forecast_line_of *s, double value,
                          double events);
/* The day is over. */
void forecast_series_day(struct forecast_step *step, struct forecast_line_of *s);
/* Forecasts for f->day, of which nothing is known yet. */
void forecast_series_await(struct forecast_step *step, struct forecast_line_of *s, int64_t made_ms);
/* The day that was awaited passed without trade. */
void forecast_series_void(struct forecast_step *step, struct forecast_line_of *s);

/* ---- forecast.c ---- */

int64_t forecast_utc_ms(const struct forecast *f, int64_t hour); /* when an hour starts */
struct forecast_bucket *forecast_bucket_at(struct forecast *f, size_t i);
void forecast_buckets_clear(struct forecast *f);

#endif
