/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A repetition falls into one of six buckets, from the least to the most innocent: same
 * customer and at least three lines within a day; ... later; two lines within a day; another
 * customer, at least three lines; same customer within the hour; anything else. Its
 * probability is the rate of its bucket and of all less innocent ones.
 *
 * The line's hash is a multiply-xor mix (splitmix64's finish), their sum modulo 2^64 is the
 * content's: 26,000 invoices collide with probability 2e-11.
 *
 * Expiry: each one remembered lets the hand of the table look at two others.
 */
#include "models/echo.h"

#include "engine/when.h"
#include "models/calc.h"

#define LIFE (60 * WHEN_DAY)
#define AGAIN 0.6 /* a third copy is stranger than a second */
#define START_RATE 0.5
#define START_SALES 1500.0
#define CONTENTS_MAX 1000000

static const struct pack_field seen_fields[] = {
    PACK(struct echo_seen, time_ms, PACK_I64, -1e16, 1e16),
    PACK(struct echo_seen, invoice, PACK_U64, 0, 2e19),
    PACK(struct echo_seen, customer, PACK_U32, 0, 1 << 30),
    PACK(struct echo_seen, times, PACK_U32, 1, 1e10),
};
static const struct pack_field sale_fields[] = {
    PACK(struct echo_sale, time_ms, PACK_I64, -1e16, 1e16),
    PACK(struct echo_sale, invoice, PACK_U64, 0, 2e19),
    PACK(struct echo_sale, exact, PACK_U64, 0, 2e19),
};
static const struct keyed_kind seen_kind = {.name = "detect/contents",
                                            .version = 1,
                                            .size = sizeof(struct echo_seen),
                                            .max = CONTENTS_MAX,
                                            .table = {seen_fields, countof(seen_fields)}};
static const struct keyed_kind sale_kind = {.name = "detect/sales",
                                            .version = 1,
                                            .size = sizeof(struct echo_sale),
                                            .max = CONTENTS_MAX,
                                            .table = {sale_fields, countof(sale_fields)}};
static const struct pack_field fields[] = {
    PACK(struct echo, rate, PACK_F64, 0, 1e15),
    PACK(struct echo, of, PACK_F64, 1, 1e15),
};
const struct pack_table echo_table = {fields, countof(fields)};

static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ x >> 27) * UINT64_C(0x94D049BB133111EB);
    return x ^ x >> 31;
}

uint64_t content_line(uint32_t stock, int64_t quantity, int64_t price)
{
    return mix(mix(mix(stock + UINT64_C(1)) + (uint64_t)quantity) + (uint64_t)price);
}

void content_add(struct content *c, uint32_t stock, int64_t quantity, int64_t price)
{
    uint64_t size = quantity < 0 ? (uint64_t)0 - (uint64_t)quantity : (uint64_t)quantity;

    c->exact += content_line(stock, quantity, price);
    c->moved += mix(mix(stock + UINT64_C(1)) ^ size);
}

void echo_init(struct echo *e)
{
    keyed_init(&e->seen, &seen_kind);
    keyed_init(&e->sales, &sale_kind);
    for (int i = 0; i < ECHO_BUCKETS; i++)
        e->rate[i] = START_RATE;
    e->of = START_SALES;
}

void echo_clear(struct echo *e)
{
    keyed_clear(&e->seen);
    keyed_clear(&e->sales);
}

static bool bought(const struct echo_seen *s, uint32_t customer)
{
    for (int i = 0; i < ECHO_CUSTOMERS; i++) {
        if (s->customer[i] == customer)
            return true;
    }
    return false;
}

static int bucket_of(bool same, int64_t lines, int64_t gap_ms)
{
    if (same && lines >= 3)
        return gap_ms <= WHEN_DAY ? 0 : 1;
    if (same && lines == 2 && gap_ms <= WHEN_DAY)
        return 2;
    if (lines >= 3)
        return 3;
    return same && gap_ms <= WHEN_HOUR ? 4 : 5;
}

struct echo_answer echo_judge(const struct echo *e, const struct echo_question *q)
{
    const struct echo_seen *s = keyed_find(&e->seen, q->content.exact);
    struct echo_answer a = {.bucket = -1};
    double sum = 0;

    if (!s || q->time_ms - s->time_ms > LIFE)
        return a;
    int64_t gap = q->time_ms - s->time_ms;
    a.bucket = bucket_of(bought(s, q->customer), q->lines, gap);
    a.invoice = s->invoice;
    a.gap_ms = (double)gap;
    for (int i = 0; i <= a.bucket; i++)
        sum += e->rate[i];
    a.per = e->of / sum;
    a.times = s->times;
    a.surprise = calc_surprise(sum / e->of);
    if (a.bucket < 3)
        a.surprise += AGAIN * calc_ln(s->times);
    return a;
}

void echo_learn_rate(struct echo *e, const struct echo_answer *a, double weight)
{
    if (a->bucket >= 0)
        e->rate[a->bucket] += weight;
    e->of += 1;
}

static void expire_seen(struct echo *e, int64_t now_ms)
{
    for (int i = 0; i < 2; i++) {
        struct echo_seen *s = keyed_turn(&e->seen);
        if (s && now_ms - s->time_ms > LIFE)
            keyed_forget(&e->seen, s);
    }
}

static void expire_sales(struct echo *e, int64_t now_ms)
{
    for (int i = 0; i < 2; i++) {
        struct echo_sale *s = keyed_turn(&e->sales);
        if (s && now_ms - s->time_ms > LIFE)
            keyed_forget(&e->sales, s);
    }
}

enum err echo_learn(struct echo *e, const struct echo_question *q, uint64_t invoice)
{
    void *record;
    enum err err;

    expire_seen(e, q->time_ms);
    err = keyed_touch(&e->seen, q->content.exact, &record);
    if (err)
        return err;
    struct echo_seen *s = record;
    if (!bought(s, q->customer)) {
        for (int i = ECHO_CUSTOMERS - 1; i > 0; i--)
            s->customer[i] = s->customer[i - 1];
        s->customer[0] = q->customer;
    }
    s->time_ms = q->time_ms;
    s->invoice = invoice;
    s->times += s->times < UINT32_MAX;
    return ERR_OK;
}

static uint64_t sale_key(const struct echo_question *q)
{
    return mix(q->content.moved ^ mix(q->customer + UINT64_C(1)));
}

enum err echo_learn_sale(struct echo *e, const struct echo_question *q, uint64_t invoice)
{
    void *record;
    enum err err;

    expire_sales(e, q->time_ms);
    err = keyed_touch(&e->sales, sale_key(q), &record);
    if (err)
        return err;
    struct echo_sale *s = record;
    s->time_ms = q->time_ms;
    s->invoice = invoice;
    s->exact = q->content.exact;
    return ERR_OK;
}

void echo_learn_credit(struct echo *e, const struct echo_question *q)
{
    struct echo_sale *s = keyed_find(&e->sales, sale_key(q));
    struct echo_seen *seen = s ? keyed_find(&e->seen, s->exact) : NULL;

    if (seen)
        keyed_forget(&e->seen, seen);
}

uint64_t echo_cancelled(const struct echo *e, const struct echo_question *q)
{
    const struct echo_sale *s = keyed_find(&e->sales, sale_key(q));

    return s && q->time_ms - s->time_ms <= LIFE ? s->invoice : 0;
}
