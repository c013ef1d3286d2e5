/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/when.h"
#include "models/echo.h"
#include "tests/support/t.h"

static struct echo_question question(uint32_t customer, int lines, int64_t minute, int sign)
{
    struct echo_question q = {.customer = customer, .lines = lines};

    q.time_ms = minute * WHEN_MINUTE;
    for (int i = 0; i < lines; i++)
        content_add(&q.content, 100 + (uint32_t)i, sign * (i + 1), 5000000);
    return q;
}

T(content_does_not_depend_on_the_order_of_lines)
{
    struct content a = {0, 0}, b = {0, 0};

    content_add(&a, 1, 2, 3);
    content_add(&a, 4, 5, 6);
    content_add(&b, 4, 5, 6);
    content_add(&b, 1, 2, 3);
    eq_u64(a.exact, b.exact);
    content_add(&b, 1, 2, 3);
    ok(a.exact != b.exact);
    ok(content_line(1, 2, 3) != content_line(1, 3, 2));
}

T(the_same_again_from_the_same_customer_is_the_greatest_surprise)
{
    struct echo e;
    struct echo_question q = question(7, 5, 0, 1), soon = question(7, 5, 10, 1);
    struct echo_question other = question(8, 5, 10, 1), short_one = question(7, 1, 10, 1);

    echo_init(&e);
    eq_int(echo_judge(&e, &q).bucket, -1);
    ok_err(echo_learn(&e, &q, 41));
    struct echo_answer a = echo_judge(&e, &soon);
    eq_u64(a.invoice, 41);
    near(a.gap_ms, 10 * 60000, 0);
    ok(a.surprise > 3);
    ok(echo_judge(&e, &other).surprise < a.surprise);
    ok_err(echo_learn(&e, &short_one, 42));
    ok(echo_judge(&e, &short_one).surprise < a.surprise);
    echo_clear(&e);
}

T(a_third_copy_is_stranger_than_a_second)
{
    struct echo e;
    struct echo_question q = question(7, 5, 0, 1);

    echo_init(&e);
    ok_err(echo_learn(&e, &q, 1));
    double second = echo_judge(&e, &q).surprise;
    ok_err(echo_learn(&e, &q, 2));
    ok(echo_judge(&e, &q).surprise > second);
    echo_clear(&e);
}

T(what_is_repeated_all_the_time_is_no_surprise)
{
    struct echo e;
    struct echo_question q = question(7, 5, 0, 1);

    echo_init(&e);
    ok_err(echo_learn(&e, &q, 1));
    struct echo_answer a = echo_judge(&e, &q);
    for (int i = 0; i < 1000; i++)
        echo_learn_rate(&e, &a, 1);
    ok(echo_judge(&e, &q).surprise < 1);
    echo_clear(&e);
}

T(after_sixty_days_content_is_forgotten)
{
    struct echo e;
    struct echo_question q = question(7, 5, 0, 1);

    echo_init(&e);
    ok_err(echo_learn(&e, &q, 1));
    q.time_ms = 61 * WHEN_DAY;
    eq_int(echo_judge(&e, &q).bucket, -1);
    for (int i = 0; i < 500; i++) {
        struct echo_question more = question(9, 10 + i, 61 * 1440, 1);
        ok_err(echo_learn(&e, &more, (uint64_t)i));
    }
    q.time_ms = 0;
    eq_int(echo_judge(&e, &q).bucket, -1);
    echo_clear(&e);
}

T(a_credit_finds_its_sale_which_may_then_be_sold_again)
{
    struct echo e;
    struct echo_question sale = question(7, 4, 0, 1), credit = question(7, 4, 5, -1);
    struct echo_question stranger = question(8, 4, 5, -1);

    echo_init(&e);
    ok_err(echo_learn(&e, &sale, 5));
    ok_err(echo_learn_sale(&e, &sale, 5));
    eq_u64(echo_cancelled(&e, &credit), 5);
    eq_u64(echo_cancelled(&e, &stranger), 0);
    ok(echo_judge(&e, &sale).bucket >= 0);
    echo_learn_credit(&e, &credit);
    eq_int(echo_judge(&e, &sale).bucket, -1);
    echo_clear(&e);
}
