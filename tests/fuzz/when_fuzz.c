/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * when_fuzz: any bytes as a date and as a duration, against second implementations that are
 * plain on purpose: regular expressions decide what a date is, and days are counted by
 * walking the years and months from 1970.
 *
 * The first 8 bytes, where there are as many, are also taken as a time and as a duration:
 * what is formatted must be read back as the same.
 */
#include "engine/when.h"

#include <regex.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define TEXT_MAX 200 /* longer input is only parsed, not compared */
#define GROUPS 16

enum pattern { SLASHED, ISO, EPOCH, DURATION, PATTERNS };

static const char *const PATTERN[PATTERNS] = {
    [SLASHED] = "^([0-9]{1,2})/([0-9]{1,2})/([0-9]{2}|[0-9]{4})"
                "( ([0-9]{1,2}):([0-9]{2})(:([0-9]{2}))?)?$",
    [ISO] = "^([0-9]{4})-([0-9]{2})-([0-9]{2})"
            "([ T]([0-9]{2}):([0-9]{2})(:([0-9]{2})([.]([0-9]+))?)?"
            "(Z|([+-])([0-9]{2})(:?([0-9]{2}))?)?)?$",
    [EPOCH] = "^([+-]?)([0-9]+)([.]([0-9]+))?$",
    [DURATION] = "^([0-9]+)(ms|s|m|h|d|w|mo)$",
};

static void demand(bool holds, const char *what, const char *text)
{
    if (!holds) {
        (void)fprintf(stderr, "%s: \"%s\"\n", what, text);
        abort();
    }
}

/* A text and the groups of a pattern in it. */
struct match {
    const char *text;
    regmatch_t group[GROUPS];
};

static bool matches(struct match *m, enum pattern pattern, const char *text)
{
    static regex_t regex[PATTERNS]; /* compiled at first use, kept until the fuzzer ends */
    static bool ready[PATTERNS];
    if (!ready[pattern]) {
        demand(regcomp(&regex[pattern], PATTERN[pattern], REG_EXTENDED) == 0, "regcomp", "");
        ready[pattern] = true;
    }
    m->text = text;
    return regexec(&regex[pattern], text, GROUPS, m->group, 0) == 0;
}

/* Group i into `out`; "" if it took no part. */
static const char *group(const struct match *m, int i, char out[TEXT_MAX + 1])
{
    size_t n = m->group[i].rm_so < 0 ? 0 : (size_t)(m->group[i].rm_eo - m->group[i].rm_so);
    if (n) {
        memcpy(out, m->text + m->group[i].rm_so, n);
    }
    out[n] = '\0';
    return out;
}

static int number(const struct match *m, int i)
{
    char digits[TEXT_MAX + 1];
    return (int)strtol(group(m, i, digits), NULL, 10); /* four digits at most */
}

/* The first three digits of a fraction; *rest: is there anything behind them? */
static int thousandths(const struct match *m, int i, bool *rest)
{
    char digits[TEXT_MAX + 1];
    group(m, i, digits);
    char three[4] = "000";
    size_t n = strlen(digits);
    memcpy(three, digits, n < 3 ? n : 3);
    *rest = n > 3 && strspn(digits + 3, "0") < n - 3;
    return (int)strtol(three, NULL, 10);
}

static bool leap(int year)
{
    return year % 400 == 0 || (year % 4 == 0 && year % 100 != 0);
}

static int month_length(int year, int month)
{
    bool short_month = month == 4 || month == 6 || month == 9 || month == 11;
    int february = leap(year) ? 29 : 28;
    return month == 2 ? february : 31 - short_month;
}

static int64_t walk_days(int year, int month, int day)
{
    int64_t days = day - 1;
    for (int y = 1970; y < year; y++) {
        days += leap(y) ? 366 : 365;
    }
    for (int y = year; y < 1970; y++) {
        days -= leap(y) ? 366 : 365;
    }
    for (int m = 1; m < month; m++) {
        days += month_length(year, m);
    }
    return days;
}

static enum err in_range(int64_t t, int64_t *ms)
{
    if (t < walk_days(1900, 1, 1) * WHEN_DAY || t >= walk_days(2200, 1, 1) * WHEN_DAY) {
        return ERR_LIMIT;
    }
    *ms = t;
    return ERR_OK;
}

/* year, month, day, hour, minute, second */
static enum err count_up(const int f[6], int64_t plus_ms, int64_t *ms)
{
    bool good = f[1] >= 1 && f[1] <= 12 && f[2] >= 1 && f[2] <= month_length(f[0], f[1]) &&
                f[3] < 24 && f[4] < 60 && f[5] < 60;
    if (!good) {
        return ERR_INVALID;
    }
    if (f[0] < 1900 || f[0] >= 2200) {
        return ERR_LIMIT;
    }
    int64_t t = walk_days(f[0], f[1], f[2]) * WHEN_DAY;
    t += f[3] * WHEN_HOUR + f[4] * WHEN_MINUTE + f[5] * WHEN_SECOND;
    return in_range(t + plus_ms, ms);
}

static enum err slow_slashed(const struct match *m, enum when_order order, int64_t *ms)
{
    int a = number(m, 1), b = number(m, 2), year = number(m, 3);
    year += m->group[3].rm_eo - m->group[3].rm_so == 2 ? 2000 : 0;
    int month = order == WHEN_MDY ? a : b, day = order == WHEN_MDY ? b : a;
    const int f[6] = {year, month, day, number(m, 5), number(m, 6), number(m, 8)};
    return count_up(f, 0, ms);
}

static enum err slow_iso(const struct match *m, int64_t *ms)
{
    bool rest;
    char sign[TEXT_MAX + 1];
    int hours = number(m, 13), minutes = number(m, 15);
    if (hours > 23 || minutes > 59) {
        return ERR_INVALID;
    }
    int64_t east = hours * WHEN_HOUR + minutes * WHEN_MINUTE;
    east = strcmp(group(m, 12, sign), "-") == 0 ? -east : east;
    const int f[6] = {number(m, 1), number(m, 2), number(m, 3),
                      number(m, 5), number(m, 6), number(m, 8)};
    return count_up(f, thousandths(m, 10, &rest) - east, ms);
}

static enum err slow_epoch(const struct match *m, int64_t *ms)
{
    char digits[TEXT_MAX + 1], sign[TEXT_MAX + 1];
    group(m, 2, digits);
    bool rest;
    int milli = thousandths(m, 4, &rest);
    bool in_ms = strlen(digits) >= 12;
    if (strlen(digits + strspn(digits, "0")) > 16) {
        return ERR_LIMIT;
    }
    int64_t v = strtoll(digits, NULL, 10);
    int64_t t = in_ms ? v : v * 1000 + milli;
    bool finer = rest || (in_ms && milli);
    bool negative = strcmp(group(m, 1, sign), "-") == 0;
    return in_range(negative ? -t - finer : t, ms);
}

static enum err slow_parse(const char *text, enum when_order order, int64_t *ms)
{
    struct match m;
    if (matches(&m, SLASHED, text)) {
        return slow_slashed(&m, order, ms);
    }
    if (matches(&m, ISO, text)) {
        return slow_iso(&m, ms);
    }
    return matches(&m, EPOCH, text) ? slow_epoch(&m, ms) : ERR_INVALID;
}

static uint64_t unit_ms(const char *unit)
{
    static const char *const names[] = {"s", "m", "h", "d", "w"};
    static const uint64_t ms[] = {1000, 60000, 3600000, 86400000, 604800000};
    for (size_t i = 0; i < countof(names); i++) {
        if (strcmp(names[i], unit) == 0) {
            return ms[i];
        }
    }
    return 1; /* ms, and months, which are counted */
}

static enum err slow_duration(const char *text, int64_t *ms, int64_t *months)
{
    struct match m;
    if (!matches(&m, DURATION, text)) {
        return ERR_INVALID;
    }
    char digits[TEXT_MAX + 1], unit[TEXT_MAX + 1];
    group(&m, 1, digits);
    group(&m, 2, unit);
    const char *significant = digits + strspn(digits, "0");
    if (strlen(significant) > 19) {
        return ERR_INVALID;
    }
    uint64_t v = strtoull(significant, NULL, 10); /* "" is 0 */
    bool calendar = strcmp(unit, "mo") == 0;
    uint64_t each = unit_ms(unit);
    if (v > INT64_MAX / each) {
        return ERR_INVALID;
    }
    *ms = calendar ? 0 : (int64_t)(v * each);
    *months = calendar ? (int64_t)v : 0;
    return ERR_OK;
}

static void check_date(const char *text, size_t n, enum when_order order)
{
    const int64_t untouched = 0x5a5a5a5a5a;
    const struct when_rules rules = {.order = order};
    int64_t ms = untouched, slow_ms = untouched;
    enum err e = when_parse((struct str){text, n}, &rules, &ms);
    demand(!e || ms == untouched, "when_parse touched its result", text);
    if (n > TEXT_MAX) {
        return;
    }
    enum err slow = slow_parse(strlen(text) == n ? text : "", order, &slow_ms);
    demand(e == slow, "when_parse says otherwise", text);
    demand(ms == slow_ms, "when_parse gives another time", text);
}

static void check_duration(const char *text, size_t n)
{
    int64_t ms = 5, months = 6, slow_ms = 5, slow_months = 6, alone = 5;
    struct str s = {text, n};
    enum err e = when_duration(s, &ms, &months);
    enum err e_alone = when_duration(s, &alone, NULL);
    if (n > TEXT_MAX) {
        return;
    }
    enum err slow = slow_duration(strlen(text) == n ? text : "", &slow_ms, &slow_months);
    demand(e == slow, "when_duration says otherwise", text);
    demand(ms == slow_ms && months == slow_months, "when_duration gives another one", text);
    bool refused = e || months || (n > 2 && text[n - 1] == 'o');
    demand(e_alone == (refused ? ERR_INVALID : ERR_OK), "months refused", text);
    demand(alone == (refused ? 5 : ms), "the same without months", text);
}

static void check_time_format(int64_t any)
{
    const int64_t first = walk_days(1900, 1, 1) * WHEN_DAY;
    const int64_t end = walk_days(2200, 1, 1) * WHEN_DAY;
    const struct when_rules rules = {.order = WHEN_DMY};
    int64_t ms = first + (int64_t)((uint64_t)any % (uint64_t)(end - first));
    int64_t back;
    char out[WHEN_TEXT];
    size_t n = when_format(ms, out);
    demand(n == 20 && strlen(out) == n, "length of a time", out);
    demand(!when_parse((struct str){out, n}, &rules, &back), "a formatted time is read", out);
    demand(back <= ms && ms - back < WHEN_SECOND && back % WHEN_SECOND == 0,
           "rounded down to the second", out);
    n = when_format(any, out); /* a time of no record: it must fit all the same */
    demand(n < sizeof out && strlen(out) == n, "length of any time", out);
}

static void check_duration_format(int64_t any)
{
    int64_t ms = any & INT64_MAX, back;
    char out[WHEN_TEXT];
    size_t n = when_duration_format(ms, out);
    demand(n < sizeof out && strlen(out) == n, "length of a duration", out);
    demand(!when_duration((struct str){out, n}, &back, NULL), "a duration is read", out);
    demand(back == ms, "format, then read", out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    char *text = malloc(n + 1);
    demand(text, "out of memory", "");
    if (n) {
        memcpy(text, data, n);
    }
    text[n] = '\0';
    check_date(text, n, WHEN_MDY);
    check_date(text, n, WHEN_DMY);
    check_duration(text, n);
    if (n >= sizeof(int64_t)) {
        int64_t any;
        memcpy(&any, data, sizeof any);
        check_time_format(any);
        check_duration_format(any);
        check_duration_format(any % 100000 * WHEN_SECOND);
        check_duration_format(any % 1000 * WHEN_DAY);
    }
    free(text);
    return 0;
}
