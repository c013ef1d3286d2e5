/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * mischief: puts labelled anomalies into the synthetic shop's day.
 */
#ifndef TILLSTREAM_COMMANDS_MISCHIEF_H
#define TILLSTREAM_COMMANDS_MISCHIEF_H

#include "commands/recipe.h"

#define MISCHIEF_VISITS 10 /* invoices of one anomaly at most */

/* An invoice that will be written at a minute of the day. */
struct mischief_visit {
    int64_t minute;
    struct recipe recipe;
};

/* Plans one anomaly around an ordinary sale of the customer; the sale itself is the first
 * visit where it is repeated (dup_burst). Returns the number of visits, in order of time. */
int mischief_plan(enum recipe_oddity oddity, const struct recipe *sale, const struct patrons *p,
                  int64_t minute, struct mischief_visit out[MISCHIEF_VISITS]);

#endif
