/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "models/calc.h"
#include "models/quantities.h"
#include "tests/support/t.h"

struct scene {
    struct quantities_base base;
    struct quantities code, customer;
};

static void learn(struct scene *s, double quantity, int times)
{
    for (int i = 0; i < times; i++) {
        quantities_learn_code(&s->base, &s->code, calc_ln(quantity), calc_ln(quantity));
        quantities_learn_customer(&s->customer, calc_ln(quantity), calc_ln(quantity));
    }
}

static double margin(const struct scene *s, double quantity)
{
    return quantities_margin(&s->base, &s->code, &s->customer, calc_ln(quantity), calc_ln(quantity))
        .x;
}

T(the_usual_quantity_is_not_strange_and_a_hundred_times_it_is)
{
    struct scene s = {.code = {.most = 0}};

    for (int i = 0; i < 20; i++)
        learn(&s, 1 + i % 12, 2);
    ok(margin(&s, 6) < 1);
    ok(margin(&s, 600) > 5);
    ok(margin(&s, 1) < 1e-9);
}

T(what_the_customer_always_buys_is_not_strange_for_the_code)
{
    struct scene s = {.code = {.most = 0}};

    learn(&s, 4, 50);
    for (int i = 0; i < 50; i++)
        quantities_learn_customer(&s.customer, calc_ln(600), calc_ln(600));
    ok(margin(&s, 600) < 2);
}

T(what_is_usual_for_the_code_is_not_strange_for_the_customer)
{
    struct scene s = {.code = {.most = 0}};

    learn(&s, 4, 50);
    for (int i = 0; i < 50; i++)
        quantities_learn_code(&s.base, &s.code, calc_ln(600), calc_ln(600));
    ok(margin(&s, 600) < 2);
}

T(a_customer_hardly_known_is_judged_mildly)
{
    struct scene few = {.code = {.most = 0}}, many = {.code = {.most = 0}};

    learn(&few, 6, 2);
    learn(&many, 6, 60);
    ok(margin(&few, 600) < margin(&many, 600));
}

T(a_large_order_throughout_is_less_strange_than_one_large_line)
{
    near(quantities_within(9, 4), 9, 0);
    near(quantities_within(9, 0.5), 4, 1e-12);
    near(quantities_within(9, -2), 3, 0);
    near(quantities_within(2, -2), 2, 0);
}
