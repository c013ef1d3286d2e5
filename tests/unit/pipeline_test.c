/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * pipeline_test: files that appear, grow and are replaced, read by the whole engine.
 */
#include "engine/pipeline.h"
#include "tests/support/t.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const struct codec_kind *const codecs[] = {&codec_json, &codec_csv, NULL};

struct run {
    struct settings settings;
    struct store *store;
    struct pipeline *pipeline;
};

static void open_run(struct run *r, const char *path, bool follow)
{
    struct why why = {""};

    ok_err(settings_init(&r->settings));
    ok_err(settings_check(&r->settings, &why));
    r->settings.threads = 0;
    const struct store_options options = {.path = tmp_path("run.db"), .env = env_real()};
    ok_err(store_open(&options, &r->store, &why));
    const struct pipeline_setup setup = {.env = env_real(),
                                         .settings = &r->settings,
                                         .store = r->store,
                                         .fold = &fold_windows,
                                         .model = &model_shop,
                                         .source = &source_file,
                                         .locator = path,
                                         .follow = follow,
                                         .codec_for = codec_for,
                                         .codecs = codecs};
    if (pipeline_open(&setup, &r->pipeline, &why))
        fail("%s", why.text);
}

/* What was not committed is lost. */
static void close_run(struct run *r)
{
    pipeline_close(r->pipeline);
    store_close(r->store);
    settings_clear(&r->settings);
}

static struct pipeline_status status(const struct run *r)
{
    struct pipeline_status s;

    pipeline_status(r->pipeline, false, &s);
    return s;
}

/* Turns until so many records were read in this run and there is nothing more. */
static void read_records(struct run *r, int64_t records)
{
    struct why why = {""};
    enum err e = ERR_OK;

    for (int i = 0; i < 1000 && (e != ERR_AGAIN || status(r).records < records); i++) {
        e = pipeline_turn(r->pipeline, 10, &why);
        if (e != ERR_OK && e != ERR_AGAIN)
            fail("%s: %s", err_text(e), why.text);
    }
    eq_int(status(r).records, records);
}

static void read_to_the_end(struct run *r)
{
    struct why why = {""};
    enum err e = ERR_OK;

    while (e == ERR_OK || e == ERR_AGAIN)
        e = pipeline_turn(r->pipeline, 10, &why);
    eq_err(e, ERR_END);
}

/* A file with one sale at each of these hours of a day, of this invoice. */
static void write_sales(const char *path, const char *invoice, const int *hour, int n)
{
    FILE *f = fopen(path, "a");

    ok(f != NULL);
    for (int i = 0; i < n; i++)
        ok(fprintf(f,
                   "{\"InvoiceNo\":\"%s\",\"Quantity\":1,\"UnitPrice\":2.5,"
                   "\"InvoiceDate\":\"2010-12-01T%02d:00:00Z\"}\n",
                   invoice, hour[i]) > 0);
    ok(fclose(f) == 0);
}

static void replace(const char *path, const char *invoice, const int *hour, int n)
{
    const char *next = tmp_path("next");

    write_sales(next, invoice, hour, n);
    ok(rename(next, path) == 0);
}

static int64_t at_hour(int hour)
{
    return when_days(2010, 12, 1) * WHEN_DAY + hour * WHEN_HOUR;
}

T(a_small_followed_file_that_is_replaced_is_not_taken_for_the_new_one)
{
    const char *path = tmp_path("log.ndjson");
    struct run r;

    write_sales(path, "one", (const int[]){8, 9, 10}, 3);
    open_run(&r, path, true);
    read_records(&r, 3);
    replace(path, "two", (const int[]){11, 12}, 2);
    read_records(&r, 5);
    eq_int(status(&r).counts.aggregated, 2);
    close_run(&r);
    open_run(&r, path, true);
    read_records(&r, 0);
    eq_int(status(&r).counts.aggregated, 2);
    close_run(&r);
}

T(a_file_that_was_empty_when_it_was_taken_up_is_known_by_what_was_read_of_it)
{
    const char *path = tmp_write("log.ndjson", "", 0);
    struct run r;

    open_run(&r, path, true);
    read_records(&r, 0);
    write_sales(path, "one", (const int[]){8, 9}, 2);
    replace(path, "two", (const int[]){11}, 1);
    read_records(&r, 3);
    eq_int(status(&r).counts.aggregated, 1);
    close_run(&r);
}

T(a_file_replaced_while_nobody_read_it_holds_nothing_back)
{
    const char *path = tmp_path("log.ndjson");
    struct run r;

    write_sales(path, "one", (const int[]){8, 9}, 2);
    open_run(&r, path, true);
    read_records(&r, 2);
    ok_err(pipeline_commit(r.pipeline, NULL));
    close_run(&r);
    replace(path, "two", (const int[]){11, 12}, 2);
    open_run(&r, path, true);
    read_records(&r, 2);
    eq_int(status(&r).watermark_ms, at_hour(12) - r.settings.out_of_order_ms);
    close_run(&r);
}

T(what_waited_in_the_pen_of_a_file_that_is_gone_is_counted)
{
    const char *path = tmp_path("log.ndjson");
    struct run r;

    write_sales(path, "one", (const int[]){8}, 1);
    open_run(&r, path, true);
    read_records(&r, 1);
    FILE *f = fopen(path, "a");
    ok(f && fprintf(f, "{\"InvoiceNo\":\"far\",\"Quantity\":1,\"UnitPrice\":1,"
                       "\"InvoiceDate\":\"2011-01-04\"}\n") > 0);
    ok(fclose(f) == 0);
    read_records(&r, 2);
    eq_int(status(&r).counts.pending, 1);
    ok_err(pipeline_commit(r.pipeline, NULL));
    close_run(&r);
    replace(path, "two", (const int[]){9}, 1);
    open_run(&r, path, false);
    read_to_the_end(&r);
    eq_int(status(&r).watermark_ms, when_days(2011, 1, 4) * WHEN_DAY - r.settings.out_of_order_ms);
    close_run(&r);
}

T(a_turn_on_a_file_that_is_not_there_yet_waits)
{
    struct timespec before, after;
    struct why why = {""};
    struct run r;

    open_run(&r, tmp_path("later.ndjson"), true);
    eq_err(pipeline_turn(r.pipeline, 1, &why), ERR_AGAIN);
    ok(clock_gettime(CLOCK_MONOTONIC, &before) == 0);
    eq_err(pipeline_turn(r.pipeline, 60, &why), ERR_AGAIN);
    ok(clock_gettime(CLOCK_MONOTONIC, &after) == 0);
    ok((after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000 >= 50);
    write_sales(tmp_path("later.ndjson"), "one", (const int[]){8}, 1);
    read_records(&r, 1);
    close_run(&r);
}
