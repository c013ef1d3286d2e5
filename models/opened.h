/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * opened: invoices whose lines may still come, or whose judgement may still change, and the
 * order in which their time is up.
 */
#ifndef TILLSTREAM_MODELS_OPENED_H
#define TILLSTREAM_MODELS_OPENED_H

#include "models/echo.h"
#include "models/evidence.h"
#include "models/line.h"

#define OPENED_LINES_MAX 2048 /* lines of an invoice that are learned from */
#define OPENED_MAX 65536      /* more at once: the oldest are closed early */

struct opened_line { /* what is learned from it when the invoice closes */
    uint64_t same;   /* equal lines have equal hashes */
    uint32_t stock;
    float ln_price, ln_quantity;
    float price_x, quantity_x; /* its margins; a price below the usual has a negative one */
    uint8_t priced;            /* its price is above 0 */
};

struct opened {
    struct keyed_head head; /* key: the invoice */
    int64_t time_ms, local_ms, last_ms;
    int64_t due_ms; /* when it closes, or is settled */
    uint32_t customer, country;
    char letter;
    uint8_t closed, learned, reopened;
    int64_t lines, units, revenue;
    int64_t free, odd;            /* lines at price 0; with the wrong sign */
    int64_t top_value, top_units; /* of a single line, without sign */
    uint32_t top_value_stock, top_units_stock;
    struct content content;
    struct evidence found[STAT_COUNT]; /* by statistic; surprise 0: nothing */
    double told;                       /* score of the last verdict about a line */
    double decades[2];         /* value and units over their usual extremes, as powers of ten */
    int64_t returned, unknown; /* lines that give back; those never bought */
    double crowd_before[3];    /* sales of the customer in the time before, by scale */
    int32_t crowd[3];          /* ... around it */
    int32_t echo_bucket;
    uint32_t n_line, cap_line;
    struct opened_line *line;
};

struct due {
    int64_t ms;
    uint64_t invoice;
};

struct openings {
    struct keyed table;
    struct due *heap; /* smallest (ms, invoice) first; ms <= due_ms of the invoice */
    size_t n, cap;
};

void openings_init(struct openings *o);
void openings_clear(struct openings *o);
struct opened *openings_find(const struct openings *o, uint64_t invoice);
/* A new one for the invoice of this line, without the line. */
enum err openings_add(struct openings *o, const struct model_line *line, int64_t due_ms,
                      struct opened **out) MUST_CHECK;
/* Room for one more line; *out is NULL when it has OPENED_LINES_MAX. */
enum err opened_add(struct opened *i, struct opened_line **out) MUST_CHECK;
/* The lines were learned. */
void opened_drop_lines(struct opened *i);
/* The one that is due first, if that is at or before `now_ms`; NULL: none. */
struct opened *openings_due(struct openings *o, int64_t now_ms);
/* Its due_ms was raised. */
void openings_again(struct openings *o, const struct opened *i);
/* The one that openings_due gave is over. */
void openings_remove(struct openings *o, struct opened *i);
size_t openings_memory(const struct openings *o);

enum err openings_save(const struct openings *o, struct buf *b) MUST_CHECK;
enum err openings_load(struct openings *o, struct reader *r) MUST_CHECK;

#endif
