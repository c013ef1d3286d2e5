/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One series: three regressions over one profile. The next hour and the next day are predicted
 * from named features; the rest of the day from its usual and how the day goes. A forecast is
 * kept with its features until the truth is known, and learned from then: nothing is learned
 * that was not predicted first, so every error counted is that of a real forecast.
 *
 * 1. awaits_hour: next_hour is for the hour f->awaited_hour; awaits_day: next_day is for f->day.
 * 2. nowcast[0 .. n_nowcasts) were made today, before the first hour and after each one.
 */
#include "models/forecast_parts.h"

#include <math.h>

static const struct regress_rule hour_rule = {
    .forgetting = 0.999,
    .adapt = 0.003,
    .clip = 1.5,
    .delta = 1,
    .shift = 1,
    .holt = {.level = 0.05, .trend = 0.001, .season = 0.15, .damp = 0.98},
    .seasonal = true,
};

static const struct regress_rule day_rule = {
    .forgetting = 0.995,
    .adapt = 0.01,
    .clip = 2.5,
    .delta = 0.1,
    .holt = {.level = 0.1, .trend = 0.001, .season = 0.15, .damp = 0.98},
    .holt_part = 0.5,
    .shift = 0,
    .seasonal = true,
};

static const struct regress_rule rest_rule = {
    .inputs = FORECAST_REST_FEATURES,
    .shift = 0,
    .forgetting = 0.9995,
    .adapt = 0.003,
    .clip = 1.5,
    .delta = 1,
};

static const struct forecast_picks hour_picks = {
    19,
    {FORECAST_ONE, FORECAST_USUAL, FORECAST_WEEK, FORECAST_YESTERDAY, FORECAST_LAST,
     FORECAST_BEFORE_LAST, FORECAST_SHARE, FORECAST_PACE, FORECAST_RATIO, FORECAST_TREND,
     FORECAST_EVENTS, FORECAST_OPENING, FORECAST_CLOSING, FORECAST_SUNDAY, FORECAST_LATE_PACE,
     FORECAST_USUAL_PACE, FORECAST_HOUR, FORECAST_HOUR_2, FORECAST_HOUR_PACE}};

static const struct forecast_picks day_picks = {
    13,
    {FORECAST_ONE, FORECAST_USUAL, FORECAST_WEEK, FORECAST_LAST, FORECAST_MEAN_5, FORECAST_RATIO,
     FORECAST_TREND, FORECAST_USUAL_RATIO, FORECAST_MONDAY, FORECAST_TUESDAY, FORECAST_WEDNESDAY,
     FORECAST_FRIDAY, FORECAST_SUNDAY}};

static struct forecast_picks picks_of(const struct forecast_rule *rule, bool of_day)
{
    struct forecast_picks picks = of_day ? day_picks : hour_picks;

    if (!rule || rule->n_features == 0)
        return picks;
    picks.n = 0;
    for (int i = 0; i < rule->n_features; i++) {
        const struct forecast_feature_row *row = &forecast_features[rule->feature[i]];
        if (of_day ? row->of_day : row->of_hour)
            picks.feature[picks.n++] = rule->feature[i];
    }
    if (picks.n == 0)
        picks.feature[picks.n++] = FORECAST_USUAL;
    return picks;
}

bool forecast_rule_sound(const struct forecast_rule *rule)
{
    if (rule->series.measure >= FORECAST_MEASURES || rule->n_features > RLS_MAX ||
        rule->series.dimension >= FORECAST_DIMENSIONS || rule->series.dimension == FORECAST_REST)
        return false;
    for (int i = 0; i < rule->n_features; i++) {
        if (rule->feature[i] >= FORECAST_FEATURE_COUNT)
            return false;
        for (int k = 0; k < i; k++) {
            if (rule->feature[k] == rule->feature[i])
                return false;
        }
    }
    return true;
}

void forecast_series_start(struct forecast_line_of *s, struct forecast_series id,
                           const struct forecast_rule *rule)
{
    *s = (struct forecast_line_of){.id = id, .active = true, .unsaved = true};
    s->hour_picks = picks_of(rule, false);
    s->day_picks = picks_of(rule, true);
    s->hour_rule = hour_rule;
    s->hour_rule.inputs = s->hour_picks.n;
    s->day_rule = day_rule;
    s->day_rule.inputs = s->day_picks.n;
    forecast_profile_init(&s->profile);
    regress_init(&s->hour, &s->hour_rule);
    regress_init(&s->day, &s->day_rule);
    regress_init(&s->rest, &rest_rule);
}

/* ---- telling ---- */

static void tell(struct forecast_step *step, struct forecast_record *r)
{
    enum err e = step->sink->record(step->sink->arg, r);

    if (!step->failed)
        step->failed = e;
}

static struct forecast_record record_of(const struct forecast_line_of *s,
                                        enum forecast_horizon horizon,
                                        const struct forecast_guess *g, int64_t start_ms)
{
    return (struct forecast_record){.series = s->id,
                                    .horizon = (uint8_t)horizon,
                                    .start_ms = start_ms,
                                    .made_ms = g->made_ms,
                                    .predicted = fmax(g->so_far + g->guess.predicted, 0),
                                    .lower = fmax(g->so_far + g->guess.lower, 0),
                                    .upper = fmax(g->so_far + g->guess.upper, 0),
                                    .naive = fmax(g->so_far + g->guess.naive, 0),
                                    .holt = fmax(g->so_far + g->guess.holt, 0)};
}

static void tell_guess(struct forecast_step *step, const struct forecast_line_of *s,
                       enum forecast_horizon horizon, const struct forecast_guess *g,
                       int64_t start_ms)
{
    struct forecast_record r = record_of(s, horizon, g, start_ms);

    tell(step, &r);
}

static void tell_truth(struct forecast_step *step, const struct forecast_line_of *s,
                       enum forecast_horizon horizon, const struct forecast_guess *g,
                       int64_t start_ms, double actual)
{
    struct forecast_record r = record_of(s, horizon, g, start_ms);

    r.known = true;
    r.counted = s->profile.days >= FORECAST_WARM_DAYS;
    r.actual = actual;
    tell(step, &r);
}

static void tell_drift(struct forecast_step *step, const struct forecast_line_of *s,
                       enum forecast_horizon horizon, int64_t at_ms)
{
    const struct forecast_drift d = {s->id, (uint8_t)horizon, at_ms};
    enum err e = step->sink->drift(step->sink->arg, &d);

    if (!step->failed)
        step->failed = e;
}

/* ---- predicting ---- */

static void pick(const struct forecast_picks *picks, const double *all, double *x)
{
    for (int i = 0; i < picks->n; i++)
        x[i] = all[picks->feature[i]];
}

static struct forecast_moment moment_of(const struct forecast *f, int hour)
{
    return (struct forecast_moment){
        .weekday = forecast_hours_weekday(f->day),
        .hour = hour,
        .opening = hour == forecast_hours_next(&f->hours, 0),
        .closing = forecast_hours_closing(&f->hours, hour),
    };
}

static void guess_hour(struct forecast_step *step, struct forecast_line_of *s, int hour,
                       int64_t made_ms)
{
    const struct forecast *f = step->f;
    const struct forecast_moment at = moment_of(f, hour);
    const struct regress_place place = {.slot = hour,
                                        .season = at.weekday * 24 + hour,
                                        .naive = forecast_profile_hour_naive(&s->profile, &at)};
    double all[FORECAST_FEATURE_COUNT];

    s->next_hour = (struct forecast_guess){.made_ms = made_ms};
    forecast_profile_hour(&s->profile, &at, all);
    pick(&s->hour_picks, all, s->next_hour.x);
    regress_guess(&s->hour, &s->hour_rule, s->next_hour.x, &place, &s->next_hour.guess);
    s->awaits_hour = true;
    tell_guess(step, s, FORECAST_NEXT_HOUR, &s->next_hour, forecast_utc_ms(f, f->day * 24 + hour));
}

static void guess_rest(struct forecast_step *step, struct forecast_line_of *s, int hour,
                       int64_t made_ms)
{
    const struct forecast *f = step->f;
    const int weekday = forecast_hours_weekday(f->day);
    const struct regress_place place = {
        .slot = (int)s->n_nowcasts,
        .naive = forecast_profile_rest_usual(&s->profile, &f->hours, weekday, hour)};

    if (s->n_nowcasts == countof(s->nowcast))
        return;
    struct forecast_guess *g = &s->nowcast[s->n_nowcasts++];
    *g = (struct forecast_guess){.made_ms = made_ms, .so_far = s->profile.so_far};
    forecast_profile_rest(&s->profile, &f->hours, weekday, hour, g->x);
    regress_guess(&s->rest, &rest_rule, g->x, &place, &g->guess);
    tell_guess(step, s, FORECAST_NOWCAST, g, forecast_utc_ms(f, f->day * 24));
}

static void guess_day(struct forecast_step *step, struct forecast_line_of *s, int64_t made_ms)
{
    const struct forecast *f = step->f;
    const int weekday = forecast_hours_weekday(f->day);
    const struct regress_place place = {.slot = weekday,
                                        .season = weekday,
                                        .naive = forecast_profile_day_naive(&s->profile, weekday)};
    double all[FORECAST_FEATURE_COUNT];

    s->next_day = (struct forecast_guess){.made_ms = made_ms};
    forecast_profile_day(&s->profile, weekday, all);
    pick(&s->day_picks, all, s->next_day.x);
    regress_guess(&s->day, &s->day_rule, s->next_day.x, &place, &s->next_day.guess);
    s->awaits_day = true;
    tell_guess(step, s, FORECAST_NEXT_DAY, &s->next_day, forecast_utc_ms(f, f->day * 24));
}

void forecast_series_await(struct forecast_step *step, struct forecast_line_of *s, int64_t made_ms)
{
    s->unsaved = true;
    s->n_nowcasts = 0;
    guess_hour(step, s, forecast_hours_next(&step->f->hours, 0), made_ms);
    guess_rest(step, s, 0, made_ms);
    guess_day(step, s, made_ms);
}

/* ---- learning ---- */

static void learn_hour(struct forecast_step *step, struct forecast_line_of *s, double value)
{
    const struct forecast *f = step->f;

    if (!s->awaits_hour || f->awaited_hour != f->closed)
        return;
    bool counted = s->profile.days >= FORECAST_WARM_DAYS;
    s->awaits_hour = false;
    tell_truth(step, s, FORECAST_NEXT_HOUR, &s->next_hour, forecast_utc_ms(f, f->closed), value);
    if (regress_learn(&s->hour, &s->hour_rule, s->next_hour.x, &s->next_hour.guess, value, counted))
        tell_drift(step, s, FORECAST_NEXT_HOUR, forecast_utc_ms(f, f->closed + 1));
}

void forecast_series_hour(struct forecast_step *step, struct forecast_line_of *s, double value,
                          double events)
{
    const struct forecast *f = step->f;
    const int hour = (int)(f->closed - f->day * 24);
    const int next = forecast_hours_next(&f->hours, hour + 1);
    const int64_t made_ms = forecast_utc_ms(f, f->closed + 1);
    const struct forecast_moment at = moment_of(f, hour);

    s->unsaved = true;
    learn_hour(step, s, value);
    forecast_profile_learn_hour(&s->profile, &at, value, events);
    if (next < 24)
        guess_hour(step, s, next, made_ms);
    guess_rest(step, s, hour + 1, made_ms);
}

void forecast_series_day(struct forecast_step *step, struct forecast_line_of *s)
{
    const struct forecast *f = step->f;
    const int64_t start_ms = forecast_utc_ms(f, f->day * 24);
    const double total = s->profile.so_far;
    const bool counted = s->profile.days >= FORECAST_WARM_DAYS;

    s->unsaved = true;
    for (uint32_t i = 0; i < s->n_nowcasts; i++) {
        struct forecast_guess *g = &s->nowcast[i];
        tell_truth(step, s, FORECAST_NOWCAST, g, start_ms, total);
        (void)regress_learn(&s->rest, &rest_rule, g->x, &g->guess, total - g->so_far, counted);
    }
    s->n_nowcasts = 0;
    if (s->awaits_day) {
        s->awaits_day = false;
        tell_truth(step, s, FORECAST_NEXT_DAY, &s->next_day, start_ms, total);
        if (regress_learn(&s->day, &s->day_rule, s->next_day.x, &s->next_day.guess, total, counted))
            tell_drift(step, s, FORECAST_NEXT_DAY, forecast_utc_ms(f, f->day * 24 + 24));
    }
    forecast_profile_learn_day(&s->profile, forecast_hours_weekday(f->day));
}

static void tell_void(struct forecast_step *step, const struct forecast_line_of *s,
                      enum forecast_horizon horizon, const struct forecast_guess *g, int hour)
{
    struct forecast_record r =
        record_of(s, horizon, g, forecast_utc_ms(step->f, step->f->day * 24 + hour));

    r.known = true;
    tell(step, &r);
}

void forecast_series_void(struct forecast_step *step, struct forecast_line_of *s)
{
    s->unsaved = true;
    if (s->awaits_hour)
        tell_void(step, s, FORECAST_NEXT_HOUR, &s->next_hour,
                  (int)(step->f->awaited_hour - step->f->day * 24));
    for (uint32_t i = 0; i < s->n_nowcasts; i++)
        tell_void(step, s, FORECAST_NOWCAST, &s->nowcast[i], 0);
    if (s->awaits_day)
        tell_void(step, s, FORECAST_NEXT_DAY, &s->next_day, 0);
    s->awaits_hour = s->awaits_day = false;
    s->n_nowcasts = 0;
}
