/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The statistics of a line, judged when it comes: its price and quantity against those known,
 * and what should hardly ever be there. Of an invoice's lines the strangest is kept.
 */
#include "models/detect_parts.h"

#include "models/calc.h"

#include <math.h>

struct evidence *detect_finding(struct opened *i, enum stat stat)
{
    i->found[stat].stat = (uint8_t)stat;
    return &i->found[stat];
}

static double most(double a, double b)
{
    return a > b ? a : b;
}

static void judge_price(struct detect *d, struct opened *i, const struct model_line *line,
                        const struct code *c, double ln_price, struct opened_line *mine)
{
    int channel = line->customer != 0;
    struct price_margin m = prices_margin(&c->prices[channel], &c->prices[!channel], ln_price);
    enum stat stat = m.ratio > 0 ? STAT_PRICE_UP : STAT_PRICE_DOWN;
    struct evidence *f = detect_finding(i, stat);
    double price = (double)line->price * DETECT_MONEY;

    if (mine)
        mine->price_x = (float)(m.ratio > 0 ? m.x : -m.x);
    if (m.x <= f->x)
        return;
    *f = (struct evidence){.stat = (uint8_t)stat,
                           .x = m.x,
                           .value = price,
                           .usual = m.usual,
                           .n = m.n,
                           .effect = fabs((price - m.usual) * (double)line->quantity),
                           .key = line->stock};
    f->surprise = detect_surprise(d, i, stat, m.x);
    lessons_apply(&d->lessons, i->customer, f);
}

/* A quantity given back is judged by those given back and by those sold. */
static struct quantity_margin quantity_margin(const struct detect *d, const struct opened *i,
                                              const struct code *c, const struct opened_line *at)
{
    const struct habits *h = i->customer ? keyed_find(&d->customers, i->customer) : NULL;
    const struct quantities *mine = h ? &h->quantities : NULL;
    double ln_quantity = (double)at->ln_quantity, ln_value = (double)at->ln_price + ln_quantity;
    struct quantity_margin sold =
        quantities_margin(&d->shop.quantities, &c->quantities[0], mine, ln_quantity, ln_value);

    if (!detect_sign(i))
        return sold;
    struct quantity_margin back =
        quantities_margin(&d->shop.quantities, &c->quantities[1], mine, ln_quantity, ln_value);
    return back.x < sold.x ? back : sold;
}

static void judge_quantity(struct detect *d, struct opened *i, const struct model_line *line,
                           const struct code *c, const struct opened_line *at,
                           struct opened_line *mine)
{
    struct quantity_margin m = quantity_margin(d, i, c, at);
    struct evidence *f = detect_finding(i, STAT_QUANTITY);

    if (mine)
        mine->quantity_x = (float)m.x;
    if (m.x <= f->x)
        return;
    double usual = calc_exp(m.usual), quantity = fabs((double)line->quantity);
    *f = (struct evidence){.stat = STAT_QUANTITY,
                           .x = m.x,
                           .value = quantity,
                           .usual = usual,
                           .n = (double)c->quantities[detect_sign(i)].ln.n,
                           .effect = fabs((quantity - usual) * (double)line->price * DETECT_MONEY),
                           .key = line->stock};
    f->surprise = detect_surprise(d, i, STAT_QUANTITY, m.x);
    lessons_apply(&d->lessons, i->customer, f);
}

/* A line that should hardly ever be there in a named customer's invoice. */
static void judge_rare(struct detect *d, struct opened *i, enum stat stat, struct rate rate,
                       const struct model_line *line)
{
    struct evidence *f = detect_finding(i, stat);
    const struct code *c = keyed_find(&d->codes, line->stock);
    double price = (double)line->price * DETECT_MONEY;

    if (!i->customer)
        return;
    if (!(f->value > 0))
        f->key = line->stock;
    if (line->price == 0 && c)
        price = calc_exp(prices_usual(&c->prices[1]));
    f->value += 1;
    f->x = 1;
    f->n = rate.of / rate.events;
    f->effect += fabs(price * (double)line->quantity);
    f->surprise = calc_surprise(rate.events / rate.of);
    lessons_apply(&d->lessons, i->customer, f);
}

void detect_judge_line(struct detect *d, struct opened *i, const struct model_line *line,
                       struct opened_line *mine)
{
    const struct code *c = keyed_find(&d->codes, line->stock);
    double price = fabs((double)line->price * DETECT_MONEY),
           quantity = fabs((double)line->quantity);
    struct opened_line at = {.ln_price = (float)calc_ln(most(price, 1e-3)),
                             .ln_quantity = (float)calc_ln(most(quantity, 1))};

    if (c && line->price > 0)
        judge_price(d, i, line, c, (double)at.ln_price, mine);
    if (c)
        judge_quantity(d, i, line, c, &at, mine);
    if (line->price == 0 && !detect_sign(i))
        judge_rare(d, i, STAT_FREE, d->shop.free, line);
    if (line->quantity < 0 && !detect_sign(i))
        judge_rare(d, i, STAT_SIGN, d->shop.odd, line);
    if (line->quantity < 0 && i->customer) {
        i->returned++;
        i->unknown += !bought_ever(&d->bought, i->customer, line->stock);
    }
    if (!mine)
        return;
    mine->same = content_line(line->stock, line->quantity, line->price);
    mine->stock = line->stock;
    mine->ln_price = at.ln_price;
    mine->ln_quantity = at.ln_quantity;
    mine->priced = line->price > 0;
}
