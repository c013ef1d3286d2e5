/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The road of a record without a store. accept() is that of engine/pipeline.c but for the
 * ledger, which only a stored state needs.
 */
#define _XOPEN_SOURCE 700 /* NOLINT(bugprone-reserved-identifier) */

#include "bench/lane.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define BATCH_SALES 4096 /* as in engine/pipeline.c */

static double seconds(clockid_t clock)
{
    struct timespec t = {0};

    (void)clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

double lane_cpu(void)
{
    return seconds(CLOCK_PROCESS_CPUTIME_ID);
}

double lane_wall(void)
{
    return seconds(CLOCK_MONOTONIC);
}

void lane_must(enum err e, const char *what)
{
    if (e == ERR_OK)
        return;
    (void)fprintf(stderr, "bench: %s: %s\n", what, err_text(e));
    exit(1);
}

struct str lane_file(const char *path)
{
    struct stat info = {0};
    size_t n = 0;
    char *p;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    lane_must(fd >= 0 && fstat(fd, &info) == 0 ? ERR_OK : ERR_IO, path);
    p = malloc((size_t)info.st_size + 1);
    lane_must(p ? ERR_OK : ERR_NOMEM, path);
    while (n < (size_t)info.st_size) {
        ssize_t got = read(fd, p + n, (size_t)info.st_size - n);

        lane_must(got > 0 ? ERR_OK : ERR_IO, path);
        n += (size_t)got;
    }
    (void)close(fd);
    return (struct str){p, n};
}

static void set(struct settings *s, const char *name, const char *value)
{
    struct why why = {""};

    if (!value || settings_put(s, name, value, "bench", &why) == ERR_OK)
        return;
    (void)fprintf(stderr, "bench: %s\n", why.text);
    exit(1);
}

void lane_open(struct lane *l, const char *windows, const char *dimensions)
{
    struct why why;

    *l = (struct lane){0};
    lane_must(settings_init(&l->settings), "settings");
    set(&l->settings, "windows", windows);
    set(&l->settings, "dimensions", dimensions);
    lane_must(settings_check(&l->settings, &why), "settings");
    lane_must(zone_open(l->settings.timezone, &l->zone, &why), "the time zone");
    lane_must(keys_open(&l->keys), "keys");
    lane_must(books_open(NULL, &l->books), "books");
    lane_must(judge_open(&l->settings, &l->judge), "the judge");
    lane_must(judge_shard(l->judge, 1, STR("0"), &l->shard), "the judge");
    list_init(&l->facts, sizeof(struct fact));
    l->parcel = parcel_open();
    lane_must(l->parcel ? ERR_OK : ERR_NOMEM, "a parcel");
    const struct fold_setup setup = {
        .settings = &l->settings, .zone = l->zone, .keys = l->keys, .books = l->books};
    lane_must(fold_windows.open(&setup, &l->fold, &why), "windows");
    lane_must(fold_windows.announce(l->fold, l->parcel), "windows");
}

void lane_close(struct lane *l)
{
    fold_windows.close(l->fold);
    judge_close(l->judge);
    books_close(l->books);
    keys_close(l->keys);
    zone_close(l->zone);
    parcel_close(l->parcel);
    list_clear(&l->facts);
    settings_clear(&l->settings);
}

/* Lines of an invoice follow each other: most keys are those of the line before. */
static enum err key_of(struct lane *l, struct str text, uint32_t *id)
{
    if (str_eq(keys_text(l->keys, *id), text))
        return ERR_OK;
    return keys_id(l->keys, text, id);
}

static enum err accept(struct lane *l, const struct sale *s, int64_t watermark_ms)
{
    struct fact *f = list_add(&l->facts);
    enum err e;

    if (!f)
        return ERR_NOMEM;
    f->time_ms = s->time_ms;
    f->watermark_ms = watermark_ms;
    f->quantity = s->quantity;
    f->price = s->price;
    f->value = s->value;
    e = key_of(l, s->customer, &l->customer);
    if (!e)
        e = key_of(l, s->country, &l->country);
    if (!e)
        e = keys_id(l->keys, s->stock, &f->stock);
    if (!e)
        e = books_slot(l->books, s->invoice, &f->invoice);
    f->customer = l->customer;
    f->country = l->country;
    l->accepted++;
    return e ? e : books_add(l->books, f);
}

static enum err meet_fate(void *arg, const struct outcome *o)
{
    return o->fate == FATE_ACCEPTED ? accept(arg, o->sale, o->watermark_ms) : ERR_OK;
}

void lane_fold(struct lane *l, const struct fact *facts, size_t n)
{
    lane_must(fold_windows.add(l->fold, facts, n, l->parcel), "the windows");
    if (l->parcel->rows.n >= BATCH_SALES)
        parcel_reset(l->parcel);
}

static void fold_waiting(struct lane *l)
{
    if (l->keep_facts)
        return;
    lane_fold(l, (const struct fact *)(const void *)l->facts.p, l->facts.n);
    l->facts.n = 0;
}

void lane_take(struct lane *l, const struct sales *s)
{
    for (size_t i = 0; i < s->n; i++)
        lane_must(judge_sale(l->judge, l->shard, &s->sale[i], meet_fate, l), "a sale");
    fold_waiting(l);
}

void lane_commit(struct lane *l)
{
    lane_must(fold_windows.snapshot(l->fold, l->parcel), "open windows");
    lane_must(keys_deliver(l->keys, l->parcel), "keys");
    lane_must(books_deliver(l->books, l->parcel, ++l->commits), "books");
    parcel_reset(l->parcel);
    books_forget(l->books, fold_windows.oldest(l->fold), l->commits);
}

void lane_finish(struct lane *l)
{
    lane_must(judge_end(l->judge, l->shard, meet_fate, l), "the end");
    fold_waiting(l);
    lane_must(fold_windows.finish(l->fold, l->parcel), "the end");
    parcel_reset(l->parcel);
}

uint64_t lane_decode(const struct settings *settings, const char *path, struct str text,
                     void (*each)(void *arg, const struct sales *batch), void *arg)
{
    const struct codec_kind *kind = codec_for(path, text);
    struct codec *codec;
    struct sales sales;
    struct why why;
    uint64_t records = 0;
    size_t at = 0, used = 0;

    lane_must(kind ? kind->open(settings, &codec, &why) : ERR_INVALID, path);
    sales_init(&sales);
    for (; at < text.n; at += used) {
        size_t left = text.n - at, batch = (size_t)settings->batch_bytes;
        const struct stretch in = {.bytes = {text.p + at, left < batch ? left : batch},
                                   .offset = at,
                                   .last = left <= batch};

        sales_reset(&sales);
        lane_must(kind->decode(codec, &in, BATCH_SALES, &sales, &used, &why), path);
        lane_must(used ? ERR_OK : ERR_LIMIT, path);
        records += sales.n + sales.n_rejects;
        if (each)
            each(arg, &sales);
    }
    sales_clear(&sales);
    kind->close(codec);
    return records;
}
