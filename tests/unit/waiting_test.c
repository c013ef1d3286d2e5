/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * waiting: sales counted late, key by key, give the cells that counting each at once gives.
 */
#include "windows/waiting.h"

#include "tests/support/t.h"

#include <stdlib.h>

enum { IDS = 5000, DIMENSIONS = 3, EACH = 3 };

static const struct hashes *hashes(void)
{
    static uint64_t hash[IDS];
    static const struct hashes h = {.invoice = hash, .key = hash};
    uint64_t state = 9;

    for (size_t i = 0; i < IDS && hash[IDS - 1] == 0; i++)
        hash[i] = rnd(&state);
    return &h;
}

static struct fact any_sale(uint64_t *state)
{
    int64_t quantity = (int64_t)rnd_below(state, 50) - 5;
    int64_t price = (int64_t)rnd_below(state, 3000) * 10000;

    return (struct fact){.quantity = quantity,
                         .price = price,
                         .value = quantity * price,
                         .invoice = (uint32_t)rnd_below(state, IDS),
                         .customer = (uint32_t)rnd_below(state, 40)};
}

static struct buf saved(const struct cell *c)
{
    struct buf out;

    buf_init(&out, 1 << 20);
    ok_err(cell_save(c, &out, NULL));
    return out;
}

static void same_sets(const struct cellset *a, const struct cellset *b)
{
    eq_int(a->n, b->n);
    for (uint32_t i = 0; i < a->n; i++) {
        const struct cell *other = cellset_find(b, a->cell[i].key);
        ok(other != NULL);
        struct buf x = saved(&a->cell[i]), y = saved(other);
        eq_bytes(x.p, x.n, y.p, y.n);
        buf_clear(&x);
        buf_clear(&y);
    }
}

/* n sales, 1 in `keys` of them with the same key; counted now and then. */
static void compare(uint64_t *state, size_t n, uint32_t keys)
{
    struct cellset now[DIMENSIONS] = {{0}}, later[DIMENSIONS] = {{0}};
    struct waiting q = {0}, parts = {0};
    struct waiting_order order = {0};
    uint32_t key[DIMENSIONS];

    for (size_t i = 0; i < n; i++) {
        struct fact f = any_sale(state);
        struct amount a = cell_amount(&f);
        for (int d = 0; d < DIMENSIONS; d++)
            key[d] = d ? (uint32_t)rnd_below(state, keys) : 0;
        for (int d = 0; d < DIMENSIONS; d++)
            ok_err(d == 1 ? ERR_OK : cell_add(cellset_touch(&now[d], key[d]), &f, hashes()));
        ok_err(waiting_add(&parts, &a, key, DIMENSIONS));
        if (rnd_below(state, 100) == 0) {
            ok_err(waiting_append(&q, &parts));
            parts.n = 0;
        }
        if (rnd_below(state, 1000) == 0)
            ok_err(waiting_count(&q, later, 1u | 1u << 2, &order, hashes()));
    }
    ok_err(waiting_append(&q, &parts));
    ok_err(waiting_count(&q, later, 1u | 1u << 2, &order, hashes()));
    eq_int(q.n, 0);
    for (int d = 0; d < DIMENSIONS; d++) {
        same_sets(&now[d], &later[d]);
        eq_int(later[d].n_changed, later[d].n);
        cellset_clear(&now[d]);
        cellset_clear(&later[d]);
    }
    waiting_clear(&parts);
    waiting_clear(&q);
    waiting_order_clear(&order);
}

T(sales_counted_later_give_the_same_cells)
{
    uint64_t state = seed();

    for (size_t i = 0; i < 40; i++)
        compare(&state, i * 3, (uint32_t)(1 + rnd_below(&state, 20)));
    for (size_t i = 0; i < EACH; i++)
        compare(&state, 3000, (uint32_t)(1 + rnd_below(&state, 2000)));
    compare(&state, 15000, 3); /* into the sketches */
}

T(sales_of_one_key_come_together_in_order_of_arrival)
{
    uint64_t state = seed();
    struct waiting q = {0};
    struct waiting_order order = {0};
    uint32_t key[1], group, seen = 0;

    for (uint32_t i = 0; i < 500; i++) {
        const struct amount a = {.invoice = i};
        key[0] = (uint32_t)rnd_below(&state, 60) * 1000;
        ok_err(waiting_add(&q, &a, key, 1));
    }
    ok_err(waiting_sort(&q, 0, &order));
    for (uint32_t from = 0, to; from < q.n; from = to) {
        to = waiting_group(&q, &order, from, &group);
        ok(from == 0 || group > key[0]);
        key[0] = group;
        for (uint32_t i = from; i < to; i++, seen++) {
            const struct waiting_sale *s = waiting_at(&q, (uint32_t)order.place[i]);
            eq_int(s->key[0], group);
            ok(i == from ||
               waiting_at(&q, (uint32_t)order.place[i - 1])->amount.invoice < s->amount.invoice);
        }
    }
    eq_int(seen, 500);
    waiting_clear(&q);
    waiting_order_clear(&order);
}
