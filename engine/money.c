/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * money: decimals in and out, exactly. No double is involved anywhere.
 *
 * The idea: a decimal is a row of digits with the point taken out, and a number `cut` that
 * says how many of them stand before the point once the exponent and the wanted unit have
 * moved it:
 *
 *     value in units of 10^-scale = d[0] d[1] ... d[cut-1] . d[cut] d[cut+1] ...
 *
 * Digits outside the row are 0, so `cut` may be negative or lie beyond the end. The digits
 * before the cut are the result (20 or more significant ones can't fit), those behind it are
 * judged: they must be zero, or noise.
 *
 * Noise. A price that went through a double comes back as 2.5499999999999998. "Within 1e-9 of
 * a millionth" is read as: the value is at most 1e-9 money units away from a multiple of a
 * millionth, that is a thousandth of a millionth. The nearest double is off by at most 5.9e-11
 * up to a million and 4.7e-10 up to 8 million, so every such price is understood, while
 * 2.5500001 is off by a tenth of a millionth and is refused. With f the fraction behind the
 * cut, f <= 0.001 goes down and f >= 0.999 goes up; both bounds are included.
 *
 * Size comes first: what is too large is ERR_LIMIT, whatever stands behind the cut.
 *
 * Invariants:
 * 1. Results lie within +-INT64_MAX (money_parse_whole: within int64), so they can be negated.
 * 2. The short ways and the long one agree on every text that the short ones take.
 * 3. Time is linear in the length of the text, whatever its exponent says.
 */
#include "engine/money.h"

#include <assert.h>

#define MONEY_SCALE 6
#define SIGNIFICANT_MAX 19 /* digits of an uint64 that can't overflow */

/* Larger than any number of digits in memory, small enough to add up. */
#define EXPONENT_MAX INT64_C(100000000000000000)

static const uint64_t POWERS[] = {1, 10, 100, 1000, 10000, 100000, 1000000};

/* A decimal as written. */
struct decimal {
    const char *whole, *part; /* digits before and behind the point */
    int64_t n_whole, n_part;
    int64_t exponent;
    bool negative;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static const char *skip_digits(const char *p, const char *end)
{
    while (p < end && is_digit(*p)) {
        p++;
    }
    return p;
}

/* An exponent at p, which is behind the 'e'. NULL if there is none; else its end. */
static const char *scan_exponent(const char *p, const char *end, int64_t *exponent)
{
    bool negative = p < end && *p == '-';
    if (p < end && (*p == '-' || *p == '+')) {
        p++;
    }
    const char *stop = skip_digits(p, end);
    if (stop == p) {
        return NULL;
    }
    int64_t v = 0;
    for (; p < stop; p++) {
        v = v * 10 + (*p - '0');
        v = v < EXPONENT_MAX ? v : EXPONENT_MAX;
    }
    *exponent = negative ? -v : v;
    return stop;
}

static bool scan_decimal(struct str text, char point, struct decimal *d)
{
    *d = (struct decimal){.part = ""};
    if (text.n == 0) {
        return false;
    }
    const char *p = text.p, *end = text.p + text.n;
    d->negative = *p == '-';
    p += *p == '-' || *p == '+';
    d->whole = p;
    p = skip_digits(p, end);
    d->n_whole = p - d->whole;
    if (d->n_whole == 0) {
        return false;
    }
    if (p < end && *p == point) {
        d->part = p + 1;
        p = skip_digits(d->part, end);
        d->n_part = p - d->part;
        if (d->n_part == 0) {
            return false;
        }
    }
    if (p < end && (*p == 'e' || *p == 'E')) {
        p = scan_exponent(p + 1, end, &d->exponent);
    }
    return p == end;
}

/* Digit i of the row; 0 outside of it. */
static unsigned digit_at(const struct decimal *d, int64_t i)
{
    if (i < 0 || i >= d->n_whole + d->n_part) {
        return 0;
    }
    int c = i < d->n_whole ? d->whole[i] : d->part[i - d->n_whole];
    return (unsigned)(c - '0');
}

/* The first digit from `i` on that is not 0, or the length of the row. */
static int64_t next_nonzero(const struct decimal *d, int64_t i)
{
    int64_t n = d->n_whole + d->n_part;
    i = i < 0 ? 0 : i;
    while (i < n && digit_at(d, i) == 0) {
        i++;
    }
    return i < n ? i : n;
}

/* The digits before the cut as a number; ERR_LIMIT beyond `most`. */
static enum err before_cut(const struct decimal *d, int64_t cut, uint64_t most, uint64_t *v)
{
    *v = 0;
    int64_t first = next_nonzero(d, 0);
    if (first == d->n_whole + d->n_part) {
        return ERR_OK; /* zero, and zero times any power of ten */
    }
    if (cut - first > SIGNIFICANT_MAX) {
        return ERR_LIMIT;
    }
    for (int64_t i = first; i < cut; i++) {
        *v = *v * 10 + digit_at(d, i);
    }
    return *v > most ? ERR_LIMIT : ERR_OK;
}

static bool zero_from(const struct decimal *d, int64_t i)
{
    return next_nonzero(d, i) == d->n_whole + d->n_part;
}

/* Judges the digits behind the cut: *up is 1 where they are noise just below the next
 * millionth, 0 where they are nothing or noise just above this one. */
static enum err behind_cut(const struct decimal *d, int64_t cut, uint64_t *up)
{
    unsigned f = 100 * digit_at(d, cut) + 10 * digit_at(d, cut + 1) + digit_at(d, cut + 2);
    *up = f == 999;
    bool below = f == 0 || (f == 1 && zero_from(d, cut + 3));
    return *up || below ? ERR_OK : ERR_INVALID;
}

/* Appends the digits at p to v; returns their end. The caller bounds how many there are. */
static const char *add_digits(const char *p, const char *end, uint64_t *v)
{
    for (; p < end; p++) {
        unsigned digit = (unsigned)(*p - '0');
        if (digit > 9) {
            break;
        }
        *v = *v * 10 + digit;
    }
    return p;
}

/* The shape nearly every price has: up to 12 digits, up to 6 decimals, no exponent. */
static bool short_micros(struct str text, char point, int64_t *micros)
{
    if (text.n == 0 || text.n > SIGNIFICANT_MAX) {
        return false;
    }
    const char *end = text.p + text.n;
    bool negative = *text.p == '-';
    const char *whole = text.p + negative;
    uint64_t v = 0;
    const char *p = add_digits(whole, end, &v);
    size_t n_whole = (size_t)(p - whole);
    size_t n_part = 0;
    if (p < end && *p == point) {
        const char *part = p + 1;
        p = add_digits(part, end, &v);
        n_part = (size_t)(p - part);
        n_whole = n_part ? n_whole : 0; /* "2." is no number */
    }
    if (p < end || n_whole == 0 || n_whole > 12 || n_part > MONEY_SCALE) {
        return false;
    }
    v *= POWERS[MONEY_SCALE - n_part];
    *micros = negative ? -(int64_t)v : (int64_t)v;
    return true;
}

/* The shape nearly every quantity has: digits alone. */
static bool short_whole(struct str text, int64_t *whole)
{
    if (text.n == 0 || text.n >= SIGNIFICANT_MAX) {
        return false;
    }
    const char *end = text.p + text.n;
    bool negative = *text.p == '-';
    const char *start = text.p + negative;
    uint64_t v = 0;
    const char *p = add_digits(start, end, &v);
    if (p < end || p == start) {
        return false;
    }
    *whole = negative ? -(int64_t)v : (int64_t)v;
    return true;
}

enum err money_parse(struct str text, char point, int64_t *micros)
{
    if (short_micros(text, point, micros)) {
        return ERR_OK;
    }
    struct decimal d;
    if (!scan_decimal(text, point, &d)) {
        return ERR_INVALID;
    }
    int64_t cut = d.n_whole + d.exponent + MONEY_SCALE;
    uint64_t v, up = 0;
    enum err e = before_cut(&d, cut, INT64_MAX, &v);
    if (!e) {
        e = behind_cut(&d, cut, &up);
    }
    if (!e && v + up > INT64_MAX) {
        e = ERR_LIMIT;
    }
    if (e) {
        return e;
    }
    v += up;
    *micros = d.negative ? -(int64_t)v : (int64_t)v;
    return ERR_OK;
}

enum err money_parse_whole(struct str text, char point, int64_t *whole)
{
    if (short_whole(text, whole)) {
        return ERR_OK;
    }
    struct decimal d;
    if (!scan_decimal(text, point, &d)) {
        return ERR_INVALID;
    }
    int64_t cut = d.n_whole + d.exponent;
    uint64_t v, most = (uint64_t)INT64_MAX + (d.negative ? 1 : 0);
    enum err e = before_cut(&d, cut, most, &v);
    if (!e && !zero_from(&d, cut)) {
        e = ERR_INVALID;
    }
    if (e) {
        return e;
    }
    /* In this order: the magnitude of INT64_MIN has no positive int64. */
    *whole = d.negative && v ? -(int64_t)(v - 1) - 1 : (int64_t)v;
    return ERR_OK;
}

enum err money_times(int64_t quantity, int64_t price, int64_t *value)
{
    int64_t v;
    if (__builtin_mul_overflow(quantity, price, &v) || v == INT64_MIN) {
        return ERR_LIMIT;
    }
    *value = v;
    return ERR_OK;
}

/* Digits of v at `out`; returns how many. */
static size_t put_digits(uint64_t v, char *out)
{
    char reversed[20];
    size_t n = 0;
    do {
        reversed[n++] = (char)('0' + v % 10);
        v /= 10;
    } while (v);
    for (size_t i = 0; i < n; i++) {
        out[i] = reversed[n - 1 - i];
    }
    return n;
}

size_t money_format(int64_t micros, int decimals, char *out)
{
    assert(decimals >= 0 && decimals <= MONEY_SCALE);
    uint64_t v = micros < 0 ? 0 - (uint64_t)micros : (uint64_t)micros;
    uint64_t part = v % (uint64_t)MONEY_ONE;
    size_t n = 0;
    if (micros < 0) {
        out[n++] = '-';
    }
    n += put_digits(v / (uint64_t)MONEY_ONE, out + n);
    int shown = MONEY_SCALE;
    for (; shown > decimals && part % 10 == 0; shown--) {
        part /= 10;
    }
    if (shown > 0) {
        out[n] = '.';
        for (int i = shown; i > 0; i--) {
            out[n + (size_t)i] = (char)('0' + part % 10);
            part /= 10;
        }
        n += (size_t)shown + 1;
    }
    out[n] = '\0';
    return n;
}
