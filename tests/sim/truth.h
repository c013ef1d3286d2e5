/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * truth: what a database must show, worked out anew from the tapes and from the diary of what
 * was read of them: every record once, whatever happened in between.
 */
#ifndef TILLSTREAM_TESTS_SIM_TRUTH_H
#define TILLSTREAM_TESTS_SIM_TRUTH_H

#include "tests/sim/lines.h"
#include "tests/sim/tape.h"
#include "tests/sim/umpire.h"
#include "tests/support/oracle.h"

enum deed_kind {
    DEED_OPEN,   /* a generation is taken up */
    DEED_READ,   /* its bytes from .. to were consumed */
    DEED_END,    /* nothing more comes of it: its pen is emptied */
    DEED_FINISH, /* a finite source ended: every window fires */
    DEED_COMMIT  /* all so far is durable, with the progress of this generation */
};

struct deed {
    enum deed_kind kind;
    int tape, gen;
    uint64_t from, to;
};

struct diary {
    struct list deeds; /* struct deed */
    size_t sure;       /* those up to the last commit */
};

void diary_init(struct diary *d);
void diary_clear(struct diary *d);
void diary_add(struct diary *d, struct deed deed);
void diary_forget(struct diary *d); /* a crash: what is not durable did not happen */
/* The durable position of a generation; *opened: it is known to the database. */
uint64_t diary_position(const struct diary *d, int tape, int gen, bool *known);

/* The rows of each view as lines of text, but for those of `aggregates`, which the oracle
 * gives. */
struct truth {
    const struct sim_env *world;
    const struct scene *scene;
    struct umpire umpire;
    struct oracle *oracle;
    struct lines progress, rejects, late, invoices, customers;
    int64_t aggregated;
};

/* Of the durable part of the diary. */
struct truth *truth_open(const struct sim_env *w, const struct scene *s, const struct diary *d);
void truth_close(struct truth *t);

#endif
