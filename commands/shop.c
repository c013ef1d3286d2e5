/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * shop: who comes when, and what kind of invoice it becomes.
 *
 * Time goes minute by minute. A minute expects
 *
 *     lambda = (lines to sell) * weight(day) * share(hour) / (sum of weights * 60 * 21)
 *
 * invoices, 21 being the mean number of lines; how many come is binomial, close to Poisson.
 * So nothing is sorted and nothing kept, however busy the day. A few hundred recent sales
 * are remembered, as recipes, for returns to refer to and for anomalies to happen to.
 *
 * Anomalies come on top, from dice of their own: by position they spread over 10 % to 92 %
 * of the run; those of the night happen when a day begins, and what finds no night in time
 * becomes something else.
 *
 * 1. Time never steps back. 2. Memory is constant. 3. Integers alone.
 */
#include "commands/shop.h"

#include "commands/calendar.h"
#include "commands/mischief.h"
#include "engine/when.h"

#include <stdlib.h>

#define MEAN_LINES 21
#define REMEMBERED 512
#define REMEMBER_ONE_IN 4
#define PENDING 32
#define FIRST_INVOICE 536365
#define MINUTES 1440
#define LAST_YEAR 2199

__extension__ typedef unsigned __int128 u128;

struct shop {
    struct shop_options options;
    struct goods goods;
    struct patrons patrons;
    struct dice dice, odd_dice;
    int64_t sell, weights; /* lines to sell over days whose weights sum to this */
    int64_t day, end_day;
    int64_t weight; /* of today */
    int64_t minute;
    uint64_t lambda; /* invoices a minute, in 2^-32, in this hour */
    int64_t coming;  /* invoices still to come in this minute */
    struct recipe current;
    int at; /* next line of it */
    int64_t invoice, number;
    struct recipe remembered[REMEMBERED];
    struct mischief_visit pending[PENDING]; /* in order of time */
    int n_pending;
    int64_t expected; /* lines of the whole run, for spreading anomalies */
    int64_t nights, others, others_done;
};

/* Sums the weights of days from the start; `open` counts those that aren't 0. */
static int64_t sum_weights(const struct shop_options *o, int64_t days, int64_t *open)
{
    int64_t sum = 0;

    *open = 0;
    for (int64_t i = 0; i < days; i++) {
        int64_t weight = calendar_weight(o->seed, o->start_day + i);

        sum += weight;
        *open += weight > 0;
    }
    return sum;
}

/* Decides the pace: lines to sell, and over what. */
static void set_pace(struct shop *s)
{
    const struct shop_options *o = &s->options;
    int64_t open;
    int64_t lines = o->lines_per_day ? o->lines_per_day : SHOP_DEFAULT_LINES_PER_DAY;
    int64_t span = o->days ? sum_weights(o, o->days, &open) : 0;

    if (o->records && span && !o->lines_per_day) {
        s->sell = s->expected = o->records;
        s->weights = span;
        return;
    }
    s->weights = sum_weights(o, 365, &open);
    s->sell = lines * open;
    s->expected = (int64_t)((u128)s->sell * (u128)span / (u128)s->weights);
    if (o->records && (!o->days || o->records < s->expected))
        s->expected = o->records;
}

static void plan_nights(struct shop *s);

static void open_day(struct shop *s)
{
    s->minute = 0;
    s->weight = calendar_weight(s->options.seed, s->day);
    s->lambda = 0;
    s->coming = 0;
    if (s->weight)
        plan_nights(s);
}

enum err shop_open(const struct shop_options *o, struct shop **out)
{
    struct shop *s = calloc(1, sizeof(*s));
    int64_t last = when_days(LAST_YEAR, 12, 31) + 1;
    /* With records to write the days only set the pace, unless that was given too. */
    bool days_end = o->days && (!o->records || o->lines_per_day);

    if (!s)
        return ERR_NOMEM;
    s->options = *o;
    goods_init(&s->goods, o->seed, o->codes);
    patrons_init(&s->patrons, o->seed, o->customers);
    s->dice.state = dice_hash(o->seed, 301);
    s->odd_dice.state = dice_hash(o->seed, 302);
    s->end_day = days_end && o->start_day + o->days < last ? o->start_day + o->days : last;
    s->day = o->start_day;
    s->invoice = FIRST_INVOICE - 1;
    for (int i = 0; i < REMEMBERED; i++)
        s->remembered[i].rank = -1;
    s->nights = o->anomalies / (RECIPE_ODDITIES - 1);
    s->others = o->anomalies - s->nights;
    set_pace(s);
    open_day(s);
    *out = s;
    return ERR_OK;
}

void shop_close(struct shop *s)
{
    free(s);
}

int64_t shop_anomalies_left(const struct shop *s)
{
    return s->nights + s->others - s->others_done + s->n_pending;
}

static void add_pending(struct shop *s, const struct mischief_visit *visit)
{
    int at = s->n_pending++;

    for (; at > 0 && s->pending[at - 1].minute > visit->minute; at--)
        s->pending[at] = s->pending[at - 1];
    s->pending[at] = *visit;
}

/* An anomaly happens to somebody who was here before, when there is such a one. */
static void plan_oddity(struct shop *s, enum recipe_oddity oddity)
{
    struct dice *d = &s->odd_dice;
    struct mischief_visit visits[MISCHIEF_VISITS];
    int64_t rank = patrons_pick(&s->patrons, d);
    struct recipe sale;
    int n;

    for (int i = 0; i < 8; i++) {
        const struct recipe *known = &s->remembered[dice_below(d, REMEMBERED)];

        if (known->rank >= 0)
            rank = known->rank;
    }
    sale = recipe_sale(&s->patrons, rank, s->day, dice_roll(d));
    n = mischief_plan(oddity, &sale, &s->patrons, s->minute, visits);
    for (int i = 0; i < n; i++)
        add_pending(s, &visits[i]);
}

/* Position, in lines, at which the k-th of n anomalies is due. */
static int64_t due_at(const struct shop *s, int64_t k, int64_t n)
{
    return (int64_t)((u128)s->expected * (u128)(100 * n + 820 * k) / (u128)(1000 * n));
}

static void plan_nights(struct shop *s)
{
    int64_t total = s->options.anomalies / (RECIPE_ODDITIES - 1);

    while (s->nights && s->n_pending + MISCHIEF_VISITS <= PENDING &&
           s->number >= due_at(s, total - s->nights, total)) {
        s->nights--;
        plan_oddity(s, RECIPE_NIGHT);
    }
}

static void plan_others(struct shop *s)
{
    int64_t first = RECIPE_NIGHT + 1;

    if (s->others_done == s->others && s->nights && s->number >= due_at(s, 1, 1)) {
        s->others += s->nights; /* too late for a night */
        s->nights = 0;
    }
    while (s->others_done < s->others && s->n_pending + MISCHIEF_VISITS <= PENDING &&
           s->number >= due_at(s, s->others_done, s->options.anomalies)) {
        plan_oddity(s, (enum recipe_oddity)(first + s->others_done % (RECIPE_ODDITIES - first)));
        s->others_done++;
    }
}

/* How many invoices come in a minute: binomial, with variance close to Poisson's. */
static int64_t roll_coming(struct shop *s)
{
    int64_t chances = 8 + 4 * (int64_t)(s->lambda >> 32);
    uint64_t chance = s->lambda / (uint64_t)chances;
    int64_t n = 0;

    if (!s->lambda)
        return 0;
    for (int64_t i = 0; i < chances; i++)
        n += dice_roll(&s->dice) >> 32 < chance;
    return n;
}

static void open_minute(struct shop *s)
{
    if (s->minute % 60 == 0) {
        int64_t share = calendar_hour(s->day, (int)(s->minute / 60));
        u128 many = (u128)s->sell * (u128)s->weight * (u128)share << 32;

        s->lambda = (uint64_t)(many / ((u128)s->weights * 1000 * 60 * MEAN_LINES));
    }
    s->coming = s->weight ? roll_coming(s) : 0;
}

static bool next_minute(struct shop *s)
{
    s->minute++;
    if (s->minute == MINUTES) {
        s->day++;
        if (s->day >= s->end_day)
            return false;
        open_day(s);
    }
    open_minute(s);
    return true;
}

static void remember(struct shop *s, const struct recipe *sale)
{
    if (dice_below(&s->dice, REMEMBER_ONE_IN) == 0)
        s->remembered[dice_below(&s->dice, REMEMBERED)] = *sale;
}

/* Looks for something to take back; false when nobody remembered has anything left. */
static bool find_credit(struct shop *s, struct recipe *credit)
{
    for (int i = 0; i < 16; i++) {
        struct recipe *sale = &s->remembered[dice_below(&s->dice, REMEMBERED)];

        if (sale->rank >= 0 && recipe_credit(sale, dice_roll(&s->dice), credit))
            return true;
    }
    return false;
}

static void roll_recipe(struct shop *s)
{
    int64_t kind = dice_below(&s->dice, 10000);
    uint64_t seed = dice_roll(&s->dice);

    if (kind == 0) {
        s->current = recipe_nameless(RECIPE_DEBT, s->day, seed);
    } else if (kind < 471) {
        s->current = recipe_nameless(RECIPE_BASKET, s->day, seed);
    } else if (kind < 1321) {
        s->current = recipe_nameless(RECIPE_STOCK, s->day, seed);
    } else if (kind >= 2801 || !find_credit(s, &s->current)) {
        s->current = recipe_sale(&s->patrons, patrons_pick(&s->patrons, &s->dice), s->day, seed);
        remember(s, &s->current);
    }
}

static bool next_invoice(struct shop *s)
{
    while (s->coming == 0 && (s->n_pending == 0 || s->pending[0].minute > s->minute)) {
        if (!next_minute(s))
            return false;
    }
    if (s->coming) {
        s->coming--;
        roll_recipe(s);
        plan_others(s);
    } else {
        s->current = s->pending[0].recipe;
        s->n_pending--;
        memmove(s->pending, s->pending + 1, (size_t)s->n_pending * sizeof(s->pending[0]));
    }
    s->invoice += 1 + (dice_hash((uint64_t)s->invoice, s->options.seed) % 8 == 0);
    s->at = 0;
    return true;
}

static char letter_of(enum recipe_kind kind)
{
    if (kind == RECIPE_CREDIT)
        return 'C';
    return kind == RECIPE_DEBT ? 'A' : 0;
}

bool shop_next(struct shop *s, struct shop_line *line)
{
    if (s->options.records && s->number >= s->options.records)
        return false;
    if (s->at >= s->current.lines && !next_invoice(s))
        return false;
    recipe_line(&s->current, s->at, &s->goods, &s->patrons, &line->what);
    line->letter = letter_of(s->current.kind);
    line->invoice = s->invoice;
    line->at_ms = s->day * WHEN_DAY + s->minute * WHEN_MINUTE;
    line->number = ++s->number;
    line->first = s->at == 0;
    line->oddity = s->current.oddity;
    s->at++;
    return true;
}
