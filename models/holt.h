/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * holt: level, slow trend and a season, smoothed (Holt-Winters, additive): the forecast that a
 * better one has to beat.
 */
#ifndef TILLSTREAM_MODELS_HOLT_H
#define TILLSTREAM_MODELS_HOLT_H

#include "models/pack.h"

#define HOLT_SEASON 168 /* most slots of a season: the hours of a week */

struct holt_rule {
    double level, trend, season; /* smoothing, 0 .. 1: the higher, the faster */
    double damp;                 /* what remains of the trend in a step */
};

struct holt {
    double level, trend;
    uint8_t begun;
    uint8_t known[HOLT_SEASON]; /* the slot was seen */
    double season[HOLT_SEASON];
};

/* The value to expect in a slot; 0 before anything was seen. */
double holt_predict(const struct holt *h, int slot);
/* Values that are not finite are passed over. */
void holt_learn(struct holt *h, const struct holt_rule *rule, int slot, double value);

extern const struct pack_table holt_table;

#endif
