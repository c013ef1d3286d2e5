/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * zone: IANA time zones from the system's TZif files (RFC 8536).
 *
 * The idea: a zone is a sorted list of steps, instants at which the distance from UTC
 * changes. A file holds a table of them and, from version 2 on, a rule in the form of POSIX
 * TZ ("GMT0BST,M3.5.0/1,M10.5.0") for all later years. The rule is unrolled into further
 * steps up to the last year when.h accepts, so a look-up knows only one thing: steps.
 *
 *     offset[0]  utc[0]  offset[1]  utc[1]  offset[2]  ...  offset[n]
 *
 * The wall clock runs through segment i until local[i] = utc[i] + max(offset[i],
 * offset[i+1]). Clocks put back: an ambiguous time still belongs to the segment before, the
 * first of the two. Clocks put forward: a missing time is read with the offset before, which
 * moves it forward by the length of the gap. Both fall out of the one maximum.
 *
 * A look-up is on the path of every record. The accepted years are cut into buckets of 2^31
 * ms (24.8 days) that say where their steps begin; most hold none and need no search. The
 * zone never changes after it was opened, so threads may share it.
 *
 * Invariants:
 * 1. utc and local ascend (not strictly); a file whose table does not is damaged.
 * 2. |offset| < 26 h and steps lie in 1800 to 2300, so no sum of times overflows.
 * 3. Steps in bucket b are start[b] to start[b + 1] - 1.
 * 4. No byte outside the file's text is read: every block's size is checked before it is.
 */
#include "engine/when.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define FILE_MAX_BYTES 262144
#define STEPS_MAX 2048
#define HEADER_BYTES 44
#define TYPE_BYTES 6

#define YEAR_FIRST 1900
#define YEAR_LAST 2200 /* one more than accepted: a local time may reach into it */
#define STEP_FIRST_S (-INT64_C(5364662400)) /* 1800-01-01 */
#define STEP_LAST_S INT64_C(10413792000)    /* 2300-01-01 */
#define OFFSET_LEAST_S (-89999)             /* RFC 8536, 3.2: -24:59:59 to 25:59:59 */
#define OFFSET_MOST_S 93599

#define BUCKETS_BEGIN (-INT64_C(2208988800000)) /* 1900-01-01 */
#define BUCKET_SHIFT 31
#define BUCKETS 4409 /* until 2200 */

struct steps {
    int64_t at[STEPS_MAX];
    uint16_t start[BUCKETS + 1];
};

struct zone {
    size_t n;
    struct steps utc, local;
    int64_t offset[STEPS_MAX + 1]; /* ms east of UTC */
};

/* A day of the year on which a rule changes the clock. */
enum day_kind { DAY_OF_MONTH, DAY_JULIAN, DAY_ZERO };

struct rule_day {
    enum day_kind kind;
    int month, week, day; /* M: all; J and n: day alone */
    int64_t time_s;       /* since local midnight; may be negative or beyond the day */
};

struct rule {
    int64_t std_s, dst_s; /* east of UTC */
    bool has_dst;
    struct rule_day to_dst, to_std;
};

/* Bytes left to read. */
struct cursor {
    const unsigned char *p, *end;
};

/* One of the two data blocks of a file. */
struct block {
    uint32_t n_times, n_types;
    size_t time_bytes; /* 4 or 8 */
    bool leaps;
    const unsigned char *times, *indexes, *types;
};

/* ---- the rule ---- */

static bool is_digit(int c)
{
    return c >= '0' && c <= '9';
}

static int peek(const struct cursor *c)
{
    return c->p < c->end ? *c->p : -1;
}

static bool take_char(struct cursor *c, int wanted)
{
    if (peek(c) != wanted) {
        return false;
    }
    c->p++;
    return true;
}

/* A number from least to most, of at most three digits. */
static bool take_number(struct cursor *c, int least, int most, int *v)
{
    int digits = 0;
    *v = 0;
    for (; digits < 3 && is_digit(peek(c)); digits++) {
        *v = *v * 10 + (*c->p++ - '0');
    }
    return digits > 0 && *v >= least && *v <= most;
}

/* [+-]hh[:mm[:ss]] */
static bool take_time(struct cursor *c, int hours_max, int64_t *seconds)
{
    bool negative = take_char(c, '-');
    if (!negative) {
        take_char(c, '+');
    }
    int h, m = 0, s = 0;
    bool good = take_number(c, 0, hours_max, &h);
    if (good && take_char(c, ':')) {
        good = take_number(c, 0, 59, &m);
        if (good && take_char(c, ':')) {
            good = take_number(c, 0, 59, &s);
        }
    }
    int64_t total = h * INT64_C(3600) + m * INT64_C(60) + s;
    *seconds = negative ? -total : total;
    return good;
}

/* Three letters or more, or anything in <>. */
static bool take_name(struct cursor *c)
{
    if (take_char(c, '<')) {
        while (c->p < c->end && *c->p != '>') {
            c->p++;
        }
        return take_char(c, '>');
    }
    const unsigned char *start = c->p;
    while (c->p < c->end && ((*c->p | 0x20) >= 'a' && (*c->p | 0x20) <= 'z')) {
        c->p++;
    }
    return c->p - start >= 3;
}

/* ,Mm.w.d[/time] or ,Jn[/time] or ,n[/time] */
static bool take_day(struct cursor *c, struct rule_day *day)
{
    *day = (struct rule_day){.time_s = 7200}; /* 2 o'clock */
    if (!take_char(c, ',')) {
        return false;
    }
    bool good;
    if (take_char(c, 'M')) {
        day->kind = DAY_OF_MONTH;
        good = take_number(c, 1, 12, &day->month) && take_char(c, '.') &&
               take_number(c, 1, 5, &day->week) && take_char(c, '.') &&
               take_number(c, 0, 6, &day->day);
    } else if (take_char(c, 'J')) {
        day->kind = DAY_JULIAN;
        good = take_number(c, 1, 365, &day->day);
    } else {
        day->kind = DAY_ZERO;
        good = take_number(c, 0, 365, &day->day);
    }
    return good && (!take_char(c, '/') || take_time(c, 167, &day->time_s));
}

static bool rule_parse(struct cursor *c, struct rule *rule)
{
    *rule = (struct rule){0};
    if (!take_name(c) || !take_time(c, 24, &rule->std_s)) {
        return false;
    }
    rule->std_s = -rule->std_s; /* POSIX counts west */
    if (c->p == c->end) {
        return true;
    }
    rule->has_dst = true;
    if (!take_name(c)) {
        return false;
    }
    rule->dst_s = rule->std_s + 3600;
    if (peek(c) != ',') {
        if (!take_time(c, 24, &rule->dst_s)) {
            return false;
        }
        rule->dst_s = -rule->dst_s;
    }
    return take_day(c, &rule->to_dst) && take_day(c, &rule->to_std) && c->p == c->end;
}

static bool is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* When a rule's day comes in a year: local seconds since 1970. */
static int64_t rule_when(const struct rule_day *r, int year)
{
    int64_t day = when_days(year, 1, 1) + r->day;
    if (r->kind == DAY_JULIAN) {
        day += is_leap(year) && r->day >= 60 ? 0 : -1; /* 29 February is never counted */
    }
    if (r->kind == DAY_OF_MONTH) {
        int64_t first = when_days(year, r->month, 1);
        int64_t next =
            r->month == 12 ? when_days(year + 1, 1, 1) : when_days(year, r->month + 1, 1);
        int64_t weekday = ((first + 4) % 7 + 7) % 7; /* 1970-01-01 was a Thursday */
        day = first + (r->day - weekday + 7) % 7 + INT64_C(7) * (r->week - 1);
        day -= day >= next ? 7 : 0;
    }
    return day * 86400 + r->time_s;
}

/* ---- steps ---- */

/* Adds a step; false when there are too many. Steps that change nothing are left out. */
static bool step_add(struct zone *z, int64_t at_s, int64_t offset_s)
{
    int64_t offset = offset_s * WHEN_SECOND;
    if (at_s < STEP_FIRST_S) {
        z->offset[0] = offset; /* in force before everything we look up */
        return true;
    }
    if (at_s > STEP_LAST_S || offset == z->offset[z->n]) {
        return true;
    }
    if (z->n == STEPS_MAX) {
        return false;
    }
    int64_t at = at_s * WHEN_SECOND;
    int64_t before = z->n ? z->utc.at[z->n - 1] : at;
    z->utc.at[z->n] = at > before ? at : before;
    z->n++;
    z->offset[z->n] = offset;
    return true;
}

/* The two steps of one year, those behind last_s, in the order of time. */
static bool steps_of_year(struct zone *z, const struct rule *rule, int year, int64_t last_s)
{
    int64_t to_dst = rule_when(&rule->to_dst, year) - rule->std_s;
    int64_t to_std = rule_when(&rule->to_std, year) - rule->dst_s;
    bool good = true;
    if (to_std < to_dst && to_std > last_s) {
        good = step_add(z, to_std, rule->std_s);
    }
    if (good && to_dst > last_s) {
        good = step_add(z, to_dst, rule->dst_s);
    }
    if (good && to_std >= to_dst && to_std > last_s) {
        good = step_add(z, to_std, rule->std_s);
    }
    return good;
}

/* Steps of the rule behind the table's last instant. */
static bool steps_unroll(struct zone *z, const struct rule *rule, int64_t last_s)
{
    int year, month, day;
    when_civil(last_s / 86400, &year, &month, &day);
    bool good = true;
    for (year -= 1; good && year <= YEAR_LAST; year++) {
        good = steps_of_year(z, rule, year, last_s);
    }
    return good;
}

static void steps_index(struct steps *steps, size_t n)
{
    size_t i = 0;
    for (int64_t b = 0; b <= BUCKETS; b++) {
        int64_t begin = BUCKETS_BEGIN + (b << BUCKET_SHIFT);
        while (i < n && steps->at[i] < begin) {
            i++;
        }
        steps->start[b] = (uint16_t)i;
    }
}

static void zone_finish(struct zone *z)
{
    int64_t highest = INT64_MIN;
    for (size_t i = 0; i < z->n; i++) {
        int64_t before = z->offset[i], after = z->offset[i + 1];
        int64_t end = z->utc.at[i] + (before > after ? before : after);
        highest = end > highest ? end : highest;
        z->local.at[i] = highest;
    }
    steps_index(&z->utc, z->n);
    steps_index(&z->local, z->n);
}

/* How many steps lie at or before t. */
static size_t steps_passed(const struct steps *steps, size_t n, int64_t t)
{
    size_t low = 0, high = steps->start[0];
    if (t >= BUCKETS_BEGIN) {
        uint64_t b = (uint64_t)(t - BUCKETS_BEGIN) >> BUCKET_SHIFT;
        low = steps->start[b < BUCKETS ? b : BUCKETS];
        high = b < BUCKETS ? steps->start[b + 1] : n;
    }
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (steps->at[middle] <= t) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* ---- the file ---- */

static uint32_t big32(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* Two's complement of `n` (4 or 8) bytes, spelled out: no conversion is left to chance. */
static int64_t big_signed(const unsigned char *p, size_t n)
{
    uint64_t v = 0;
    for (size_t i = 0; i < n; i++) {
        v = v << 8 | p[i];
    }
    uint64_t sign = UINT64_C(1) << (8 * n - 1);
    return v & sign ? -(int64_t)((sign - 1) - (v & (sign - 1))) - 1 : (int64_t)v;
}

/* Takes header and data of one block. */
static bool take_block(struct cursor *c, size_t time_bytes, struct block *b)
{
    const unsigned char *h = c->p;
    if (c->end - c->p < HEADER_BYTES || memcmp(h, "TZif", 4) != 0) {
        return false;
    }
    uint64_t n_utc = big32(h + 20), n_std = big32(h + 24), n_leaps = big32(h + 28);
    uint64_t n_times = big32(h + 32), n_types = big32(h + 36), n_chars = big32(h + 40);
    uint64_t size = n_times * (time_bytes + 1) + n_types * TYPE_BYTES + n_chars +
                    n_leaps * (time_bytes + 4) + n_std + n_utc;
    const unsigned char *data = h + HEADER_BYTES;
    if (size > (uint64_t)(c->end - data)) {
        return false;
    }
    *b = (struct block){.n_times = (uint32_t)n_times,
                        .n_types = (uint32_t)n_types,
                        .time_bytes = time_bytes,
                        .leaps = n_leaps > 0,
                        .times = data,
                        .indexes = data + n_times * time_bytes,
                        .types = data + n_times * (time_bytes + 1)};
    c->p = data + size;
    return true;
}

static bool type_offset(const struct block *b, size_t type, int64_t *offset_s)
{
    if (type >= b->n_types) {
        return false;
    }
    *offset_s = big_signed(b->types + type * TYPE_BYTES, 4);
    return *offset_s >= OFFSET_LEAST_S && *offset_s <= OFFSET_MOST_S;
}

/* The table's steps; *last_s is the instant of its last one. */
static bool load_table(struct zone *z, const struct block *b, int64_t *last_s)
{
    int64_t offset_s;
    if (!type_offset(b, 0, &offset_s)) {
        return false;
    }
    z->offset[0] = offset_s * WHEN_SECOND;
    for (size_t i = 0; i < b->n_times; i++) {
        int64_t at_s = big_signed(b->times + i * b->time_bytes, b->time_bytes);
        bool ascends = i == 0 || at_s > *last_s;
        if (!ascends || !type_offset(b, b->indexes[i], &offset_s) || !step_add(z, at_s, offset_s)) {
            return false;
        }
        *last_s = at_s;
    }
    return true;
}

/* "\n", the rule or nothing, "\n". */
static bool load_footer(struct zone *z, struct cursor *c, bool alone, int64_t last_s)
{
    if (!take_char(c, '\n')) {
        return false;
    }
    struct cursor line = {c->p, c->p};
    while (line.end < c->end && *line.end != '\n') {
        line.end++;
    }
    if (line.end == c->end) {
        return false;
    }
    if (line.p == line.end) {
        return true;
    }
    struct rule rule;
    if (!rule_parse(&line, &rule)) {
        return false;
    }
    if (alone) {
        z->offset[0] = rule.std_s * WHEN_SECOND; /* no table: the rule holds for all times */
    }
    int64_t first = when_days(YEAR_FIRST, 1, 1) * 86400;
    last_s = last_s > first ? last_s : first;
    bool more = rule.has_dst && last_s < STEP_LAST_S;
    return !more || steps_unroll(z, &rule, last_s);
}

/* Reads a whole file. */
static enum err zone_load(struct zone *z, struct str text, const char *path, struct why *why)
{
    struct cursor c = {(const unsigned char *)text.p, (const unsigned char *)text.p + text.n};
    struct block block;
    bool good = take_block(&c, 4, &block);
    bool has_footer = good && text.p[4] >= '2';
    if (has_footer) {
        good = take_block(&c, 8, &block); /* the same again with 64-bit times */
    }
    if (good && block.leaps) {
        return why_set(why, ERR_INVALID,
                       "time zone file %s counts leap seconds; use the one without", path);
    }
    int64_t last_s = INT64_MIN;
    good = good && load_table(z, &block, &last_s);
    if (good && has_footer) {
        good = load_footer(z, &c, block.n_times == 0, last_s);
    }
    if (!good) {
        return why_set(why, ERR_DAMAGED,
                       "time zone file %s is damaged; reinstall the package tzdata", path);
    }
    return ERR_OK;
}

static enum err file_read(const char *path, char *text, size_t *n, struct why *why)
{
    FILE *f = fopen(path, "rb");
    if (!f) {
        enum err e = errno == ENOMEM ? ERR_NOMEM : ERR_IO;
        return why_set(why, e, "cannot open time zone file %s: check its permissions", path);
    }
    *n = fread(text, 1, FILE_MAX_BYTES + 1, f);
    bool failed = ferror(f) != 0;
    (void)fclose(f);
    if (failed) {
        return why_set(why, ERR_IO, "cannot read time zone file %s", path);
    }
    if (*n > FILE_MAX_BYTES) {
        return why_set(why, ERR_DAMAGED, "time zone file %s is larger than %d bytes", path,
                       FILE_MAX_BYTES);
    }
    return ERR_OK;
}

static bool name_ok(const char *name)
{
    size_t n = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-./");
    return n > 0 && n <= 64 && name[n] == '\0' && name[0] != '/' && !strstr(name, "..");
}

static enum err zone_read(const char *path, struct zone **out, struct why *why)
{
    struct zone *z = calloc(1, sizeof *z);
    char *text = malloc(FILE_MAX_BYTES + 1);
    if (!z || !text) {
        free(text);
        free(z);
        return why_set(why, ERR_NOMEM, "out of memory");
    }
    size_t n = 0;
    enum err e = file_read(path, text, &n, why);
    if (!e) {
        e = zone_load(z, (struct str){text, n}, path, why);
    }
    free(text);
    if (e) {
        free(z);
        return e;
    }
    zone_finish(z);
    *out = z;
    return ERR_OK;
}

/* The first of the usual places that has the file. */
static enum err zone_find(const char *name, char *path, size_t size, struct why *why)
{
    static const char *const places[] = {"/usr/share/zoneinfo", "/usr/lib/zoneinfo",
                                         "/usr/share/lib/zoneinfo", "/etc/zoneinfo"};
    const char *own = getenv("TZDIR");
    bool has_own = own && *own;
    size_t n = has_own ? 1 : countof(places);
    for (size_t i = 0; i < n; i++) {
        struct stat st;
        int length = snprintf(path, size, "%s/%s", has_own ? own : places[i], name);
        bool fits = length >= 0 && (size_t)length < size;
        if (fits && stat(path, &st) == 0 && S_ISREG(st.st_mode)) {
            return ERR_OK;
        }
    }
    return why_set(why, ERR_NOT_FOUND,
                   "no time zone '%s' in %s; names are like Europe/London, and the package "
                   "tzdata brings the files",
                   name,
                   has_own ? own
                           : "/usr/share/zoneinfo, /usr/lib/zoneinfo, /usr/share/lib/zoneinfo "
                             "or /etc/zoneinfo");
}

enum err zone_open(const char *name, struct zone **out, struct why *why)
{
    if (!name_ok(name)) {
        return why_set(why, ERR_INVALID,
                       "'%.64s' is not a time zone's name; names are like Europe/London", name);
    }
    if (strcmp(name, "UTC") == 0) {
        *out = calloc(1, sizeof **out);
        return *out ? ERR_OK : why_set(why, ERR_NOMEM, "out of memory");
    }
    char path[4096];
    enum err e = zone_find(name, path, sizeof path, why);
    return e ? e : zone_read(path, out, why);
}

void zone_close(struct zone *z)
{
    free(z);
}

bool zone_is_utc(const struct zone *z)
{
    return z->n == 0 && z->offset[0] == 0;
}

/* Times that far away (WHEN_NONE is one) stay what they are, so that no sum overflows. */
static bool far_away(int64_t ms)
{
    return ms < -(INT64_C(1) << 62) || ms > INT64_C(1) << 62;
}

int64_t zone_to_utc(const struct zone *z, int64_t local_ms)
{
    if (far_away(local_ms)) {
        return local_ms;
    }
    return local_ms - z->offset[steps_passed(&z->local, z->n, local_ms)];
}

int64_t zone_to_local(const struct zone *z, int64_t utc_ms)
{
    if (far_away(utc_ms)) {
        return utc_ms;
    }
    return utc_ms + z->offset[steps_passed(&z->utc, z->n, utc_ms)];
}
