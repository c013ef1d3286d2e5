/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/when.h"
#include "models/detect.h"
#include "tests/support/baskets.h"
#include "tests/support/t.h"

enum { BEFORE = 1800, CUSTOMER = 7 };

/* A shop with a past, an invoice of CUSTOMER to be changed, and what is said about it. */
struct stage {
    struct baskets baskets;
    struct verdicts verdicts;
    struct detect *detect;
    struct model_line *line; /* the invoice's first */
};

static void set_up(struct stage *s, int lines)
{
    baskets_init(&s->baskets, 11);
    baskets_fill(&s->baskets, BEFORE);
    s->line = baskets_one(&s->baskets, CUSTOMER, lines, 30 * WHEN_MINUTE);
    verdicts_init(&s->verdicts, s->baskets.invoice);
    s->detect = verdicts_detector(&s->verdicts);
}

static const struct verdict *judge(struct stage *s)
{
    baskets_wait(&s->baskets);
    verdicts_feed(s->detect, &s->baskets, 0, s->baskets.lines.n);
    eq_int(s->verdicts.final.kind, VERDICT_FINAL);
    return &s->verdicts.final;
}

static void tear_down(struct stage *s)
{
    detect_close(s->detect);
    verdicts_clear(&s->verdicts);
    baskets_clear(&s->baskets);
}

static void is_flagged_for(const struct verdict *v, enum stat stat)
{
    ok(v->flagged);
    ok(v->n_evidence > 0);
    eq_int(v->evidence[0].stat, stat);
}

T(an_ordinary_invoice_is_not_flagged)
{
    struct stage s;

    set_up(&s, 6);
    const struct verdict *v = judge(&s);
    ok(!v->flagged);
    ok(v->p_value > 0.02);
    eq_int(v->lines, 6);
    eq_int(v->customer, CUSTOMER);
    ok(v->n_normals == VERDICT_NORMALS);
    tear_down(&s);
}

T(few_ordinary_invoices_are_flagged)
{
    struct stage s;

    set_up(&s, 6);
    (void)judge(&s);
    eq_int(s.verdicts.finals, BEFORE + 1 - 0);
    ok(s.verdicts.flagged < BEFORE / 30);
    tear_down(&s);
}

T(a_price_ten_times_the_usual_is_told_with_its_line_and_flagged)
{
    struct stage s;

    set_up(&s, 5);
    s.line[2].price *= 10;
    s.line[2].value *= 10;
    const struct verdict *v = judge(&s);
    is_flagged_for(v, STAT_PRICE_UP);
    eq_int(v->evidence[0].key, s.line[2].stock);
    near(v->evidence[0].value, (double)baskets_price(s.line[2].stock) / 1e5, 1e-9);
    near(v->evidence[0].usual, (double)baskets_price(s.line[2].stock) / 1e6, 1e-5);
    eq_int(s.verdicts.line.kind, VERDICT_LINE);
    ok(s.verdicts.line.flagged);
    eq_int(s.verdicts.line.lines, 3);
    tear_down(&s);
}

T(a_price_of_a_tenth_is_flagged)
{
    struct stage s;

    set_up(&s, 5);
    s.line[0].price /= 20;
    const struct verdict *v = judge(&s);
    is_flagged_for(v, STAT_PRICE_DOWN);
    tear_down(&s);
}

T(a_hundredfold_quantity_is_flagged)
{
    struct stage s;

    set_up(&s, 5);
    s.line[1].quantity = 1200;
    s.line[1].value = 1200 * s.line[1].price;
    is_flagged_for(judge(&s), STAT_QUANTITY);
    tear_down(&s);
}

T(a_gift_to_a_named_customer_is_flagged)
{
    struct stage s;

    set_up(&s, 4);
    s.line[3].price = s.line[3].value = 0;
    is_flagged_for(judge(&s), STAT_FREE);
    tear_down(&s);
}

T(a_negative_quantity_in_a_sale_is_flagged)
{
    struct stage s;

    set_up(&s, 4);
    s.line[3].quantity = -s.line[3].quantity;
    s.line[3].value = -s.line[3].value;
    is_flagged_for(judge(&s), STAT_SIGN);
    tear_down(&s);
}

T(a_country_never_seen_for_the_customer_is_flagged)
{
    struct stage s;

    set_up(&s, 4);
    for (int i = 0; i < 4; i++)
        s.line[i].country = BASKETS_COUNTRY + (CUSTOMER + 1) % 3;
    const struct verdict *v = judge(&s);
    is_flagged_for(v, STAT_COUNTRY);
    near(v->evidence[0].usual, BASKETS_COUNTRY + CUSTOMER % 3, 0);
    tear_down(&s);
}

T(an_invoice_in_the_night_is_flagged)
{
    struct stage s;

    set_up(&s, 4);
    for (int i = 0; i < 4; i++)
        s.line[i].local_ms = s.line[i].local_ms / WHEN_DAY * WHEN_DAY + 3 * WHEN_HOUR;
    is_flagged_for(judge(&s), STAT_HOUR);
    tear_down(&s);
}

T(the_content_of_an_earlier_invoice_is_recognised_in_any_order)
{
    struct stage s;

    set_up(&s, 4);
    struct model_line copy[4];
    memcpy(copy, s.line, sizeof(copy));
    s.line = baskets_one(&s.baskets, CUSTOMER, 4, 30 * WHEN_MINUTE);
    for (int i = 0; i < 4; i++) {
        s.line[i].stock = copy[3 - i].stock;
        s.line[i].quantity = copy[3 - i].quantity;
        s.line[i].price = copy[3 - i].price;
        s.line[i].value = copy[3 - i].value;
    }
    s.verdicts.invoice = s.baskets.invoice;
    const struct verdict *v = judge(&s);
    is_flagged_for(v, STAT_ECHO);
    eq_u64(v->evidence[0].other, s.baskets.invoice - 2);
    tear_down(&s);
}

T(of_a_burst_the_first_one_is_flagged_too_once_it_is_settled)
{
    struct stage s;

    set_up(&s, 1);
    for (int i = 0; i < 7; i++)
        (void)baskets_one(&s.baskets, CUSTOMER, 1, WHEN_MINUTE);
    const struct verdict *v = judge(&s);
    is_flagged_for(v, STAT_BURST);
    near(v->evidence[0].value, 8, 0);
    ok(!s.verdicts.provisional.flagged);
    ok(s.verdicts.provisional.score < v->score);
    tear_down(&s);
}

T(bursts_of_a_customer_who_often_has_some_surprise_less)
{
    double surprise[2];

    for (int often = 0; often < 2; often++) {
        struct stage s;
        baskets_init(&s.baskets, 11);
        baskets_fill(&s.baskets, BEFORE);
        for (int round = 0; round < 12; round++) {
            s.baskets.time_ms += WHEN_DAY;
            for (int i = 0; i < 4; i++)
                (void)baskets_one(&s.baskets, often ? CUSTOMER : 20 + (uint32_t)round, 1,
                                  WHEN_MINUTE);
        }
        s.line = baskets_one(&s.baskets, CUSTOMER, 3, WHEN_DAY);
        verdicts_init(&s.verdicts, s.baskets.invoice);
        s.detect = verdicts_detector(&s.verdicts);
        for (int i = 0; i < 3; i++)
            (void)baskets_one(&s.baskets, CUSTOMER, 1, WHEN_MINUTE);
        const struct verdict *v = judge(&s);
        surprise[often] = 0;
        for (uint32_t i = 0; i < v->n_evidence; i++) {
            if (v->evidence[i].stat == STAT_BURST)
                surprise[often] = v->evidence[i].surprise;
        }
        tear_down(&s);
    }
    ok(surprise[0] > 1);
    ok(surprise[1] < surprise[0] * 0.75);
}

T(many_more_lines_than_usual_are_flagged)
{
    struct stage s;

    set_up(&s, 160);
    is_flagged_for(judge(&s), STAT_LINES);
    tear_down(&s);
}

T(the_same_line_ten_times_is_flagged)
{
    struct stage s;

    set_up(&s, 20);
    for (int i = 0; i < 20; i++) {
        s.line[i].stock = s.line[i % 2].stock;
        s.line[i].quantity = s.line[i % 2].quantity;
        s.line[i].price = s.line[i % 2].price;
    }
    is_flagged_for(judge(&s), STAT_REPEAT);
    tear_down(&s);
}

T(a_credit_names_the_sale_it_takes_back)
{
    struct stage s;

    set_up(&s, 3);
    struct model_line sold[3];
    memcpy(sold, s.line, sizeof(sold));
    s.line = baskets_one(&s.baskets, CUSTOMER, 3, WHEN_HOUR);
    for (int i = 0; i < 3; i++) {
        s.line[i].letter = 'C';
        s.line[i].stock = sold[i].stock;
        s.line[i].price = sold[i].price;
        s.line[i].quantity = -sold[i].quantity;
        s.line[i].value = -sold[i].value;
    }
    s.verdicts.invoice = s.baskets.invoice;
    const struct verdict *v = judge(&s);
    eq_u64(v->cancels, s.baskets.invoice - 2);
    tear_down(&s);
}

T(goods_never_bought_are_strange_to_return)
{
    struct stage s;

    set_up(&s, 4);
    for (int i = 0; i < 4; i++) {
        s.line[i].letter = 'C';
        s.line[i].quantity = -2;
        s.line[i].stock = 5000 + (uint32_t)i;
        s.line[i].value = -2 * s.line[i].price;
    }
    const struct verdict *v = judge(&s);
    bool found = false;
    for (uint32_t i = 0; i < v->n_evidence; i++) {
        if (v->evidence[i].stat != STAT_RETURN)
            continue;
        found = true;
        near(v->evidence[i].value, 4, 0);
    }
    ok(found);
    tear_down(&s);
}

T(lines_after_the_end_reopen_the_invoice)
{
    struct stage s;

    set_up(&s, 3);
    struct model_line more = s.line[0];
    (void)baskets_one(&s.baskets, 9, 2, 8 * WHEN_MINUTE);
    (void)baskets_one(&s.baskets, 9, 2, 8 * WHEN_MINUTE);
    more.watermark_ms = s.baskets.time_ms - 5 * WHEN_MINUTE;
    struct model_line *line = list_add(&s.baskets.lines);
    ok(line != NULL);
    *line = more;
    const struct verdict *v = judge(&s);
    eq_int(v->lines, 4);
    bool found = false;
    for (uint32_t i = 0; i < v->n_evidence; i++)
        found = found || v->evidence[i].stat == STAT_REOPEN;
    ok(found);
    tear_down(&s);
}

T(contributions_sum_to_the_score_to_the_bit)
{
    struct stage s;

    set_up(&s, 5);
    s.line[2].price *= 100;
    s.line[2].value *= 100;
    const struct verdict *v = judge(&s);
    double sum = 0;
    for (uint32_t i = 0; i < v->n_evidence; i++) {
        sum += v->evidence[i].contribution;
        ok(i == 0 || v->evidence[i].contribution <= v->evidence[i - 1].contribution);
    }
    ok(sum == v->score);
    tear_down(&s);
}

/* The flagged price is not learned: the second one is as strange as the first. */
T(what_was_flagged_is_not_learned)
{
    struct stage s;

    set_up(&s, 5);
    s.line[2].price *= 10;
    uint32_t stock = s.line[2].stock;
    uint64_t first = s.baskets.invoice;
    baskets_fill(&s.baskets, 40);
    s.line = baskets_one(&s.baskets, CUSTOMER, 5, 30 * WHEN_MINUTE);
    s.line[1].stock = stock;
    s.line[1].price = baskets_price(stock) * 10;
    s.verdicts.invoice = s.baskets.invoice;
    ok(first != s.baskets.invoice);
    is_flagged_for(judge(&s), STAT_PRICE_UP);
    tear_down(&s);
}

T(a_flag_that_was_fine_teaches_and_can_be_taken_back)
{
    struct stage s;

    set_up(&s, 4);
    for (int i = 0; i < 4; i++)
        s.line[i].local_ms = s.line[i].local_ms / WHEN_DAY * WHEN_DAY + 3 * WHEN_HOUR;
    struct verdict v = *judge(&s);
    is_flagged_for(&v, STAT_HOUR);
    ok_err(detect_feedback(s.detect, &v, true));
    for (int round = 0; round < 2; round++) {
        size_t from = s.baskets.lines.n;
        s.line = baskets_one(&s.baskets, CUSTOMER + 1, 4, WHEN_HOUR);
        for (int i = 0; i < 4; i++)
            s.line[i].local_ms = s.line[i].local_ms / WHEN_DAY * WHEN_DAY + 3 * WHEN_HOUR;
        s.verdicts.invoice = s.baskets.invoice;
        baskets_wait(&s.baskets);
        verdicts_feed(s.detect, &s.baskets, from, s.baskets.lines.n);
        if (round)
            is_flagged_for(&s.verdicts.final, STAT_HOUR);
        else
            ok(!s.verdicts.final.flagged);
        detect_recall(s.detect, &v);
    }
    tear_down(&s);
}

T(less_than_the_smallest_effect_is_never_flagged)
{
    struct baskets b;
    struct verdicts v;
    struct detect_setup setup = detect_defaults();
    struct detect *d;

    baskets_init(&b, 3);
    baskets_fill(&b, 1200);
    struct model_line *line = baskets_one(&b, CUSTOMER, 5, WHEN_HOUR);
    line[0].price *= 10;
    uint64_t invoice = b.invoice;
    baskets_wait(&b);
    verdicts_init(&v, invoice);
    setup.take = verdicts_take;
    setup.arg = &v;
    setup.min_effect = 1e9;
    ok_err(detect_open(&setup, &d));
    verdicts_feed(d, &b, 0, b.lines.n);
    ok(v.final.score > 4);
    eq_int(v.flagged, 0);
    detect_close(d);
    verdicts_clear(&v);
    baskets_clear(&b);
}

T(a_budget_of_flags_a_day_is_kept_on_the_whole)
{
    struct baskets b;
    struct verdicts v;
    struct detect_setup setup = detect_defaults();
    struct detect *d;

    baskets_init(&b, 5);
    baskets_fill(&b, 4000);
    verdicts_init(&v, 0);
    setup.take = verdicts_take;
    setup.arg = &v;
    setup.flags_per_day = 1;
    ok_err(detect_open(&setup, &d));
    verdicts_feed(d, &b, 0, b.lines.n);
    int64_t days = (b.time_ms - ((struct model_line *)list_at(&b.lines, 0))->time_ms) / WHEN_DAY;
    if (v.flagged < (int)days / 4 || v.flagged > (int)days * 2)
        fail("%d flags in %d days", v.flagged, (int)days);
    detect_close(d);
    verdicts_clear(&v);
    baskets_clear(&b);
}

T(the_end_of_a_source_settles_every_invoice)
{
    struct baskets b;
    struct verdicts v;

    baskets_init(&b, 3);
    baskets_fill(&b, 50);
    verdicts_init(&v, 0);
    struct detect *d = verdicts_detector(&v);
    verdicts_feed(d, &b, 0, b.lines.n);
    ok(v.finals < 50);
    ok_err(detect_finish(d));
    eq_int(v.finals, 50);
    detect_close(d);
    verdicts_clear(&v);
    baskets_clear(&b);
}

/* Whatever the numbers, scores stay numbers. */
T(extreme_lines_do_no_harm)
{
    static const int64_t extremes[] = {0, 1, -1, INT64_MAX, INT64_MIN, INT64_MAX / 2, 1000000};
    uint64_t random = seed();
    struct baskets b;
    struct verdicts v;
    int64_t watermark = 0;

    baskets_init(&b, 3);
    baskets_fill(&b, 1500);
    for (size_t i = 0; i < b.lines.n; i++) {
        struct model_line *line = list_at(&b.lines, i);
        if (rnd_below(&random, 5) == 0)
            line->price = extremes[rnd_below(&random, countof(extremes))];
        if (rnd_below(&random, 5) == 0)
            line->quantity = extremes[rnd_below(&random, countof(extremes))];
        if (rnd_below(&random, 5) == 0)
            line->value = extremes[rnd_below(&random, countof(extremes))];
        if (rnd_below(&random, 300) == 0)
            line->time_ms += (int64_t)rnd_below(&random, 400) * WHEN_DAY;
        if (rnd_below(&random, 50) == 0)
            line->letter = 'C';
        if (rnd_below(&random, 50) == 0)
            line->customer = 0;
        watermark = line->watermark_ms > watermark ? line->watermark_ms : watermark;
        line->watermark_ms = watermark;
    }
    verdicts_init(&v, 0);
    struct detect *d = verdicts_detector(&v);
    verdicts_feed(d, &b, 0, b.lines.n);
    ok_err(detect_finish(d));
    ok(v.finals >= 1500);
    struct reader r = reader_of(v.bytes.p, v.bytes.n);
    for (int i = 0; i < v.n; i++) {
        struct verdict one;
        ok_err(verdict_read(&one, &r));
    }
    ok(r.p == r.end);
    detect_close(d);
    verdicts_clear(&v);
    baskets_clear(&b);
}

T(a_shop_of_one_customer_and_one_price_flags_little)
{
    struct baskets b;
    struct verdicts v;

    baskets_init(&b, 3);
    baskets_fill(&b, 1500);
    for (size_t i = 0; i < b.lines.n; i++) {
        struct model_line *line = list_at(&b.lines, i);
        line->customer = 1;
        line->stock = 101;
        line->price = line->value = 1000000;
        line->quantity = 1;
        line->country = 5;
    }
    verdicts_init(&v, 0);
    struct detect *d = verdicts_detector(&v);
    verdicts_feed(d, &b, 0, b.lines.n);
    ok(v.flagged < 75);
    detect_close(d);
    verdicts_clear(&v);
    baskets_clear(&b);
}

T_OOM(a_detector_that_gets_no_memory_says_so)
{
    struct detect_setup setup = detect_defaults();
    struct detect *d = NULL;
    enum err e = detect_open(&setup, &d);

    for (uint32_t i = 0; !e && i < 200; i++) {
        const struct model_line line = {.time_ms = i * WHEN_MINUTE,
                                        .local_ms = i * WHEN_MINUTE,
                                        .watermark_ms = i * WHEN_MINUTE,
                                        .quantity = 1 + i % 3,
                                        .price = 1000000,
                                        .value = 1000000,
                                        .invoice = 1 + i / 10,
                                        .customer = 1 + i / 10 % 7,
                                        .country = 3,
                                        .stock = 100 + i % 60};
        e = detect_line(d, &line);
    }
    memory_again();
    detect_close(d);
    return e;
}
