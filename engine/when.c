/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * when: dates and durations in and out.
 *
 * The idea: a date is read left to right by a cursor that takes digits and separators, into
 * fields; one function checks the fields and counts them up. Which of the three shapes a text
 * has is seen from where its first separator stands:
 *
 *     12/1/2010 8:26          '/' at 1 or 2
 *     2010-12-01T08:26:00Z    '-' at 4
 *     1291191960              neither: epoch
 *
 * Days are counted in the proleptic Gregorian calendar in years that begin in March, so that
 * the leap day is the last one and month lengths follow (153 * m + 2) / 5, after Howard
 * Hinnant, "chrono-compatible low-level date algorithms".
 *
 * Invariants:
 * 1. An accepted time lies in the years 1900 to 2199 both as written and in UTC, so
 *    when_format writes it with four digits and when_parse reads it back.
 * 2. scan_common accepts nothing that scan_slashed does not, with the same fields.
 * 3. A time finer than a millisecond is rounded down, as when_format rounds to the second.
 */
#include "engine/when.h"

#include <assert.h>

#define YEAR_FIRST 1900
#define YEAR_LAST 2199
#define TIME_FIRST (-INT64_C(2208988800000)) /* 1900-01-01 */
#define TIME_END INT64_C(7258118400000)      /* 2200-01-01 */

#define ERA_DAYS 146097  /* of 400 years */
#define ERA_SHIFT 719468 /* days from 0000-03-01 to 1970-01-01 */

int64_t when_days(int year, int month, int day)
{
    int64_t y = (int64_t)year - (month <= 2);
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    unsigned of_era = (unsigned)(y - era * 400);
    unsigned since_march = (unsigned)(month > 2 ? month - 3 : month + 9);
    unsigned of_year = (153 * since_march + 2) / 5 + (unsigned)day - 1;
    unsigned days = of_era * 365 + of_era / 4 - of_era / 100 + of_year;
    return era * ERA_DAYS + (int64_t)days - ERA_SHIFT;
}

void when_civil(int64_t days, int *year, int *month, int *day)
{
    int64_t shifted = days + ERA_SHIFT;
    int64_t era = (shifted >= 0 ? shifted : shifted - (ERA_DAYS - 1)) / ERA_DAYS;
    unsigned of_era = (unsigned)(shifted - era * ERA_DAYS);
    unsigned y = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    unsigned of_year = of_era - (365 * y + y / 4 - y / 100);
    unsigned since_march = (5 * of_year + 2) / 153;
    *day = (int)(of_year - (153 * since_march + 2) / 5 + 1);
    *month = (int)(since_march < 10 ? since_march + 3 : since_march - 9);
    *year = (int)((int64_t)y + era * 400 + (*month <= 2));
}

struct cursor {
    const char *p, *end;
};

/* A date as written. */
struct written {
    int year, month, day;
    int hour, minute, second, milli;
    bool zoned;       /* says its distance from UTC itself */
    int zone_minutes; /* east of UTC */
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool at_end(const struct cursor *c)
{
    return c->p == c->end;
}

static bool take_char(struct cursor *c, char wanted)
{
    if (c->p == c->end || *c->p != wanted) {
        return false;
    }
    c->p++;
    return true;
}

/* One or two digits. */
static bool take_short(struct cursor *c, int *v)
{
    if (c->p == c->end || !is_digit(*c->p)) {
        return false;
    }
    *v = *c->p++ - '0';
    if (c->p < c->end && is_digit(*c->p)) {
        *v = *v * 10 + (*c->p++ - '0');
    }
    return true;
}

/* Exactly two digits. */
static bool take_two(struct cursor *c, int *v)
{
    if (c->end - c->p < 2 || !is_digit(c->p[0]) || !is_digit(c->p[1])) {
        return false;
    }
    *v = (c->p[0] - '0') * 10 + (c->p[1] - '0');
    c->p += 2;
    return true;
}

/* Exactly four digits. */
static bool take_four(struct cursor *c, int *v)
{
    int high, low;
    if (!take_two(c, &high) || !take_two(c, &low)) {
        return false;
    }
    *v = high * 100 + low;
    return true;
}

/* Digits behind a point, the first three as thousandths; *rest tells whether a later one is
 * not 0. */
static bool take_fraction(struct cursor *c, int *milli, bool *rest)
{
    const char *start = c->p;
    int weight = 100;
    *milli = 0;
    *rest = false;
    for (; c->p < c->end && is_digit(*c->p); c->p++) {
        *milli += weight * (*c->p - '0');
        *rest = *rest || (weight == 0 && *c->p != '0');
        weight /= 10;
    }
    return c->p > start;
}

static int month_days(int year, int month)
{
    static const unsigned char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

static bool written_ok(const struct written *w)
{
    if (w->month < 1 || w->month > 12) {
        return false;
    }
    bool day_ok = w->day >= 1 && (w->day <= 28 || w->day <= month_days(w->year, w->month));
    return day_ok && w->hour <= 23 && w->minute <= 59 && w->second <= 59;
}

static enum err written_count(const struct written *w, const struct when_rules *rules, int64_t *ms)
{
    if (!written_ok(w)) {
        return ERR_INVALID;
    }
    if (w->year < YEAR_FIRST || w->year > YEAR_LAST) {
        return ERR_LIMIT;
    }
    int seconds = (w->hour * 60 + w->minute) * 60 + w->second;
    int64_t t = when_days(w->year, w->month, w->day) * WHEN_DAY + seconds * WHEN_SECOND + w->milli;
    if (w->zoned) {
        t -= w->zone_minutes * WHEN_MINUTE;
    } else if (rules->zone) {
        t = zone_to_utc(rules->zone, t);
    }
    if (t < TIME_FIRST || t >= TIME_END) {
        return ERR_LIMIT;
    }
    *ms = t;
    return ERR_OK;
}

/* M/D/YYYY or D/M/YYYY, then nothing or " H:MM[:SS]". */
static bool scan_slashed(struct cursor *c, enum when_order order, struct written *w)
{
    int *first = order == WHEN_MDY ? &w->month : &w->day;
    int *second = order == WHEN_MDY ? &w->day : &w->month;
    if (!take_short(c, first) || !take_char(c, '/') || !take_short(c, second) ||
        !take_char(c, '/') || !take_two(c, &w->year)) {
        return false;
    }
    int low;
    w->year = take_two(c, &low) ? w->year * 100 + low : w->year + 2000;
    if (at_end(c)) {
        return true;
    }
    if (!take_char(c, ' ') || !take_short(c, &w->hour) || !take_char(c, ':') ||
        !take_two(c, &w->minute)) {
        return false;
    }
    return at_end(c) || (take_char(c, ':') && take_two(c, &w->second) && at_end(c));
}

/* Z, +HH, +HHMM or +HH:MM, up to the end. */
static bool scan_zone(struct cursor *c, struct written *w)
{
    w->zoned = true;
    if (take_char(c, 'Z')) {
        return at_end(c);
    }
    bool west = take_char(c, '-');
    int hours, minutes = 0;
    if ((!west && !take_char(c, '+')) || !take_two(c, &hours)) {
        return false;
    }
    if (!at_end(c)) {
        take_char(c, ':');
        if (!take_two(c, &minutes)) {
            return false;
        }
    }
    w->zone_minutes = (hours * 60 + minutes) * (west ? -1 : 1);
    return at_end(c) && hours <= 23 && minutes <= 59;
}

/* YYYY-MM-DD, then nothing or "[ T]HH:MM[:SS[.fff]]" and a zone or none. */
static bool scan_iso(struct cursor *c, struct written *w)
{
    if (!take_four(c, &w->year) || !take_char(c, '-') || !take_two(c, &w->month) ||
        !take_char(c, '-') || !take_two(c, &w->day)) {
        return false;
    }
    if (at_end(c)) {
        return true;
    }
    if ((!take_char(c, 'T') && !take_char(c, ' ')) || !take_two(c, &w->hour) ||
        !take_char(c, ':') || !take_two(c, &w->minute)) {
        return false;
    }
    if (take_char(c, ':')) {
        bool rest;
        if (!take_two(c, &w->second) ||
            (take_char(c, '.') && !take_fraction(c, &w->milli, &rest))) {
            return false;
        }
    }
    return at_end(c) || scan_zone(c, w);
}

/* Epoch seconds or, from 12 digits on, milliseconds; a fraction either way. */
static enum err parse_epoch(struct cursor *c, int64_t *ms)
{
    const int64_t plenty = INT64_C(100000000000000); /* ms: beyond every accepted year */
    bool negative = take_char(c, '-');
    if (!negative) {
        take_char(c, '+');
    }
    const char *start = c->p;
    int64_t v = 0;
    for (; c->p < c->end && is_digit(*c->p); c->p++) {
        v = v < plenty ? v * 10 + (*c->p - '0') : v;
    }
    bool in_ms = c->p - start >= 12;
    bool point = c->p > start && take_char(c, '.');
    int milli = 0;
    bool rest = false;
    if (c->p == start || (point && !take_fraction(c, &milli, &rest)) || !at_end(c)) {
        return ERR_INVALID;
    }
    rest = rest || (in_ms && milli);
    int64_t t = in_ms ? v : v * 1000 + milli;
    t = negative ? -t - rest : t;
    if (t < TIME_FIRST || t >= TIME_END) {
        return ERR_LIMIT;
    }
    *ms = t;
    return ERR_OK;
}

/* One digit at a or two from a to b; sets *bad where one is none. */
static int short_at(const char *p, size_t a, size_t b, unsigned *bad)
{
    unsigned high = (unsigned)(p[a] - '0'), low = (unsigned)(p[b] - '0');
    *bad |= (high > 9) | (low > 9);
    return (int)(a == b ? low : high * 10 + low);
}

/* The shape of nearly every record, "12/1/2010 8:26" with one or two digits where they may
 * be, read by position from both ends without a loop. False where the text is anything else;
 * the cursor then has the last word. */
static bool scan_common(struct str text, enum when_order order, struct written *w)
{
    const char *p = text.p;
    size_t n = text.n;
    if (n < 13 || n > 16 || p[n - 3] != ':') {
        return false;
    }
    size_t slash = p[1] == '/' ? 1 : 2;
    size_t space = p[n - 5] == ' ' ? n - 5 : n - 6;
    size_t slash2 = space - 5;
    size_t second = slash + 1;
    if (p[slash] != '/' || p[slash2] != '/' || p[space] != ' ' || slash2 <= second ||
        slash2 - second > 2) {
        return false;
    }
    unsigned bad = 0;
    int a = short_at(p, 0, slash - 1, &bad);
    int b = short_at(p, second, slash2 - 1, &bad);
    int century = short_at(p, slash2 + 1, slash2 + 2, &bad);
    w->year = century * 100 + short_at(p, slash2 + 3, slash2 + 4, &bad);
    w->hour = short_at(p, space + 1, n - 4, &bad);
    w->minute = short_at(p, n - 2, n - 1, &bad);
    w->month = order == WHEN_MDY ? a : b;
    w->day = order == WHEN_MDY ? b : a;
    return !bad;
}

enum err when_parse(struct str text, const struct when_rules *rules, int64_t *ms)
{
    if (text.n == 0) {
        return ERR_INVALID;
    }
    struct written w = {0};
    if (scan_common(text, rules->order, &w)) {
        return written_count(&w, rules, ms);
    }
    struct cursor c = {text.p, text.p + text.n};
    w = (struct written){0};
    if (text.n >= 6 && (text.p[1] == '/' || text.p[2] == '/')) {
        return scan_slashed(&c, rules->order, &w) ? written_count(&w, rules, ms) : ERR_INVALID;
    }
    if (text.n >= 10 && text.p[4] == '-') {
        return scan_iso(&c, &w) ? written_count(&w, rules, ms) : ERR_INVALID;
    }
    return parse_epoch(&c, ms);
}

static char *put_two(char *out, unsigned v)
{
    out[0] = (char)('0' + v / 10);
    out[1] = (char)('0' + v % 10);
    return out + 2;
}

/* Digits of v, at least `least` of them. */
static char *put_number(char *out, uint64_t v, size_t least)
{
    char reversed[20];
    size_t n = 0;
    for (; v || n < least; v /= 10) {
        reversed[n++] = (char)('0' + v % 10);
    }
    while (n) {
        *out++ = reversed[--n];
    }
    return out;
}

static char *put_year(char *out, int year)
{
    if (year >= 0 && year <= 9999) {
        return put_two(put_two(out, (unsigned)year / 100), (unsigned)year % 100);
    }
    /* Such years come from no record, only from arithmetic: ISO 8601 wants a sign. */
    *out++ = year < 0 ? '-' : '+';
    return put_number(out, (uint64_t)(year < 0 ? -(int64_t)year : year), 4);
}

size_t when_format(int64_t ms, char *out)
{
    if (ms == WHEN_NONE) {
        *out = '\0';
        return 0;
    }
    int64_t days = ms / WHEN_DAY, rest = ms % WHEN_DAY;
    if (rest < 0) {
        days--;
        rest += WHEN_DAY;
    }
    unsigned second = (unsigned)(rest / WHEN_SECOND);
    int year, month, day;
    when_civil(days, &year, &month, &day);
    char *p = put_year(out, year);
    *p++ = '-';
    p = put_two(p, (unsigned)month);
    *p++ = '-';
    p = put_two(p, (unsigned)day);
    *p++ = 'T';
    p = put_two(p, second / 3600);
    *p++ = ':';
    p = put_two(p, second / 60 % 60);
    *p++ = ':';
    p = put_two(p, second % 60);
    *p++ = 'Z';
    *p = '\0';
    return (size_t)(p - out);
}

/* Units of durations, the largest first. */
static const struct unit {
    const char *name;
    int64_t ms;
} UNITS[] = {
    {"w", 7 * WHEN_DAY}, {"d", WHEN_DAY},    {"h", WHEN_HOUR},
    {"m", WHEN_MINUTE},  {"s", WHEN_SECOND}, {"ms", 1},
};

static enum err duration_set(struct str unit, int64_t v, int64_t *ms, int64_t *months)
{
    if (months && str_eq(unit, STR("mo"))) {
        *months = v;
        *ms = 0;
        return ERR_OK;
    }
    for (size_t i = 0; i < countof(UNITS); i++) {
        int64_t product;
        if (!str_eq(unit, str_of(UNITS[i].name))) {
            continue;
        }
        if (__builtin_mul_overflow(v, UNITS[i].ms, &product)) {
            return ERR_INVALID;
        }
        *ms = product;
        if (months) {
            *months = 0;
        }
        return ERR_OK;
    }
    return ERR_INVALID;
}

enum err when_duration(struct str text, int64_t *ms, int64_t *months)
{
    int64_t v = 0;
    size_t n = 0;
    for (; n < text.n && is_digit(text.p[n]); n++) {
        int digit = text.p[n] - '0';
        if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, digit, &v)) {
            return ERR_INVALID;
        }
    }
    if (n == 0) {
        return ERR_INVALID;
    }
    return duration_set((struct str){text.p + n, text.n - n}, v, ms, months);
}

static size_t duration_put(int64_t count, const char *unit, char *out)
{
    char *p = put_number(out, (uint64_t)count, 1);
    size_t n = strlen(unit);
    memcpy(p, unit, n + 1);
    return (size_t)(p - out) + n;
}

size_t when_duration_format(int64_t ms, char *out)
{
    assert(ms >= 0);
    if (ms == 0) {
        return duration_put(0, "s", out);
    }
    size_t i = 0;
    while (ms % UNITS[i].ms != 0) {
        i++; /* ends at "ms" */
    }
    size_t length = duration_put(ms / UNITS[i].ms, UNITS[i].name, out);
    if (i > 0) {
        return length;
    }
    /* Weeks only where they are shorter: "7d", but "2w". */
    char days[WHEN_TEXT];
    size_t other = duration_put(ms / WHEN_DAY, "d", days);
    if (other > length) {
        return length;
    }
    memcpy(out, days, other + 1);
    return other;
}
