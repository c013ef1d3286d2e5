/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the files of detect share: the model's state.
 */
#ifndef TILLSTREAM_MODELS_DETECT_PARTS_H
#define TILLSTREAM_MODELS_DETECT_PARTS_H

#include "models/alert.h"
#include "models/bought.h"
#include "models/bursts.h"
#include "models/detect.h"
#include "models/echo.h"
#include "models/habits.h"
#include "models/hours.h"
#include "models/lessons.h"
#include "models/opened.h"
#include "models/prices.h"
#include "models/quantities.h"
#include "models/score.h"
#include "models/tails.h"

#define DETECT_BROKEN 3.5     /* a surprise above this breaks a reference: it isn't learned */
#define DETECT_RARE 3.0       /* the same for events with a rate of their own */
#define DETECT_DOUBT 0.1      /* the weight of what broke a reference, where it must be learned */
#define DETECT_TRUSTED 1000.0 /* invoices from which on references are defended */
#define DETECT_LETTERS 27
#define DETECT_MONEY 1e-6 /* of a millionth */

struct code { /* of a stock code */
    struct keyed_head head;
    struct prices prices[2];         /* to unnamed, to named customers */
    struct quantities quantities[2]; /* in sales, in credits */
};

/* How often something happens that hardly ever does. */
struct rate {
    double events, of;
};

/* What is known of the shop as a whole. */
struct detect_shop {
    double invoices, lines;
    struct quantities_base quantities;
    struct habits_base habits;
    struct hours hours;
    struct bursts bursts[HABITS_SCALES];
    struct rate free, odd, reopened, moved; /* moved: bought from another country */
    double letter[DETECT_LETTERS];          /* 0: none, then A to Z */
    int64_t watermark_ms;
    uint64_t highest; /* invoice */
};

/* The statistics whose tail is learned. */
enum {
    TAIL_OF_PRICE_UP,
    TAIL_OF_PRICE_DOWN,
    TAIL_OF_QUANTITY,
    TAIL_OF_SPEND,
    TAIL_OF_LINES,
    TAIL_OF_RETURN,
    TAIL_OF_REPEAT,
    TAIL_OF_VALUE,
    TAIL_OF_UNITS,
    TAILS
};

struct detect {
    struct detect_setup setup;
    struct keyed codes, customers, countries;
    struct echo echo;
    struct bought bought;
    struct openings open;
    struct lessons lessons;
    struct detect_shop shop;
    struct tails tails[TAILS];
    struct alert alert;
    bool shop_changed;
};

extern const struct keyed_kind detect_code_kind;

/* Sales are 0, credits 1. */
static inline int detect_sign(const struct opened *i)
{
    return i->letter == 'C';
}

/* Where the evidence of a statistic is kept. */
struct evidence *detect_finding(struct opened *i, enum stat stat);
/* The surprise of a value of the statistic, by the invoice's class. */
double detect_surprise(struct detect *d, const struct opened *i, enum stat stat, double x);
/* Every magnitude of the invoice joins its tail. */
void detect_learn_measures(struct detect *d, const struct opened *i);
/* Judges a line of an open invoice; `mine` is where its margins are kept, NULL: nowhere. */
void detect_judge_line(struct detect *d, struct opened *i, const struct model_line *line,
                       struct opened_line *mine);
/* Judges the invoice as a whole when it closes. */
void detect_judge(struct detect *d, struct opened *i);
/* Judges the burst it is in: sales right before it, when it closes; around it, at the end. */
void detect_judge_burst(struct detect *d, struct opened *i, bool settled);
/* Lets the references know the invoice, with doubt where it broke them. */
enum err detect_learn(struct detect *d, struct opened *i) MUST_CHECK;
void detect_learn_burst(struct detect *d, struct opened *i);

#endif
