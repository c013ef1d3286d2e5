/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Tests of the CSV codec (connectors/csv*.c): rows, quotes, headers, recovery, the place.
 */
#include "connectors/csv_parts.h"

#include "tests/support/decoded.h"
#include "tests/support/t.h"

#include <stdio.h>
#include <stdlib.h>

#define HEADER "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
#define ROW(no) no ",S,DOG,2,12/1/2010 8:26,2.5,7,UK\n"
#define SALE(no) "|" no "|S|7|UK||2|2.5|5|2010-12-01T08:26:00Z\n"

static struct settings settings_with(const char *const *assignments)
{
    struct settings s;
    struct why why;
    ok_err(settings_init(&s));
    for (size_t i = 0; assignments && assignments[i]; i++) {
        if (settings_set(&s, assignments[i], &why)) {
            fail("%s", why.text);
        }
    }
    return s;
}

static void decode_as(const struct settings *s, struct str text, struct decoded_way way,
                      const char *wanted)
{
    struct buf out;
    struct why why = {""};
    buf_init(&out, 1 << 20);
    enum err e = decoded(&codec_csv, s, text, way, &out, &why);
    if (e) {
        fail("%s: %s", err_text(e), why.text);
    }
    ok_err(buf_u8(&out, 0));
    eq_str(out.p, wanted);
    buf_clear(&out);
}

/* Decodes `text` in every way there is to cut it; all must give `wanted`. */
static void decodes_to(const char *const *assignments, struct str text, const char *wanted)
{
    struct settings s = settings_with(assignments);
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

/* Decoding `text` is refused with these words. */
static void refused(const char *text, const char *words)
{
    struct settings s = settings_with((const char *const[]){"max_record=400", NULL});
    for (size_t step = 0; step < 3; step++) {
        struct buf out;
        struct why why = {""};
        buf_init(&out, 1 << 20);
        struct decoded_way way = {.step = step};
        eq_err(decoded(&codec_csv, &s, str_of(text), way, &out, &why), ERR_INVALID);
        if (!strstr(why.text, words)) {
            fail("\"%s\" has no \"%s\"", why.text, words);
        }
        buf_clear(&out);
    }
    settings_clear(&s);
}

T(a_row_is_a_sale)
{
    gives(HEADER ROW("1") ROW("2"), SALE("1") SALE("2"));
    gives("\xef\xbb\xbf" HEADER ROW("1"), SALE("1"));
    gives(HEADER "1,S,DOG,2,12/1/2010 8:26,2.5,7,UK", SALE("1"));
    gives(HEADER, "");
    gives("", "");
    gives("\n\n", "");
}

T(lines_may_end_in_lf_crlf_or_cr)
{
    static const char *const ends[] = {"\n", "\r\n", "\r"};
    for (size_t i = 0; i < countof(ends); i++) {
        char text[1024];
        (void)snprintf(text, sizeof text,
                       "Invoice,Quantity,InvoiceDate,Price%s1,2,12/1/2010 8:26,2.5%s%s\"2\",2,"
                       "12/1/2010 8:26,\"2.5\"%s3,2,12/1/2010 8:26,\"2.5\"",
                       ends[i], ends[i], ends[i], ends[i]);
        gives(text, "|1|||||2|2.5|5|2010-12-01T08:26:00Z\n|2|||||2|2.5|5|2010-12-01T08:26:00Z\n"
                    "|3|||||2|2.5|5|2010-12-01T08:26:00Z\n");
    }
    gives("Invoice,Quantity,InvoiceDate,Price,Country\r\n1,2,12/1/2010 8:26,2.5,A\n"
          "2,2,12/1/2010 8:26,2.5,B\r\n3,2,12/1/2010 8:26,2.5,C\rD\r\n",
          "|1|||A||2|2.5|5|2010-12-01T08:26:00Z\n|2|||B||2|2.5|5|2010-12-01T08:26:00Z\n"
          "|3|||C\rD||2|2.5|5|2010-12-01T08:26:00Z\n");
}

T(quotes_are_read_as_python_reads_them)
{
    static const struct {
        const char *field, *country;
    } cases[] = {
        {"\"UK\"", "UK"},       {"\"U,K\"", "U,K"},       {"\"U\"\"K\"", "U\"K"},
        {"\"\"", ""},           {"\"\"\"\"", "\""},       {"U\"K", "U\"K"},
        {"UK\"\"", "UK\"\""},   {"\"U\"K", "UK"},         {"\"U\"K\"", "UK\""},
        {"\"U\nK\"", "U\nK"},   {"\"U\r\nK\"", "U\r\nK"}, {"\"\"\"U\"\"\"", "\"U\""},
        {" \"UK\"", " \"UK\""}, {"\"U\" ", "U "},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        char text[512], wanted[256];
        (void)snprintf(text, sizeof text,
                       "Country,Invoice,Quantity,InvoiceDate,Price\n%s,1,2,12/1/2010 8:26,2.5\n"
                       "UK,2,2,12/1/2010 8:26,2.5\n",
                       cases[i].field);
        (void)snprintf(wanted, sizeof wanted,
                       "|1|||%s||2|2.5|5|2010-12-01T08:26:00Z\n"
                       "|2|||UK||2|2.5|5|2010-12-01T08:26:00Z\n",
                       cases[i].country);
        gives(text, wanted);
        (void)snprintf(text, sizeof text,
                       "Invoice,Quantity,InvoiceDate,Price,Country\n1,2,12/1/2010 8:26,2.5,%s\n"
                       "2,2,12/1/2010 8:26,2.5,UK\n",
                       cases[i].field);
        gives(text, wanted);
    }
}

T(a_description_may_hold_anything)
{
    gives(HEADER "1,S,\"A, \"\"B\"\"\n\n C\xff\",2,12/1/2010 8:26,2.5,7,UK\n"
                 "2,S,\xa3 \"x\",2,12/1/2010 8:26,2.5,7,UK\n",
          SALE("1") SALE("2"));
}

T(a_row_with_the_wrong_number_of_fields_is_a_reject)
{
    gives(HEADER ROW("1") "2,S,DOG,2,12/1/2010 8:26,2.5,7,UK,\n" ROW("3"),
          SALE("1") "! the row has 9 fields, the header 8\n" SALE("3"));
    gives(HEADER ROW("1") "2,S,DOG,2,12/1/2010 8:26\n" ROW("3"),
          SALE("1") "! the row has 5 fields, the header 8\n" SALE("3"));
    gives(HEADER "x\n" ROW("3"), "! the row has 1 field, the header 8\n" SALE("3"));
    gives(HEADER ROW("1") "2,S,DOG,2,12/1/2010 8:26,2.5\n",
          SALE("1") "|2|S||||2|2.5|5|2010-12-01T08:26:00Z\n");
}

T(an_open_quote_costs_its_line_only)
{
    gives(HEADER "9,S,\"OPEN,2,12/1/2010 8:26,2.5,7,UK\n" ROW("1") ROW("2"),
          "! a quote is not closed\n" SALE("1") SALE("2"));
    gives(HEADER "9,S,\"OPEN,2,12/1/2010 8:26,2.5,7,UK\n" ROW(
              "1") "2,S,\"DOG\",2,12/1/2010 8:26,2.5,7,UK\n" ROW("3"),
          "! a quote is not closed in its field\n" SALE("1") SALE("2") SALE("3"));
    gives(HEADER "9,S,\"OPEN,2,12/1/2010 8:26,2.5,7,UK\r\n" ROW(
              "1") "2,S,\",DOG\",2,12/1/2010 8:26,2.5,7,UK\n",
          "! a quote is not closed in its field\n" SALE("1") SALE("2"));
    gives(HEADER ROW("1") "9,S,\"OPEN", SALE("1") "! a quote is not closed\n");
}

T(a_row_longer_than_max_record_is_one_reject)
{
    static const char *const small[] = {"max_record=100", NULL};
    char text[2048], filler[151];
    memset(filler, 'x', sizeof filler - 1);
    filler[sizeof filler - 1] = '\0';
    (void)snprintf(text, sizeof text, "%s%s2,%s\n%s", HEADER, ROW("1"), filler, ROW("3"));
    decodes_to(small, str_of(text), SALE("1") "! longer than max_record, 100 bytes\n" SALE("3"));
    (void)snprintf(text, sizeof text, "%s%s2,\"%s\",\"\n%s", HEADER, ROW("1"), filler, ROW("3"));
    decodes_to(small, str_of(text), SALE("1") "! longer than max_record, 100 bytes\n" SALE("3"));
    (void)snprintf(text, sizeof text, "%s%s2,S,%s,2,12/1/2010 8:26,2.5,7,UK\n%s", HEADER, ROW("1"),
                   filler, ROW("3"));
    decodes_to(small, str_of(text), SALE("1") "! longer than max_record, 100 bytes\n" SALE("3"));
    (void)snprintf(text, sizeof text, "%s%s2,\"open\n%s%s%s", HEADER, ROW("1"), ROW("3"), ROW("4"),
                   ROW("5"));
    decodes_to(small, str_of(text),
               SALE("1") "! a quote is not closed within max_record\n" SALE("3") SALE("4")
                   SALE("5"));
}

T(a_row_of_max_record_bytes_is_read_whatever_ends_its_line)
{
    static const char *const ends[] = {"\n", "\r\n", "\r"};
    for (size_t i = 0; i < countof(ends); i++) {
        for (int more = 0; more < 2; more++) {
            char text[512], setting[32];
            int n = snprintf(text, sizeof text, "Invoice,Quantity,InvoiceDate,Price,Description%s",
                             ends[i]);
            int m = snprintf(
                text + n, sizeof text - (size_t)n,
                "1,2,12/1/2010 8:26,2.5,01234567890123456789012345678901234567890123456789");
            (void)snprintf(text + n + m, sizeof text - (size_t)(n + m),
                           "%s2,2,12/1/2010 8:26,2.5,%s", ends[i], ends[i]);
            (void)snprintf(setting, sizeof setting, "max_record=%d", m - more);
            char first[128] = "|1|||||2|2.5|5|2010-12-01T08:26:00Z", wanted[256];
            if (more) {
                (void)snprintf(first, sizeof first, "! longer than max_record, %d bytes", m - 1);
            }
            (void)snprintf(wanted, sizeof wanted, "%s\n|2|||||2|2.5|5|2010-12-01T08:26:00Z\n",
                           first);
            decodes_to((const char *const[]){setting, NULL}, str_of(text), wanted);
        }
    }
}

T(a_header_in_the_middle_is_a_reject_of_its_own)
{
    gives(HEADER ROW("1") HEADER ROW("2"), SALE("1") "! a second header\n" SALE("2"));
}

T(the_separator_is_found_in_the_header)
{
    static const char signs[] = ",;\t";
    for (size_t i = 0; signs[i]; i++) {
        char text[512];
        (void)snprintf(text, sizeof text, "%s%s", HEADER, ROW("1"));
        for (char *p = text; *p; p++) {
            if (*p == ',') {
                *p = signs[i];
            }
        }
        gives(text, SALE("1"));
    }
    decodes_to((const char *const[]){"csv_separator=|", NULL},
               STR("InvoiceNo|Quantity|InvoiceDate|UnitPrice\n1|2|12/1/2010 8:26|2.5\n"),
               "|1|||||2|2.5|5|2010-12-01T08:26:00Z\n");
}

T(the_files_of_other_offices_are_read)
{
    decodes_to((const char *const[]){"decimal_point=,", "date_order=dmy", NULL},
               STR("Invoice;Description;Quantity;InvoiceDate;Price;Customer ID;Country\r\n"
                   "536365;\"A;B\";6;01/12/2010 08:26;2,55;17850;United Kingdom\r\n\r\n"
                   "536366;C;6,0;01/12/2010 08:27;3;nan;France\r\n"),
               "|536365||17850|United Kingdom||6|2.55|15.3|2010-12-01T08:26:00Z\n"
               "|536366|||France||6|3|18|2010-12-01T08:27:00Z\n");
}

T(keys_are_kept_byte_for_byte)
{
    gives(HEADER
          "1, s ,x, 2 , 12/1/2010 8:26\t,2.50, 7,\n2,85123a,x,2,12/1/2010 8:26,2.5,13085.0,UK\n",
          "|1| s | 7|||2|2.5|5|2010-12-01T08:26:00Z\n"
          "|2|85123a|13085|UK||2|2.5|5|2010-12-01T08:26:00Z\n");
    struct str nul = STR("Invoice,Quantity,InvoiceDate,Price\n1\0,2,12/1/2010 8:26,2.5\n");
    decodes_to(NULL, nul, "! Invoice is \"1?\": it holds a NUL byte\n");
}

T(latin_1_is_converted_if_configured)
{
    static const char *const latin1[] = {"encoding=latin-1", NULL};
    gives(HEADER "1,S,x,2,12/1/2010 8:26,2.5,7,\xa3\n",
          "! Country is \"?\": not UTF-8; set encoding if the data is Latin-1\n");
    gives(HEADER "1,S,x,2,12/1/2010 8:26,2.5,7,\xc3\xa9\n",
          "|1|S|7|\xc3\xa9||2|2.5|5|2010-12-01T08:26:00Z\n");
    decodes_to(latin1, STR(HEADER "1,S,x,2,12/1/2010 8:26,2.5,7,\"\xe9\"\"\"\n"),
               "|1|S|7|\xc3\xa9\"||2|2.5|5|2010-12-01T08:26:00Z\n");
    decodes_to(latin1, STR("\xef\xbb\xbf" HEADER "1,S,x,2,12/1/2010 8:26,2.5,7,\xc3\xa9\n"),
               "|1|S|7|\xc3\xa9||2|2.5|5|2010-12-01T08:26:00Z\n");
    decodes_to((const char *const[]){"encoding=latin-1", "fields.invoice=N\xc2\xb0", NULL},
               STR("N\xb0,Quantity,InvoiceDate,UnitPrice\n1,2,12/1/2010 8:26,2.5\n"),
               "|1|||||2|2.5|5|2010-12-01T08:26:00Z\n");
}

T(bad_utf_8_is_found_wherever_a_row_starts)
{
    for (size_t n = 1; n < 70; n++) {
        char text[512], filler[71], wanted[256];
        memset(filler, 'x', n);
        filler[n] = '\0';
        (void)snprintf(text, sizeof text,
                       "Invoice,Quantity,InvoiceDate,Price\n%s,1,12/1/2010,1\n\xff,1,12/1/2010,1\n"
                       "2,1,12/1/2010,1\n",
                       filler);
        (void)snprintf(wanted, sizeof wanted,
                       "|%s|||||1|1|1|2010-12-01T00:00:00Z\n"
                       "! Invoice is \"?\": not UTF-8; set encoding if the data is Latin-1\n"
                       "|2|||||1|1|1|2010-12-01T00:00:00Z\n",
                       filler);
        struct settings s = settings_with(NULL);
        decode_as(&s, str_of(text), (struct decoded_way){.plain = true}, wanted);
        settings_clear(&s);
    }
}

T(of_equal_columns_the_first_counts)
{
    gives(
        "Invoice,InvoiceNo,InvoiceNo,Quantity,InvoiceDate,UnitPrice\n0,1,2,2,12/1/2010 8:26,2.5\n",
        "|1|||||2|2.5|5|2010-12-01T08:26:00Z\n");
}

T(a_header_without_a_required_column_is_refused)
{
    refused("InvoiceNo,Quantity,InvoiceDate\n1,2,3\n",
            "no column \"UnitPrice\"; its columns are: InvoiceNo,Quantity,InvoiceDate. Name the "
            "column in the setting fields.price");
    refused("536365,85123A,WHITE,6,12/1/2010 8:26,2.55\n", "no column \"InvoiceNo\"");
    refused("\xff\xfeI\0n\0", "iconv -f UTF-16");
    char text[1024];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    refused(text, "no line end in the first 400 bytes");
    for (size_t i = 1; i < sizeof text - 1; i += 2) {
        text[i] = ',';
    }
    memcpy(text + 300 * 2, "\n", 1);
    struct settings s = settings_with(NULL);
    struct buf out;
    struct why why;
    buf_init(&out, 1 << 20);
    eq_err(decoded(&codec_csv, &s, str_of(text), (struct decoded_way){0}, &out, &why), ERR_INVALID);
    ok(strstr(why.text, "more than 256 columns"));
    settings_clear(&s);
}

T(a_damaged_place_is_refused)
{
    static const struct {
        const char *bytes;
        size_t n;
        enum err e;
    } cases[] = {{"", 0, ERR_DAMAGED},
                 {"\0\0,\0", 4, ERR_DAMAGED},
                 {"\2\0,\0\0", 5, ERR_DAMAGED},
                 {"\0\0\0\0\1a", 6, ERR_DAMAGED},
                 {"\0\0,\0\1a", 6, ERR_INVALID}};
    struct settings s = settings_with(NULL);
    for (size_t i = 0; i < countof(cases); i++) {
        struct codec *c;
        struct reader in = reader_of(cases[i].bytes, cases[i].n);
        struct why why;
        ok_err(codec_csv.open(&s, &c, &why));
        eq_err(codec_csv.load(c, &in, &why), cases[i].e);
        codec_csv.close(c);
    }
    codec_csv.close(NULL);
    settings_clear(&s);
}

T_OOM(decoding_csv_survives_lack_of_memory)
{
    static const char text[] = HEADER ROW("1") "2,\"a\"\"b\",x,2,12/1/2010 8:26,2.5,7,UK\nbad\n";
    struct settings s;
    struct codec *c = NULL;
    struct sales out;
    size_t used = 0;
    sales_init(&out);
    enum err e = settings_init(&s);
    if (e) {
        return e;
    }
    e = codec_csv.open(&s, &c, NULL);
    if (!e) {
        struct stretch in = {.bytes = {text, sizeof text - 1}, .last = true};
        e = codec_csv.decode(c, &in, SIZE_MAX, &out, &used, NULL);
    }
    memory_again();
    eq_int(out.n, e ? 0 : 2);
    eq_int(out.n_rejects, e ? 0 : 1);
    eq_int(used, e ? 0 : sizeof text - 1);
    codec_csv.close(c);
    sales_clear(&out);
    settings_clear(&s);
    return e;
}
