/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/when.h"
#include "models/reasons.h"
#include "tests/support/t.h"

static struct str key(void *arg, uint32_t id)
{
    static const char *const names[] = {"", "84946", "15606", "Greece", "Spain"};

    (void)arg;
    return id < countof(names) ? str_of(names[id]) : STR("");
}

static struct str invoice(void *arg, uint64_t number)
{
    (void)arg;
    return number == 9 ? STR("552573") : STR("");
}

static const struct reasons_names names = {key, invoice, NULL};

/* The sentence about one piece of evidence of an invoice of customer 15606. */
static void says(const struct evidence *one, const char *wanted)
{
    struct verdict v = {.customer = 2, .lines = 160, .local_ms = 4 * WHEN_HOUR + 44 * 60000};
    struct buf b;

    buf_init(&b, 1000);
    ok_err(reasons_sentence(&v, one, &names, &b));
    ok_err(buf_u8(&b, 0));
    eq_str(b.p, wanted);
    buf_clear(&b);
}

T(each_sentence_names_value_usual_and_factor)
{
    says(&(struct evidence){.stat = STAT_PRICE_UP, .value = 10.6, .usual = 1.25, .n = 60, .key = 1},
         "unit price 10.60 of 84946 is 8.48x the usual 1.25 (60 prices known)");
    says(&(struct evidence){.stat = STAT_PRICE_DOWN, .value = 0.03, .usual = 3, .n = 60, .key = 1},
         "unit price 0.0300 of 84946 is 1/100 of the usual 3.00 (60 prices known)");
    says(
        &(struct evidence){.stat = STAT_QUANTITY, .value = 1200, .usual = 3.66, .n = 400, .key = 1},
        "quantity 1200 of 84946 is 328x the usual 3.66 (400 lines known)");
    says(&(struct evidence){.stat = STAT_SPEND, .value = 2425.56, .usual = 147, .n = 9},
         "value 2425.56 is 16.5x the usual 147.00 of customer 15606 (9 earlier invoices)");
    says(&(struct evidence){.stat = STAT_SPEND, .value = 2425.56, .usual = 147},
         "value 2425.56 of customer 15606's first invoice is 16.5x the usual 147.00");
    says(&(struct evidence){.stat = STAT_LINES, .value = 160, .usual = 8, .n = 9},
         "160 lines where customer 15606 usually has 8 (9 earlier invoices), 20x as many");
    says(&(struct evidence){.stat = STAT_VALUE, .value = 77183.6, .usual = 2000, .key = 1},
         "a line worth 77183.60 (84946), 38.6x 2000.00, which only one invoice in 1000 exceeds");
    says(&(struct evidence){.stat = STAT_UNITS, .value = 74215, .usual = 1500, .key = 1},
         "a line of 74215 units (84946), 49.5x 1500, which only one invoice in 1000 exceeds");
}

T(rare_events_say_how_rare_they_are)
{
    says(&(struct evidence){.stat = STAT_FREE, .value = 1, .n = 5000, .key = 1},
         "1 line at price 0 to a named customer (84946), as in one of 5000 sales");
    says(&(struct evidence){.stat = STAT_SIGN, .value = 2, .n = 5000, .key = 1},
         "2 lines of negative quantity outside a credit (84946), as in one of 5000 sales");
    says(&(struct evidence){.stat = STAT_COUNTRY, .usual = 4, .n = 12, .key = 3},
         "country Greece was never seen for customer 15606, usually Spain (12 earlier invoices)");
    says(&(struct evidence){.stat = STAT_HOUR, .value = 4, .usual = 0.0001, .n = 9000},
         "issued at 04:44, when the shop practically never trades (0.01 % of 9000 invoices in "
         "that hour)");
    says(&(struct evidence){.stat = STAT_BURST, .x = 10, .value = 9, .usual = 1, .n = 2000},
         "one of 9 purchases of customer 15606 within 10 minutes, where 1 was the most so far; as "
         "in one of 2000 sales");
    says(&(struct evidence){.stat = STAT_ECHO, .value = 4, .usual = 300000, .n = 9999, .other = 9},
         "same content (4 lines) as invoice 552573, 5 minutes earlier; as in one of 9999 sales");
    says(&(struct evidence){.stat = STAT_RETURN, .value = 3, .usual = 4},
         "3 of 4 returned lines are of goods that customer 15606 is not known to have bought");
    says(&(struct evidence){.stat = STAT_REPEAT, .value = 5, .usual = 1, .n = 128, .key = 1},
         "the same line up to 5 times within the invoice (84946), usually once; 128 of 160 lines "
         "are repetitions");
    says(&(struct evidence){.stat = STAT_KIND, .value = 'A', .n = 8000},
         "a number that begins with A, as one of 8000");
    says(&(struct evidence){.stat = STAT_REOPEN, .value = 1, .n = 8000},
         "lines came for a number that was closed, as with one of 8000");
}

T(every_statistic_has_a_name_and_a_sentence)
{
    for (int s = 0; s < STAT_COUNT; s++) {
        const struct verdict v = {.customer = 2};
        const struct evidence one = {.stat = (uint8_t)s};
        struct buf b;
        buf_init(&b, 1000);
        ok(strcmp(reasons_name((enum stat)s), "unknown") != 0);
        ok_err(reasons_sentence(&v, &one, &names, &b));
        ok(b.n > 10 && b.p[b.n - 1] != '.');
        buf_clear(&b);
    }
}

T(the_strongest_reasons_are_joined)
{
    struct verdict v = {.customer = 2, .score = 4, .n_evidence = 3, .cancels = 9};
    struct buf b;

    v.evidence[0] =
        (struct evidence){.stat = STAT_LINES, .value = 160, .usual = 8, .n = 9, .contribution = 3};
    v.evidence[1] = (struct evidence){.stat = STAT_KIND, .value = 'A', .n = 80, .contribution = .7};
    v.evidence[2] = (struct evidence){.stat = STAT_REOPEN, .contribution = .3};
    eq_int(reasons_worth(&v, 3), 2);
    buf_init(&b, 1000);
    ok_err(reasons_text(&v, &names, &b));
    ok_err(buf_u8(&b, 0));
    eq_str(b.p, "160 lines where customer 15606 usually has 8 (9 earlier invoices), 20x as many; a "
                "number that begins with A, as one of 80; takes back invoice 552573");
    buf_clear(&b);
}

T(normal_invoices_are_listed)
{
    struct verdict v = {.customer = 2, .n_normals = 1};
    struct buf b;

    v.normal[0] =
        (struct normal){.invoice = 9, .lines = 7, .units = 40, .value = 139.5F, .hour = 8};
    buf_init(&b, 1000);
    ok_err(reasons_normals(&v, &names, &b));
    ok_err(buf_u8(&b, 0));
    eq_str(b.p, "nearest normal invoices of customer 15606: 552573 (7 lines, 40 units, 139.50, 08 "
                "h)");
    buf_clear(&b);
}
