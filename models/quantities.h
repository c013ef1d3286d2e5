/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * quantities: how many of a thing are bought at once: of a stock code, by a customer, and how
 * far beyond both a quantity is. All numbers are natural logarithms.
 */
#ifndef TILLSTREAM_MODELS_QUANTITIES_H
#define TILLSTREAM_MODELS_QUANTITIES_H

#include "models/moment.h"

/* Of one code (by sign), or of one customer. */
struct quantities {
    struct moment ln; /* ln of the quantity */
    float most;       /* largest ln of a quantity */
    float most_value; /* largest ln of a line's value */
};

/* What all codes have in common. */
struct quantities_base {
    struct moment all;    /* ln of every quantity */
    struct moment within; /* distances to the own code's mean */
};

struct quantity_margin {
    double x;     /* 0: nothing out of the ordinary */
    double usual; /* ln */
};

/* `customer` is NULL for an unnamed one. */
struct quantity_margin quantities_margin(const struct quantities_base *base,
                                         const struct quantities *code,
                                         const struct quantities *customer, double ln_quantity,
                                         double ln_value);
/* What is left of a margin when the invoice is known: a quantity is the stranger the further it
 * stands out from the other lines; `gap`: ln of how many times it is the largest of those. */
double quantities_within(double x, double gap);
void quantities_learn_code(struct quantities_base *base, struct quantities *code,
                           double ln_quantity, double ln_value);
void quantities_learn_customer(struct quantities *customer, double ln_quantity, double ln_value);

#define QUANTITIES_FIELDS(type, member)                                                            \
    MOMENT_FIELDS(type, member.ln), PACK(type, member.most, PACK_F32, -1e3, 1e3),                  \
        PACK(type, member.most_value, PACK_F32, -1e3, 1e3)

#endif
