/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * reasons: a verdict in words with figures, made from its stored evidence alone, so that they
 * are the same tomorrow as today.
 */
#ifndef TILLSTREAM_MODELS_REASONS_H
#define TILLSTREAM_MODELS_REASONS_H

#include "models/evidence.h"

/* What numbers are called. A name that is not known may be "". */
struct reasons_names {
    struct str (*key)(void *arg, uint32_t id);         /* engine/keys */
    struct str (*invoice)(void *arg, uint64_t number); /* engine/books */
    void *arg;
};

/* A short name of a statistic, e.g. "price_up". Never NULL. */
const char *reasons_name(enum stat stat);
/* One sentence about one piece of evidence, without a full stop. */
enum err reasons_sentence(const struct verdict *v, const struct evidence *one,
                          const struct reasons_names *names, struct buf *out) MUST_CHECK;
/* Value, usual and their factor in the unit that the sentence uses; factor 0: makes no sense. */
struct reasons_figures {
    double value, usual, factor;
};
struct reasons_figures reasons_figures(const struct evidence *one);
/* How many of the verdict's evidence, strongest first, are worth a sentence: those that make
 * up nine tenths of the score, at least one, at most `most`. */
uint32_t reasons_worth(const struct verdict *v, uint32_t most);
/* The sentences of these, joined by "; ", and of a credit what it takes back. */
enum err reasons_text(const struct verdict *v, const struct reasons_names *names,
                      struct buf *out) MUST_CHECK;
/* "nearest normal invoices of customer 17850: 536365 (7 lines, 40 units, 139.12, 8 h), ..." */
enum err reasons_normals(const struct verdict *v, const struct reasons_names *names,
                         struct buf *out) MUST_CHECK;

#endif
