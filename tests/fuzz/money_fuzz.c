/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * money_fuzz: any bytes as an amount, against a second implementation that is slow on
 * purpose: a regular expression decides what an amount is, and its digits are laid out one
 * byte a power of ten, from 10^1399 down to 10^-1399, where cutting, comparing and adding one
 * are operations on texts.
 *
 * The first 8 bytes, where there are as many, are also taken as an amount: what
 * money_format writes must be read back as the same.
 */
#include "engine/money.h"

#include <regex.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define TEXT_MAX 300       /* longer input is only parsed, not compared */
#define EXPONENT_MOST 1000 /* beyond, the result follows from zero or not */
#define PLACES 1400        /* on each side of the point */

static void demand(bool holds, const char *what, const char *text)
{
    if (!holds) {
        (void)fprintf(stderr, "%s: \"%s\"\n", what, text);
        abort();
    }
}

struct slow {
    bool valid, negative, zero;
    long exponent;
    char places[2 * PLACES + 1]; /* digit of 10^k at PLACES - 1 - k */
};

static void slow_lay_out(struct slow *s, const char *text)
{
    const char *p = text + strspn(text, "+-");
    long power = (long)strspn(p, "0123456789") - 1 + s->exponent;
    for (; *p && *p != 'e' && *p != 'E'; p++) {
        if (*p >= '0' && *p <= '9') {
            s->places[PLACES - 1 - power] = *p;
            power--;
        }
    }
}

static void slow_read(struct slow *s, const char *text, char point)
{
    static regex_t patterns[2]; /* compiled at first use, kept until the fuzzer ends */
    static bool ready[2];
    static const char *const texts[2] = {"^[+-]?[0-9]+([.][0-9]+)?([eE][+-]?[0-9]+)?$",
                                         "^[+-]?[0-9]+(,[0-9]+)?([eE][+-]?[0-9]+)?$"};
    int i = point == '.' ? 0 : 1;
    if (!ready[i]) {
        demand(regcomp(&patterns[i], texts[i], REG_EXTENDED | REG_NOSUB) == 0, "regcomp", "");
        ready[i] = true;
    }
    *s = (struct slow){.valid = regexec(&patterns[i], text, 0, NULL, 0) == 0};
    if (!s->valid) {
        return;
    }
    size_t mantissa = strcspn(text, "eE");
    s->negative = text[0] == '-';
    s->exponent = text[mantissa] ? strtol(text + mantissa + 1, NULL, 10) : 0;
    s->zero = strcspn(text, "123456789") >= mantissa;
    memset(s->places, '0', sizeof s->places - 1);
    if (!s->zero && labs(s->exponent) <= EXPONENT_MOST) {
        slow_lay_out(s, text);
    }
}

/* Is the decimal text a above the decimal text b? */
static bool above(const char *a, const char *b)
{
    a += strspn(a, "0");
    b += strspn(b, "0");
    size_t n = strlen(a), m = strlen(b);
    return n != m ? n > m : strcmp(a, b) > 0;
}

static void add_one(char *digits)
{
    size_t i = strlen(digits) - 1;
    while (digits[i] == '9') {
        digits[i--] = '0';
    }
    digits[i]++;
}

/* Whether the digits behind the cut are nothing or noise. */
static bool slow_judge(const char *part, int scale, bool *up)
{
    char thousandth[2 * PLACES + 1];
    memset(thousandth, '0', sizeof thousandth);
    thousandth[2] = '1';
    thousandth[strlen(part)] = '\0';
    *up = scale && strncmp(part, "999", 3) == 0;
    bool none = strspn(part, "0") == strlen(part);
    bool down = scale && strcmp(part, thousandth) <= 0;
    return none || down || *up;
}

/* What the parsers should say; scale 6 with noise rounded, scale 0 without. */
static enum err slow_value(const struct slow *s, int scale, int64_t *value)
{
    if (!s->valid) {
        return ERR_INVALID;
    }
    *value = 0;
    if (s->zero) {
        return ERR_OK;
    }
    if (s->exponent > EXPONENT_MOST) {
        return ERR_LIMIT;
    }
    if (s->exponent < -EXPONENT_MOST) {
        return scale ? ERR_OK : ERR_INVALID;
    }
    bool lowest = s->negative && scale == 0;
    const char *most = lowest ? "9223372036854775808" : "9223372036854775807";
    char whole[2 * PLACES + 1];
    memcpy(whole, s->places, sizeof whole);
    const char *part = s->places + PLACES + scale;
    whole[PLACES + scale] = '\0';
    if (above(whole, most)) {
        return ERR_LIMIT;
    }
    bool up;
    if (!slow_judge(part, scale, &up)) {
        return ERR_INVALID;
    }
    if (up) {
        add_one(whole);
    }
    if (above(whole, most)) {
        return ERR_LIMIT;
    }
    uint64_t v = strtoull(whole, NULL, 10);
    *value = s->negative ? (int64_t)(0 - v) : (int64_t)v;
    return ERR_OK;
}

static void check_text(const char *text, size_t n, char point)
{
    const int64_t untouched = 0x5a5a5a5a5a;
    int64_t micros = untouched, whole = untouched;
    enum err e_micros = money_parse((struct str){text, n}, point, &micros);
    enum err e_whole = money_parse_whole((struct str){text, n}, point, &whole);
    demand(!e_micros || micros == untouched, "money_parse touched its result", text);
    demand(!e_whole || whole == untouched, "money_parse_whole touched its result", text);
    if (n > TEXT_MAX) {
        return;
    }
    struct slow slow;
    slow_read(&slow, strlen(text) == n ? text : "", point);
    int64_t v;
    demand(e_micros == slow_value(&slow, 6, &v), "money_parse says otherwise", text);
    demand(e_micros || micros == v, "money_parse gives another amount", text);
    demand(e_whole == slow_value(&slow, 0, &v), "money_parse_whole says otherwise", text);
    demand(e_whole || whole == v, "money_parse_whole gives another number", text);
}

static void check_format(int64_t micros)
{
    for (int decimals = 0; decimals <= 6; decimals++) {
        char out[MONEY_TEXT];
        int64_t back = 0;
        size_t n = money_format(micros, decimals, out);
        demand(n < sizeof out && strlen(out) == n, "length of a text", out);
        const char *point = strchr(out, '.');
        size_t shown = point ? strlen(point + 1) : 0;
        demand(shown >= (size_t)decimals && shown <= 6, "decimals kept", out);
        bool cut = shown == (size_t)decimals || out[n - 1] != '0';
        demand(cut, "trailing zeros cut", out);
        enum err e = money_parse((struct str){out, n}, '.', &back);
        bool lowest = micros == INT64_MIN; /* beyond the range of amounts by one */
        demand(lowest ? e == ERR_LIMIT : !e && back == micros, "format, then parse", out);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    char *text = malloc(n + 1);
    demand(text, "out of memory", "");
    if (n) {
        memcpy(text, data, n);
    }
    text[n] = '\0';
    check_text(text, n, '.');
    check_text(text, n, ',');
    if (n >= sizeof(int64_t)) {
        int64_t micros;
        memcpy(&micros, data, sizeof micros);
        check_format(micros);
        check_format(micros % (1000 * MONEY_ONE));
    }
    free(text);
    return 0;
}
