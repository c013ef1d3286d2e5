/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * till: judge, books and windows put together as the pipeline does it, the rows they give
 * kept in a table as the store does it, and an oracle beside them.
 *
 * With a path there is a real database, and till_restart takes everything down and up again.
 */
#ifndef TILLSTREAM_TESTS_SUPPORT_TILL_H
#define TILLSTREAM_TESTS_SUPPORT_TILL_H

#include "engine/fold.h"
#include "engine/judge.h"
#include "engine/ledger.h"
#include "tests/support/oracle.h"

/* Texts of invoices and fields by number; field text 0 is "". */
struct till_words {
    const char *const *invoice;
    const char *const *field[FIELD_COUNT];
    int n_invoices, n_fields[FIELD_COUNT];
};

/* A sale that was late, its texts those of the words. */
struct till_late {
    int shard;
    bool merged;
    struct sale sale;
    struct oracle_sale told;
};

struct till_shard_name {
    int64_t source;
    const char *name;
};

struct till {
    const struct settings *settings;
    const struct till_words *words;
    const char *path; /* NULL: no database */
    struct zone *zone;
    struct store *store;
    struct keys *keys;
    struct books *books;
    struct judge *judge;
    struct fold *fold;
    struct parcel *parcel;
    struct oracle *oracle; /* survives restarts; NULL: none asked for */
    struct list facts;     /* struct fact: judged, not yet folded */
    struct list rows;      /* struct agg_row: the table, in order of arrival */
    struct list series;    /* struct series_row: the latest of each */
    struct ledger ledger;
    uint64_t ledger_seq, saved_seq, commits;
    int64_t fates[4];   /* how many of each */
    uint64_t fate_sum;  /* tells whether the same sales met the same fates */
    bool keeps_late;    /* for till_merge */
    struct list late;   /* struct till_late */
    struct list shards; /* struct till_shard_name, by the judge's number */
    int shard;          /* whose sales are judged */
    int merges;
};

/* Every call returns ERR_OK in a sound world. Without words there is no oracle. */
enum err till_open(struct till *t, const struct settings *s, const struct till_words *w,
                   const char *path) MUST_CHECK;
void till_close(struct till *t);
enum err till_shard(struct till *t, int64_t source, const char *name, int *shard) MUST_CHECK;
enum err till_sale(struct till *t, int shard, const struct sale *s) MUST_CHECK;
/* What was judged goes to the windows. */
enum err till_batch(struct till *t) MUST_CHECK;
/* One of several shards ended: no window fires for that. */
enum err till_shard_end(struct till *t, int shard) MUST_CHECK;
/* The source of these shards ended. */
enum err till_end(struct till *t, const int *shard, int n) MUST_CHECK;
/* With `save` the windows write their state; else the ledger must do. */
enum err till_commit(struct till *t, bool save) MUST_CHECK;
/* Commits, counts the late sales after all that are behind the watermark (if keeps_late is set
 * since the opening), and commits with saved state. Needs a database. */
enum err till_merge(struct till *t) MUST_CHECK;
/* After a commit: everything down, then up from the database. */
enum err till_restart(struct till *t) MUST_CHECK;

/* Right after a commit: NULL when the table is what the oracle wants, else what differs. */
const char *till_difference(struct till *t);
/* Two tills that should have the same table, versions included. */
const char *till_compare(struct till *a, struct till *b, bool versions);

#endif
