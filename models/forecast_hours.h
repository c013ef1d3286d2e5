/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * forecast_hours: at which hours of which days the shop trades, learned from when it did.
 *
 * Days count from 1970-01-01, which was a Thursday; weekday 0 is Monday.
 */
#ifndef TILLSTREAM_MODELS_FORECAST_HOURS_H
#define TILLSTREAM_MODELS_FORECAST_HOURS_H

#include "models/pack.h"

struct forecast_hours {
    uint32_t mask;     /* bit h: hour h of a day is a trading hour; at least one is set */
    uint64_t days;     /* trading days learned */
    int64_t last;      /* the latest of them; meaningless if there is none */
    double hour[24];   /* share of recent trading days on which there was trade in the hour */
    double weekday[7]; /* share of recent such weekdays that were trading days */
};

void forecast_hours_init(struct forecast_hours *h);
int forecast_hours_weekday(int64_t day);
/* A trading day is over; `traded` has the bits of its hours with trade. Days only rise. */
void forecast_hours_learn(struct forecast_hours *h, int64_t day, uint32_t traded);
/* The first day after `day` that is likely to be a trading day; within a week. */
int64_t forecast_hours_next_day(const struct forecast_hours *h, int64_t day);
/* The first trading hour at or after `hour` of a day, 24 if none is left. */
int forecast_hours_next(const struct forecast_hours *h, int hour);
int forecast_hours_count(const struct forecast_hours *h);
/* Whether `hour` is among the last two trading hours. */
bool forecast_hours_closing(const struct forecast_hours *h, int hour);

extern const struct pack_table forecast_hours_table;

#endif
