/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * cell: all measures of one key in one slice, added to by sales and merged when windows fire.
 *
 * Most cells hold one or two lines, so these are cheap to make, add to, merge and store. An add
 * or a merge reserves room in both sets, then changes the values (the last that can fail), then
 * all the rest.
 *
 * Standard deviation: n * squares - revenue^2 takes up to 189 bits and is computed exactly in
 * 192; only then it becomes a double (three roundings), so that nothing cancels. The result is
 * within 1e-15 of the true one, relatively.
 *
 * Stored (varint, zigzag): key, lines; nothing more if lines is 0;
 *     lines = 1:  quantity, value, invoice name, customer id: the sale itself, about 15 bytes;
 *     lines > 1:  units, revenue, return_lines, (if any: return_units, return_revenue,) min,
 *                 max - min, squares / 2^64, squares mod 2^64, invoices, customers, values.
 *
 * 1. lines == quantile_count(values); min and max are in its outermost buckets.
 * 2. lines * squares >= revenue^2 (Cauchy), which a load checks and merging keeps.
 * 3. Equal sales give equal stored bytes, however they were added and merged.
 */
#include "windows/cell.h"

#include <math.h>

#define MILLIONTHS 1e6
#define LINES_MAX ((uint64_t)INT64_MAX)

__extension__ typedef unsigned __int128 u128;
__extension__ typedef __int128 i128;

void cell_init(struct cell *c, uint32_t key)
{
    *c = (struct cell){.key = key};
}

void cell_clear(struct cell *c)
{
    distinct_clear(&c->invoices);
    distinct_clear(&c->customers);
    quantile_clear(&c->values);
    cell_init(c, c->key);
}

void cell_reset(struct cell *c)
{
    c->lines = c->return_lines = 0;
    c->units = c->revenue = 0;
    c->return_units = c->return_revenue = 0;
    c->min = c->max = 0;
    c->squares = 0;
    distinct_reset(&c->invoices);
    distinct_reset(&c->customers);
    quantile_reset(&c->values);
}

size_t cell_memory(const struct cell *c)
{
    return distinct_memory(&c->invoices) + distinct_memory(&c->customers) +
           quantile_memory(&c->values);
}

/* ---- sums ---- */

static void widen(struct cell *c, int64_t min, int64_t max)
{
    c->min = c->lines == 0 || min < c->min ? min : c->min;
    c->max = c->lines == 0 || max > c->max ? max : c->max;
}

struct amount cell_amount(const struct fact *f)
{
    return (struct amount){.value = f->value,
                           .quantity = f->quantity,
                           .invoice = f->invoice,
                           .customer = f->customer,
                           .bucket = quantile_bucket(f->value)};
}

struct sums {
    uint64_t lines;
    int64_t units, revenue, return_units, return_revenue;
};

static bool add_sums(const struct cell *a, const struct cell *b, struct sums *s)
{
    bool over = __builtin_add_overflow(a->lines, b->lines, &s->lines);

    over |= __builtin_add_overflow(a->units, b->units, &s->units);
    over |= __builtin_add_overflow(a->revenue, b->revenue, &s->revenue);
    over |= __builtin_add_overflow(a->return_units, b->return_units, &s->return_units);
    over |= __builtin_add_overflow(a->return_revenue, b->return_revenue, &s->return_revenue);
    return !over && s->lines <= LINES_MAX;
}

static void take_sums(struct cell *into, const struct cell *from, const struct sums *s)
{
    widen(into, from->min, from->max);
    into->lines = s->lines;
    into->return_lines += from->return_lines;
    into->units = s->units;
    into->revenue = s->revenue;
    into->return_units = s->return_units;
    into->return_revenue = s->return_revenue;
    into->squares += from->squares;
}

/* ---- adding ---- */

/* The sums of n sales; false: they don't fit. */
static bool sum_up(struct cell *sum, const struct amount *a, size_t n)
{
    bool over = false;

    *sum = (struct cell){.lines = n, .min = a[0].value, .max = a[0].value};
    for (size_t i = 0; i < n; i++) {
        int64_t value = a[i].value, returned = a[i].quantity < 0 ? value : 0;
        over |= __builtin_add_overflow(sum->units, a[i].quantity, &sum->units);
        over |= __builtin_add_overflow(sum->revenue, value, &sum->revenue);
        sum->return_lines += a[i].quantity < 0;
        sum->return_units += a[i].quantity < 0 ? a[i].quantity : 0;
        sum->return_revenue += returned;
        sum->squares += cell_square(value);
        sum->min = value < sum->min ? value : sum->min;
        sum->max = value > sum->max ? value : sum->max;
    }
    return !over;
}

/* Neighbours that are the same count once. */
static enum err put_invoices(struct cell *c, const struct amount *a, size_t n,
                             const struct hashes *h)
{
    enum err e = ERR_OK;

    for (size_t i = 0; !e && i < n; i++) {
        if (!distinct_last_is(&c->invoices, a[i].invoice))
            e = distinct_add(&c->invoices, a[i].invoice, h->invoice);
    }
    return e;
}

static enum err put_customers(struct cell *c, const struct amount *a, size_t n,
                              const struct hashes *h)
{
    enum err e = ERR_OK;

    for (size_t i = 0; !e && i < n; i++) {
        if (a[i].customer && !distinct_last_is(&c->customers, a[i].customer))
            e = distinct_add(&c->customers, a[i].customer, h->key);
    }
    return e;
}

enum err cell_add_all(struct cell *c, const struct amount *a, size_t n, const struct hashes *h)
{
    int16_t bucket[CELL_ADD_MAX];
    struct cell sum;
    struct sums s;

    if (!n)
        return ERR_OK;
    if (!sum_up(&sum, a, n) || !add_sums(c, &sum, &s))
        return ERR_LIMIT;
    for (size_t i = 0; i < n; i++)
        bucket[i] = a[i].bucket;
    enum err e = put_invoices(c, a, n, h);
    if (!e)
        e = put_customers(c, a, n, h);
    if (!e)
        e = quantile_add_buckets(&c->values, bucket, n);
    if (!e)
        take_sums(c, &sum, &s);
    return e;
}

static enum err add_amount(struct cell *c, const struct amount *a, const struct hashes *h)
{
    bool invoice = !distinct_last_is(&c->invoices, a->invoice);
    bool customer = a->customer && !distinct_last_is(&c->customers, a->customer);
    int64_t units, revenue;
    enum err e = ERR_OK;

    if (__builtin_add_overflow(c->units, a->quantity, &units) ||
        __builtin_add_overflow(c->revenue, a->value, &revenue))
        return ERR_LIMIT;
    if (invoice)
        e = distinct_reserve(&c->invoices, a->invoice);
    if (customer && !e)
        e = distinct_reserve(&c->customers, a->customer);
    if (!e)
        e = quantile_add_buckets(&c->values, &a->bucket, 1);
    if (e)
        return e;

    widen(c, a->value, a->value);
    c->lines++;
    c->units = units;
    c->revenue = revenue;
    c->squares += cell_square(a->value);
    if (a->quantity < 0) {
        c->return_lines++;
        c->return_units += a->quantity;
        c->return_revenue += a->value;
    }
    if (invoice)
        distinct_put(&c->invoices, a->invoice, h->invoice);
    if (customer)
        distinct_put(&c->customers, a->customer, h->key);
    return ERR_OK;
}

enum err cell_add(struct cell *c, const struct fact *f, const struct hashes *h)
{
    const struct amount a = cell_amount(f);

    return add_amount(c, &a, h);
}

/* ---- merging ---- */

enum err cell_merge(struct cell *into, const struct cell *from, const struct hashes *h)
{
    struct sums s;

    if (from->lines == 0)
        return ERR_OK;
    if (!add_sums(into, from, &s))
        return ERR_LIMIT;
    enum err e = distinct_reserve_all(&into->invoices, &from->invoices);
    if (!e)
        e = distinct_reserve_all(&into->customers, &from->customers);
    if (!e)
        e = quantile_merge(&into->values, &from->values);
    if (e)
        return e;

    take_sums(into, from, &s);
    distinct_put_all(&into->invoices, &from->invoices, h->invoice);
    distinct_put_all(&into->customers, &from->customers, h->key);
    return ERR_OK;
}

/* ---- reading ---- */

/* A number of 192 bits: high * 2^128 + low. */
struct wide {
    uint64_t high;
    u128 low;
};

static struct wide times(u128 a, uint64_t b)
{
    u128 low = (u128)(uint64_t)a * b;
    u128 high = (u128)(uint64_t)(a >> 64) * b + (low >> 64);

    return (struct wide){(uint64_t)(high >> 64), high << 64 | (uint64_t)low};
}

static bool less(struct wide a, struct wide b)
{
    return a.high < b.high || (a.high == b.high && a.low < b.low);
}

double cell_mean(const struct cell *c)
{
    return c->lines ? (double)c->revenue / (double)c->lines / MILLIONTHS : 0;
}

double cell_deviation(uint64_t n, int64_t sum, u128 squares)
{
    u128 mean_part = cell_square(sum);
    struct wide d = times(squares, n);
    double spread;

    if (n == 0)
        return 0;
    d.high -= d.low < mean_part;
    d.low -= mean_part;
    if (!d.high && !(uint64_t)(d.low >> 64)) {
        spread = (double)(uint64_t)d.low;
    } else {
        spread = (double)d.high * 0x1p128;
        spread += (double)d.low;
    }
    return sqrt(spread) / (double)n / MILLIONTHS;
}

double cell_sd(const struct cell *c)
{
    return cell_deviation(c->lines, c->revenue, c->squares);
}

/* ---- storing ---- */

static uint64_t name_of(const struct cell_names *names, uint32_t slot)
{
    return names && names->invoice_name ? names->invoice_name(names->arg, slot) : slot;
}

static enum err save_sale(const struct cell *c, struct buf *out, const struct cell_names *names)
{
    size_t n;
    const uint32_t *invoice = distinct_ids(&c->invoices, &n);
    enum err e = buf_zigzag(out, c->units);

    if (!e)
        e = buf_zigzag(out, c->revenue);
    if (!e)
        e = buf_varint(out, name_of(names, *invoice));
    const uint32_t *customer = distinct_ids(&c->customers, &n);
    if (!e)
        e = buf_varint(out, n ? *customer : 0);
    return e;
}

static enum err save_sums(const struct cell *c, struct buf *out)
{
    enum err e = buf_zigzag(out, c->units);

    if (!e)
        e = buf_zigzag(out, c->revenue);
    if (!e)
        e = buf_varint(out, c->return_lines);
    if (!e && c->return_lines)
        e = buf_zigzag(out, c->return_units);
    if (!e && c->return_lines)
        e = buf_zigzag(out, c->return_revenue);
    if (!e)
        e = buf_zigzag(out, c->min);
    if (!e)
        e = buf_varint(out, (uint64_t)c->max - (uint64_t)c->min);
    if (!e)
        e = buf_varint(out, (uint64_t)(c->squares >> 64));
    if (!e)
        e = buf_varint(out, (uint64_t)c->squares);
    return e;
}

static enum err save_all(const struct cell *c, struct buf *out, const struct cell_names *names)
{
    enum err e = save_sums(c, out);

    if (!e)
        e = distinct_save(&c->invoices, out, names ? names->invoice_name : NULL,
                          names ? names->arg : NULL);
    if (!e)
        e = distinct_save(&c->customers, out, NULL, NULL);
    if (!e)
        e = quantile_save(&c->values, out);
    return e;
}

enum err cell_save(const struct cell *c, struct buf *out, const struct cell_names *names)
{
    size_t start = out->n;
    enum err e = buf_varint(out, c->key);

    if (!e)
        e = buf_varint(out, c->lines);
    if (!e && c->lines == 1)
        e = save_sale(c, out, names);
    if (!e && c->lines > 1)
        e = save_all(c, out, names);
    if (e)
        out->n = start;
    return e;
}

/* The largest id a key or a customer may have. */
static uint32_t last_key(const struct cell_names *names)
{
    return names && names->n_keys ? names->n_keys - 1 : UINT32_MAX - 1;
}

static enum err load_sale(struct cell *c, struct reader *in, const struct cell_names *names,
                          const struct hashes *h)
{
    struct fact f = {0};

    f.quantity = read_zigzag(in);
    f.value = read_zigzag(in);
    uint64_t name = read_varint(in);
    f.customer = (uint32_t)read_count(in, last_key(names));
    if (in->bad)
        return ERR_DAMAGED;
    if (names && names->invoice_slot)
        f.invoice = names->invoice_slot(names->arg, name);
    else
        f.invoice = name < UINT32_MAX ? (uint32_t)name : UINT32_MAX;
    return f.invoice == UINT32_MAX ? ERR_DAMAGED : cell_add(c, &f, h);
}

static enum err load_sums(struct cell *c, struct reader *in)
{
    c->units = read_zigzag(in);
    c->revenue = read_zigzag(in);
    c->return_lines = read_count(in, c->lines);
    c->return_units = c->return_lines ? read_zigzag(in) : 0;
    c->return_revenue = c->return_lines ? read_zigzag(in) : 0;
    c->min = read_zigzag(in);
    c->max = (int64_t)((uint64_t)c->min + read_varint(in));
    c->squares = (u128)read_varint(in) << 64;
    c->squares |= read_varint(in);
    return in->bad || c->min > c->max ? ERR_DAMAGED : ERR_OK;
}

/* Whether n values from min to max can have this sum; none have 0. */
static bool possible_sum(uint64_t n, int64_t min, int64_t max, i128 sum)
{
    return sum >= (i128)n * min && sum <= (i128)n * max;
}

static bool possible_returns(const struct cell *c)
{
    uint64_t kept = c->lines - c->return_lines;
    i128 kept_units = (i128)c->units - c->return_units;
    i128 kept_revenue = (i128)c->revenue - c->return_revenue;

    return possible_sum(c->return_lines, c->min, c->max, c->return_revenue) &&
           possible_sum(kept, c->min, c->max, kept_revenue) &&
           possible_sum(c->return_lines, INT64_MIN, -1, c->return_units) &&
           possible_sum(kept, 0, INT64_MAX, kept_units);
}

static bool possible_squares(const struct cell *c)
{
    u128 a = cell_square(c->min), b = cell_square(c->max);
    struct wide spread = times(c->squares, c->lines);
    struct wide most = times(a > b ? a : b, c->lines);

    return c->squares >= a + b && !less(most, (struct wide){0, c->squares}) &&
           !less(spread, (struct wide){0, cell_square(c->revenue)});
}

static bool possible_values(const struct cell *c)
{
    int16_t lowest, highest;

    quantile_range(&c->values, &lowest, &highest);
    return quantile_count(&c->values) == c->lines && lowest == quantile_bucket(c->min) &&
           highest == quantile_bucket(c->max);
}

static bool possible_sets(const struct cell *c, uint32_t last)
{
    size_t invoices, customers;
    const uint32_t *invoice = distinct_ids(&c->invoices, &invoices);
    const uint32_t *customer = distinct_ids(&c->customers, &customers);

    invoices = invoice ? invoices : DISTINCT_EXACT + 1;
    customers = customer ? customers : DISTINCT_EXACT + 1;
    if (invoices == 0 || invoices > c->lines || customers > c->lines)
        return false;
    for (size_t i = 0; customer && i < customers; i++) {
        if (customer[i] == 0 || customer[i] > last)
            return false;
    }
    return true;
}

static enum err load_all(struct cell *c, struct reader *in, const struct cell_names *names,
                         const struct hashes *h)
{
    enum err e = load_sums(c, in);

    if (!e)
        e = distinct_load(&c->invoices, in, names ? names->invoice_slot : NULL,
                          names ? names->arg : NULL, h->invoice);
    if (!e)
        e = distinct_load(&c->customers, in, NULL, NULL, h->key);
    if (!e)
        e = quantile_load(&c->values, in);
    if (e)
        return e;
    bool sound = possible_returns(c) && possible_squares(c) && possible_values(c) &&
                 possible_sets(c, last_key(names));
    return sound ? ERR_OK : ERR_DAMAGED;
}

enum err cell_load(struct cell *c, struct reader *in, const struct cell_names *names,
                   const struct hashes *h)
{
    uint32_t key = (uint32_t)read_count(in, last_key(names));
    uint64_t lines = read_count(in, LINES_MAX);
    enum err e = in->bad ? ERR_DAMAGED : ERR_OK;

    cell_reset(c);
    if (!e && lines == 1)
        e = load_sale(c, in, names, h);
    if (!e && lines > 1) {
        c->lines = lines;
        e = load_all(c, in, names, h);
    }
    if (e)
        cell_reset(c);
    else
        c->key = key;
    return e;
}
