/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/store/store.h"
#include "tests/support/parcels.h"
#include "tests/support/t.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define DAY INT64_C(1291161600) /* 2010-12-01T00:00:00Z */

static struct store *opened(const char *path, bool helper)
{
    struct store_options o = {.path = path, .helper = helper, .env = env_real()};
    struct store *s = NULL;
    struct why why = {.text = ""};

    if (store_open(&o, &s, &why))
        fail("store_open: %s", why.text);
    return s;
}

static enum err open_error(const char *path, struct why *why)
{
    struct store_options o = {.path = path, .env = env_real()};
    struct store *s = NULL;
    enum err e = store_open(&o, &s, why);

    store_close(s);
    return e;
}

/* Sends, waits, and gives back a parcel to fill. */
static struct parcel *sent(struct store *s, struct parcel *p, bool commit)
{
    struct why why = {.text = ""};

    p->commit = commit;
    if (store_send(s, &p, &why) || store_wait(s, &why))
        fail("store_send: %s", why.text);
    return p ? p : parcel_open();
}

static void country_hour(struct parcel *p)
{
    parcels_series(p, 3, "hour", "country", 3600);
    parcels_key(p, 1, "France");
    parcels_key(p, 2, "Germany");
}

T(a_new_database_has_every_view_and_no_rows)
{
    static const char *const views[][2] = {
        {"aggregates",
         "window|dimension|key|window_start|window_end|lines|invoices|customers|units|revenue|"
         "revenue_micros|return_lines|return_units|return_revenue|return_revenue_micros|min_line|"
         "max_line|mean_line|sd_line|p50_line|p90_line|p99_line|final|version"},
        {"invoices", "invoice|customer|country|first_time|last_time|lines|units|revenue|"
                     "revenue_micros|n_customers|n_countries"},
        {"customers", "customer|country|first_time|last_time|lines|invoices|units|revenue|"
                      "revenue_micros|return_revenue|return_revenue_micros"},
        {"rejects", "source|shard|position|reason|raw|seen_at"},
        {"late", "source|shard|position|reason|event_time|window_start|record|merged_at|seen_at"},
        {"progress", "source|shard|position|read|aggregated|late|rejected|pending|duplicates|"
                     "watermark|millis_behind|updated_at"},
    };
    const char *path = tmp_path("new.db");
    struct store *s = opened(path, false);
    struct parcel *p = parcel_open();

    for (int series = 0; series < 2; series++) {
        for (size_t i = 0; i < countof(views); i++) {
            char sql[160];

            (void)snprintf(sql, sizeof(sql),
                           "SELECT group_concat(name, '|') FROM pragma_table_info('%s')",
                           views[i][0]);
            eq_str(parcels_ask(path, sql), views[i][1]);
            (void)snprintf(sql, sizeof(sql), "SELECT * FROM \"%s\"", views[i][0]);
            eq_str(parcels_ask(path, sql), "");
        }
        country_hour(p);
        p = sent(s, p, true);
    }
    parcel_close(p);
    store_close(s);
}

T(a_row_of_history_is_seen_as_it_was_sent)
{
    const char *path = tmp_path("history.db");
    struct store *s = opened(path, true);
    struct parcel *p = parcel_open();
    struct agg_row *r;

    country_hour(p);
    r = parcels_row(p, 3, DAY + 8 * 3600, 2, 3, 45900000);
    *r = (struct agg_row){.series = 3,
                          .final = 1,
                          .version = 2,
                          .key = 2,
                          .start_s = DAY + 8 * 3600,
                          .end_s = DAY + 9 * 3600,
                          .lines = 3,
                          .invoices = 2,
                          .customers = 1,
                          .units = 5,
                          .revenue = 45900000,
                          .return_lines = 1,
                          .return_units = -1,
                          .return_revenue = -2550000,
                          .min = -2550000,
                          .max = 30000001,
                          .sd = 1.5,
                          .p50 = 18450000,
                          .p90 = 29000000,
                          .p99 = 30000001};
    r = parcels_row(p, 3, DAY + 8 * 3600, 1, 1, 15300000);
    r->end_s = DAY + 8 * 3600 + 17;
    p = sent(s, p, true);
    eq_str(parcels_ask(path, "SELECT * FROM aggregates"),
           "hour|country|France|2010-12-01T08:00:00Z|2010-12-01T08:00:17Z|1|1|1|1|15.3|15300000|0|"
           "0|0|0|15.3|15.3|15.3|0|15.3|15.3|15.3|0|0\n"
           "hour|country|Germany|2010-12-01T08:00:00Z|2010-12-01T09:00:00Z|3|2|1|5|45.9|45900000|1"
           "|-1|-2.55|-2550000|-2.55|30.000001|15.3|1.5|18.45|29|30.000001|1|2");
    parcel_close(p);
    store_close(s);
}

T(a_later_row_replaces_an_earlier_one_whatever_the_order)
{
    const char *path = tmp_path("later.db");
    struct store *s = opened(path, false);
    struct parcel *p = parcel_open();

    country_hour(p);
    parcels_row(p, 3, DAY + 3600, 1, 1, 5);
    parcels_row(p, 3, DAY, 2, 1, 1);
    parcels_row(p, 3, DAY, 1, 1, 2);
    parcels_row(p, 3, DAY, 2, 1, 3);
    parcels_row(p, 3, DAY + 3600, 1, 1, 4);
    parcels_row(p, 3, DAY, 1, 1, 6)->op = ROW_DELETE;
    parcels_row(p, 3, DAY + 7200, 1, 1, 7)->op = ROW_DELETE;
    parcels_row(p, 3, DAY + 7200, 1, 1, 8);
    p = sent(s, p, true);
    eq_str(parcels_ask(path, "SELECT window_start, key, revenue_micros FROM aggregates"),
           "2010-12-01T00:00:00Z|Germany|3\n2010-12-01T01:00:00Z|France|4\n"
           "2010-12-01T02:00:00Z|France|8");
    parcels_row(p, 3, DAY, 2, 1, 9);
    p = sent(s, p, true);
    eq_str(parcels_ask(path, "SELECT revenue_micros FROM aggregates WHERE key = 'Germany'"), "9");
    parcel_close(p);
    store_close(s);
}

T(old_rows_are_deleted_by_the_start_of_their_window)
{
    const char *path = tmp_path("old.db");
    struct store *s = opened(path, false);
    struct parcel *p = parcel_open();

    country_hour(p);
    for (int hour = 0; hour < 5; hour++)
        parcels_row(p, 3, DAY + hour * 3600, 1, 1, hour);
    p = sent(s, p, true);
    parcels_series(p, 3, "hour", "country", 3600)->delete_before_s = DAY + 3 * 3600;
    p = sent(s, p, true);
    eq_str(parcels_ask(path, "SELECT revenue_micros FROM aggregates"), "3\n4");
    parcel_close(p);
    store_close(s);
}

T(windows_before_1970_and_after_2106_keep_their_times)
{
    const char *path = tmp_path("times.db");
    struct store *s = opened(path, false);
    struct parcel *p = parcel_open();

    country_hour(p);
    parcels_row(p, 3, INT64_C(-2208988800), 1, 1, 1);
    parcels_row(p, 3, INT64_C(7258114800), 2, 1, 2);
    parcels_row(p, 3, -3600, 2, 1, 3);
    p = sent(s, p, true);
    eq_str(parcels_ask(path, "SELECT window_start, window_end, key FROM aggregates"),
           "1900-01-01T00:00:00Z|1900-01-01T01:00:00Z|France\n"
           "1969-12-31T23:00:00Z|1970-01-01T00:00:00Z|Germany\n"
           "2199-12-31T23:00:00Z|2200-01-01T00:00:00Z|Germany");
    parcel_close(p);
    store_close(s);
}

T(newest_rows_belong_to_the_window_of_their_series)
{
    const char *path = tmp_path("newest.db");
    struct store *s = opened(path, false);
    struct parcel *p = parcel_open();
    struct series_row *series = parcels_series(p, 9, "last24h", "country", 86400);

    series->newest = true;
    series->start_s = DAY;
    series->end_s = DAY + 86400;
    parcels_key(p, 1, "France");
    parcels_key(p, 2, "Germany");
    parcels_row(p, 9, DAY, 1, 1, 10)->version = 1;
    parcels_row(p, 9, DAY, 2, 1, 20)->final = 1;
    p = sent(s, p, true);
    eq_str(
        parcels_ask(path, "SELECT key, window_start, window_end, final, version FROM aggregates"),
        "France|2010-12-01T00:00:00Z|2010-12-02T00:00:00Z|0|1\n"
        "Germany|2010-12-01T00:00:00Z|2010-12-02T00:00:00Z|1|0");
    series = parcels_series(p, 9, "last24h", "country", 86400);
    series->newest = true;
    series->start_s = DAY + 3600;
    series->end_s = DAY + 86400 + 3600;
    parcels_row(p, 9, DAY + 3600, 2, 1, 30)->version = 4;
    p = sent(s, p, true);
    eq_str(parcels_ask(path, "SELECT key, window_start, window_end, revenue_micros, final, version"
                             " FROM aggregates"),
           "France|2010-12-01T01:00:00Z|2010-12-02T01:00:00Z|10|0|0\n"
           "Germany|2010-12-01T01:00:00Z|2010-12-02T01:00:00Z|30|0|4");
    parcels_row(p, 9, DAY + 3600, 1, 0, 0)->op = ROW_DELETE;
    p = sent(s, p, true);
    eq_str(parcels_ask(path, "SELECT key FROM aggregates"), "Germany");
    parcel_close(p);
    store_close(s);
}

T(names_with_quotes_and_many_series_make_a_view_that_works)
{
    const char *path = tmp_path("many.db");
    struct store *s = opened(path, false);
    struct parcel *p = parcel_open();
    char name[32];

    parcels_key(p, 1, "it's \"one\"; DROP TABLE key; --");
    for (uint16_t i = 0; i < 1024; i++) {
        (void)snprintf(name, sizeof(name), "w'\"%%s%u' --", i / 16u);
        parcels_series(p, i, name, i % 16 ? "country+'stock" : "all", 3600);
        parcels_row(p, i, DAY, 1, 1, i);
    }
    p = sent(s, p, true);
    eq_str(parcels_ask(path, "SELECT count(*), sum(revenue_micros) FROM aggregates"),
           "1024|523776");
    eq_str(parcels_ask(path, "SELECT \"window\", key, revenue_micros FROM aggregates WHERE"
                             " \"window\" = 'w''\"%s63'' --' AND revenue_micros IN (1008, 1009)"),
           "w'\"%s63' --|*|1008\nw'\"%s63' --|it's \"one\"; DROP TABLE key; --|1009");
    eq_str(parcels_ask(path, "SELECT revenue_micros FROM aggregates WHERE \"window\" ="
                             " 'w''\"%s0'' --' AND dimension = 'country+''stock' LIMIT 2"),
           "1\n2");
    parcel_close(p);
    store_close(s);
}

T(books_add_customers_and_replace_invoices)
{
    const char *path = tmp_path("books.db");
    struct store *s = opened(path, false);
    struct parcel *p = parcel_open();

    parcels_key(p, 1, "17850");
    parcels_key(p, 2, "United Kingdom");
    parcels_key(p, 3, "France");
    for (int i = 0; i < 2; i++) {
        struct invoice_row *v = list_add(&p->invoices);
        struct customer_row *c = list_add(&p->customers);

        *v = (struct invoice_row){.id = 7,
                                  .customer = 1,
                                  .country = 2,
                                  .first_ms = DAY * 1000,
                                  .last_ms = DAY * 1000 + 61999,
                                  .lines = 2 + i,
                                  .units = 6,
                                  .revenue = -15300000,
                                  .n_customers = 1,
                                  .n_countries = 1};
        v->text = parcels_text(p, "C536365");
        *c = (struct customer_row){.key = 1,
                                   .country = i ? 3 : 2,
                                   .first_ms = (DAY - i) * 1000,
                                   .last_ms = (DAY - i) * 1000,
                                   .lines = 2,
                                   .invoices = 1,
                                   .units = 3,
                                   .revenue = 1500000,
                                   .return_revenue = -250000};
        *(struct customer_row *)list_add(&p->customers) =
            (struct customer_row){.key = 0, .lines = 1};
        p = sent(s, p, true);
    }
    eq_str(parcels_ask(path, "SELECT * FROM invoices"),
           "C536365|17850|United Kingdom|2010-12-01T00:00:00Z|2010-12-01T00:01:01Z|3|6|-15.3|"
           "-15300000|1|1");
    eq_str(parcels_ask(path, "SELECT * FROM customers"),
           "17850|United Kingdom|2010-11-30T23:59:59Z|2010-12-01T00:00:00Z|4|2|6|3|3000000|-0.5|"
           "-500000");
    parcel_close(p);
    store_close(s);
}

static void add_source(struct parcel *p, int64_t id, const char *path)
{
    struct source_row *r = list_add(&p->sources);

    r->id = id;
    r->path = parcels_text(p, path);
    r->codec = parcels_text(p, "header");
    r->head_hash = UINT64_MAX;
    r->head_len = 4096;
}

T(rejects_late_and_progress_name_their_source_and_generation)
{
    const char *path = tmp_path("flow.db");
    struct store *s = opened(path, false);
    struct parcel *p = parcel_open();
    struct reject_row *r;
    struct late_row *l;
    struct progress_row *g;
    struct span raw;

    add_source(p, 1, "file:/a.csv");
    add_source(p, 2, "stdin");
    add_source(p, 3, "stdin");
    add_source(p, 2, "stdin");
    r = list_add(&p->rejects);
    *r = (struct reject_row){.source = 3, .seen_ms = 1500};
    r->shard = parcels_text(p, "0");
    r->position = parcels_text(p, "18446744073709551616");
    r->reason = parcels_text(p, "Quantity \"x\" is no number");
    ok_err(parcel_text(p, (struct str){"\xff\0", 2}, &raw));
    r->raw = raw;
    l = list_add(&p->late);
    *l = (struct late_row){.source = 1, .event_ms = -1, .slice_s = -3600, .seen_ms = 1000};
    l->shard = parcels_text(p, "0");
    l->position = parcels_text(p, "190");
    l->reason = parcels_text(p, "ahead");
    l->record = parcels_text(p, "{}");
    g = list_add(&p->progress);
    *g = (struct progress_row){.source = 2,
                               .read = 6,
                               .aggregated = 3,
                               .late = 1,
                               .rejected = 2,
                               .watermark_ms = INT64_MIN,
                               .millis_behind = -1};
    g->shard = parcels_text(p, "0");
    g->position = parcels_text(p, "007");
    p = sent(s, p, true);
    eq_str(parcels_ask(path, "SELECT source, shard, position, typeof(position), reason, hex(raw),"
                             " typeof(raw), seen_at FROM rejects"),
           "stdin#2|0|18446744073709551616|text|Quantity \"x\" is no number|FF00|blob|"
           "1970-01-01T00:00:01Z");
    eq_str(parcels_ask(path, "SELECT *, typeof(position) FROM late"),
           "file:/a.csv|0|190|ahead|1969-12-31T23:59:59Z|1969-12-31T23:00:00Z|{}||"
           "1970-01-01T00:00:01Z|integer");
    eq_str(parcels_ask(path, "SELECT *, typeof(position) FROM progress"),
           "stdin|0|007|6|3|1|2|0|0|||1970-01-01T00:00:00Z|text");
    parcel_close(p);
    store_close(s);
}

/* ---- reading back ---- */

struct seen {
    char text[512];
};

static void note(struct seen *seen, const char *format, ...) PRINTF_LIKE(2, 3);
static void note(struct seen *seen, const char *format, ...)
{
    size_t n = strlen(seen->text);
    va_list args;

    va_start(args, format);
    (void)vsnprintf(seen->text + n, sizeof(seen->text) - n, format, args);
    va_end(args);
}

static enum err see_key(void *arg, uint32_t id, struct str text)
{
    note(arg, "%u=%.*s;", id, (int)text.n, text.p);
    return ERR_OK;
}

static enum err see_source(void *arg, const struct stored_source *src)
{
    note(arg, "%d %.*s %.*s %llx %u;", (int)src->id, (int)src->path.n, src->path.p,
         (int)src->codec.n, src->codec.p, (unsigned long long)src->head_hash, src->head_len);
    return ERR_OK;
}

static enum err see_progress(void *arg, const struct stored_progress *g)
{
    note(arg, "%d %.*s %.*s %d %d;", (int)g->source, (int)g->shard.n, g->shard.p,
         (int)g->position.n, g->position.p, (int)g->read, g->watermark_ms == INT64_MIN);
    return ERR_OK;
}

static enum err see_series(void *arg, const struct stored_series *r)
{
    note(arg, "%d %d %.*s %.*s;", r->id, r->newest, (int)r->window.n, r->window.p,
         (int)r->dimension.n, r->dimension.p);
    return ERR_OK;
}

static enum err see_ledger(void *arg, uint64_t seq, uint32_t sales, struct str data)
{
    note(arg, "%d %u %.*s;", (int)seq, sales, (int)data.n, data.p);
    return ERR_OK;
}

static enum err see_dedup(void *arg, uint64_t seq, const uint64_t hash[2], int64_t expires_ms)
{
    note(arg, "%d %llx %llx %d;", (int)seq, (unsigned long long)hash[0],
         (unsigned long long)hash[1], (int)expires_ms);
    return ERR_OK;
}

static enum err see_state(void *arg, struct str name, uint32_t version, struct str data)
{
    note(arg, "%.*s %u %.*s;", (int)name.n, name.p, version, (int)data.n, data.p);
    return ERR_OK;
}

static void fill_rest(struct parcel *p)
{
    struct progress_row *g;

    country_hour(p);
    add_source(p, 1, "file:/a.csv");
    g = list_add(&p->progress);
    *g = (struct progress_row){.source = 1, .read = 6, .watermark_ms = INT64_MIN};
    g->position = parcels_text(p, "42");
    for (uint64_t seq = 1; seq <= 3; seq++) {
        struct ledger_row *l = list_add(&p->ledger);
        struct dedup_row *d = list_add(&p->dedup);

        *l = (struct ledger_row){.seq = seq, .sales = 2, .data = parcels_text(p, "sales")};
        *d = (struct dedup_row){.seq = seq, .hash = {UINT64_MAX, seq}, .expires_ms = 5};
    }
    p->dedup_before = 2;
    parcels_state(p, "windows/2", 1, "two");
    parcels_state(p, "windows/1", 3, "");
    parcels_state(p, "window", 1, "other");
    parcels_state(p, "books", 1, "gone");
    parcels_state(p, "books", 1, "");
    ((struct state_row *)list_at(&p->states, 4))->gone = true;
}

T(what_was_committed_is_read_back_after_opening_again)
{
    const char *path = tmp_path("again.db");
    struct store *s = opened(path, true);
    struct parcel *p = parcel_open();
    struct seen seen = {.text = ""};
    struct why why;
    struct buf meta;

    fill_rest(p);
    ok_err(store_meta_set(s, "meaning", STR("{}"), &why));
    p = sent(s, p, true);
    eq_u64(store_commits(s), 1);
    store_close(s);
    s = opened(path, false);
    buf_init(&meta, 100);
    ok_err(store_each_key(s, see_key, &seen));
    ok_err(store_each_source(s, see_source, &seen));
    ok_err(store_each_progress(s, see_progress, &seen));
    ok_err(store_each_series(s, see_series, &seen));
    ok_err(store_each_ledger(s, 1, see_ledger, &seen));
    ok_err(store_each_dedup(s, see_dedup, &seen));
    ok_err(store_each_state(s, "windows/", see_state, &seen, &why));
    ok_err(store_meta(s, "meaning", &meta));
    eq_err(store_meta(s, "nothing", &meta), ERR_NOT_FOUND);
    eq_str(seen.text, "0=;1=France;2=Germany;1 file:/a.csv header ffffffffffffffff 4096;1  42 6 1;"
                      "3 0 hour country;2 2 sales;3 2 sales;2 ffffffffffffffff 2 5;"
                      "3 ffffffffffffffff 3 5;windows/1 3 ;windows/2 1 two;");
    eq_bytes(meta.p, meta.n, "{}", 2);
    buf_clear(&meta);
    parcel_close(p);
    store_close(s);
}

T(an_invoice_is_found_by_text_and_by_number)
{
    const char *path = tmp_path("invoice.db");
    struct store *s = opened(path, false);
    struct parcel *p = parcel_open();
    struct invoice_row *v = list_add(&p->invoices);
    struct stored_invoice found;

    eq_u64(store_last_invoice(s), 0);
    *v = (struct invoice_row){.id = 12, .customer = 5, .lines = 3, .n_customers = 2};
    v->text = parcels_text(p, "536365");
    v->others = parcels_text(p, "more");
    p = sent(s, p, false);
    eq_err(store_invoice(s, STR("536365"), &found), ERR_NOT_FOUND);
    p = sent(s, p, true);
    ok_err(store_invoice(s, STR("536365"), &found));
    eq_u64(found.id, 12);
    eq_int(found.lines, 3);
    ok(str_eq(found.others, STR("more")));
    ok_err(store_invoice_by_id(s, 12, &found));
    ok(str_eq(found.text, STR("536365")));
    eq_int(found.n_customers, 2);
    eq_err(store_invoice_by_id(s, 13, &found), ERR_NOT_FOUND);
    eq_u64(store_last_invoice(s), 12);
    parcel_close(p);
    store_close(s);
}

/* ---- transactions ---- */

T(what_no_commit_followed_is_gone_after_closing)
{
    for (int helper = 0; helper < 2; helper++) {
        const char *path = tmp_path(helper ? "helper.db" : "plain.db");
        struct store *s = opened(path, helper);
        struct parcel *p = parcel_open();

        country_hour(p);
        parcels_row(p, 3, DAY, 1, 1, 1);
        p = sent(s, p, true);
        parcels_row(p, 3, DAY, 2, 1, 2);
        p = sent(s, p, false);
        eq_str(parcels_ask(path, "SELECT count(*) FROM aggregates"), "1");
        parcel_close(p);
        store_close(s);
        eq_str(parcels_ask(path, "SELECT count(*) FROM aggregates"), "1");
    }
}

T(parcels_sent_with_a_commit_are_applied_before_closing)
{
    const char *path = tmp_path("drain.db");
    struct store *s = opened(path, true);
    struct why why;

    for (int i = 0; i < 50; i++) {
        struct parcel *p = parcel_open();

        if (i == 0)
            country_hour(p);
        for (int k = 0; k < 200; k++)
            parcels_row(p, 3, DAY + (i * 200 + k) * 3600, 1, 1, 1);
        p->commit = true;
        ok_err(store_send(s, &p, &why));
        parcel_close(p);
    }
    store_close(s);
    eq_str(parcels_ask(path, "SELECT count(*) FROM aggregates"), "10000");
}

T(with_and_without_a_helper_the_content_is_the_same)
{
    static char seen[2][16384];

    for (int helper = 0; helper < 2; helper++) {
        const char *path = tmp_path(helper ? "helper.db" : "plain.db");
        struct store *s = opened(path, helper);
        struct parcel *p = parcel_open();
        uint64_t random = seed();

        country_hour(p);
        for (int i = 0; i < 100; i++) {
            struct why why;

            for (uint64_t n = rnd_below(&random, 20); n > 0; n--)
                parcels_row(p, 3, DAY + (int64_t)rnd_below(&random, 50) * 3600,
                            1 + (uint32_t)rnd_below(&random, 2), 1, (int64_t)rnd(&random) >> 8)
                    ->op = rnd_below(&random, 4) ? ROW_PUT : ROW_DELETE;
            p->commit = rnd_below(&random, 3) == 0 || i == 99;
            ok_err(store_send(s, &p, &why));
            p = p ? p : parcel_open();
        }
        parcel_close(p);
        store_close(s);
        (void)snprintf(seen[helper], sizeof(seen[helper]), "%s",
                       parcels_ask(path, "SELECT key, window_start, revenue_micros FROM aggregates"
                                         " ORDER BY 1, 2"));
    }
    ok(strlen(seen[0]) > 1000);
    eq_str(seen[1], seen[0]);
}

T(an_error_sticks_and_what_was_committed_stays)
{
    for (int helper = 0; helper < 2; helper++) {
        const char *path = tmp_path(helper ? "helper.db" : "plain.db");
        struct store *s = opened(path, helper);
        struct parcel *p = parcel_open();
        struct why why = {.text = ""};

        country_hour(p);
        parcels_row(p, 3, DAY, 1, 1, 1);
        p = sent(s, p, true);
        parcels_row(p, 3, DAY, 2, 1, 1);
        parcels_row(p, 77, DAY, 2, 1, 1);
        p->commit = true;
        (void)!store_send(s, &p, NULL);
        eq_err(store_wait(s, &why), ERR_INVALID);
        ok(strstr(why.text, "77") != NULL);
        parcel_close(p);
        p = parcel_open();
        p->commit = true;
        eq_err(store_send(s, &p, &why), ERR_INVALID);
        ok(p != NULL);
        eq_u64(store_commits(s), 1);
        parcel_close(p);
        store_close(s);
        eq_str(parcels_ask(path, "SELECT count(*) FROM aggregates"), "1");
    }
}

/* ---- whose file it is ---- */

T(a_second_writer_is_refused_with_the_pid_of_the_first)
{
    const char *path = tmp_path("one.db");
    struct store *s = opened(path, false);
    char pid[24];
    int status = 0;
    pid_t child;

    (void)snprintf(pid, sizeof(pid), "process %ld:", (long)getpid());
    child = fork();
    if (child == 0) {
        struct why why = {.text = ""};
        enum err e = open_error(path, &why);

        _exit(e == ERR_BUSY && strstr(why.text, pid) && strstr(why.text, path) ? 0 : 1);
    }
    ok(waitpid(child, &status, 0) == child);
    eq_int(status, 0);
    store_close(s);
    s = opened(path, false);
    store_close(s);
}

T(two_names_of_one_database_share_its_lock)
{
    const char *path = tmp_path("real.db");
    const char *link = tmp_path("link.db");
    struct store *s = opened(path, false);
    int status = 0;
    pid_t child;

    ok(symlink(path, link) == 0);
    child = fork();
    if (child == 0)
        _exit(open_error(link, NULL) == ERR_BUSY ? 0 : 1);
    ok(waitpid(child, &status, 0) == child);
    eq_int(status, 0);
    store_close(s);
}

T(a_killed_writer_frees_the_lock_and_leaves_its_last_commit)
{
    const char *path = tmp_path("killed.db");

    for (int round = 0; round < 6; round++) {
        int status = 0;
        pid_t child = fork();

        if (child == 0) {
            struct store *s = opened(path, round % 2);
            struct parcel *p = parcel_open();

            for (int64_t n = 0; n < 100000; n++) {
                p = p ? p : parcel_open();
                country_hour(p);
                for (int64_t k = 0; k < 40; k++)
                    parcels_row(p, 3, DAY + round * 100000000 + n * 40 + k, 1, 1, 1);
                p->commit = n % 3 == 2;
                if (store_send(s, &p, NULL))
                    _exit(2);
            }
            _exit(3);
        }
        (void)nanosleep(&(struct timespec){.tv_nsec = (20 + 15 * round) * 1000000L}, NULL);
        ok(kill(child, SIGKILL) == 0);
        ok(waitpid(child, &status, 0) == child);
        ok(WIFSIGNALED(status));
        store_close(opened(path, false));
        eq_str(parcels_ask(path, "SELECT count(*) % 120 FROM aggregates"), "0");
        eq_str(parcels_ask(path, "PRAGMA integrity_check"), "ok");
    }
}

T(a_file_that_is_no_database_is_refused_and_left_alone)
{
    static const char text[] =
        "InvoiceNo,StockCode\n536365,85123A\n and more text to be sure of it";
    const char *path = tmp_write("sales.csv", text, sizeof(text) - 1);
    struct why why = {.text = ""};
    struct stat st;

    eq_err(open_error(path, &why), ERR_DAMAGED);
    ok(strstr(why.text, path) != NULL);
    ok(strstr(why.text, "not a SQLite database") != NULL);
    ok(stat(path, &st) == 0);
    eq_int(st.st_size, sizeof(text) - 1);
}

static void tamper(const char *path, const char *sql)
{
    char command[600];

    (void)snprintf(command, sizeof(command),
                   "python3 -c 'import sqlite3, sys\n"
                   "c = sqlite3.connect(sys.argv[1])\n"
                   "c.executescript(sys.argv[2])' '%s' '%s'",
                   path, sql);
    if (system(command))
        skip("python3 with sqlite3 is not here");
}

T(another_programs_database_is_refused_and_left_alone)
{
    const char *path = tmp_path("other.db");
    struct why why = {.text = ""};

    tamper(path, "CREATE TABLE t(x)");
    eq_err(open_error(path, &why), ERR_DAMAGED);
    ok(strstr(why.text, "another program") != NULL);
    ok(access(tmp_path("other.db-wal"), F_OK) != 0);
}

T(a_newer_schema_is_refused)
{
    const char *path = tmp_path("newer.db");
    struct why why = {.text = ""};

    store_close(opened(path, false));
    tamper(path, "PRAGMA user_version = 7");
    eq_err(open_error(path, &why), ERR_NEWER);
    ok(strstr(why.text, "schema 7") != NULL);
}

T(damaged_state_is_refused_by_name)
{
    static const char *const harm[] = {
        "UPDATE state SET data = \"twp\" WHERE name = \"windows/2\"",
        "UPDATE state SET version = 2 WHERE name = \"windows/2\"",
        "UPDATE state SET name = \"windows/2\" WHERE name = \"window\"",
    };
    struct seen seen = {.text = ""};

    for (size_t i = 0; i < countof(harm); i++) {
        char name[32];
        const char *path;
        struct store *s;
        struct parcel *p = parcel_open();
        struct why why = {.text = ""};

        (void)snprintf(name, sizeof(name), "harm%zu.db", i);
        path = tmp_path(name);
        s = opened(path, false);
        parcels_state(p, i == 2 ? "window" : "windows/2", 1, "two");
        p = sent(s, p, true);
        store_close(s);
        tamper(path, harm[i]);
        s = opened(path, false);
        eq_err(store_each_state(s, "windows/", see_state, &seen, &why), ERR_DAMAGED);
        ok(strstr(why.text, "windows/2") != NULL);
        parcel_close(p);
        store_close(s);
    }
}

T(a_database_in_no_directory_is_an_error_that_names_it)
{
    struct why why = {.text = ""};

    eq_err(open_error(tmp_path("no/such/x.db"), &why), ERR_IO);
    ok(strstr(why.text, "no/such") != NULL);
    eq_err(open_error("", &why), ERR_USAGE);
    eq_err(open_error(tmp_dir(), &why), ERR_IO);
}

T(closing_leaves_an_empty_log_and_no_growth)
{
    const char *path = tmp_path("closed.db");
    struct store *s = opened(path, false);
    struct parcel *p = parcel_open();
    struct stat st;

    country_hour(p);
    for (int i = 0; i < 5000; i++)
        parcels_row(p, 3, DAY + i * 3600, 1, 1, 1);
    parcel_close(sent(s, p, true));
    store_close(s);
    ok(stat(tmp_path("closed.db-wal"), &st) == 0);
    eq_int(st.st_size, 0);
}

T_OOM(a_store_survives_lack_of_memory)
{
    const char *path = tmp_path("oom.db");
    struct store_options o = {.path = path, .env = env_real()};
    struct parcel *p = parcel_open();
    struct store *s = NULL;
    enum err e = p ? store_open(&o, &s, NULL) : ERR_NOMEM;

    if (!e && !list_add(&p->dedup))
        e = ERR_NOMEM;
    if (!e) {
        p->commit = true;
        e = store_send(s, &p, NULL);
    }
    memory_again();
    parcel_close(p);
    store_close(s);
    (void)unlink(path);
    return e;
}
