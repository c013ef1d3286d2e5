/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * z-scores of ln(1 + value) and ln(lines) against the customer's own mean, which is shrunk to
 * that of all by one invoice, with his variance shrunk to the usual spread within a customer
 * by four. A customer hardly known is judged mildly: the score grows with his invoices.
 *
 * Invariants:
 *  (1) country[] holds different ids in the order they were first seen, 0 where there is none.
 *  (2) times and normals count what the rings hold.
 */
#include "models/habits.h"

#include "models/calc.h"

#include <math.h>

#define MEMORY 50
#define PRIOR_N 4.0
#define VARIANCE_FLOOR 0.05
#define COUNT_NOISE 0.5 /* of ln of a count, times the count */
#define CUSTOMERS_MAX 1000000
#define COUNTRIES_MAX 4096

#define HABIT_FIELDS(m)                                                                            \
    MOMENT_FIELDS(struct habits, m.value), MOMENT_FIELDS(struct habits, m.lines),                  \
        PACK(struct habits, m.most_lines, PACK_F32, -1e3, 1e3)

static const struct pack_field habits_fields[] = {
    HABIT_FIELDS(habit[0]),
    HABIT_FIELDS(habit[1]),
    QUANTITIES_FIELDS(struct habits, quantities),
    PACK(struct habits, invoices, PACK_F32, 0, 1e9),
    PACK(struct habits, country, PACK_U32, 0, 1 << 30),
    PACK(struct habits, from_country, PACK_F32, 0, 1e9),
    PACK(struct habits, time_s, PACK_U32, 0, 1e10),
    PACK(struct habits, times, PACK_U8, 0, HABITS_TIMES),
    PACK(struct habits, time_at, PACK_U8, 0, HABITS_TIMES - 1),
    PACK(struct habits, burst, PACK_F32, 0, 1e9),
    PACK(struct habits, normals, PACK_U8, 0, HABITS_NORMALS),
    PACK(struct habits, normal_at, PACK_U8, 0, HABITS_NORMALS - 1),
    PACK(struct habits, normal_invoice, PACK_U64, 0, 2e19),
    PACK(struct habits, normal_value, PACK_F32, -1e20, 1e20),
    PACK(struct habits, normal_units, PACK_F32, -1e20, 1e20),
    PACK(struct habits, normal_lines, PACK_U32, 0, 1e10),
    PACK(struct habits, normal_hour, PACK_U8, 0, 23),
    PACK(struct habits, normal_time_s, PACK_U32, 0, 1e10),
};
const struct keyed_kind habits_kind = {.name = "detect/customers",
                                       .version = 1,
                                       .size = sizeof(struct habits),
                                       .max = CUSTOMERS_MAX,
                                       .table = {habits_fields, countof(habits_fields)}};

static const struct pack_field country_fields[] = {
    PACK(struct country, invoices, PACK_F32, 0, 1e9),
};
const struct keyed_kind country_kind = {.name = "detect/countries",
                                        .version = 1,
                                        .size = sizeof(struct country),
                                        .max = COUNTRIES_MAX,
                                        .table = {country_fields, countof(country_fields)}};

static const struct pack_field base_fields[] = {
    MOMENT_FIELDS(struct habits_base, value[0]),
    MOMENT_FIELDS(struct habits_base, value[1]),
    MOMENT_FIELDS(struct habits_base, value_within[0]),
    MOMENT_FIELDS(struct habits_base, value_within[1]),
    MOMENT_FIELDS(struct habits_base, lines),
    MOMENT_FIELDS(struct habits_base, lines_within),
};
const struct pack_table habits_base_table = {base_fields, countof(base_fields)};

static double above(double x)
{
    return x > 0 ? x : 0;
}

static double least(double a, double b)
{
    return a < b ? a : b;
}

struct habit_margin habits_spend(const struct habits_base *base, const struct habits *h, int sign,
                                 double value)
{
    const struct moment *m = &h->habit[sign].value;
    double y = calc_ln(1 + value), n = (double)m->n;
    double within = moment_variance(&base->value_within[sign], 1, 20);
    double mean = moment_mean(m, (double)base->value[sign].mean, 1);
    double v = moment_variance(m, within, PRIOR_N) * (1 + 1 / (n + 1));

    if (n <= 0)
        v += moment_variance(&base->value[sign], 1, 20);
    double z = above((y - mean) / sqrt(v + VARIANCE_FLOOR));
    return (struct habit_margin){z * least(1, 0.5 + 0.1 * n), calc_exp(mean) - 1, n};
}

double habits_little(const struct habits_base *base, const struct habits *h, int sign, double value)
{
    const struct moment *m = &h->habit[sign].value;
    double mean = moment_mean(m, (double)base->value[sign].mean, 1);
    double v = moment_variance(m, moment_variance(&base->value_within[sign], 1, 20), PRIOR_N);
    double z = above((mean - calc_ln(1 + value)) / sqrt(v + VARIANCE_FLOOR));

    return 0.3 * z + 0.19 * z * z; /* -log10 of the normal tail, within 0.04 up to z = 5 */
}

struct habit_margin habits_lines(const struct habits_base *base, const struct habits *h, int sign,
                                 double lines)
{
    const struct habit *own = &h->habit[sign];
    double y = calc_ln(lines), n = (double)own->lines.n;
    double within = moment_variance(&base->lines_within, 1, 20);
    double mean = moment_mean(&own->lines, (double)base->lines.mean, 1), usual = calc_exp(mean);
    double v = moment_variance(&own->lines, within, PRIOR_N) + COUNT_NOISE / usual;
    double z = above((y - mean) / sqrt(v + VARIANCE_FLOOR));

    if (n > 0)
        z = least(z, 2.5) + (z > 0 ? above(y - (double)own->most_lines) * 2 : 0);
    else
        z *= 0.5;
    return (struct habit_margin){z * least(1, 0.4 + 0.1 * n), usual, n};
}

static int country_place(const struct habits *h, uint32_t country)
{
    int i = 0;

    while (i < HABITS_COUNTRIES && !(h->country[i] == country && h->from_country[i] > 0))
        i++;
    return i;
}

double habits_country(const struct habits *h, uint32_t country, double moved, double share)
{
    double n = (double)h->invoices;
    int i = country_place(h, country);
    double seen = i < HABITS_COUNTRIES ? (double)h->from_country[i] : 0;

    if (n <= 0)
        return 0;
    return calc_surprise(seen > 0 ? seen / n : moved * sqrt(share)) * least(1, 0.5 + 0.1 * n);
}

static double clip3(double d)
{
    return d > 3 ? 3 : d > -3 ? d : -3;
}

void habits_learn_spend(struct habits_base *base, struct habits *h, int sign, double value)
{
    struct moment *m = &h->habit[sign].value;
    double y = calc_ln(1 + value);

    if (m->n > 0)
        moment_add(&base->value_within[sign], clip3(y - (double)m->mean), 0);
    moment_add(m, y, MEMORY);
    moment_add(&base->value[sign], y, 0);
}

void habits_learn_lines(struct habits_base *base, struct habits *h, int sign, double lines)
{
    struct habit *own = &h->habit[sign];
    double y = calc_ln(lines);

    if (own->lines.n > 0)
        moment_add(&base->lines_within, clip3(y - (double)own->lines.mean), 0);
    moment_add(&own->lines, y, MEMORY);
    moment_add(&base->lines, y, 0);
    if (y > (double)own->most_lines)
        own->most_lines = (float)y;
}

void habits_learn_country(struct habits *h, uint32_t country)
{
    int i = country_place(h, country);

    if (i == HABITS_COUNTRIES) {
        for (i = 0; i < HABITS_COUNTRIES - 1 && h->from_country[i] > 0;)
            i++;
        h->country[i] = country;
        h->from_country[i] = 0;
    }
    h->from_country[i] += 1;
    h->invoices += 1;
}

/* Rounded towards the past, so that times before 1970 keep their order. */
static uint32_t seconds(int64_t ms)
{
    int64_t s = ms / 1000 - (ms % 1000 < 0);

    return (uint32_t)(uint64_t)s;
}

/* The difference of two times that are less than 68 years apart. */
static int64_t since(uint32_t late, uint32_t early)
{
    return (int64_t)(int32_t)(late - early);
}

void habits_sale(struct habits *h, int64_t time_ms)
{
    h->time_s[h->time_at] = seconds(time_ms);
    h->time_at = (uint8_t)((h->time_at + 1) % HABITS_TIMES);
    if (h->times < HABITS_TIMES)
        h->times++;
}

static int count_within(const struct habits *h, uint32_t from, int64_t width)
{
    int n = 0;

    for (int i = 0; i < h->times; i++) {
        int64_t d = since(h->time_s[i], from);
        n += d >= 0 && d <= width;
    }
    return n;
}

int habits_crowd(const struct habits *h, int64_t time_ms, int64_t width_ms)
{
    uint32_t t = seconds(time_ms);
    int64_t width = width_ms / 1000;
    int best = 1;

    for (int i = 0; i < h->times; i++) {
        int64_t before = since(t, h->time_s[i]);
        if (before < 0 || before > width)
            continue;
        int n = count_within(h, h->time_s[i], width);
        best = n > best ? n : best;
    }
    return best - 1;
}

int habits_crowd_before(const struct habits *h, int64_t time_ms, int64_t width_ms)
{
    int64_t width = width_ms / 1000;
    int n = count_within(h, seconds(time_ms) - (uint32_t)width, width);

    return n > 0 ? n - 1 : 0;
}

void habits_learn_normal(struct habits *h, const struct normal *n)
{
    int i = h->normal_at;

    h->normal_invoice[i] = n->invoice;
    h->normal_value[i] = n->value;
    h->normal_units[i] = n->units;
    h->normal_lines[i] = n->lines;
    h->normal_hour[i] = (uint8_t)n->hour;
    h->normal_time_s[i] = seconds(n->time_ms);
    h->normal_at = (uint8_t)((i + 1) % HABITS_NORMALS);
    if (h->normals < HABITS_NORMALS)
        h->normals++;
}

static double ratio(double a, double b)
{
    return fabs(calc_ln((1 + fabs(a)) / (1 + fabs(b))));
}

static double distance(const struct normal *a, const struct normal *b)
{
    double hours = fabs((double)a->hour - (double)b->hour);

    return ratio(a->lines, b->lines) + ratio((double)a->units, (double)b->units) +
           ratio((double)a->value, (double)b->value) + least(hours, 24 - hours) / 12;
}

/* Enters one among the n nearest so far; how many there are then. */
static uint32_t enter(struct normal *out, double far[VERDICT_NORMALS], uint32_t n,
                      const struct normal *one, double d)
{
    uint32_t at = n;

    while (at > 0 && far[at - 1] > d)
        at--;
    if (at == VERDICT_NORMALS)
        return n;
    n += n < VERDICT_NORMALS;
    for (uint32_t i = n - 1; i > at; i--) {
        far[i] = far[i - 1];
        out[i] = out[i - 1];
    }
    far[at] = d;
    out[at] = *one;
    return n;
}

uint32_t habits_nearest(const struct habits *h, const struct normal *like, struct normal *out)
{
    double far[VERDICT_NORMALS];
    uint32_t n = 0;

    for (int i = 0; i < h->normals; i++) {
        struct normal one = {h->normal_invoice[i], h->normal_value[i], h->normal_units[i],
                             h->normal_lines[i],   h->normal_hour[i],  0};
        /* The stored seconds, made whole by the judged invoice's own time. */
        one.time_ms = like->time_ms - like->time_ms % 1000 -
                      1000 * since(seconds(like->time_ms), h->normal_time_s[i]);
        n = enter(out, far, n, &one, distance(&one, like));
    }
    return n;
}
