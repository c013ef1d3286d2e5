/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * score: one number from the surprises of an invoice, and what each contributed to it.
 */
#ifndef TILLSTREAM_MODELS_SCORE_H
#define TILLSTREAM_MODELS_SCORE_H

#include "models/evidence.h"

/* A surprise after its weight and offset. */
double score_strength(enum stat stat, double surprise);
/* Fills evidence (those that contribute, strongest first), score and effect of the verdict.
 * `found` is by statistic; decades[0], [1]: by how many powers of ten value and units exceed
 * their usual extremes. The contributions sum to the score in their order. */
void score_make(struct verdict *v, const struct evidence found[STAT_COUNT],
                const double decades[2]);

#endif
