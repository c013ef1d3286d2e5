/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/when.h"
#include "models/detect.h"
#include "tests/support/baskets.h"
#include "tests/support/t.h"

enum { INVOICES = 1500 };

/* Something odd of every kind, again and again, so that all that is learned matters. */
static void spoil(struct baskets *b, int kind)
{
    uint32_t customer = 1 + (uint32_t)kind * 5;
    struct model_line *line = baskets_one(b, customer, 4, WHEN_HOUR);

    for (int i = 0; i < 4; i++) {
        line[i].country = kind == 0 ? 950 + (uint32_t)(b->invoice / 9 % 90) : line[i].country;
        line[i].invoice = kind == 2 ? b->invoice - 20 : line[i].invoice;
        line[i].letter = kind == 1 ? 'C' : kind == 2 ? 'A' : 0;
        line[i].local_ms += kind == 3 ? 9 * WHEN_HOUR : 0;
        line[i].customer = kind == 4 ? 0 : customer;
        line[i].stock = kind == 8 ? line[0].stock : line[i].stock;
    }
    line[1].price *= kind == 5 ? 10 : 1;
    line[1].price /= kind == 6 ? 50 : 1;
    line[2].quantity *= kind == 7 ? 90 : kind == 1 || kind == 9 ? -1 : 1;
    line[3].price = kind == 10 ? 0 : line[3].price;
    for (int i = 0; kind == 11 && i < 6; i++)
        (void)baskets_one(b, customer, 1, WHEN_MINUTE);
}

static void oddities(struct baskets *b)
{
    enum { KINDS = 12 };

    for (int i = 0; i < INVOICES; i += 25) {
        baskets_fill(b, 25);
        spoil(b, i / 25 % KINDS);
        baskets_fill(b, 3);
        if (i % 50)
            continue;
        size_t last = b->lines.n - 1; /* the same content again */
        struct model_line again = *(struct model_line *)list_at(&b->lines, last);
        struct model_line *line = baskets_one(b, again.customer, 1, 3 * WHEN_MINUTE);
        line->stock = again.stock;
        line->quantity = again.quantity;
    }
}

T(saved_and_loaded_at_any_point_it_gives_the_same_verdicts)
{
    uint64_t random = seed();
    struct baskets b;
    struct verdicts whole;

    baskets_init(&b, 21);
    oddities(&b);
    verdicts_init(&whole, 0);
    struct detect *d = verdicts_detector(&whole);
    verdicts_feed(d, &b, 0, b.lines.n);
    ok_err(detect_finish(d));
    detect_close(d);
    for (int round = 0; round < 6; round++) {
        struct verdicts v;
        struct attic attic;
        size_t at = 0;
        attic_init(&attic);
        verdicts_init(&v, 0);
        d = verdicts_detector(&v);
        for (int saves = 0; saves < 4; saves++) {
            size_t to = at + rnd_below(&random, (b.lines.n - at) / 2);
            verdicts_feed(d, &b, at, to);
            at = to;
            (void)attic_save(&attic, d);
            detect_close(d);
            d = verdicts_detector(&v);
            eq_err(attic_load(&attic, d), ERR_OK);
        }
        verdicts_feed(d, &b, at, b.lines.n);
        ok_err(detect_finish(d));
        eq_bytes(v.bytes.p, v.bytes.n, whole.bytes.p, whole.bytes.n);
        detect_close(d);
        verdicts_clear(&v);
        attic_clear(&attic);
    }
    verdicts_clear(&whole);
    baskets_clear(&b);
}

/* Parts kept from earlier saves, those that changed replaced: as good as all anew. */
T(only_parts_that_changed_are_saved)
{
    struct baskets b;
    struct verdicts v;
    struct attic attic, all;

    baskets_init(&b, 21);
    oddities(&b);
    verdicts_init(&v, 0);
    attic_init(&attic);
    attic_init(&all);
    struct detect *d = verdicts_detector(&v), *again = verdicts_detector(&v);
    verdicts_feed(d, &b, 0, b.lines.n - 1);
    size_t first = attic_save(&attic, d);
    eq_int(attic_save(&attic, d), 0);
    verdicts_feed(d, &b, b.lines.n - 1, b.lines.n);
    size_t second = attic_save(&attic, d);
    ok(second < first * 2 / 3);
    eq_err(attic_load(&attic, again), ERR_OK);
    eq_int(attic_save(&all, again), 0);
    detect_close(again);
    detect_close(d);
    verdicts_clear(&v);
    attic_clear(&attic);
    attic_clear(&all);
    baskets_clear(&b);
}

T(a_lesson_survives_a_restart)
{
    struct verdicts v;
    struct attic attic;
    struct verdict said = {.invoice = 9, .customer = 3, .score = 4, .n_evidence = 1};

    said.evidence[0] =
        (struct evidence){.stat = STAT_SPEND, .value = 100, .surprise = 4, .contribution = 4};
    verdicts_init(&v, 0);
    attic_init(&attic);
    struct detect *d = verdicts_detector(&v);
    ok_err(detect_feedback(d, &said, true));
    ok(attic_save(&attic, d) > 0);
    detect_recall(d, &said);
    (void)attic_save(&attic, d);
    for (size_t i = 0; i < attic.parts.n; i++)
        ok(!strstr(((struct attic_part *)list_at(&attic.parts, i))->name, "lessons/0"));
    detect_close(d);
    verdicts_clear(&v);
    attic_clear(&attic);
}

T(damaged_parts_are_refused_or_harmless)
{
    enum { ROUNDS = 300 };
    uint64_t random = seed();
    struct baskets b;
    struct verdicts v;
    struct attic attic;

    baskets_init(&b, 21);
    baskets_fill(&b, 300);
    size_t half = b.lines.n / 2;
    verdicts_init(&v, 0);
    attic_init(&attic);
    struct detect *d = verdicts_detector(&v);
    verdicts_feed(d, &b, 0, half);
    (void)attic_save(&attic, d);
    detect_close(d);
    int refused = 0;
    for (int i = 0; i < ROUNDS; i++) {
        struct attic_part *p = list_at(&attic.parts, rnd_below(&random, attic.parts.n));
        if (!p->data.n)
            continue;
        size_t at = rnd_below(&random, p->data.n), n = p->data.n;
        char old = p->data.p[at];
        p->data.p[at] = (char)rnd(&random);
        if (rnd_below(&random, 4) == 0)
            p->data.n = at;
        d = verdicts_detector(&v);
        enum err e = attic_load(&attic, d);
        ok(e == ERR_OK || e == ERR_DAMAGED);
        refused += e != ERR_OK;
        for (size_t k = half; !e && k < half + 60; k++)
            ok_err(detect_line(d, list_at(&b.lines, k)));
        if (!e)
            ok_err(detect_finish(d));
        detect_close(d);
        p->data.p[at] = old;
        p->data.n = n;
    }
    ok(refused > ROUNDS / 10);
    verdicts_clear(&v);
    attic_clear(&attic);
    baskets_clear(&b);
}

T(a_part_of_a_newer_program_or_of_nobody_is_refused)
{
    struct verdicts v;
    struct why why;

    verdicts_init(&v, 0);
    struct detect *d = verdicts_detector(&v);
    eq_err(detect_load(d, STR("models/detect/shop"), 99, STR(""), &why), ERR_NEWER);
    eq_err(detect_load(d, STR("models/detect/nonsense"), 1, STR(""), &why), ERR_DAMAGED);
    eq_err(detect_load(d, STR("models/detect/tails/99"), 1, STR(""), &why), ERR_DAMAGED);
    eq_err(detect_load(d, STR("models/detect/codes/00000x"), 1, STR("\1"), &why), ERR_DAMAGED);
    eq_err(detect_load(d, STR("models/detect/bought/7-00"), 1, STR("\1"), &why), ERR_DAMAGED);
    detect_close(d);
    verdicts_clear(&v);
}
