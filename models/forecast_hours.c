/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * An hour is a trading hour when there was trade in it on two fifths of the recent trading
 * days, and stays one until that falls below a tenth. A shop nobody knows yet is taken to trade
 * from 8 to 19 every day; that counts as PRIOR days, so that a few days teach otherwise.
 *
 * 1. mask != 0. 2. Shares lie within 0 and 1.
 */
#include "models/forecast_hours.h"

#include <math.h>
#include <stddef.h>

#define FIRST_MASK 0x7ff00u /* 8 to 18 */
#define PRIOR 3.0
#define GAIN 0.03
#define ENTER 0.4
#define LEAVE 0.1
#define LIKELY 0.5
#define DAY_GAIN 0.15
#define GAP_DAYS 28 /* of a longer pause, so much is learned as days without trade */

void forecast_hours_init(struct forecast_hours *h)
{
    *h = (struct forecast_hours){.mask = FIRST_MASK};
    for (int i = 0; i < 24; i++)
        h->hour[i] = FIRST_MASK >> i & 1;
    for (int i = 0; i < 7; i++)
        h->weekday[i] = 1;
}

int forecast_hours_weekday(int64_t day)
{
    return (int)(((day + 3) % 7 + 7) % 7);
}

static void learn_weekday(struct forecast_hours *h, int64_t day, double traded)
{
    double *share = &h->weekday[forecast_hours_weekday(day)];
    double gain = fmax(1 / (1 + PRIOR / 3 + (double)h->days / 7), DAY_GAIN);

    *share += gain * (traded - *share);
}

void forecast_hours_learn(struct forecast_hours *h, int64_t day, uint32_t traded)
{
    double gain = fmax(1 / (1 + PRIOR + (double)h->days), GAIN);
    uint32_t mask = 0;

    if (h->days && day > h->last) {
        int64_t from = day - h->last > GAP_DAYS ? day - GAP_DAYS : h->last + 1;
        for (; from < day; from++)
            learn_weekday(h, from, 0);
    }
    learn_weekday(h, day, 1);
    for (int i = 0; i < 24; i++) {
        h->hour[i] += gain * ((traded >> i & 1) - h->hour[i]);
        bool in = h->mask >> i & 1;
        mask |= (uint32_t)(h->hour[i] >= (in ? LEAVE : ENTER)) << i;
    }
    h->mask = mask ? mask : h->mask;
    h->days++;
    h->last = day;
}

int64_t forecast_hours_next_day(const struct forecast_hours *h, int64_t day)
{
    int64_t best = day + 1;

    for (int64_t d = day + 1; d <= day + 7; d++) {
        double share = h->weekday[forecast_hours_weekday(d)];
        if (share >= LIKELY)
            return d;
        if (share > h->weekday[forecast_hours_weekday(best)])
            best = d;
    }
    return best;
}

int forecast_hours_next(const struct forecast_hours *h, int hour)
{
    while (hour < 24 && !(h->mask >> hour & 1))
        hour++;
    return hour;
}

int forecast_hours_count(const struct forecast_hours *h)
{
    int n = 0;

    for (int i = 0; i < 24; i++)
        n += (int)(h->mask >> i & 1);
    return n;
}

bool forecast_hours_closing(const struct forecast_hours *h, int hour)
{
    int next = forecast_hours_next(h, hour + 1);

    return next == 24 || forecast_hours_next(h, next + 1) == 24;
}

static const struct pack_field fields[] = {PACK(struct forecast_hours, mask, PACK_U32, 1, 0xffffff),
                                           PACK(struct forecast_hours, days, PACK_U64, 0, 1e9),
                                           PACK(struct forecast_hours, last, PACK_I64, -1e9, 1e9),
                                           PACK(struct forecast_hours, hour, PACK_F64, 0, 1),
                                           PACK(struct forecast_hours, weekday, PACK_F64, 0, 1)};

const struct pack_table forecast_hours_table = {fields, countof(fields)};
