/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Sceptical learning. A reference that the invoice broke must not learn from it, or an anomaly
 * makes the next one look normal: a price, a quantity, a size that was a great surprise is left
 * out; what has to be counted (an hour, a burst, a repetition) counts a tenth. A country is
 * always learned, else a second home is flagged for ever. All is learned in the first thousand
 * invoices, when nothing is known.
 */
#include "models/detect_parts.h"

#include "engine/when.h"

static bool broke(const struct detect *d, const struct opened *i, enum stat stat)
{
    return d->shop.invoices > DETECT_TRUSTED && i->found[stat].surprise > DETECT_BROKEN;
}

static double doubt(const struct opened *i, enum stat stat)
{
    return i->found[stat].surprise > DETECT_RARE ? DETECT_DOUBT : 1;
}

static bool line_broke(struct detect *d, const struct opened *i, enum stat stat, double x)
{
    return broke(d, i, stat) && x > 1 &&
           (x >= i->found[stat].x || detect_surprise(d, i, stat, x) > DETECT_BROKEN);
}

static void learn_line(struct detect *d, const struct opened *i, const struct opened_line *line,
                       struct habits *h)
{
    struct code *c = keyed_find(&d->codes, line->stock);
    double ln_value = (double)line->ln_price + (double)line->ln_quantity;
    double x = (double)line->price_x;

    if (!c)
        return;
    keyed_change(&d->codes, c);
    if (i->customer && !detect_sign(i))
        bought_learn(&d->bought, i->customer, line->stock);
    if (line->priced && !line_broke(d, i, STAT_PRICE_UP, x) &&
        !line_broke(d, i, STAT_PRICE_DOWN, -x))
        prices_learn(&c->prices[i->customer != 0], (double)line->ln_price);
    if (line_broke(d, i, STAT_QUANTITY, (double)line->quantity_x))
        return;
    quantities_learn_code(&d->shop.quantities, &c->quantities[detect_sign(i)],
                          (double)line->ln_quantity, ln_value);
    if (h)
        quantities_learn_customer(&h->quantities, (double)line->ln_quantity, ln_value);
}

static void learn_rate(struct rate *r, bool happened)
{
    r->events += happened ? DETECT_DOUBT : 0;
    r->of += 1;
}

/* A new country is news from the second invoice on. */
static void learn_country(struct detect *d, const struct opened *i, struct habits *h)
{
    if (h->invoices > 0) {
        bool new = !(i->found[STAT_COUNTRY].value > 0);
        d->shop.moved.events += new ? doubt(i, STAT_COUNTRY) : 0;
        d->shop.moved.of += 1;
    }
    habits_learn_country(h, i->country);
}

static void learn_customer(struct detect *d, const struct opened *i, struct habits *h)
{
    int sign = detect_sign(i);
    double value = (double)i->revenue / 1e6;

    if (!broke(d, i, STAT_SPEND))
        habits_learn_spend(&d->shop.habits, h, sign, value < 0 ? -value : value);
    if (!broke(d, i, STAT_LINES))
        habits_learn_lines(&d->shop.habits, h, sign, (double)i->lines);
    learn_country(d, i, h);
    if (sign)
        return;
    learn_rate(&d->shop.free, i->found[STAT_FREE].value > 0);
    learn_rate(&d->shop.odd, i->found[STAT_SIGN].value > 0);
}

static void learn_shop(struct detect *d, const struct opened *i)
{
    int k = i->letter >= 'A' && i->letter <= 'Z' ? i->letter - 'A' + 1 : 0;

    d->shop.invoices += 1;
    d->shop.letter[k] += broke(d, i, STAT_KIND) ? DETECT_DOUBT : 1;
    hours_learn(&d->shop.hours, hours_of(i->local_ms), broke(d, i, STAT_HOUR) ? DETECT_DOUBT : 1);
    learn_rate(&d->shop.reopened, i->reopened > 0);
}

static enum err learn_content(struct detect *d, const struct opened *i)
{
    const struct echo_question q = {i->content, i->time_ms, i->lines, i->customer};
    const struct echo_answer a = {.bucket = i->echo_bucket};

    if (detect_sign(i) && i->customer)
        echo_learn_credit(&d->echo, &q);
    enum err e = echo_learn(&d->echo, &q, i->head.key);
    if (detect_sign(i) || !i->customer)
        return e;
    echo_learn_rate(&d->echo, &a, doubt(i, STAT_ECHO));
    return e ? e : echo_learn_sale(&d->echo, &q, i->head.key);
}

enum err detect_learn(struct detect *d, struct opened *i)
{
    struct habits *h = NULL;
    void *record;
    enum err e = keyed_touch(&d->countries, i->country, &record);

    if (e)
        return e;
    ((struct country *)record)->invoices += 1;
    if (i->customer) {
        e = keyed_touch(&d->customers, i->customer, &record);
        if (e)
            return e;
        h = record;
    }
    for (uint32_t k = 0; k < i->n_line; k++)
        learn_line(d, i, &i->line[k], h);
    opened_drop_lines(i);
    if (i->learned)
        return ERR_OK;
    i->learned = 1;
    detect_learn_measures(d, i);
    if (h)
        learn_customer(d, i, h);
    e = learn_content(d, i);
    learn_shop(d, i);
    return e;
}

void detect_learn_burst(struct detect *d, struct opened *i)
{
    struct habits *h = i->customer ? keyed_find(&d->customers, i->customer) : NULL;
    double weight = doubt(i, STAT_BURST);

    if (detect_sign(i) || !h)
        return;
    for (int k = 0; k < HABITS_SCALES; k++) {
        bursts_learn(&d->shop.bursts[k], i->crowd[k], k ? 1 : weight);
        if (weight == 1 && i->crowd_before[k] > (double)h->burst[k])
            h->burst[k] = (float)i->crowd_before[k];
    }
    keyed_change(&d->customers, h);
}
