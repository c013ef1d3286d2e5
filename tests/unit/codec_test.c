/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Tests of what the codecs share (connectors/codec.c, connectors/scan*.h).
 */
#include "connectors/codec.h"

#include "tests/support/t.h"

/* Both ways to scan, side by side: whichever scan.h chose, and the portable one. */
#include "connectors/scan.h"
#define scan_json16 portable_json16
#define scan_csv64 portable_csv64
#include "connectors/scan_portable.h"
#undef scan_json16
#undef scan_csv64

#include <stdlib.h>

T(both_ways_to_scan_find_the_same)
{
    static const char bytes[] = "\",;\\\n\r\t\x1f\x20\x7f\x80\xff"
                                "a\x0a\x0d\x22\x2c\xa2\xdc";
    uint64_t state = seed();
    for (int i = 0; i < 20000; i++) {
        char p[64];
        for (size_t k = 0; k < sizeof p; k++) {
            uint64_t r = rnd(&state);
            p[k] = r % 3 ? bytes[r / 3 % sizeof bytes] : (char)(r >> 32);
        }
        char separator = ",;\t|"[i % 4];
        uint64_t high1 = 0, high2 = 0, odd1 = 0, odd2 = 0;
        eq_u64(scan_json16(p, &high1), portable_json16(p, &high2));
        eq_u64(high1, high2);
        eq_u64(scan_csv64(p, separator, &odd1), portable_csv64(p, separator, &odd2));
        eq_int(odd1 != 0, odd2 != 0);
    }
}

T(scanning_finds_exactly_the_bytes_that_matter)
{
    for (unsigned byte = 0; byte < 256; byte++) {
        char p[64];
        uint64_t high = 0, odd = 0;
        memset(p, 'a', sizeof p);
        p[byte % 16] = (char)byte;
        bool json = byte < 0x20 || byte == '"' || byte == '\\';
        bool csv = byte == ',' || byte == '"' || byte == '\n' || byte == '\r';
        eq_u64(scan_json16(p, &high), json ? UINT64_C(1) << byte % 16 : 0);
        eq_u64(high, byte >= 0x80 ? UINT64_C(1) << byte % 16 : 0);
        eq_u64(scan_csv64(p, ',', &odd), csv ? UINT64_C(1) << byte % 16 : 0);
        eq_int(odd != 0, byte == 0 || byte >= 0x80);
    }
}

T(utf_8_is_told_from_what_is_not)
{
    static const struct {
        const char *text;
        bool good;
    } cases[] = {
        {"", true},
        {"abc \x7f", true},
        {"\xc2\x80 \xdf\xbf", true},
        {"\xe0\xa0\x80 \xed\x9f\xbf \xee\x80\x80 \xef\xbf\xbf", true},
        {"\xf0\x90\x80\x80 \xf4\x8f\xbf\xbf", true},
        {"\x80", false},
        {"\xc0\x80", false},
        {"\xc1\xbf", false},
        {"\xc2", false},
        {"\xc2\x20", false},
        {"\xe0\x9f\xbf", false},
        {"\xe1\x80", false},
        {"\xe1\x80\xc0", false},
        {"\xed\xa0\x80", false},
        {"\xf0\x8f\xbf\xbf", false},
        {"\xf4\x90\x80\x80", false},
        {"\xf5\x80\x80\x80", false},
        {"\xff", false},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        eq_int(codec_utf8(str_of(cases[i].text)), cases[i].good);
    }
    ok(!codec_utf8((struct str){"a\0b", 3}));
}

T(latin_1_becomes_utf_8)
{
    char all[256], to[512];
    for (int i = 0; i < 256; i++) {
        all[i] = (char)i;
    }
    eq_int(codec_latin1((struct str){all, 256}, to), 128 + 2 * 128);
    eq_bytes(to + 127, 5, "\x7f\xc2\x80\xc2\x81", 5);
    eq_bytes(to + 382, 2, "\xc3\xbf", 2);
    ok(codec_utf8((struct str){to + 1, 383}));
}

T(the_codec_follows_the_name_then_the_content)
{
    static const struct {
        const char *locator, *head;
        const struct codec_kind *kind;
    } cases[] = {
        {"a.csv", "{", &codec_csv},
        {"a.CSV.gz", "{", &codec_csv},
        {"a.csv.xz", "{", &codec_csv},
        {"a.csv.zst", "{", &codec_csv},
        {"a.ndjson", "x", &codec_json},
        {"a.jsonl.gz", "x", &codec_json},
        {"a.json", "x", &codec_json},
        {"dir.json/a.csv", "{", &codec_csv},
        {"-", " \r\n\t{", &codec_json},
        {"-", "[", &codec_json},
        {"-", "\xef\xbb\xbf[", &codec_json},
        {"-", "Invoice,", &codec_csv},
        {"-", "", &codec_json},
        {"data", "Invoice,", &codec_csv},
        {"a.gz", "Invoice,", &codec_csv},
        {"csv", "{", &codec_json},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        ok(codec_for(cases[i].locator, str_of(cases[i].head)) == cases[i].kind);
    }
}

T(a_byte_order_mark_is_skipped_at_the_start_only)
{
    static const struct {
        const char *bytes;
        uint64_t offset;
        bool last;
        enum err e;
        size_t skip;
    } cases[] = {
        {"\xef\xbb\xbf{", 0, false, ERR_OK, 3},
        {"\xef\xbb\xbf", 0, true, ERR_OK, 3},
        {"\xef\xbb", 0, false, ERR_AGAIN, 0},
        {"\xef", 0, false, ERR_AGAIN, 0},
        {"\xef\xbb", 0, true, ERR_OK, 0},
        {"\xef\xbb\xbf{", 5, false, ERR_OK, 0},
        {"\xff", 0, false, ERR_AGAIN, 0},
        {"\xff\xfe", 0, false, ERR_INVALID, 0},
        {"\xfe\xff", 0, false, ERR_INVALID, 0},
        {"\xff\xfe", 4, false, ERR_OK, 0},
        {"", 0, false, ERR_OK, 0},
        {"ab", 0, false, ERR_OK, 0},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        struct stretch in = {str_of(cases[i].bytes), cases[i].offset, cases[i].last, false};
        size_t skip = 9;
        struct why why;
        eq_err(codec_mark(&in, &skip, &why), cases[i].e);
        eq_int(skip, cases[i].skip);
    }
}

/* A record with good fields, one of them replaced. */
static enum err add(struct codec_fields *f, enum codec_role role, const char *text,
                    struct sales *out)
{
    static const char *const good[CODEC_ROLES] = {
        [CODEC_INVOICE] = "1",  [CODEC_STOCK] = "S",
        [CODEC_CUSTOMER] = "7", [CODEC_COUNTRY] = "UK",
        [CODEC_RECORD_ID] = "", [CODEC_QUANTITY] = "2",
        [CODEC_PRICE] = "2.5",  [CODEC_DATE] = "12/1/2010 8:26",
    };
    struct codec_record r = {.plain = true};
    for (int i = 0; i < CODEC_ROLES; i++) {
        r.value[i] = CODEC_TEXT;
        r.text[i] = str_of(i == (int)role ? text : good[i]);
    }
    return codec_add(f, &r, STR("raw"), 5, out);
}

struct world {
    struct settings settings;
    struct codec_fields fields;
    struct sales out;
};

static void world_init(struct world *w)
{
    ok_err(settings_init(&w->settings));
    ok_err(codec_fields_open(&w->fields, &w->settings, NULL));
    sales_init(&w->out);
}

static void world_clear(struct world *w)
{
    codec_fields_close(&w->fields);
    sales_clear(&w->out);
    settings_clear(&w->settings);
}

T(quick_forms_mean_what_the_general_parsers_say)
{
    static const struct {
        const char *price;
        int64_t micros; /* -1: rejected */
    } cases[] = {
        {"0", 0},
        {"2.5", 2500000},
        {"002.50", 2500000},
        {"999999999", 999999999000000},
        {"1.000001", 1000001},
        {"123.456789", 123456789},
        {"1234.567891", 1234567891},
        {"1.0000001", -1},
        {"1.0000000", 1000000},
        {"1234567890", 1234567890000000},
        {"-2.5", -2500000},
        {"+2.5", 2500000},
        {"2.", -1},
        {".5", -1},
        {"1..2", -1},
        {"1.2.3", -1},
        {"1,2", -1},
        {"2.5e2", 250000000},
        {"1e13", -1},
    };
    struct world w;
    world_init(&w);
    for (size_t i = 0; i < countof(cases); i++) {
        sales_reset(&w.out);
        ok_err(add(&w.fields, CODEC_PRICE, cases[i].price, &w.out));
        eq_int(w.out.n, cases[i].micros != -1);
        eq_int(w.out.n + w.out.n_rejects, 1);
        if (w.out.n) {
            eq_int(w.out.sale[0].price, cases[i].micros);
            eq_int(w.out.sale[0].value, 2 * cases[i].micros);
            eq_int(w.out.sale[0].offset, 5);
            eq_int(w.out.sale[0].length, 3);
        }
    }
    world_clear(&w);
}

T(whole_numbers_of_any_length_are_read)
{
    static const struct {
        const char *text;
        int64_t whole; /* 0: rejected */
    } cases[] = {
        {"6", 6},
        {"-6", -6},
        {"+6", 6},
        {"6.0", 6},
        {"006", 6},
        {"999999999", 999999999},
        {"-999999999", -999999999},
        {"1000000000", 1000000000},
        {"-", 0},
        {"6-", 0},
        {"--6", 0},
        {"0x6", 0},
    };
    struct world w;
    world_init(&w);
    for (size_t i = 0; i < countof(cases); i++) {
        sales_reset(&w.out);
        ok_err(add(&w.fields, CODEC_QUANTITY, cases[i].text, &w.out));
        eq_int(w.out.n, cases[i].whole != 0);
        ok(!w.out.n || w.out.sale[0].quantity == cases[i].whole);
    }
    world_clear(&w);
}

T(a_remembered_date_is_the_same_date)
{
    static const char *const dates[] = {"12/1/2010 8:26",  "12/1/2010 8:26", "12/1/2010 8:27",
                                        "12/1/2010 8:26 ", "12/1/2010",      "1291191960"};
    struct world w;
    world_init(&w);
    for (size_t i = 0; i < countof(dates); i++) {
        ok_err(add(&w.fields, CODEC_DATE, dates[i], &w.out));
        ok_err(add(&w.fields, CODEC_DATE, "nonsense", &w.out));
    }
    eq_int(w.out.n, countof(dates));
    eq_int(w.out.n_rejects, countof(dates));
    static const int64_t minutes[] = {26, 26, 27, 26, -480, 26};
    for (size_t i = 0; i < countof(dates); i++) {
        eq_int(w.out.sale[i].time_ms, INT64_C(1291161600000) + (480 + minutes[i]) * WHEN_MINUTE);
    }
    world_clear(&w);
}

T(keys_have_a_length_limit)
{
    static const struct {
        enum codec_role role;
        size_t max;
    } cases[] = {{CODEC_INVOICE, SALE_TEXT_MAX},
                 {CODEC_STOCK, SALE_TEXT_MAX},
                 {CODEC_CUSTOMER, SALE_TEXT_MAX},
                 {CODEC_COUNTRY, SALE_TEXT_MAX},
                 {CODEC_RECORD_ID, SALE_RECORD_ID_MAX}};
    struct world w;
    world_init(&w);
    for (size_t i = 0; i < countof(cases); i++) {
        char text[SALE_TEXT_MAX + 2];
        for (size_t n = cases[i].max; n <= cases[i].max + 1; n++) {
            memset(text, 'x', n);
            text[n] = '\0';
            sales_reset(&w.out);
            ok_err(add(&w.fields, cases[i].role, text, &w.out));
            eq_int(w.out.n, n == cases[i].max);
        }
        ok(strstr(w.out.reject[0].reason, "longer than"));
    }
    world_clear(&w);
}

T(the_shop_s_time_zone_applies_to_dates_without_one)
{
    struct world w;
    struct why why;
    world_init(&w);
    codec_fields_close(&w.fields);
    ok_err(settings_set(&w.settings, "timezone=America/New_York", &why));
    enum err e = codec_fields_open(&w.fields, &w.settings, &why);
    if (e == ERR_NOT_FOUND) {
        world_clear(&w);
        skip("no time zone data here");
    }
    ok_err(e);
    ok_err(add(&w.fields, CODEC_DATE, "12/1/2010 8:26", &w.out));
    eq_int(w.out.sale[0].time_ms, INT64_C(1291161600000) + (13 * 60 + 26) * WHEN_MINUTE);
    world_clear(&w);
}

T(an_unknown_time_zone_is_refused)
{
    struct settings s;
    struct codec *c = NULL;
    struct why why;
    ok_err(settings_init(&s));
    free(s.timezone);
    s.timezone = calloc(1, 16);
    ok(s.timezone);
    memcpy(s.timezone, "No/Where", 8);
    eq_err(codec_json.open(&s, &c, &why), ERR_NOT_FOUND);
    eq_err(codec_csv.open(&s, &c, &why), ERR_NOT_FOUND);
    settings_clear(&s);
}
