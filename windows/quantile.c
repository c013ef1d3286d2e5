/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * quantile: counts values by logarithmic bucket and finds order statistics in the counts.
 *
 * Buckets of the magnitude v = |value|:
 *     v < 4096         v itself
 *     2^e <= v         4096 + 36 * (e - 12) + j: the octave [2^e, 2^(e+1)) is cut at
 *                      limit[j] * 2^(e-31), j = 0..35, with limit[0] = 2^31 and
 *                      limit[j + 1] = limit[j] + limit[j] / 51 (rounded down)
 * A negative value has its magnitude's bucket, negated. Of a bucket [lo, hi] the cut rule
 * leaves hi - lo <= (lo - 1) / 51; the middle, rounded either way, is then within
 * (hi - lo + 1) / 2 <= (lo + 50) / 102 of any value in it, and that is at most lo / 100 when
 * lo >= 2500. Hence the exact buckets below 4096 (values under half a cent cost nothing).
 *
 * The first six bits after the leading one name the last bucket their range reaches; one
 * comparison decides between that and the one before, for no bucket is narrower than 1/64.
 *
 * Form 2 counts over the ranges of magnitudes seen, one range for each sign, zero apart.
 *
 * Stored: varint number of pairs, then pairs in ascending order of bucket: the bucket
 * (zigzag, the first) or its distance to the one before (varint), and its count (varint).
 *
 * 1. A value's bucket depends on nothing but the value: merging adds counts, in any order.
 * 2. Forms 0 and 1 hold n <= LIST_MAX bucket numbers in order of arrival.
 * 3. Form 2 counts all of u.dense->n values; counts outside [low, low + n) are unset memory.
 * 4. Room is made first, then counts change: a failed call leaves them as they were.
 */
#include "windows/quantile.h"

#include <assert.h>
#include <stdlib.h>

enum { INLINE, LIST, DENSE };
enum { FEW = 4, LIST_MAX = 32, SLACK = 32, NEGATIVE = 0, POSITIVE = 1 };
enum { EXACT_BITS = 12, EXACT = 1 << EXACT_BITS, CUTS = 36 };
enum {
    BUCKET_MAX = EXACT + CUTS * (63 - EXACT_BITS) - 1, /* INT64_MAX's */
    BUCKET_MIN = -BUCKET_MAX - 1,                      /* INT64_MIN's alone */
    PAIRS_MAX = BUCKET_MAX - BUCKET_MIN + 1
};

/* counts[i] belongs to the magnitude's bucket low + i. */
struct side {
    uint64_t *counts;
    uint16_t low, n, cap;
};

struct quantile_dense {
    uint64_t n, zero;
    struct side side[2];
};

static const uint32_t limit[CUTS] = {
    2147483648, 2189591170, 2232524330, 2276299316, 2320932635, 2366441118, 2412841924, 2460152549,
    2508390834, 2557574968, 2607723496, 2658855329, 2710989747, 2764146408, 2818345357, 2873607030,
    2929952265, 2987402309, 3045978824, 3105703898, 3166600052, 3228690249, 3291997900, 3356546878,
    3422361522, 3489466649, 3557887563, 3627650064, 3698780457, 3771305564, 3845252731, 3920649843,
    3997525330, 4075908179, 4155827947, 4237314769,
};

/* reach[t]: the last j with limit[j] < (65 + t) * 2^25. */
static const uint8_t reach[64] = {
    0,  1,  2,  3,  3,  4,  5,  6,  6,  7,  8,  8,  9,  10, 10, 11, 12, 12, 13, 14, 14, 15,
    15, 16, 16, 17, 18, 18, 19, 19, 20, 20, 21, 21, 22, 22, 23, 24, 24, 25, 25, 25, 26, 26,
    27, 27, 28, 28, 29, 29, 30, 30, 31, 31, 31, 32, 32, 33, 33, 34, 34, 34, 35, 35,
};

/* ---- buckets ---- */

int16_t quantile_bucket(int64_t value)
{
    uint64_t v = value < 0 ? -(uint64_t)value : (uint64_t)value;
    int32_t bucket = (int32_t)v;

    if (v >= EXACT) {
        int32_t zeros = __builtin_clzll(v);
        uint32_t top = (uint32_t)((v << zeros) >> 32);
        uint32_t j = reach[(top >> 25) & 63];
        j -= top < limit[j];
        bucket = EXACT + CUTS * (63 - EXACT_BITS - zeros) + (int32_t)j;
    }
    return (int16_t)(value < 0 ? -bucket : bucket);
}

/* The smallest magnitude of a bucket. */
static uint64_t lowest_of(uint32_t bucket)
{
    if (bucket < EXACT)
        return bucket;
    uint32_t e = EXACT_BITS + (bucket - EXACT) / CUTS;
    uint64_t cut = limit[(bucket - EXACT) % CUTS];
    return e >= 31 ? cut << (e - 31) : (cut + (UINT64_C(1) << (31 - e)) - 1) >> (31 - e);
}

void quantile_bounds(int16_t bucket, int64_t *lowest, int64_t *highest)
{
    assert(bucket >= BUCKET_MIN && bucket <= BUCKET_MAX);
    if (bucket == BUCKET_MIN) {
        *lowest = *highest = INT64_MIN;
        return;
    }
    uint32_t b = (uint32_t)(bucket < 0 ? -bucket : bucket);
    int64_t low = (int64_t)lowest_of(b);
    int64_t high = (int64_t)(lowest_of(b + 1) - 1);
    *lowest = bucket < 0 ? -high : low;
    *highest = bucket < 0 ? -low : high;
}

/* ---- one side of the dense form ---- */

static enum err side_room(struct side *s, uint16_t n)
{
    if (n <= s->cap)
        return ERR_OK;
    uint64_t *p = realloc(s->counts, n * sizeof(*p));
    if (!p)
        return ERR_NOMEM;
    s->counts = p;
    s->cap = n;
    return ERR_OK;
}

/* Makes [low, high] countable, with some slack where the range grows. */
static enum err side_widen(struct side *s, int32_t low, int32_t high)
{
    int32_t old_low = s->n ? s->low : low, old_high = s->n ? s->low + s->n - 1 : low - 1;

    low = low < old_low || s->n == 0 ? low - SLACK : old_low;
    high = high > old_high ? high + SLACK : old_high;
    low = low < 1 ? 1 : low;
    high = high > -BUCKET_MIN ? -BUCKET_MIN : high;

    uint16_t n = (uint16_t)(high - low + 1), shift = (uint16_t)(old_low - low);
    enum err e = side_room(s, n);
    if (e)
        return e;
    if (shift > 0 && s->n > 0)
        memmove(s->counts + shift, s->counts, s->n * sizeof(*s->counts));
    memset(s->counts, 0, shift * sizeof(*s->counts));
    memset(s->counts + shift + s->n, 0, (size_t)(n - shift - s->n) * sizeof(*s->counts));
    s->low = (uint16_t)low;
    s->n = n;
    return ERR_OK;
}

static enum err side_cover(struct side *s, int32_t low, int32_t high)
{
    return low >= s->low && high < s->low + s->n ? ERR_OK : side_widen(s, low, high);
}

/* The part of the range that counts something; *n is 0 when nothing does. */
static uint32_t side_used(const struct side *s, uint32_t *n)
{
    uint32_t from = 0, to = s->n;

    while (from < to && s->counts[from] == 0)
        from++;
    while (to > from && s->counts[to - 1] == 0)
        to--;
    *n = to - from;
    return from;
}

static void side_merge(struct side *into, const struct side *from)
{
    uint32_t n;
    uint32_t at = side_used(from, &n);

    if (n == 0)
        return;
    uint64_t *to = into->counts + (from->low + at - into->low);
    for (uint32_t i = 0; i < n; i++)
        to[i] += from->counts[at + i];
}

/* ---- the dense form ---- */

static void dense_free(struct quantile_dense *d)
{
    free(d->side[NEGATIVE].counts);
    free(d->side[POSITIVE].counts);
    free(d);
}

static enum err dense_cover(struct quantile_dense *d, int16_t bucket)
{
    if (bucket == 0)
        return ERR_OK;
    int32_t b = bucket < 0 ? -bucket : bucket;
    return side_cover(&d->side[bucket > 0], b, b);
}

static void dense_count(struct quantile_dense *d, int16_t bucket, uint64_t count)
{
    struct side *s = &d->side[bucket > 0];
    int32_t b = bucket < 0 ? -bucket : bucket;

    d->n += count;
    if (b == 0)
        d->zero += count;
    else
        s->counts[b - s->low] += count;
}

/* Room for all the buckets of a list. */
static enum err dense_cover_list(struct quantile_dense *d, const int16_t *list, uint32_t n)
{
    enum err e = ERR_OK;

    for (uint32_t i = 0; i < n && !e; i++)
        e = dense_cover(d, list[i]);
    return e;
}

static enum err dense_cover_dense(struct quantile_dense *d, const struct quantile_dense *from)
{
    enum err e = ERR_OK;

    for (int i = NEGATIVE; i <= POSITIVE && !e; i++) {
        uint32_t n;
        int32_t low = (int32_t)side_used(&from->side[i], &n) + from->side[i].low;
        if (n > 0)
            e = side_cover(&d->side[i], low, low + (int32_t)n - 1);
    }
    return e;
}

/* ---- forms ---- */

static const int16_t *list_of(const struct quantile *q)
{
    return q->form == INLINE ? q->u.few : q->u.list;
}

static uint32_t capacity(const struct quantile *q)
{
    return q->form == INLINE ? FEW : q->size;
}

void quantile_init(struct quantile *q)
{
    *q = (struct quantile){0};
}

void quantile_clear(struct quantile *q)
{
    if (q->form == LIST)
        free(q->u.list);
    if (q->form == DENSE)
        dense_free(q->u.dense);
    quantile_init(q);
}

void quantile_reset(struct quantile *q)
{
    q->n = 0;
    if (q->form != DENSE)
        return;
    q->u.dense->n = q->u.dense->zero = 0;
    q->u.dense->side[NEGATIVE].n = q->u.dense->side[POSITIVE].n = 0;
}

static enum err become_dense(struct quantile *q)
{
    struct quantile_dense *d = calloc(1, sizeof(*d));

    if (!d)
        return ERR_NOMEM;
    enum err e = dense_cover_list(d, list_of(q), q->n);
    if (e) {
        dense_free(d);
        return e;
    }
    for (uint32_t i = 0; i < q->n; i++)
        dense_count(d, list_of(q)[i], 1);
    quantile_clear(q);
    q->form = DENSE;
    q->u.dense = d;
    return ERR_OK;
}

/* Room for n values in all: in the list, or, past LIST_MAX, in the dense form. */
static enum err grow(struct quantile *q, uint64_t n)
{
    if (q->form == DENSE || n <= capacity(q))
        return ERR_OK;
    if (n > LIST_MAX)
        return become_dense(q);

    uint16_t size = 2 * FEW;
    while (size < n)
        size = (uint16_t)(size * 2);
    int16_t *p = realloc(q->form == INLINE ? NULL : q->u.list, size * sizeof(*p));
    if (!p)
        return ERR_NOMEM;
    if (q->form == INLINE)
        memcpy(p, q->u.few, sizeof(q->u.few));
    q->u.list = p;
    q->form = LIST;
    q->size = size;
    return ERR_OK;
}

/* ---- buckets in use, in ascending order ---- */

struct walk {
    const struct quantile *q;
    uint32_t at, end;
    int16_t sorted[LIST_MAX];
};

static void sort_list(int16_t *bucket, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        int16_t b = bucket[i];
        size_t at = i;
        for (; at > 0 && bucket[at - 1] > b; at--)
            bucket[at] = bucket[at - 1];
        bucket[at] = b;
    }
}

static void walk_start(struct walk *w, const struct quantile *q)
{
    w->q = q;
    w->at = 0;
    w->end = q->n;
    if (q->form == DENSE) {
        w->end = q->u.dense->side[NEGATIVE].n + 1U + q->u.dense->side[POSITIVE].n;
        return;
    }
    memcpy(w->sorted, list_of(q), q->n * sizeof(*w->sorted));
    sort_list(w->sorted, q->n);
}

/* Position `at` of the negative side from its end, then zero, then the positive side. */
static uint64_t dense_at(const struct quantile_dense *d, uint32_t at, int16_t *bucket)
{
    const struct side *negative = &d->side[NEGATIVE], *positive = &d->side[POSITIVE];

    *bucket = 0;
    if (at == negative->n)
        return d->zero;
    if (at < negative->n) {
        at = negative->n - 1 - at;
        *bucket = (int16_t) - (int32_t)(negative->low + at);
        return negative->counts[at];
    }
    at -= negative->n + 1U;
    *bucket = (int16_t)(positive->low + at);
    return positive->counts[at];
}

static bool walk_next(struct walk *w, int16_t *bucket, uint64_t *count)
{
    *count = 0;
    if (w->q->form == DENSE) {
        while (w->at < w->end && *count == 0)
            *count = dense_at(w->q->u.dense, w->at++, bucket);
        return *count > 0;
    }
    if (w->at == w->end)
        return false;
    *bucket = w->sorted[w->at];
    while (w->at < w->end && w->sorted[w->at] == *bucket) {
        w->at++;
        ++*count;
    }
    return true;
}

/* ---- adding and merging ---- */

static void put(struct quantile *q, int16_t bucket)
{
    int16_t *list = q->form == INLINE ? q->u.few : q->u.list;

    list[q->n++] = bucket;
}

/* Room must be there. */
static void put_count(struct quantile *q, int16_t bucket, uint64_t count)
{
    if (q->form == DENSE) {
        dense_count(q->u.dense, bucket, count);
        return;
    }
    for (; count > 0; count--)
        put(q, bucket);
}

enum err quantile_add_buckets(struct quantile *q, const int16_t *bucket, size_t n)
{
    enum err e = q->form == DENSE ? ERR_OK : grow(q, (uint64_t)q->n + n);

    if (!e && q->form == DENSE)
        e = dense_cover_list(q->u.dense, bucket, (uint32_t)n);
    for (size_t i = 0; !e && i < n; i++)
        put_count(q, bucket[i], 1);
    return e;
}

enum err quantile_add(struct quantile *q, int64_t value)
{
    int16_t bucket = quantile_bucket(value);

    return quantile_add_buckets(q, &bucket, 1);
}

uint64_t quantile_count(const struct quantile *q)
{
    return q->form == DENSE ? q->u.dense->n : q->n;
}

/* A list, or a dense form that was reset and holds little, into either form. */
static enum err merge_few(struct quantile *into, const struct quantile *from)
{
    struct walk w;
    int16_t bucket;
    uint64_t count;
    enum err e = ERR_OK;

    if (into->form == DENSE && from->form != DENSE)
        e = dense_cover_list(into->u.dense, list_of(from), from->n);
    if (e)
        return e;
    if (from->form != DENSE) {
        for (uint32_t i = 0, n = from->n; i < n; i++) /* from may be into */
            put_count(into, list_of(from)[i], 1);
        return ERR_OK;
    }
    walk_start(&w, from);
    while (walk_next(&w, &bucket, &count))
        put_count(into, bucket, count);
    return ERR_OK;
}

enum err quantile_merge(struct quantile *into, const struct quantile *from)
{
    enum err e = grow(into, quantile_count(into) + quantile_count(from));

    if (e)
        return e;
    if (into->form != DENSE || from->form != DENSE)
        return merge_few(into, from);

    struct quantile_dense *to = into->u.dense;
    const struct quantile_dense *d = from->u.dense;
    e = dense_cover_dense(to, d);
    if (e)
        return e;
    to->n += d->n;
    to->zero += d->zero;
    side_merge(&to->side[NEGATIVE], &d->side[NEGATIVE]);
    side_merge(&to->side[POSITIVE], &d->side[POSITIVE]);
    return ERR_OK;
}

/* ---- reading ---- */

size_t quantile_memory(const struct quantile *q)
{
    if (q->form == INLINE)
        return 0;
    if (q->form == LIST)
        return q->size * sizeof(*q->u.list);
    const struct side *side = q->u.dense->side;
    size_t cap = (size_t)side[NEGATIVE].cap + side[POSITIVE].cap;
    return sizeof(*q->u.dense) + cap * sizeof(*side->counts);
}

void quantile_range(const struct quantile *q, int16_t *lowest, int16_t *highest)
{
    struct walk w;
    uint64_t count;

    *lowest = *highest = 0;
    walk_start(&w, q);
    if (!walk_next(&w, lowest, &count))
        return;
    int16_t bucket = *lowest;
    do {
        *highest = bucket;
    } while (walk_next(&w, &bucket, &count));
}

static uint64_t rank_of(double p, uint64_t n)
{
    if (!(p > 0))
        return 1;
    if (p >= 1)
        return n;
    double rank = p * (double)n;
    uint64_t whole = (uint64_t)rank;
    whole += (double)whole < rank;
    return whole < 1 ? 1 : whole;
}

static int64_t middle(int16_t bucket, int64_t min, int64_t max)
{
    int64_t lowest, highest;

    quantile_bounds(bucket, &lowest, &highest);
    int64_t value = lowest + (highest - lowest) / 2;
    value = value < min ? min : value;
    return value > max ? max : value;
}

void quantile_of_list(struct quantile_list list, int64_t min, int64_t max, const double *p,
                      size_t n, int64_t *out)
{
    size_t before = SIZE_MAX;

    sort_list(list.bucket, list.n);
    for (size_t i = 0; i < n; i++) {
        size_t at = list.n ? rank_of(p[i], list.n) - 1 : 0;
        if (!list.n)
            out[i] = 0;
        else if (before != SIZE_MAX && list.bucket[at] == list.bucket[before])
            out[i] = out[i - 1];
        else
            out[i] = middle(list.bucket[at], min, max);
        before = at;
    }
}

void quantile_at(const struct quantile *q, int64_t min, int64_t max, const double *p, size_t n,
                 int64_t *out)
{
    int16_t list[LIST_MAX], bucket = 0;
    uint64_t seen = 0;
    uint32_t at = 0;

    if (q->form != DENSE) {
        memcpy(list, list_of(q), q->n * sizeof(*list));
        quantile_of_list((struct quantile_list){list, q->n}, min, max, p, n, out);
        return;
    }
    const struct quantile_dense *d = q->u.dense;
    uint32_t end = d->side[NEGATIVE].n + 1U + d->side[POSITIVE].n;
    for (size_t i = 0; i < n; i++) {
        uint64_t rank = rank_of(p[i], d->n);
        while (seen < rank && at < end)
            seen += dense_at(d, at++, &bucket);
        out[i] = d->n ? middle(bucket, min, max) : 0;
    }
}

/* ---- storing ---- */

static enum err save_pairs(const struct quantile *q, struct buf *out)
{
    struct walk w;
    int32_t before = 0;
    int16_t bucket = 0;
    uint64_t count;
    bool first = true;
    enum err e = ERR_OK;

    walk_start(&w, q);
    while (!e && walk_next(&w, &bucket, &count)) {
        e = first ? buf_zigzag(out, bucket) : buf_varint(out, (uint64_t)(bucket - before));
        if (!e)
            e = buf_varint(out, count);
        before = bucket;
        first = false;
    }
    return e;
}

enum err quantile_save(const struct quantile *q, struct buf *out)
{
    struct walk w;
    size_t start = out->n;
    uint64_t pairs = 0, count;
    int16_t bucket;

    walk_start(&w, q);
    while (walk_next(&w, &bucket, &count))
        pairs++;
    enum err e = buf_varint(out, pairs);
    if (!e)
        e = save_pairs(q, out);
    if (e)
        out->n = start;
    return e;
}

static enum err load_pair(struct quantile *q, int64_t bucket, uint64_t count)
{
    uint64_t room = (uint64_t)INT64_MAX - quantile_count(q);

    if (bucket < BUCKET_MIN || bucket > BUCKET_MAX || count == 0 || count > room)
        return ERR_DAMAGED;
    enum err e = grow(q, quantile_count(q) + count);
    if (!e && q->form == DENSE)
        e = dense_cover(q->u.dense, (int16_t)bucket);
    if (!e)
        put_count(q, (int16_t)bucket, count);
    return e;
}

enum err quantile_load(struct quantile *q, struct reader *in)
{
    uint64_t pairs = read_count(in, PAIRS_MAX);
    int64_t bucket = 0;
    enum err e = in->bad ? ERR_DAMAGED : ERR_OK;

    quantile_reset(q);
    for (uint64_t i = 0; i < pairs && !e; i++) {
        int64_t step = i ? (int64_t)read_count(in, PAIRS_MAX) : read_zigzag(in);
        uint64_t count = read_varint(in);
        if (in->bad || (i > 0 && step == 0) || step > PAIRS_MAX)
            e = ERR_DAMAGED;
        else
            bucket += step;
        if (!e)
            e = load_pair(q, bucket, count);
    }
    if (e)
        quantile_reset(q);
    return e;
}
