/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How rare a number is against all that came before it. Four views of the series: the value and
 * its means over 4, 12 and 96 steps, since what is odd may be a spike or a slow drift. In each:
 *
 *     d = mean distance to the 5 nearest values of its past
 *     p = share of past distances at least as large; among the largest few, by a Pareto tail:
 *         p = K/(m+1) ((d + c) / (u + c))^(-1/h),  u the K-th largest distance, c their median,
 *         h the mean of ln((d_i + c) / (u + c)) over the largest (Hill 1975)
 *     S = -log10 p, within [0, 12]
 *
 *     raw = S(value) + 0.4 S(mean 4) + 0.25 S(mean 12) + 0.3 S(mean 96)
 *           + 1.2 log10(1 + 1000 excess)      excess: beyond the range so far, over that range
 *
 * An event should be told once. So a raw score becomes a score only when it is the largest of the
 * last `gate` ones; and after a score worth an alarm, another within the gate must be MARGIN above.
 *
 * 1. A number that is not finite changes nothing.
 * 2. The past is bounded: `keep` values and `keep_distances` distances in each view.
 * 3. Sums of the means are taken anew, oldest first: no rounding is carried along.
 */
#include "models/rarity.h"

#include "models/calc.h"
#include "models/pack.h"
#include "models/rarity_set.h"

#include <assert.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>

#define NEAREST 5
#define TAIL 50      /* K */
#define TAIL_SPARE 2 /* the very largest say little of the tail's shape */
#define HILL_MIN 0.05
#define P_MIN 1e-12
#define RANGE_WEIGHT 1.2
#define RANGE_STEEP 1000.0
#define MARGIN 2.0
#define LONGEST 96
#define VALUE_MAX 1e30 /* larger ones count as this */
#define KEEP_MIN 128

static const struct {
    uint32_t steps;
    double weight;
} views[RARITY_VIEWS] = {{1, 1.0}, {4, 0.4}, {12, 0.25}, {LONGEST, 0.3}};

struct view {
    struct rarity_set values, distances;
};

struct rarity {
    struct rarity_rule rule;
    uint64_t n;
    double low, high;     /* of all values */
    double last[LONGEST]; /* value i at i % LONGEST */
    double *recent;       /* raw scores, score i at i % gate */
    uint64_t alarm_at;    /* the value after the last alarm; 0: none yet */
    double alarm;         /* its score */
    struct view view[RARITY_VIEWS];
};

static bool rule_sound(const struct rarity_rule *rule)
{
    return rule->keep >= KEEP_MIN && rule->keep <= RARITY_KEEP_MAX &&
           rule->keep_distances >= KEEP_MIN && rule->keep_distances <= RARITY_KEEP_MAX &&
           rule->gate >= 2 && rule->gate <= RARITY_GATE_MAX;
}

enum err rarity_open(const struct rarity_rule *rule, struct rarity **out)
{
    struct rarity *r;

    if (!rule_sound(rule))
        return ERR_INVALID;
    r = calloc(1, sizeof(*r));
    if (!r)
        return ERR_NOMEM;
    r->recent = calloc(rule->gate, sizeof(double));
    if (!r->recent) {
        free(r);
        return ERR_NOMEM;
    }
    r->rule = *rule;
    for (int k = 0; k < RARITY_VIEWS; k++) {
        rarity_set_init(&r->view[k].values, rule->keep);
        rarity_set_init(&r->view[k].distances, rule->keep_distances);
    }
    *out = r;
    return ERR_OK;
}

void rarity_close(struct rarity *r)
{
    if (!r)
        return;
    for (int k = 0; k < RARITY_VIEWS; k++) {
        rarity_set_clear(&r->view[k].values);
        rarity_set_clear(&r->view[k].distances);
    }
    free(r->recent);
    free(r);
}

/* The mean of the last `steps` values, or of as many as there are. */
static double mean_of(const struct rarity *r, uint32_t steps)
{
    uint64_t count = r->n < steps ? r->n : steps;
    double sum = 0;

    for (uint64_t i = r->n - count; i < r->n; i++)
        sum += r->last[i % LONGEST];
    return sum / (double)count;
}

/* The tail of the distances beyond the K-th largest, fitted, at d. */
static double tail(const struct rarity_set *s, double d)
{
    const float *largest = &s->sorted[s->n - TAIL];
    const double u = (double)s->sorted[s->n - 1 - TAIL];
    const double median = (double)s->sorted[s->n / 2], c = median > 0 ? median : 1e-9;
    double hill = 0;

    for (int i = 0; i < TAIL - TAIL_SPARE; i++)
        hill += calc_ln(((double)largest[i] + c) / (u + c));
    hill = fmax(hill / (TAIL - TAIL_SPARE), HILL_MIN);
    return TAIL / (double)(s->n + 1) * calc_exp(-calc_ln((d + c) / (u + c)) / hill);
}

static double surprise(const struct rarity_set *s, float d)
{
    uint32_t below = rarity_set_below(s, d);
    double p = ((double)(s->n - below) + 0.5) / ((double)s->n + 1);

    if (s->n >= 4 * TAIL && below > s->n - TAIL / 4)
        p = fmin(p, tail(s, (double)d));
    return calc_surprise(fmax(p, P_MIN));
}

static double excess(const struct rarity *r, double value)
{
    const double range = r->high - r->low;

    if (r->n < 2 || range <= 0)
        return 0;
    return fmax(fmax(value - r->high, r->low - value), 0) / range;
}

/* Looks at one view and learns it. */
static double look(struct rarity *r, int k, float x)
{
    struct view *v = &r->view[k];
    float d = r->n > 2 ? (float)rarity_set_distance(&v->values, x, NEAREST) : 0;
    double part = 0;

    rarity_set_add(&v->values, x);
    if (r->n > r->rule.quiet) {
        part = views[k].weight * surprise(&v->distances, d);
        rarity_set_add(&v->distances, d);
    }
    return part;
}

/* r->n counts the value at hand already. */
static double gated(struct rarity *r, double raw)
{
    const uint64_t i = r->n - 1;
    const uint64_t held = i < r->rule.gate ? i : r->rule.gate;
    double most = 0;

    assert(r->rule.gate >= 2);
    for (uint64_t k = 0; k < held; k++)
        most = fmax(most, r->recent[k]);
    r->recent[i % r->rule.gate] = raw;
    if (raw <= most)
        return 0;
    if (raw < RARITY_ALARM)
        return raw;
    if (r->alarm_at && r->n - r->alarm_at <= r->rule.gate && raw < r->alarm + MARGIN)
        return 0;
    r->alarm_at = r->n;
    r->alarm = raw;
    return raw;
}

static void find_reason(struct rarity *r, struct rarity_verdict *out, double value)
{
    out->reason = RARITY_VALUE;
    for (int k = 1; k < RARITY_REASONS; k++) {
        if (out->part[k] > out->part[out->reason])
            out->reason = (enum rarity_view)k;
    }
    const int k = out->reason == RARITY_RANGE ? RARITY_VALUE : (int)out->reason;
    const struct rarity_set *s = &r->view[k].values;
    out->seen = k == RARITY_VALUE ? value : mean_of(r, views[k].steps);
    out->usual = (double)s->sorted[s->n / 2];
}

static enum err reserve(struct rarity *r)
{
    enum err e = ERR_OK;

    for (int k = 0; !e && k < RARITY_VIEWS; k++) {
        e = rarity_set_reserve(&r->view[k].values);
        if (!e)
            e = rarity_set_reserve(&r->view[k].distances);
    }
    return e;
}

enum err rarity_add(struct rarity *r, double value, struct rarity_verdict *out)
{
    enum err e = isfinite(value) ? reserve(r) : ERR_INVALID;

    if (e)
        return e;
    value = fmin(fmax(value, -VALUE_MAX), VALUE_MAX) + 0.0;
    *out = (struct rarity_verdict){.low = r->n ? r->low : value, .high = r->n ? r->high : value};
    out->part[RARITY_RANGE] = RANGE_WEIGHT * calc_log10(1 + RANGE_STEEP * excess(r, value));
    r->low = fmin(out->low, value);
    r->high = fmax(out->high, value);
    r->last[r->n++ % LONGEST] = value;
    for (int k = 0; k < RARITY_VIEWS; k++)
        out->part[k] = look(r, k, (float)mean_of(r, views[k].steps));
    for (int k = 0; k < RARITY_REASONS; k++)
        out->raw += out->part[k];
    out->score = gated(r, out->raw);
    find_reason(r, out, value);
    return ERR_OK;
}

uint64_t rarity_count(const struct rarity *r)
{
    return r->n;
}

size_t rarity_memory(const struct rarity *r)
{
    size_t n = sizeof(*r) + r->rule.gate * sizeof(double);

    for (int k = 0; k < RARITY_VIEWS; k++)
        n += 2 * sizeof(float) * (r->view[k].values.cap + r->view[k].distances.cap);
    return n;
}

const char *rarity_reason_text(enum rarity_view reason)
{
    static const char *const text[] = {"value", "mean of 4", "mean of 12", "mean of 96",
                                       "beyond the range"};

    return text[reason];
}

/* ---- state ---- */

static const struct pack_field fields[] = {
    PACK(struct rarity, n, PACK_U64, 0, 1e18),
    PACK(struct rarity, low, PACK_F64, -VALUE_MAX, VALUE_MAX),
    PACK(struct rarity, high, PACK_F64, -VALUE_MAX, VALUE_MAX),
    PACK(struct rarity, last, PACK_F64, -VALUE_MAX, VALUE_MAX),
    PACK(struct rarity, alarm_at, PACK_U64, 0, 1e18),
    PACK(struct rarity, alarm, PACK_F64, 0, 1e3),
};

enum err rarity_save(const struct rarity *r, struct buf *out)
{
    const struct pack_field recent = {0, r->rule.gate, PACK_F64, 0, 1e3};
    enum err e = pack_write(out, PACK_TABLE(fields), r);

    if (!e)
        e = pack_write(out, (struct pack_table){&recent, 1}, r->recent);
    for (int k = 0; !e && k < RARITY_VIEWS; k++) {
        e = rarity_set_save(&r->view[k].values, out);
        if (!e)
            e = rarity_set_save(&r->view[k].distances, out);
    }
    return e;
}

static uint64_t most_of(uint64_t n, uint32_t keep)
{
    return n < keep ? n : keep;
}

enum err rarity_load(struct rarity *r, struct reader *in)
{
    const struct pack_field recent = {0, r->rule.gate, PACK_F64, 0, 1e3};
    enum err e = ERR_OK;

    pack_read(in, PACK_TABLE(fields), r);
    pack_read(in, (struct pack_table){&recent, 1}, r->recent);
    if (in->bad || r->alarm_at > r->n)
        return ERR_DAMAGED;
    uint64_t scored = r->n > r->rule.quiet ? r->n - r->rule.quiet : 0;
    for (int k = 0; !e && k < RARITY_VIEWS; k++) {
        struct view *v = &r->view[k];
        e = rarity_set_load(&v->values, in);
        if (!e)
            e = rarity_set_load(&v->distances, in);
        if (!e && (v->values.n != most_of(r->n, r->rule.keep) ||
                   v->distances.n != most_of(scored, r->rule.keep_distances)))
            e = ERR_DAMAGED;
    }
    return e;
}
