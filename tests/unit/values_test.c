/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/store/values.h"
#include "tests/support/t.h"

static bool is_text(const char *p, size_t n)
{
    return values_is_text((struct str){p, n});
}

T(only_valid_utf8_without_nul_is_text)
{
    ok(is_text("", 0));
    ok(is_text("\u00a3 \u20ac \U0001F600 \U0010FFFF", 16));
    ok(!is_text("a\0b", 3));
    ok(!is_text("\x80", 1));
    ok(!is_text("\xc0\x80", 2));
    ok(!is_text("\xc2", 1));
    ok(!is_text("\xe0\x9f\xbf", 3));
    ok(!is_text("\xed\xa0\x80", 3));
    ok(!is_text("\xf0\x8f\xbf\xbf", 4));
    ok(!is_text("\xf4\x90\x80\x80", 4));
    ok(!is_text("\xf5\x80\x80\x80", 4));
    ok(!is_text("\xe2\x82", 2));
}

T(a_position_is_a_number_where_writing_it_gives_the_text_again)
{
    static const struct {
        const char *text;
        bool is;
        int64_t number;
    } cases[] = {
        {"0", true, 0},
        {"45038760", true, 45038760},
        {"9223372036854775807", true, INT64_MAX},
        {"9223372036854775808", false, 0},
        {"49590338271490256608559692538361571095921575989136588898", false, 0},
        {"", false, 0},
        {"007", false, 0},
        {"-1", false, 0},
        {"+1", false, 0},
        {"1 ", false, 0},
        {"1e3", false, 0},
    };

    for (size_t i = 0; i < countof(cases); i++) {
        int64_t number = 0;

        eq_int(values_whole(str_of(cases[i].text), &number), cases[i].is);
        eq_int(number, cases[i].number);
    }
}

T(a_checksum_covers_name_version_and_bytes)
{
    struct crc_table table;
    uint32_t crc;

    crc_init(&table);
    crc = values_state_crc(&table, STR("name"), 1, STR("data"));
    ok(crc != values_state_crc(&table, STR("named"), 1, STR("ata")));
    ok(crc != values_state_crc(&table, STR("name"), 2, STR("data")));
    ok(crc != values_state_crc(&table, STR("name"), 1, STR("date")));
    crc = values_ledger_crc(&table, 1, 2, STR("data"));
    ok(crc != values_ledger_crc(&table, 2, 2, STR("data")));
    ok(crc != values_ledger_crc(&table, 1, 1, STR("data")));
}
