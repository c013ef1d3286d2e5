/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/store/figures.h"
#include "engine/store/store.h"
#include "tests/support/parcels.h"
#include "tests/support/t.h"

#include <stdio.h>

#define DAY INT64_C(1291161600) /* 2010-12-01T00:00:00Z */
#define HOUR INT64_C(3600)
#define ROWS "SELECT window_start, window_end, key, revenue_micros FROM aggregates"

/* ---- old rows ---- */

static void country_hour_before(struct parcel *p, int64_t delete_before_s)
{
    parcels_series(p, 3, "hour", "country", HOUR)->delete_before_s = delete_before_s;
}

/* Rows of ten hours, twice each, and the word to keep the last five, in any of the parcels. */
static const char *rows_left(const char *path, bool helper, uint64_t random)
{
    struct store *s = parcels_store(path, helper);
    struct parcel *p = parcel_open();
    uint64_t word = rnd_below(&random, 20);

    parcels_country_hour(p);
    for (uint64_t i = 0; i < 20; i++) {
        parcels_row(p, 3, DAY + (int64_t)(i * 7 % 10) * HOUR, 1 + i % 2, 1, (int64_t)i);
        if (i == word)
            country_hour_before(p, DAY + 5 * HOUR);
        if (rnd_below(&random, 3) == 0)
            p = parcels_sent(s, p, rnd_below(&random, 3) == 0);
    }
    p = parcels_sent(s, p, true);
    parcel_close(p);
    store_close(s);
    return parcels_ask(path, "SELECT count(*), min(window_start) FROM aggregates");
}

T(old_rows_are_gone_however_parcels_and_transactions_are_cut)
{
    uint64_t random = seed();
    char name[40];

    for (int i = 0; i < 40; i++) {
        (void)snprintf(name, sizeof(name), "cut%d.db", i);
        eq_str(rows_left(tmp_path(name), i % 2, rnd(&random)), "5|2010-12-01T05:00:00Z");
    }
}

T(old_rows_are_seen_until_the_commit_and_a_series_without_the_word_changes_nothing)
{
    const char *path = tmp_path("word.db");
    struct store *s = parcels_store(path, false);
    struct parcel *p = parcel_open();

    parcels_country_hour(p);
    parcels_row(p, 3, DAY, 1, 1, 1);
    p = parcels_sent(s, p, true);
    country_hour_before(p, DAY + HOUR);
    p = parcels_sent(s, p, false);
    eq_str(parcels_ask(path, ROWS), "2010-12-01T00:00:00Z|2010-12-01T01:00:00Z|France|1");
    parcels_series(p, 3, "hour", "country", HOUR);
    parcels_row(p, 3, DAY + HOUR, 1, 1, 2);
    p = parcels_sent(s, p, true);
    eq_str(parcels_ask(path, ROWS), "2010-12-01T01:00:00Z|2010-12-01T02:00:00Z|France|2");
    country_hour_before(p, DAY + 2 * HOUR);
    country_hour_before(p, DAY + HOUR); /* the last word */
    p = parcels_sent(s, p, true);
    eq_str(parcels_ask(path, ROWS), "2010-12-01T01:00:00Z|2010-12-01T02:00:00Z|France|2");
    parcel_close(p);
    store_close(s);
}

/* ---- instances that share their start ---- */

static struct series_row *so_far(struct parcel *p)
{
    struct series_row *r = parcels_series(p, 4, "so_far", "country", 0);

    r->by_end = true;
    return r;
}

static struct agg_row *step(struct parcel *p, int64_t start_s, int64_t hours, uint32_t key)
{
    struct agg_row *r = parcels_row(p, 4, start_s, key, 1, start_s + hours);

    r->end_s = start_s + hours * HOUR;
    return r;
}

/* Three steps of two days for two countries. */
static void fill(struct store *s)
{
    struct parcel *p = parcel_open();

    (void)so_far(p);
    parcels_key(p, 1, "France");
    parcels_key(p, 2, "Germany");
    for (int64_t start = DAY; start <= DAY + 24 * HOUR; start += 24 * HOUR) {
        for (int64_t hours = 8; hours <= 24; hours += 8) {
            step(p, start, hours, 2)->revenue = hours;
            step(p, start, hours, 1)->revenue = hours;
        }
    }
    parcel_close(parcels_sent(s, p, true));
}

#define FRANCE                                                                                     \
    "SELECT window_start, window_end, revenue_micros, version FROM aggregates"                     \
    " WHERE key = 'France'"
#define LAST_DAY                                                                                   \
    "2010-12-02T00:00:00Z|2010-12-02T08:00:00Z|8|0\n"                                              \
    "2010-12-02T00:00:00Z|2010-12-02T16:00:00Z|16|0\n"                                             \
    "2010-12-02T00:00:00Z|2010-12-03T00:00:00Z|24|0"

T(each_instance_of_a_start_has_a_row_of_its_own)
{
    const char *path = tmp_path("steps.db");
    struct store *s = parcels_store(path, true);
    struct parcel *p = parcel_open();

    fill(s);
    eq_str(parcels_ask(path, FRANCE), "2010-12-01T00:00:00Z|2010-12-01T08:00:00Z|8|0\n"
                                      "2010-12-01T00:00:00Z|2010-12-01T16:00:00Z|16|0\n"
                                      "2010-12-01T00:00:00Z|2010-12-02T00:00:00Z|24|0\n" LAST_DAY);
    step(p, DAY, 8, 1)->op = ROW_DELETE;
    step(p, DAY, 24, 1)->op = ROW_DELETE;
    *step(p, DAY, 16, 1) = (struct agg_row){.series = 4,
                                            .key = 1,
                                            .start_s = DAY,
                                            .end_s = DAY + 16 * HOUR,
                                            .revenue = 7,
                                            .version = 2};
    p = parcels_sent(s, p, true);
    eq_str(parcels_ask(path, FRANCE), "2010-12-01T00:00:00Z|2010-12-01T16:00:00Z|7|2\n" LAST_DAY);
    parcel_close(p);
    store_close(s);
}

T(instances_that_share_their_start_are_deleted_by_it)
{
    static const struct {
        int64_t before_s;
        const char *left;
    } cases[] = {{DAY, "12"},
                 {DAY + 1, "6"},
                 {DAY + 9 * HOUR, "6"},
                 {DAY + 24 * HOUR, "6"},
                 {DAY + 24 * HOUR + 1, "0"},
                 {INT64_MAX, "0"},
                 {INT64_MIN + 1, "12"}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char name[40];
        const char *path;
        struct store *s;
        struct parcel *p = parcel_open();

        (void)snprintf(name, sizeof(name), "old%zu.db", i);
        path = tmp_path(name);
        s = parcels_store(path, false);
        fill(s);
        so_far(p)->delete_before_s = cases[i].before_s;
        p = parcels_sent(s, p, true);
        eq_str(parcels_ask(path, "SELECT count(*) FROM aggregates"), cases[i].left);
        parcel_close(p);
        store_close(s);
    }
}

T(the_version_of_a_row_is_that_of_its_instance)
{
    struct store *s = parcels_store(tmp_path("version.db"), false);
    struct parcel *p = parcel_open();
    struct agg_row r = {.series = 4, .key = 1, .start_s = DAY, .end_s = DAY + 16 * HOUR};
    uint32_t version = 9;

    fill(s);
    step(p, DAY, 16, 1)->version = 3;
    step(p, DAY, 24, 1)->version = 4;
    parcels_country_hour(p);
    parcels_row(p, 3, DAY, 1, 1, 1)->version = 5;
    p = parcels_sent(s, p, true);
    ok_err(store_row_version(s, &r, &version));
    eq_int(version, 3);
    r.end_s = DAY + 17 * HOUR;
    ok_err(store_row_version(s, &r, &version));
    eq_int(version, 0);
    r.series = 3; /* whatever its end */
    ok_err(store_row_version(s, &r, &version));
    eq_int(version, 5);
    parcel_close(p);
    store_close(s);
}

T(a_series_stays_with_the_way_its_rows_are_told_apart)
{
    struct store *s = parcels_store(tmp_path("way.db"), false);
    struct parcel *p = parcel_open();
    struct why why = {.text = ""};

    fill(s);
    so_far(p)->by_end = false;
    p->commit = true;
    eq_err(store_send(s, &p, &why), ERR_INVALID);
    ok(strstr(why.text, "series 4") != NULL);
    parcel_close(p);
    store_close(s);
}

T(an_instance_that_ends_too_far_from_1970_is_refused)
{
    struct store *s = parcels_store(tmp_path("far.db"), false);
    struct parcel *p = parcel_open();
    struct why why = {.text = ""};

    (void)so_far(p);
    step(p, (INT64_C(1) << 33) - HOUR, 1, 1);
    p->commit = true;
    eq_err(store_send(s, &p, &why), ERR_LIMIT);
    parcel_close(p);
    store_close(s);
}

T(instances_before_1970_keep_their_times)
{
    const char *path = tmp_path("early.db");
    struct store *s = parcels_store(path, false);
    struct parcel *p = parcel_open();

    (void)so_far(p);
    parcels_key(p, 1, "France");
    step(p, -24 * HOUR, 8, 1)->revenue = 1;
    step(p, -24 * HOUR, 24, 1)->revenue = 2;
    p = parcels_sent(s, p, true);
    eq_str(parcels_ask(path, ROWS), "1969-12-31T00:00:00Z|1969-12-31T08:00:00Z|France|1\n"
                                    "1969-12-31T00:00:00Z|1970-01-01T00:00:00Z|France|2");
    parcel_close(p);
    store_close(s);
}

/* ---- figures ---- */

struct seen {
    char text[2048];
    int stop_after;
};

static enum err see(void *arg, const struct agg_row *r, struct str key)
{
    struct seen *seen = arg;
    size_t n = strlen(seen->text);

    (void)snprintf(seen->text + n, sizeof(seen->text) - n, "%lld+%lld %.*s;",
                   (long long)(r->start_s - DAY) / HOUR, (long long)(r->end_s - r->start_s) / HOUR,
                   (int)key.n, key.p);
    return --seen->stop_after == 0 ? ERR_END : ERR_OK;
}

static const char *figures(const char *path, struct figures_filter filter, int stop_after)
{
    static struct seen seen;
    struct reader_db *r = NULL;
    struct list all;

    seen = (struct seen){.stop_after = stop_after};
    list_init(&all, sizeof(struct figures_series));
    ok_err(reader_db_open(env_real(), path, 0, &r, NULL));
    ok_err(figures_series(r, &all, NULL));
    eq_int(all.n, 1);
    ok(((struct figures_series *)list_at(&all, 0))->by_end);
    ok_err(figures_rows(r, list_at(&all, 0), &filter, see, &seen, NULL));
    list_clear(&all);
    reader_db_close(r);
    return seen.text;
}

T(instances_are_found_by_their_start)
{
    const char *path = tmp_path("figures.db");
    struct store *s = parcels_store(path, false);
    struct figures_filter all = {.from_s = INT64_MIN, .to_s = INT64_MAX};
    struct figures_filter f = all;

    fill(s);
    store_close(s);
    f.has_key = true;
    f.key = STR("France");
    eq_str(figures(path, f, 0),
           "0+8 France;0+16 France;0+24 France;24+8 France;24+16 France;24+24 France;");
    eq_str(figures(path, all, 3), "0+8 France;0+8 Germany;0+16 France;");
    f.from_s = DAY;
    f.to_s = DAY + 1;
    eq_str(figures(path, f, 0), "0+8 France;0+16 France;0+24 France;");
    f.from_s = DAY + 1;
    eq_str(figures(path, f, 0), "");
    f.to_s = INT64_MAX;
    eq_str(figures(path, f, 0), "24+8 France;24+16 France;24+24 France;");
    f.from_s = DAY + 24 * HOUR;
    eq_str(figures(path, f, 0), "24+8 France;24+16 France;24+24 France;");
    f.from_s = INT64_MIN;
    f.to_s = DAY + 24 * HOUR;
    eq_str(figures(path, f, 0), "0+8 France;0+16 France;0+24 France;");
    f.to_s = INT64_MIN;
    eq_str(figures(path, f, 0), "");
}

T(the_newest_instance_is_the_one_that_ends_last)
{
    const char *path = tmp_path("newest.db");
    struct store *s = parcels_store(path, false);
    struct figures_filter f = {.from_s = INT64_MIN, .to_s = INT64_MAX, .newest_window = true};

    fill(s);
    store_close(s);
    eq_str(figures(path, f, 0), "24+24 France;24+24 Germany;");
    f.to_s = DAY + 24 * HOUR;
    eq_str(figures(path, f, 0), "0+24 France;0+24 Germany;");
    f.from_s = DAY + 1;
    eq_str(figures(path, f, 0), "");
}
