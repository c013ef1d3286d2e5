/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * money: exact decimal amounts, held as int64 millionths ("micros").
 *
 * Range: +-9223372036854.775807. Sums are integers, so totals never depend on order.
 */
#ifndef TILLSTREAM_ENGINE_MONEY_H
#define TILLSTREAM_ENGINE_MONEY_H

#include "engine/err.h"
#include "engine/str.h"

#define MONEY_ONE INT64_C(1000000)

/* Reads an optional sign, digits, an optional `point` ('.' or ',') with digits, and an
 * optional exponent (1e3, 2.5E-2). No spaces, no thousands separators, no "inf", no hex.
 * More than 6 decimals are rounded when within 1e-9 of a millionth (double noise, as in
 * 2.5499999999999998), else ERR_INVALID. ERR_LIMIT if it does not fit. `*micros` is
 * untouched on error. */
enum err money_parse(struct str text, char point, int64_t *micros) MUST_CHECK;

/* An integer written as 6, -6, +6, 6.0, 6.000 or 6e0. ERR_INVALID for a fraction or for
 * anything else; ERR_LIMIT beyond int64. `point` as above. */
enum err money_parse_whole(struct str text, char point, int64_t *whole) MUST_CHECK;

/* quantity * price; ERR_LIMIT if it does not fit. */
enum err money_times(int64_t quantity, int64_t price, int64_t *value) MUST_CHECK;

/* Writes e.g. "9747747.934" (trailing zeros cut, at least `decimals` of them kept, 0..6)
 * and NUL; returns the length. `out` holds at least MONEY_TEXT bytes. */
#define MONEY_TEXT 32
size_t money_format(int64_t micros, int decimals, char *out);

#endif
