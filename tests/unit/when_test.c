/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Tests of engine/when. tests/fuzz/when_fuzz.c holds a second implementation against it;
 * time zones have tests of their own.
 */
#include "engine/when.h"

#include "tests/support/t.h"

#include <stdio.h>
#include <stdlib.h>

#define UNTOUCHED INT64_C(-77)

static const struct when_rules MDY = {.order = WHEN_MDY};
static const struct when_rules DMY = {.order = WHEN_DMY};

struct date {
    const char *text;
    const char *wanted; /* as when_format writes it */
};

static void check_dates(const struct date *dates, size_t n, const struct when_rules *rules)
{
    for (size_t i = 0; i < n; i++) {
        int64_t ms = UNTOUCHED;
        char out[WHEN_TEXT] = "";
        enum err e = when_parse(str_of(dates[i].text), rules, &ms);
        if (!e) {
            when_format(ms, out);
        }
        if (e || strcmp(out, dates[i].wanted) != 0) {
            fail("\"%s\": %s, \"%s\"", dates[i].text, err_text(e), out);
        }
    }
}

static void check_refused(const char *const *texts, size_t n, enum err wanted)
{
    for (size_t i = 0; i < n; i++) {
        int64_t ms = UNTOUCHED;
        enum err e = when_parse(str_of(texts[i]), &MDY, &ms);
        if (e != wanted || ms != UNTOUCHED) {
            fail("\"%s\": %s, %lld", texts[i], err_text(e), (long long)ms);
        }
    }
}

T(dates_of_the_till_are_read)
{
    static const struct date dates[] = {
        {"12/1/2010 8:26", "2010-12-01T08:26:00Z"},
        {"1/2/2010 8:26", "2010-01-02T08:26:00Z"},
        {"1/12/2010 8:26", "2010-01-12T08:26:00Z"},
        {"12/10/2010 18:26", "2010-12-10T18:26:00Z"},
        {"01/02/2010 08:06", "2010-01-02T08:06:00Z"},
        {"01/02/2010 08:06:07", "2010-01-02T08:06:07Z"},
        {"1/2/10 8:06", "2010-01-02T08:06:00Z"},
        {"12/31/99 23:59", "2099-12-31T23:59:00Z"},
        {"1/2/2010", "2010-01-02T00:00:00Z"},
        {"1/2/10", "2010-01-02T00:00:00Z"},
        {"2/29/2012 0:00", "2012-02-29T00:00:00Z"},
        {"2/29/2000 0:00", "2000-02-29T00:00:00Z"},
        {"1/1/1900 0:00", "1900-01-01T00:00:00Z"},
        {"12/31/2199 23:59:59", "2199-12-31T23:59:59Z"},
    };
    check_dates(dates, countof(dates), &MDY);
}

T(the_order_of_day_and_month_is_as_told_and_never_guessed)
{
    static const struct date dates[] = {
        {"12/1/2010 8:26", "2010-01-12T08:26:00Z"},
        {"1/12/2010 8:26", "2010-12-01T08:26:00Z"},
        {"31/12/10", "2010-12-31T00:00:00Z"},
    };
    int64_t ms = UNTOUCHED;
    check_dates(dates, countof(dates), &DMY);
    eq_err(when_parse(STR("12/31/2010 8:26"), &DMY, &ms), ERR_INVALID);
    eq_err(when_parse(STR("31/12/2010 8:26"), &MDY, &ms), ERR_INVALID);
    eq_int(ms, UNTOUCHED);
}

T(iso_dates_are_read)
{
    static const struct date dates[] = {
        {"2010-12-01", "2010-12-01T00:00:00Z"},
        {"2010-12-01T08:26", "2010-12-01T08:26:00Z"},
        {"2010-12-01 08:26:07", "2010-12-01T08:26:07Z"},
        {"2010-12-01T08:26:07Z", "2010-12-01T08:26:07Z"},
        {"2010-12-01T08:26:07.999Z", "2010-12-01T08:26:07Z"},
        {"2010-12-01T08:26+01:00", "2010-12-01T07:26:00Z"},
        {"2010-12-01T08:26:00+0530", "2010-12-01T02:56:00Z"},
        {"2010-12-01T08:26:00-08", "2010-12-01T16:26:00Z"},
        {"2010-12-01 00:26:00.5+23:59", "2010-11-30T00:27:00Z"},
        {"1900-01-01T00:00:00-00:01", "1900-01-01T00:01:00Z"},
    };
    check_dates(dates, countof(dates), &MDY);
    check_dates(dates, countof(dates), &DMY);
}

T(fractions_are_cut_to_milliseconds_downward)
{
    static const struct {
        const char *text;
        int64_t ms;
    } cases[] = {
        {"1970-01-01T00:00:00.5", 500},
        {"1970-01-01T00:00:00.123456789123Z", 123},
        {"1969-12-31T23:59:59.9999", -1},
        {"0.9999", 999},
        {"-0.0001", -1},
        {"-0.000", 0},
        {"-1.5", -1500},
        {"-1.0005", -1001},
        {"1291191960", INT64_C(1291191960000)},
        {"+1291191960", INT64_C(1291191960000)},
        {"1291191960.25", INT64_C(1291191960250)},
        {"1291191960250", INT64_C(1291191960250)},
        {"1291191960250.9", INT64_C(1291191960250)},
        {"-100000000000.1", -INT64_C(100000000001)},
        {"000000000001", 1},
        {"00000000001", 1000},
        {"00000000000000000000000001291191960250", INT64_C(1291191960250)},
        {"-2208988800", -INT64_C(2208988800000)},
        {"7258118399.999", INT64_C(7258118399999)},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        int64_t ms = UNTOUCHED;
        enum err e = when_parse(str_of(cases[i].text), &MDY, &ms);
        if (e || ms != cases[i].ms) {
            fail("\"%s\": %s, %lld", cases[i].text, err_text(e), (long long)ms);
        }
    }
}

T(dates_that_do_not_exist_are_invalid)
{
    static const char *const texts[] = {
        "2/30/2010 8:26",
        "2/29/2011 8:26",
        "2/29/2100 8:26",
        "4/31/2010 8:26",
        "13/1/2010 8:26",
        "0/1/2010 8:26",
        "1/0/2010 8:26",
        "1/1/2010 24:00",
        "1/1/2010 23:60",
        "1/1/2010 23:59:60",
        "2010-02-29",
        "2010-12-01T24:00",
        "2010-12-01T08:26:60Z",
        "2010-12-01T08:26+24:00",
        "2010-12-01T08:26+01:60",
        "2/30/1800",
    };
    check_refused(texts, countof(texts), ERR_INVALID);
}

static const char *const NO_DATE[] = {
    "",
    " ",
    "/",
    "//////",
    "1/1/1",
    "1/1/201 8:26",
    "1/1/20100 8:26",
    "1/1/2010 8:6",
    "1/1/2010 8",
    "1/1/2010 :26",
    "1/1/2010  8:26",
    "1/1/2010 8:26 ",
    " 1/1/2010 8:26",
    "1/1/2010T8:26",
    "1/1/2010 8:26:5",
    "1/1/2010 8:26:05.5",
    "1/1/2010 8:26Z",
    "1/1/2010 8:26 PM",
    "1/1/2010 123:26",
    "001/1/2010 8:26",
    "1/001/2010 8:26",
    "1-1-2010 8:26",
    "1//2010 8:26",
    "12/1/2010/8:26",
    "12/1/2010 8.26",
    "12/1/2010 8:2a",
    "a2/1/2010 8:26",
    "2010-12-1",
    "2010-12-01T",
    "2010-12-01T8:26",
    "2010-12-01t08:26",
    "2010-12-01T08:26:00.Z",
    "2010-12-01T08:26:00,5Z",
    "2010-12-01T08:26:00z",
    "2010-12-01T08:26+1",
    "2010-12-01T08:26+1:00",
    "2010-12-01T08:26+01:0",
    "2010-12-01T08:26+01:",
    "2010-12-01T08:26+010",
    "2010-12-01T08:26:00 Z",
    "2010-12-01Z",
    "2010/12/01",
    "Dec 1, 2010",
    "1e9",
    "1.",
    ".5",
    "-",
    "+",
    "--1",
    "1 ",
    "0x10",
    "NaN",
};

T(other_shapes_are_invalid)
{
    check_refused(NO_DATE, countof(NO_DATE), ERR_INVALID);
    int64_t ms = UNTOUCHED;
    eq_err(when_parse((struct str){NULL, 0}, &MDY, &ms), ERR_INVALID);
    eq_err(when_parse((struct str){"1\0", 2}, &MDY, &ms), ERR_INVALID);
}

T(years_outside_1900_to_2199_are_over_the_limit)
{
    static const char *const texts[] = {
        "12/31/1899 23:59",
        "1/1/2200 0:00",
        "1/1/0000 0:00",
        "9999-12-31",
        "1899-12-31T23:59:59.999Z",
        "2199-12-31T23:59:59-00:01",
        "1900-01-01T00:00+00:01",
        "7258118400",
        "-2208988800.001",
        "99999999999",
        "99999999999999999999999999999999999999999999999",
        "-999999999999999999999999999",
    };
    check_refused(texts, countof(texts), ERR_LIMIT);
}

/* A copy without a byte to spare: the sanitizer guards its end. */
static char *exactly(const char *text, size_t n)
{
    char *copy = malloc(n ? n : 1);
    if (!copy) {
        fail("out of memory");
    }
    memcpy(copy, text, n);
    return copy;
}

T(a_date_reads_nothing_beyond_its_text)
{
    static const char full[][32] = {"12/11/2010 18:26:59", "1/1/10 8:26:07",
                                    "2010-12-01T08:26:07.123+05:30", "-1291191960.5"};
    for (size_t i = 0; i < countof(full); i++) {
        for (size_t n = 1; n <= strlen(full[i]); n++) {
            char *exact = exactly(full[i], n);
            int64_t a = UNTOUCHED, b = UNTOUCHED;
            enum err e = when_parse((struct str){exact, n}, &MDY, &a);
            eq_err(when_parse((struct str){full[i], n}, &MDY, &b), e);
            eq_int(a, b);
            free(exact);
        }
    }
}

/* The four spellings of one time: hour and date padded or not. */
static int spell(int which, const int v[5], char *out, size_t size)
{
    switch (which) {
    case 0:
        return snprintf(out, size, "%d/%d/%d %d:%02d", v[0], v[1], v[2], v[3], v[4]);
    case 1:
        return snprintf(out, size, "%02d/%d/%d %02d:%02d", v[0], v[1], v[2], v[3], v[4]);
    case 2:
        return snprintf(out, size, "%d/%02d/%02d %d:%02d", v[0], v[1], v[2] % 100, v[3], v[4]);
    default:
        return snprintf(out, size, "%02d/%02d/%d %d:%02d:00", v[0], v[1], v[2], v[3], v[4]);
    }
}

T(the_minutes_of_a_leap_year_are_read_in_every_spelling)
{
    for (int minute = 0; minute < 366 * 1440; minute += 7) {
        int64_t ms = when_days(2012, 1, 1) * WHEN_DAY + minute * WHEN_MINUTE;
        int v[5] = {0, 0, 0, minute % 1440 / 60, minute % 60};
        when_civil(ms / WHEN_DAY, &v[2], &v[0], &v[1]);
        for (int which = 0; which < 4; which++) {
            char text[64];
            int n = spell(which, v, text, sizeof text);
            int64_t got = UNTOUCHED;
            ok_err(when_parse((struct str){text, (size_t)n}, &MDY, &got));
            eq_int(got, ms);
        }
    }
}

T(days_are_counted_one_by_one)
{
    int year = 1599, month = 12, day = 31;
    for (int64_t days = when_days(1600, 1, 1); days <= when_days(2401, 1, 1); days++) {
        int y, m, d;
        when_civil(days, &y, &m, &d);
        bool next_day = y == year && m == month && d == day + 1 && d <= 31;
        bool next_month = y == year && m == month + 1 && d == 1 && day >= 28;
        bool next_year = y == year + 1 && m == 1 && d == 1 && month == 12 && day == 31;
        ok(next_day || next_month || next_year);
        eq_int(when_days(y, m, d), days);
        year = y;
        month = m;
        day = d;
    }
    eq_int(when_days(1970, 1, 1), 0);
    eq_int(when_days(2000, 3, 1), 11017);
    eq_int(when_days(1600, 1, 1), -135140);
    eq_int(when_days(2401, 1, 1) - when_days(2001, 1, 1), 146097);
    eq_int(when_days(0, 3, 1), -719468);
}

T(times_are_written_in_seconds_rounded_down)
{
    static const struct {
        int64_t ms;
        const char *text;
    } cases[] = {
        {0, "1970-01-01T00:00:00Z"},
        {INT64_C(1291191960999), "2010-12-01T08:26:00Z"},
        {-1, "1969-12-31T23:59:59Z"},
        {-WHEN_DAY, "1969-12-31T00:00:00Z"},
        {-WHEN_DAY - 1, "1969-12-30T23:59:59Z"},
        {WHEN_NONE, ""},
        {INT64_C(253402300799999), "9999-12-31T23:59:59Z"},
        {INT64_C(253402300800000), "+10000-01-01T00:00:00Z"},
        {-INT64_C(62167219200001), "-0001-12-31T23:59:59Z"},
        {INT64_MAX, "+292278994-08-17T07:12:55Z"},
        {INT64_MIN + 1, "-292275055-05-16T16:47:04Z"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        char out[WHEN_TEXT] = "unwritten";
        eq_int(when_format(cases[i].ms, out), strlen(cases[i].text));
        eq_str(out, cases[i].text);
    }
}

T(what_is_written_is_read_back)
{
    uint64_t state = seed();
    const int64_t first = when_days(1900, 1, 1) * 86400;
    const uint64_t span = (uint64_t)(when_days(2200, 1, 1) * 86400 - first);
    for (int i = 0; i < 100000; i++) {
        int64_t ms = (first + (int64_t)rnd_below(&state, span)) * WHEN_SECOND;
        char out[WHEN_TEXT];
        int64_t back = UNTOUCHED;
        size_t n = when_format(ms, out);
        eq_int(n, 20);
        ok_err(when_parse((struct str){out, n}, &MDY, &back));
        eq_int(back, ms);
    }
}

T(durations_have_a_number_and_a_unit)
{
    static const struct {
        const char *text;
        int64_t ms, months;
    } cases[] = {
        {"50ms", 50, 0},
        {"90s", 90000, 0},
        {"5m", 300000, 0},
        {"24h", WHEN_DAY, 0},
        {"7d", 7 * WHEN_DAY, 0},
        {"1w", 7 * WHEN_DAY, 0},
        {"1mo", 0, 1},
        {"12mo", 0, 12},
        {"0s", 0, 0},
        {"007d", 7 * WHEN_DAY, 0},
        {"9223372036854775807ms", INT64_MAX, 0},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        int64_t ms = UNTOUCHED, months = UNTOUCHED;
        ok_err(when_duration(str_of(cases[i].text), &ms, &months));
        eq_int(ms, cases[i].ms);
        eq_int(months, cases[i].months);
    }
}

T(other_durations_are_invalid)
{
    static const char *const texts[] = {
        "",
        "5",
        "m",
        "-5m",
        "+5m",
        "5 m",
        "5min",
        "1.5h",
        "5M",
        "1h30m",
        "5mo ",
        "5y",
        "5us",
        " 5m",
        "9223372036854775808ms",
        "9223372036854776s",
        "106751991168d",
        "99999999999999999999mo",
    };
    for (size_t i = 0; i < countof(texts); i++) {
        int64_t ms = UNTOUCHED, months = UNTOUCHED;
        eq_err(when_duration(str_of(texts[i]), &ms, &months), ERR_INVALID);
        eq_int(ms, UNTOUCHED);
        eq_int(months, UNTOUCHED);
    }
    int64_t ms = UNTOUCHED;
    eq_err(when_duration(STR("1mo"), &ms, NULL), ERR_INVALID);
    eq_err(when_duration((struct str){NULL, 0}, &ms, NULL), ERR_INVALID);
    eq_int(ms, UNTOUCHED);
    ok_err(when_duration(STR("1m"), &ms, NULL));
    eq_int(ms, WHEN_MINUTE);
}

T(durations_are_written_as_short_as_they_can_be)
{
    static const struct {
        int64_t ms;
        const char *text;
    } cases[] = {
        {0, "0s"},
        {1, "1ms"},
        {1500, "1500ms"},
        {90 * WHEN_SECOND, "90s"},
        {5 * WHEN_MINUTE, "5m"},
        {90 * WHEN_MINUTE, "90m"},
        {WHEN_HOUR, "1h"},
        {25 * WHEN_HOUR, "25h"},
        {WHEN_DAY, "1d"},
        {7 * WHEN_DAY, "7d"}, /* not 1w, which is no shorter */
        {8 * WHEN_DAY, "8d"},
        {14 * WHEN_DAY, "2w"},
        {70 * WHEN_DAY, "70d"},
        {INT64_MAX, "9223372036854775807ms"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        char out[WHEN_TEXT];
        eq_int(when_duration_format(cases[i].ms, out), strlen(cases[i].text));
        eq_str(out, cases[i].text);
    }
}
