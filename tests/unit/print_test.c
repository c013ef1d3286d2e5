/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "commands/print.h"
#include "tests/support/t.h"

#include <stdlib.h>

static const struct print_column columns[] = {
    {.name = "key"},
    {.name = "lines"},
    {.name = "revenue", .kind = PRINT_MONEY},
    {.name = "micros", .only_data = true},
    {.name = "mean", .rank = 1},
    {.name = "position", .kind = PRINT_ID, .rank = 2},
};

static const struct value rows[][6] = {
    {{.kind = VALUE_TEXT, .text = {"France", 6}},
     {.kind = VALUE_WHOLE, .whole = 1234567},
     {.kind = VALUE_WHOLE, .whole = INT64_C(-1234567890000)},
     {.kind = VALUE_WHOLE, .whole = INT64_C(-1234567890000)},
     {.kind = VALUE_REAL, .real = 0.1},
     {.kind = VALUE_WHOLE, .whole = 45038760}},
    {{.kind = VALUE_TEXT, .text = {"a\"b,c\n\xff\x1b[2J", 11}},
     {.kind = VALUE_WHOLE, .whole = -999},
     {.kind = VALUE_WHOLE, .whole = 30000001},
     {.kind = VALUE_WHOLE, .whole = 30000001},
     {.kind = VALUE_NULL},
     {.kind = VALUE_TEXT, .text = {"007", 3}}},
};

/* What is printed of the first n rows; to be freed. */
static char *printed(enum print_format format, int n, int width)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    struct print_setup setup = {.out = out,
                                .format = format,
                                .columns = columns,
                                .n_columns = countof(columns),
                                .width = width};
    struct print *p = NULL;

    ok_err(print_open(&setup, &p));
    for (int i = 0; i < n; i++)
        ok_err(print_row(p, rows[i % 2]));
    ok_err(print_end(p));
    print_close(p);
    (void)fclose(out);
    return text;
}

static void prints(enum print_format format, int n, int width, const char *wanted)
{
    char *text = printed(format, n, width);

    eq_str(text, wanted);
    free(text);
}

T(a_table_aligns_groups_and_escapes)
{
    prints(PRINT_TABLE, 2, 0,
           "key                       lines        revenue  mean  position\n"
           "France                1,234,567  -1,234,567.89  0.10  45038760\n"
           "a\"b,c\\x0a\\xff\\x1b[2J       -999      30.000001             007\n");
}

T(a_narrow_table_leaves_out_what_matters_least)
{
    prints(PRINT_TABLE, 1, 40,
           "key         lines        revenue  mean\n"
           "France  1,234,567  -1,234,567.89  0.10\n"
           "(not shown: position; a wider terminal or --format csv has them)\n");
    prints(PRINT_TABLE, 1, 5,
           "key         lines        revenue\n"
           "France  1,234,567  -1,234,567.89\n"
           "(not shown: mean, position; a wider terminal or --format csv has them)\n");
}

T(json_has_exact_numbers_one_object_a_line)
{
    prints(PRINT_JSON, 2, 10,
           "[\n"
           "{\"key\":\"France\",\"lines\":1234567,\"revenue\":-1234567.89,"
           "\"micros\":-1234567890000,\"mean\":0.1,\"position\":45038760},\n"
           "{\"key\":\"a\\\"b,c\\u000a\\ufffd\\u001b[2J\",\"lines\":-999,\"revenue\":30.000001,"
           "\"micros\":30000001,\"mean\":null,\"position\":\"007\"}\n"
           "]\n");
}

T(csv_quotes_by_the_rfc)
{
    prints(PRINT_CSV, 2, 10,
           "key,lines,revenue,micros,mean,position\r\n"
           "France,1234567,-1234567.89,-1234567890000,0.1,45038760\r\n"
           "\"a\"\"b,c\n\xff\x1b[2J\",-999,30.000001,30000001,,007\r\n");
}

T(nothing_is_printed_as_nothing)
{
    prints(PRINT_TABLE, 0, 0, "(no rows)\n");
    prints(PRINT_JSON, 0, 0, "[]\n");
    prints(PRINT_CSV, 0, 0, "key,lines,revenue,micros,mean,position\r\n");
}

T(a_long_table_goes_on_after_its_widths_are_known)
{
    char *text = printed(PRINT_TABLE, 2500, 0);
    size_t lines = 0;

    for (const char *p = text; *p; p++)
        lines += *p == '\n';
    eq_int(lines, 2501);
    free(text);
}

T(a_long_text_is_cut_in_a_table_and_whole_in_data)
{
    static const struct print_column one[] = {{.name = "raw"}};
    char text[200];
    char *out = NULL;
    size_t size = 0;

    memset(text, 'x', sizeof(text));
    for (int format = PRINT_TABLE; format <= PRINT_CSV; format++) {
        FILE *to = open_memstream(&out, &size);
        struct print_setup setup = {
            .out = to, .format = (enum print_format)format, .columns = one, .n_columns = 1};
        struct value v = {.kind = VALUE_TEXT, .text = {text, sizeof(text)}};
        struct print *p = NULL;

        ok_err(print_open(&setup, &p));
        ok_err(print_row(p, &v));
        ok_err(print_end(p));
        print_close(p);
        (void)fclose(to);
        eq_int(strspn(strchr(out, 'x'), "x"), format == PRINT_TABLE ? 59 : 200);
        eq_int(strstr(out, "\u2026") != NULL, format == PRINT_TABLE);
        free(out);
    }
}

T(valid_utf8_passes_and_all_else_is_replaced)
{
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"\u00a3\u20ac\U0001F600", "\u00a3\u20ac\U0001F600"},
        {"\xc0\xaf", "\\ufffd\\ufffd"},
        {"\xed\xa0\x80", "\\ufffd\\ufffd\\ufffd"},
        {"\xf4\x90\x80\x80", "\\ufffd\\ufffd\\ufffd\\ufffd"},
        {"\xe2\x82", "\\ufffd\\ufffd"},
        {"\xe0\x80\x80", "\\ufffd\\ufffd\\ufffd"},
    };
    static const struct print_column one[] = {{.name = "t"}};

    for (size_t i = 0; i < countof(cases); i++) {
        char wanted[80];
        char *out = NULL;
        size_t size = 0;
        FILE *to = open_memstream(&out, &size);
        struct print_setup setup = {
            .out = to, .format = PRINT_JSON, .columns = one, .n_columns = 1};
        struct value v = {.kind = VALUE_TEXT, .text = str_of(cases[i].in)};
        struct print *p = NULL;

        ok_err(print_open(&setup, &p));
        ok_err(print_row(p, &v));
        ok_err(print_end(p));
        print_close(p);
        (void)fclose(to);
        (void)snprintf(wanted, sizeof(wanted), "[\n{\"t\":\"%s\"}\n]\n", cases[i].out);
        eq_str(out, wanted);
        free(out);
    }
}

T(grouping_has_no_limits)
{
    char text[32];

    eq_str(print_grouped(0, text), "0");
    eq_str(print_grouped(-100, text), "-100");
    eq_str(print_grouped(1000, text), "1,000");
    eq_str(print_grouped(INT64_MIN, text), "-9,223,372,036,854,775,808");
}

/* What is printed of one row of a name, a ratio, something that is JSON, and a long text. */
static void prints_wide(enum print_format format, int width, const char *wanted)
{
    static const struct print_column wide[] = {{.name = "name", .rank = 1},
                                               {.name = "ratio", .kind = PRINT_RATIO},
                                               {.name = "json", .kind = PRINT_RAW},
                                               {.name = "text", .rest = true}};
    const struct value row[] = {
        {.kind = VALUE_TEXT, .text = str_of("a name")},
        {.kind = VALUE_REAL, .real = 0.70449},
        {.kind = VALUE_TEXT, .text = str_of("[{\"a\":\"\xff\"}]")},
        {.kind = VALUE_TEXT,
         .text =
             str_of("a text of more than sixty characters, of which not one is to be cut off")}};
    char *out = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&out, &size);
    const struct print_setup setup = {
        .out = to, .format = format, .columns = wide, .n_columns = 4, .width = width};
    struct print *p = NULL;

    ok_err(print_open(&setup, &p));
    ok_err(print_row(p, row));
    ok_err(print_end(p));
    print_close(p);
    (void)fclose(to);
    eq_str(out, wanted);
    free(out);
}

T(one_column_may_have_the_rest_of_the_line)
{
    prints_wide(
        PRINT_TABLE, 0,
        "name    ratio  json            text\n"
        "a name  0.704  [{\"a\":\"\\xff\"}]  a text of more than sixty characters, of which "
        "not one is to be cut off\n");
    prints_wide(
        PRINT_TABLE, 70,
        "name    ratio  json            text\n"
        "a name  0.704  [{\"a\":\"\\xff\"}]  a text of more than sixty characters, \u2026\n");
    prints_wide(PRINT_TABLE, 20,
                "ratio  json            text\n"
                "0.704  [{\"a\":\"\\xff\"}]  a text of more than sixty cha\u2026\n"
                "(not shown: name; a wider terminal or --format csv has them)\n");
}

T(what_is_json_already_goes_into_json_as_it_is)
{
    prints_wide(
        PRINT_JSON, 0,
        "[\n{\"name\":\"a name\",\"ratio\":0.70449,\"json\":[{\"a\":\"\\ufffd\"}],\"text\":"
        "\"a text of more than sixty characters, of which not one is to be cut off\"}\n]\n");
}

T(an_amount_is_grouped_and_exact)
{
    struct buf out;

    buf_init(&out, 100);
    ok_err(print_amount(&out, INT64_C(-77183600000)));
    ok_err(print_amount(&out, 1234567001));
    ok_err(buf_u8(&out, 0));
    eq_str(out.p, "-77,183.601,234.567001");
    buf_clear(&out);
}
