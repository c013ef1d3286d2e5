/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * rarity: what is odd gets a score, once; what is usual gets none worth an alarm; the future does
 * not matter.
 */
#include "models/rarity.h"

#include "tests/support/t.h"

#include <math.h>

static const struct rarity_rule rule = {
    .keep = 1024, .keep_distances = 1024, .quiet = 100, .gate = 50};

static struct rarity *opened(void)
{
    struct rarity *r;

    ok_err(rarity_open(&rule, &r));
    return r;
}

static struct rarity_verdict added(struct rarity *r, double value)
{
    struct rarity_verdict v;

    ok_err(rarity_add(r, value, &v));
    return v;
}

/* A wave over 24 steps with noise. */
static double usual(uint64_t *state, int i)
{
    double noise = (double)(rnd(state) >> 11) / 9007199254740992.0;

    return 100 + 30 * sin(i * 6.283185307179586 / 24) + 10 * noise;
}

T(a_spike_is_told_once_and_with_its_reason)
{
    struct rarity *r = opened();
    uint64_t state = seed();
    int alarms = 0;

    for (int i = 0; i < 1500; i++) {
        bool spike = i >= 1000 && i < 1003;
        struct rarity_verdict v = added(r, spike ? 400 : usual(&state, i));
        alarms += i > 400 && v.score >= RARITY_ALARM;
        if (i != 1000)
            continue;
        ok(v.score > 6);
        ok(v.reason == RARITY_RANGE || v.reason == RARITY_VALUE);
        near(v.seen, 400, 0);
        near(v.usual, 105, 15);
        ok(v.high < 142 && v.low > 65);
    }
    eq_int(alarms, 1);
    rarity_close(r);
}

T(of_a_run_only_records_are_told_and_after_an_alarm_only_a_much_greater_one)
{
    enum { N = 4000 };
    static double raw[N];
    struct rarity *r = opened();
    uint64_t state = seed();
    int told = 0, held_back = 0, alarm_at = -1000;

    for (int i = 0; i < N; i++) {
        int burst = i % 200 < 10 ? (int)rnd_below(&state, 20) : 0;
        struct rarity_verdict v = added(r, usual(&state, i) + burst * (15 + i / 20));
        double most = 0, wanted = v.raw;
        raw[i] = v.raw;
        for (int k = i < 50 ? 0 : i - 50; k < i; k++)
            most = fmax(most, raw[k]);
        bool near_alarm = i - alarm_at <= 50 && v.raw < raw[alarm_at < 0 ? 0 : alarm_at] + 2;
        if (v.raw <= most || (v.raw >= RARITY_ALARM && near_alarm))
            wanted = 0;
        held_back += v.raw >= RARITY_ALARM && wanted <= 0;
        told += wanted >= RARITY_ALARM;
        alarm_at = wanted >= RARITY_ALARM ? i : alarm_at;
        near(v.score, wanted, 0);
    }
    ok(told > 3 && held_back > 3);
    rarity_close(r);
}

T(a_hole_within_the_range_is_rare_too)
{
    struct rarity *r = opened();
    uint64_t state = seed();
    double score = 0;

    for (int i = 0; i < 1000; i++) {
        double v = i == 900 ? 50 : (i % 2 ? 100 : 0) + (double)rnd_below(&state, 100) / 100;
        struct rarity_verdict verdict = added(r, v);
        score = i == 900 ? verdict.part[RARITY_VALUE] : score;
        ok(verdict.part[RARITY_RANGE] < 2);
    }
    ok(score > 3);
    rarity_close(r);
}

T(a_slow_drift_shows_in_a_mean)
{
    struct rarity *r = opened();
    uint64_t state = seed();
    double best = 0;

    for (int i = 0; i < 1500; i++) {
        struct rarity_verdict v = added(r, usual(&state, i) + (i > 1200 ? 25 : 0));
        if (i > 1200 && v.part[RARITY_MEAN_96] > best)
            best = v.part[RARITY_MEAN_96];
    }
    ok(best > 0.9); /* 0.3 of a surprise of 3 */
    rarity_close(r);
}

T(noise_alone_raises_few_alarms)
{
    struct rarity *r = opened();
    uint64_t state = seed();
    int alarms = 0;

    for (int i = 0; i < 20000; i++)
        alarms += added(r, usual(&state, i)).score >= RARITY_ALARM;
    ok(alarms < 40);
    rarity_close(r);
}

T(no_variance_gives_no_score_and_the_first_change_does)
{
    struct rarity *r = opened();

    for (int i = 0; i < 3000; i++)
        ok(added(r, 5).score < 1);
    ok(added(r, 6).score > RARITY_ALARM);
    rarity_close(r);
}

T(what_is_no_number_is_refused)
{
    struct rarity *r = opened();
    struct rarity_verdict v;
    struct buf before, after;

    buf_init(&before, 1 << 20);
    buf_init(&after, 1 << 20);
    for (int i = 0; i < 300; i++)
        (void)added(r, i % 10);
    ok_err(rarity_save(r, &before));
    eq_err(rarity_add(r, (double)NAN, &v), ERR_INVALID);
    eq_err(rarity_add(r, HUGE_VAL, &v), ERR_INVALID);
    eq_err(rarity_add(r, -HUGE_VAL, &v), ERR_INVALID);
    ok_err(rarity_save(r, &after));
    eq_bytes(before.p, before.n, after.p, after.n);
    buf_clear(&before);
    buf_clear(&after);
    rarity_close(r);
}

T(numbers_of_any_size_give_finite_scores)
{
    struct rarity *r = opened();
    uint64_t state = seed();

    for (int i = 0; i < 3000; i++) {
        double x =
            ldexp((double)rnd_below(&state, 2000) - 1000, (int)rnd_below(&state, 2000) - 1000);
        struct rarity_verdict v = added(r, x);
        ok(isfinite(v.raw) && v.raw >= 0 && isfinite(v.seen) && isfinite(v.usual));
        ok(v.score <= v.raw);
    }
    rarity_close(r);
}

T(parts_sum_to_the_score_and_the_reason_is_the_largest)
{
    struct rarity *r = opened();
    uint64_t state = seed();

    for (int i = 0; i < 2000; i++) {
        struct rarity_verdict v = added(r, usual(&state, i) * (i % 300 == 299 ? 3 : 1));
        double sum = 0;
        for (int k = 0; k < RARITY_REASONS; k++) {
            sum += v.part[k];
            ok(v.part[k] <= v.part[v.reason]);
        }
        near(sum, v.raw, 0);
        ok(rarity_reason_text(v.reason) != NULL);
    }
    rarity_close(r);
}

T(memory_is_bounded)
{
    struct rarity *r = opened();
    uint64_t state = seed();

    for (int i = 0; i < 30000; i++)
        (void)added(r, usual(&state, i));
    eq_u64(rarity_count(r), 30000);
    ok(rarity_memory(r) < 80 << 10);
    rarity_close(r);
}

T(saved_anywhere_it_goes_on_to_the_same_scores)
{
    struct rarity *a = opened(), *b = opened();
    uint64_t state = seed(), chance = seed();

    for (int i = 0; i < 4000; i++) {
        double x = usual(&state, i) + (rnd_below(&chance, 100) ? 0 : 60);
        struct rarity_verdict v = added(a, x), w = added(b, x);
        eq_bytes(&v.score, sizeof(double), &w.score, sizeof(double));
        eq_bytes(v.part, sizeof(v.part), w.part, sizeof(w.part));
        if (rnd_below(&chance, 150))
            continue;
        struct buf out;
        buf_init(&out, 1 << 20);
        ok_err(rarity_save(b, &out));
        rarity_close(b);
        b = opened();
        struct reader in = reader_of(out.p, out.n);
        ok_err(rarity_load(b, &in));
        ok(in.p == in.end);
        buf_clear(&out);
    }
    rarity_close(a);
    rarity_close(b);
}

T(damage_is_told_or_harmless)
{
    struct rarity *r = opened();
    uint64_t state = seed();
    struct buf out;

    buf_init(&out, 1 << 20);
    for (int i = 0; i < 300; i++)
        (void)added(r, usual(&state, i));
    ok_err(rarity_save(r, &out));
    for (int i = 0; i < 2000; i++) {
        struct rarity *s = opened();
        size_t at = rnd_below(&state, i % 2 ? out.n : 1000);
        size_t n = i % 5 ? out.n : rnd_below(&state, out.n);
        char kept = out.p[at];
        out.p[at] = (char)rnd(&state);
        struct reader in = reader_of(out.p, n);
        enum err e = rarity_load(s, &in);
        ok(e == ERR_OK || e == ERR_DAMAGED);
        for (int k = 0; !e && k < 20; k++)
            ok(isfinite(added(s, usual(&state, k)).raw));
        out.p[at] = kept;
        rarity_close(s);
    }
    buf_clear(&out);
    rarity_close(r);
}

T(rules_out_of_bounds_are_refused)
{
    static const struct rarity_rule bad[] = {
        {10, 1024, 0, 50},      {1024, 10, 0, 50},  {1 << 20, 1024, 0, 50},
        {1024, 1 << 20, 0, 50}, {1024, 1024, 0, 1}, {1024, 1024, 0, 1 << 20},
    };
    struct rarity *r;

    for (size_t i = 0; i < countof(bad); i++)
        eq_err(rarity_open(&bad[i], &r), ERR_INVALID);
}

T_OOM(a_detector_survives_lack_of_memory)
{
    struct rarity *r;
    struct rarity_verdict v;
    enum err e = rarity_open(&rule, &r);
    int n = 0;

    if (e)
        return e;
    while (!e && n < 400) {
        e = rarity_add(r, n % 13, &v);
        n += !e;
    }
    memory_again();
    eq_u64(rarity_count(r), n);
    ok_err(rarity_add(r, 3, &v));
    rarity_close(r);
    return e;
}
