/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * lessons: what people said about judgements: "this was fine", "this was not". A lesson lies
 * beside the references that it corrects, so taking it back leaves no trace.
 */
#ifndef TILLSTREAM_MODELS_LESSONS_H
#define TILLSTREAM_MODELS_LESSONS_H

#include "models/evidence.h"
#include "models/keyed.h"

#define LESSONS_EACH 6 /* about one statistic of one reference; the oldest goes */

struct lesson { /* all about one statistic of one code, customer, ... */
    struct keyed_head head;
    double value[LESSONS_EACH];
    uint64_t invoice[LESSONS_EACH];
    uint8_t fine[LESSONS_EACH];
    uint8_t n;
};

struct lessons {
    struct keyed table;
};

void lessons_init(struct lessons *l);
void lessons_clear(struct lessons *l);
/* Corrects the surprise of a piece of evidence: 0 where as much was said to be fine, at least
 * LESSONS_SURPRISE where as much was said to be wrong; the latest lesson that fits counts. */
#define LESSONS_SURPRISE 5.0
void lessons_apply(const struct lessons *l, uint32_t customer, struct evidence *one);
/* Learns from a verdict: from each piece of evidence that carries it. */
enum err lessons_learn(struct lessons *l, const struct verdict *v, bool fine) MUST_CHECK;
/* Forgets what was learned from this verdict. */
void lessons_undo(struct lessons *l, const struct verdict *v);

#endif
