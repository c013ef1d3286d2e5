/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * nearest: the known name a mistyped one was probably meant to be.
 */
#ifndef TILLSTREAM_ENGINE_NEAREST_H
#define TILLSTREAM_ENGINE_NEAREST_H

#include "engine/str.h"

#define NEAREST_BYTES_MAX 63

/* Edits (insert, delete, replace, swap of neighbours) between the texts, capitals and '-'
 * for '_' costing nothing. Texts longer than NEAREST_BYTES_MAX are far from everything. */
int nearest_distance(struct str a, struct str b);

struct nearest {
    struct str wanted;
    const char *best; /* NULL: nothing is near enough to suggest */
    int distance;
};

struct nearest nearest_to(struct str wanted);
/* Offers a known name; borrowed. The first of equally near ones stays. */
void nearest_offer(struct nearest *n, const char *name);
/* " (did you mean NAME?)" into `out` (at least NEAREST_HINT bytes), or "" without one. */
#define NEAREST_HINT 96
const char *nearest_hint(const struct nearest *n, char *out);

#endif
