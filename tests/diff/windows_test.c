/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * windows_test: random shops, random windows: every row the windows give against an oracle
 * that keeps each sale and counts anew. T_CASES multiplies the number of shops (in hundreds).
 */
#include "tests/support/scene.h"
#include "tests/support/t.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static uint64_t cases(uint64_t usual)
{
    const char *text = getenv("T_CASES");
    uint64_t percent = text ? strtoull(text, NULL, 10) : 100;

    return usual * percent / 100 + 1;
}

/* Plays a scene cut up by the seed; the table is left in *t. */
static void play(const struct scene *s, struct till *t, uint64_t n, const struct scene_cuts *cuts)
{
    ok_err(till_open(t, &s->settings, scene_words(), NULL));
    const char *difference = scene_play(s, t, cuts);
    if (difference)
        fail("SEED=%" PRIu64 ": %s\n%s", n, difference, s->text);
}

static void make(struct scene *s, uint64_t n, int sales)
{
    struct choice c = {.seed = n};

    if (!scene_make(s, &c, sales))
        fail("SEED=%" PRIu64 ": settings that make no sense", n);
}

static void check_scenes(uint64_t count, int sales)
{
    uint64_t first = seed();

    for (uint64_t n = first; n < first + count; n++) {
        static struct scene s;
        struct till t;
        struct choice cuts = {.seed = n ^ 77};
        make(&s, n, sales);
        play(&s, &t, n, &(struct scene_cuts){.choice = &cuts, .check = true});
        till_close(&t);
        scene_clear(&s);
    }
}

T(small_shops_show_what_the_oracle_counts)
{
    check_scenes(cases(3000), 12);
}

T(larger_shops_show_what_the_oracle_counts)
{
    check_scenes(cases(800), 100);
}

T(neither_batches_nor_commits_change_the_final_rows)
{
    uint64_t first = seed();

    for (uint64_t n = first; n < first + cases(500); n++) {
        static struct scene s;
        struct till a, b;
        struct choice cuts = {.seed = n ^ 99};
        make(&s, n, 60);
        play(&s, &a, n, &(struct scene_cuts){.choice = &cuts});
        play(&s, &b, n, &(struct scene_cuts){.choice = NULL});
        const char *difference = till_compare(&a, &b, true);
        if (difference)
            fail("SEED=%" PRIu64 ": %s\n%s", n, difference, s.text);
        till_close(&a);
        till_close(&b);
        scene_clear(&s);
    }
}

/* The same sales as one source. */
static void unite(struct scene *s)
{
    int n = 0;

    for (int i = 0; i < s->n_steps; i++) {
        if (s->step[i].kind != STEP_END || i + 1 == s->n_steps)
            s->step[n++] = s->step[i];
    }
    s->n_steps = n;
}

T(one_source_after_another_gives_what_both_in_one_give_but_for_versions)
{
    uint64_t first = seed();
    uint64_t compared = 0;

    for (uint64_t n = first; n < first + cases(1500); n++) {
        static struct scene s;
        struct till a, b;
        make(&s, n, 60);
        s.n_shards = s.n_sources > 1 ? 1 : 0;
        for (int i = 0; i < s.n_steps; i++)
            s.step[i].shard = 0;
        if (s.n_shards) {
            play(&s, &a, n, &(struct scene_cuts){.choice = NULL});
            unite(&s);
            play(&s, &b, n, &(struct scene_cuts){.choice = NULL});
            /* The end of a source lets penned sales go: then the two do differ. */
            bool same = a.fate_sum == b.fate_sum;
            const char *difference = same ? till_compare(&a, &b, false) : NULL;
            if (difference)
                fail("SEED=%" PRIu64 ": %s\n%s", n, difference, s.text);
            compared += same;
            till_close(&a);
            till_close(&b);
        }
        scene_clear(&s);
    }
    ok(compared > cases(1500) / 10);
}

/* Facts on three hours, with late ones, through windows of every kind. */
static enum err count_some(struct fold *f, struct keys *k, struct books *b, struct parcel *p)
{
    static const int64_t minutes[] = {0, 5, 61, 62, 3, 125, 60, 190};
    enum err e = ERR_OK;

    for (size_t i = 0; i < countof(minutes) && !e; i++) {
        struct fact fact = {.time_ms = 1291161600000 + minutes[i] * WHEN_MINUTE,
                            .quantity = 1,
                            .price = 5,
                            .value = 5};
        fact.watermark_ms = fact.time_ms - 5 * WHEN_MINUTE;
        e = keys_id(k, i % 2 ? STR("17850") : STR("13047"), &fact.customer);
        if (!e)
            e = books_slot(b, i % 3 ? STR("536365") : STR("536366"), &fact.invoice);
        if (!e)
            e = fold_windows.add(f, &fact, 1, p);
        if (!e && i % 3 == 2)
            e = fold_windows.snapshot(f, p);
    }
    if (!e)
        e = fold_windows.finish(f, p);
    if (!e)
        e = fold_windows.snapshot(f, p);
    return e ? e : fold_windows.save(f, p);
}

T_OOM(windows_without_memory_say_so_and_lose_nothing_they_own)
{
    struct settings s = {.n_windows = 4,
                         .n_dimensions = 2,
                         .allowed_lateness_ms = 2 * WHEN_HOUR,
                         .dimension = {{.name = "all"}, {"customer", {FIELD_CUSTOMER}, 1}}};
    static const struct window_setting windows[] = {
        {.name = "hour", .size_ms = WHEN_HOUR},
        {.name = "slow",
         .type = WINDOW_SLIDING,
         .size_ms = 5 * WHEN_HOUR,
         .slide_ms = 2 * WHEN_HOUR},
        {.name = "last",
         .type = WINDOW_SLIDING,
         .size_ms = 90 * WHEN_MINUTE,
         .slide_ms = 45 * WHEN_MINUTE,
         .keep = KEEP_NEWEST},
        {.name = "visits", .type = WINDOW_SESSION, .gap_ms = 30 * WHEN_MINUTE}};
    struct fold *f = NULL;
    struct keys *k = NULL;
    struct books *b = NULL;
    struct parcel *p = parcel_open();
    enum err e = p ? keys_open(&k) : ERR_NOMEM;

    for (int i = 0; i < s.n_windows; i++) {
        s.window[i] = windows[i];
        s.window[i].dimensions = 3;
    }
    if (!e)
        e = books_open(NULL, &b);
    if (!e)
        e = fold_windows.open(&(struct fold_setup){.settings = &s, .keys = k, .books = b}, &f,
                              NULL);
    if (!e)
        e = fold_windows.announce(f, p);
    if (!e)
        e = count_some(f, k, b, p);
    if (f)
        fold_windows.close(f);
    books_close(b);
    keys_close(k);
    parcel_close(p);
    return e;
}
