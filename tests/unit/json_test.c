/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Tests of the JSON codec (connectors/json*.c): framing, recovery, the three readers.
 */
#include "connectors/json_parts.h"

#include "tests/support/decoded.h"
#include "tests/support/t.h"

#include <stdio.h>
#include <stdlib.h>

/* A good record with this invoice number, and what becomes of it. */
#define GOOD(no)                                                                                   \
    "{\"InvoiceNo\":\"" no "\",\"StockCode\":\"S\",\"Quantity\":2,"                                \
    "\"InvoiceDate\":\"12/1/2010 8:26\",\"UnitPrice\":2.5,\"CustomerID\":7,\"Country\":\"UK\"}"
#define SALE(no) "|" no "|S|7|UK||2|2.5|5|2010-12-01T08:26:00Z\n"
/* The same with other fields before the required ones. */
#define WITH(fields)                                                                               \
    "{" fields ",\"Quantity\":2,\"InvoiceDate\":\"12/1/2010 8:26\",\"UnitPrice\":2.5}"
#define SOLD "|2|2.5|5|2010-12-01T08:26:00Z\n"

static struct settings settings_with(const char *assignment)
{
    struct settings s;
    struct why why;
    ok_err(settings_init(&s));
    if (assignment && settings_set(&s, assignment, &why)) {
        fail("%s", why.text);
    }
    return s;
}

static void decode_as(const struct settings *s, struct str text, struct decoded_way way,
                      const char *wanted)
{
    struct buf out;
    struct why why = {""};
    buf_init(&out, 1 << 20);
    enum err e = decoded(&codec_json, s, text, way, &out, &why);
    if (e) {
        fail("%s: %s", err_text(e), why.text);
    }
    ok_err(buf_u8(&out, 0));
    eq_str(out.p, wanted);
    buf_clear(&out);
}

/* Decodes `text` in every way there is to cut it; all must give `wanted`. */
static void decodes_to(const char *assignment, struct str text, const char *wanted)
{
    struct settings s = settings_with(assignment);
    size_t most = text.n < 400 ? text.n : 400;
    decode_as(&s, text, (struct decoded_way){.plain = true}, wanted);
    decode_as(&s, text, (struct decoded_way){.plain = true, .max_sales = 1}, wanted);
    for (size_t step = 1; step <= most; step++) {
        bool reopen = step % 2;
        decode_as(&s, text, (struct decoded_way){step, 0, reopen, true}, wanted);
    }
    settings_clear(&s);
}

static void gives(const char *text, const char *wanted)
{
    decodes_to(NULL, str_of(text), wanted);
}

T(one_object_a_line_is_one_sale_each)
{
    gives(GOOD("1") "\n" GOOD("2") "\n" GOOD("3") "\n", SALE("1") SALE("2") SALE("3"));
    gives(GOOD("1") "\r\n\r\n\n" GOOD("2"), SALE("1") SALE("2"));
    gives("\xef\xbb\xbf" GOOD("1") "\n" GOOD("2") "\n", SALE("1") SALE("2"));
    gives("", "");
    gives(" \n\n", "");
}

T(lists_and_objects_one_after_another_are_the_same)
{
    gives("[" GOOD("1") "," GOOD("2") "]", SALE("1") SALE("2"));
    gives("[\n  " GOOD("1") ",\n  " GOOD("2") "\n]\n[" GOOD("3") "]",
          SALE("1") SALE("2") SALE("3"));
    gives(GOOD("1") " " GOOD("2") "," GOOD("3") GOOD("4"), SALE("1") SALE("2") SALE("3") SALE("4"));
    gives("[]", "");
}

#define PRETTY(no)                                                                                 \
    "  {\n    \"InvoiceNo\": \"" no "\",\n    \"StockCode\" : \"S\",\n    \"Quantity\": 2,\n"      \
    "    \"InvoiceDate\": \"12/1/2010 8:26\",\n    \"UnitPrice\": 2.5,\n    \"CustomerID\": 7,\n"  \
    "    \"Country\": \"UK\"\n  }"

T(pretty_printed_objects_need_no_commas)
{
    gives(PRETTY("1") "\n" PRETTY("2") "\n", SALE("1") SALE("2"));
    gives("[\r\n" PRETTY("1") ",\r\n" PRETTY("2") "\r\n]\r\n", SALE("1") SALE("2"));
    gives(PRETTY("1") "\n" GOOD("2") "\n" PRETTY("3"), SALE("1") SALE("2") SALE("3"));
}

T(a_broken_line_costs_itself_only)
{
    static const struct {
        const char *line, *reject;
    } cases[] = {
        {"{\"InvoiceNo\":\"9\",\"Quantity\":", "not JSON at byte 153: the object does not end"},
        {"{\"InvoiceNo\":\"9\",", "not JSON at byte 18: a { where a field name must be; is a } "
                                  "missing?"},
        {"{\"InvoiceNo\":\"9\"", "not JSON at byte 17: a { where it can't stand; is a } missing?"},
        {"{\"InvoiceNo\":\"9", "not JSON at byte 15: a line break inside a string"},
        {"{\"InvoiceNo\":\"9}", "not JSON at byte 16: a line break inside a string"},
        {"{\"InvoiceNo\":\"9\\", "not JSON at byte 15: an unknown escape in a string"},
        {"{", "not JSON at byte 2: a { where a field name must be; is a } missing?"},
        {"{\"a\":01}", "not JSON at byte 6: no comma or closing bracket where one must be"},
        {"{\"a\":1.}", "not JSON at byte 7: a number without a digit where one must be"},
        {"{\"a\":+1}", "not JSON at byte 5: not a JSON value"},
        {"{\"a\":tru}", "not JSON at byte 5: not a JSON value"},
        {"{\"a\":1,}", "not JSON at byte 7: no field name where one must be"},
        {"{\"a\":1,}}", "not JSON at byte 7: no field name where one must be"},
        {"{'a':1}", "not JSON at byte 1: no field name where one must be"},
        {"{\"a\" 1}", "not JSON at byte 5: no colon after a field name"},
        {"{\"a\":\"\t\"}", "not JSON at byte 6: a control character in a string"},
        {"{\"a\":\"\\x\"}", "not JSON at byte 6: an unknown escape in a string"},
        {"{\"a\":\"\\u12g4\"}", "not JSON at byte 10: \\u needs four hexadecimal digits"},
        {"{\"a\":\"\\ud800\"}", "not JSON at byte 12: a UTF-16 surrogate without its pair"},
        {"{\"a\":\"\\ud83d\\ud83d\"}", "not JSON at byte 18: a UTF-16 surrogate without its pair"},
        {"{\"a\":\"\\udc00\"}", "not JSON at byte 12: a UTF-16 surrogate without its pair"},
        {"{\"a\":\"\\ud83d\\u0041\"}", "not JSON at byte 18: a UTF-16 surrogate without its pair"},
        {"{\"a\":[1}", "not JSON at byte 7: no comma or closing bracket where one must be"},
        {"{\"a\":{\"b\":1]}", "not JSON at byte 11: no comma or closing bracket where one must be"},
        {"nonsense", "text outside of a JSON object"},
        {"}", "text outside of a JSON object"},
        {"\"InvoiceNo\":\"9\"}", "text outside of a JSON object"},
        {"null", "text outside of a JSON object"},
        {"{}", "InvoiceNo is missing"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        char text[1024], wanted[1024];
        (void)snprintf(text, sizeof text, "%s\n%s\n%s\n", GOOD("1"), cases[i].line, GOOD("2"));
        (void)snprintf(wanted, sizeof wanted, "%s! %s\n%s", SALE("1"), cases[i].reject, SALE("2"));
        gives(text, wanted);
    }
}

T(an_object_cut_short_by_the_end_is_one_reject)
{
    gives(GOOD("1") "\n{\"InvoiceNo\":\"9\",\"Quan",
          SALE("1") "! not JSON at byte 22: the object does not end\n");
    gives("[" GOOD("1") ",\n{", SALE("1") "! not JSON at byte 1: the object does not end\n");
}

T(a_line_break_inside_a_string_makes_one_reject_of_both_lines)
{
    gives("{\"InvoiceNo\":\"9\",\"Description\":\"two\nlines\",\"Quantity\":1}\n" GOOD("2"),
          "! not JSON at byte 35: a line break inside a string\n" SALE("2"));
    gives("  {\n    \"InvoiceNo\": \"9,\n    \"Quantity\": 1\n  },\n" PRETTY("2"),
          "! not JSON at byte 22: a line break inside a string\n" SALE("2"));
    gives("  {\n    \"InvoiceNo\": \"9\",\n    \"Quantity\": \n" PRETTY("2"),
          "! not JSON at byte 212: the object does not end\n" SALE("2"));
}

T(a_record_on_the_last_line_of_a_broken_one_survives_it)
{
    gives("[{\n  \"InvoiceNo\": \"9,\n  \"Quantity\": 1\n}, " GOOD("2") "]",
          "! not JSON at byte 20: a line break inside a string\n" SALE("2"));
    gives("{\"InvoiceNo\":\"9\",\"Description\":\"two\nlines\",\"Quantity\":1}, " GOOD("2"),
          "! not JSON at byte 35: a line break inside a string\n" SALE("2"));
}

T(a_broken_object_with_objects_inside_is_one_reject)
{
    gives("{\n  \"items\": [\n    {\n      \"x\": 1\n    },\n    {\n      \"x\": 2\n    }\n  ],\n"
          "  \"bad\": tru\n}\n" GOOD("2"),
          "! not JSON at byte 80: not a JSON value\n" SALE("2"));
}

T(objects_on_the_line_of_a_broken_one_survive_it)
{
    gives("[" GOOD("1") ",{\"a\":tru}," GOOD("2") ",oops," GOOD("3") "]",
          SALE("1") "! not JSON at byte 5: not a JSON value\n" SALE(
              "2") "! text outside of a JSON object\n" SALE("3"));
    gives("INFO " GOOD("1") " done {x\n" GOOD("2"),
          "! text outside of a JSON object\n" SALE("1") "! text outside of a JSON object\n" SALE(
              "2"));
}

T(a_record_longer_than_max_record_is_one_reject)
{
    static const char filler[] =
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";
    char text[2048];
    (void)snprintf(text, sizeof text, "%s\n{\"a\":\"%s%s\"}\n%s\n%s%s%s\n%s", GOOD("1"), filler,
                   filler, GOOD("2"), filler, filler, filler, GOOD("3"));
    decodes_to("max_record=200", str_of(text),
               SALE("1") "! longer than max_record, 200 bytes\n" SALE(
                   "2") "! longer than max_record, 200 bytes\n" SALE("3"));
    (void)snprintf(text, sizeof text, "%s\n  {\n    \"a\":\"%s\",\n    \"b\":\"%s\"\n  }\n%s",
                   PRETTY("1"), filler, filler, PRETTY("2"));
    decodes_to("max_record=200", str_of(text),
               SALE("1") "! longer than max_record, 200 bytes\n" SALE("2"));
}

T(a_record_of_max_record_bytes_is_read)
{
    char setting[64], text[1024];
    (void)snprintf(setting, sizeof setting, "max_record=%zu", sizeof(GOOD("1")) - 1);
    (void)snprintf(text, sizeof text, "%s\n%s\n%s\n", GOOD("1"), GOOD("22"), GOOD("3"));
    char wanted[256];
    (void)snprintf(wanted, sizeof wanted, "%s! longer than max_record, %zu bytes\n%s", SALE("1"),
                   sizeof(GOOD("1")) - 1, SALE("3"));
    decodes_to(setting, str_of(text), wanted);
}

T(fields_may_come_in_any_order_with_any_spaces)
{
    gives(GOOD("1") "\n{ \"Country\" : \"UK\" , "
                    "\"InvoiceNo\":\"2\",\"Quantity\":2,\t\"UnitPrice\":2.5,"
                    "\"InvoiceDate\":\"12/1/2010 8:26\"}\n" GOOD("3"),
          SALE("1") "|2|||UK|" SOLD SALE("3"));
    gives(WITH("\"InvoiceNo\":\"1\",\"Extra\":[1,{\"x\":null}],\"Yes\":true"), "|1||||" SOLD);
}

T(escapes_are_resolved)
{
    gives(WITH("\"Invoice\\u004eo\":\"\\u0041\\\"\\\\\\/"
               "\\b\\n\\ud83d\\ude00\",\"Country\":\"\\u00e9\""),
          "|A\"\\/\b\n\xf0\x9f\x98\x80|||\xc3\xa9|" SOLD);
    gives(WITH("\"InvoiceNo\":\"1\",\"Description\":\"a \\\"b\\\" \\u00a3\""), "|1||||" SOLD);
    gives(WITH("\"InvoiceNo\":\"1\\u0000\""), "! InvoiceNo is \"?\": it holds a NUL byte\n");
    gives(WITH("\"InvoiceNo\\u0000\":\"1\",\"Description\":\"\\u0000\""),
          "! InvoiceNo is missing\n");
}

T(what_cjson_cannot_read_is_read_beside_escapes)
{
    gives(WITH("\"Invoice\\u004eo\":1,\"x\":[NaN,{\"y\":NaN}],\"CustomerID\":NaN,"
               "\"z\":-1234567890123456789012345678901234567890123456789012345678901234567890e1"),
          "|1||||" SOLD);
    gives("{\"Invoice\\u004eo\":1,\"Quantity\":1,\"InvoiceDate\":\"12/1/2010 8:26\",\"UnitPrice\":"
          "0.10000000000000000000000000000000000000000000000000000000000000000000000000000}",
          "|1|||||1|0.1|0.1|2010-12-01T08:26:00Z\n");
}

T(of_equal_field_names_the_first_counts)
{
    gives(WITH("\"InvoiceNo\":\"1\",\"InvoiceNo\":\"2\""), "|1||||" SOLD);
    gives(WITH("\"InvoiceNo\":\"1\",\"Invoice\\u004eo\":\"2\""), "|1||||" SOLD);
    gives(WITH("\"InvoiceNo\":null,\"InvoiceNo\":\"2\""), "! InvoiceNo is missing\n");
    gives(WITH("\"Invoice\":\"2\",\"InvoiceNo\":\"1\",\"Invoice\":\"3\""), "|1||||" SOLD);
}

T(online_retail_2_needs_no_configuration)
{
    gives("{\"Invoice\":489434,\"StockCode\":\"85048\",\"Quantity\":12,"
          "\"InvoiceDate\":\"2009-12-01 07:45:00\",\"Price\":6.95,\"Customer ID\":13085.0}",
          "|489434|85048|13085||"
          "|12|6.95|83.4|2009-12-01T07:45:00Z\n");
    gives("{\"Invoice\":489434,\"Quantity\":12,\"InvoiceDate\":\"2009-12-01 "
          "07:45:00\",\"Price\":\"x\"}",
          "! Price is \"x\": not a decimal number of at most 6 places with a decimal point\n");
    decodes_to("fields.invoice=Bill", STR(WITH("\"Invoice\":\"1\"")), "! Bill is missing\n");
    decodes_to("fields.invoice=Bill", STR(WITH("\"Bill\":\"1\"")), "|1||||" SOLD);
}

T(a_customer_may_be_a_number_a_text_or_missing)
{
    static const struct {
        const char *value, *customer;
    } cases[] = {
        {"17850", "17850"},
        {"\"17850\"", "17850"},
        {"17850.0", "17850"},
        {"\"17850.0\"", "17850"},
        {"17850.00", "17850"},
        {"1.785e4", "17850"},
        {"17850.5", "17850.5"},
        {"-5", "-5"},
        {"-5.0", "-5"},
        {"null", ""},
        {"NaN", ""},
        {"\"NaN\"", ""},
        {"\"nan\"", ""},
        {"\"\"", ""},
        {"\"1.785e4\"", "1.785e4"},
        {"\" 7\"", " 7"},
        {"\"x.0\"", "x.0"},
        {"\".0\"", ".0"},
        {"0", "0"},
        {"0.0", "0"},
        {"1e99", "1e99"},
        {"\"C\\u0041\"", "CA"},
        {"\"C\xc3\xa9\"", "C\xc3\xa9"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        char text[512], wanted[256];
        (void)snprintf(text, sizeof text, WITH("\"InvoiceNo\":1,\"CustomerID\":%s"),
                       cases[i].value);
        (void)snprintf(wanted, sizeof wanted, "|1||%s||%s", cases[i].customer, SOLD);
        gives(text, wanted);
    }
}

T(numbers_keep_their_text_and_money_is_exact)
{
    static const struct {
        const char *fields, *line;
    } cases[] = {
        {"\"InvoiceNo\":536365.0,\"Quantity\":6.0,\"UnitPrice\":2.55", "|536365.0|||||6|2.55|15.3"},
        {"\"InvoiceNo\":1,\"Quantity\":\"6\",\"UnitPrice\":\"2.55\"", "|1|||||6|2.55|15.3"},
        {"\"InvoiceNo\":1,\"Quantity\":6e0,\"UnitPrice\":2.5499999999999998", "|1|||||6|2.55|15.3"},
        {"\"InvoiceNo\":1,\"Quantity\":-1,\"UnitPrice\":1234567890123.456789",
         "|1|||||-1|1234567890123.456789|-1234567890123.456789"},
        {"\"InvoiceNo\":1,\"Quantity\":\" 6 \",\"UnitPrice\":\" 0.1\"", "|1|||||6|0.1|0.6"},
        {"\"InvoiceNo\":1,\"Quantity\":1,\"UnitPrice\":0."
         "1000000000000000000000000000000000000000000000"
         "00000000000000000000000000000000000,\"x\":[NaN,1]",
         "|1|||||1|0.1|0.1"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        char text[512], wanted[256];
        (void)snprintf(text, sizeof text, "{\"InvoiceDate\":\"12/1/2010 8:26\",%s}",
                       cases[i].fields);
        (void)snprintf(wanted, sizeof wanted, "%s|2010-12-01T08:26:00Z\n", cases[i].line);
        gives(text, wanted);
    }
}

T(a_reject_names_the_field_its_value_and_the_reason)
{
    static const struct {
        const char *field, *value, *reason;
    } cases[] = {
        {"Quantity", "6.5", "Quantity is \"6.5\": not a whole number"},
        {"Quantity", "\"six\"", "Quantity is \"six\": not a whole number"},
        {"Quantity", "1e30", "Quantity is \"1e30\": too large"},
        {"Quantity", "true", "Quantity is neither a text nor a number"},
        {"Quantity", "null", "Quantity is missing"},
        {"Quantity", "NaN", "Quantity is missing"},
        {"Quantity", "\" \"", "Quantity is missing"},
        {"Quantity", "9000000000000000000", "quantity times price is too large"},
        {"InvoiceNo", "\"\"", "InvoiceNo is missing"},
        {"InvoiceNo", "{\"a\":1}", "InvoiceNo is neither a text nor a number"},
        {"InvoiceNo", "\"a\xff\"",
         "InvoiceNo is \"a?\": not UTF-8; set encoding if the data is Latin-1"},
        {"Country", "[]", "Country is neither a text nor a number"},
        {"Country", "\"\xc0\x80\"",
         "Country is \"??\": not UTF-8; set encoding if the data is Latin-1"},
        {"Country", "\"\xed\xa0\x80\"",
         "Country is \"???\": not UTF-8; set encoding if the data is Latin-1"},
        {"UnitPrice", "\"2,5\"",
         "UnitPrice is \"2,5\": not a decimal number of at most 6 places with a "
         "decimal point"},
        {"UnitPrice", "0.1234567",
         "UnitPrice is \"0.1234567\": not a decimal number of at most 6 places "
         "with a decimal point"},
        {"UnitPrice", "1e13", "UnitPrice is \"1e13\": too large"},
        {"UnitPrice", "\".5\"",
         "UnitPrice is \".5\": not a decimal number of at most 6 places with a "
         "decimal point"},
        {"InvoiceDate", "\"13/1/2010 8:26\"",
         "InvoiceDate is \"13/1/2010 8:26\": not a date (M/D/YYYY "
         "H:MM, ISO 8601 or epoch; date_order is mdy)"},
        {"InvoiceDate", "\"1/1/2500\"",
         "InvoiceDate is \"1/1/2500\": outside the years 1900 to 2199"},
        {"RecordID", "\"0123456789012345678901234567890123456789012345678901234567890123x\"",
         "RecordID is \"0123456789012345678901234567890123456789...\": longer than 64 bytes"},
    };
    static const char *const defaults[][2] = {{"InvoiceNo", "1"},
                                              {"Quantity", "2"},
                                              {"InvoiceDate", "\"12/1/2010 8:26\""},
                                              {"UnitPrice", "2.5"}};
    for (size_t i = 0; i < countof(cases); i++) {
        char text[1024], wanted[256];
        int n = snprintf(text, sizeof text, "{\"%s\":%s", cases[i].field, cases[i].value);
        for (size_t k = 0; k < countof(defaults); k++) {
            n += snprintf(text + n, sizeof text - (size_t)n, ",\"%s\":%s", defaults[k][0],
                          defaults[k][1]);
        }
        (void)snprintf(text + n, sizeof text - (size_t)n, "}");
        (void)snprintf(wanted, sizeof wanted, "! %s\n", cases[i].reason);
        gives(text, wanted);
    }
}

T(texts_with_a_decimal_comma_are_read_as_configured)
{
    decodes_to("decimal_point=,",
               STR("{\"InvoiceNo\":1,\"Quantity\":\"6,0\",\"InvoiceDate\":\"12/1/2010 8:26\","
                   "\"UnitPrice\":\"2,55\"}\n" GOOD("2")),
               "|1|||||6|2.55|15.3|2010-12-01T08:26:00Z\n" SALE("2"));
}

T(dates_may_be_epoch_numbers)
{
    gives("{\"InvoiceNo\":1,\"Quantity\":1,\"UnitPrice\":1,\"InvoiceDate\":1291191960}\n"
          "{\"InvoiceNo\":1,\"Quantity\":1,\"UnitPrice\":1,\"InvoiceDate\":1291191960000}",
          "|1|||||1|1|1|2010-12-01T08:26:00Z\n|1|||||1|1|1|2010-12-01T08:26:00Z\n");
}

T(latin_1_becomes_utf_8_unless_a_mark_says_it_is)
{
    decodes_to("encoding=latin-1", STR(WITH("\"InvoiceNo\":\"\xa3\",\"Country\":\"\\u00a3\xe9\"")),
               "|\xc2\xa3|||\xc2\xa3\xc3\xa9|" SOLD);
    decodes_to("encoding=latin-1", STR("\xef\xbb\xbf" WITH("\"InvoiceNo\":\"\xc2\xa3\"")),
               "|\xc2\xa3||||" SOLD);
    decodes_to("fields.invoice=N\xc2\xb0", STR(WITH("\"N\xc2\xb0\":\"1\"")), "|1||||" SOLD);
}

T(utf_16_is_refused_with_what_to_do)
{
    static const char *const texts[] = {"\xff\xfe{", "\xfe\xff{"};
    struct settings s = settings_with(NULL);
    for (size_t i = 0; i < countof(texts); i++) {
        struct why why;
        struct buf out;
        buf_init(&out, 1 << 16);
        struct decoded_way way = {.step = 1};
        eq_err(decoded(&codec_json, &s, str_of(texts[i]), way, &out, &why), ERR_INVALID);
        ok(strstr(why.text, "iconv -f UTF-16"));
        buf_clear(&out);
    }
    settings_clear(&s);
}

/* {"a":{"a": ... 1 ... }} inside a good record. */
static char *nested(int levels)
{
    char *text = malloc(2048);
    ok(text);
    int n = snprintf(text, 2048, "{\"x\":");
    for (int i = 1; i < levels; i++) {
        n += snprintf(text + n, 8, "{\"a\":");
    }
    n += snprintf(text + n, 8, "1");
    for (int i = 1; i < levels; i++) {
        n += snprintf(text + n, 8, "}");
    }
    (void)snprintf(text + n, 2048 - (size_t)n, ",%s", &WITH("\"InvoiceNo\":1")[1]);
    return text;
}

T(brackets_may_be_64_levels_deep)
{
    char *text = nested(64);
    gives(text, "|1||||" SOLD);
    free(text);
    text = nested(65);
    gives(text, "! not JSON at byte 320: more than 64 levels of brackets\n");
    free(text);
}

T(a_record_may_have_256_fields)
{
    char text[4096], wanted[128];
    for (int fields = 256; fields <= 257; fields++) {
        int n = snprintf(text, sizeof text, "{");
        for (int i = 4; i < fields; i++) {
            n += snprintf(text + n, 16, "\"x\":1,");
        }
        (void)snprintf(text + n, sizeof text - (size_t)n, "%s", &WITH("\"InvoiceNo\":1")[1]);
        (void)snprintf(wanted, sizeof wanted, "%s",
                       fields == 256 ? "|1||||" SOLD
                                     : "! not JSON at byte 1587: more than 256 fields\n");
        struct settings s = settings_with(NULL);
        decode_as(&s, str_of(text), (struct decoded_way){.plain = true}, wanted);
        settings_clear(&s);
    }
}

T(a_stretch_without_bytes_is_nothing)
{
    struct settings s = settings_with(NULL);
    struct codec *c;
    struct sales out;
    size_t used = 7;
    sales_init(&out);
    ok_err(codec_json.open(&s, &c, NULL));
    ok_err(codec_json.decode(c, &(struct stretch){.last = true}, 10, &out, &used, NULL));
    eq_int(used, 0);
    codec_json.close(c);
    codec_json.close(NULL);
    settings_clear(&s);
}

T(a_damaged_place_is_refused)
{
    static const struct {
        const char *bytes;
        size_t n;
    } cases[] = {{"", 0}, {"\0\0\0", 3}, {"\3\0\0\0", 4}, {"\0\2\0\0", 4}, {"\0\0\xff\x7f\0", 5}};
    struct settings s = settings_with(NULL);
    for (size_t i = 0; i < countof(cases); i++) {
        struct codec *c;
        struct reader in = reader_of(cases[i].bytes, cases[i].n);
        struct why why;
        ok_err(codec_json.open(&s, &c, &why));
        eq_err(codec_json.load(c, &in, &why), ERR_DAMAGED);
        codec_json.close(c);
    }
    settings_clear(&s);
}

/* ---- the three readers ---- */

struct readers {
    struct settings settings;
    struct codec_fields fields;
    struct json_object object;
    struct json_hot hot;
};

static void readers_init(struct readers *r)
{
    memset(r, 0, sizeof *r);
    r->settings = settings_with(NULL);
    ok_err(codec_fields_open(&r->fields, &r->settings, NULL));
}

static void readers_clear(struct readers *r)
{
    codec_fields_close(&r->fields);
    settings_clear(&r->settings);
}

T(a_learned_shape_reads_records_like_it_and_no_others)
{
    static const struct {
        const char *text;
        bool hot;
    } cases[] = {
        {"{\"a\":1,\"b\":\"x\"}", true},    {"{\"a\":-0.50,\"b\":\"\"}", true},
        {"{\"a\":null,\"b\":NaN}", true},   {"{\"a\":\"1\",\"b\":2}", true},
        {"{\"a\":\"\\n\",\"b\":2}", true},  {"{\"a\":01,\"b\":2}", false},
        {"{\"a\":1.,\"b\":2}", false},      {"{\"a\":1e3,\"b\":2}", false},
        {"{\"a\":-,\"b\":2}", false},       {"{\"a\":1 ,\"b\":2}", false},
        {"{\"a\":1,\"b\":2 }", false},      {"{\"a\":1,\"b\":true}", false},
        {"{\"a\":1,\"b\":\"x\"", false},    {"{\"a\":1,\"b\":\"x", false},
        {"{\"a\":1,\"b\":", false},         {"{\"a\":1,\"b\"", false},
        {"{\"a\":\"\\q\",\"b\":2}", false}, {"{\"a\":\"\x01\",\"b\":2}", false},
        {"{\"a\":nul,\"b\":2}", false},     {"{\"a\":1,\"c\":2}", false},
        {"{\"a\":1,\"b\":[]}", false},      {"{\"a\":1}", false},
    };
    struct readers r;
    readers_init(&r);
    struct str learned = STR("{\"a\":1,\"b\":\"y\"}");
    eq_int(json_check(learned, &r.object), JSON_WHOLE);
    json_hot_learn(&r.hot, &r.fields, learned, &r.object);
    for (size_t i = 0; i < countof(cases); i++) {
        size_t n = strlen(cases[i].text);
        char *exact = malloc(n);
        ok(exact);
        memcpy(exact, cases[i].text, n);
        eq_int(json_hot_read(&r.hot, exact, exact + n), cases[i].hot ? n : 0);
        free(exact);
    }
    readers_clear(&r);
}

T(a_shape_with_brackets_is_not_learned)
{
    struct readers r;
    readers_init(&r);
    struct str text = STR("{\"k\":{\"a\":1},\"n\":2}");
    eq_int(json_check(text, &r.object), JSON_WHOLE);
    json_hot_learn(&r.hot, &r.fields, text, &r.object);
    struct str trap = STR("{\"k\":5\"a\":1},\"n\":2}");
    eq_int(json_hot_read(&r.hot, trap.p, trap.p + trap.n), 0);
    readers_clear(&r);
}

T_OOM(decoding_json_survives_lack_of_memory)
{
    static const char text[] = GOOD("1") "\n" WITH("\"InvoiceNo\":\"\\u0041\"") "\nbad\n" GOOD("2");
    struct settings s;
    struct codec *c = NULL;
    struct sales out;
    size_t used = 0;
    sales_init(&out);
    enum err e = settings_init(&s);
    if (e) {
        return e;
    }
    e = codec_json.open(&s, &c, NULL);
    if (!e) {
        struct stretch in = {.bytes = {text, sizeof text - 1}, .last = true};
        e = codec_json.decode(c, &in, SIZE_MAX, &out, &used, NULL);
    }
    memory_again();
    eq_int(out.n, e ? 0 : 3);
    eq_int(out.n_rejects, e ? 0 : 1);
    eq_int(used, e ? 0 : sizeof text - 1);
    codec_json.close(c);
    sales_clear(&out);
    settings_clear(&s);
    return e;
}
