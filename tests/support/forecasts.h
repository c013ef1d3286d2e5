/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * forecasts: a small shop for tests of the forecasts, and what they said, as text.
 *
 * The shop trades from 9 to 18 but not on Saturdays, more at noon and on Mondays, and has lines
 * of eight countries (key ids 1 to 8, the first much the largest) and twenty stock codes (100 to
 * 119). It opens on Monday 2024-01-01.
 */
#ifndef TILLSTREAM_TESTS_SUPPORT_FORECASTS_H
#define TILLSTREAM_TESTS_SUPPORT_FORECASTS_H

#include "models/forecast.h"

#define FORECASTS_FIRST_DAY INT64_C(19723)

struct forecasts_shop {
    uint64_t chance;
    int64_t hour; /* since 1970 */
    int in_hour;  /* lines of it that were given */
    int64_t watermark_ms;
    uint64_t invoice;
    int64_t scale; /* millionths; all values are multiples of it */
};

void forecasts_shop_open(struct forecasts_shop *s, uint64_t chance);
/* The next line, in order of time. */
struct model_line forecasts_shop_next(struct forecasts_shop *s);

/* A line of one unit at this time, its own invoice, the watermark with it. */
struct model_line forecasts_line(int64_t time_ms, int64_t value, uint32_t country);

/* What came out: one line of text each, and the records themselves. */
struct forecasts_heard {
    struct buf text;
    struct list records; /* struct forecast_record */
    struct list drifts;  /* struct forecast_drift */
    enum err answer;     /* what the sink says to each */
};

void forecasts_heard_init(struct forecasts_heard *h);
void forecasts_heard_clear(struct forecasts_heard *h);
struct forecast_sink forecasts_sink(struct forecasts_heard *h);

#endif
