/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Order of judgement of a sale: sum of all values fits? known RecordID? too far ahead? late?
 *
 * Invariants:
 *  (1) per shard: read = aggregated + late + rejected + pending; duplicates stand apart.
 *  (2) the merged watermark never decreases; level of a shard never decreases.
 *  (3) gross and units, the sums of |value| and |quantity| over accepted and penned sales,
 *      fit int64.
 *  (4) a shard's pen is empty once its source has ended.
 */
#include "engine/judge.h"

#include "engine/dedup.h"
#include "engine/pen.h"
#include "engine/when.h"

#include <stdlib.h>

#define STATE_VERSION 1
#define SHARDS_MAX 100000

struct shard {
    int64_t source;
    char *name;
    int64_t level_ms; /* highest accepted event time; WHEN_NONE: none yet */
    bool idle, ended;
    struct pen pen;
    struct judge_counts counts;
};

struct judge {
    const struct settings *settings;
    struct shard *shard;
    int n_shards;
    int64_t watermark_ms;
    int64_t highest_ms; /* over all shards, also ended ones */
    int64_t ended_ms;   /* highest level at which a shard ended */
    int64_t gross, units;
    struct dedup *dedup;
};

enum err judge_open(const struct settings *s, struct judge **out)
{
    struct judge *j = calloc(1, sizeof(*j));

    if (!j)
        return ERR_NOMEM;
    j->settings = s;
    j->watermark_ms = WHEN_NONE;
    j->highest_ms = j->ended_ms = WHEN_NONE;
    if (dedup_open((size_t)s->dedup_max, &j->dedup)) {
        free(j);
        return ERR_NOMEM;
    }
    *out = j;
    return ERR_OK;
}

void judge_close(struct judge *j)
{
    if (!j)
        return;
    for (int i = 0; i < j->n_shards; i++) {
        free(j->shard[i].name);
        pen_clear(&j->shard[i].pen);
    }
    free(j->shard);
    dedup_close(j->dedup);
    free(j);
}

static enum err add_shard(struct judge *j, int64_t source, struct str name)
{
    struct shard *shard = realloc(j->shard, ((size_t)j->n_shards + 1) * sizeof(*shard));

    if (!shard)
        return ERR_NOMEM;
    j->shard = shard;
    char *copy = malloc(name.n + 1);
    if (!copy)
        return ERR_NOMEM;
    if (name.n)
        memcpy(copy, name.p, name.n);
    copy[name.n] = '\0';
    shard[j->n_shards++] = (struct shard){.source = source, .name = copy, .level_ms = WHEN_NONE};
    return ERR_OK;
}

/* The shard's number, -1 if there is none. */
static int find_shard(const struct judge *j, int64_t source, struct str name)
{
    for (int i = 0; i < j->n_shards; i++) {
        if (j->shard[i].source == source && str_eq(str_of(j->shard[i].name), name))
            return i;
    }
    return -1;
}

bool judge_is_open(const struct judge *j, int64_t source, struct str name, int *shard)
{
    *shard = find_shard(j, source, name);
    return *shard >= 0 && !j->shard[*shard].ended;
}

enum err judge_shard(struct judge *j, int64_t source, struct str name, int *shard)
{
    int known = find_shard(j, source, name);

    if (known >= 0) {
        j->shard[known].ended = false;
        *shard = known;
        return ERR_OK;
    }
    if (j->n_shards == SHARDS_MAX)
        return ERR_LIMIT;
    *shard = j->n_shards;
    return add_shard(j, source, name);
}

/* The level a sale of this shard is measured against: its own or that of those that ended;
 * for its first sale, that of all. */
static int64_t reference(const struct judge *j, const struct shard *s)
{
    if (s->level_ms == WHEN_NONE)
        return j->highest_ms;
    return s->level_ms > j->ended_ms ? s->level_ms : j->ended_ms;
}

static int64_t minus(int64_t time_ms, int64_t by_ms)
{
    return time_ms == WHEN_NONE || time_ms < WHEN_NONE + 1 + by_ms ? WHEN_NONE : time_ms - by_ms;
}

static void move_watermark(struct judge *j)
{
    int64_t lowest = INT64_MAX;

    for (int i = 0; i < j->n_shards; i++) {
        const struct shard *s = &j->shard[i];
        if (!s->idle && !s->ended && s->level_ms < lowest)
            lowest = s->level_ms;
    }
    if (lowest == INT64_MAX || lowest == WHEN_NONE)
        return;
    int64_t watermark = minus(lowest, j->settings->out_of_order_ms);
    if (watermark > j->watermark_ms)
        j->watermark_ms = watermark;
}

static enum err tell(struct judge *j, enum fate fate, const struct sale *sale, judge_fn each,
                     void *arg)
{
    struct outcome o = {.fate = fate, .sale = sale, .watermark_ms = j->watermark_ms};

    return each(arg, &o);
}

static uint64_t magnitude(int64_t v)
{
    return v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
}

static bool fits(const struct judge *j, const struct sale *sale)
{
    return magnitude(sale->value) <= (uint64_t)(INT64_MAX - j->gross) &&
           magnitude(sale->quantity) <= (uint64_t)(INT64_MAX - j->units);
}

static void count_in(struct judge *j, const struct sale *sale)
{
    j->gross += (int64_t)magnitude(sale->value);
    j->units += (int64_t)magnitude(sale->quantity);
}

static void count_out(struct judge *j, const struct sale *sale)
{
    j->gross -= (int64_t)magnitude(sale->value);
    j->units -= (int64_t)magnitude(sale->quantity);
}

/* Late or accepted. The sale is counted in already. */
static enum err judge_time(struct judge *j, struct shard *s, const struct sale *sale, judge_fn each,
                           void *arg)
{
    if (sale->time_ms < minus(j->watermark_ms, j->settings->allowed_lateness_ms)) {
        s->counts.late++;
        count_out(j, sale);
        return tell(j, FATE_LATE, sale, each, arg);
    }
    s->counts.aggregated++;
    s->idle = false; /* also when its source ends while it is penned */
    if (sale->time_ms > s->level_ms) {
        s->level_ms = sale->time_ms;
        if (s->level_ms > j->highest_ms)
            j->highest_ms = s->level_ms;
        move_watermark(j);
    }
    return tell(j, FATE_ACCEPTED, sale, each, arg);
}

static bool too_far(const struct judge *j, const struct shard *s, int64_t time_ms)
{
    int64_t level = reference(j, s);

    return level != WHEN_NONE && time_ms > level && time_ms - level > j->settings->max_ahead_ms;
}

/* The penned sales were mistakes. */
static enum err refuse_pen(struct judge *j, struct shard *s, judge_fn each, void *arg)
{
    struct pen pen = s->pen;
    enum err e = ERR_OK;

    s->pen = (struct pen){0};
    for (size_t i = 0; !e && i < pen.n; i++) {
        s->counts.pending--;
        s->counts.late++;
        count_out(j, &pen.sale[i]);
        e = tell(j, FATE_AHEAD, &pen.sale[i], each, arg);
    }
    pen_clear(&pen);
    return e;
}

/* The gap is real: judge the penned sales again from the earliest of them, which at least
 * waits no longer. */
static enum err release_pen(struct judge *j, struct shard *s, judge_fn each, void *arg)
{
    struct pen pen = s->pen;
    enum err e = ERR_OK;

    int64_t before_ms = pen_earliest(&pen) - 1; /* so that the earliest itself moves it */

    s->pen = (struct pen){0};
    /* What stayed in the pen at an earlier release may be behind the level by now. */
    if (before_ms > s->level_ms)
        s->level_ms = before_ms;
    for (size_t i = 0; !e && i < pen.n; i++) {
        const struct sale *sale = &pen.sale[i];
        if (too_far(j, s, sale->time_ms)) {
            e = pen_add(&s->pen, sale);
            continue;
        }
        s->counts.pending--;
        e = judge_time(j, s, sale, each, arg);
    }
    pen_clear(&pen);
    return e;
}

static enum err hold(struct judge *j, struct shard *s, const struct sale *sale, judge_fn each,
                     void *arg)
{
    size_t invoices = (size_t)j->settings->pen_invoices;
    enum err e = pen_add(&s->pen, sale);

    if (e)
        return e;
    s->counts.pending++;
    bool real =
        s->pen.n >= (size_t)j->settings->pen_sales && pen_invoices(&s->pen, invoices) >= invoices;
    if (real || s->pen.n >= PEN_MAX)
        e = release_pen(j, s, each, arg);
    return e;
}

static bool within_reach(const struct judge *j, const struct shard *s, int64_t time_ms)
{
    int64_t level = reference(j, s);

    return time_ms >= minus(level, j->settings->max_ahead_ms);
}

static enum err duplicate(struct judge *j, const struct sale *sale, bool *seen)
{
    int64_t now = j->watermark_ms;
    int64_t from = sale->time_ms > now ? sale->time_ms : now;

    *seen = false;
    if (!sale->record_id.n)
        return ERR_OK;
    return dedup_check(j->dedup, sale->record_id, now, from + j->settings->dedup_horizon_ms, seen);
}

enum err judge_sale(struct judge *j, int shard, const struct sale *sale, judge_fn each, void *arg)
{
    struct shard *s = &j->shard[shard];
    bool seen;
    enum err e = duplicate(j, sale, &seen);

    s->idle = false;
    if (e || seen) {
        s->counts.duplicates += seen;
        return e;
    }
    s->counts.read++;
    if (!fits(j, sale)) {
        struct outcome o = {
            .fate = FATE_REJECTED,
            .sale = sale,
            .watermark_ms = j->watermark_ms,
            .reason = "the sum of all line values would pass 9223372036854.775807, or that of all "
                      "quantities 9223372036854775807",
        };
        s->counts.rejected++;
        return each(arg, &o);
    }
    count_in(j, sale);
    if (too_far(j, s, sale->time_ms))
        return hold(j, s, sale, each, arg);
    if (s->pen.n && within_reach(j, s, sale->time_ms))
        e = refuse_pen(j, s, each, arg);
    return e ? e : judge_time(j, s, sale, each, arg);
}

void judge_reject(struct judge *j, int shard)
{
    j->shard[shard].counts.read++;
    j->shard[shard].counts.rejected++;
}

enum err judge_end(struct judge *j, int shard, judge_fn each, void *arg)
{
    struct shard *s = &j->shard[shard];
    enum err e = ERR_OK;

    while (!e && s->pen.n)
        e = release_pen(j, s, each, arg);
    s->ended = true;
    if (s->level_ms > j->ended_ms)
        j->ended_ms = s->level_ms;
    move_watermark(j);
    return e;
}

enum err judge_merge(struct judge *j, int64_t source, struct str shard, const struct sale *sale)
{
    struct shard *s = NULL;

    for (int i = 0; i < j->n_shards && !s; i++) {
        if (j->shard[i].source == source && str_eq(str_of(j->shard[i].name), shard))
            s = &j->shard[i];
    }
    if (!s || s->counts.late == 0)
        return ERR_NOT_FOUND;
    if (!fits(j, sale))
        return ERR_LIMIT;
    count_in(j, sale);
    s->counts.late--;
    s->counts.aggregated++;
    return ERR_OK;
}

void judge_idle(struct judge *j, int shard)
{
    j->shard[shard].idle = true;
    move_watermark(j);
}

int64_t judge_waits_for(const struct judge *j, int shard)
{
    for (int i = 0; i < j->n_shards; i++) {
        const struct shard *s = &j->shard[i];
        if (s->source != j->shard[shard].source && !s->idle && !s->ended)
            return s->source;
    }
    return 0;
}

int64_t judge_watermark(const struct judge *j)
{
    return j->watermark_ms;
}

int64_t judge_shard_watermark(const struct judge *j, int shard)
{
    return minus(j->shard[shard].level_ms, j->settings->out_of_order_ms);
}

struct judge_counts judge_counts(const struct judge *j, int shard)
{
    return j->shard[shard].counts;
}

size_t judge_memory(const struct judge *j)
{
    size_t bytes = dedup_memory(j->dedup) + (size_t)j->n_shards * sizeof(*j->shard);

    for (int i = 0; i < j->n_shards; i++)
        bytes += j->shard[i].pen.cap * sizeof(struct sale) + j->shard[i].pen.bytes;
    return bytes;
}

static enum err save_shard(const struct shard *s, struct buf *out)
{
    const struct judge_counts *c = &s->counts;
    const int64_t number[] = {s->source, s->level_ms, c->read,    c->aggregated,
                              c->late,   c->rejected, c->pending, c->duplicates};
    enum err e = buf_bytes(out, str_of(s->name));

    for (size_t i = 0; !e && i < countof(number); i++)
        e = buf_zigzag(out, number[i]);
    if (!e)
        e = buf_u8(out, (uint8_t)(s->idle | s->ended << 1));
    if (!e)
        e = pen_save(&s->pen, out);
    return e;
}

enum err judge_save(struct judge *j, struct parcel *p)
{
    struct buf bytes;
    struct span name = {0}, data = {0};
    const int64_t number[] = {j->watermark_ms, j->highest_ms, j->ended_ms, j->gross, j->units};
    enum err e = ERR_OK;

    buf_init(&bytes, 256u << 20);
    for (size_t i = 0; !e && i < countof(number); i++)
        e = buf_zigzag(&bytes, number[i]);
    if (!e)
        e = buf_varint(&bytes, (uint64_t)j->n_shards);
    for (int i = 0; !e && i < j->n_shards; i++)
        e = save_shard(&j->shard[i], &bytes);
    if (!e)
        e = parcel_text(p, STR("judge"), &name);
    if (!e)
        e = parcel_text(p, (struct str){bytes.p, bytes.n}, &data);
    buf_clear(&bytes);
    if (e)
        return e;
    struct state_row *row = list_add(&p->states);
    if (!row)
        return ERR_NOMEM;
    *row = (struct state_row){.name = name, .version = STATE_VERSION, .data = data};
    return dedup_deliver(j->dedup, p);
}

/* So far from 1970 that no difference of two such times overflows. */
static bool is_time(int64_t ms)
{
    return ms == WHEN_NONE || (ms > -(INT64_C(1) << 60) && ms < INT64_C(1) << 60);
}

/* Invariants (1), (3) and (4). What is penned is taken off *gross and *units. */
static bool sound(const struct shard *s, int64_t *gross, int64_t *units)
{
    const struct judge_counts *c = &s->counts;
    const int64_t part[] = {c->aggregated, c->late, c->rejected, c->pending};
    int64_t left = c->read;
    bool good = is_time(s->level_ms) && c->duplicates >= 0 && (uint64_t)c->pending == s->pen.n;

    for (size_t i = 0; i < countof(part); i++) {
        good = good && part[i] >= 0 && part[i] <= left;
        left -= good ? part[i] : 0;
    }
    for (size_t i = 0; good && i < s->pen.n; i++) {
        const struct sale *sale = &s->pen.sale[i];
        uint64_t value = magnitude(sale->value), quantity = magnitude(sale->quantity);
        good = is_time(sale->time_ms) && sale->time_ms != WHEN_NONE && value <= (uint64_t)*gross &&
               quantity <= (uint64_t)*units;
        *gross -= good ? (int64_t)value : 0;
        *units -= good ? (int64_t)quantity : 0;
    }
    return good && left == 0 && !(s->ended && s->pen.n);
}

static enum err load_shard(struct judge *j, struct reader *in)
{
    struct str name = read_bytes(in);
    enum err e = in->bad ? ERR_DAMAGED : add_shard(j, read_zigzag(in), name);

    if (e)
        return e;
    struct shard *s = &j->shard[j->n_shards - 1];
    s->level_ms = read_zigzag(in);
    s->counts.read = read_zigzag(in);
    s->counts.aggregated = read_zigzag(in);
    s->counts.late = read_zigzag(in);
    s->counts.rejected = read_zigzag(in);
    s->counts.pending = read_zigzag(in);
    s->counts.duplicates = read_zigzag(in);
    unsigned flags = read_u8(in);
    s->idle = flags & 1;
    s->ended = flags & 2;
    return pen_load(&s->pen, in);
}

static enum err load_all(struct judge *j, struct reader *in)
{
    enum err e = ERR_OK;

    j->watermark_ms = read_zigzag(in);
    j->highest_ms = read_zigzag(in);
    j->ended_ms = read_zigzag(in);
    j->gross = read_zigzag(in);
    j->units = read_zigzag(in);
    int64_t gross = j->gross, units = j->units;
    bool good = is_time(j->watermark_ms) && is_time(j->highest_ms) && is_time(j->ended_ms) &&
                gross >= 0 && units >= 0;
    uint64_t n = read_count(in, SHARDS_MAX);
    for (uint64_t i = 0; good && !e && i < n; i++) {
        e = load_shard(j, in);
        good = !e && sound(&j->shard[i], &gross, &units);
    }
    return e || (good && !in->bad && in->p == in->end) ? e : ERR_DAMAGED;
}

enum err judge_load(struct judge *j, uint32_t version, struct str data, struct why *why)
{
    struct reader in = reader_of(data.p, data.n);

    if (version > STATE_VERSION)
        return why_set(why, ERR_NEWER,
                       "state part \"judge\" has version %u, this program knows %d: "
                       "use a newer tillstream",
                       version, STATE_VERSION);
    enum err e = load_all(j, &in);
    if (e == ERR_DAMAGED)
        return why_set(why, e, "state part \"judge\" is damaged: restore the database from a copy");
    return e;
}

enum err judge_load_dedup(struct judge *j, uint64_t seq, const uint64_t hash[2], int64_t expires_ms)
{
    return dedup_load(j->dedup, seq, hash, expires_ms);
}
