/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * drift: tells when errors have become larger for good (Page-Hinkley). It is reported; the
 * models go on forgetting at their own steady rate.
 */
#ifndef TILLSTREAM_MODELS_DRIFT_H
#define TILLSTREAM_MODELS_DRIFT_H

#include "models/pack.h"

struct drift {
    uint64_t n;        /* errors since the last alarm */
    double mean;       /* of them */
    double sum, least; /* of what they were above the mean and the slack */
};

/* Takes an error in units of its usual size (>= 0). True: an alarm, and the count starts anew. */
bool drift_learn(struct drift *d, double error);

extern const struct pack_table drift_table;

#endif
