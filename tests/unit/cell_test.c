/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * cell: sales added in any order and grouping give the same cell to the last byte.
 */
#include "windows/cell.h"

#include "tests/support/t.h"

#include <math.h>
#include <stdlib.h>

enum { IDS = 20000 };

static const struct hashes *hashes(void)
{
    static uint64_t hash[IDS];
    static const struct hashes h = {.invoice = hash, .key = hash};
    uint64_t state = 9;

    for (size_t i = 0; i < IDS && hash[IDS - 1] == 0; i++)
        hash[i] = rnd(&state);
    return &h;
}

static struct fact sale(int64_t quantity, int64_t price, uint32_t invoice, uint32_t customer)
{
    return (struct fact){.quantity = quantity,
                         .price = price,
                         .value = quantity * price,
                         .invoice = invoice,
                         .customer = customer};
}

static struct fact any_sale(uint64_t *state)
{
    int64_t quantity = (int64_t)rnd_below(state, 50) - 5;
    int64_t price = (int64_t)rnd_below(state, 3000) * 10000;

    return sale(quantity, price, (uint32_t)rnd_below(state, IDS), (uint32_t)rnd_below(state, 400));
}

static void add(struct cell *c, struct fact f)
{
    ok_err(cell_add(c, &f, hashes()));
}

static struct cell cell_of(const struct fact *f, size_t n)
{
    struct cell c;

    cell_init(&c, 77);
    for (size_t i = 0; i < n; i++)
        add(&c, f[i]);
    return c;
}

static struct buf saved(const struct cell *c)
{
    struct buf out;

    buf_init(&out, 1 << 20);
    ok_err(cell_save(c, &out, NULL));
    return out;
}

static enum err load(struct cell *c, const void *p, size_t n)
{
    struct reader in = reader_of(p, n);

    return cell_load(c, &in, NULL, hashes());
}

static void same(const struct cell *a, const struct cell *b)
{
    struct buf x = saved(a), y = saved(b);

    eq_bytes(x.p, x.n, y.p, y.n);
    buf_clear(&x);
    buf_clear(&y);
}

T(a_sale_is_in_every_measure)
{
    struct cell c;
    static const double p[] = {0.5, 0.9};
    int64_t at[2];

    cell_init(&c, 5);
    add(&c, sale(6, 2550000, 1, 17));
    add(&c, sale(-2, 1000000, 2, 17));
    add(&c, sale(0, 1000000, 2, 0));
    eq_u64(c.lines, 3);
    eq_u64(c.return_lines, 1);
    eq_int(c.units, 4);
    eq_int(c.return_units, -2);
    eq_int(c.revenue, 13300000);
    eq_int(c.return_revenue, -2000000);
    eq_int(c.min, -2000000);
    eq_int(c.max, 15300000);
    eq_u64(distinct_count(&c.invoices), 2);
    eq_u64(distinct_count(&c.customers), 1);
    near(cell_mean(&c), 13.3 / 3, 1e-14);
    near(cell_sd(&c), sqrt((15.3 * 15.3 + 4) / 3 - 13.3 * 13.3 / 9), 1e-12);
    quantile_at(&c.values, c.min, c.max, p, 2, at);
    eq_int(at[0], 0);
    near((double)at[1], 15300000, 153000);
    cell_clear(&c);
}

T(an_empty_cell_is_all_zeros)
{
    struct cell c;

    cell_init(&c, 5);
    near(cell_mean(&c), 0, 0);
    near(cell_sd(&c), 0, 0);
    eq_int(cell_memory(&c), 0);
    cell_clear(&c);
}

/* n facts dealt out to three cells, merged in both groupings and both orders. */
static void deal(const struct fact *f, size_t n, uint64_t *state)
{
    struct cell part[3], twin[3], whole = cell_of(f, n);

    for (int i = 0; i < 3; i++) {
        cell_init(&part[i], 77);
        cell_init(&twin[i], 77);
    }
    for (size_t i = 0; i < n; i++) {
        uint64_t to = rnd_below(state, 3);
        add(&part[to], f[i]);
        add(&twin[to], f[i]);
    }
    ok_err(cell_merge(&part[0], &part[1], hashes()));
    ok_err(cell_merge(&part[0], &part[2], hashes()));
    ok_err(cell_merge(&twin[1], &twin[0], hashes()));
    ok_err(cell_merge(&twin[2], &twin[1], hashes()));
    same(&part[0], &whole);
    same(&twin[2], &whole);
    near(cell_sd(&part[0]), cell_sd(&whole), 0);
    for (int i = 0; i < 3; i++) {
        cell_clear(&part[i]);
        cell_clear(&twin[i]);
    }
    cell_clear(&whole);
}

T(merging_in_any_order_and_grouping_equals_adding_all)
{
    static const size_t sizes[] = {0, 1, 2, 3, 5, 16, 33, 100, 1000, 9000};
    static struct fact f[9000];
    uint64_t state = seed();

    for (size_t i = 0; i < countof(sizes); i++) {
        for (int round = 0; round < (sizes[i] < 200 ? 40 : 2); round++) {
            for (size_t k = 0; k < sizes[i]; k++)
                f[k] = any_sale(&state);
            deal(f, sizes[i], &state);
        }
    }
}

T(merging_a_cell_with_itself_counts_it_twice)
{
    struct cell c, twice;
    uint64_t state = seed();

    cell_init(&c, 77);
    cell_init(&twice, 77);
    for (int i = 0; i < 30; i++) {
        struct fact f = any_sale(&state);
        add(&c, f);
        add(&twice, f);
        add(&twice, f);
    }
    ok_err(cell_merge(&c, &c, hashes()));
    same(&c, &twice);
    cell_clear(&twice);
    cell_clear(&c);
}

T(an_empty_cell_merged_in_leaves_min_and_max_alone)
{
    struct cell c, none;

    cell_init(&c, 1);
    cell_init(&none, 2);
    add(&c, sale(3, 10, 1, 1));
    ok_err(cell_merge(&c, &none, hashes()));
    eq_int(c.min, 30);
    ok_err(cell_merge(&none, &c, hashes()));
    eq_int(none.min, 30);
    eq_int(none.max, 30);
    cell_clear(&none);
    cell_clear(&c);
}

T(a_sum_that_does_not_fit_is_refused_and_changes_nothing)
{
    struct cell c, d;
    struct fact f = sale(1, INT64_MAX, 1, 1);

    cell_init(&c, 77);
    cell_init(&d, 77);
    add(&c, f);
    add(&d, f);
    f.invoice = 2;
    eq_err(cell_add(&c, &f, hashes()), ERR_LIMIT);
    same(&c, &d);
    eq_err(cell_merge(&c, &d, hashes()), ERR_LIMIT);
    same(&c, &d);
    cell_clear(&d);
    cell_clear(&c);
}

T(the_deviation_of_huge_values_with_a_tiny_spread_is_exact)
{
    const int64_t huge = INT64_C(1) << 61;
    struct cell c;

    cell_init(&c, 1);
    add(&c, sale(1, huge + 1, 1, 1));
    near(cell_sd(&c), 0, 0);
    add(&c, sale(1, huge - 1, 1, 1));
    near(cell_sd(&c), 1e-6, 1e-20);
    cell_clear(&c);
}

T(the_deviation_stays_exact_where_128_bits_do_not_suffice)
{
    const int64_t huge = INT64_C(1) << 61;
    struct cell c;

    cell_init(&c, 1);
    add(&c, sale(1, huge, 1, 1));
    add(&c, sale(-1, huge, 1, 1));
    for (int i = 0; i < 2; i++) /* squares are 2^125, times lines 2^128 */
        ok_err(cell_merge(&c, &c, hashes()));
    near(cell_sd(&c), 2305843009213.693952, 1e-3);
    cell_clear(&c);

    cell_init(&c, 1);
    for (int i = 0; i < 8; i++) /* 2^128 - 2^124: a borrow */
        add(&c, sale(i % 2 && i < 7 ? -1 : 1, huge, 1, 1));
    eq_int(c.revenue, 2 * huge);
    near(cell_sd(&c), (double)huge / 4e6 * sqrt(15), 1e-3);
    cell_clear(&c);

    cell_init(&c, 1);
    add(&c, sale(1, 1000001, 1, 1));
    add(&c, sale(1, 1000003, 1, 1));
    for (int i = 0; i < 40; i++)
        ok_err(cell_merge(&c, &c, hashes()));
    near(cell_sd(&c), 1e-6, 1e-18);
    near(cell_mean(&c), 1.000002, 1e-15);
    eq_u64(c.lines, UINT64_C(1) << 41);
    cell_clear(&c);
}

T(the_deviation_agrees_with_two_passes_over_the_values)
{
    uint64_t state = seed();
    static struct fact f[500];
    long double sum = 0, squares = 0;

    for (size_t i = 0; i < countof(f); i++) {
        f[i] = any_sale(&state);
        sum += (long double)f[i].value;
    }
    for (size_t i = 0; i < countof(f); i++) {
        long double gap = (long double)f[i].value - sum / countof(f);
        squares += gap * gap;
    }
    struct cell c = cell_of(f, countof(f));
    double wanted = (double)(sqrtl(squares / countof(f)) / 1000000);
    near(cell_sd(&c), wanted, 1e-12 * wanted);
    cell_clear(&c);
}

T(a_reset_cell_is_empty_and_serves_again_in_the_memory_it_has)
{
    uint64_t state = seed();
    static struct fact f[3000];
    struct cell scratch;
    size_t memory = 0;

    for (size_t i = 0; i < countof(f); i++)
        f[i] = any_sale(&state);
    scratch = cell_of(f, countof(f));
    for (int round = 0; round < 3; round++) {
        for (size_t n = 0; n < countof(f); n = n * 3 + 1) {
            struct cell fresh = cell_of(f, n);
            cell_reset(&scratch);
            ok_err(cell_merge(&scratch, &fresh, hashes()));
            same(&scratch, &fresh);
            cell_clear(&fresh);
        }
        if (round > 0)
            eq_int(cell_memory(&scratch), memory);
        memory = cell_memory(&scratch);
    }
    cell_clear(&scratch);
}

T(a_cell_comes_back_as_it_was_stored_and_goes_on)
{
    static const size_t sizes[] = {0, 1, 2, 3, 40, 1000, 9000};
    static struct fact f[9000];
    uint64_t state = seed();

    for (size_t i = 0; i < countof(f); i++)
        f[i] = any_sale(&state);
    for (size_t i = 0; i < countof(sizes); i++) {
        struct cell c = cell_of(f, sizes[i]), back = cell_of(f, 3);
        struct buf out = saved(&c);
        back.key = 1;
        ok_err(load(&back, out.p, out.n));
        eq_int(back.key, 77);
        same(&c, &back);
        add(&c, f[100]);
        add(&back, f[100]);
        same(&c, &back);
        buf_clear(&out);
        cell_clear(&back);
        cell_clear(&c);
    }
}

T(a_cell_of_one_line_takes_about_15_bytes)
{
    struct cell c;

    cell_init(&c, 1500);
    add(&c, sale(6, 2550000, 10000, 4000));
    struct buf out = saved(&c);
    ok(out.n <= 16);
    buf_clear(&out);
    cell_clear(&c);
}

static uint64_t name_of(void *arg, uint32_t slot)
{
    (void)arg;
    return UINT64_C(1000000) + slot;
}

static uint32_t slot_of(void *arg, uint64_t name)
{
    uint64_t slot = name - 1000000 + *(const uint32_t *)arg;

    return slot < IDS ? (uint32_t)slot : UINT32_MAX;
}

T(invoices_are_stored_by_lasting_name)
{
    uint32_t shift = 5;
    struct cell_names names = {.invoice_name = name_of, .invoice_slot = slot_of, .arg = &shift};

    for (uint32_t n = 1; n < 4; n++) {
        struct cell c, back;
        struct buf out;
        size_t found;
        cell_init(&c, 1);
        cell_init(&back, 1);
        buf_init(&out, 1000);
        for (uint32_t i = 0; i < n; i++)
            add(&c, sale(1, 5, 30 + i, 1));
        ok_err(cell_save(&c, &out, &names));
        struct reader in = reader_of(out.p, out.n);
        ok_err(cell_load(&back, &in, &names, hashes()));
        const uint32_t *ids = distinct_ids(&back.invoices, &found);
        eq_int(found, n);
        for (uint32_t i = 0; i < n; i++)
            eq_int(ids[i], 35 + i);
        shift = IDS; /* nobody knows them any more */
        in = reader_of(out.p, out.n);
        eq_err(cell_load(&back, &in, &names, hashes()), ERR_DAMAGED);
        eq_u64(back.lines, 0);
        shift = 5;
        buf_clear(&out);
        cell_clear(&back);
        cell_clear(&c);
    }
}

T(a_key_or_customer_that_nobody_knows_is_refused)
{
    struct cell_names names = {.n_keys = 78};

    for (int n = 1; n < 3; n++) {
        for (uint32_t customer = 77; customer < 79; customer++) {
            struct cell c;
            cell_init(&c, 77);
            for (int i = 0; i < n; i++)
                add(&c, sale(1, 5, 1, customer));
            struct buf out = saved(&c);
            struct reader in = reader_of(out.p, out.n);
            eq_err(cell_load(&c, &in, &names, hashes()), customer < 78 ? ERR_OK : ERR_DAMAGED);
            names.n_keys = 77; /* the key itself */
            in = reader_of(out.p, out.n);
            eq_err(cell_load(&c, &in, &names, hashes()), ERR_DAMAGED);
            names.n_keys = 78;
            buf_clear(&out);
            cell_clear(&c);
        }
    }
}

static void lie_lines(struct cell *c)
{
    c->lines++;
}
static void lie_units(struct cell *c)
{
    c->units = c->return_units - 1;
}
static void lie_revenue(struct cell *c)
{
    c->revenue = c->max * 3 + 1;
}
static void lie_returns(struct cell *c)
{
    c->return_lines = 2;
}
static void lie_return_units(struct cell *c)
{
    c->return_units = 0;
}
static void lie_return_revenue(struct cell *c)
{
    c->return_revenue = c->min - 1;
}
static void lie_min(struct cell *c)
{
    c->min *= 2;
}
static void lie_max(struct cell *c)
{
    c->max *= 2;
}
static void lie_order(struct cell *c)
{
    c->min = c->max + 1;
}
static void lie_squares(struct cell *c)
{
    c->squares = INT64_C(100000000000000); /* less than min and max have alone */
}
static void lie_more_squares(struct cell *c)
{
    c->squares *= 1000;
}
static void lie_invoices(struct cell *c)
{
    for (uint32_t i = 0; i < 3; i++)
        ok_err(distinct_add(&c->invoices, 100 + i, hashes()->invoice));
}
static void lie_no_invoice(struct cell *c)
{
    distinct_reset(&c->invoices);
}
static void lie_customers(struct cell *c)
{
    for (uint32_t i = 0; i < 4; i++)
        ok_err(distinct_add(&c->customers, 100 + i, hashes()->key));
}
static void lie_missing(struct cell *c)
{
    ok_err(distinct_add(&c->customers, 0, hashes()->key));
}
static void lie_sketch(struct cell *c)
{
    for (uint32_t i = 0; i < 5000; i++)
        ok_err(distinct_add(&c->invoices, i, hashes()->invoice));
}
static void lie_values(struct cell *c)
{
    ok_err(quantile_add(&c->values, 7));
}

T(cells_that_cannot_be_are_refused)
{
    static void (*const lies[])(struct cell *) = {
        lie_lines,     lie_units,   lie_revenue,      lie_returns,  lie_return_units,   lie_order,
        lie_min,       lie_max,     lie_squares,      lie_invoices, lie_no_invoice,     lie_values,
        lie_customers, lie_missing, lie_more_squares, lie_sketch,   lie_return_revenue,
    };
    static const struct fact f[] = {
        {.quantity = 2, .value = 5000000, .invoice = 1, .customer = 1},
        {.quantity = -3, .value = -9000000, .invoice = 2, .customer = 1},
        {.quantity = 1, .value = 11000000, .invoice = 2, .customer = 2},
    };

    for (size_t i = 0; i < countof(lies); i++) {
        struct cell c = cell_of(f, countof(f)), back;
        cell_init(&back, 0);
        lies[i](&c);
        struct buf out = saved(&c);
        if (load(&back, out.p, out.n) != ERR_DAMAGED)
            fail("lie %zu was believed", i);
        eq_u64(back.lines, 0);
        buf_clear(&out);
        cell_clear(&back);
        cell_clear(&c);
    }
}

T(squares_too_small_for_their_sum_are_refused)
{
    struct cell c, back;

    cell_init(&c, 1);
    cell_init(&back, 1);
    for (uint32_t i = 0; i < 3; i++)
        add(&c, sale(1, 10, 1, 1));
    c.squares = 200;
    struct buf out = saved(&c);
    eq_err(load(&back, out.p, out.n), ERR_DAMAGED);
    c.squares = 300;
    buf_clear(&out);
    out = saved(&c);
    ok_err(load(&back, out.p, out.n));
    buf_clear(&out);
    cell_clear(&back);
    cell_clear(&c);
}

T(a_cut_cell_is_refused_and_a_scrambled_one_does_no_harm)
{
    uint64_t state = seed();
    static struct fact f[60];

    for (size_t n = 1; n < countof(f); n += n / 4 + 1) {
        for (size_t i = 0; i < n; i++)
            f[i] = any_sale(&state);
        struct cell c = cell_of(f, n), back;
        struct buf out = saved(&c);
        cell_init(&back, 0);
        for (size_t cut = 0; cut < out.n; cut++)
            eq_err(load(&back, out.p, cut), ERR_DAMAGED);
        for (int i = 0; i < 2000; i++) {
            char *at = &out.p[rnd_below(&state, out.n)];
            *at = (char)rnd(&state);
            if (load(&back, out.p, out.n) == ERR_OK)
                ok(cell_sd(&back) >= 0);
        }
        buf_clear(&out);
        cell_clear(&back);
        cell_clear(&c);
    }
}

T(a_save_without_room_leaves_the_buffer_as_it_was)
{
    struct cell c;
    struct buf out;

    cell_init(&c, 1);
    for (uint32_t i = 0; i < 20; i++)
        add(&c, sale(1, i * 100, i, i));
    buf_init(&out, 80);
    ok_err(buf_text(&out, "before"));
    eq_err(cell_save(&c, &out, NULL), ERR_LIMIT);
    eq_bytes(out.p, out.n, "before", 6);
    buf_clear(&out);
    cell_clear(&c);
}

/* Adds sales that need room in every part, again and again; what failed left nothing. */
static enum err try_cells(struct cell *a, struct cell *b)
{
    enum err e = ERR_OK;

    for (uint32_t i = 0; i < 40 && !e; i++) {
        struct fact f = sale(1, 1000000 * (int64_t)i, i, i + 1);
        e = cell_add(a, &f, hashes());
        uint64_t n = e ? i : i + 1;
        eq_u64(a->lines, n);
        eq_u64(distinct_count(&a->invoices), n);
        eq_u64(distinct_count(&a->customers), n);
        eq_u64(quantile_count(&a->values), n);
    }
    for (uint32_t i = 0; i < 4090 && !e; i++) {
        struct fact f = sale(-1, 1000000 * (int64_t)i, i + 30, i + 30);
        e = cell_add(b, &f, hashes());
    }
    uint64_t lines = a->lines;
    if (!e)
        e = cell_merge(a, b, hashes());
    eq_u64(quantile_count(&a->values), a->lines);
    if (e) {
        eq_u64(a->lines, lines);
        eq_u64(distinct_count(&a->invoices), lines);
        eq_u64(distinct_count(&a->customers), lines);
    }
    return e;
}

T_OOM(a_cell_that_gets_no_memory_counts_a_sale_fully_or_not_at_all)
{
    struct cell a, b;

    (void)hashes();
    cell_init(&a, 1);
    cell_init(&b, 1);
    enum err e = try_cells(&a, &b);
    cell_clear(&a);
    cell_clear(&b);
    return e;
}

T_OOM(a_load_that_gets_no_memory_leaves_the_cell_empty)
{
    struct cell c, back;
    struct buf out;
    enum err e = ERR_OK;

    (void)hashes();
    cell_init(&c, 1);
    cell_init(&back, 1);
    buf_init(&out, 1 << 20);
    for (uint32_t i = 0; i < 100 && !e; i++) {
        struct fact f = sale(1, 1000000 * (int64_t)i, i, i + 1);
        e = cell_add(&c, &f, hashes());
    }
    if (!e)
        e = cell_save(&c, &out, NULL);
    if (!e) {
        struct reader in = reader_of(out.p, out.n);
        e = cell_load(&back, &in, NULL, hashes());
        eq_u64(back.lines, e ? 0 : 100);
    }
    buf_clear(&out);
    cell_clear(&back);
    cell_clear(&c);
    return e;
}
