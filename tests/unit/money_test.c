/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Tests of engine/money. tests/fuzz/money_fuzz.c holds a second implementation against it.
 */
#include "engine/money.h"

#include "tests/support/t.h"

#include <stdio.h>
#include <stdlib.h>

#define UNTOUCHED INT64_C(-77)

struct amount {
    const char *text;
    enum err e;
    int64_t value;
};

static void check_amount(const struct amount *a, char point)
{
    int64_t v = UNTOUCHED;
    enum err e = money_parse(str_of(a->text), point, &v);
    int64_t wanted = a->e ? UNTOUCHED : a->value;
    if (e != a->e || v != wanted) {
        fail("\"%s\": %s, %lld", a->text, err_text(e), (long long)v);
    }
}

T(prices_are_read_exactly)
{
    static const struct amount amounts[] = {
        {"2.55", ERR_OK, 2550000},
        {"0", ERR_OK, 0},
        {"-0", ERR_OK, 0},
        {"+1", ERR_OK, 1000000},
        {"-11062.06", ERR_OK, -11062060000},
        {"0.000001", ERR_OK, 1},
        {"007.50", ERR_OK, 7500000},
        {"1.1234560000", ERR_OK, 1123456},
        {"9223372036854.775807", ERR_OK, INT64_MAX},
        {"-9223372036854.775807", ERR_OK, -INT64_MAX},
        {"999999999999.999999", ERR_OK, 999999999999999999},
        {"1234567890123.123456", ERR_OK, 1234567890123123456},
    };
    for (size_t i = 0; i < countof(amounts); i++) {
        check_amount(&amounts[i], '.');
    }
}

T(exponents_move_the_point)
{
    static const struct amount amounts[] = {
        {"1e3", ERR_OK, 1000000000},
        {"2.5E-2", ERR_OK, 25000},
        {"2.5e+2", ERR_OK, 250000000},
        {"1e-6", ERR_OK, 1},
        {"1e-7", ERR_INVALID, 0},
        {"0e-7", ERR_OK, 0},
        {"0e999999999", ERR_OK, 0},
        {"0.000e99999999999999999999999999", ERR_OK, 0},
        {"1e400", ERR_LIMIT, 0},
        {"1e99999999999999999999999999", ERR_LIMIT, 0},
        {"1e-99999999999999999999999999", ERR_OK, 0}, /* within 1e-9 of zero */
        {"0.0000000000000000001e19", ERR_OK, 1000000},
        {"10000000000000000000000e-22", ERR_OK, 1000000},
    };
    for (size_t i = 0; i < countof(amounts); i++) {
        check_amount(&amounts[i], '.');
    }
}

T(the_noise_of_doubles_is_rounded_and_finer_prices_are_refused)
{
    static const struct amount amounts[] = {
        {"2.5499999999999998", ERR_OK, 2550000},
        {"4.950000000000001", ERR_OK, 4950000},
        {"-0.30000000000000004", ERR_OK, -300000},
        {"999999.99999999988", ERR_OK, 1000000000000},
        {"2.5500001", ERR_INVALID, 0},
        {"2.5500009", ERR_INVALID, 0},
        {"0.0000005", ERR_INVALID, 0},
        {"1.000000001", ERR_OK, 1000000}, /* 1e-9 away: the bound itself is in */
        {"1.0000000010000", ERR_OK, 1000000},
        {"1.00000000100000000001", ERR_INVALID, 0},
        {"1.000000999", ERR_OK, 1000001},
        {"1.0000009989999999", ERR_INVALID, 0},
        {"9.99999999999999999999999999", ERR_OK, 10000000},
        {"1e-9", ERR_OK, 0},
        {"1.1e-9", ERR_INVALID, 0},
    };
    for (size_t i = 0; i < countof(amounts); i++) {
        check_amount(&amounts[i], '.');
    }
}

T(every_price_survives_a_double)
{
    uint64_t state = seed();
    for (int i = 0; i < 100000; i++) {
        int64_t micros = (int64_t)rnd_below(&state, UINT64_C(1000000000000));
        double price = (double)micros / 1e6;
        char text[40];
        int64_t v = UNTOUCHED;
        int n = snprintf(text, sizeof text, i % 2 ? "%.17g" : "%.16e", price);
        ok_err(money_parse((struct str){text, (size_t)n}, '.', &v));
        eq_int(v, micros);
    }
}

T(amounts_that_do_not_fit_are_over_the_limit)
{
    static const struct amount amounts[] = {
        {"9223372036854.775808", ERR_LIMIT, 0},          {"-9223372036854.775808", ERR_LIMIT, 0},
        {"9223372036854.7758079999", ERR_LIMIT, 0}, /* rounded up it does not fit */
        {"9223372036854.7758075", ERR_INVALID, 0},       {"9999999999999", ERR_LIMIT, 0},
        {"18446744073709.551616", ERR_LIMIT, 0},         {"18446744073709551617", ERR_LIMIT, 0},
        {"99999999999999999999.12345678", ERR_LIMIT, 0},
    };
    for (size_t i = 0; i < countof(amounts); i++) {
        check_amount(&amounts[i], '.');
    }
}

static const char *const NO_AMOUNT[] = {
    "",      " ",     "-",     "+",      ".",    ".5",  "5.",    "-.5",    "1.e3",
    "2.5.5", " 2.55", "2.55 ", "2.55\n", "1e",   "1e+", "1e1.5", "e5",     "--1",
    "+-1",   "1,5",   "1 000", "1'000",  "0x10", "inf", "nan",   "NaN",    "1e3e3",
    "£2.55", "2.5f",  "١",     "1_0",    "1/2",  "1:2", "2;5",   "(2.55)", "2.55-",
};

T(anything_else_is_no_amount)
{
    for (size_t i = 0; i < countof(NO_AMOUNT); i++) {
        int64_t v = UNTOUCHED;
        eq_err(money_parse(str_of(NO_AMOUNT[i]), '.', &v), ERR_INVALID);
        eq_err(money_parse_whole(str_of(NO_AMOUNT[i]), '.', &v), ERR_INVALID);
        eq_int(v, UNTOUCHED);
    }
    int64_t v = UNTOUCHED;
    eq_err(money_parse((struct str){NULL, 0}, '.', &v), ERR_INVALID);
    eq_err(money_parse_whole((struct str){NULL, 0}, '.', &v), ERR_INVALID);
    eq_err(money_parse((struct str){"1\0", 2}, '.', &v), ERR_INVALID);
}

T(a_decimal_comma_replaces_the_point)
{
    static const struct amount amounts[] = {
        {"2,55", ERR_OK, 2550000},
        {"2.55", ERR_INVALID, 0},
        {"-0,1234569999999", ERR_OK, -123457},
        {"1,5e1", ERR_OK, 15000000},
    };
    for (size_t i = 0; i < countof(amounts); i++) {
        check_amount(&amounts[i], ',');
    }
    int64_t v;
    ok_err(money_parse_whole(STR("6,0"), ',', &v));
    eq_int(v, 6);
}

T(hundreds_of_digits_are_read_like_few)
{
    enum { N = 900 };
    char text[2 * N + 8];
    memset(text, '0', sizeof text);
    const struct str amount = STR("12.34");
    memcpy(text + N - 2, amount.p, amount.n);
    int64_t v = UNTOUCHED;
    ok_err(money_parse((struct str){text, sizeof text}, '.', &v));
    eq_int(v, 12340000);
    text[sizeof text - 1] = '1'; /* far below a thousandth of a millionth: noise */
    ok_err(money_parse((struct str){text, sizeof text}, '.', &v));
    eq_int(v, 12340000);
    text[0] = '1';
    eq_err(money_parse((struct str){text, sizeof text}, '.', &v), ERR_LIMIT);
}

T(a_whole_number_may_be_written_in_many_ways)
{
    static const struct amount wholes[] = {
        {"6", ERR_OK, 6},
        {"-6", ERR_OK, -6},
        {"+6", ERR_OK, 6},
        {"6.0", ERR_OK, 6},
        {"6.000", ERR_OK, 6},
        {"6e0", ERR_OK, 6},
        {"0.6e1", ERR_OK, 6},
        {"600E-2", ERR_OK, 6},
        {"-0", ERR_OK, 0},
        {"-0.0", ERR_OK, 0},
        {"0e-500", ERR_OK, 0},
        {"6.5", ERR_INVALID, 0},
        {"6.0000000000000001", ERR_INVALID, 0},
        {"5.9999999999999999999", ERR_INVALID, 0},
        {"6e-1", ERR_INVALID, 0},
        {"1e-400", ERR_INVALID, 0},
        {"80995", ERR_OK, 80995},
        {"999999999999999999", ERR_OK, 999999999999999999},
        {"9223372036854775807", ERR_OK, INT64_MAX},
        {"-9223372036854775807", ERR_OK, -INT64_MAX},
        {"-9223372036854775808", ERR_OK, INT64_MIN},
        {"9223372036854775808", ERR_LIMIT, 0},
        {"-9223372036854775809", ERR_LIMIT, 0},
        {"1e19", ERR_LIMIT, 0},
        {"1e400", ERR_LIMIT, 0},
    };
    for (size_t i = 0; i < countof(wholes); i++) {
        int64_t v = UNTOUCHED;
        enum err e = money_parse_whole(str_of(wholes[i].text), '.', &v);
        int64_t wanted = wholes[i].e ? UNTOUCHED : wholes[i].value;
        if (e != wholes[i].e || v != wanted) {
            fail("\"%s\": %s, %lld", wholes[i].text, err_text(e), (long long)v);
        }
    }
}

T(quantity_times_price_fits_or_says_so)
{
    int64_t v = UNTOUCHED;
    ok_err(money_times(-6, 2550000, &v));
    eq_int(v, -15300000);
    ok_err(money_times(1, -INT64_MAX, &v));
    eq_int(v, -INT64_MAX);
    v = UNTOUCHED;
    eq_err(money_times(INT64_MAX, 2, &v), ERR_LIMIT);
    eq_err(money_times(INT64_MIN, -1, &v), ERR_LIMIT);
    eq_err(money_times(INT64_MIN, 1, &v), ERR_LIMIT); /* its negative would not fit */
    eq_err(money_times(80995, INT64_C(113876567071676), &v), ERR_LIMIT);
    eq_int(v, UNTOUCHED);
}

T(amounts_are_written_short_with_the_decimals_asked_for)
{
    static const struct {
        int64_t micros;
        int decimals;
        const char *text;
    } cases[] = {
        {9747747934000, 0, "9747747.934"},
        {9747747934000, 2, "9747747.934"},
        {9747747934000, 6, "9747747.934000"},
        {2500000, 0, "2.5"},
        {2500000, 2, "2.50"},
        {2000000, 0, "2"},
        {0, 0, "0"},
        {0, 2, "0.00"},
        {-1, 0, "-0.000001"},
        {-15300000, 2, "-15.30"},
        {INT64_MAX, 0, "9223372036854.775807"},
        {INT64_MIN, 6, "-9223372036854.775808"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        char out[MONEY_TEXT];
        size_t n = money_format(cases[i].micros, cases[i].decimals, out);
        eq_str(out, cases[i].text);
        eq_int(n, strlen(out));
    }
}

T(what_is_written_is_read_back)
{
    uint64_t state = seed();
    for (int i = 0; i < 100000; i++) {
        int64_t micros = (int64_t)(rnd(&state) >> rnd_below(&state, 63)) >> 1;
        micros = rnd_below(&state, 2) ? micros : -micros;
        char out[MONEY_TEXT];
        size_t n = money_format(micros, (int)rnd_below(&state, 7), out);
        int64_t back = UNTOUCHED;
        ok_err(money_parse((struct str){out, n}, '.', &back));
        eq_int(back, micros);
    }
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

T(an_amount_reads_nothing_beyond_its_text)
{
    static const char *const texts[] = {"2.55", "-2", "1e3", "2.5499999999999998",
                                        "12.",  "-",  "1e"};
    for (size_t i = 0; i < countof(texts); i++) {
        size_t n = strlen(texts[i]);
        char *exact = exactly(texts[i], n);
        int64_t v, w;
        eq_err(money_parse((struct str){exact, n}, '.', &v),
               money_parse(str_of(texts[i]), '.', &w));
        eq_err(money_parse_whole((struct str){exact, n}, '.', &v),
               money_parse_whole(str_of(texts[i]), '.', &w));
        free(exact);
    }
}
