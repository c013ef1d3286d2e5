/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * umpire: see the header.
 */
#include "tests/sim/umpire.h"

#include "engine/when.h"

#include <stdlib.h>

void umpire_init(struct umpire *u, const struct settings *s, umpire_fn each, void *arg)
{
    memset(u, 0, sizeof(*u));
    u->settings = s;
    u->each = each;
    u->arg = arg;
    u->watermark_ms = u->highest_ms = u->ended_ms = WHEN_NONE;
}

int umpire_shard(struct umpire *u)
{
    if (u->n_shards == UMPIRE_SHARDS_MAX)
        abort();
    u->shard[u->n_shards].level_ms = WHEN_NONE;
    return u->n_shards++;
}

void umpire_active(struct umpire *u, int shard)
{
    u->shard[shard].ended = false;
}

/* The least level of the shards that count; it never goes back. */
static void move_watermark(struct umpire *u)
{
    int64_t least = INT64_MAX;

    for (int i = 0; i < u->n_shards; i++) {
        const struct umpire_shard *s = &u->shard[i];
        if (!s->idle && !s->ended && s->level_ms < least)
            least = s->level_ms;
    }
    if (least == INT64_MAX || least == WHEN_NONE)
        return;
    least -= u->settings->out_of_order_ms;
    if (least > u->watermark_ms)
        u->watermark_ms = least;
}

static bool is_duplicate(struct umpire *u, const struct sale *sale)
{
    int64_t from = sale->time_ms > u->watermark_ms ? sale->time_ms : u->watermark_ms;
    int old = 0;

    if (!sale->record_id.n)
        return false;
    for (int i = 0; i < u->n_ids; i++) {
        if (str_eq(u->id[i].id, sale->record_id) && u->id[i].expires_ms > u->watermark_ms)
            return true;
    }
    while (old < u->n_ids &&
           (u->id[old].expires_ms <= u->watermark_ms || u->n_ids - old >= u->settings->dedup_max))
        old++;
    u->n_ids -= old;
    memmove(u->id, u->id + old, (size_t)u->n_ids * sizeof(u->id[0]));
    if (u->n_ids == UMPIRE_SALES_MAX)
        abort();
    u->id[u->n_ids++] = (struct umpire_id){sale->record_id, from + u->settings->dedup_horizon_ms};
    return false;
}

/* What a shard's sales are measured against: WHEN_NONE when nothing is known yet. */
static int64_t reference(const struct umpire *u, int shard)
{
    int64_t own = u->shard[shard].level_ms;

    if (own == WHEN_NONE)
        return u->highest_ms;
    return own > u->ended_ms ? own : u->ended_ms;
}

static bool is_ahead(const struct umpire *u, int shard, int64_t time_ms)
{
    int64_t level = reference(u, shard);

    return level != WHEN_NONE && time_ms > level + u->settings->max_ahead_ms;
}

static void take(struct umpire *u, int shard, const struct sale *sale)
{
    struct umpire_shard *s = &u->shard[shard];

    if (u->watermark_ms != WHEN_NONE &&
        sale->time_ms < u->watermark_ms - u->settings->allowed_lateness_ms) {
        s->counts.late++;
        u->each(u->arg, shard, FATE_LATE, sale, u->watermark_ms);
        return;
    }
    s->counts.aggregated++;
    s->idle = false;
    if (sale->time_ms > u->highest_ms)
        u->highest_ms = sale->time_ms;
    if (sale->time_ms > s->level_ms) {
        s->level_ms = sale->time_ms;
        move_watermark(u);
    }
    u->each(u->arg, shard, FATE_ACCEPTED, sale, u->watermark_ms);
}

/* Moves a shard's penned sales to `out`; returns how many. */
static int empty_pen(struct umpire *u, int shard, struct umpire_penned *out)
{
    int n = 0, kept = 0;

    for (int i = 0; i < u->n_pen; i++) {
        if (u->pen[i].shard == shard)
            out[n++] = u->pen[i];
        else
            u->pen[kept++] = u->pen[i];
    }
    u->n_pen = kept;
    u->shard[shard].counts.pending -= n;
    return n;
}

static void hold(struct umpire *u, int shard, const struct sale *sale)
{
    if (u->n_pen == UMPIRE_SALES_MAX)
        abort();
    u->pen[u->n_pen++] = (struct umpire_penned){shard, sale};
    u->shard[shard].counts.pending++;
}

/* The gap is real. */
static void believe(struct umpire *u, int shard)
{
    struct umpire_penned all[UMPIRE_SALES_MAX];
    int n = empty_pen(u, shard, all);
    int64_t earliest = INT64_MAX;

    for (int i = 0; i < n; i++)
        earliest = all[i].sale->time_ms < earliest ? all[i].sale->time_ms : earliest;
    if (n && earliest - 1 > u->shard[shard].level_ms)
        u->shard[shard].level_ms = earliest - 1;
    for (int i = 0; i < n; i++) {
        if (is_ahead(u, shard, all[i].sale->time_ms))
            hold(u, shard, all[i].sale);
        else
            take(u, shard, all[i].sale);
    }
}

/* The penned sales were mistakes. */
static void refuse(struct umpire *u, int shard)
{
    struct umpire_penned all[UMPIRE_SALES_MAX];
    int n = u->n_pen ? empty_pen(u, shard, all) : 0;

    u->shard[shard].counts.late += n;
    for (int i = 0; i < n; i++)
        u->each(u->arg, shard, FATE_AHEAD, all[i].sale, u->watermark_ms);
}

static bool is_convincing(const struct umpire *u, int shard)
{
    int sales = 0, invoices = 0;

    for (int i = 0; i < u->n_pen; i++) {
        int k = 0;
        if (u->pen[i].shard != shard)
            continue;
        while (k < i && (u->pen[k].shard != shard ||
                         !str_eq(u->pen[k].sale->invoice, u->pen[i].sale->invoice)))
            k++;
        invoices += k == i;
        sales++;
    }
    return sales >= u->settings->pen_sales && invoices >= u->settings->pen_invoices;
}

void umpire_sale(struct umpire *u, int shard, const struct sale *sale)
{
    struct umpire_shard *s = &u->shard[shard];
    int64_t level = reference(u, shard);

    s->idle = false;
    if (is_duplicate(u, sale)) {
        s->counts.duplicates++;
        return;
    }
    s->counts.read++;
    if (is_ahead(u, shard, sale->time_ms)) {
        hold(u, shard, sale);
        if (is_convincing(u, shard))
            believe(u, shard);
        return;
    }
    if (level == WHEN_NONE || sale->time_ms >= level - u->settings->max_ahead_ms)
        refuse(u, shard);
    take(u, shard, sale);
}

void umpire_reject(struct umpire *u, int shard)
{
    u->shard[shard].counts.read++;
    u->shard[shard].counts.rejected++;
}

void umpire_end(struct umpire *u, int shard)
{
    struct umpire_shard *s = &u->shard[shard];

    while (s->counts.pending > 0)
        believe(u, shard);
    s->ended = true;
    u->ended_ms = s->level_ms > u->ended_ms ? s->level_ms : u->ended_ms;
    move_watermark(u);
}

void umpire_idle(struct umpire *u, int shard)
{
    u->shard[shard].idle = true;
    move_watermark(u);
}
