/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * views: compares the public views of a database with the truth.
 */
#ifndef TILLSTREAM_TESTS_SIM_VIEWS_H
#define TILLSTREAM_TESTS_SIM_VIEWS_H

#include "engine/store/reader.h"
#include "tests/sim/truth.h"

/* All views but the clock columns; a difference is the trail's failure, every row goes into
 * its hash. */
void views_compare(struct trail *t, struct reader_db *db, struct truth *truth);
/* What holds after every commit whatever was read: what the parts of the database say of one
 * another. */
void views_agree(struct trail *t, struct reader_db *db, const struct settings *s);

#endif
