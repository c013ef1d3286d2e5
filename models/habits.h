/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * habits: what is known of a customer: how much, how many lines, where, when and how often he
 * buys, and some of his normal invoices; and what all customers have in common.
 */
#ifndef TILLSTREAM_MODELS_HABITS_H
#define TILLSTREAM_MODELS_HABITS_H

#include "models/evidence.h"
#include "models/keyed.h"
#include "models/quantities.h"

#define HABITS_COUNTRIES 4
#define HABITS_TIMES 16
#define HABITS_NORMALS 4
#define HABITS_SCALES 3 /* how long a burst lasts: 10 min, 1 h, 4 h */

/* By sign: sales are 0, credits 1. */
struct habit {
    struct moment value; /* ln(1 + |value|) of an invoice */
    struct moment lines; /* ln of its lines */
    float most_lines;    /* ln */
};

struct habits { /* of one customer */
    struct keyed_head head;
    struct habit habit[2];
    struct quantities quantities;
    float invoices;
    uint32_t country[HABITS_COUNTRIES]; /* the last one is given away when there are more */
    float from_country[HABITS_COUNTRIES];
    uint32_t time_s[HABITS_TIMES]; /* starts of his last sales, seconds modulo 2^32 */
    uint8_t times, time_at;
    float burst[HABITS_SCALES]; /* most further sales that were normal for him */
    uint8_t normals, normal_at;
    uint64_t normal_invoice[HABITS_NORMALS];
    float normal_value[HABITS_NORMALS], normal_units[HABITS_NORMALS];
    uint32_t normal_lines[HABITS_NORMALS];
    uint8_t normal_hour[HABITS_NORMALS];
    uint32_t normal_time_s[HABITS_NORMALS];
};

extern const struct keyed_kind habits_kind;

struct country { /* how many invoices come from it */
    struct keyed_head head;
    float invoices;
};
extern const struct keyed_kind country_kind;

/* What customers have in common; by sign where it says so. */
struct habits_base {
    struct moment value[2], value_within[2];
    struct moment lines, lines_within;
};

struct habit_margin {
    double x, usual, n; /* usual: in money or lines */
};

struct habit_margin habits_spend(const struct habits_base *base, const struct habits *h, int sign,
                                 double value);
struct habit_margin habits_lines(const struct habits_base *base, const struct habits *h, int sign,
                                 double lines);
/* How unusually small the value is for the customer: -log10 of the share of his invoices that
 * are smaller, over that of one half. */
double habits_little(const struct habits_base *base, const struct habits *h, int sign,
                     double value);
/* -log10 P(this country | customer), damped while he has few invoices. `moved`: how often a
 * customer buys from a new country, `share`: how frequent the country is among all invoices.
 * 0 at a first invoice. */
double habits_country(const struct habits *h, uint32_t country, double moved, double share);

void habits_learn_spend(struct habits_base *base, struct habits *h, int sign, double value);
void habits_learn_lines(struct habits_base *base, struct habits *h, int sign, double lines);
void habits_learn_country(struct habits *h, uint32_t country);

/* A sale begins. */
void habits_sale(struct habits *h, int64_t time_ms);
/* Sales, this one not counted, in the most crowded stretch of `width_ms` that holds time_ms. */
int habits_crowd(const struct habits *h, int64_t time_ms, int64_t width_ms);
/* ... of those that began in the `width_ms` before. */
int habits_crowd_before(const struct habits *h, int64_t time_ms, int64_t width_ms);

void habits_learn_normal(struct habits *h, const struct normal *n);
/* The nearest normal invoices, nearest first; how many. The distance is
 * |ln lines ratio| + |ln units ratio| + |ln value ratio| + hours between / 12. */
uint32_t habits_nearest(const struct habits *h, const struct normal *like, struct normal *out);

extern const struct pack_table habits_base_table;

#endif
