/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * bursts: how often customers make several purchases within minutes.
 */
#ifndef TILLSTREAM_MODELS_BURSTS_H
#define TILLSTREAM_MODELS_BURSTS_H

#include "models/pack.h"

#define BURSTS_MAX 15 /* further purchases told apart */

struct bursts {
    double one, factor; /* the prior */
    double sales;
    double at_least[BURSTS_MAX + 1]; /* of them with that many further ones around */
};

/* `one`, `factor`: what share to expect with one further, and by what it falls with each. */
void bursts_init(struct bursts *b, double one, double factor);
/* -log10 of the share of sales with `further` others around; half if the customer had as
 * many before (`usual`). */
double bursts_surprise(const struct bursts *b, int further, double usual);
double bursts_share(const struct bursts *b, int further);
void bursts_learn(struct bursts *b, int further, double weight);

extern const struct pack_table bursts_table;

#endif
