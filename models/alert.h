/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * alert: from which score on an invoice is worth a look: the running quantile that lets the
 * wanted share, or the wanted number a day, through.
 */
#ifndef TILLSTREAM_MODELS_ALERT_H
#define TILLSTREAM_MODELS_ALERT_H

#include "models/tails.h"

struct alert {
    struct tail scores;
    int64_t day;         /* of the shop, the last one with an invoice */
    double today, usual; /* invoices of this day; of a usual one, 0: not known yet */
};

void alert_init(struct alert *a);
/* A final score of a day (local time). */
void alert_learn(struct alert *a, double score, int64_t local_ms);
/* P(score >= this one) among those seen, at least 1e-12. */
double alert_p(struct alert *a, double score);
/* The score that is flagged from on: a share `rate`, or `per_day` > 0 invoices a day. */
double alert_threshold(const struct alert *a, double rate, double per_day);

/* Part of the state, beside the tail. */
extern const struct pack_table alert_table;

#endif
