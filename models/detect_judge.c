/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The statistics of an invoice as a whole, each turned into a surprise: -log10 of how probable it
 * is to see as much by chance. Magnitudes ask the tail of their own past (models/tails); rare
 * events know their rate. Nothing is learned here.
 *
 * Invariants:
 *  (1) found[s].stat == s wherever something was found.
 *  (2) a reference is asked before it learns from the invoice.
 */
#include "models/detect_parts.h"

#include "engine/when.h"
#include "models/calc.h"

#include <math.h>
#include <stdlib.h>

#define MATERIAL_SHARE 0.001 /* of invoices are larger than what is material */
#define MATERIAL_AFTER 1000.0
#define KIND_AFTER 500.0
#define RETURN_FIRST 0.3 /* he may have bought before anything was known */
#define RETURN_EACH 0.1
#define RETURN_DOUBT 1e-3 /* that our knowledge of what was bought is wrong */
#define SLOW 1.0
#define SLOW_MOST 2.5
#define SLOW_LITTLE 2.0
#define TRIM 0.0025
#define LOW 0.03

/* The statistics whose tail is learned. */
static const struct {
    int tail;
    struct tail_rule rule;
} measure[STAT_COUNT] = {
    [STAT_PRICE_UP] = {TAIL_OF_PRICE_UP, {20, TRIM, LOW}},
    [STAT_PRICE_DOWN] = {TAIL_OF_PRICE_DOWN, {20, TRIM, LOW}},
    [STAT_QUANTITY] = {TAIL_OF_QUANTITY, {20, TRIM, LOW}},
    [STAT_SPEND] = {TAIL_OF_SPEND, {20, TRIM, LOW}},
    [STAT_LINES] = {TAIL_OF_LINES, {20, TRIM, LOW}},
    [STAT_RETURN] = {TAIL_OF_RETURN, {20, TRIM, LOW}},
    [STAT_REPEAT] = {TAIL_OF_REPEAT, {20, TRIM, LOW}},
    [STAT_VALUE] = {TAIL_OF_VALUE, {10, TRIM, LOW}},
    [STAT_UNITS] = {TAIL_OF_UNITS, {10, TRIM, LOW}},
};

static int class_of(const struct opened *i)
{
    return detect_sign(i) * 2 + !i->customer;
}

double detect_surprise(struct detect *d, const struct opened *i, enum stat stat, double x)
{
    return tails_surprise(&d->tails[measure[stat].tail], class_of(i), x, &measure[stat].rule);
}

void detect_learn_measures(struct detect *d, const struct opened *i)
{
    for (int s = 0; s < STAT_COUNT; s++) {
        if (measure[s].rule.bins > 0)
            tails_add(&d->tails[measure[s].tail], class_of(i), i->found[s].x, &measure[s].rule);
    }
}

static double least(double a, double b)
{
    return a < b ? a : b;
}

static double most(double a, double b)
{
    return a > b ? a : b;
}

static void judge_spend(struct detect *d, struct opened *i, const struct habits *h)
{
    struct evidence *f = detect_finding(i, STAT_SPEND);
    double value = fabs((double)i->revenue * DETECT_MONEY);
    struct habit_margin m = habits_spend(&d->shop.habits, h, detect_sign(i), value);

    *f = (struct evidence){.stat = STAT_SPEND,
                           .x = m.x,
                           .value = value,
                           .usual = m.usual,
                           .n = m.n,
                           .effect = fabs(value - m.usual)};
    f->surprise = detect_surprise(d, i, STAT_SPEND, m.x);
}

static void judge_lines(struct detect *d, struct opened *i, const struct habits *h)
{
    struct evidence *f = detect_finding(i, STAT_LINES);
    double lines = (double)i->lines;
    struct habit_margin m = habits_lines(&d->shop.habits, h, detect_sign(i), lines);

    if (detect_sign(i)) { /* a whole order may come back */
        struct habit_margin sold = habits_lines(&d->shop.habits, h, 0, lines);
        m = sold.x < m.x ? sold : m;
    }
    *f = (struct evidence){.stat = STAT_LINES,
                           .x = m.x,
                           .value = lines,
                           .usual = m.usual,
                           .n = m.n,
                           .effect = fabs((double)i->revenue * DETECT_MONEY)};
    f->surprise = detect_surprise(d, i, STAT_LINES, m.x);
}

static void judge_country(struct detect *d, struct opened *i, const struct habits *h)
{
    struct evidence *f = detect_finding(i, STAT_COUNTRY);
    const struct country *c = keyed_find(&d->countries, i->country);
    double share = ((c ? (double)c->invoices : 0) + 0.5) / (d->shop.invoices + 20);
    double moved = d->shop.moved.events / d->shop.moved.of;
    int usual = 0;

    *f = (struct evidence){.stat = STAT_COUNTRY, .n = (double)h->invoices, .key = i->country};
    f->x = f->surprise = habits_country(h, i->country, moved, share);
    for (int k = 0; k < HABITS_COUNTRIES; k++) {
        if (h->country[k] == i->country)
            f->value = (double)h->from_country[k];
        if (h->from_country[k] > h->from_country[usual])
            usual = k;
    }
    f->usual = (double)h->country[usual];
    f->effect = fabs((double)i->revenue * DETECT_MONEY);
}

/* Goods given back that the customer never bought. */
static void judge_return(struct detect *d, struct opened *i, const struct habits *h)
{
    struct evidence *f = detect_finding(i, STAT_RETURN);

    if (!i->unknown)
        return;
    double unknown = (double)i->unknown, returned = (double)i->returned;
    double known = least(1, RETURN_FIRST + RETURN_EACH * (double)h->habit[0].value.n);
    *f = (struct evidence){.stat = STAT_RETURN,
                           .x = unknown * unknown / returned * known,
                           .value = unknown,
                           .usual = returned,
                           .effect = fabs((double)i->revenue * DETECT_MONEY)};
    double p = tails_one_p(&d->tails[TAIL_OF_RETURN].all, f->x, &measure[STAT_RETURN].rule);
    f->surprise = calc_surprise(most(p, RETURN_DOUBT));
}

/* How far the line of the strangest quantity stands out from the invoice's other lines. */
static void judge_standing_out(struct detect *d, struct opened *i, const struct habits *h)
{
    struct evidence *f = detect_finding(i, STAT_QUANTITY);
    double quantity = 0, value = -9;
    uint32_t best = 0;

    (void)h;
    if (i->n_line < 2 || !(f->x > 0))
        return;
    for (uint32_t k = 1; k < i->n_line; k++)
        best = i->line[k].quantity_x > i->line[best].quantity_x ? k : best;
    for (uint32_t k = 0; k < i->n_line; k++) {
        double q = (double)i->line[k].ln_quantity, v = q + (double)i->line[k].ln_price;
        if (k == best)
            continue;
        quantity = most(quantity, q);
        value = most(value, v);
    }
    double q = (double)i->line[best].ln_quantity, v = q + (double)i->line[best].ln_price;
    double gap = q - quantity < v - value ? q - quantity : v - value;
    f->x = quantities_within(f->x, gap);
    f->surprise = detect_surprise(d, i, STAT_QUANTITY, f->x);
    lessons_apply(&d->lessons, i->customer, f);
}

static void judge_hour(struct detect *d, struct opened *i, const struct habits *h)
{
    struct evidence *f = detect_finding(i, STAT_HOUR);
    int hour = hours_of(i->local_ms);

    (void)h;
    *f = (struct evidence){.stat = STAT_HOUR,
                           .value = hour,
                           .usual = hours_share(&d->shop.hours, hour),
                           .n = d->shop.invoices,
                           .effect = fabs((double)i->revenue * DETECT_MONEY)};
    f->x = f->surprise = hours_surprise(&d->shop.hours, hour);
}

static void judge_kind(struct detect *d, struct opened *i, const struct habits *h)
{
    struct evidence *f = detect_finding(i, STAT_KIND);
    int k = i->letter >= 'A' && i->letter <= 'Z' ? i->letter - 'A' + 1 : 0;
    double share = (d->shop.letter[k] + 0.3) / (d->shop.invoices + 30);

    (void)h;
    *f = (struct evidence){.stat = STAT_KIND,
                           .value = i->letter,
                           .n = 1 / share,
                           .effect = fabs((double)i->revenue * DETECT_MONEY)};
    if (d->shop.invoices > KIND_AFTER)
        f->x = f->surprise = calc_surprise(share);
}

/* The largest line's value or units among all invoices; also by how many powers of ten it is
 * beyond what is material. */
static void judge_size(struct detect *d, struct opened *i, enum stat stat, double size,
                       uint32_t stock)
{
    struct evidence *f = detect_finding(i, stat);
    const struct tail *all = &d->tails[measure[stat].tail].all;
    double material = 0;

    if (all->n >= MATERIAL_AFTER)
        material = tails_one_quantile(all, MATERIAL_SHARE, &measure[stat].rule);
    *f = (struct evidence){.stat = (uint8_t)stat,
                           .x = size,
                           .value = size,
                           .usual = material,
                           .n = all->n,
                           .effect = fabs((double)i->revenue * DETECT_MONEY),
                           .key = stock};
    f->surprise = detect_surprise(d, i, stat, size);
    i->decades[stat == STAT_UNITS] =
        material > 0 && size > material ? calc_log10(size / material) : 0;
}

static void judge_value(struct detect *d, struct opened *i, const struct habits *h)
{
    (void)h;
    judge_size(d, i, STAT_VALUE, (double)i->top_value * DETECT_MONEY, i->top_value_stock);
    judge_size(d, i, STAT_UNITS, (double)i->top_units, i->top_units_stock);
}

static int by_same(const void *a, const void *b)
{
    uint64_t x = ((const struct opened_line *)a)->same, y = ((const struct opened_line *)b)->same;

    return x < y ? -1 : x > y;
}

/* Equal lines within the invoice: the largest number of them, and how many are repetitions. */
static void judge_repeat(struct detect *d, struct opened *i, const struct habits *h)
{
    struct evidence *f = detect_finding(i, STAT_REPEAT);
    uint32_t run = 1, longest = 1, repeats = 0, at = 0;

    (void)h;
    qsort(i->line, i->n_line, sizeof(*i->line), by_same);
    for (uint32_t k = 1; k < i->n_line; k++) {
        bool same = i->line[k].same == i->line[k - 1].same;
        run = same ? run + 1 : 1;
        repeats += same;
        if (run > longest) {
            longest = run;
            at = k;
        }
    }
    if (!repeats)
        return;
    double share = (double)repeats / i->n_line;
    f->x =
        calc_ln(longest) / calc_ln(2) * sqrt(share) + share * calc_ln(1.0 + repeats) / calc_ln(2);
    f->value = longest;
    f->usual = 1;
    f->n = repeats;
    f->key = i->line[at].stock;
    f->effect = fabs((double)i->revenue * DETECT_MONEY) * share;
    f->surprise = detect_surprise(d, i, STAT_REPEAT, f->x);
}

static void judge_reopen(struct detect *d, struct opened *i, const struct habits *h)
{
    struct evidence *f = detect_finding(i, STAT_REOPEN);

    (void)h;
    if (!i->reopened)
        return;
    f->x = i->reopened;
    f->value = i->reopened;
    f->n = d->shop.reopened.of / d->shop.reopened.events;
    f->effect = fabs((double)i->revenue * DETECT_MONEY);
    f->surprise = calc_surprise(1 / f->n);
}

static void judge_echo(struct detect *d, struct opened *i, const struct habits *h)
{
    struct evidence *f = detect_finding(i, STAT_ECHO);
    const struct echo_question q = {i->content, i->time_ms, i->lines, i->customer};

    (void)h;
    if (detect_sign(i) || !i->customer)
        return;
    struct echo_answer a = echo_judge(&d->echo, &q);
    i->echo_bucket = a.bucket;
    if (a.bucket < 0 || a.invoice == i->head.key)
        return;
    f->x = f->surprise = a.surprise;
    f->value = (double)i->lines;
    f->usual = a.gap_ms;
    f->n = a.per;
    f->other = a.invoice;
    f->effect = fabs((double)i->revenue * DETECT_MONEY);
}

static const int64_t scale_ms[HABITS_SCALES] = {10 * WHEN_MINUTE, WHEN_HOUR, 4 * WHEN_HOUR};

static void judge_scale(struct detect *d, struct opened *i, const struct habits *h, int k)
{
    struct evidence *f = detect_finding(i, STAT_BURST);
    double surprise = 0;
    int further = i->crowd[k];

    if (further > 0)
        surprise = bursts_surprise(&d->shop.bursts[k], further, (double)h->burst[k]);
    if (k > 0)
        surprise =
            least(surprise, SLOW_MOST) - SLOW +
            least(habits_little(&d->shop.habits, h, 0, fabs((double)i->revenue * DETECT_MONEY)),
                  SLOW_LITTLE);
    if (surprise <= f->surprise)
        return;
    *f = (struct evidence){.stat = STAT_BURST,
                           .x = (double)scale_ms[k] / (double)WHEN_MINUTE,
                           .surprise = surprise,
                           .value = further + 1,
                           .usual = (double)h->burst[k] + 1,
                           .n = 1 / bursts_share(&d->shop.bursts[k], further),
                           .effect = fabs((double)i->revenue * DETECT_MONEY) * (further + 1)};
}

void detect_judge_burst(struct detect *d, struct opened *i, bool settled)
{
    const struct habits *h = i->customer ? keyed_find(&d->customers, i->customer) : NULL;
    struct evidence *f = detect_finding(i, STAT_BURST);

    if (detect_sign(i) || !h)
        return;
    f->surprise = 0;
    for (int k = 0; k < HABITS_SCALES; k++) {
        if (!settled)
            i->crowd_before[k] = habits_crowd_before(h, i->time_ms, scale_ms[k]);
        i->crowd[k] = settled ? habits_crowd(h, i->time_ms, scale_ms[k]) : (int)i->crowd_before[k];
        judge_scale(d, i, h, k);
    }
    lessons_apply(&d->lessons, i->customer, f);
}

static void (*const of_customers[])(struct detect *d, struct opened *i, const struct habits *h) = {
    judge_spend, judge_lines, judge_country, judge_return};
static void (*const of_all[])(struct detect *d, struct opened *i, const struct habits *h) = {
    judge_standing_out, judge_hour,   judge_kind,   judge_value,
    judge_return,       judge_repeat, judge_reopen, judge_echo};

void detect_judge(struct detect *d, struct opened *i)
{
    const struct habits *h = i->customer ? keyed_find(&d->customers, i->customer) : NULL;

    for (size_t k = 0; h && k < countof(of_customers); k++)
        of_customers[k](d, i, h);
    for (size_t k = 0; k < countof(of_all); k++)
        of_all[k](d, i, h);
    for (int s = STAT_SPEND; s < STAT_COUNT; s++)
        lessons_apply(&d->lessons, i->customer, &i->found[s]);
    detect_judge_burst(d, i, false);
}
