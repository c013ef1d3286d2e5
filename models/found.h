/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * found: turns what the models find into rows of a parcel, names and words included.
 */
#ifndef TILLSTREAM_MODELS_FOUND_H
#define TILLSTREAM_MODELS_FOUND_H

#include "engine/model.h"
#include "models/evidence.h"

struct found {
    const struct model_setup *setup; /* borrowed */
    struct parcel *out;              /* where rows go; set before there is work */
    struct buf text, words, data;
    enum err failed; /* an invoice could not be looked up */
};

void found_init(struct found *f, const struct model_setup *setup);
void found_clear(struct found *f);
/* A verdict of the detector; `arg` is the struct found. */
enum err found_take(void *arg, const struct verdict *v) MUST_CHECK;

#endif
