/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * cell_fuzz: sequences of add, merge, save, load and reset on three cells, beside an oracle that
 * keeps every sale and counts anew; or, by the first byte, arbitrary bytes to cell_load.
 *
 * Aborts when a cell and its oracle differ, when adding the same sales backwards gives other
 * bytes, or when a cell that was loaded does not survive being used and stored again.
 */
#include "windows/cell.h"

#include <stdlib.h>

enum { CELLS = 3, IDS = 65536, SALES_MAX = 9000, BURST = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct model {
    struct fact sale[SALES_MAX];
    size_t n;
};

struct world {
    struct cell cell[CELLS];
    struct model model[CELLS];
    struct hashes hashes;
};

static void must(bool holds)
{
    if (!holds)
        abort();
}

static const uint64_t *hashes(void)
{
    static uint64_t hash[IDS];

    for (uint64_t i = 0; i < IDS && hash[IDS - 1] == 0; i++)
        hash[i] = (i + 1) * UINT64_C(0x9e3779b97f4a7c15);
    return hash;
}

static uint32_t slot_of(void *arg, uint64_t name)
{
    (void)arg;
    return name < IDS ? (uint32_t)name : UINT32_MAX;
}

static const struct cell_names *names(void)
{
    static const struct cell_names n = {.invoice_slot = slot_of, .n_keys = IDS};

    return &n;
}

static struct buf saved(const struct cell *c)
{
    struct buf out;

    buf_init(&out, 1 << 22);
    must(cell_save(c, &out, names()) == ERR_OK);
    return out;
}

static enum err loaded(struct cell *c, const void *p, size_t n, const struct hashes *h)
{
    struct reader in = reader_of(p, n);

    return cell_load(c, &in, names(), h);
}

static void must_be_equal(const struct cell *a, const struct cell *b)
{
    struct buf x = saved(a), y = saved(b);

    must(x.n == y.n && memcmp(x.p, y.p, x.n) == 0);
    buf_clear(&x);
    buf_clear(&y);
}

/* ---- the oracle ---- */

static void check_sums(const struct cell *c, const struct model *m)
{
    int64_t units = 0, revenue = 0, min = 0, max = 0, return_revenue = 0;
    uint64_t returns = 0;

    for (size_t i = 0; i < m->n; i++) {
        const struct fact *f = &m->sale[i];
        units += f->quantity;
        revenue += f->value;
        returns += f->quantity < 0;
        return_revenue += f->quantity < 0 ? f->value : 0;
        min = i == 0 || f->value < min ? f->value : min;
        max = i == 0 || f->value > max ? f->value : max;
    }
    must(c->lines == m->n && c->return_lines == returns);
    must(c->units == units && c->revenue == revenue && c->return_revenue == return_revenue);
    must(c->min == min && c->max == max);
}

static void check_distinct(const struct distinct *d, const struct model *m, bool customers)
{
    static uint8_t seen[IDS];
    uint64_t n = 0;
    size_t ids;

    memset(seen, 0, sizeof(seen));
    for (size_t i = 0; i < m->n; i++) {
        uint32_t id = customers ? m->sale[i].customer : m->sale[i].invoice;
        n += !seen[id] && (id || !customers);
        seen[id] = 1;
    }
    must((distinct_ids(d, &ids) != NULL) == (n <= DISTINCT_EXACT));
    if (n <= DISTINCT_EXACT)
        must(distinct_count(d) == n);
    else
        must(distinct_count(d) > n - n / 10 && distinct_count(d) < n + n / 10);
}

static int ascending(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

static void check_quantiles(const struct cell *c, const struct model *m)
{
    static const double p[] = {0, 0.5, 0.9, 1};
    static int64_t values[SALES_MAX];
    size_t rank[] = {1, (m->n + 1) / 2, (m->n * 9 + 9) / 10, m->n};
    int64_t out[countof(p)];

    if (m->n == 0)
        return;
    for (size_t i = 0; i < m->n; i++)
        values[i] = m->sale[i].value;
    qsort(values, m->n, sizeof(*values), ascending);
    quantile_at(&c->values, c->min, c->max, p, countof(p), out);
    for (size_t i = 0; i < countof(p); i++) {
        int64_t exact = values[rank[i] - 1];
        must(llabs(out[i] - exact) <= llabs(exact) / 100);
    }
}

static void check(const struct world *w, size_t i)
{
    const struct model *m = &w->model[i];
    struct cell backwards;

    check_sums(&w->cell[i], m);
    check_distinct(&w->cell[i].invoices, m, false);
    check_distinct(&w->cell[i].customers, m, true);
    check_quantiles(&w->cell[i], m);
    cell_init(&backwards, w->cell[i].key);
    for (size_t k = m->n; k > 0; k--)
        must(cell_add(&backwards, &m->sale[k - 1], &w->hashes) == ERR_OK);
    must_be_equal(&backwards, &w->cell[i]);
    cell_clear(&backwards);
}

/* ---- the steps ---- */

static void add(struct world *w, size_t to, struct fact f)
{
    struct model *m = &w->model[to];

    if (m->n == SALES_MAX)
        return;
    must(cell_add(&w->cell[to], &f, &w->hashes) == ERR_OK);
    m->sale[m->n++] = f;
}

static void step_add(struct world *w, size_t to, struct reader *in)
{
    struct fact f = {.invoice = read_u8(in), .customer = read_u8(in)};

    f.quantity = (int64_t)read_u8(in) - 128;
    f.price = (int64_t)(read_u8(in) + 1) << read_u8(in) % 30;
    f.value = f.quantity * f.price;
    f.invoice |= f.customer % 4 ? 0 : (uint32_t)read_u8(in) << 8;
    add(w, to, f);
}

static void step_burst(struct world *w, size_t to, struct reader *in)
{
    uint32_t first = (uint32_t)read_u8(in) << 6, n = (uint32_t)read_u8(in) * BURST;

    for (uint32_t i = first; i < first + n && i < IDS; i++)
        add(w, to,
            (struct fact){
                .quantity = 1, .value = (int64_t)i * 100, .invoice = i, .customer = i / 2});
}

static void step_merge(struct world *w, size_t to, struct reader *in)
{
    size_t from = read_u8(in) % CELLS, n = w->model[from].n;

    if (n > SALES_MAX - w->model[to].n)
        return;
    must(cell_merge(&w->cell[to], &w->cell[from], &w->hashes) == ERR_OK);
    memmove(&w->model[to].sale[w->model[to].n], w->model[from].sale, n * sizeof(struct fact));
    w->model[to].n += n;
}

/* The cell as it is stored replaces another one. */
static void step_store(struct world *w, size_t to, struct reader *in)
{
    size_t from = read_u8(in) % CELLS;
    struct buf out = saved(&w->cell[from]);

    must(loaded(&w->cell[to], out.p, out.n, &w->hashes) == ERR_OK);
    w->model[to].n = w->model[from].n;
    memmove(w->model[to].sale, w->model[from].sale, w->model[to].n * sizeof(struct fact));
    buf_clear(&out);
}

static void step_reset(struct world *w, size_t to, struct reader *in)
{
    if (read_u8(in) % 2)
        cell_reset(&w->cell[to]);
    else
        cell_clear(&w->cell[to]);
    w->model[to].n = 0;
}

static void run_steps(struct world *w, struct reader *in)
{
    static void (*const steps[])(struct world *, size_t, struct reader *) = {
        step_add, step_add, step_add, step_burst, step_merge, step_store, step_reset,
    };

    for (size_t i = 0; i < CELLS; i++) {
        cell_init(&w->cell[i], (uint32_t)i);
        w->model[i].n = 0;
    }
    for (int n = 0; n < 500 && in->p < in->end; n++) {
        uint8_t op = read_u8(in);
        steps[op % countof(steps)](w, op / countof(steps) % CELLS, in);
    }
    for (size_t i = 0; i < CELLS; i++) {
        check(w, i);
        cell_clear(&w->cell[i]);
    }
}

static void run_load(const struct hashes *h, const uint8_t *data, size_t size)
{
    static const double p[] = {0.5, 0.99};
    int64_t out[countof(p)];
    struct cell c, again;
    struct fact f = {.invoice = 7};

    cell_init(&c, 0);
    cell_init(&again, 0);
    if (loaded(&c, data, size, h) == ERR_OK) {
        struct buf b = saved(&c);
        must(loaded(&again, b.p, b.n, h) == ERR_OK);
        must_be_equal(&c, &again);
        buf_clear(&b);
        must(cell_sd(&c) >= 0);
        quantile_at(&c.values, c.min, c.max, p, countof(p), out);
        must(out[0] >= c.min && out[1] <= c.max && out[0] <= out[1]);
        must(cell_add(&c, &f, h) != ERR_NOMEM);
        must(cell_merge(&c, &again, h) != ERR_NOMEM);
    } else {
        must(c.lines == 0 && distinct_count(&c.invoices) == 0 && quantile_count(&c.values) == 0);
    }
    cell_clear(&again);
    cell_clear(&c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct world w;

    if (size == 0)
        return 0;
    w.hashes = (struct hashes){.invoice = hashes(), .key = hashes()};
    struct reader in = reader_of(data + 1, size - 1);
    if (data[0] % 2)
        run_steps(&w, &in);
    else
        run_load(&w.hashes, data + 1, size - 1);
    return 0;
}
