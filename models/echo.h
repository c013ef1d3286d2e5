/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * echo: invoices whose content was there before, and credits that take back a sale.
 *
 * The content of an invoice is the set of its lines (code, quantity, price), in any order. It
 * is remembered for 60 days of event time.
 */
#ifndef TILLSTREAM_MODELS_ECHO_H
#define TILLSTREAM_MODELS_ECHO_H

#include "models/keyed.h"

#define ECHO_CUSTOMERS 3
#define ECHO_BUCKETS 6

/* Sums over the lines, so their order does not matter. */
struct content {
    uint64_t exact; /* codes, quantities and prices */
    uint64_t moved; /* codes and quantities without their sign */
};

void content_add(struct content *c, uint32_t stock, int64_t quantity, int64_t price);
/* A line alone, to find equal ones. */
uint64_t content_line(uint32_t stock, int64_t quantity, int64_t price);

struct echo_seen { /* key: content.exact */
    struct keyed_head head;
    int64_t time_ms;
    uint64_t invoice;
    uint32_t customer[ECHO_CUSTOMERS]; /* latest first */
    uint32_t times;
};

struct echo_sale { /* key: content.moved mixed with the customer */
    struct keyed_head head;
    int64_t time_ms;
    uint64_t invoice;
    uint64_t exact; /* content.exact */
};

struct echo {
    struct keyed seen, sales;
    double rate[ECHO_BUCKETS]; /* how often each kind of repetition happens */
    double of;                 /* ... among as many sales */
};

struct echo_question {
    struct content content;
    int64_t time_ms, lines;
    uint32_t customer; /* 0: unnamed */
};

struct echo_answer {
    double surprise;
    uint64_t invoice;   /* the earlier one, 0: none */
    double gap_ms, per; /* time between; "one in `per` sales" */
    int bucket;         /* -1: not judged */
    uint32_t times;     /* it was there before */
};

void echo_init(struct echo *e);
void echo_clear(struct echo *e);
/* Only for named customers' sales. */
struct echo_answer echo_judge(const struct echo *e, const struct echo_question *q);
/* Counts a judged one; `weight` less than 1 for one that was flagged for it. */
void echo_learn_rate(struct echo *e, const struct echo_answer *a, double weight);
/* Remembers the content. */
enum err echo_learn(struct echo *e, const struct echo_question *q, uint64_t invoice) MUST_CHECK;
/* The sale that a credit takes back (same customer, codes and quantities), 0: none known. */
enum err echo_learn_sale(struct echo *e, const struct echo_question *q,
                         uint64_t invoice) MUST_CHECK;
uint64_t echo_cancelled(const struct echo *e, const struct echo_question *q);
/* What the credit takes back may be sold again: its content is forgotten. */
void echo_learn_credit(struct echo *e, const struct echo_question *q);

extern const struct pack_table echo_table;

#endif
