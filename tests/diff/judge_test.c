/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * judge_test: random streams of several shards against a naive judge, which keeps every sale
 * with its fate and looks through all of them each time. Saved and loaded at random points.
 */
#include "engine/judge.h"
#include "tests/support/t.h"

#include "engine/when.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

__extension__ typedef __int128 i128;

enum { SALES = 120, SHARDS = 3, IDS = 10 };

enum { PENNED = 100, DUPLICATE, NOT_YET };

struct told {
    enum fate fate;
    uint64_t offset;
    int64_t watermark_ms;
};

struct telling {
    struct told told[2 * SALES];
    size_t n;
};

/* ---- the naive judge ---- */

struct naive_shard {
    int64_t level;
    bool idle, ended;
};

struct naive {
    const struct settings *s;
    struct sale sale[SALES];
    int shard[SALES], fate[SALES];
    int n;
    struct naive_shard at[SHARDS];
    int64_t watermark;
    int64_t highest, ended; /* levels of all, of those that ended */
    int id[SALES];          /* remembered: number of the sale, in order */
    int64_t expires[SALES];
    int n_ids;
    struct telling telling;
};

static void naive_tell(struct naive *v, int i, enum fate fate)
{
    v->fate[i] = (int)fate;
    v->telling.told[v->telling.n++] = (struct told){fate, v->sale[i].offset, v->watermark};
}

static bool naive_sum_fits(const struct naive *v, bool units)
{
    i128 sum = 0;

    for (int i = 0; i < v->n; i++) {
        i128 x = units ? v->sale[i].quantity : v->sale[i].value;
        if (v->fate[i] == FATE_ACCEPTED || v->fate[i] == PENNED || v->fate[i] == NOT_YET)
            sum += x < 0 ? -x : x;
    }
    return sum <= INT64_MAX;
}

static bool naive_is_duplicate(struct naive *v, int i)
{
    const struct sale *x = &v->sale[i];
    int64_t from = x->time_ms > v->watermark ? x->time_ms : v->watermark;

    if (!x->record_id.n)
        return false;
    for (int k = 0; k < v->n_ids; k++) {
        if (str_eq(v->sale[v->id[k]].record_id, x->record_id) && v->expires[k] > v->watermark)
            return true;
    }
    while (v->n_ids && (v->expires[0] <= v->watermark || v->n_ids >= v->s->dedup_max)) {
        memmove(v->id, v->id + 1, sizeof(v->id) - sizeof(v->id[0]));
        memmove(v->expires, v->expires + 1, sizeof(v->expires) - sizeof(v->expires[0]));
        v->n_ids--;
    }
    v->id[v->n_ids] = i;
    v->expires[v->n_ids++] = from + v->s->dedup_horizon_ms;
    return false;
}

static int64_t naive_reference(const struct naive *v, const struct naive_shard *x)
{
    if (x->level == WHEN_NONE)
        return v->highest;
    return x->level > v->ended ? x->level : v->ended;
}

static bool naive_too_far(const struct naive *v, int shard, int64_t t)
{
    int64_t level = naive_reference(v, &v->at[shard]);

    return level != WHEN_NONE && t > level + v->s->max_ahead_ms;
}

static void naive_watermark(struct naive *v)
{
    int64_t lowest = INT64_MAX;

    for (int i = 0; i < SHARDS; i++) {
        if (!v->at[i].idle && !v->at[i].ended && v->at[i].level < lowest)
            lowest = v->at[i].level;
    }
    if (lowest != INT64_MAX && lowest != WHEN_NONE && lowest - v->s->out_of_order_ms > v->watermark)
        v->watermark = lowest - v->s->out_of_order_ms;
}

static void naive_accept(struct naive *v, int i)
{
    struct naive_shard *x = &v->at[v->shard[i]];
    int64_t t = v->sale[i].time_ms;

    if (v->watermark != WHEN_NONE && t < v->watermark - v->s->allowed_lateness_ms) {
        naive_tell(v, i, FATE_LATE);
        return;
    }
    v->highest = t > v->highest ? t : v->highest;
    x->idle = false;
    if (t > x->level) {
        x->level = t;
        naive_watermark(v);
    }
    naive_tell(v, i, FATE_ACCEPTED);
}

static int naive_pen(const struct naive *v, int shard, int64_t *earliest)
{
    int n = 0;

    *earliest = INT64_MAX;
    for (int i = 0; i < v->n; i++) {
        if (v->fate[i] != PENNED || v->shard[i] != shard)
            continue;
        n++;
        *earliest = v->sale[i].time_ms < *earliest ? v->sale[i].time_ms : *earliest;
    }
    return n;
}

static int naive_pen_invoices(const struct naive *v, int shard)
{
    int n = 0;

    for (int i = 0; i < v->n; i++) {
        bool fresh = v->fate[i] == PENNED && v->shard[i] == shard;
        for (int k = 0; k < i; k++) {
            if (v->fate[k] == PENNED && v->shard[k] == shard &&
                str_eq(v->sale[i].invoice, v->sale[k].invoice))
                fresh = false;
        }
        n += fresh;
    }
    return n;
}

/* The gap is real: the level moves to the earliest, what is near enough is judged. */
static void naive_release(struct naive *v, int shard)
{
    int64_t earliest;

    if (!naive_pen(v, shard, &earliest))
        return;
    if (earliest - 1 > v->at[shard].level)
        v->at[shard].level = earliest - 1;
    for (int i = 0; i < v->n; i++) {
        bool mine = v->fate[i] == PENNED && v->shard[i] == shard;
        if (mine && !naive_too_far(v, shard, v->sale[i].time_ms))
            naive_accept(v, i);
    }
}

static void naive_flush(struct naive *v, int shard, int64_t t)
{
    int64_t level = naive_reference(v, &v->at[shard]);

    if (level != WHEN_NONE && t < level - v->s->max_ahead_ms)
        return;
    for (int i = 0; i < v->n; i++) {
        if (v->fate[i] == PENNED && v->shard[i] == shard)
            naive_tell(v, i, FATE_AHEAD);
    }
}

static void naive_sale(struct naive *v, int shard, const struct sale *sale)
{
    int64_t earliest;
    int i = v->n++;

    v->sale[i] = *sale;
    v->shard[i] = shard;
    v->fate[i] = NOT_YET;
    v->at[shard].idle = false;
    if (naive_is_duplicate(v, i)) {
        v->fate[i] = DUPLICATE;
    } else if (!naive_sum_fits(v, false) || !naive_sum_fits(v, true)) {
        naive_tell(v, i, FATE_REJECTED);
    } else if (naive_too_far(v, shard, sale->time_ms)) {
        v->fate[i] = PENNED;
        if (naive_pen(v, shard, &earliest) >= v->s->pen_sales &&
            naive_pen_invoices(v, shard) >= v->s->pen_invoices)
            naive_release(v, shard);
    } else {
        naive_flush(v, shard, sale->time_ms);
        naive_accept(v, i);
    }
}

static void naive_end(struct naive *v, int shard)
{
    int64_t earliest;

    while (naive_pen(v, shard, &earliest))
        naive_release(v, shard);
    v->at[shard].ended = true;
    v->ended = v->at[shard].level > v->ended ? v->at[shard].level : v->ended;
    naive_watermark(v);
}

/* ---- side by side ---- */

static enum err note(void *arg, const struct outcome *o)
{
    struct telling *t = arg;

    t->told[t->n++] = (struct told){o->fate, o->sale->offset, o->watermark_ms};
    return ERR_OK;
}

static void same_telling(uint64_t n, int step, struct telling *a, struct telling *b)
{
    bool same = a->n == b->n;

    for (size_t i = 0; same && i < a->n; i++)
        same = a->told[i].fate == b->told[i].fate && a->told[i].offset == b->told[i].offset &&
               a->told[i].watermark_ms == b->told[i].watermark_ms;
    if (!same)
        fail("SEED=%" PRIu64 ", step %d: the judge says %zu things (first: fate %d of %" PRIu64
             ", watermark %" PRId64 "), wanted %zu (fate %d of %" PRIu64 ", %" PRId64 ")",
             n, step, a->n, (int)a->told[0].fate, a->told[0].offset, a->told[0].watermark_ms, b->n,
             (int)b->told[0].fate, b->told[0].offset, b->told[0].watermark_ms);
    a->n = b->n = 0;
}

static int64_t naive_count(const struct naive *v, int shard, int fate)
{
    int64_t n = 0;

    for (int i = 0; i < v->n; i++)
        n += v->shard[i] == shard && v->fate[i] == fate;
    return n;
}

static void same_counts(const struct judge *j, const struct naive *v)
{
    for (int i = 0; i < SHARDS; i++) {
        struct judge_counts c = judge_counts(j, i);
        eq_int(c.read, c.aggregated + c.late + c.rejected + c.pending);
        eq_int(c.aggregated, naive_count(v, i, FATE_ACCEPTED));
        eq_int(c.late, naive_count(v, i, FATE_LATE) + naive_count(v, i, FATE_AHEAD));
        eq_int(c.rejected, naive_count(v, i, FATE_REJECTED));
        eq_int(c.pending, naive_count(v, i, PENNED));
        eq_int(c.duplicates, naive_count(v, i, DUPLICATE));
    }
    eq_int(judge_watermark(j), v->watermark);
}

/* RecordIDs as the store would keep them. */
struct kept {
    struct dedup_row row[SALES];
    size_t n;
};

static void keep_ids(struct kept *k, const struct parcel *p)
{
    size_t n = 0;

    for (size_t i = 0; i < p->dedup.n; i++)
        k->row[k->n++] = *(const struct dedup_row *)list_at(&p->dedup, i);
    for (size_t i = 0; i < k->n; i++) {
        if (k->row[i].seq >= p->dedup_before)
            k->row[n++] = k->row[i];
    }
    k->n = n;
}

static struct judge *reborn(struct judge *j, const struct settings *s, struct kept *kept)
{
    struct parcel *p = parcel_open();
    struct judge *other;

    ok_err(judge_save(j, p));
    keep_ids(kept, p);
    const struct state_row *row = list_at(&p->states, 0);
    ok_err(judge_open(s, &other));
    ok_err(judge_load(other, row->version, parcel_str(p, row->data), NULL));
    for (size_t i = 0; i < kept->n; i++)
        ok_err(
            judge_load_dedup(other, kept->row[i].seq, kept->row[i].hash, kept->row[i].expires_ms));
    parcel_close(p);
    judge_close(j);
    return other;
}

static void random_settings(struct settings *s, uint64_t *dice)
{
    static const int64_t ahead[] = {WHEN_HOUR, WHEN_DAY, 7 * WHEN_DAY};

    memset(s, 0, sizeof(*s));
    s->max_ahead_ms = ahead[rnd_below(dice, 3)];
    s->out_of_order_ms = (int64_t)rnd_below(dice, 3) * WHEN_MINUTE;
    s->allowed_lateness_ms = (int64_t)rnd_below(dice, 3) * WHEN_HOUR;
    s->pen_sales = 2 + (int64_t)rnd_below(dice, 5);
    s->pen_invoices = 1 + (int64_t)rnd_below(dice, 2);
    s->dedup_horizon_ms = (int64_t)rnd_below(dice, 4) * WHEN_HOUR;
    s->dedup_max = rnd_below(dice, 2) ? 4 : 1000;
}

static struct sale random_sale(uint64_t *dice, int64_t *now, const struct settings *s, int n)
{
    static const char *const invoices[] = {"a", "b", "c", "d"};
    static const char *const ids[IDS] = {"", "", "", "1", "2", "3", "4", "5", "6", "7"};
    static const int64_t steps[] = {0, 1, WHEN_MINUTE, WHEN_HOUR, 5 * WHEN_HOUR};
    struct sale x = {.offset = (uint64_t)n, .price = 1000000};

    *now += steps[rnd_below(dice, 5)];
    if (rnd_below(dice, 20) == 0)
        *now += s->max_ahead_ms + (int64_t)rnd_below(dice, 3) * s->max_ahead_ms;
    x.time_ms = *now - (rnd_below(dice, 3) ? 0 : (int64_t)rnd_below(dice, 4 * WHEN_HOUR));
    if (rnd_below(dice, 8) == 0)
        x.time_ms += (int64_t)rnd_below(dice, 4) * s->max_ahead_ms;
    x.quantity = (int64_t)rnd_below(dice, 9) - 4;
    if (rnd_below(dice, 9) == 0)
        x.quantity *= INT64_MAX / 40000000;
    if (rnd_below(dice, 20) == 0) {
        x.price = 0;
        x.quantity = rnd_below(dice, 2) ? INT64_MAX / 3 : INT64_MIN;
    }
    x.value = x.quantity * x.price;
    x.invoice = str_of(invoices[rnd_below(dice, 4)]);
    x.record_id = str_of(ids[rnd_below(dice, IDS)]);
    return x;
}

static void step(struct judge *j, struct naive *v, uint64_t *dice, const struct sale *sale,
                 struct telling *said)
{
    static const char *const names[SHARDS] = {"0", "1", "2"};
    int shard = (int)rnd_below(dice, SHARDS), again;

    if (rnd_below(dice, 15) == 0) {
        judge_idle(j, shard);
        v->at[shard].idle = true;
        naive_watermark(v);
    }
    if (rnd_below(dice, 25) == 0) {
        ok_err(judge_end(j, shard, note, said));
        naive_end(v, shard);
    }
    ok_err(judge_shard(j, 1, str_of(names[shard]), &again));
    eq_int(again, shard);
    v->at[shard].ended = false;
    ok_err(judge_sale(j, shard, sale, note, said));
    naive_sale(v, shard, sale);
}

static void one_stream(uint64_t n)
{
    static const char *const names[SHARDS] = {"0", "1", "2"};
    static struct naive v;
    static struct telling said;
    static struct kept kept;
    uint64_t dice = n;
    int64_t now = 1291161600000, watermark = WHEN_NONE;
    struct settings s;
    struct judge *j;
    int shard;

    random_settings(&s, &dice);
    memset(&v, 0, sizeof(v));
    v.s = &s;
    v.watermark = v.highest = v.ended = WHEN_NONE;
    said.n = kept.n = 0;
    ok_err(judge_open(&s, &j));
    for (int i = 0; i < SHARDS; i++) {
        ok_err(judge_shard(j, 1, str_of(names[i]), &shard));
        v.at[i].level = WHEN_NONE;
    }
    for (int i = 0; i < SALES; i++) {
        struct sale x = random_sale(&dice, &now, &s, i);
        step(j, &v, &dice, &x, &said);
        same_telling(n, i, &said, &v.telling);
        same_counts(j, &v);
        ok(judge_watermark(j) >= watermark);
        watermark = judge_watermark(j);
        if (rnd_below(&dice, 12) == 0)
            j = reborn(j, &s, &kept);
    }
    judge_close(j);
}

T(random_streams_meet_the_fates_a_naive_judge_gives_them)
{
    const char *text = getenv("T_CASES");
    uint64_t count = 800 * (text ? strtoull(text, NULL, 10) : 100) / 100 + 1;

    for (uint64_t n = seed(); n < seed() + count; n++)
        one_stream(n);
}

/* ---- by hand ---- */

static struct settings plain(void)
{
    struct settings s;

    memset(&s, 0, sizeof(s));
    s.out_of_order_ms = 5 * WHEN_MINUTE;
    s.allowed_lateness_ms = WHEN_HOUR;
    s.max_ahead_ms = 7 * WHEN_DAY;
    s.pen_sales = 20;
    s.pen_invoices = 3;
    s.dedup_horizon_ms = WHEN_DAY;
    s.dedup_max = 1000;
    return s;
}

struct court {
    struct settings settings;
    struct judge *judge;
    struct telling said;
    int64_t start;
    uint64_t n;
};

static void court_open(struct court *c)
{
    static const struct court nothing = {.start = 1292000000000};
    int shard;

    *c = nothing;
    c->settings = plain();
    ok_err(judge_open(&c->settings, &c->judge));
    ok_err(judge_shard(c->judge, 1, STR("0"), &shard));
}

/* A sale so long after the start. */
static void sell(struct court *c, int shard, int64_t after_ms, const char *invoice)
{
    struct sale x = {.time_ms = c->start + after_ms,
                     .quantity = 1,
                     .price = 1000000,
                     .value = 1000000,
                     .invoice = str_of(invoice),
                     .offset = c->n++};

    ok_err(judge_sale(c->judge, shard, &x, note, &c->said));
}

static int count_of(const struct court *c, enum fate fate)
{
    int n = 0;

    for (size_t i = 0; i < c->said.n; i++)
        n += c->said.told[i].fate == fate;
    return n;
}

static void court_close(struct court *c)
{
    judge_close(c->judge);
}

T(one_sale_stamped_far_ahead_is_set_aside_by_the_next_honest_one)
{
    struct court c;

    court_open(&c);
    sell(&c, 0, 0, "a");
    sell(&c, 0, 3650 * WHEN_DAY, "b");
    eq_int(judge_counts(c.judge, 0).pending, 1);
    eq_int(c.said.n, 1);
    sell(&c, 0, WHEN_MINUTE, "c");
    eq_int(c.said.told[1].fate, FATE_AHEAD);
    eq_u64(c.said.told[1].offset, 1);
    eq_int(c.said.told[2].fate, FATE_ACCEPTED);
    eq_int(judge_watermark(c.judge), c.start + WHEN_MINUTE - 5 * WHEN_MINUTE);
    court_close(&c);
}

T(a_sale_that_stayed_in_the_pen_does_not_take_the_level_back)
{
    struct court c;

    court_open(&c);
    c.settings.pen_sales = 4;
    c.settings.pen_invoices = 1;
    sell(&c, 0, 0, "a");
    sell(&c, 0, 15 * WHEN_DAY + WHEN_MINUTE, "b"); /* too far even from the next */
    sell(&c, 0, 8 * WHEN_DAY, "c");
    sell(&c, 0, 15 * WHEN_DAY, "d");
    sell(&c, 0, 22 * WHEN_DAY, "e");
    eq_int(judge_counts(c.judge, 0).pending, 1);
    eq_int(judge_shard_watermark(c.judge, 0), c.start + 22 * WHEN_DAY - 5 * WHEN_MINUTE);
    ok_err(judge_end(c.judge, 0, note, &c.said));
    eq_int(judge_shard_watermark(c.judge, 0), c.start + 22 * WHEN_DAY - 5 * WHEN_MINUTE);
    eq_int(judge_counts(c.judge, 0).late, 1);
    court_close(&c);
}

T(twenty_sales_of_three_invoices_show_a_gap_to_be_real_and_fewer_do_not)
{
    static const char *const invoices[] = {"a", "b", "c"};
    struct court c;

    court_open(&c);
    sell(&c, 0, 0, "0");
    for (int i = 0; i < 19; i++)
        sell(&c, 0, 10 * WHEN_DAY + i * WHEN_MINUTE, invoices[i % 3]);
    eq_int(judge_counts(c.judge, 0).pending, 19);
    sell(&c, 0, 10 * WHEN_DAY, "a");
    eq_int(judge_counts(c.judge, 0).pending, 0);
    eq_int(count_of(&c, FATE_ACCEPTED), 21);
    for (int i = 0; i < 30; i++)
        sell(&c, 0, 30 * WHEN_DAY, invoices[i % 2]);
    eq_int(judge_counts(c.judge, 0).pending, 30);
    sell(&c, 0, 30 * WHEN_DAY, "c");
    eq_int(judge_counts(c.judge, 0).pending, 0);
    court_close(&c);
}

static void a_holiday_with_one_wrong_date(struct court *c, int honest)
{
    static const char *const invoices[] = {"a", "b", "c"};

    court_open(c);
    sell(c, 0, 0, "0");
    for (int i = 0; i < honest; i++) {
        sell(c, 0, 14 * WHEN_DAY + i * WHEN_MINUTE, invoices[i % 3]);
        if (i == 2)
            sell(c, 0, 3650 * WHEN_DAY, "stray");
    }
}

T(a_sale_stamped_ten_years_ahead_in_a_real_gap_costs_no_honest_sale)
{
    struct court c;

    a_holiday_with_one_wrong_date(&c, 40);
    eq_int(count_of(&c, FATE_ACCEPTED), 41);
    eq_int(count_of(&c, FATE_AHEAD), 1);
    eq_int(count_of(&c, FATE_LATE), 0);
    court_close(&c);
}

T(nor_does_it_when_the_source_ends_within_the_gap)
{
    struct court c;

    a_holiday_with_one_wrong_date(&c, 10);
    eq_int(judge_counts(c.judge, 0).pending, 11);
    ok_err(judge_end(c.judge, 0, note, &c.said));
    eq_int(count_of(&c, FATE_ACCEPTED), 12);
    eq_int(count_of(&c, FATE_LATE), 0);
    eq_int(judge_counts(c.judge, 0).pending, 0);
    court_close(&c);
}

T(the_lowest_shard_holds_the_watermark_unless_it_is_idle_or_ended)
{
    struct court c;
    int a = 0, b;

    court_open(&c);
    ok_err(judge_shard(c.judge, 1, STR("1"), &b));
    sell(&c, a, 2 * WHEN_HOUR, "a");
    eq_int(judge_watermark(c.judge), WHEN_NONE);
    sell(&c, b, WHEN_HOUR, "b");
    eq_int(judge_watermark(c.judge), c.start + 55 * WHEN_MINUTE);
    judge_idle(c.judge, b);
    eq_int(judge_watermark(c.judge), c.start + 115 * WHEN_MINUTE);
    sell(&c, b, 0, "late"); /* awake again, though its sale is late */
    sell(&c, a, 5 * WHEN_HOUR, "a");
    eq_int(judge_watermark(c.judge), c.start + 115 * WHEN_MINUTE);
    ok_err(judge_end(c.judge, b, note, &c.said));
    eq_int(judge_watermark(c.judge), c.start + 5 * WHEN_HOUR - 5 * WHEN_MINUTE);
    eq_int(judge_shard_watermark(c.judge, b), c.start + 55 * WHEN_MINUTE);
    court_close(&c);
}

T(a_second_source_is_measured_against_the_end_of_the_first)
{
    struct court c;
    int b;

    court_open(&c);
    sell(&c, 0, 10 * WHEN_DAY, "a");
    ok_err(judge_end(c.judge, 0, note, &c.said));
    ok_err(judge_shard(c.judge, 2, STR("0"), &b));
    sell(&c, b, 10 * WHEN_DAY - WHEN_HOUR, "b");
    sell(&c, b, 17 * WHEN_DAY - WHEN_MINUTE, "c"); /* within seven days of the first source */
    eq_int(judge_counts(c.judge, b).aggregated, 2);
    court_close(&c);
}

T(a_sum_that_does_not_fit_is_the_error_of_its_sale_alone)
{
    struct court c;
    struct sale x = {.quantity = 9, .price = INT64_MAX / 10, .invoice = STR("a")};

    court_open(&c);
    x.time_ms = c.start;
    x.value = x.quantity * x.price;
    ok_err(judge_sale(c.judge, 0, &x, note, &c.said));
    ok_err(judge_sale(c.judge, 0, &x, note, &c.said));
    eq_int(count_of(&c, FATE_REJECTED), 1);
    sell(&c, 0, 0, "small");
    eq_int(count_of(&c, FATE_ACCEPTED), 2);
    struct sale units = {.quantity = INT64_MAX - 9, .invoice = STR("a"), .time_ms = c.start};
    ok_err(judge_sale(c.judge, 0, &units, note, &c.said)); /* free of charge, too many */
    eq_int(count_of(&c, FATE_REJECTED), 2);
    units.quantity = INT64_MIN;
    ok_err(judge_sale(c.judge, 0, &units, note, &c.said));
    eq_int(count_of(&c, FATE_REJECTED), 3);
    court_close(&c);
}

T(a_record_id_is_known_for_the_horizon_and_not_longer)
{
    struct court c;
    struct sale x = {
        .quantity = 1, .price = 1, .value = 1, .invoice = STR("a"), .record_id = STR("r")};

    court_open(&c);
    c.settings.allowed_lateness_ms = 100 * WHEN_DAY;
    x.time_ms = c.start;
    ok_err(judge_sale(c.judge, 0, &x, note, &c.said));
    ok_err(judge_sale(c.judge, 0, &x, note, &c.said));
    eq_int(judge_counts(c.judge, 0).duplicates, 1);
    eq_int(judge_counts(c.judge, 0).read, 1);
    sell(&c, 0, WHEN_DAY + 5 * WHEN_MINUTE - 1, "b");
    ok_err(judge_sale(c.judge, 0, &x, note, &c.said));
    eq_int(judge_counts(c.judge, 0).duplicates, 2);
    sell(&c, 0, WHEN_DAY + 5 * WHEN_MINUTE, "b");
    ok_err(judge_sale(c.judge, 0, &x, note, &c.said));
    eq_int(judge_counts(c.judge, 0).duplicates, 2);
    eq_int(judge_counts(c.judge, 0).aggregated, 4);
    court_close(&c);
}
