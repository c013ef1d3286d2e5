/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Tests of engine/zone: known changes of the clock, the C library as a second opinion, rules
 * that no installed file has, and damaged files.
 */
#include "engine/when.h"

#include "tests/support/t.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define FILE_MOST 65536

static struct zone *opened(const char *name)
{
    struct zone *z = NULL;
    struct why why = {""};
    enum err e = zone_open(name, &z, &why);
    if (e == ERR_NOT_FOUND && !getenv("TZDIR")) {
        skip("no time zone files on this machine");
    }
    if (e) {
        fail("%s: %s", name, why.text);
    }
    return z;
}

static int64_t at(const char *text)
{
    static const struct when_rules rules = {.order = WHEN_MDY};
    int64_t ms = 0;
    ok_err(when_parse(str_of(text), &rules, &ms));
    return ms;
}

/* A version 2 file without a table, of one type, with this rule; in a TZDIR of our own. */
static void make_zone(const char *name, const char *rule)
{
    char file[512] = {0};
    size_t n = 0;
    for (int block = 0; block < 2; block++) {
        const struct str magic = STR("TZif2"), name_of_type = STR("ABC");
        memcpy(file + n, magic.p, magic.n);
        file[n + 39] = 1; /* types */
        file[n + 43] = 4; /* bytes of names */
        memcpy(file + n + 44 + 6, name_of_type.p, name_of_type.n);
        n += 44 + 6 + 4;
    }
    int more = snprintf(file + n, sizeof file - n, "\n%s\n", rule);
    ok(more > 0 && n + (size_t)more < sizeof file);
    (void)tmp_write(name, file, n + (size_t)more);
    ok(setenv("TZDIR", tmp_dir(), 1) == 0);
}

static size_t read_installed(const char *name, char *file)
{
    char path[256];
    (void)snprintf(path, sizeof path, "/usr/share/zoneinfo/%s", name);
    FILE *f = fopen(path, "rb");
    if (!f) {
        skip("no time zone files on this machine");
    }
    size_t n = fread(file, 1, FILE_MOST, f);
    (void)fclose(f);
    return n;
}

T(utc_needs_no_file)
{
    struct zone *z = NULL;
    ok(setenv("TZDIR", tmp_dir(), 1) == 0);
    ok_err(zone_open("UTC", &z, NULL));
    ok(zone_is_utc(z));
    eq_int(zone_to_utc(z, 12345), 12345);
    eq_int(zone_to_local(z, -12345), -12345);
    zone_close(z);
    zone_close(NULL);
}

T(utc_by_another_name_is_utc_and_others_are_not)
{
    static const char *const names[] = {"Etc/UTC", "Europe/London", "Asia/Kolkata", "Etc/GMT+3"};
    for (size_t i = 0; i < countof(names); i++) {
        struct zone *z = opened(names[i]);
        eq_int(zone_is_utc(z), i == 0);
        zone_close(z);
    }
}

T(clocks_change_when_they_did)
{
    static const struct {
        const char *zone, *utc, *local;
    } cases[] = {
        {"Europe/London", "2011-03-27T00:59:59Z", "2011-03-27T00:59:59Z"},
        {"Europe/London", "2011-03-27T01:00:00Z", "2011-03-27T02:00:00Z"},
        {"Europe/London", "2011-10-30T00:59:59Z", "2011-10-30T01:59:59Z"},
        {"Europe/London", "2011-10-30T02:00:00Z", "2011-10-30T02:00:00Z"},
        {"Europe/London", "1970-01-01T00:00:00Z", "1970-01-01T01:00:00Z"}, /* all year */
        {"Europe/London", "1943-06-01T12:00:00Z", "1943-06-01T14:00:00Z"}, /* two hours */
        {"Europe/London", "2150-07-01T12:00:00Z", "2150-07-01T13:00:00Z"}, /* by the rule */
        {"Europe/London", "2150-12-01T12:00:00Z", "2150-12-01T12:00:00Z"},
        {"Europe/Berlin", "2010-12-01T08:26:00Z", "2010-12-01T09:26:00Z"},
        {"Europe/Berlin", "1980-04-06T01:00:00Z", "1980-04-06T03:00:00Z"},
        {"Europe/Berlin", "2199-12-31T23:30:00Z", "2200-01-01T00:30:00Z"},
        {"America/New_York", "2007-03-11T06:59:59Z", "2007-03-11T01:59:59Z"},
        {"America/New_York", "2007-03-11T07:00:00Z", "2007-03-11T03:00:00Z"},
        {"America/New_York", "2006-03-20T12:00:00Z", "2006-03-20T07:00:00Z"}, /* old law */
        {"America/New_York", "2100-11-07T05:59:59Z", "2100-11-07T01:59:59Z"},
        {"Australia/Lord_Howe", "2010-10-02T15:29:59Z", "2010-10-03T01:59:59Z"},
        {"Australia/Lord_Howe", "2010-10-02T15:30:00Z", "2010-10-03T02:30:00Z"},
        {"Asia/Kolkata", "2010-12-01T08:26:00Z", "2010-12-01T13:56:00Z"},
        {"Asia/Kolkata", "2190-07-01T00:00:00Z", "2190-07-01T05:30:00Z"},
        {"Europe/Dublin", "2024-07-01T12:00:00Z", "2024-07-01T13:00:00Z"}, /* negative DST */
        {"Europe/Dublin", "2124-12-01T12:00:00Z", "2124-12-01T12:00:00Z"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        struct zone *z = opened(cases[i].zone);
        char local[WHEN_TEXT], utc[WHEN_TEXT];
        when_format(zone_to_local(z, at(cases[i].utc)), local);
        /* a local time of 2200 is beyond what a record may say */
        bool beyond = strncmp(cases[i].local, "2200", 4) == 0;
        when_format(beyond ? at(cases[i].utc) : zone_to_utc(z, at(cases[i].local)), utc);
        if (strcmp(local, cases[i].local) != 0 || strcmp(utc, cases[i].utc) != 0) {
            fail("%s %s: %s, and back: %s", cases[i].zone, cases[i].utc, local, utc);
        }
        zone_close(z);
    }
}

T(of_an_ambiguous_time_the_first_is_meant_and_a_missing_one_moves_forward)
{
    static const struct {
        const char *zone, *local, *utc;
    } cases[] = {
        {"Europe/London", "10/30/2011 1:00", "2011-10-30T00:00:00Z"},
        {"Europe/London", "10/30/2011 1:59:59", "2011-10-30T00:59:59Z"},
        {"Europe/London", "10/30/2011 2:00", "2011-10-30T02:00:00Z"},
        {"Europe/London", "3/27/2011 0:59:59", "2011-03-27T00:59:59Z"},
        {"Europe/London", "3/27/2011 1:00", "2011-03-27T01:00:00Z"},
        {"Europe/London", "3/27/2011 1:30", "2011-03-27T01:30:00Z"},
        {"Europe/London", "3/27/2011 2:00", "2011-03-27T01:00:00Z"},
        {"America/New_York", "11/6/2011 1:30", "2011-11-06T05:30:00Z"},
        {"America/New_York", "3/13/2011 2:30", "2011-03-13T07:30:00Z"},
        {"Australia/Lord_Howe", "4/3/2011 1:45", "2011-04-02T14:45:00Z"},
        {"Australia/Lord_Howe", "10/2/2011 2:15", "2011-10-01T15:45:00Z"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        struct zone *z = opened(cases[i].zone);
        const struct when_rules rules = {.order = WHEN_MDY, .zone = z};
        int64_t ms;
        char utc[WHEN_TEXT];
        ok_err(when_parse(str_of(cases[i].local), &rules, &ms));
        when_format(ms, utc);
        eq_str(utc, cases[i].utc);
        zone_close(z);
    }
}

T(a_date_with_a_zone_or_an_epoch_ignores_the_configured_zone)
{
    struct zone *z = opened("Asia/Kolkata");
    const struct when_rules rules = {.order = WHEN_MDY, .zone = z};
    int64_t ms;
    ok_err(when_parse(STR("2010-12-01T08:26:00Z"), &rules, &ms));
    eq_int(ms, INT64_C(1291191960000));
    ok_err(when_parse(STR("1291191960"), &rules, &ms));
    eq_int(ms, INT64_C(1291191960000));
    ok_err(when_parse(STR("2010-12-01T13:56"), &rules, &ms));
    eq_int(ms, INT64_C(1291191960000));
    eq_err(when_parse(STR("1/1/1900 0:00"), &rules, &ms), ERR_LIMIT); /* 1899 in UTC */
    zone_close(z);
}

T(no_time_and_times_beyond_reason_stay_what_they_are)
{
    struct zone *z = opened("Asia/Kolkata");
    eq_int(zone_to_utc(z, WHEN_NONE), WHEN_NONE);
    eq_int(zone_to_local(z, WHEN_NONE), WHEN_NONE);
    eq_int(zone_to_utc(z, INT64_MAX), INT64_MAX);
    eq_int(zone_to_local(z, INT64_MAX), INT64_MAX);
    zone_close(z);
}

/* ---- the C library's opinion ---- */

static int64_t libc_local_s(int64_t utc_s)
{
    time_t t = (time_t)utc_s;
    struct tm tm;
    ok(localtime_r(&t, &tm) != NULL);
    int64_t days = when_days(tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday);
    return ((days * 24 + tm.tm_hour) * 60 + tm.tm_min) * 60 + tm.tm_sec;
}

/* From the definition, by trying out: the first instant that shows this wall clock, else
 * the one that the offset before the gap gives. */
static int64_t libc_utc_s(int64_t local_s)
{
    int64_t first = INT64_MAX, missing = INT64_MAX;
    int64_t before = libc_local_s(local_s - 93600) - (local_s - 93600);
    for (int64_t t = local_s - 93600; t <= local_s + 93600; t += 900) {
        int64_t offset = libc_local_s(t) - t;
        int64_t utc = local_s - offset;
        if (libc_local_s(utc) == local_s && utc < first) {
            first = utc;
        }
        if (missing == INT64_MAX && t + offset > local_s) {
            missing = local_s - before;
        }
        before = offset;
    }
    return first < INT64_MAX ? first : missing;
}

/* Wall clocks of the 30 hours before, in which the clock changed. */
static void compare_around(const char *name, const struct zone *z, int64_t end_s, uint64_t *state)
{
    for (int i = 0; i < 24; i++) {
        int64_t local_s = end_s - 900 * (int64_t)rnd_below(state, 120);
        if (zone_to_utc(z, local_s * 1000) != libc_utc_s(local_s) * 1000) {
            fail("%s: local %lld", name, (long long)local_s);
        }
    }
}

static void compare_with_libc(const char *name, const struct zone *z, uint64_t *state)
{
    const int64_t first = when_days(1902, 1, 1) * 86400;
    const uint64_t span = (uint64_t)(when_days(2199, 1, 1) * 86400 - first);
    for (int i = 0; i < 20000; i++) {
        int64_t utc_s = first + (int64_t)rnd_below(state, span);
        int64_t local_s = libc_local_s(utc_s);
        if (zone_to_local(z, utc_s * 1000) != local_s * 1000) {
            fail("%s: utc %lld", name, (long long)utc_s);
        }
    }
    int64_t before = 0;
    for (int64_t day = when_days(1972, 1, 1); day < when_days(2090, 1, 1); day++) {
        int64_t offset = libc_local_s(day * 86400) - day * 86400;
        bool changed = offset != before;
        before = offset;
        if (!changed || rnd_below(state, 4) > 0) {
            continue;
        }
        compare_around(name, z, day * 86400 + offset, state);
    }
}

T(the_c_library_agrees)
{
    static const char *const names[] = {
        "Europe/London",       "Europe/Berlin",    "America/New_York",  "Europe/Dublin",
        "Australia/Lord_Howe", "Asia/Kolkata",     "Africa/Casablanca", "America/Santiago",
        "America/Nuuk",        "Antarctica/Troll", "Pacific/Apia",      "Asia/Gaza",
    };
    uint64_t state = seed();
    for (size_t i = 0; i < countof(names); i++) {
        struct zone *z = opened(names[i]);
        ok(setenv("TZ", names[i], 1) == 0);
        tzset();
        compare_with_libc(names[i], z, &state);
        zone_close(z);
    }
}

/* ---- rules ---- */

struct rule_case {
    const char *rule, *utc, *local;
};

T(rules_are_understood_in_all_their_forms)
{
    static const struct rule_case cases[] = {
        {"GMT0BST,M3.5.0/1,M10.5.0", "2011-03-27T00:59:59Z", "2011-03-27T00:59:59Z"},
        {"GMT0BST,M3.5.0/1,M10.5.0", "2011-03-27T01:00:00Z", "2011-03-27T02:00:00Z"},
        {"GMT0BST,M3.5.0/1,M10.5.0", "2011-10-30T00:59:59Z", "2011-10-30T01:59:59Z"},
        {"GMT0BST,M3.5.0/1,M10.5.0", "2011-10-30T01:00:00Z", "2011-10-30T01:00:00Z"},
        {"<-03>3", "1950-06-01T12:00:00Z", "1950-06-01T09:00:00Z"},
        {"<+0545>-5:45", "2010-06-01T12:00:00Z", "2010-06-01T17:45:00Z"},
        {"ABC-0:19:32", "2010-06-01T12:00:00Z", "2010-06-01T12:19:32Z"},
        {"ABC+24", "2010-06-02T12:00:00Z", "2010-06-01T12:00:00Z"},
        {"IST-1GMT0,M10.5.0,M3.5.0/1", "2010-12-01T12:00:00Z", "2010-12-01T12:00:00Z"},
        {"IST-1GMT0,M10.5.0,M3.5.0/1", "2010-07-01T12:00:00Z", "2010-07-01T13:00:00Z"},
        /* Troll: two hours at once */
        {"<+00>0<+02>-2,M3.5.0/1,M10.5.0/3", "2011-07-01T12:00:00Z", "2011-07-01T14:00:00Z"},
        /* Lord Howe: half an hour, southern */
        {"<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", "2011-01-01T00:00:00Z", "2011-01-01T11:00:00Z"},
        {"<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", "2011-07-01T00:00:00Z", "2011-07-01T10:30:00Z"},
        /* Nuuk: the day before, by a negative time; Gaza: 50 hours after */
        {"<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2024-03-31T00:59:59Z", "2024-03-30T22:59:59Z"},
        {"<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2024-03-31T01:00:00Z", "2024-03-31T00:00:00Z"},
        {"EET-2EEST,M3.4.4/50,M10.4.4/50", "2030-03-29T23:59:59Z", "2030-03-30T01:59:59Z"},
        {"EET-2EEST,M3.4.4/50,M10.4.4/50", "2030-03-30T00:00:00Z", "2030-03-30T03:00:00Z"},
        /* J60 is 1 March in every year, 59 is 1 March or 29 February */
        {"AAA0BBB,J60/0,J300/0", "2011-02-28T23:59:59Z", "2011-02-28T23:59:59Z"},
        {"AAA0BBB,J60/0,J300/0", "2011-03-01T00:00:00Z", "2011-03-01T01:00:00Z"},
        {"AAA0BBB,J60/0,J300/0", "2012-02-29T23:59:59Z", "2012-02-29T23:59:59Z"},
        {"AAA0BBB,J60/0,J300/0", "2012-03-01T00:00:00Z", "2012-03-01T01:00:00Z"},
        {"AAA0BBB,J59/0,J300/0", "2012-02-28T00:00:00Z", "2012-02-28T01:00:00Z"},
        {"AAA0BBB,59/0,300/0", "2011-03-01T00:00:00Z", "2011-03-01T01:00:00Z"},
        {"AAA0BBB,59/0,300/0", "2012-02-28T23:59:59Z", "2012-02-28T23:59:59Z"},
        {"AAA0BBB,59/0,300/0", "2012-02-29T00:00:00Z", "2012-02-29T01:00:00Z"},
        /* summer all year, as RFC 8536 spells it */
        {"XXX3EDT4,0/0,J365/23", "2010-01-01T05:00:00Z", "2010-01-01T01:00:00Z"},
        {"XXX3EDT4,0/0,J365/23", "2010-12-31T23:59:59Z", "2010-12-31T19:59:59Z"},
        {"", "2010-07-01T12:00:00Z", "2010-07-01T12:00:00Z"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        make_zone("Rule", cases[i].rule);
        struct zone *z = opened("Rule");
        char local[WHEN_TEXT];
        when_format(zone_to_local(z, at(cases[i].utc)), local);
        if (strcmp(local, cases[i].local) != 0) {
            fail("%s at %s: %s", cases[i].rule, cases[i].utc, local);
        }
        zone_close(z);
    }
}

T(a_rule_that_cannot_be_understood_is_damage)
{
    static const char *const rules[] = {
        "G0",
        "GMT",
        "<GMT0",
        "GMT25",
        "GMT0:60",
        "GMT0BST",
        "GMT0BST,M3.5.0/1",
        "GMT0BST,M3.5.0/1,",
        "GMT0BST,M3.5.0/1,M10.5.0x",
        "GMT0BST,M13.5.0/1,M10.5.0",
        "GMT0BST,M0.5.0/1,M10.5.0",
        "GMT0BST,M3.6.0/1,M10.5.0",
        "GMT0BST,M3.0.0/1,M10.5.0",
        "GMT0BST,M3.5.7/1,M10.5.0",
        "GMT0BST,M3.5/1,M10.5.0",
        "GMT0BST,M3.5.0/168,M10.5.0",
        "GMT0BST,J0,J365",
        "GMT0BST,J366,J1",
        "GMT0BST,366,1",
        "GMT0BST,1000,1",
        " GMT0",
        "GMT0 ",
        "GMT0B",
    };
    for (size_t i = 0; i < countof(rules); i++) {
        struct zone *z = NULL;
        struct why why = {""};
        make_zone("Rule", rules[i]);
        enum err e = zone_open("Rule", &z, &why);
        if (e != ERR_DAMAGED || z || !strstr(why.text, "damaged")) {
            fail("%s: %s", rules[i], err_text(e));
        }
    }
}

/* ---- names and files ---- */

T(names_that_lead_elsewhere_are_refused)
{
    static const char *const names[] = {
        "",     "/etc/passwd",   "../passwd", "Europe/../../passwd", "Europe/London ",
        "a\nb", "Europe\\London"};
    struct why why = {""};
    struct zone *z = NULL;
    for (size_t i = 0; i < countof(names); i++) {
        eq_err(zone_open(names[i], &z, &why), ERR_INVALID);
        ok(strstr(why.text, "is not a time zone's name") != NULL);
    }
    ok(z == NULL);
}

T(a_zone_that_is_not_there_says_where_it_was_looked_for)
{
    struct why why = {""};
    struct zone *z = NULL;
    eq_err(zone_open("Europe/Atlantis", &z, &why), ERR_NOT_FOUND);
    ok(strstr(why.text, "Europe/Atlantis") && strstr(why.text, "/usr/share/zoneinfo"));
    eq_err(zone_open("Europe", &z, &why), ERR_NOT_FOUND); /* a directory */
    ok(setenv("TZDIR", tmp_dir(), 1) == 0);
    eq_err(zone_open("Europe/London", &z, &why), ERR_NOT_FOUND);
    ok(strstr(why.text, tmp_dir()) != NULL);
    ok(z == NULL);
}

T(a_file_cut_short_is_damaged)
{
    static char file[FILE_MOST];
    size_t n = read_installed("Europe/London", file);
    ok(setenv("TZDIR", tmp_dir(), 1) == 0);
    for (size_t cut = 0; cut < n; cut += cut < 200 || cut + 200 > n ? 1 : 13) {
        struct zone *z = NULL;
        (void)tmp_write("Cut", file, cut);
        eq_err(zone_open("Cut", &z, NULL), ERR_DAMAGED);
    }
    (void)tmp_write("Cut", file, n);
    zone_close(opened("Cut"));
}

T(a_file_with_flipped_bits_is_read_or_refused_but_never_trusted)
{
    static char file[FILE_MOST];
    size_t n = read_installed("Europe/London", file);
    uint64_t state = seed();
    int refused = 0;
    ok(setenv("TZDIR", tmp_dir(), 1) == 0);
    for (int round = 0; round < 3000; round++) {
        /* half of them in the headers, where the counts are */
        size_t spot = rnd_below(&state, round % 2 ? n : 44);
        char flip = (char)(1 << rnd_below(&state, 7));
        file[spot] = (char)(file[spot] ^ flip);
        (void)tmp_write("Flipped", file, n);
        file[spot] = (char)(file[spot] ^ flip);
        struct zone *z = NULL;
        enum err e = zone_open("Flipped", &z, NULL);
        ok(!e || e == ERR_DAMAGED || e == ERR_INVALID);
        refused += e != ERR_OK;
        for (int i = 0; !e && i < 20; i++) {
            int64_t ms = (int64_t)rnd(&state) >> rnd_below(&state, 40);
            int64_t there = zone_to_local(z, ms), back = zone_to_utc(z, ms);
            ok(llabs(there - ms) < 26 * WHEN_HOUR && llabs(back - ms) < 26 * WHEN_HOUR);
        }
        zone_close(z);
    }
    ok(refused > 300);
}

T(a_file_of_version_1_is_read_without_its_second_half)
{
    static char file[FILE_MOST];
    size_t n = read_installed("Europe/London", file);
    memset(file + 4, 0, 1);
    ok(setenv("TZDIR", tmp_dir(), 1) == 0);
    (void)tmp_write("Old", file, n);
    struct zone *z = opened("Old");
    eq_int(zone_to_local(z, at("2010-07-01T12:00Z")) % WHEN_DAY / WHEN_HOUR,
           file[35] || file[34] ? 13 : 12); /* a slim file has no 32-bit table */
    zone_close(z);
}

T(leap_seconds_an_odd_table_and_other_files_are_refused)
{
    char file[128] = {0};
    struct zone *z = NULL;
    struct why why = {""};
    ok(setenv("TZDIR", tmp_dir(), 1) == 0);
    /* version 1: two times, one type, one leap second */
    memcpy(file, "TZif", 4);
    file[31] = 1;
    file[35] = 2;
    file[39] = 1;
    file[43] = 4;
    file[47] = 5; /* first time */
    file[51] = 9; /* second time */
    (void)tmp_write("Odd", file, 44 + 2 * 5 + 6 + 4 + 8);
    eq_err(zone_open("Odd", &z, &why), ERR_INVALID);
    ok(strstr(why.text, "leap seconds") != NULL);
    file[31] = 0;
    (void)tmp_write("Odd", file, 44 + 2 * 5 + 6 + 4);
    ok_err(zone_open("Odd", &z, &why));
    zone_close(z);
    z = NULL;
    file[47] = 9; /* does not ascend */
    (void)tmp_write("Odd", file, 44 + 2 * 5 + 6 + 4);
    eq_err(zone_open("Odd", &z, &why), ERR_DAMAGED);
    file[47] = 5;
    file[53] = 1; /* a type that is not there */
    (void)tmp_write("Odd", file, 44 + 2 * 5 + 6 + 4);
    eq_err(zone_open("Odd", &z, &why), ERR_DAMAGED);
    (void)tmp_write("Odd", "InvoiceNo,StockCode\n", 20);
    eq_err(zone_open("Odd", &z, &why), ERR_DAMAGED);
    ok(z == NULL);
}

T(a_file_of_absurd_size_is_refused)
{
    const size_t n = 300000;
    char *file = calloc(1, n);
    struct zone *z = NULL;
    ok(file && setenv("TZDIR", tmp_dir(), 1) == 0);
    (void)tmp_write("Huge", file, n);
    eq_err(zone_open("Huge", &z, NULL), ERR_DAMAGED);
    free(file);
}

T_OOM(a_zone_survives_lack_of_memory)
{
    struct zone *z = NULL, *utc = NULL;
    make_zone("Rule", "<-03>3");
    enum err e = zone_open("UTC", &utc, NULL);
    if (!e) {
        e = zone_open("Rule", &z, NULL);
    }
    memory_again();
    ok(e ? z == NULL : zone_to_local(z, 0) == -3 * WHEN_HOUR);
    zone_close(z);
    zone_close(utc);
    return e;
}
