/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * evidence: what a judgement of an invoice rests on, in numbers, enough to make the words from
 * it at any later time. Data only; numbers never change their meaning.
 */
#ifndef TILLSTREAM_MODELS_EVIDENCE_H
#define TILLSTREAM_MODELS_EVIDENCE_H

#include "models/pack.h"

/* The statistics. Numbers are stored: add at the end only. */
enum stat {
    STAT_PRICE_UP,   /* a line's price, above those known of the stock code */
    STAT_PRICE_DOWN, /* ... below */
    STAT_QUANTITY,   /* a line's quantity, above code's and customer's */
    STAT_SPEND,      /* the invoice's value, for this customer */
    STAT_LINES,      /* its number of lines, for this customer */
    STAT_FREE,       /* a price of 0 to a named customer */
    STAT_SIGN,       /* a negative quantity outside a credit */
    STAT_REPEAT,     /* identical lines within the invoice */
    STAT_REOPEN,     /* lines for a number that was closed */
    STAT_ECHO,       /* the content of another invoice */
    STAT_RETURN,     /* returned without having been bought */
    STAT_COUNTRY,    /* a country this customer does not buy from */
    STAT_BURST,      /* many invoices of the customer in a short time */
    STAT_HOUR,       /* the hour of day */
    STAT_VALUE,      /* the invoice's value, among all */
    STAT_UNITS,      /* its units, among all */
    STAT_KIND,       /* the letter of its number */
    STAT_COUNT
};

/* One statistic of one invoice. What value, usual, n, key and other hold is said by
 * models/reasons.c, where they become words. */
struct evidence {
    uint8_t stat;
    double x;            /* the statistic itself */
    double surprise;     /* -log10 of its probability */
    double contribution; /* to the score */
    double value, usual, n;
    double effect;  /* money at stake */
    uint32_t key;   /* a key id (stock code, country), or 0 */
    uint64_t other; /* another invoice's number, or 0 */
};

/* A normal invoice of the same customer, to compare with. */
struct normal {
    uint64_t invoice;
    float value, units; /* money, pieces */
    uint32_t lines;
    uint32_t hour; /* of the shop's day */
    int64_t time_ms;
};

enum verdict_kind { VERDICT_LINE, VERDICT_PROVISIONAL, VERDICT_FINAL };

#define VERDICT_NORMALS 3

struct verdict {
    uint8_t kind;
    uint8_t flagged;
    char letter;
    uint64_t invoice;
    int64_t time_ms, local_ms; /* of its first line */
    int64_t judged_ms;         /* the watermark then */
    uint32_t customer, country;
    int64_t lines, units, revenue; /* revenue in millionths */
    double score, p_value;
    double effect;    /* money at stake */
    uint64_t cancels; /* the sale this credit takes back, or 0 */
    uint32_t n_evidence, n_normals;
    struct evidence evidence[STAT_COUNT];  /* strongest first; contributions sum to the score */
    struct normal normal[VERDICT_NORMALS]; /* nearest first */
};

/* The stored form, which says its version. */
enum err verdict_write(const struct verdict *v, struct buf *b) MUST_CHECK;
/* ERR_DAMAGED, ERR_NEWER. */
enum err verdict_read(struct verdict *v, struct reader *r) MUST_CHECK;
extern const struct pack_table evidence_table;

#endif
