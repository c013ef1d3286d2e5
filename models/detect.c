/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The life of an invoice: it opens with its first line, closes when the watermark has passed
 * its last one by idle_ms, is settled settle_ms later, and is then forgotten but for what was
 * learned from it.
 *
 *            line            idle                      settle
 *   (none) -------> open ------------> closed ----------------------> (none)
 *             VERDICT_LINE*   judged, learned,          VERDICT_FINAL
 *                ^            VERDICT_PROVISIONAL
 *                '------- line ---------'   reopened
 *
 * Invariants:
 *  (1) what is due at or before the watermark has happened when detect_line returns.
 *  (2) a score is the sum of the contributions of its evidence, to the bit.
 *  (3) no random number, no clock: the same lines give the same verdicts, bit by bit.
 */
#include "models/detect_parts.h"

#include "engine/when.h"

#include <stdlib.h>

#define CODES_MAX 1000000
#define LINE_WORTH 2.5 /* strength from which a line is looked at on its own */

static const struct pack_field code_fields[] = {
    PRICES_FIELDS(struct code, prices[0]),
    PRICES_FIELDS(struct code, prices[1]),
    QUANTITIES_FIELDS(struct code, quantities[0]),
    QUANTITIES_FIELDS(struct code, quantities[1]),
};
const struct keyed_kind detect_code_kind = {.name = "detect/codes",
                                            .version = 1,
                                            .size = sizeof(struct code),
                                            .max = CODES_MAX,
                                            .table = {code_fields, countof(code_fields)}};

/* By scale: the share of sales with one further, and by what it falls with each. */
static const double burst_prior[HABITS_SCALES][2] = {{0.06, 0.22}, {0.12, 0.45}, {0.15, 0.6}};

struct detect_setup detect_defaults(void)
{
    return (struct detect_setup){
        .idle_ms = 5 * WHEN_MINUTE, .settle_ms = 15 * WHEN_MINUTE, .alert_rate = 0.015};
}

enum err detect_open(const struct detect_setup *setup, struct detect **out)
{
    struct detect *d = calloc(1, sizeof(*d));

    if (!d)
        return ERR_NOMEM;
    if (bought_init(&d->bought)) {
        free(d);
        return ERR_NOMEM;
    }
    d->setup = *setup;
    keyed_init(&d->codes, &detect_code_kind);
    keyed_init(&d->customers, &habits_kind);
    keyed_init(&d->countries, &country_kind);
    echo_init(&d->echo);
    openings_init(&d->open);
    lessons_init(&d->lessons);
    hours_init(&d->shop.hours);
    for (int i = 0; i < HABITS_SCALES; i++)
        bursts_init(&d->shop.bursts[i], burst_prior[i][0], burst_prior[i][1]);
    d->shop.free = d->shop.odd = (struct rate){0.2, 2000};
    d->shop.reopened = (struct rate){0.3, 30};
    d->shop.moved = (struct rate){0.3, 300};
    d->shop.watermark_ms = WHEN_NONE;
    for (int i = 0; i < TAILS; i++)
        tails_init(&d->tails[i]);
    alert_init(&d->alert);
    *out = d;
    return ERR_OK;
}

void detect_close(struct detect *d)
{
    if (!d)
        return;
    keyed_clear(&d->codes);
    keyed_clear(&d->customers);
    keyed_clear(&d->countries);
    echo_clear(&d->echo);
    bought_clear(&d->bought);
    openings_clear(&d->open);
    lessons_clear(&d->lessons);
    free(d);
}

/* ---- verdicts ---- */

static double threshold(const struct detect *d)
{
    return alert_threshold(&d->alert, d->setup.alert_rate, d->setup.flags_per_day);
}

static void describe(struct detect *d, const struct opened *i, enum verdict_kind kind,
                     struct verdict *v)
{
    static const double nothing[2] = {0, 0};

    *v = (struct verdict){.kind = (uint8_t)kind,
                          .letter = i->letter,
                          .invoice = i->head.key,
                          .time_ms = i->time_ms,
                          .local_ms = i->local_ms,
                          .judged_ms = d->shop.watermark_ms,
                          .customer = i->customer,
                          .country = i->country,
                          .lines = i->lines,
                          .units = i->units,
                          .revenue = i->revenue};
    score_make(v, i->found, kind == VERDICT_LINE ? nothing : i->decades);
    v->p_value = alert_p(&d->alert, v->score);
    v->flagged = v->score > threshold(d) && v->effect >= d->setup.min_effect;
}

static enum err give(const struct detect *d, const struct verdict *v)
{
    return d->setup.take ? d->setup.take(d->setup.arg, v) : ERR_OK;
}

static struct normal summary(const struct opened *i)
{
    return (struct normal){.invoice = i->head.key,
                           .value = (float)((double)i->revenue / 1e6),
                           .units = (float)i->units,
                           .lines = i->lines < UINT32_MAX ? (uint32_t)i->lines : UINT32_MAX,
                           .hour = (uint32_t)hours_of(i->local_ms),
                           .time_ms = i->time_ms};
}

static void compare(const struct detect *d, const struct opened *i, struct verdict *v)
{
    const struct habits *h = i->customer ? keyed_find(&d->customers, i->customer) : NULL;
    const struct echo_question q = {i->content, i->time_ms, i->lines, i->customer};
    struct normal own = summary(i);

    if (h)
        v->n_normals = habits_nearest(h, &own, v->normal);
    if (h && detect_sign(i))
        v->cancels = echo_cancelled(&d->echo, &q);
}

/* ---- time ---- */

static enum err close_invoice(struct detect *d, struct opened *i)
{
    struct verdict v;
    enum err e;

    detect_judge(d, i);
    describe(d, i, VERDICT_PROVISIONAL, &v);
    compare(d, i, &v);
    e = detect_learn(d, i);
    if (e)
        return e;
    i->closed = 1;
    i->due_ms += d->setup.settle_ms;
    openings_again(&d->open, i);
    return give(d, &v);
}

static enum err settle(struct detect *d, struct opened *i)
{
    struct verdict v;

    detect_judge_burst(d, i, true);
    describe(d, i, VERDICT_FINAL, &v);
    compare(d, i, &v);
    alert_learn(&d->alert, v.score, i->local_ms);
    detect_learn_burst(d, i);
    struct habits *h = i->customer ? keyed_find(&d->customers, i->customer) : NULL;
    if (h && !v.flagged && !detect_sign(i)) {
        struct normal own = summary(i);
        habits_learn_normal(h, &own);
        keyed_change(&d->customers, h);
    }
    openings_remove(&d->open, i);
    return give(d, &v);
}

/* What is due; with too many open, the oldest before its time. */
static struct opened *next_due(struct detect *d, int64_t now_ms)
{
    return openings_due(&d->open, d->open.n < OPENED_MAX ? now_ms : INT64_MAX);
}

static enum err pass_time(struct detect *d, int64_t now_ms)
{
    struct opened *i = next_due(d, now_ms);
    enum err e = ERR_OK;

    while (!e && i) {
        e = i->closed ? settle(d, i) : close_invoice(d, i);
        i = next_due(d, now_ms);
    }
    return e;
}

/* ---- lines ---- */

/* The open invoice of the line; opens, or opens again. */
static enum err invoice_of(struct detect *d, const struct model_line *line, struct opened **out)
{
    int64_t due_ms = line->time_ms + d->setup.idle_ms;
    struct opened *i = openings_find(&d->open, line->invoice);
    bool again = i ? i->closed : line->invoice <= d->shop.highest;
    enum err e = ERR_OK;

    if (!i)
        e = openings_add(&d->open, line, due_ms, &i);
    if (e)
        return e;
    if (again && i->reopened < UINT8_MAX)
        i->reopened++;
    i->closed = 0;
    if (due_ms > i->due_ms)
        i->due_ms = due_ms;
    if (line->time_ms > i->last_ms)
        i->last_ms = line->time_ms;
    if (line->invoice > d->shop.highest)
        d->shop.highest = line->invoice;
    *out = i;
    return ERR_OK;
}

/* Makes what the line refers to, before anything is counted. */
static enum err prepare(struct detect *d, const struct model_line *line, struct opened **invoice)
{
    bool first = !openings_find(&d->open, line->invoice);
    void *record;
    enum err e = ERR_OK;

    if (!keyed_find(&d->codes, line->stock))
        e = keyed_touch(&d->codes, line->stock, &record);
    if (!e && first && line->customer)
        e = keyed_touch(&d->customers, line->customer, &record);
    if (!e && first && line->customer && line->letter != 'C')
        habits_sale(record, line->time_ms);
    return e ? e : invoice_of(d, line, invoice);
}

static int64_t add(int64_t a, int64_t b)
{
    int64_t sum;

    return __builtin_add_overflow(a, b, &sum) ? a : sum;
}

static int64_t size(int64_t v)
{
    if (v < -INT64_MAX)
        return INT64_MAX;
    return v < 0 ? -v : v;
}

static void count(struct opened *i, const struct model_line *line)
{
    int64_t units = size(line->quantity), value = size(line->value);

    i->lines++;
    i->units = add(i->units, units);
    if (units > i->top_units) {
        i->top_units = units;
        i->top_units_stock = line->stock;
    }
    if (value > i->top_value) {
        i->top_value = value;
        i->top_value_stock = line->stock;
    }
    i->revenue = add(i->revenue, line->value);
    i->free += line->price == 0;
    i->odd += line->quantity < 0;
    content_add(&i->content, line->stock, line->quantity, line->price);
}

/* Whether the lines so far would do to flag the invoice, and more so than when last told. */
static enum err tell_line(struct detect *d, struct opened *i)
{
    static const enum stat of_lines[] = {STAT_PRICE_UP, STAT_PRICE_DOWN, STAT_QUANTITY, STAT_FREE,
                                         STAT_SIGN};
    double strongest = 0;
    struct verdict v;

    for (size_t k = 0; k < countof(of_lines); k++) {
        double x = score_strength(of_lines[k], i->found[of_lines[k]].surprise);
        strongest = x > strongest ? x : strongest;
    }
    if (strongest < LINE_WORTH || strongest <= i->told)
        return ERR_OK;
    describe(d, i, VERDICT_LINE, &v);
    i->told = strongest;
    return v.flagged ? give(d, &v) : ERR_OK;
}

enum err detect_line(struct detect *d, const struct model_line *line)
{
    struct opened *i;
    struct opened_line *mine;
    enum err e = prepare(d, line, &i);

    if (!e)
        e = opened_add(i, &mine);
    if (e)
        return e;
    d->shop_changed = true;
    d->shop.lines += 1;
    count(i, line);
    if (mine)
        *mine = (struct opened_line){0};
    detect_judge_line(d, i, line, mine);
    e = tell_line(d, i);
    if (line->watermark_ms > d->shop.watermark_ms)
        d->shop.watermark_ms = line->watermark_ms;
    if (!e)
        e = pass_time(d, d->shop.watermark_ms);
    return e;
}

enum err detect_finish(struct detect *d)
{
    return pass_time(d, INT64_MAX);
}

/* ---- people ---- */

enum err detect_feedback(struct detect *d, const struct verdict *v, bool fine)
{
    return lessons_learn(&d->lessons, v, fine);
}

void detect_recall(struct detect *d, const struct verdict *v)
{
    lessons_undo(&d->lessons, v);
}

void detect_measure(const struct detect *d, struct detect_stats *out)
{
    *out = (struct detect_stats){.lines = (uint64_t)d->shop.lines,
                                 .invoices = (uint64_t)d->shop.invoices,
                                 .codes = d->codes.n,
                                 .customers = d->customers.n,
                                 .contents = d->echo.seen.n,
                                 .open = d->open.table.n,
                                 .threshold = threshold(d),
                                 .memory =
                                     sizeof(*d) + bought_memory() + keyed_memory(&d->codes) +
                                     keyed_memory(&d->customers) + keyed_memory(&d->countries) +
                                     keyed_memory(&d->echo.seen) + keyed_memory(&d->echo.sales) +
                                     keyed_memory(&d->lessons.table) + openings_memory(&d->open)};
}
