/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * ranking: the invoices that were judged, the highest score first, beside what somebody says
 * of them, and the figures that follow.
 */
#ifndef TILLSTREAM_COMMANDS_RANKING_H
#define TILLSTREAM_COMMANDS_RANKING_H

#include "commands/labels.h"
#include "engine/store/reader.h"

/* Shares of alerts: 0.5, 1, 1.5 and 2 %; tables and sentences are about the third. */
#define RANKING_RATES 4
#define RANKING_RATE 2
#define RANKING_REASONS 2 /* the strongest, of which one may be the right one */
#define RANKING_TYPES_MAX 200

struct judged {
    const struct label *label; /* NULL: none */
    double score;
    int64_t time_ms, id;
    bool flagged, ignored, control;
    uint8_t reason[RANKING_REASONS]; /* STAT_COUNT: there is none */
};

struct ranking {
    int64_t warm_up_ms; /* what was judged this long after the first invoice is out */
    struct labels labels, ignore, controls;
    int64_t from_ms; /* the end of the warm-up */
    struct list all; /* struct judged */
    struct judged *row;
    size_t n_all;              /* after the warm-up */
    size_t n;                  /* of these in the ranking: row[0] to row[n - 1] */
    size_t cut[RANKING_RATES]; /* how many of the ranking are within the rate */
    uint8_t *hit;              /* n: which are labelled */
    size_t positives;
};

extern const double ranking_rates[RANKING_RATES];

void ranking_init(struct ranking *r);
void ranking_clear(struct ranking *r);
/* Reads what is judged and ranks it. Labels, controls, warm_up_ms are there. `db` is named in
 * errors. */
enum err ranking_read(struct ranking *r, struct reader_db *reader, const char *db,
                      struct why *why) MUST_CHECK;

/* Figures of a ranking with labelled invoices. */
double ranking_share(size_t part, size_t of); /* 0 of 0 is 0 */
double ranking_precision(const struct ranking *r, size_t k);
double ranking_recall(const struct ranking *r, int rate);

struct ranking_flags {
    size_t given, right;
    double precision, recall, f1;
};
struct ranking_flags ranking_flags(const struct ranking *r);

struct ranking_controls {
    size_t judged, within, flagged;
};
struct ranking_controls ranking_controls(const struct ranking *r);

/* Of the labelled ones within the rate whose type has a known reason. */
struct ranking_reasons {
    size_t of, first, among;
};
struct ranking_reasons ranking_reasons(const struct ranking *r);

/* The share of events of which at least one invoice is within the rate; a label without
 * event is one. */
enum err ranking_events(const struct ranking *r, int rate, double *out) MUST_CHECK;

struct ranking_type {
    struct str name;
    size_t labelled, found, flagged;
    double average_precision;
};
/* In the order of names, at most RANKING_TYPES_MAX. */
enum err ranking_types(const struct ranking *r, struct ranking_type *out, size_t *n) MUST_CHECK;

#endif
