/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * shards: the other world of the simulation: several shards feed one judge and its windows.
 * Their batches are taken in any order, some shards fall behind, go idle and wake, end one
 * after another; commits, with and without saved windows, merges of what was late, and crashes
 * at random turns.
 *
 * What is durable of the order in which sales were taken is a log; at every commit an umpire
 * and an oracle work out from it what must be there.
 *
 * Invariants, after each turn:
 *  (1) of each shard: read = aggregated + late + rejected + pending.
 *  (2) neither the merged watermark nor that of a shard goes back; after a crash they are
 *      those of the last commit.
 */
#include "tests/sim/files.h"
#include "tests/sim/trail.h"
#include "tests/sim/umpire.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { SHARDS_MAX = 5, TURNS_MAX = 5000, EMPTY_READS = 2, BATCH = 6 };

enum entry_kind { ENTRY_SALE, ENTRY_IDLE, ENTRY_END, ENTRY_FINISH, ENTRY_MERGE };

struct entry {
    enum entry_kind kind;
    int shard, step;
};

struct lane {
    int step[SCENE_SALES_MAX]; /* of the scene: its sales, in order */
    int n, arrived, at;        /* written so far, taken so far */
    int empty;                 /* reads that gave nothing, in a row */
    bool slow, idle, ended;
    int64_t watermark;
};

static const char *const shard_name[SHARDS_MAX] = {"a", "b", "c", "d", "e"};

struct shards {
    struct trail *t;
    struct scene scene;
    struct choice c;
    struct till till;
    struct sale sale[SCENE_SALES_MAX + 16]; /* by step */
    struct lane lane[SHARDS_MAX], sure_lane[SHARDS_MAX];
    int n;
    struct list log; /* struct entry */
    size_t sure, sure_late;
    int64_t watermark, sure_watermark;
    bool finished, sure_finished;
};

static void must(struct shards *s, enum err e, const char *what)
{
    trail_check(s->t, !e, "%s: %s", what, err_text(e));
}

static void note(struct shards *s, enum entry_kind kind, int shard, int step)
{
    struct entry *e = list_add(&s->log);

    if (!e)
        abort();
    *e = (struct entry){kind, shard, step};
}

/* ---- what must be there ---- */

static int number_of(const char *const *word, int n, struct str text)
{
    for (int i = 0; i < n; i++) {
        if (str_eq(str_of(word[i]), text))
            return i;
    }
    abort();
}

static struct oracle_sale for_oracle(const struct sale *sale, int64_t watermark_ms)
{
    const struct till_words *w = scene_words();
    struct oracle_sale told = {.time_ms = sale->time_ms,
                               .watermark_ms = watermark_ms,
                               .quantity = sale->quantity,
                               .value = sale->value};
    const struct str text[FIELD_COUNT] = {[FIELD_CUSTOMER] = sale->customer,
                                          [FIELD_COUNTRY] = sale->country,
                                          [FIELD_STOCK] = sale->stock};

    told.invoice = number_of(w->invoice, w->n_invoices, sale->invoice);
    for (int i = 0; i < FIELD_COUNT; i++)
        told.field[i] = number_of(w->field[i], w->n_fields[i], text[i]);
    return told;
}

struct replaying {
    struct umpire *umpire;
    struct oracle *oracle;
    struct {
        int shard;
        const struct sale *sale; /* NULL: merged */
    } late[SCENE_SALES_MAX];
    int n_late, merges;
};

static void hear(void *arg, int shard, enum fate fate, const struct sale *sale,
                 int64_t watermark_ms)
{
    struct replaying *r = arg;
    struct oracle_sale told = for_oracle(sale, watermark_ms);

    if (fate == FATE_ACCEPTED) {
        oracle_sale(r->oracle, &told);
        return;
    }
    r->late[r->n_late].shard = shard;
    r->late[r->n_late++].sale = sale;
}

/* The late sales behind the watermark are counted after all. */
static void merge(struct replaying *r)
{
    r->merges++;
    for (int i = 0; i < r->n_late; i++) {
        const struct sale *sale = r->late[i].sale;
        if (!sale || sale->time_ms >= r->umpire->watermark_ms)
            continue;
        struct judge_counts *c = &r->umpire->shard[r->late[i].shard].counts;
        struct oracle_sale told = for_oracle(sale, WHEN_NONE);
        oracle_merged(r->oracle, &told, r->merges);
        c->late--;
        c->aggregated++;
        r->late[i].sale = NULL;
    }
}

static void replay(const struct shards *s, struct umpire *u, struct oracle *o)
{
    struct replaying r = {.umpire = u, .oracle = o};

    umpire_init(u, &s->scene.settings, hear, &r);
    for (int i = 0; i < s->n; i++)
        (void)umpire_shard(u);
    for (size_t i = 0; i < s->log.n; i++) {
        const struct entry *e = list_at(&s->log, i);
        if (e->kind == ENTRY_SALE)
            umpire_sale(u, e->shard, &s->sale[e->step]);
        else if (e->kind == ENTRY_IDLE)
            umpire_idle(u, e->shard);
        else if (e->kind == ENTRY_END)
            umpire_end(u, e->shard);
        else if (e->kind == ENTRY_MERGE)
            merge(&r);
        else
            oracle_finish(o);
    }
}

static bool same_counts(struct judge_counts a, struct judge_counts b)
{
    return a.read == b.read && a.aggregated == b.aggregated && a.late == b.late &&
           a.rejected == b.rejected && a.pending == b.pending && a.duplicates == b.duplicates;
}

/* Right after a commit. The oracle is told what the umpire decided, not what the judge did. */
static void compare(struct shards *s)
{
    static struct umpire u;
    const char *difference;

    oracle_close(s->till.oracle);
    s->till.oracle = oracle_open(&s->scene.settings);
    replay(s, &u, s->till.oracle);
    trail_check(s->t, u.watermark_ms == judge_watermark(s->till.judge),
                "the watermark is %" PRId64 ", wanted %" PRId64, judge_watermark(s->till.judge),
                u.watermark_ms);
    for (int i = 0; i < s->n; i++) {
        struct judge_counts c = judge_counts(s->till.judge, i);
        trail_check(s->t, same_counts(c, u.shard[i].counts),
                    "shard %d: aggregated %" PRId64 " late %" PRId64 " pending %" PRId64
                    " duplicates %" PRId64 ", wanted %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64,
                    i, c.aggregated, c.late, c.pending, c.duplicates, u.shard[i].counts.aggregated,
                    u.shard[i].counts.late, u.shard[i].counts.pending,
                    u.shard[i].counts.duplicates);
    }
    difference = till_difference(&s->till);
    trail_check(s->t, !difference, "%s", difference);
}

/* ---- turns ---- */

static void check_turn(struct shards *s)
{
    int64_t watermark = judge_watermark(s->till.judge);

    trail_check(s->t, watermark >= s->watermark, "the watermark went back by %" PRId64 " ms",
                s->watermark - watermark);
    s->watermark = watermark;
    for (int i = 0; i < s->n; i++) {
        struct judge_counts c = judge_counts(s->till.judge, i);
        int64_t own = judge_shard_watermark(s->till.judge, i);
        trail_check(s->t, c.read == c.aggregated + c.late + c.rejected + c.pending,
                    "shard %d: read %" PRId64 " is not the sum of all fates", i, c.read);
        trail_check(s->t, own >= s->lane[i].watermark, "the watermark of shard %d went back", i);
        s->lane[i].watermark = own;
        trail_note(s->t, "shard %d at %d of %d: %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64, i,
                   s->lane[i].at, s->lane[i].arrived, c.aggregated, c.late, c.pending,
                   s->watermark);
    }
}

/* Takes what there is of a shard, at most a batch; nothing twice in a row makes it idle. */
static void take(struct shards *s, int shard)
{
    struct lane *l = &s->lane[shard];
    int n = 1 + (int)choice_below(&s->c, BATCH);

    if (l->at < l->arrived) {
        l->empty = 0;
        l->idle = false;
        for (; n > 0 && l->at < l->arrived; n--, l->at++) {
            note(s, ENTRY_SALE, shard, l->step[l->at]);
            must(s, till_sale(&s->till, shard, &s->sale[l->step[l->at]]), "a sale");
        }
        return;
    }
    l->empty++;
    if (l->at == l->n && choice_below(&s->c, 2)) {
        note(s, ENTRY_END, shard, 0);
        must(s, till_shard_end(&s->till, shard), "the end of a shard");
        l->ended = true;
    } else if (l->empty >= EMPTY_READS && !l->idle) {
        note(s, ENTRY_IDLE, shard, 0);
        judge_idle(s->till.judge, shard);
        l->idle = true;
    }
}

static bool all_ended(const struct shards *s)
{
    for (int i = 0; i < s->n; i++) {
        if (!s->lane[i].ended)
            return false;
    }
    return true;
}

static void finish(struct shards *s)
{
    must(s, till_end(&s->till, NULL, 0), "the end");
    note(s, ENTRY_FINISH, 0, 0);
    s->finished = true;
}

static void commit(struct shards *s)
{
    if (trail_one_in(&s->c, 6)) {
        note(s, ENTRY_MERGE, 0, 0);
        must(s, till_merge(&s->till), "a merge");
    } else {
        must(s, till_commit(&s->till, trail_one_in(&s->c, 3)), "a commit");
    }
    s->t->commits++;
    s->sure = s->log.n;
    s->sure_late = s->till.late.n;
    s->sure_watermark = s->watermark;
    s->sure_finished = s->finished;
    memcpy(s->sure_lane, s->lane, sizeof(s->lane));
    compare(s);
}

/* All that is not durable is gone; what had arrived has arrived. */
static void crash(struct shards *s)
{
    s->t->crashes++;
    s->till.facts.n = 0;
    s->till.late.n = s->sure_late;
    ledger_reset(&s->till.ledger);
    must(s, till_restart(&s->till), "a restart");
    s->log.n = s->sure;
    s->finished = s->sure_finished;
    for (int i = 0; i < s->n && !s->t->failed; i++) {
        int arrived = s->lane[i].arrived, again = i;
        s->lane[i] = s->sure_lane[i];
        s->lane[i].arrived = arrived;
        if (!s->lane[i].ended)
            must(s, till_shard(&s->till, 1, shard_name[i], &again), "a shard");
        trail_check(s->t, again == i, "shard %d came back as %d", i, again);
        trail_check(s->t, judge_shard_watermark(s->till.judge, i) == s->lane[i].watermark,
                    "the watermark of shard %d is another one after a crash", i);
    }
    trail_check(s->t, s->t->failed || judge_watermark(s->till.judge) == s->sure_watermark,
                "the watermark is another one after a crash");
    s->watermark = s->sure_watermark;
}

static void turn(struct shards *s, bool calm)
{
    int shard = (int)choice_below(&s->c, (uint64_t)s->n);
    struct lane *l = &s->lane[shard];

    s->t->steps++;
    if (trail_one_in(&s->c, 30))
        l->slow = !l->slow;
    if (l->arrived < l->n && (calm || !l->slow))
        l->arrived += (int)choice_below(&s->c, (uint64_t)(l->n - l->arrived) + 1);
    if (!l->ended)
        take(s, shard);
    if (!s->finished && all_ended(s))
        finish(s);
    check_turn(s);
    if (s->t->failed)
        return;
    if (trail_one_in(&s->c, 3))
        must(s, till_batch(&s->till), "a batch");
    if (trail_one_in(&s->c, 8))
        commit(s);
    else if (!calm && s->sure > 0 && trail_one_in(&s->c, 12))
        crash(s);
}

/* ---- the world ---- */

static void make(struct shards *s)
{
    static const int sales[] = {8, 20, 60};
    struct choice scene = trail_choice(s->t, "scene");

    s->c = trail_choice(s->t, "shards");
    if (!scene_make(&s->scene, &scene, sales[choice_below(&s->c, countof(sales))]))
        trail_fail(s->t, "settings that make no sense: %s", s->scene.text);
    trail_note(s->t, "%s", s->scene.text);
    s->n = 2 + (int)choice_below(&s->c, SHARDS_MAX - 1);
    for (int i = 0; i < s->scene.n_steps; i++) {
        struct lane *l = &s->lane[choice_below(&s->c, (uint64_t)s->n)];
        if (s->scene.step[i].kind != STEP_SALE)
            continue;
        s->sale[i] = scene_sale(&s->scene, i);
        l->step[l->n++] = i;
    }
}

static void open_lanes(struct shards *s)
{
    int shard;

    for (int i = 0; i < s->n; i++) {
        s->lane[i].watermark = WHEN_NONE;
        must(s, till_shard(&s->till, 1, shard_name[i], &shard), "a shard");
    }
}

static void run(struct shards *s)
{
    int turns = 0;

    open_lanes(s);
    while (!s->t->failed && !s->finished && turns++ < TURNS_MAX)
        turn(s, turns > 200);
    trail_check(s->t, s->finished || s->t->failed, "the shards do not come to an end");
    if (!s->t->failed)
        commit(s);
    for (size_t i = 0; i < s->till.rows.n; i++) {
        const struct agg_row *r = list_at(&s->till.rows, i);
        trail_note(s->t, "%d %u %" PRId64 ": %" PRId64 " %" PRId64 " %d %u", r->series, r->key,
                   r->start_s, r->lines, r->revenue, r->final, r->version);
    }
}

void shards_world(struct trail *t, const char *directory)
{
    static struct shards s;
    char path[300];

    memset(&s, 0, sizeof(s));
    s.t = t;
    s.watermark = s.sure_watermark = WHEN_NONE;
    list_init(&s.log, sizeof(struct entry));
    make(&s);
    (void)snprintf(path, sizeof(path), "%s/sim.db", directory);
    must(&s, till_open(&s.till, &s.scene.settings, scene_words(), path), "opening");
    s.till.keeps_late = true;
    if (!t->failed)
        run(&s);
    till_close(&s.till);
    files_remove(path);
    list_clear(&s.log);
    scene_clear(&s.scene);
}
