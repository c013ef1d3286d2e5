/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/lessons.h"
#include "tests/support/t.h"

static struct verdict about(enum stat stat, double value, uint64_t invoice)
{
    struct verdict v = {.invoice = invoice, .customer = 7, .score = 4, .n_evidence = 1};

    v.evidence[0] = (struct evidence){
        .stat = (uint8_t)stat, .value = value, .key = 55, .surprise = 4, .contribution = 4};
    return v;
}

static double applied(const struct lessons *l, enum stat stat, double value, double surprise)
{
    struct evidence e = {.stat = (uint8_t)stat, .value = value, .key = 55, .surprise = surprise};

    lessons_apply(l, 7, &e);
    return e.surprise;
}

T(what_was_fine_is_no_surprise_up_to_there)
{
    struct lessons l;
    struct verdict v = about(STAT_PRICE_UP, 10, 1);

    lessons_init(&l);
    near(applied(&l, STAT_PRICE_UP, 10, 4), 4, 0);
    ok_err(lessons_learn(&l, &v, true));
    near(applied(&l, STAT_PRICE_UP, 10, 4), 0, 0);
    near(applied(&l, STAT_PRICE_UP, 5, 3), 0, 0);
    near(applied(&l, STAT_PRICE_UP, 20, 5), 5, 0);
    near(applied(&l, STAT_PRICE_DOWN, 0.1, 4), 4, 0);
    lessons_clear(&l);
}

T(what_was_wrong_is_a_surprise_from_there)
{
    struct lessons l;
    struct verdict v = about(STAT_SPEND, 500, 1);

    lessons_init(&l);
    ok_err(lessons_learn(&l, &v, false));
    near(applied(&l, STAT_SPEND, 600, 1), LESSONS_SURPRISE, 0);
    near(applied(&l, STAT_SPEND, 100, 1), 1, 0);
    lessons_clear(&l);
}

T(another_country_is_another_matter)
{
    struct lessons l;
    struct verdict v = about(STAT_COUNTRY, 0, 1);
    struct evidence other = {.stat = STAT_COUNTRY, .key = 56, .surprise = 3};

    lessons_init(&l);
    ok_err(lessons_learn(&l, &v, true));
    near(applied(&l, STAT_COUNTRY, 0, 3), 0, 0);
    lessons_apply(&l, 7, &other);
    near(other.surprise, 3, 0);
    lessons_clear(&l);
}

T(a_lesson_taken_back_leaves_no_trace)
{
    struct lessons l;
    struct verdict a = about(STAT_LINES, 100, 1), b = about(STAT_LINES, 200, 2);

    lessons_init(&l);
    ok_err(lessons_learn(&l, &a, true));
    ok_err(lessons_learn(&l, &b, true));
    lessons_undo(&l, &b);
    near(applied(&l, STAT_LINES, 200, 4), 4, 0);
    near(applied(&l, STAT_LINES, 100, 4), 0, 0);
    lessons_undo(&l, &a);
    eq_int(l.table.n, 0);
    lessons_undo(&l, &a);
    lessons_clear(&l);
}

T(the_oldest_of_too_many_lessons_goes)
{
    struct lessons l;

    lessons_init(&l);
    for (uint64_t i = 1; i <= LESSONS_EACH + 1; i++) {
        struct verdict v = about(STAT_HOUR, (double)i, i);
        ok_err(lessons_learn(&l, &v, true));
    }
    near(applied(&l, STAT_HOUR, 1, 4), 4, 0);
    near(applied(&l, STAT_HOUR, 2, 4), 0, 0);
    lessons_clear(&l);
}

T_OOM(a_lesson_without_memory_is_not_learned)
{
    struct lessons l;
    struct verdict v = about(STAT_HOUR, 3, 1);
    enum err e;

    lessons_init(&l);
    e = lessons_learn(&l, &v, true);
    memory_again();
    eq_int(l.table.n, e ? 0 : 1);
    lessons_clear(&l);
    return e;
}
