/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * shop: one world of the simulation: tapes are read by the real pipeline with the real codecs,
 * judge, windows and database, in visits that end, fail or crash at random turns. A diary says
 * what of it is durable; after each turn the world is checked, and at random ends of visits,
 * and at the end, all views are compared with the truth.
 *
 * Invariants:
 *  (1) a run takes up each generation exactly where the last commit left it.
 *  (2) the watermark never goes back, and after a crash is that of the last commit.
 *  (3) after the last visit every byte of what could still be read was read.
 */
#include "tests/sim/files.h"
#include "tests/sim/views.h"

#include "engine/pipeline.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { VISITS_WILD = 14, VISITS_MAX = 80, TURNS_MAX = 20000, MEMORY_MAX = 64 << 20 };

static const struct codec_kind *const codecs[] = {&codec_json, &codec_csv, NULL};

struct shop {
    struct trail *t;
    struct sim_env w;
    struct scene scene;
    struct diary diary;
    struct choice c;
    char path[300];
    struct store *store;
    struct pipeline *pipeline;
    struct reader_db *reader;
    bool done[TAPES_MAX];
    bool calm;     /* faults have stopped */
    int tape, gen; /* being read; gen -1: none yet */
    bool follow;
    uint64_t at;             /* consumed of it */
    uint64_t commits;        /* of this store */
    int64_t watermark, sure; /* now; as of the last commit */
    int quiet;               /* turns without anything new */
};

/* ---- the world's settings ---- */

/* The store tells the steps of a cumulative window apart by their start alone, which they
 * share: only the latest can be kept. */
static void keep_one_step(struct settings *s)
{
    for (int i = 0; i < s->n_windows; i++) {
        if (s->window[i].type == WINDOW_CUMULATIVE)
            s->window[i].keep = KEEP_NEWEST;
    }
}

static void make_settings(struct shop *s)
{
    static const int64_t checkpoint_ms[] = {1, 20, 1000, 60000};
    static const int64_t records[] = {0, 0, 1, 3, 12};
    static const int64_t bytes[] = {64, 300, 4096, 1 << 20};
    static const int sales[] = {6, 12, 25, 60};
    struct choice scene = trail_choice(s->t, "scene"), script = trail_choice(s->t, "script");

    s->c = trail_choice(s->t, "shop");
    if (!scene_make(&s->scene, &scene, sales[choice_below(&s->c, countof(sales))]))
        trail_fail(s->t, "settings that make no sense: %s", s->scene.text);
    struct settings *to = &s->scene.settings;
    to->checkpoint_ms = checkpoint_ms[choice_below(&s->c, countof(checkpoint_ms))];
    to->checkpoint_records = records[choice_below(&s->c, countof(records))];
    to->batch_bytes = bytes[choice_below(&s->c, countof(bytes))];
    to->threads = 0;
    keep_one_step(to);
    s->w.cut_max = UINT64_C(1) << (4 + choice_below(&s->c, 12));
    if (!s->t->failed)
        tapes_write(&s->w, &s->scene, &script);
    trail_note(s->t, "%s", s->scene.text);
}

static struct tape *tape_of(struct shop *s)
{
    return &s->w.tape[s->tape];
}

/* ---- the diary ---- */

static void note_deed(struct shop *s, enum deed_kind kind, int gen, uint64_t from, uint64_t to)
{
    diary_add(&s->diary, (struct deed){kind, s->tape, gen, from, to});
}

/* Earlier generations of this path can't come back: they end when a later one is taken up. */
static void end_earlier(struct shop *s, int gen)
{
    for (int g = 0; g < gen; g++) {
        bool open = false;
        for (size_t i = 0; i < s->diary.deeds.n; i++) {
            const struct deed *d = list_at(&s->diary.deeds, i);
            if (d->tape == s->tape && d->gen == g)
                open = d->kind == DEED_OPEN || (open && d->kind != DEED_END);
        }
        if (open)
            note_deed(s, DEED_END, g, 0, 0);
    }
}

static void note_open(struct shop *s)
{
    struct tape *t = tape_of(s);
    bool known;

    s->gen = t->reading;
    s->at = diary_position(&s->diary, s->tape, s->gen, &known);
    end_earlier(s, s->gen);
    note_deed(s, DEED_OPEN, s->gen, 0, 0);
}

/* What the turn did, in the order in which it was done. */
static void keep_diary(struct shop *s)
{
    struct tape *t = tape_of(s);
    uint64_t commits = store_commits(s->store);
    bool committed = commits > s->commits;

    trail_check(s->t, commits <= s->commits + 1, "a turn made %d commits",
                (int)(commits - s->commits));
    s->commits = commits;
    if (t->seen.not_found) {
        note_deed(s, DEED_END, s->gen, 0, 0);
        if (committed)
            note_deed(s, DEED_COMMIT, s->gen, 0, 0);
        s->gen = -1;
    }
    if (t->seen.named) {
        note_open(s);
        committed = committed && !t->seen.not_found;
    }
    if (s->gen >= 0 && t->at > s->at)
        note_deed(s, DEED_READ, s->gen, s->at, t->at);
    trail_check(s->t, s->gen < 0 || t->at >= s->at,
                "%s is read at byte %" PRIu64 ", the last commit was at %" PRIu64, t->path, t->at,
                s->at);
    s->at = t->at;
    if (t->seen.ended) {
        note_deed(s, DEED_END, s->gen, 0, 0);
        note_deed(s, DEED_FINISH, s->gen, 0, 0);
    }
    if (committed && s->gen >= 0)
        note_deed(s, DEED_COMMIT, s->gen, 0, 0);
}

/* ---- invariants ---- */

static void check_status(struct shop *s, enum err e)
{
    struct pipeline_status st;

    pipeline_status(s->pipeline, trail_one_in(&s->c, 6), &st);
    const struct judge_counts *c = &st.counts;
    trail_note(s->t,
               "%d.%d turn %d at %" PRIu64 ": %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64
               " %" PRId64 " %" PRId64 " watermark %" PRId64 " clock %" PRId64 " %" PRIu64,
               s->tape, s->gen, (int)e, st.position, c->read, c->aggregated, c->late, c->rejected,
               c->pending, c->duplicates, st.watermark_ms, s->w.mono_ns, s->commits);
    trail_check(s->t, c->read == c->aggregated + c->late + c->rejected + c->pending,
                "read %" PRId64 " is not the sum of all fates", c->read);
    trail_check(s->t, st.watermark_ms >= s->watermark,
                "the watermark went from %" PRId64 " to %" PRId64, s->watermark, st.watermark_ms);
    trail_check(s->t, s->gen < 0 || st.position == s->at,
                "the position is %" PRIu64 ", consumed were %" PRIu64, st.position, s->at);
    trail_check(s->t, st.memory <= MEMORY_MAX, "%zu bytes in use", st.memory);
    s->watermark = st.watermark_ms;
}

/* A reader comes and stays, or is there already. */
static bool open_reader(struct shop *s)
{
    struct why why = {""};

    if (trail_one_in(&s->c, 10)) {
        reader_db_close(s->reader);
        s->reader = NULL;
    }
    if (!s->reader && reader_db_open(&s->w.env, s->path, 0, &s->reader, &why))
        trail_fail(s->t, "a reader: %s", why.text);
    return s->reader != NULL;
}

static void compare(struct shop *s)
{
    if (s->diary.sure == 0 || !open_reader(s))
        return;
    struct truth *truth = truth_open(&s->w, &s->scene, &s->diary);
    views_compare(s->t, s->reader, truth);
    trail_check(s->t, truth->umpire.watermark_ms == s->sure,
                "the watermark is %" PRId64 ", wanted %" PRId64, s->sure,
                truth->umpire.watermark_ms);
    truth_close(truth);
}

static void after_commit(struct shop *s, size_t sure_before)
{
    if (s->diary.sure == sure_before)
        return;
    s->t->commits++;
    s->sure = s->watermark;
    if (open_reader(s))
        views_agree(s->t, s->reader, &s->scene.settings);
    if (trail_one_in(&s->c, 12))
        compare(s);
}

/* ---- a visit ---- */

static void open_shop(struct shop *s)
{
    const struct store_options options = {.path = s->path, .env = &s->w.env};
    char locator[8];
    struct why why = {""};
    struct pipeline_status st;
    enum err e = store_open(&options, &s->store, &why);
    const struct pipeline_setup setup = {.env = &s->w.env,
                                         .settings = &s->scene.settings,
                                         .store = s->store,
                                         .fold = &fold_windows,
                                         .model = &model_shop,
                                         .source = &tape_source,
                                         .locator = locator,
                                         .follow = s->follow,
                                         .codec_for = tape_codec_for,
                                         .codecs = codecs};

    (void)snprintf(locator, sizeof(locator), "%d", s->tape);
    if (e) {
        trail_fail(s->t, "the database does not open: %s", why.text);
        return;
    }
    e = pipeline_open(&setup, &s->pipeline, &why);
    trail_check(s->t, !e || strncmp(why.text, "simulated", 9) == 0, "opening: %s", why.text);
    s->commits = 0;
    s->gen = -1;
    s->quiet = 0;
    if (e)
        return;
    pipeline_status(s->pipeline, false, &st);
    trail_check(s->t, st.watermark_ms == s->sure,
                "the watermark came back as %" PRId64 ", it was %" PRId64, st.watermark_ms,
                s->sure);
    s->watermark = st.watermark_ms;
}

/* Everything is dropped. `killed`: and the database is left as kill -9 leaves it. */
static void close_shop(struct shop *s, bool killed)
{
    if (killed) {
        files_remember(s->path);
        reader_db_close(s->reader);
        s->reader = NULL;
    }
    pipeline_close(s->pipeline);
    store_close(s->store);
    s->pipeline = NULL;
    s->store = NULL;
    if (killed)
        files_bring_back(s->path);
    diary_forget(&s->diary);
    s->watermark = s->sure;
}

static void stop_cleanly(struct shop *s)
{
    struct why why = {""};
    size_t sure = s->diary.sure;

    if (pipeline_commit(s->pipeline, &why))
        trail_fail(s->t, "the last commit: %s", why.text);
    if (store_commits(s->store) > s->commits)
        note_deed(s, DEED_COMMIT, s->gen, 0, 0);
    after_commit(s, sure);
}

/* One turn; false: the visit is over. */
static bool turn(struct shop *s, int wait_ms)
{
    size_t sure = s->diary.sure;
    struct why why = {""};

    tape_of(s)->seen = (struct tape_seen){.named = false};
    enum err e = pipeline_turn(s->pipeline, wait_ms, &why);
    sim_env_pass(&s->w, (int64_t)choice_below(&s->w.clock, 3000000));
    s->t->steps++;
    keep_diary(s);
    check_status(s, e);
    after_commit(s, sure);
    if (e == ERR_END)
        trail_check(s->t, s->diary.sure == s->diary.deeds.n && s->diary.sure > sure,
                    "the end was not committed");
    trail_check(s->t,
                e == ERR_OK || e == ERR_AGAIN || e == ERR_END ||
                    strncmp(why.text, "simulated", 9) == 0,
                "a turn: %s: %s", err_text(e), why.text);
    s->quiet = e == ERR_AGAIN ? s->quiet + 1 : 0;
    return (e == ERR_OK || e == ERR_AGAIN) && !s->t->failed;
}

/* Turns until the end, an error, a crash or a stop. */
static void stay(struct shop *s)
{
    static const int waits_ms[] = {0, 10, 100, 30000};
    bool on = true;
    int turns = 0;

    while (on && turns++ < TURNS_MAX) {
        int wait_ms = s->calm ? 30000 : waits_ms[choice_below(&s->c, countof(waits_ms))];
        on = turn(s, wait_ms);
        if (on && !s->calm && trail_one_in(&s->c, 25)) {
            s->t->crashes++;
            return;
        }
        if (on && (s->quiet > 12 || (!s->calm && trail_one_in(&s->c, 60)))) {
            stop_cleanly(s);
            return;
        }
    }
    trail_check(s->t, turns < TURNS_MAX, "%s does not come to an end", tape_of(s)->path);
}

static void choose(struct shop *s)
{
    struct tape *t;

    s->tape = 0;
    while (s->done[s->tape])
        s->tape++;
    for (int i = s->tape + 1; i < s->w.n_tapes && !s->calm; i++) {
        if (!s->done[i] && trail_one_in(&s->c, 10))
            s->tape = i;
    }
    t = tape_of(s);
    bool last = t->now + 1 == t->n_gens;
    s->follow = !t->pipe && (s->calm ? !last || !tape_is_whole(t) : choice_below(&s->c, 2));
    if (!t->pipe && !s->follow)
        tape_settle(t, &s->c);
    t->next_ns = s->w.mono_ns;
}

/* What happens to the tape while nobody reads it. */
static void leave(struct shop *s, bool opened)
{
    struct tape *t = tape_of(s);
    bool ended = opened && t->seen.ended;
    bool last = t->now + 1 == t->n_gens;

    if (t->pipe && opened && !last)
        t->now++;
    else if (t->pipe ? opened : ended && last && tape_is_whole(t))
        s->done[s->tape] = true;
    else if (!t->pipe && !last && t->there &&
             (ended ? s->calm : !s->calm && trail_one_in(&s->c, 8)))
        tape_rotate(t);
}

static void visit(struct shop *s)
{
    choose(s);
    open_shop(s);
    bool opened = s->pipeline != NULL;
    if (opened && !s->t->failed)
        stay(s);
    close_shop(s, trail_one_in(&s->c, 3));
    leave(s, opened);
    sim_env_pass(&s->w, (int64_t)choice_below(&s->w.clock, UINT64_C(1) << 36));
    if (!s->t->failed && trail_one_in(&s->c, 3))
        compare(s);
}

static bool all_done(const struct shop *s)
{
    for (int i = 0; i < s->w.n_tapes; i++) {
        if (!s->done[i])
            return false;
    }
    return true;
}

static void check_end(struct shop *s)
{
    for (int i = 0; i < s->w.n_tapes; i++) {
        const struct tape *t = &s->w.tape[i];
        int gen = t->n_gens - 1;
        bool known;
        uint64_t at = diary_position(&s->diary, i, gen, &known);
        trail_check(s->t, t->pipe || at == t->gen[gen].text.n,
                    "%s was read to byte %" PRIu64 " of %zu", t->path, at, t->gen[gen].text.n);
    }
    compare(s);
}

void shop_world(struct trail *t, const char *directory)
{
    static struct shop s;

    memset(&s, 0, sizeof(s));
    s.t = t;
    s.watermark = s.sure = WHEN_NONE;
    sim_env_init(&s.w, t);
    diary_init(&s.diary);
    make_settings(&s);
    (void)snprintf(s.path, sizeof(s.path), "%s/sim.db", directory);
    for (int i = 0; !t->failed && !all_done(&s) && i < VISITS_MAX; i++) {
        s.calm = i >= VISITS_WILD;
        s.w.fault_every = s.calm ? 0 : 150;
        visit(&s);
    }
    trail_check(t, all_done(&s), "the sources are not done after %d visits", VISITS_MAX);
    if (!t->failed)
        check_end(&s);
    reader_db_close(s.reader);
    files_remove(s.path);
    diary_clear(&s.diary);
    sim_env_clear(&s.w);
    scene_clear(&s.scene);
}
