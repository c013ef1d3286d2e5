/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * calendar: when people come to the synthetic shop: the UCI shop's rhythms.
 *
 *     weight = weekday * season * chance of the day      (each about 1000)
 *
 * The season grows from February to a peak in late November; it is a line between the middles
 * of the months. Closed on Saturdays and from December 24 to January 3; a few hours on
 * Sundays; nobody comes at night.
 */
#include "commands/calendar.h"

#include "commands/dice.h"
#include "engine/when.h"

#define CHANCE 201 /* purpose of the hash that makes one day busier than another */

static const int16_t weekday[7] = {550, 1000, 1070, 1030, 1230, 970, 0}; /* from Sunday */
static const int16_t season[12] = {760, 710, 820, 900, 950, 900, 870, 850, 1080, 1250, 1600, 1250};

static const int16_t hours[24] = {
    [7] = 1,    [8] = 27,   [9] = 77,  [10] = 115, [11] = 117, [12] = 147, [13] = 127,
    [14] = 119, [15] = 116, [16] = 78, [17] = 51,  [18] = 14,  [19] = 9,   [20] = 2};
static const int16_t sunday_hours[24] = {
    [9] = 2, [10] = 107, [11] = 174, [12] = 215, [13] = 161, [14] = 143, [15] = 147, [16] = 51};

static int weekday_of(int64_t day)
{
    return (int)((day % 7 + 11) % 7); /* 1970-01-01 was a Thursday */
}

static int64_t season_of(int month, int day)
{
    int other = day < 15 ? (month + 10) % 12 : month % 12;
    int away = day < 15 ? 15 - day : day - 15;

    return (season[month - 1] * (30 - away) + season[other] * away) / 30;
}

int64_t calendar_weight(uint64_t seed, int64_t day)
{
    int year;
    int month;
    int date;
    int64_t chance = 850 + dice_scale(dice_hash(seed + CHANCE, (uint64_t)day), 301);

    when_civil(day, &year, &month, &date);
    if ((month == 12 && date >= 24) || (month == 1 && date <= 3))
        return 0;
    return weekday[weekday_of(day)] * season_of(month, date) / 1000 * chance / 1000;
}

int64_t calendar_hour(int64_t day, int hour)
{
    return weekday_of(day) == 0 ? sunday_hours[hour] : hours[hour];
}
