/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * state_fuzz: saved state of windows and judge with bytes changed, as if the store's checksums
 * had not noticed. Loading must say ERR_DAMAGED (or ERR_NEWER, ERR_LIMIT) or give something
 * that goes on working: sales, commits, the end of a source, saving again.
 *
 * Input: scene u8, then mutations: part u8, offset u16, byte u8. The scenes are played once,
 * with a database of their own, for invoices are looked up there.
 */
#include "tests/support/scene.h"

#include "engine/store/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { SCENES = 12, PARTS_MAX = 200, MUTATIONS_MAX = 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct part {
    char name[64];
    char *p;
    size_t n;
};

struct stage {
    struct scene scene;
    struct store *store;
    struct zone *zone;
    struct part part[PARTS_MAX];
    int n_parts;
};

static void must(bool holds)
{
    if (!holds)
        abort();
}

static enum err keep_part(void *arg, struct str name, uint32_t version, struct str data)
{
    struct stage *stage = arg;
    struct part *part = &stage->part[stage->n_parts];

    must(version == 1 && name.n < sizeof(part->name));
    if (stage->n_parts == PARTS_MAX)
        return ERR_OK;
    memcpy(part->name, name.p, name.n);
    part->p = malloc(data.n + 1);
    must(part->p != NULL);
    memcpy(part->p, data.p, data.n);
    part->n = data.n;
    stage->n_parts++;
    return ERR_OK;
}

static enum err ignore_key(void *arg, uint32_t id, struct str text)
{
    (void)arg;
    (void)id;
    (void)text;
    return ERR_OK;
}

/* A fuzzer may end without a goodbye: the files go once they have been opened by a read. */
static void remove_database(struct store *store, const char *path)
{
    static const char *const endings[] = {"", "-wal", "-shm", "-lock"};
    char name[540];

    must(store_each_key(store, ignore_key, NULL) == ERR_OK);
    for (size_t i = 0; i < countof(endings); i++) {
        (void)snprintf(name, sizeof(name), "%s%s", path, endings[i]);
        (void)unlink(name);
    }
}

/* Plays the first half of a scene and keeps what it saved. */
static void set_up(struct stage *stage, int number)
{
    const char *base = getenv("TMPDIR");
    char path[512];
    struct till t;

    (void)snprintf(path, sizeof(path), "%s/state_fuzz.XXXXXX", base ? base : "/tmp");
    int fd = mkstemp(path);

    must(fd >= 0 && close(fd) == 0 && unlink(path) == 0);
    for (uint64_t seed = (uint64_t)number * 1000;; seed++) {
        struct choice c = {.seed = seed};
        if (scene_make(&stage->scene, &c, 60) && stage->scene.n_steps > 20)
            break;
        scene_clear(&stage->scene);
    }
    struct scene half = stage->scene;
    half.n_steps = half.n_steps / 2 + 1;
    half.step[half.n_steps - 1].kind = STEP_SALE;
    must(till_open(&t, &stage->scene.settings, scene_words(), path) == ERR_OK);
    (void)scene_play(&half, &t, &(struct scene_cuts){.choice = NULL});
    must(till_commit(&t, true) == ERR_OK);
    must(store_each_state(t.store, "", keep_part, stage, NULL) == ERR_OK);
    till_close(&t);
    must(store_open(&(struct store_options){.path = path, .env = env_real()}, &stage->store,
                    NULL) == ERR_OK);
    must(zone_open(stage->scene.settings.timezone, &stage->zone, NULL) == ERR_OK);
    remove_database(stage->store, path);
}

static struct stage *stage_of(uint8_t number)
{
    static struct stage all[SCENES];
    struct stage *stage = &all[number % SCENES];

    if (!stage->store)
        set_up(stage, number % SCENES);
    return stage;
}

/* ---- one life ---- */

struct life {
    struct stage *stage;
    struct keys *keys;
    struct books *books;
    struct judge *judge;
    struct fold *fold;
    struct parcel *parcel;
    struct list facts;
};

static enum err load_key(void *arg, uint32_t id, struct str text)
{
    return id ? keys_load(((struct life *)arg)->keys, id, text) : ERR_OK;
}

static void begin(struct life *l, struct stage *stage)
{
    *l = (struct life){.stage = stage, .parcel = parcel_open()};
    list_init(&l->facts, sizeof(struct fact));
    must(keys_open(&l->keys) == ERR_OK && books_open(stage->store, &l->books) == ERR_OK);
    must(judge_open(&stage->scene.settings, &l->judge) == ERR_OK);
    must(store_each_key(stage->store, load_key, l) == ERR_OK);
    const struct fold_setup setup = {.settings = &stage->scene.settings,
                                     .zone = stage->zone,
                                     .keys = l->keys,
                                     .books = l->books,
                                     .store = stage->store};
    must(fold_windows.open(&setup, &l->fold, NULL) == ERR_OK);
}

static void end(struct life *l)
{
    fold_windows.close(l->fold);
    judge_close(l->judge);
    books_close(l->books);
    keys_close(l->keys);
    parcel_close(l->parcel);
    list_clear(&l->facts);
}

static enum err load_part(struct life *l, const struct part *part, const uint8_t *data, size_t size,
                          int number)
{
    char *copy = malloc(part->n + 1);
    enum err e;

    must(copy != NULL);
    memcpy(copy, part->p, part->n);
    for (size_t i = 0; i + 4 <= size && i / 4 < MUTATIONS_MAX; i += 4) {
        if (data[i] % l->stage->n_parts == number && part->n)
            copy[(data[i + 1] << 8 | data[i + 2]) % (int)part->n] = (char)data[i + 3];
    }
    struct str bytes = {copy, part->n};
    if (strcmp(part->name, "judge") == 0)
        e = judge_load(l->judge, 1, bytes, NULL);
    else
        e = fold_windows.load(l->fold, str_of(part->name), 1, bytes, NULL);
    free(copy);
    return e;
}

static enum err count_sale(void *arg, const struct outcome *o)
{
    struct life *l = arg;
    struct fact *f = o->fate == FATE_ACCEPTED ? list_add(&l->facts) : NULL;

    if (!f)
        return ERR_OK;
    *f = (struct fact){.time_ms = o->sale->time_ms,
                       .watermark_ms = o->watermark_ms,
                       .quantity = o->sale->quantity,
                       .price = o->sale->price,
                       .value = o->sale->value};
    must(keys_id(l->keys, o->sale->customer, &f->customer) == ERR_OK);
    must(keys_id(l->keys, o->sale->country, &f->country) == ERR_OK);
    must(keys_id(l->keys, o->sale->stock, &f->stock) == ERR_OK);
    must(books_slot(l->books, o->sale->invoice, &f->invoice) == ERR_OK);
    return books_add(l->books, f);
}

/* The second half of the scene. Sums of damaged cells may not fit: ERR_LIMIT. */
static enum err go_on(struct life *l)
{
    const struct scene *s = &l->stage->scene;
    int shard;
    enum err e = judge_shard(l->judge, 1, STR("0"), &shard);

    for (int i = s->n_steps / 2; !e && i < s->n_steps; i++) {
        struct sale sale = scene_sale(s, i);
        if (s->step[i].kind == STEP_SALE)
            e = judge_sale(l->judge, shard, &sale, count_sale, l);
    }
    if (!e)
        e = judge_end(l->judge, shard, count_sale, l);
    struct judge_counts c = judge_counts(l->judge, shard);
    must(e || c.read == c.aggregated + c.late + c.rejected + c.pending);
    if (!e)
        e = fold_windows.add(l->fold, (const struct fact *)(const void *)l->facts.p, l->facts.n,
                             l->parcel);
    if (!e)
        e = fold_windows.snapshot(l->fold, l->parcel);
    if (!e)
        e = fold_windows.finish(l->fold, l->parcel);
    if (!e)
        e = fold_windows.snapshot(l->fold, l->parcel);
    if (!e)
        e = fold_windows.save(l->fold, l->parcel);
    return e ? e : judge_save(l->judge, l->parcel);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct life l;
    enum err e = ERR_OK;

    if (size < 1)
        return 0;
    begin(&l, stage_of(data[0]));
    for (int i = 0; !e && i < l.stage->n_parts; i++)
        e = load_part(&l, &l.stage->part[i], data + 1, size - 1, i);
    if (!e)
        e = fold_windows.loaded(l.fold, NULL);
    must(e == ERR_OK || (size > 4 && (e == ERR_DAMAGED || e == ERR_LIMIT || e == ERR_NEWER)));
    if (!e) {
        e = go_on(&l);
        must(e == ERR_OK || e == ERR_LIMIT);
    }
    end(&l);
    return 0;
}
