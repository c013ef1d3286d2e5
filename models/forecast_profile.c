/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Smoothed values per hour of the week and per weekday, today's pace against them, levels of
 * days, and the features made of these. All features of values are square roots, on which
 * errors are about even; logs of ratios have a part of the mean added above and below, so that
 * nothing is divided by nought; logs and flags are multiplied by the root of the mean hour (or
 * day), so that a model of these features is the same for a large series and a small one.
 *
 *     usual  += 0.15 (min(v, 4 usual + 0.7 mean) - usual)       one great order is not learned
 *     pace    = ln((so far + 0.05 mean) / (expected + 0.05 mean))
 *     ratio   = 0.5 ratio + 0.5 ln(day / usual day), held within ln 5
 *     trend   = ln(fast level / slow level), smoothed by 0.3 and 0.06
 *
 * 1. Everything is finite; values are not above BIG.
 */
#include "models/forecast_profile.h"

#include "models/calc.h"

#include <math.h>
#include <stddef.h>

#define BIG 1e100
#define USUAL_GAIN 0.15
#define SHARE_GAIN 0.1
#define SHARE_MAX 0.6
#define MEAN_GAIN 0.002
#define DAY_MEAN_GAIN 0.01
#define FAST_GAIN 0.3
#define SLOW_GAIN 0.06
#define PACE_PART 0.05 /* of the mean hour */
#define DAY_PART 1.0   /* of the mean day */
#define FLAG 0.3       /* size of a weekday's flag: the smaller, the more it has to prove itself */
#define RATIO_MAX 5.0
#define LAST_PART 0.02
#define LAST_MAX 16.0
#define LATE 3 /* hours known before the pace means much */

const struct forecast_feature_row forecast_features[FORECAST_FEATURE_COUNT] = {
#define FEATURE_ROW(id, name, hour, day, help) {name, hour, day, help},
    FORECAST_FEATURES(FEATURE_ROW)
#undef FEATURE_ROW
};

static double sound(double value)
{
    return value > 0 ? fmin(value, BIG) : 0;
}

static double log_ratio(double a, double b, double part)
{
    return a + part > 0 && b + part > 0 ? calc_ln((a + part) / (b + part)) : 0;
}

void forecast_profile_init(struct forecast_profile *p)
{
    *p = (struct forecast_profile){0};
    for (int i = 0; i < 168; i++)
        p->usual[i] = p->week[i] = p->share[i] = -1;
    for (int i = 0; i < 24; i++)
        p->yesterday[i] = -1;
    for (int i = 0; i < 7; i++)
        p->day_usual[i] = p->day_week[i] = -1;
}

/* The mean of those seen. */
static double seen_mean(const double *v, int n)
{
    double sum = 0, count = 0;

    for (int i = 0; i < n; i++) {
        if (v[i] >= 0) {
            sum += v[i];
            count++;
        }
    }
    return count > 0 ? sum / count : 0;
}

static double usual_of(const struct forecast_profile *p, int slot)
{
    return p->usual[slot] >= 0 ? p->usual[slot] : seen_mean(p->usual, 168);
}

static double yesterday_of(const struct forecast_profile *p, int hour)
{
    return p->yesterday[hour] >= 0 ? p->yesterday[hour] : p->last;
}

static double trend_of(const struct forecast_profile *p)
{
    return log_ratio(p->fast, p->slow, DAY_PART * p->day_mean);
}

double forecast_profile_hour_naive(const struct forecast_profile *p,
                                   const struct forecast_moment *at)
{
    double week = p->week[at->weekday * 24 + at->hour];

    return week >= 0 ? week : yesterday_of(p, at->hour);
}

/* Smoothed share of the day's level that falls in this hour, times the level. */
static double shared(const struct forecast_profile *p, int slot, double usual)
{
    if (!p->days || p->fast <= 0)
        return usual;
    return p->fast * (p->share[slot] >= 0 ? p->share[slot] : 1.0 / 11);
}

static void weekday_flags(int weekday, double size, double *x)
{
    for (int d = 0; d < 7; d++)
        x[FORECAST_MONDAY + d] = d == weekday ? size : 0;
}

void forecast_profile_hour(const struct forecast_profile *p, const struct forecast_moment *at,
                           double x[FORECAST_FEATURE_COUNT])
{
    const int slot = at->weekday * 24 + at->hour;
    const double size = sqrt(p->mean), usual = usual_of(p, slot), hour = (at->hour - 12) / 6.0;
    const double pace =
        p->expected > 0 ? log_ratio(p->so_far, p->expected, PACE_PART * p->mean) : 0;

    memset(x, 0, FORECAST_FEATURE_COUNT * sizeof(*x));
    x[FORECAST_ONE] = size;
    x[FORECAST_USUAL] = sqrt(usual);
    x[FORECAST_WEEK] = sqrt(forecast_profile_hour_naive(p, at));
    x[FORECAST_YESTERDAY] = sqrt(yesterday_of(p, at->hour));
    x[FORECAST_LAST] = sqrt(p->last);
    x[FORECAST_BEFORE_LAST] = sqrt(p->before_last);
    x[FORECAST_SHARE] = sqrt(shared(p, slot, usual));
    x[FORECAST_PACE] = size * pace;
    x[FORECAST_LATE_PACE] = p->known >= LATE ? size * pace : 0;
    x[FORECAST_USUAL_PACE] = sqrt(usual) * pace;
    x[FORECAST_HOUR_PACE] = size * hour * pace;
    x[FORECAST_RATIO] = size * p->ratio;
    x[FORECAST_TREND] = size * trend_of(p);
    x[FORECAST_EVENTS] = size * calc_ln(1 + p->events);
    x[FORECAST_OPENING] = at->opening ? size : 0;
    x[FORECAST_CLOSING] = at->closing ? size : 0;
    x[FORECAST_HOUR] = size * hour;
    x[FORECAST_HOUR_2] = size * hour * hour;
    weekday_flags(at->weekday, size, x);
}

static double mean_of_recent(const struct forecast_profile *p)
{
    double sum = 0;
    int n = p->days < 5 ? (int)p->days : 5;

    for (int i = 0; i < n; i++)
        sum += p->recent[i];
    return n ? sum / n : 0;
}

double forecast_profile_day_naive(const struct forecast_profile *p, int weekday)
{
    return p->day_week[weekday] >= 0 ? p->day_week[weekday] : p->recent[0];
}

void forecast_profile_day(const struct forecast_profile *p, int weekday,
                          double x[FORECAST_FEATURE_COUNT])
{
    const double size = sqrt(p->day_mean), mean = mean_of_recent(p);
    const double usual = p->day_usual[weekday] >= 0 ? p->day_usual[weekday] : mean;

    memset(x, 0, FORECAST_FEATURE_COUNT * sizeof(*x));
    x[FORECAST_ONE] = size;
    x[FORECAST_USUAL] = sqrt(usual);
    x[FORECAST_WEEK] = sqrt(p->day_week[weekday] >= 0 ? p->day_week[weekday] : mean);
    x[FORECAST_LAST] = sqrt(p->recent[0]);
    x[FORECAST_BEFORE_LAST] = sqrt(p->recent[1]);
    x[FORECAST_MEAN_5] = sqrt(mean);
    x[FORECAST_LEVEL] = sqrt(p->slow);
    x[FORECAST_RATIO] = size * p->ratio;
    x[FORECAST_USUAL_RATIO] = sqrt(usual) * p->ratio;
    x[FORECAST_TREND] = size * trend_of(p);
    weekday_flags(weekday, FLAG * size, x);
}

double forecast_profile_rest_usual(const struct forecast_profile *p,
                                   const struct forecast_hours *hours, int weekday, int hour)
{
    double sum = 0;

    for (int h = forecast_hours_next(hours, hour); h < 24; h = forecast_hours_next(hours, h + 1))
        sum += usual_of(p, weekday * 24 + h);
    return sum;
}

/* Root of the last hour against its usual. */
static double last_ratio(const struct forecast_profile *p)
{
    double usual = p->last_usual + LAST_PART * p->mean;

    return usual > 0 ? sqrt(fmin(p->last / usual, LAST_MAX)) : 1;
}

void forecast_profile_rest(const struct forecast_profile *p, const struct forecast_hours *hours,
                           int weekday, int hour, double x[FORECAST_REST_FEATURES])
{
    const double usual = forecast_profile_rest_usual(p, hours, weekday, hour);
    const double rest = sqrt(usual), size = sqrt(p->mean);
    const double pace = p->known ? log_ratio(p->so_far, p->expected, PACE_PART * p->mean) : 0;
    const double at = 2.0 * p->known / forecast_hours_count(hours) - 1;
    const double done = p->expected + usual > 0 ? p->expected / (p->expected + usual) : 0;
    const double over = size > 0 ? 0.1 * rest / size : 0;

    x[0] = rest;
    x[1] = rest * at;
    x[2] = rest * at * at;
    x[3] = rest * pace;
    x[4] = p->known >= LATE ? rest * pace : 0;
    x[5] = rest * pace * at;
    x[6] = rest * p->ratio;
    x[7] = rest * trend_of(p);
    x[8] = over * sqrt(p->so_far > 0 ? p->so_far : 0);
    x[9] = over * sqrt(p->last);
    x[10] = rest * (p->known ? last_ratio(p) : 1);
    x[11] = rest * pace * done;
    x[12] = rest * done;
}

static void smooth(double *v, double gain, double value)
{
    *v = *v < 0 ? value : *v + gain * (value - *v);
}

void forecast_profile_learn_hour(struct forecast_profile *p, const struct forecast_moment *at,
                                 double value, double events)
{
    const int slot = at->weekday * 24 + at->hour;
    const double v = sound(value), usual = usual_of(p, slot);

    p->hours++;
    p->known++;
    forecast_profile_add(p, value);
    p->expected += usual;
    p->mean += (v - p->mean) * fmax(1.0 / (double)p->hours, MEAN_GAIN);
    if (p->usual[slot] >= 0)
        smooth(&p->usual[slot], USUAL_GAIN, fmin(v, 4 * usual + 0.7 * p->mean));
    else
        p->usual[slot] = v;
    if (p->days && p->fast > 0)
        smooth(&p->share[slot], SHARE_GAIN, fmin(v / p->fast, SHARE_MAX));
    p->week[slot] = p->yesterday[at->hour] = v;
    p->before_last = p->last;
    p->last = v;
    p->last_usual = usual;
    p->events = sound(events);
}

void forecast_profile_add(struct forecast_profile *p, double value)
{
    if (isfinite(value))
        p->so_far = fmin(fmax(p->so_far + value, -BIG), BIG);
}

void forecast_profile_learn_day(struct forecast_profile *p, int weekday)
{
    const double v = sound(p->so_far), usual = p->day_usual[weekday];
    double ratio = log_ratio(v, p->expected, DAY_PART * p->day_mean);
    const double most = calc_ln(RATIO_MAX);

    p->ratio = p->days ? 0.5 * p->ratio + 0.5 * fmin(fmax(ratio, -most), most) : 0;
    p->fast = p->days ? p->fast + FAST_GAIN * (v - p->fast) : v;
    p->slow = p->days ? p->slow + SLOW_GAIN * (v - p->slow) : v;
    p->day_mean += (v - p->day_mean) * fmax(1.0 / (double)(p->days + 1), DAY_MEAN_GAIN);
    smooth(&p->day_usual[weekday], USUAL_GAIN,
           usual >= 0 ? fmin(v, 4 * usual + 0.1 * p->day_mean) : v);
    p->day_week[weekday] = v;
    memmove(&p->recent[1], &p->recent[0], 4 * sizeof(double));
    p->recent[0] = v;
    p->days++;
    p->so_far = p->expected = 0;
    p->known = 0;
}

static const struct pack_field fields[] = {
    PACK(struct forecast_profile, hours, PACK_U64, 0, 1e18),
    PACK(struct forecast_profile, days, PACK_U64, 0, 1e18),
    PACK(struct forecast_profile, mean, PACK_F64, 0, BIG),
    PACK(struct forecast_profile, usual, PACK_F64, -1, BIG),
    PACK(struct forecast_profile, week, PACK_F64, -1, BIG),
    PACK(struct forecast_profile, share, PACK_F64, -1, 1),
    PACK(struct forecast_profile, yesterday, PACK_F64, -1, BIG),
    PACK(struct forecast_profile, last, PACK_F64, 0, BIG),
    PACK(struct forecast_profile, before_last, PACK_F64, 0, BIG),
    PACK(struct forecast_profile, last_usual, PACK_F64, 0, BIG),
    PACK(struct forecast_profile, events, PACK_F64, 0, BIG),
    PACK(struct forecast_profile, so_far, PACK_F64, -BIG, BIG),
    PACK(struct forecast_profile, expected, PACK_F64, 0, 24 * BIG),
    PACK(struct forecast_profile, known, PACK_U32, 0, 24),
    PACK(struct forecast_profile, day_usual, PACK_F64, -1, 24 * BIG),
    PACK(struct forecast_profile, day_week, PACK_F64, -1, 24 * BIG),
    PACK(struct forecast_profile, recent, PACK_F64, 0, 24 * BIG),
    PACK(struct forecast_profile, day_mean, PACK_F64, 0, 24 * BIG),
    PACK(struct forecast_profile, fast, PACK_F64, 0, 24 * BIG),
    PACK(struct forecast_profile, slow, PACK_F64, 0, 24 * BIG),
    PACK(struct forecast_profile, ratio, PACK_F64, -2, 2)};

const struct pack_table forecast_profile_table = {fields, countof(fields)};
