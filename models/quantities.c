/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A quantity is strange only if it is so for the code and for the customer: the smaller of two
 * margins. Each is a z-score, whose variance is shrunk to that of all codes, counted up to 3,
 * plus twice the excess over the largest ever seen. Above 3, half of it must be borne out by
 * the line's value being beyond both one's largest.
 */
#include "models/quantities.h"

#include <math.h>

#define CODE_MEMORY 400
#define CUSTOMER_MEMORY 300
#define CODE_WEIGHT 4.0
#define CUSTOMER_WEIGHT 6.0
#define SD_FLOOR 0.15
#define Z_MAX 3.0
#define EXCESS 2.0

static double above(double x)
{
    return x > 0 ? x : 0;
}

static double cap(double z, double excess)
{
    if (z <= 0)
        return z;
    return (z < Z_MAX ? z : Z_MAX) + above(excess) * EXCESS;
}

static double customer_margin(const struct quantities_base *base, const struct quantities *c,
                              double ln_quantity, double spread)
{
    double n = (double)c->ln.n;
    double mean = moment_mean(&c->ln, (double)base->all.mean, 1);
    double sd = sqrt(moment_variance(&c->ln, spread, CUSTOMER_WEIGHT));
    double z = cap((ln_quantity - mean) / (sd + SD_FLOOR), ln_quantity - (double)c->most);

    return n < 10 ? z * (0.5 + 0.05 * n) : z;
}

/* Beyond Z_MAX half counts, and the excess in value over what both have seen. */
static double weigh_value(double x, const struct quantities *code, const struct quantities *c,
                          double ln_value)
{
    double n = (double)c->ln.n, trust = 0.2 + 0.1 * n < 1 ? 0.2 + 0.1 * n : 1;
    double over_code = ln_value - (double)code->most_value;
    double over_customer = ln_value - (double)c->most_value;
    double over = over_code < over_customer ? over_code : over_customer;

    return (x < Z_MAX ? x : Z_MAX) + above(x - Z_MAX) * 0.5 + above(over) * trust;
}

struct quantity_margin quantities_margin(const struct quantities_base *base,
                                         const struct quantities *code,
                                         const struct quantities *customer, double ln_quantity,
                                         double ln_value)
{
    double spread = moment_variance(&base->within, 1, 20);
    double mean = moment_mean(&code->ln, (double)base->all.mean, 1);
    double sd = sqrt(moment_variance(&code->ln, spread, CODE_WEIGHT) + (code->ln.n < 2 ? 0.5 : 0));
    double x = (ln_quantity - mean) / (sd + SD_FLOOR);

    if (code->ln.n > 0)
        x = cap(x, ln_quantity - (double)code->most);
    if (x > 0 && customer && customer->ln.n > 0) {
        double other = customer_margin(base, customer, ln_quantity, spread);
        x = other < x ? other : x;
        if (x > 0 && code->ln.n > 0)
            x = weigh_value(x, code, customer, ln_value);
    } else if (customer) {
        x *= 0.7;
    }
    return (struct quantity_margin){above(x), mean};
}

double quantities_within(double x, double gap)
{
    double most = Z_MAX + EXCESS * above(gap);

    return x < most ? x : most;
}

static void raise(struct quantities *q, double ln_quantity, double ln_value)
{
    if (!(q->ln.n > 0)) {
        q->most = 0;
        q->most_value = -9;
    }
    if (ln_quantity > (double)q->most)
        q->most = (float)ln_quantity;
    if (ln_value > (double)q->most_value)
        q->most_value = (float)ln_value;
}

void quantities_learn_code(struct quantities_base *base, struct quantities *code,
                           double ln_quantity, double ln_value)
{
    if (code->ln.n > 4) {
        double d = ln_quantity - (double)code->ln.mean;
        moment_add(&base->within, d > 3 ? 3 : d > -3 ? d : -3, 0);
    }
    raise(code, ln_quantity, ln_value);
    moment_add(&code->ln, ln_quantity, CODE_MEMORY);
    moment_add(&base->all, ln_quantity, 0);
}

void quantities_learn_customer(struct quantities *customer, double ln_quantity, double ln_value)
{
    raise(customer, ln_quantity, ln_value);
    moment_add(&customer->ln, ln_quantity, CUSTOMER_MEMORY);
}
