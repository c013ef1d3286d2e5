/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * rules: the setting `forecast`: what else is to be foretold, beside sales in all and by
 * country. One rule after another, separated by semicolons:
 *
 *     units of stock_code 85123A; revenue of customer 14646 from week, yesterday, last
 *
 *     RULE = MEASURE of DIMENSION [KEY] [from FEATURE, ...]
 *
 * Without `from` the usual features are taken. Names of measures, dimensions and horizons are
 * those of the view `forecasts`.
 */
#ifndef TILLSTREAM_MODELS_RULES_H
#define TILLSTREAM_MODELS_RULES_H

#include "engine/keys.h"
#include "models/forecast.h"

const char *rules_measure(uint8_t measure); /* "sales"; enum forecast_measure */
const char *rules_dimension(uint8_t dimension);
const char *rules_horizon(uint8_t horizon);

/* Adds the rules to `out`. `keys` NULL: only looks whether they make sense, with a sentence in
 * `why` if not (ERR_INVALID); else keys get numbers. */
enum err rules_parse(const char *text, struct keys *keys, struct forecast_setup *out,
                     struct why *why) MUST_CHECK;

#endif
