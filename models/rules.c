/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A key may hold spaces ("United Kingdom"), so it goes on to " from " or to the rule's end.
 */
#include "models/rules.h"

static const char *const measures[FORECAST_MEASURES] = {
    [FORECAST_SALES] = "sales", [FORECAST_REVENUE] = "revenue",   [FORECAST_UNITS] = "units",
    [FORECAST_LINES] = "lines", [FORECAST_INVOICES] = "invoices", [FORECAST_RETURNS] = "returns"};
static const char *const dimensions[FORECAST_DIMENSIONS] = {[FORECAST_ALL] = "all",
                                                            [FORECAST_COUNTRY] = "country",
                                                            [FORECAST_REST] = "rest",
                                                            [FORECAST_CUSTOMER] = "customer",
                                                            [FORECAST_STOCK] = "stock_code"};
static const char *const horizons[FORECAST_HORIZONS] = {
    [FORECAST_NEXT_HOUR] = "hour", [FORECAST_NOWCAST] = "nowcast", [FORECAST_NEXT_DAY] = "day"};

const char *rules_measure(uint8_t measure)
{
    return measures[measure];
}

const char *rules_dimension(uint8_t dimension)
{
    return dimensions[dimension];
}

const char *rules_horizon(uint8_t horizon)
{
    return horizons[horizon];
}

/* ---- cutting ---- */

static struct str trim(struct str s)
{
    while (s.n && s.p[0] == ' ') {
        s.p++;
        s.n--;
    }
    while (s.n && s.p[s.n - 1] == ' ')
        s.n--;
    return s;
}

/* What stands before `mark`, trimmed; *rest is what follows it, or empty. */
static struct str cut(struct str s, struct str mark, struct str *rest)
{
    for (size_t i = 0; i + mark.n <= s.n; i++) {
        if (memcmp(s.p + i, mark.p, mark.n) == 0) {
            *rest = trim((struct str){s.p + i + mark.n, s.n - i - mark.n});
            return trim((struct str){s.p, i});
        }
    }
    *rest = (struct str){s.p + s.n, 0};
    return trim(s);
}

static int find(const char *const *names, int n, struct str name)
{
    int i = 0;

    while (i < n && !str_eq(str_of(names[i]), name))
        i++;
    return i;
}

/* ---- rules ---- */

static enum err refuse(struct why *why, struct str rule, const char *what)
{
    return why_set(why, ERR_INVALID,
                   "forecast: \"%.*s\": %s; a rule is MEASURE of DIMENSION [KEY] [from FEATURE, "
                   "...], as in \"units of stock_code 85123A\"",
                   (int)(rule.n < 100 ? rule.n : 100), rule.p, what);
}

static enum err read_features(struct str list, struct str rule, struct forecast_rule *out,
                              struct why *why)
{
    while (list.n) {
        struct str rest, name = cut(list, STR(","), &rest);
        enum forecast_feature feature = forecast_feature_named(name);
        if (feature == FORECAST_FEATURE_COUNT)
            return refuse(why, rule, "it names a feature there is not (see docs/MODELS.md)");
        if (out->n_features == RLS_MAX)
            return refuse(why, rule, "it has too many features");
        out->feature[out->n_features++] = (uint8_t)feature;
        list = rest;
    }
    return ERR_OK;
}

/* "stock_code 85123A" */
static enum err read_series(struct str text, struct str rule, struct keys *keys,
                            struct forecast_series *out, struct why *why)
{
    struct str key, name = cut(text, STR(" "), &key);
    int dimension = find(dimensions, FORECAST_DIMENSIONS, name);

    if (dimension == FORECAST_DIMENSIONS || dimension == FORECAST_REST)
        return refuse(why, rule, "the dimension is all, country, customer or stock_code");
    if ((dimension == FORECAST_ALL) != (key.n == 0))
        return refuse(why, rule, "all has no key, other dimensions need one");
    out->dimension = (uint8_t)dimension;
    return keys && key.n ? keys_id(keys, key, &out->key) : ERR_OK;
}

static enum err read_rule(struct str rule, struct keys *keys, struct forecast_rule *out,
                          struct why *why)
{
    struct str series, features, rest;
    struct str measure = cut(rule, STR(" of "), &rest);

    series = cut(rest, STR(" from "), &features);
    *out = (struct forecast_rule){
        .series = {.measure = (uint8_t)find(measures, FORECAST_MEASURES, measure)}};
    if (out->series.measure == FORECAST_MEASURES)
        return refuse(why, rule,
                      "the measure is sales, revenue, units, lines, invoices or returns");
    enum err e = read_series(series, rule, keys, &out->series, why);
    return e ? e : read_features(features, rule, out, why);
}

enum err rules_parse(const char *text, struct keys *keys, struct forecast_setup *out,
                     struct why *why)
{
    struct str left = trim(str_of(text));
    enum err e = ERR_OK;

    while (!e && left.n) {
        struct str rest, rule = cut(left, STR(";"), &rest);
        if (rule.n && out->n_rules == FORECAST_RULES_MAX)
            return refuse(why, rule, "there are too many rules");
        if (rule.n)
            e = read_rule(rule, keys, &out->rule[out->n_rules], why);
        out->n_rules += rule.n && !e;
        left = rest;
    }
    return e;
}
