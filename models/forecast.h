/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * forecast: what the shop will sell: in its next trading hour, by the end of today (a nowcast,
 * anew after each hour), and on its next trading day; in all, for the largest countries, for the
 * rest of the world, and for what else the rules ask.
 *
 * It is driven by lines alone, in event time: an hour is over when the watermark that a line
 * carries has passed it. What comes out depends on the lines and their order, not on batches,
 * and a saved state goes on to the same bytes. Hours and days are those of the shop's wall clock.
 */
#ifndef TILLSTREAM_MODELS_FORECAST_H
#define TILLSTREAM_MODELS_FORECAST_H

#include "engine/parcel.h"
#include "engine/when.h"
#include "models/forecast_profile.h"
#include "models/line.h"
#include "models/regress.h"

#define FORECAST_COUNTRIES 5
#define FORECAST_RULES_MAX 32
#define FORECAST_SKIP_MAX 32

enum forecast_measure {
    FORECAST_SALES,   /* quantity x price, returns deducted, without the codes to skip */
    FORECAST_REVENUE, /* the same with them */
    FORECAST_UNITS,   /* returns deducted */
    FORECAST_LINES,
    FORECAST_INVOICES, /* different ones in the hour; for a day their sum */
    FORECAST_RETURNS,  /* quantity x price of lines with a negative quantity, as a positive sum */
    FORECAST_MEASURES
};

enum forecast_dimension {
    FORECAST_ALL,
    FORECAST_COUNTRY,
    FORECAST_REST, /* countries beside the largest */
    FORECAST_CUSTOMER,
    FORECAST_STOCK,
    FORECAST_DIMENSIONS
};

enum forecast_horizon {
    FORECAST_NEXT_HOUR,
    FORECAST_NOWCAST,
    FORECAST_NEXT_DAY,
    FORECAST_HORIZONS
};

struct forecast_series {
    uint8_t dimension, measure;
    uint32_t key; /* key id; 0 where the dimension has no keys */
};

/* A regression someone asked for: any measure of any key from any features. */
struct forecast_rule {
    struct forecast_series series;
    uint8_t n_features;       /* 0: the usual ones */
    uint8_t feature[RLS_MAX]; /* enum forecast_feature; each serves the hour or day that has it */
};

struct forecast_setup {
    const struct zone *zone;          /* NULL: UTC; borrowed */
    uint32_t skip[FORECAST_SKIP_MAX]; /* key ids of stock codes that are no merchandise */
    uint32_t n_skip;
    struct forecast_rule rule[FORECAST_RULES_MAX];
    uint32_t n_rules;
};

/* A forecast, and again when it has come true. Equal series, horizon, window and made_at: the
 * later one replaces. Times in UTC; money in units of money, not millionths. */
struct forecast_record {
    struct forecast_series series;
    uint8_t horizon;     /* enum forecast_horizon */
    bool known, counted; /* `actual` is there; it counts in the score */
    int64_t start_ms;    /* of the hour or day */
    int64_t made_ms;     /* the end of the hour or day after which it was made */
    double predicted, lower, upper;
    double actual;
    double naive, holt; /* what the baselines said */
};

/* Forecasts of a series have become worse. */
struct forecast_drift {
    struct forecast_series series;
    uint8_t horizon;
    int64_t at_ms;
};

/* Callbacks may fail: the first error is returned by the call that led to it once the state is
 * sound again; what followed it is lost. */
struct forecast_sink {
    void *arg;
    enum err (*record)(void *arg, const struct forecast_record *r);
    enum err (*drift)(void *arg, const struct forecast_drift *d);
};

struct forecast_score {
    struct forecast_series series;
    uint8_t horizon;
    uint64_t n, covered;                   /* after four weeks of trading days */
    double error, naive_error, holt_error; /* mean absolute; of a nowcast, holt is the naive one */
    double winkler;                        /* mean */
    double scale;                          /* usual value of an hour or a day */
};

struct forecast;

/* ERR_INVALID: a rule names a measure, dimension or feature there is not, or no feature. */
enum err forecast_open(const struct forecast_setup *setup, struct forecast **out) MUST_CHECK;
void forecast_close(struct forecast *f);
/* ERR_NOMEM before anything changed, or the first error of the sink. */
enum err forecast_line(struct forecast *f, const struct model_line *line,
                       const struct forecast_sink *sink) MUST_CHECK;
/* Series that there are, and their scores so far. */
uint32_t forecast_series_count(const struct forecast *f);
void forecast_score_of(const struct forecast *f, uint32_t series, enum forecast_horizon horizon,
                       struct forecast_score *out);
uint64_t forecast_dropped(const struct forecast *f); /* lines of hours on days that were over */
size_t forecast_memory(const struct forecast *f);
/* The feature of this name, FORECAST_FEATURE_COUNT if there is none. */
enum forecast_feature forecast_feature_named(struct str name);

/* Adds the parts of the state that changed since the last save: "models/forecast/...". */
enum err forecast_save(struct forecast *f, struct parcel *out) MUST_CHECK;
/* Gives back one saved part by its name; parts in any order, into one just opened with the setup
 * that saved it. ERR_NOT_FOUND: not the name of a part; ERR_NEWER; ERR_DAMAGED; ERR_NOMEM. After
 * an error close it. */
enum err forecast_load(struct forecast *f, struct str name, uint32_t version,
                       struct str data) MUST_CHECK;

#endif
