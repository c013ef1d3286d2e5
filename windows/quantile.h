/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * quantile: a mergeable histogram of int64 values with fixed logarithmic buckets
 * (DDSketch: Masson, Rim, Lee 2019), never collapsed.
 *
 * Bucket limits are integers grown by the same integer rule on every machine, each about
 * 2 % above the last below it (alpha = 1 %), so that the value returned for any quantile is
 * within 1 % of an exact order statistic (exact for values under 4096 millionths, where every
 * integer has a bucket of its own). Zero and negative values have buckets of their own.
 *
 * Size: 16 bytes; up to 4 values inline as bucket numbers; then a list of bucket numbers up
 * to 32; then dense counts over the range of buckets seen, negative and positive apart.
 */
#ifndef TILLSTREAM_WINDOWS_QUANTILE_H
#define TILLSTREAM_WINDOWS_QUANTILE_H

#include "engine/buf.h"
#include "engine/err.h"

struct quantile_dense;

struct quantile {
    uint32_t n;    /* values, while a list */
    uint16_t form; /* 0 inline, 1 list, 2 dense */
    uint16_t size;
    union {
        int16_t few[4];
        int16_t *list;
        struct quantile_dense *dense;
    } u;
};

void quantile_init(struct quantile *q);
void quantile_clear(struct quantile *q);
void quantile_reset(struct quantile *q);                             /* empties; may keep memory */
enum err quantile_add(struct quantile *q, int64_t value) MUST_CHECK; /* ERR_NOMEM: unchanged */
/* Values whose buckets are known; ERR_NOMEM: none is counted. */
enum err quantile_add_buckets(struct quantile *q, const int16_t *bucket, size_t n) MUST_CHECK;
enum err quantile_merge(struct quantile *into, const struct quantile *from) MUST_CHECK;
/* How many values; the lowest and the highest bucket in use (both 0 when there is none). */
uint64_t quantile_count(const struct quantile *q);
void quantile_range(const struct quantile *q, int16_t *lowest, int16_t *highest);
/* The value at each p[i] (0 to 1, ascending): the bucket of the ceil(p*n)-th smallest value
 * (the first for p = 0), represented by the middle of the bucket and clamped to [min, max].
 * n == 0 gives 0. One pass for all of them. */
void quantile_at(const struct quantile *q, int64_t min, int64_t max, const double *p, size_t n,
                 int64_t *out);
/* The same for a few bucket numbers, which are sorted in place. */
struct quantile_list {
    int16_t *bucket;
    size_t n;
};
void quantile_of_list(struct quantile_list list, int64_t min, int64_t max, const double *p,
                      size_t n, int64_t *out);
size_t quantile_memory(const struct quantile *q);
/* Stored as (bucket, count) pairs in bucket order, whatever the form. A load replaces what
 * `q` held and leaves it empty when it fails. */
enum err quantile_save(const struct quantile *q, struct buf *out) MUST_CHECK;
enum err quantile_load(struct quantile *q,
                       struct reader *in) MUST_CHECK; /* ERR_DAMAGED, ERR_NOMEM */
/* Exposed for tests: the bucket of a value, and the smallest and largest value of a bucket. */
int16_t quantile_bucket(int64_t value);
void quantile_bounds(int16_t bucket, int64_t *lowest, int64_t *highest);

#endif
