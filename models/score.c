/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The strongest reason counts whole; a sum would let many mild oddities, which every large
 * order has, outweigh one that cannot be explained. Others corroborate:
 *
 *   X_g   = max(0, w_g S_g - c_g)
 *   score = X_max + 0.25 sum over others of max(0, X_g - 2) + 0.02 sum X_g + 8 decades
 *
 * decades: log10 of a line's value (or units, the larger) over its running 99.9 % quantile: what
 * is large enough to matter to the shop's books deserves a look. They make another reason
 * weightier, so they count as the contribution of the strongest statistic about size. Weights
 * and offsets were fitted on labelled data.
 */
#include "models/score.h"

#define CORROBORATE 0.25
#define FROM 2.0
#define EACH 0.02
#define MATERIAL 8.0

static const struct {
    double weight, offset;
} rule[STAT_COUNT] = {
    [STAT_PRICE_UP] = {1.2, 0}, [STAT_PRICE_DOWN] = {1.1, 0}, [STAT_QUANTITY] = {1.35, 0},
    [STAT_SPEND] = {0.9, 0},    [STAT_LINES] = {1.2, 0},      [STAT_FREE] = {2, 0},
    [STAT_SIGN] = {2, 0},       [STAT_REPEAT] = {0.8, 0},     [STAT_REOPEN] = {0.8, 0},
    [STAT_ECHO] = {0.9, 0},     [STAT_RETURN] = {1, 0},       [STAT_COUNTRY] = {0.9, 0},
    [STAT_BURST] = {1.5, 0.3},  [STAT_HOUR] = {1.1, 0},       [STAT_VALUE] = {0.9, 1.5},
    [STAT_UNITS] = {0.8, 1.5},  [STAT_KIND] = {1, 1},
};

double score_strength(enum stat stat, double surprise)
{
    double x = rule[stat].weight * surprise - rule[stat].offset;

    return x > 0 ? x : 0;
}

static void enter(struct verdict *v, const struct evidence *one, double contribution)
{
    uint32_t at = v->n_evidence++;

    while (at > 0 && v->evidence[at - 1].contribution < contribution) {
        v->evidence[at] = v->evidence[at - 1];
        at--;
    }
    v->evidence[at] = *one;
    v->evidence[at].contribution = contribution;
}

/* The strongest statistic about how much was bought for how much. */
static int about_size(const double x[STAT_COUNT], int otherwise)
{
    static const enum stat of_size[] = {STAT_QUANTITY, STAT_PRICE_UP, STAT_SPEND};
    int best = otherwise;

    for (size_t i = 0; i < countof(of_size); i++)
        best = x[of_size[i]] > x[best] ? (int)of_size[i] : best;
    return best;
}

static void sum_up(struct verdict *v)
{
    v->score = v->effect = 0;
    for (uint32_t i = 0; i < v->n_evidence; i++) {
        v->score += v->evidence[i].contribution;
        if (v->evidence[i].effect > v->effect)
            v->effect = v->evidence[i].effect;
    }
}

void score_make(struct verdict *v, const struct evidence found[STAT_COUNT], const double decades[2])
{
    double x[STAT_COUNT];
    int best = 0, larger = decades[1] > decades[0];

    for (int s = 0; s < STAT_COUNT; s++) {
        x[s] = score_strength((enum stat)s, found[s].surprise);
        best = x[s] > x[best] ? s : best;
    }
    int material = about_size(x, larger ? STAT_UNITS : STAT_VALUE);
    v->n_evidence = 0;
    for (int s = 0; s < STAT_COUNT; s++) {
        double over = x[s] > FROM ? (x[s] - FROM) * CORROBORATE : 0;
        double part = (s == best ? x[s] : over) + EACH * x[s];
        if (s == material)
            part += MATERIAL * decades[larger];
        if (part > 0)
            enter(v, &found[s], part);
    }
    sum_up(v);
}
