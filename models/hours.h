/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * hours: how unusual it is to trade at an hour of the shop's day.
 */
#ifndef TILLSTREAM_MODELS_HOURS_H
#define TILLSTREAM_MODELS_HOURS_H

#include "models/pack.h"

struct hours {
    double weight[24]; /* invoices that began in the hour */
};

void hours_init(struct hours *h);
/* 0 .. 23 of a local time. */
int hours_of(int64_t local_ms);
/* -log10 of the probability of all hours at most as likely as this one. */
double hours_surprise(const struct hours *h, int hour);
/* The share of invoices in this hour. */
double hours_share(const struct hours *h, int hour);
void hours_learn(struct hours *h, int hour, double weight);

extern const struct pack_table hours_table;

#endif
