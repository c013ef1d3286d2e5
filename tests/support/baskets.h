/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * baskets: a small shop's invoices as a model sees them, the same for a seed, with oddities put
 * in by hand.
 */
#ifndef TILLSTREAM_TESTS_SUPPORT_BASKETS_H
#define TILLSTREAM_TESTS_SUPPORT_BASKETS_H

#include "engine/parcel.h"
#include "models/detect.h"

enum { BASKETS_CUSTOMERS = 60, BASKETS_CODES = 80, BASKETS_COUNTRY = 901 };

struct baskets {
    uint64_t random;
    uint64_t invoice;  /* the last one given */
    int64_t time_ms;   /* of the last line */
    struct list lines; /* struct model_line */
};

void baskets_init(struct baskets *b, uint64_t seed);
void baskets_clear(struct baskets *b);
/* Key ids of customers are 1 .. BASKETS_CUSTOMERS, of codes 101 ..; the price of a code in
 * millionths, the same every time. */
int64_t baskets_price(uint32_t stock);
/* Adds `n` ordinary invoices, some minutes apart, in the shop's hours. */
void baskets_fill(struct baskets *b, int n);
/* Adds one ordinary invoice of a customer, `after_ms` later; returns its first line, which can
 * be changed (as the *lines that follow), until the next call. */
struct model_line *baskets_one(struct baskets *b, uint32_t customer, int lines, int64_t after_ms);
/* Adds nothing but time: a line of another customer, much later, that closes all before. */
void baskets_wait(struct baskets *b);

/* All verdicts as bytes, one after the other, and those of one invoice looked at. */
struct verdicts {
    struct buf bytes;
    uint64_t invoice;     /* whose verdicts are kept below; 0: the last one's */
    struct verdict final; /* kind VERDICT_FINAL, or all zero */
    struct verdict provisional, line;
    int n, finals, flagged;
};

void verdicts_init(struct verdicts *v, uint64_t invoice);
void verdicts_clear(struct verdicts *v);
enum err verdicts_take(void *arg, const struct verdict *v);
/* A detector that gives its verdicts there. */
struct detect *verdicts_detector(struct verdicts *v);
/* Lets the detector see lines from .. to - 1. */
void verdicts_feed(struct detect *d, const struct baskets *b, size_t from, size_t to);

/* Stored parts of a state, as a database keeps them. */
struct attic {
    struct list parts; /* struct attic_part, by name */
};
struct attic_part {
    char name[64];
    uint32_t version;
    struct buf data;
};

void attic_init(struct attic *a);
void attic_clear(struct attic *a);
/* Saves what changed; returns the bytes written. */
size_t attic_save(struct attic *a, struct detect *d);
/* Loads all parts into a fresh detector; the first error. */
enum err attic_load(const struct attic *a, struct detect *d);

#endif
