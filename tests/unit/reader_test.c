/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/store/figures.h"
#include "engine/store/reader.h"
#include "tests/support/parcels.h"
#include "tests/support/t.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define DAY INT64_C(1291161600) /* 2010-12-01T00:00:00Z */

static void sent(struct store *s, struct parcel **p, bool commit)
{
    *p = parcels_sent(s, *p, commit);
}

/* A database with ten hours of two countries and a newest window. */
static void fill(const char *path)
{
    struct store *s = parcels_store(path, false);
    struct parcel *p = parcel_open();
    struct series_row *newest;

    parcels_series(p, 1, "hour", "country", 3600);
    parcels_series(p, 2, "hour", "all", 3600);
    newest = parcels_series(p, 3, "last24h", "country", 86400);
    newest->newest = true;
    newest->start_s = DAY - 86400;
    newest->end_s = DAY;
    parcels_key(p, 1, "France");
    parcels_key(p, 2, "Germany");
    for (int hour = -5; hour < 5; hour++) {
        parcels_row(p, 1, DAY + hour * 3600, 1, 1, 100 + hour);
        parcels_row(p, 1, DAY + hour * 3600, 2, 2, 200 + hour)->end_s += hour;
        parcels_row(p, 2, DAY + hour * 3600, 0, 3, 300 + hour);
    }
    parcels_row(p, 3, DAY - 86400, 1, 1, 7)->version = 3;
    parcels_row(p, 3, DAY - 90000, 2, 1, 8)->version = 3;
    sent(s, &p, true);
    parcel_close(p);
    store_close(s);
}

static enum err open_error(const char *path, int64_t wait_ms, struct why *why)
{
    struct reader_db *r = NULL;
    enum err e = reader_db_open(env_real(), path, wait_ms, &r, why);

    reader_db_close(r);
    return e;
}

/* ---- opening ---- */

T(a_missing_database_is_named_with_what_to_do)
{
    const char *path = tmp_path("none.db");
    struct why why = {.text = ""};
    struct stat st;

    eq_err(open_error(path, 0, &why), ERR_NOT_FOUND);
    ok(strstr(why.text, path) != NULL);
    ok(strstr(why.text, "tillstream run") != NULL);
    ok(stat(path, &st) != 0);
}

T(a_reader_waits_for_a_database_that_is_about_to_come)
{
    const char *path = tmp_path("soon.db");
    struct why why = {.text = ""};
    int status = 0;
    pid_t child = fork();

    if (child == 0) {
        (void)nanosleep(&(struct timespec){.tv_nsec = 80000000}, NULL);
        fill(path);
        _exit(0);
    }
    eq_err(open_error(path, 10000, &why), ERR_OK);
    ok(waitpid(child, &status, 0) == child);
    eq_int(status, 0);
}

T(other_files_are_refused)
{
    struct why why = {.text = ""};

    eq_err(open_error(tmp_write("text.db", "no database at all, just text", 29), 0, &why),
           ERR_DAMAGED);
    ok(strstr(why.text, "not a SQLite database") != NULL);
    eq_err(open_error(tmp_dir(), 0, &why), ERR_IO);
}

/* Copies only the database file, as people do. */
static const char *copied(const char *path, const char *name)
{
    FILE *in = fopen(path, "rb");
    FILE *out = NULL;
    char bytes[8192];
    size_t n;

    path = tmp_path(name);
    out = fopen(path, "wb");
    ok(in && out);
    for (n = fread(bytes, 1, sizeof(bytes), in); n > 0; n = fread(bytes, 1, sizeof(bytes), in))
        ok(fwrite(bytes, 1, n, out) == n);
    (void)fclose(in);
    (void)fclose(out);
    return path;
}

T(reading_a_copy_creates_nothing)
{
    const char *path = tmp_path("one#50%? .db");
    struct stat st;

    fill(path);
    path = copied(path, "copy#50%? .db");
    eq_str(parcels_ask(path, "SELECT count(*) FROM aggregates"), "32");
    ok(stat(tmp_path("copy#50%? .db-wal"), &st) != 0);
    ok(stat(tmp_path("copy#50%? .db-shm"), &st) != 0);
}

T(a_closed_database_in_a_directory_that_cannot_be_written_is_read)
{
    const char *path;
    const char *folder = tmp_path("shut");

    ok(mkdir(folder, 0755) == 0);
    path = tmp_path("shut/x.db");
    fill(path);
    ok(chmod(folder, 0555) == 0);
    eq_str(parcels_ask(path, "SELECT count(*) FROM aggregates"), "32");
    ok(unlink(tmp_path("shut/x.db-shm")) == 0 || geteuid() != 0);
    eq_str(parcels_ask(path, "SELECT count(*) FROM aggregates"), "32");
    ok(chmod(folder, 0755) == 0);
}

T(what_a_killed_writer_committed_is_seen)
{
    const char *path = tmp_path("killed.db");
    int status = 0;
    pid_t child = fork();

    if (child == 0) {
        struct store *s = parcels_store(path, false);
        struct parcel *p = parcel_open();

        parcels_series(p, 1, "hour", "country", 3600);
        parcels_key(p, 1, "France");
        parcels_row(p, 1, DAY, 1, 1, 1);
        sent(s, &p, true);
        parcels_row(p, 1, DAY + 3600, 1, 1, 1);
        sent(s, &p, false);
        _exit(0);
    }
    ok(waitpid(child, &status, 0) == child);
    eq_str(parcels_ask(path, "SELECT count(*) FROM aggregates"), "1");
}

/* ---- asking ---- */

static enum err count(void *arg, int n, const char *const *names, const struct value *values)
{
    (void)n;
    (void)names;
    (void)values;
    ++*(int *)arg;
    return *(int *)arg == 3 ? ERR_END : ERR_OK;
}

static enum err kinds(void *arg, int n, const char *const *names, const struct value *values)
{
    *(int *)arg = 1;
    eq_int(n, 4);
    eq_str(names[3], "d");
    eq_int(values[0].kind, VALUE_WHOLE);
    eq_int(values[0].whole, INT64_MIN);
    eq_int(values[1].kind, VALUE_REAL);
    near(values[1].real, 0.5, 0);
    eq_int(values[2].kind, VALUE_NULL);
    eq_int(values[3].kind, VALUE_TEXT);
    ok(str_eq(values[3].text, (struct str){"a\0'b", 4}));
    return ERR_OK;
}

T(values_come_back_as_they_were_given)
{
    struct value parameters[] = {{.kind = VALUE_WHOLE, .whole = INT64_MIN},
                                 {.kind = VALUE_REAL, .real = 0.5},
                                 {.kind = VALUE_NULL},
                                 {.kind = VALUE_TEXT, .text = {"a\0'b", 4}}};
    struct question q = {
        .sql = "SELECT ?, ?, ?, ? AS d", .parameters = parameters, .n_parameters = 4};
    struct reader_db *r = NULL;
    int called = 0;

    fill(tmp_path("values.db"));
    ok_err(reader_db_open(env_real(), tmp_path("values.db"), 0, &r, NULL));
    ok_err(reader_db_ask(r, &q, kinds, &called, NULL));
    eq_int(called, 1);
    q = (struct question){.sql = "SELECT * FROM aggregates"};
    called = 0;
    ok_err(reader_db_ask(r, &q, count, &called, NULL));
    eq_int(called, 3);
    reader_db_close(r);
    reader_db_close(NULL);
}

T(a_question_cannot_write)
{
    struct question q = {.sql = "DELETE FROM \"key\""};
    struct reader_db *r = NULL;
    struct why why = {.text = ""};
    int n = 0;

    fill(tmp_path("write.db"));
    ok_err(reader_db_open(env_real(), tmp_path("write.db"), 0, &r, NULL));
    eq_err(reader_db_ask(r, &q, count, &n, &why), ERR_USAGE);
    q.sql = "SELECT nonsense";
    eq_err(reader_db_ask(r, &q, count, &n, &why), ERR_DAMAGED);
    ok(strstr(why.text, "nonsense") != NULL);
    reader_db_close(r);
}

static void *ask_all_the_time(void *arg)
{
    for (int i = 0; i < 60; i++) {
        struct question q = {.sql = "SELECT count(*) % 7, (SELECT count(*) FROM aggregates) % 7"
                                    " FROM aggregates"};
        struct reader_db *r = NULL;
        int n = 0;

        if (reader_db_open(env_real(), arg, 0, &r, NULL) || reader_db_ask(r, &q, count, &n, NULL) ||
            n != 1)
            return arg;
        reader_db_close(r);
    }
    return NULL;
}

T(readers_beside_a_writer_see_whole_commits_only)
{
    const char *path = tmp_path("beside.db");
    struct store *s;
    struct parcel *p = parcel_open();
    pthread_t thread;
    void *failed = NULL;

    fill(path);
    s = parcels_store(path, false);
    ok(pthread_create(&thread, NULL, ask_all_the_time, (char *)(uintptr_t)path) == 0);
    for (int i = 0; i < 300; i++) {
        for (int k = 0; k < 7; k++)
            parcels_row(p, 1, DAY + 100000 + i * 70 + k * 10, 1, 1, 1);
        sent(s, &p, true);
        p = p ? p : parcel_open();
        if (i % 50 == 0)
            eq_int((atoi(parcels_ask(path, "SELECT count(*) FROM aggregates")) - 32) % 7, 0);
    }
    ok(pthread_join(thread, &failed) == 0);
    ok(failed == NULL);
    parcel_close(p);
    store_close(s);
}

/* ---- figures ---- */

struct seen {
    char text[2048];
};

static enum err see(void *arg, const struct agg_row *r, struct str key)
{
    struct seen *seen = arg;
    size_t n = strlen(seen->text);

    (void)snprintf(seen->text + n, sizeof(seen->text) - n, "%lld+%lld %.*s %lld v%u;",
                   (long long)(r->start_s - DAY), (long long)(r->end_s - r->start_s), (int)key.n,
                   key.p, (long long)r->revenue, r->version);
    return ERR_OK;
}

static const char *figures(size_t series, struct figures_filter filter)
{
    static struct seen seen;
    struct reader_db *r = NULL;
    struct list all;

    seen.text[0] = 0;
    list_init(&all, sizeof(struct figures_series));
    ok_err(reader_db_open(env_real(), tmp_path("figures.db"), 0, &r, NULL));
    ok_err(figures_series(r, &all, NULL));
    eq_int(all.n, 3);
    ok_err(figures_rows(r, list_at(&all, series), &filter, see, &seen, NULL));
    list_clear(&all);
    reader_db_close(r);
    return seen.text;
}

T(rows_are_found_by_range_key_and_newest_window)
{
    struct figures_filter all = {.from_s = INT64_MIN, .to_s = INT64_MAX};
    struct figures_filter f = all;

    fill(tmp_path("figures.db"));
    f.from_s = DAY - 3600;
    f.to_s = DAY + 1;
    eq_str(figures(0, f), "-3600+3600 France 99 v0;-3600+3599 Germany 199 v0;"
                          "0+3600 France 100 v0;0+3600 Germany 200 v0;");
    f.has_key = true;
    f.key = STR("Germany");
    eq_str(figures(0, f), "-3600+3599 Germany 199 v0;0+3600 Germany 200 v0;");
    f.key = STR("Spain");
    eq_str(figures(0, f), "");
    f = all;
    f.newest_window = true;
    eq_str(figures(0, f), "14400+3600 France 104 v0;14400+3604 Germany 204 v0;");
    f.to_s = DAY;
    eq_str(figures(0, f), "-3600+3600 France 99 v0;-3600+3599 Germany 199 v0;");
    f.to_s = INT64_MIN;
    eq_str(figures(0, f), "");
}

T(the_one_key_of_all_is_a_star)
{
    struct figures_filter f = {.from_s = DAY + 14400, .to_s = INT64_MAX};

    fill(tmp_path("figures.db"));
    eq_str(figures(1, f), "14400+3600 * 304 v0;");
    f.has_key = true;
    f.key = STR("*");
    eq_str(figures(1, f), "14400+3600 * 304 v0;");
    f.key = STR("");
    eq_str(figures(1, f), "");
    eq_str(parcels_ask(tmp_path("figures.db"), "SELECT DISTINCT key FROM aggregates WHERE"
                                               " dimension = 'all'"),
           "*");
}

T(rows_of_a_newest_window_have_its_times)
{
    struct figures_filter f = {.from_s = INT64_MIN, .to_s = INT64_MAX};

    fill(tmp_path("figures.db"));
    eq_str(figures(2, f), "-86400+86400 France 7 v3;-86400+86400 Germany 8 v0;");
    f.has_key = true;
    f.key = STR("Germany");
    eq_str(figures(2, f), "-86400+86400 Germany 8 v0;");
    f.from_s = DAY;
    eq_str(figures(2, f), "");
}

T_OOM(a_question_survives_lack_of_memory)
{
    const char *path = tmp_path("oom.db");
    struct store_options o = {.path = path, .env = env_real()};
    struct question q = {.sql = "SELECT * FROM aggregates, (SELECT 1)"};
    struct reader_db *r = NULL;
    struct store *s = NULL;
    struct list all;
    int n = 0;
    enum err e = ERR_OK;

    if (access(path, F_OK) != 0)
        e = store_open(&o, &s, NULL);
    store_close(s);
    if (e)
        (void)unlink(path);
    list_init(&all, sizeof(struct figures_series));
    if (!e)
        e = reader_db_open(env_real(), path, 0, &r, NULL);
    if (!e)
        e = reader_db_ask(r, &q, count, &n, NULL);
    if (!e)
        e = figures_series(r, &all, NULL);
    list_clear(&all);
    reader_db_close(r);
    return e;
}
