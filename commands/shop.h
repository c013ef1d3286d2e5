/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * shop: a synthetic shop that writes sales lines for ever, in order of time, in constant
 * memory. The same options give the same lines on every machine.
 */
#ifndef TILLSTREAM_COMMANDS_SHOP_H
#define TILLSTREAM_COMMANDS_SHOP_H

#include "commands/recipe.h"
#include "engine/err.h"

#define SHOP_DEFAULT_LINES_PER_DAY 1776 /* the UCI shop's, on a trading day */

struct shop_options {
    uint64_t seed;
    int64_t start_day;     /* days since 1970-01-01 */
    int64_t days;          /* 0: until the records are done */
    int64_t records;       /* 0: until the days are done */
    int64_t lines_per_day; /* on an average trading day; 0: the records spread over the days,
                              or the default */
    int64_t customers;     /* 1 .. PATRONS_MAX */
    int64_t codes;         /* 1 .. GOODS_MAX */
    int64_t anomalies;     /* needs records or days */
};

struct shop_line {
    struct recipe_line what;
    char letter; /* 'C', 'A' or 0 */
    int64_t invoice;
    int64_t at_ms;  /* minute resolution */
    int64_t number; /* 1 for the first line of all */
    bool first;     /* of its invoice */
    enum recipe_oddity oddity;
};

struct shop;

/* ERR_NOMEM. */
enum err shop_open(const struct shop_options *o, struct shop **out) MUST_CHECK;
void shop_close(struct shop *s);
/* The next line; false when the records or days are done. */
bool shop_next(struct shop *s, struct shop_line *line);
/* How many anomalies have found no place: to be asked at the end. */
int64_t shop_anomalies_left(const struct shop *s);

#endif
