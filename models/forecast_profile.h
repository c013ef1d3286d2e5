/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * forecast_profile: what a series usually does, hour by hour and day by day, and how it is
 * doing today, as named features of the next hour, the next day and the rest of the day.
 *
 * Values are sales, counts and the like; below zero counts as zero. Only trading hours and
 * trading days are told. Everything is relative to the series' own size: a series a thousand
 * times as large has the features a square root of thousand times as large.
 */
#ifndef TILLSTREAM_MODELS_FORECAST_PROFILE_H
#define TILLSTREAM_MODELS_FORECAST_PROFILE_H

#include "models/forecast_hours.h"

/* Name, whether an hour and a day have it, what it is. Square roots of values unless "a flag"
 * or "a log ratio"; those are times the root of the mean, so that all have one size. */
#define FORECAST_FEATURES(X)                                                                       \
    X(ONE, "one", 1, 1, "always 1")                                                                \
    X(USUAL, "usual", 1, 1, "smoothed value of this hour of the week, or weekday")                 \
    X(WEEK, "week", 1, 1, "the same hour, or day, a week ago")                                     \
    X(YESTERDAY, "yesterday", 1, 0, "the same hour on the trading day before")                     \
    X(LAST, "last", 1, 1, "the hour, or day, before")                                              \
    X(BEFORE_LAST, "before_last", 1, 1, "the one before that")                                     \
    X(MEAN_5, "mean_5", 0, 1, "mean of the last five days")                                        \
    X(LEVEL, "level", 0, 1, "slowly smoothed day")                                                 \
    X(SHARE, "share", 1, 0, "recent level of days times this hour's share")                        \
    X(PACE, "pace", 1, 0, "log ratio of the day so far to the usual")                              \
    X(LATE_PACE, "late_pace", 1, 0, "the same from the fourth hour on")                            \
    X(USUAL_PACE, "usual_pace", 1, 0, "usual times pace")                                          \
    X(HOUR_PACE, "hour_pace", 1, 0, "pace times the hour of the day")                              \
    X(RATIO, "ratio", 1, 1, "smoothed log ratio of past days to the usual")                        \
    X(USUAL_RATIO, "usual_ratio", 0, 1, "usual times ratio")                                       \
    X(TREND, "trend", 1, 1, "log ratio of recent days to older ones")                              \
    X(EVENTS, "events", 1, 0, "log of the number of invoices in the hour before")                  \
    X(OPENING, "opening", 1, 0, "a flag: the first trading hour")                                  \
    X(CLOSING, "closing", 1, 0, "a flag: one of the last two trading hours")                       \
    X(HOUR, "hour", 1, 0, "the hour of the day, -1 at 6, 0 at noon")                               \
    X(HOUR_2, "hour_2", 1, 0, "its square")                                                        \
    X(MONDAY, "monday", 1, 1, "a flag")                                                            \
    X(TUESDAY, "tuesday", 1, 1, "a flag")                                                          \
    X(WEDNESDAY, "wednesday", 1, 1, "a flag")                                                      \
    X(THURSDAY, "thursday", 1, 1, "a flag")                                                        \
    X(FRIDAY, "friday", 1, 1, "a flag")                                                            \
    X(SATURDAY, "saturday", 1, 1, "a flag")                                                        \
    X(SUNDAY, "sunday", 1, 1, "a flag")

enum forecast_feature {
#define FORECAST_FEATURE_ENUM(id, name, hour, day, help) FORECAST_##id,
    FORECAST_FEATURES(FORECAST_FEATURE_ENUM)
#undef FORECAST_FEATURE_ENUM
        FORECAST_FEATURE_COUNT
};

struct forecast_feature_row {
    const char *name;
    bool of_hour, of_day;
    const char *help;
};

extern const struct forecast_feature_row forecast_features[FORECAST_FEATURE_COUNT];

#define FORECAST_REST_FEATURES 13 /* of the rest of a day; they have no names */

struct forecast_profile {
    uint64_t hours, days; /* learned */
    double mean;          /* of an hour, slowly moving; 0: nothing but zeros so far */
    double usual[168], week[168], share[168]; /* by weekday * 24 + hour; -1: never seen */
    double yesterday[24];                     /* -1: never seen */
    double last, before_last, last_usual;     /* hours */
    double events;                            /* of the last hour */
    double so_far, expected;                  /* today: all sales, the usual of hours over */
    uint32_t known;                           /* trading hours of today that are over */
    double day_usual[7], day_week[7];         /* -1: never seen */
    double recent[5];                         /* the last days, the newest first */
    double day_mean;                          /* of a day, slowly moving */
    double fast, slow, ratio;                 /* of days */
};

struct forecast_moment { /* an hour of a day; of a day: hour is of no account */
    int weekday, hour;
    bool opening, closing;
};

void forecast_profile_init(struct forecast_profile *p);
/* All features of an hour that is not learned yet; those an hour does not have are 0. */
void forecast_profile_hour(const struct forecast_profile *p, const struct forecast_moment *at,
                           double x[FORECAST_FEATURE_COUNT]);
void forecast_profile_day(const struct forecast_profile *p, int weekday,
                          double x[FORECAST_FEATURE_COUNT]);
/* Of what is to come today from `hour` on. */
void forecast_profile_rest(const struct forecast_profile *p, const struct forecast_hours *hours,
                           int weekday, int hour, double x[FORECAST_REST_FEATURES]);
/* The same hour last week, or the nearest to that which is known. */
double forecast_profile_hour_naive(const struct forecast_profile *p,
                                   const struct forecast_moment *at);
double forecast_profile_day_naive(const struct forecast_profile *p, int weekday);
double forecast_profile_rest_usual(const struct forecast_profile *p,
                                   const struct forecast_hours *hours, int weekday, int hour);
/* A trading hour is over. Its value is added to the day so far. */
void forecast_profile_learn_hour(struct forecast_profile *p, const struct forecast_moment *at,
                                 double value, double events);
/* Sales of today that belong to no hour to be learned. */
void forecast_profile_add(struct forecast_profile *p, double value);
/* The day is over; its total is what was so far. */
void forecast_profile_learn_day(struct forecast_profile *p, int weekday);

extern const struct pack_table forecast_profile_table;

#endif
