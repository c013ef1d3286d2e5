/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * lane: what the programs here share: clocks, a file in memory, and the road of a record from
 * its bytes to the windows, as the pipeline builds it but without a store: results are counted
 * and dropped.
 *
 * These are measuring programs: a failure ends the process with a sentence.
 */
#ifndef TILLSTREAM_BENCH_LANE_H
#define TILLSTREAM_BENCH_LANE_H

#include "engine/fold.h"
#include "engine/judge.h"
#include "engine/source.h"
#include "engine/when.h"

double lane_cpu(void); /* seconds of this process so far */
double lane_wall(void);
void lane_must(enum err e, const char *what); /* ends the process unless ERR_OK */
struct str lane_file(const char *path);       /* never freed */

struct lane {
    struct settings settings;
    struct zone *zone;
    struct keys *keys;
    struct books *books;
    struct judge *judge;
    struct fold *fold;
    struct parcel *parcel;
    struct list facts; /* struct fact: accepted, not yet folded */
    int shard;
    uint32_t customer, country; /* of the sale before */
    uint64_t commits;
    uint64_t accepted;
    bool keep_facts; /* lane_fold is left to the caller */
};

/* `windows` and `dimensions` as in a configuration file; NULL: the default. */
void lane_open(struct lane *l, const char *windows, const char *dimensions);
void lane_close(struct lane *l);
/* Judges sales and folds those accepted. */
void lane_take(struct lane *l, const struct sales *s);
/* Gives `n` facts to the windows, drops the rows. */
void lane_fold(struct lane *l, const struct fact *facts, size_t n);
/* What a checkpoint does before the store: open rows, changed books, dead invoices. */
void lane_commit(struct lane *l);
/* The end of a finite source: every window fires. */
void lane_finish(struct lane *l);
/* Decodes all of `text` (the format is told by the name), batch by batch as the pipeline does,
 * and gives each batch to `each`. Returns the number of records. */
uint64_t lane_decode(const struct settings *settings, const char *path, struct str text,
                     void (*each)(void *arg, const struct sales *batch), void *arg);

#endif
