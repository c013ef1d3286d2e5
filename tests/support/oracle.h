/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * oracle: what the windows must show, found the slow way. It keeps every accepted sale and,
 * when asked, works every window instance out anew. It shares no code with windows/ and
 * engine/judge.c; of time zones it only asks engine/when for the distance from UTC.
 */
#ifndef TILLSTREAM_TESTS_SUPPORT_ORACLE_H
#define TILLSTREAM_TESTS_SUPPORT_ORACLE_H

#include "engine/settings.h"

/* An accepted sale. Invoices, customers, ... are numbers of texts the caller knows. */
struct oracle_sale {
    int64_t time_ms;
    int64_t watermark_ms; /* after it; WHEN_NONE: none yet */
    int64_t quantity, value;
    int invoice;
    int field[FIELD_COUNT]; /* 0: missing */
};

struct oracle_key {
    int part[2]; /* of the fields of the dimension; 0 where it has fewer */
};

struct oracle_row {
    int window, dimension; /* places in the settings */
    struct oracle_key key;
    int64_t start_s, end_s;
    uint32_t version;
    bool final;
    int64_t lines, invoices, customers, units, revenue;
    int64_t return_lines, return_units, return_revenue;
    int64_t min, max, p50, p90, p99; /* exact order statistics */
    double sd;
};

struct oracle;

/* Every function of this kind ends the process on lack of memory. */
struct oracle *oracle_open(const struct settings *s);
void oracle_close(struct oracle *o);
void oracle_sale(struct oracle *o, const struct oracle_sale *sale);
void oracle_finish(struct oracle *o); /* a finite source ended */
/* A late sale that is counted after all, with others of the same number above 0. */
void oracle_merged(struct oracle *o, const struct oracle_sale *sale, int batch);
/* The rows there must be after a commit, in no order. Valid until the next call. */
const struct oracle_row *oracle_rows(struct oracle *o, size_t *n);

#endif
