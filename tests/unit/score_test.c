/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/score.h"
#include "tests/support/t.h"

static const double nothing[2] = {0, 0};

static struct verdict make(const double surprise[STAT_COUNT], const double decades[2])
{
    struct evidence found[STAT_COUNT] = {{0}};
    struct verdict v = {.n_evidence = 0};

    for (int s = 0; s < STAT_COUNT; s++)
        found[s] = (struct evidence){
            .stat = (uint8_t)s, .surprise = surprise[s], .effect = 10 * surprise[s]};
    score_make(&v, found, decades);
    return v;
}

T(nothing_found_is_no_score)
{
    const double surprise[STAT_COUNT] = {0};
    struct verdict v = make(surprise, nothing);

    near(v.score, 0, 0);
    eq_int(v.n_evidence, 0);
}

T(the_strongest_counts_whole_and_others_a_little)
{
    const double one[STAT_COUNT] = {[STAT_PRICE_UP] = 4};
    const double two[STAT_COUNT] = {[STAT_PRICE_UP] = 4, [STAT_HOUR] = 3};
    struct verdict a = make(one, nothing), b = make(two, nothing);

    near(a.score, 1.02 * score_strength(STAT_PRICE_UP, 4), 1e-12);
    ok(b.score > a.score && b.score < a.score + 1);
    eq_int(b.evidence[0].stat, STAT_PRICE_UP);
    eq_int(b.evidence[1].stat, STAT_HOUR);
    near(b.effect, 40, 1e-9);
}

T(contributions_sum_to_the_score_whatever_was_found)
{
    uint64_t random = seed();

    for (int i = 0; i < 1000; i++) {
        double surprise[STAT_COUNT], decades[2] = {0, 0}, sum = 0;
        for (int s = 0; s < STAT_COUNT; s++)
            surprise[s] = (double)rnd_below(&random, 1000) / 150;
        decades[0] = (double)rnd_below(&random, 100) / 50;
        decades[1] = (double)rnd_below(&random, 100) / 50;
        struct verdict v = make(surprise, decades);
        for (uint32_t k = 0; k < v.n_evidence; k++) {
            sum += v.evidence[k].contribution;
            ok(!k || v.evidence[k].contribution <= v.evidence[k - 1].contribution);
        }
        ok(sum == v.score);
    }
}

T(what_is_material_strengthens_the_reason_about_size)
{
    const double surprise[STAT_COUNT] = {[STAT_QUANTITY] = 2, [STAT_VALUE] = 1};
    const double decades[2] = {0.5, 0};
    struct verdict with = make(surprise, decades), without = make(surprise, nothing);

    near(with.score - without.score, 4, 1e-12);
    eq_int(with.evidence[0].stat, STAT_QUANTITY);
    near(with.evidence[0].contribution - without.evidence[0].contribution, 4, 1e-12);
}
