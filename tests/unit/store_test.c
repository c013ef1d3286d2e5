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

T(a_row_of_history_is_seen_as_it_was_sent)
{
    const char *path = tmp_path("history.db");
    struct store *s = parcels_store(path, true);
    struct parcel *p = parcel_open();
    struct agg_row *r;

    parcels_country_hour(p);
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
    p = parcels_sent(s, p, true);
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
    struct store *s = parcels_store(path, false);
    struct parcel *p = parcel_open();

    parcels_country_hour(p);
    parcels_row(p, 3, DAY + 3600, 1, 1, 5);
    parcels_row(p, 3, DAY, 2, 1, 1);
    parcels_row(p, 3, DAY, 1, 1, 2);
    parcels_row(p, 3, DAY, 2, 1, 3);
    parcels_row(p, 3, DAY + 3600, 1, 1, 4);
    parcels_row(p, 3, DAY, 1, 1, 6)->op = ROW_DELETE;
    parcels_row(p, 3, DAY + 7200, 1, 1, 7)->op = ROW_DELETE;
    parcels_row(p, 3, DAY + 7200, 1, 1, 8);
    p = parcels_sent(s, p, true);
    eq_str(parcels_ask(path, "SELECT window_start, key, revenue_micros FROM aggregates"),
           "2010-12-01T00:00:00Z|Germany|3\n2010-12-01T01:00:00Z|France|4\n"
           "2010-12-01T02:00:00Z|France|8");
    parcels_row(p, 3, DAY, 2, 1, 9);
    p = parcels_sent(s, p, true);
    eq_str(parcels_ask(path, "SELECT revenue_micros FROM aggregates WHERE key = 'Germany'"), "9");
    parcel_close(p);
    store_close(s);
}

T(rows_in_any_order_are_stored_as_densely_as_sorted_ones)
{
    int pages[2];

    for (int shuffled = 0; shuffled < 2; shuffled++) {
        const char *path = tmp_path(shuffled ? "shuffled.db" : "sorted.db");
        struct store *s = parcels_store(path, false);
        struct parcel *p = parcel_open();

        parcels_country_hour(p);
        for (int64_t i = 0; i < 5000; i++)
            parcels_row(p, 3, DAY + (shuffled ? i * 1237 % 5000 : i) * 3600, 1, 1, 12345678);
        p = parcels_sent(s, p, true);
        parcel_close(p);
        store_close(s);
        pages[shuffled] = atoi(parcels_ask(path, "PRAGMA page_count"));
    }
    ok(pages[0] > 20);
    eq_int(pages[1], pages[0]);
}

T(old_rows_are_deleted_by_the_start_of_their_window)
{
    const char *path = tmp_path("old.db");
    struct store *s = parcels_store(path, false);
    struct parcel *p = parcel_open();

    parcels_country_hour(p);
    for (int hour = 0; hour < 5; hour++)
        parcels_row(p, 3, DAY + hour * 3600, 1, 1, hour);
    p = parcels_sent(s, p, true);
    parcels_series(p, 3, "hour", "country", 3600)->delete_before_s = DAY + 3 * 3600;
    p = parcels_sent(s, p, true);
    eq_str(parcels_ask(path, "SELECT revenue_micros FROM aggregates"), "3\n4");
    parcels_row(p, 3, DAY, 2, 1, 9); /* too old when it comes */
    parcels_series(p, 3, "hour", "country", 3600)->delete_before_s = DAY + 4 * 3600;
    p = parcels_sent(s, p, true);
    eq_str(parcels_ask(path, "SELECT revenue_micros FROM aggregates"), "4");
    parcel_close(p);
    store_close(s);
}

T(windows_before_1970_and_after_2106_keep_their_times)
{
    const char *path = tmp_path("times.db");
    struct store *s = parcels_store(path, false);
    struct parcel *p = parcel_open();

    parcels_country_hour(p);
    parcels_row(p, 3, INT64_C(-2208988800), 1, 1, 1);
    parcels_row(p, 3, INT64_C(7258114800), 2, 1, 2);
    parcels_row(p, 3, -3600, 2, 1, 3);
    p = parcels_sent(s, p, true);
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
    struct store *s = parcels_store(path, false);
    struct parcel *p = parcel_open();
    struct series_row *series = parcels_series(p, 9, "last24h", "country", 86400);

    series->newest = true;
    series->start_s = DAY;
    series->end_s = DAY + 86400;
    parcels_key(p, 1, "France");
    parcels_key(p, 2, "Germany");
    parcels_row(p, 9, DAY, 1, 1, 10)->version = 1;
    parcels_row(p, 9, DAY, 2, 1, 20)->final = 1;
    p = parcels_sent(s, p, true);
    eq_str(
        parcels_ask(path, "SELECT key, window_start, window_end, final, version FROM aggregates"),
        "France|2010-12-01T00:00:00Z|2010-12-02T00:00:00Z|0|1\n"
        "Germany|2010-12-01T00:00:00Z|2010-12-02T00:00:00Z|1|0");
    series = parcels_series(p, 9, "last24h", "country", 86400);
    series->newest = true;
    series->start_s = DAY + 3600;
    series->end_s = DAY + 86400 + 3600;
    parcels_row(p, 9, DAY + 3600, 2, 1, 30)->version = 4;
    p = parcels_sent(s, p, true);
    eq_str(parcels_ask(path, "SELECT key, window_start, window_end, revenue_micros, final, version"
                             " FROM aggregates"),
           "France|2010-12-01T01:00:00Z|2010-12-02T01:00:00Z|10|0|0\n"
           "Germany|2010-12-01T01:00:00Z|2010-12-02T01:00:00Z|30|0|4");
    parcels_row(p, 9, DAY + 3600, 1, 0, 0)->op = ROW_DELETE;
    p = parcels_sent(s, p, true);
    eq_str(parcels_ask(path, "SELECT key FROM aggregates"), "Germany");
    parcel_close(p);
    store_close(s);
}

/* ---- transactions ---- */

T(what_no_commit_followed_is_gone_after_closing)
{
    for (int helper = 0; helper < 2; helper++) {
        const char *path = tmp_path(helper ? "helper.db" : "plain.db");
        struct store *s = parcels_store(path, helper);
        struct parcel *p = parcel_open();

        parcels_country_hour(p);
        parcels_row(p, 3, DAY, 1, 1, 1);
        p = parcels_sent(s, p, true);
        parcels_row(p, 3, DAY, 2, 1, 2);
        p = parcels_sent(s, p, false);
        eq_str(parcels_ask(path, "SELECT count(*) FROM aggregates"), "1");
        parcel_close(p);
        store_close(s);
        eq_str(parcels_ask(path, "SELECT count(*) FROM aggregates"), "1");
    }
}

T(parcels_sent_with_a_commit_are_applied_before_closing)
{
    const char *path = tmp_path("drain.db");
    struct store *s = parcels_store(path, true);
    struct why why;

    for (int i = 0; i < 50; i++) {
        struct parcel *p = parcel_open();

        if (i == 0)
            parcels_country_hour(p);
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
        struct store *s = parcels_store(path, helper);
        struct parcel *p = parcel_open();
        uint64_t random = seed();

        parcels_country_hour(p);
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
        struct store *s = parcels_store(path, helper);
        struct parcel *p = parcel_open();
        struct why why = {.text = ""};

        parcels_country_hour(p);
        parcels_row(p, 3, DAY, 1, 1, 1);
        p = parcels_sent(s, p, true);
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

T(a_killed_writer_frees_the_lock_and_leaves_its_last_commit)
{
    const char *path = tmp_path("killed.db");

    for (int round = 0; round < 6; round++) {
        int status = 0;
        pid_t child = fork();

        if (child == 0) {
            struct store *s = parcels_store(path, round % 2);
            struct parcel *p = parcel_open();

            for (int64_t n = 0; n < 100000; n++) {
                p = p ? p : parcel_open();
                parcels_country_hour(p);
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
        store_close(parcels_store(path, false));
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

    eq_err(parcels_open_error(path, &why), ERR_DAMAGED);
    ok(strstr(why.text, path) != NULL);
    ok(strstr(why.text, "not a SQLite database") != NULL);
    ok(stat(path, &st) == 0);
    eq_int(st.st_size, sizeof(text) - 1);
}

T(another_programs_database_is_refused_and_left_alone)
{
    const char *path = tmp_path("other.db");
    struct why why = {.text = ""};

    parcels_tamper(path, "CREATE TABLE t(x)");
    eq_err(parcels_open_error(path, &why), ERR_DAMAGED);
    ok(strstr(why.text, "another program") != NULL);
    ok(access(tmp_path("other.db-wal"), F_OK) != 0);
}

T(a_newer_schema_is_refused)
{
    const char *path = tmp_path("newer.db");
    struct why why = {.text = ""};

    store_close(parcels_store(path, false));
    parcels_tamper(path, "PRAGMA user_version = 7");
    eq_err(parcels_open_error(path, &why), ERR_NEWER);
    ok(strstr(why.text, "schema 7") != NULL);
}

T(a_database_in_no_directory_is_an_error_that_names_it)
{
    struct why why = {.text = ""};

    eq_err(parcels_open_error(tmp_path("no/such/x.db"), &why), ERR_IO);
    ok(strstr(why.text, "no/such") != NULL);
    eq_err(parcels_open_error("", &why), ERR_USAGE);
    eq_err(parcels_open_error(tmp_dir(), &why), ERR_IO);
}

T(closing_leaves_an_empty_log_and_no_growth)
{
    const char *path = tmp_path("closed.db");
    struct store *s = parcels_store(path, false);
    struct parcel *p = parcel_open();
    struct stat st;

    parcels_country_hour(p);
    for (int i = 0; i < 5000; i++)
        parcels_row(p, 3, DAY + i * 3600, 1, 1, 1);
    parcel_close(parcels_sent(s, p, true));
    store_close(s);
    ok(stat(tmp_path("closed.db-wal"), &st) == 0);
    eq_int(st.st_size, 0);
}

/* The database stays from one attempt to the next: the first loop meets the allocations of
 * creating one, the second those of opening it. */
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
    return e;
}
