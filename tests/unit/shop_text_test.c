/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The synthetic shop's lines as text.
 */
#include "commands/shop_text.h"
#include "tests/support/t.h"

#include <stdio.h>

/* 2010-12-01 08:26 */
#define MORNING INT64_C(1291191960000)

static struct shop_line first_line(void)
{
    struct shop_line line = {.invoice = 536365, .at_ms = MORNING, .number = 1, .first = true};

    line.what.code = STR("85123A");
    line.what.name = STR("WHITE HANGING HEART T-LIGHT HOLDER");
    line.what.country = STR("United Kingdom");
    line.what.customer = 17850;
    line.what.quantity = 6;
    line.what.price_milli = 2550;
    return line;
}

static const char *text_of(struct shop_text *t, const struct shop_line *line)
{
    static char out[SHOP_TEXT_LINE_MAX + 1];

    out[shop_text_line(t, line, out)] = 0;
    return out;
}

T(a_line_of_json_is_the_one_the_api_writes)
{
    struct shop_text t;
    struct shop_line line = first_line();

    shop_text_init(&t, false, false, 1);
    eq_str(text_of(&t, &line),
           "{\"InvoiceNo\":\"536365\",\"StockCode\":\"85123A\",\"Description\":\"WHITE HANGING "
           "HEART T-LIGHT HOLDER\",\"Quantity\":6,\"InvoiceDate\":\"12/1/2010 8:26\","
           "\"UnitPrice\":2.55,\"CustomerID\":17850,\"Country\":\"United Kingdom\"}\n");
}

T(a_line_of_csv_is_the_one_of_the_uci_file)
{
    struct shop_text t;
    struct shop_line line = first_line();
    char header[SHOP_TEXT_LINE_MAX + 1];

    shop_text_init(&t, true, false, 1);
    header[shop_text_header(&t, header)] = 0;
    eq_str(header, "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,"
                   "Country\n");
    eq_str(text_of(&t, &line), "536365,85123A,WHITE HANGING HEART T-LIGHT HOLDER,6,12/1/2010 8:26,"
                               "2.55,17850,United Kingdom\n");
}

T(quotes_and_commas_are_guarded)
{
    struct shop_text t;
    struct shop_line line = first_line();

    line.what.name = STR("12\" SIGN, LARGE");
    shop_text_init(&t, true, false, 1);
    ok(strstr(text_of(&t, &line), ",\"12\"\" SIGN, LARGE\",") != NULL);
    shop_text_init(&t, false, false, 1);
    ok(strstr(text_of(&t, &line), "\"12\\\" SIGN, LARGE\"") != NULL);
}

T(a_return_without_customer_has_its_letter_and_a_null)
{
    struct shop_text t;
    struct shop_line line = first_line();

    line.letter = 'C';
    line.what.customer = 0;
    line.what.quantity = -6;
    shop_text_init(&t, false, false, 1);
    ok(strstr(text_of(&t, &line), "\"C536365\"") != NULL);
    ok(strstr(text_of(&t, &line), "\"Quantity\":-6,") != NULL);
    ok(strstr(text_of(&t, &line), "\"CustomerID\":null,") != NULL);
    shop_text_init(&t, true, false, 1);
    ok(strstr(text_of(&t, &line), ",2.55,,United Kingdom\n") != NULL);
}

T(prices_have_no_needless_zeros)
{
    static const struct {
        int64_t milli;
        const char *text;
    } cases[] = {{0, ",0,"},      {10, ",0.01,"},    {1, ",0.001,"},
                 {2100, ",2.1,"}, {18000, ",18,"},   {-10, ",-0.01,"},
                 {5, ",0.005,"},  {1005, ",1.005,"}, {-11062060, ",-11062.06,"}};

    for (size_t i = 0; i < countof(cases); i++) {
        struct shop_text t;
        struct shop_line line = first_line();

        line.what.price_milli = cases[i].milli;
        shop_text_init(&t, true, false, 1);
        ok(strstr(text_of(&t, &line), cases[i].text) != NULL);
    }
}

T(dates_follow_the_lines_and_show_seconds_when_asked)
{
    struct shop_text t;
    struct shop_line line = first_line();

    shop_text_init(&t, true, false, 1);
    ok(strstr(text_of(&t, &line), ",12/1/2010 8:26,") != NULL);
    line.at_ms += 39 * 60000;
    ok(strstr(text_of(&t, &line), ",12/1/2010 9:05,") != NULL);
    shop_text_init(&t, true, false, 1);
    t.seconds = true;
    line.at_ms += 7999;
    ok(strstr(text_of(&t, &line), ",12/1/2010 9:05:07,") != NULL);
}

T(a_record_id_names_the_seed_and_the_line)
{
    struct shop_text t;
    struct shop_line line = first_line();

    line.number = 42;
    shop_text_init(&t, true, true, 7);
    ok(strstr(text_of(&t, &line), ",United Kingdom,shop-7-42\n") != NULL);
    shop_text_init(&t, false, true, 7);
    ok(strstr(text_of(&t, &line), ",\"RecordID\":\"shop-7-42\"}\n") != NULL);
}

T(the_longest_line_fits)
{
    struct shop_text t;
    struct shop_line line = first_line();
    char quotes[GOODS_NAME_MAX];

    memset(quotes, '"', sizeof(quotes));
    line.what.name = line.what.country = (struct str){quotes, sizeof(quotes)};
    line.what.code = (struct str){quotes, GOODS_CODE_MAX};
    line.invoice = line.what.customer = line.what.quantity = line.number = INT64_MAX;
    line.what.price_milli = -INT64_MAX;
    for (int csv = 0; csv < 2; csv++) {
        char out[SHOP_TEXT_LINE_MAX];

        shop_text_init(&t, csv, true, INT64_MAX);
        ok(shop_text_line(&t, &line, out) <= sizeof(out));
    }
}
