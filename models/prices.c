/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A code has a few prices (single, by the dozen, sale, and the old one after the sale), not one
 * with a spread: so a price is judged by its distance to the nearest of the different prices
 * the code had, not by its distance to their mean.
 *
 *   x = news d / (0.3 + jump + 1.2 / (n + 1))
 *
 * d: |ln price - nearest|, in the other channel + 0.4; jump: the usual d of the code; n: how
 * many prices were learned, those of the other channel half; news: -log10 of how often the code
 * has a price that was not known, over 1.7.
 *
 * Standing: ln of the sum of 1.02^t over the times t (counted in prices) at which a level was
 * asked: old ones fade against new ones without being touched (forward decay, Cormode et al.,
 * ICDE 2009). The highest is what the code usually costs, the lowest gives way to a new level.
 */
#include "models/prices.h"

#include "models/calc.h"

#include <math.h>

#define OTHER_CHANNEL 0.4
#define FIRST_JUMP 0.05
#define JUMP_MAX 2.0
#define JUMP_RATE 0.02
#define FAR 1e9
#define SAME 0.01 /* prices closer than 1 % are one level */
#define FADE 0.02
#define ONE_IN_FIFTY 1.7 /* -log10 */
#define FRESH_RATE 0.005

/* The nearest level; -1: none. */
static int nearest(const struct prices *p, double y, double *distance)
{
    int best = -1;

    *distance = FAR;
    for (int i = 0; i < p->levels; i++) {
        double d = fabs((double)p->level[i] - y);
        if (d < *distance) {
            *distance = d;
            best = i;
        }
    }
    return best;
}

double prices_usual(const struct prices *p)
{
    int best = 0;

    for (int i = 1; i < p->levels; i++)
        best = p->standing[i] > p->standing[best] ? i : best;
    return p->levels ? (double)p->level[best] : 0;
}

/* How much of an event a price that was not known yet is for this code: 1 when one in fifty
 * is, less where prices change all the time (postage, manual entries). */
static double news(const struct prices *p)
{
    double n = (double)p->count < 200 ? (double)p->count : 200;
    double rate = (n * (double)p->fresh + 0.4) / (n + 20);

    return calc_surprise(rate) / ONE_IN_FIFTY;
}

struct price_margin prices_margin(const struct prices *own, const struct prices *other,
                                  double ln_price)
{
    const struct prices *base = own->count > 0 ? own : other;
    struct price_margin m = {.n = (double)own->count + 0.5 * (double)other->count};
    double jump = (double)base->jump, d, there;

    if (!(base->count > 0))
        return m;
    (void)nearest(own, ln_price, &d);
    if (d > OTHER_CHANNEL) {
        (void)nearest(other, ln_price, &there);
        d = there + OTHER_CHANNEL < d ? there + OTHER_CHANNEL : d;
    }
    if (d <= SAME)
        return m;
    if (other->count > own->count && (double)other->jump < jump)
        jump = (double)other->jump;
    m.x = d / (0.3 + jump + 1.2 / (m.n + 1)) * news(base);
    m.usual = prices_usual(base);
    m.ratio = ln_price - m.usual;
    m.usual = calc_exp(m.usual);
    return m;
}

static int lowest(const struct prices *p)
{
    int worst = 0;

    for (int i = 1; i < p->levels; i++)
        worst = p->standing[i] < p->standing[worst] ? i : worst;
    return worst;
}

/* Towards `to`, by one over the count at first, by `slowest` in the end. */
static float drift(float from, double to, double count, double slowest)
{
    double rate = 1 / (count + 1);

    return (float)((double)from + (rate > slowest ? rate : slowest) * (to - (double)from));
}

void prices_learn(struct prices *p, double ln_price)
{
    double d, n = (double)p->count, now = n * FADE;
    int i = nearest(p, ln_price, &d);

    if (i >= 0) {
        p->jump = drift(p->jump, d < JUMP_MAX ? d : JUMP_MAX, n, JUMP_RATE);
        p->fresh = drift(p->fresh, d > SAME, n, FRESH_RATE);
    } else {
        p->jump = (float)FIRST_JUMP;
    }
    p->count += p->count < 1e7F ? 1 : 0;
    if (i >= 0 && d <= SAME) {
        double old = (double)p->standing[i];
        p->standing[i] = (float)(now + calc_ln(1 + calc_exp(old - now)));
        return;
    }
    i = p->levels < PRICES_LEVELS ? p->levels++ : lowest(p);
    p->level[i] = (float)ln_price;
    p->standing[i] = (float)now;
}
