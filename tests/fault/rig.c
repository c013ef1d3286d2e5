/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * rig: see the header.
 *
 * A database that a fault left behind is looked at, finished and compared only once: most faults
 * of a loop leave the same bytes, so what was already found good is remembered by a hash of the
 * database and its log.
 */
#include "tests/fault/rig.h"

#include "commands/command.h"
#include "engine/pipeline_parts.h"
#include "engine/store/reader.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { ARGS_MAX = 24, LINES = 72, RESULTS_MAX = 1 << 26, GOOD_MAX = 1 << 16 };

/* ---- the shop ---- */

static const char shop_settings[] =
    "{\"threads\": 0, \"checkpoint\": \"1h\", \"checkpoint_records\": 12, \"batch_bytes\": 1000,\n"
    " \"pen_sales\": 4, \"pen_invoices\": 2,\n"
    " \"dimensions\": [\"all\", \"country\", \"country+stock_code\"],\n"
    " \"windows\": [\n"
    "  {\"name\": \"hour\", \"type\": \"tumbling\", \"size\": \"1h\"},\n"
    "  {\"name\": \"day\", \"type\": \"tumbling\", \"size\": \"1d\", \"keep\": \"8d\",\n"
    "   \"dimensions\": [\"all\"]},\n"
    "  {\"name\": \"last2h\", \"type\": \"sliding\", \"size\": \"2h\", \"slide\": \"30m\",\n"
    "   \"dimensions\": [\"all\", \"country+stock_code\"]},\n"
    "  {\"name\": \"sofar\", \"type\": \"cumulative\", \"step\": \"1h\", \"dimensions\": "
    "[\"all\"]},\n"
    "  {\"name\": \"visit\", \"type\": \"session\", \"gap\": \"20m\",\n"
    "   \"dimensions\": [\"country\"]}]}\n";

struct line {
    char date[24];
    int invoice, record, quantity, customer, country, stock;
};

static const char *const countries[] = {"France", "Norway", "United Kingdom"};

/* Minutes since 2010-12-01 08:00 of the i-th line: neighbours out of order, some within the
 * lateness, some beyond it, a mistake far ahead, a holiday, and one far ahead at the end. */
static int minute_of(int i)
{
    int minute = i * 7 - (i % 2) * 9;

    if (i % 11 == 10)
        minute -= 25;
    if (i % 17 == 16)
        minute -= 200;
    if (i >= 50)
        minute += 20 * 24 * 60;
    if (i == 30 || i == LINES - 1)
        minute += 60 * 24 * 60;
    return minute;
}

static struct line line_of(int i)
{
    struct line l = {.invoice = 536365 + i / 3,
                     .record = i % 9 == 8 ? i - 3 : i,
                     .quantity = i % 10 == 7 ? -2 : 1 + i % 4,
                     .customer = i % 5 ? 17850 + i % 5 : 0,
                     .country = i / 3 % 3,
                     .stock = 22000 + i * 7 % 5};
    time_t t = 1291190400 + minute_of(i) * 60;
    struct tm tm;

    (void)gmtime_r(&t, &tm);
    (void)strftime(l.date, sizeof(l.date), "%m/%d/%Y %H:%M", &tm);
    return l;
}

static void print_json(FILE *f, int i)
{
    struct line l = line_of(i);
    char customer[40] = "null";

    if (i % 13 == 12)
        (void)fputs(i % 2 ? "{\"InvoiceNo\":\"5\",\"Quantity\":\n" : "no record\n", f);
    if (l.customer)
        (void)snprintf(customer, sizeof(customer), "\"%d\"", l.customer);
    (void)fprintf(f,
                  "{\"InvoiceNo\":\"%d\",\"StockCode\":\"%dA\",\"Description\":\"caf\\u00e9\","
                  "\"Quantity\":%d,\"InvoiceDate\":\"%s\",\"UnitPrice\":%d.%d5,\"CustomerID\":%s,"
                  "\"Country\":\"%s\",\"RecordID\":\"r%d\"}\n",
                  l.invoice, l.stock, l.quantity, l.date, 1 + i % 3, i % 10, customer,
                  countries[l.country], l.record);
}

static void print_csv(FILE *f, int i)
{
    struct line l = line_of(i);
    char customer[40] = "";

    if (i == 0)
        (void)fputs("InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,"
                    "Country,RecordID\n",
                    f);
    if (i % 13 == 12)
        (void)fprintf(f, "%d,x,\"half a record\",one,yesterday,1\n", l.invoice);
    if (l.customer)
        (void)snprintf(customer, sizeof(customer), "%d", l.customer);
    (void)fprintf(f, "%d,%dA,\"a \"\"cup\"\", blue\",%d,%s,%d.%d5,%s,%s,r%d\n", l.invoice, l.stock,
                  l.quantity, l.date, 1 + i % 3, i % 10, customer, countries[l.country], l.record);
}

static void write_sales(const char *name, void (*print)(FILE *f, int i))
{
    FILE *f = fopen(rig_path(name), "wb");

    ok(f != NULL);
    for (int i = 0; i < LINES; i++)
        print(f, i);
    ok(fclose(f) == 0);
}

void rig_make(void)
{
    static cJSON_Hooks hooks;

    hooks = (cJSON_Hooks){.malloc_fn = malloc, .free_fn = free};
    cJSON_InitHooks(&hooks);
    (void)tmp_write(RIG_SETTINGS, shop_settings, sizeof(shop_settings) - 1);
    write_sales(RIG_JSON, print_json);
    write_sales(RIG_CSV, print_csv);
}

const char *rig_path(const char *name)
{
    static char paths[64][600];
    char path[600];

    (void)snprintf(path, sizeof(path), "%s/%s", tmp_dir(), name);
    for (size_t i = 0; i < countof(paths); i++) {
        if (!paths[i][0])
            memcpy(paths[i], path, sizeof(path));
        if (strcmp(paths[i], path) == 0)
            return paths[i];
    }
    fail("too many files");
}

/* ---- the world ---- */

static int64_t still_wall_ms(struct env *env)
{
    (void)env;
    return INT64_C(1700000000000);
}

static int64_t still_mono_ns(struct env *env)
{
    (void)env;
    return INT64_C(5000000000) + fault_slept_ns();
}

static uint64_t still_random(struct env *env)
{
    (void)env;
    return 4;
}

static void no_log(struct env *env, enum log_level level, const char *line)
{
    (void)env;
    (void)level;
    (void)line;
}

struct env *rig_env(void)
{
    static struct env env = {.wall_ms = still_wall_ms,
                             .mono_ns = still_mono_ns,
                             .random = still_random,
                             .log = no_log,
                             .level = LOG_INFO};

    env.stop = 0;
    return &env;
}

/* ---- commands ---- */

static char output[1 << 18], complaint[1 << 16];

static void read_back(const char *name, char *out, size_t size)
{
    FILE *f = fopen(rig_path(name), "rb");
    size_t n = f ? fread(out, 1, size - 1, f) : 0;

    ok(f != NULL);
    ok(n < size - 1);
    out[n] = '\0';
    (void)fclose(f);
}

/* Puts a file in the place of a standard stream. The descriptors stay as they are, so that what
 * the sanitizers say is seen. */
static FILE *instead(const char *name)
{
    FILE *f;

    (void)unlink(rig_path(name)); /* it may be somebody else's */
    f = fopen(rig_path(name), "wb");
    ok(f != NULL);
    return f;
}

void rig_read_back(void)
{
    read_back("stdout", output, sizeof(output));
    read_back("stderr", complaint, sizeof(complaint));
}

struct plan {
    enum fault kind;
    uint64_t n;
    bool onwards, armed, met;
};

static int command(struct env *env, const char *const *argv, struct plan *plan)
{
    char *args[ARGS_MAX] = {(char *)(uintptr_t) "tillstream"};
    FILE *out = stdout, *err = stderr;
    int argc = 1;
    int status;

    for (; *argv && argc < ARGS_MAX - 1; argv++)
        args[argc++] = (char *)(uintptr_t)*argv;
    stdout = instead("stdout");
    stderr = instead("stderr");
    if (plan->armed)
        fault_arm(plan->kind, plan->n, plan->onwards);
    status = command_main(env, argc, args);
    plan->met = fault_disarm();
    ok(fclose(stdout) == 0 && fclose(stderr) == 0);
    stdout = out;
    stderr = err;
    rig_read_back();
    return status;
}

int rig_command(struct env *env, const char *const *argv)
{
    struct plan plan = {.armed = false};

    return command(env, argv, &plan);
}

const char *rig_output(void)
{
    return output;
}

const char *rig_complaint(void)
{
    return complaint;
}

/* ---- databases ---- */

static enum err add_row(void *arg, int n, const char *const *names, const struct value *v)
{
    struct buf *b = arg;
    enum err e = ERR_OK;

    for (int i = 0; !e && i < n; i++) {
        e = buf_printf(b, "%s%s=", i ? ", " : "", names[i]);
        if (!e && v[i].kind == VALUE_TEXT)
            e = buf_str(b, v[i].text);
        if (!e && v[i].kind == VALUE_WHOLE)
            e = buf_printf(b, "%" PRId64, v[i].whole);
        if (!e && v[i].kind == VALUE_REAL)
            e = buf_printf(b, "%.17g", v[i].real);
        if (!e && v[i].kind == VALUE_NULL)
            e = buf_text(b, "NULL");
    }
    return e ? e : buf_u8(b, '\n');
}

static const char *const questions[] = {
    "SELECT * FROM aggregates ORDER BY 1, 2, 3, 4, 5",
    "SELECT * FROM invoices ORDER BY 1",
    "SELECT * FROM customers ORDER BY 1",
    "SELECT * FROM anomalies ORDER BY 1",
    "SELECT * FROM forecasts ORDER BY 1, 2, 3, 4, 5, 6",
    "SELECT source, shard, position, reason, raw, seen_at FROM rejects",
    "SELECT source, shard, position, reason, event_time, window_start, record, seen_at FROM late",
    "SELECT source, shard, position, read, aggregated, late, rejected, pending, duplicates,"
    " watermark, updated_at FROM progress ORDER BY 1, 2",
    "SELECT * FROM dedup ORDER BY seq",
    NULL,
};

static const char *const questions_of_no_clock[] = {
    "SELECT * FROM aggregates ORDER BY 1, 2, 3, 4, 5",
    "SELECT * FROM invoices ORDER BY 1",
    "SELECT * FROM customers ORDER BY 1",
    "SELECT * FROM anomalies ORDER BY 1",
    "SELECT * FROM forecasts ORDER BY 1, 2, 3, 4, 5, 6",
    "SELECT source, shard, position, reason, raw FROM rejects",
    "SELECT source, shard, position, reason, event_time, window_start, record FROM late",
    "SELECT source, shard, position, read, aggregated, late, rejected, pending, duplicates,"
    " watermark FROM progress ORDER BY 1, 2",
    "SELECT * FROM dedup ORDER BY seq",
    NULL,
};

static char *ask(const char *db, const char *const *sql)
{
    struct reader_db *r = NULL;
    struct why why = {.text = ""};
    struct buf b;
    enum err e = reader_db_open(rig_env(), db, 0, &r, &why);

    buf_init(&b, RESULTS_MAX);
    for (; !e && *sql; sql++) {
        struct question q = {.sql = *sql};

        e = reader_db_ask(r, &q, add_row, &b, &why);
    }
    reader_db_close(r);
    if (e) {
        b.n = 0;
        ok_err(buf_printf(&b, "error: %s\n", why.text));
    }
    ok_err(buf_u8(&b, '\0'));
    return b.p;
}

char *rig_results(const char *db, bool clocks)
{
    return ask(db, clocks ? questions : questions_of_no_clock);
}

const char *rig_difference(const char *got, const char *wanted)
{
    static char text[1600];

    while (*got && *wanted) {
        size_t n = strcspn(got, "\n"), m = strcspn(wanted, "\n");

        if (n != m || memcmp(got, wanted, n) != 0)
            break;
        got += n + (got[n] != '\0');
        wanted += m + (wanted[m] != '\0');
    }
    if (!*got && !*wanted)
        return NULL;
    (void)snprintf(text, sizeof(text), "got \"%.*s\", wanted \"%.*s\"", (int)strcspn(got, "\n"),
                   got, (int)strcspn(wanted, "\n"), wanted);
    return text;
}

void rig_sound(const char *db)
{
    sqlite3 *connection = NULL;
    sqlite3_stmt *statement = NULL;
    const unsigned char *said = NULL;
    int rc;

    if (access(db, F_OK) != 0)
        return;
    rc = sqlite3_open_v2(db, &connection, SQLITE_OPEN_READWRITE, NULL);

    if (!rc)
        rc = sqlite3_prepare_v2(connection, "PRAGMA integrity_check", -1, &statement, NULL);
    if (!rc && sqlite3_step(statement) == SQLITE_ROW)
        said = sqlite3_column_text(statement, 0);
    if (!said || strcmp((const char *)said, "ok") != 0)
        fail("%s: %s: %s", fault_struck(), db,
             said ? (const char *)said : sqlite3_errmsg(connection));
    (void)sqlite3_finalize(statement);
    (void)sqlite3_close(connection);
}

static void copy(const char *from, const char *to)
{
    static char block[1 << 16];
    FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
    size_t n;

    ok(in && out);
    do {
        n = fread(block, 1, sizeof(block), in);
        ok(fwrite(block, 1, n, out) == n);
    } while (n > 0);
    ok(fclose(in) == 0 && fclose(out) == 0);
}

void rig_restore(const char *db, const char *from)
{
    static const char *const endings[] = {"", "-wal", "-shm", "-lock", "-journal"};
    char name[700];

    for (size_t i = 0; i < countof(endings); i++) {
        (void)snprintf(name, sizeof(name), "%s%s", db, endings[i]);
        (void)unlink(name);
    }
    if (from)
        copy(from, db);
}

static uint64_t hash_file(const char *path, const char *ending, uint64_t h)
{
    static unsigned char block[1 << 16];
    char name[700];
    FILE *f;
    size_t n;

    (void)snprintf(name, sizeof(name), "%s%s", path, ending);
    f = fopen(name, "rb");
    if (!f)
        return h * 31;
    do {
        n = fread(block, 1, sizeof(block), f);
        for (size_t i = 0; i < n; i++)
            h = (h ^ block[i]) * UINT64_C(0x100000001b3);
    } while (n > 0);
    (void)fclose(f);
    return h;
}

static uint64_t hash_database(const char *db)
{
    return hash_file(db, "-wal", hash_file(db, "", UINT64_C(0xcbf29ce484222325)) ^ 1);
}

/* ---- a run in our hands ---- */

static const struct codec_kind *const codecs[] = {&codec_json, &codec_csv, NULL};

enum err rig_open(struct rig_run *r, struct env *env, const char *db, const char *source)
{
    struct why *why = &r->why;
    struct store_options options = {.path = db, .env = env};

    *r = (struct rig_run){.why = {.text = ""}};
    ok_err(settings_init(&r->settings));
    ok_err(settings_file(&r->settings, rig_path(RIG_SETTINGS), why));
    ok_err(settings_put(&r->settings, "db", db, "--db", why));
    ok_err(settings_check(&r->settings, why));
    enum err e = store_open(&options, &r->store, why);
    const struct pipeline_setup setup = {.env = env,
                                         .settings = &r->settings,
                                         .store = r->store,
                                         .fold = &fold_windows,
                                         .model = &model_shop,
                                         .source = &source_file,
                                         .locator = source,
                                         .codec_for = codec_for,
                                         .codecs = codecs};
    return e ? e : pipeline_open(&setup, &r->pipeline, why);
}

void rig_close(struct rig_run *r)
{
    pipeline_close(r->pipeline);
    store_close(r->store);
    settings_clear(&r->settings);
}

enum err rig_turn_all(struct rig_run *r)
{
    enum err e;

    do
        e = pipeline_turn(r->pipeline, 0, &r->why);
    while (e == ERR_OK || e == ERR_AGAIN);
    return e;
}

void rig_half(const char *db, const char *source)
{
    struct pipeline_status now = {.records = 0};
    struct rig_run r;

    ok_err(rig_open(&r, rig_env(), db, source));
    while (now.records < LINES / 2) {
        ok_err(pipeline_turn(r.pipeline, 0, &r.why));
        pipeline_status(r.pipeline, false, &now);
    }
    /* The windows' state is saved when the ledger has grown, which takes long to happen. */
    r.pipeline->unsaved_bytes = (size_t)1 << 30;
    ok_err(pipeline_commit(r.pipeline, &r.why));
    ok_err(pipeline_turn(r.pipeline, 0, &r.why));
    ok_err(pipeline_commit(r.pipeline, &r.why));
    rig_close(&r);
}

/* ---- the loop ---- */

static struct {
    uint64_t hash[GOOD_MAX];
    const struct rig_deed *deed[GOOD_MAX];
    size_t n;
} good;

static bool known_good(const struct rig_deed *d, uint64_t hash)
{
    for (size_t i = 0; i < good.n; i++) {
        if (good.hash[i] == hash && good.deed[i] == d)
            return true;
    }
    if (good.n < GOOD_MAX) {
        good.deed[good.n] = d;
        good.hash[good.n++] = hash;
    }
    return false;
}

static void compare(const struct rig_deed *d, const char *when)
{
    char *got = rig_results(d->db, true);
    const char *difference = rig_difference(got, d->results);

    if (difference)
        fail("%s: %s, %s: %s; it had said: %s", d->name, fault_struck(), when, difference,
             complaint);
    free(got);
}

static void after_success(const struct rig_deed *d)
{
    if (d->output && rig_difference(output, d->output))
        fail("%s: %s, printed: %s", d->name, fault_struck(), rig_difference(output, d->output));
    if (!known_good(d, hash_database(d->db) ^ 1)) {
        compare(d, "and it said all was well");
        rig_sound(d->db);
    }
}

/* One sentence that says what it is about: lack of memory, or else which file. */
static void after_failure(const struct rig_deed *d, enum fault kind, int status)
{
    size_t n = strcspn(complaint, "\n");
    bool one = strncmp(complaint, "tillstream: ", 12) == 0 && complaint[n] && !complaint[n + 1];
    bool apt = strstr(complaint, kind == FAULT_MEMORY ? "memory" : "/") != NULL;

    if (getenv("FAULT_TALK"))
        (void)printf("  %s: %s", fault_struck(), complaint);
    if (status != 1 || !one || !apt)
        fail("%s: %s, status %d: %s", d->name, fault_struck(), status, complaint);
    if (known_good(d, hash_database(d->db)))
        return;
    rig_sound(d->db);
    status = rig_command(rig_env(), d->argv);
    if (status)
        fail("%s: %s, and again: status %d: %s", d->name, fault_struck(), status, complaint);
    compare(d, "run again");
}

static int next_descriptor(void)
{
    int fd = dup(STDIN_FILENO);

    (void)close(fd);
    return fd;
}

/* Fails the n-th call; false when there are fewer. */
static bool round_of(const struct rig_deed *d, enum fault kind, uint64_t n, bool onwards)
{
    struct plan plan = {.armed = true, .kind = kind, .n = n, .onwards = onwards};
    int before = next_descriptor();
    int status;

    rig_restore(d->db, d->before);
    status = command(rig_env(), d->argv, &plan);
    if (next_descriptor() != before)
        fail("%s: %s: a descriptor is still open", d->name, fault_struck());
    if (!plan.met && status)
        fail("%s: no fault, yet status %d: %s", d->name, status, complaint);
    if (status)
        after_failure(d, kind, status);
    else
        after_success(d);
    return plan.met;
}

uint64_t rig_step(uint64_t points)
{
    const char *text = getenv("FAULT_POINTS");
    uint64_t wanted = text ? strtoull(text, NULL, 10) : 12;

    if (text && strcmp(text, "all") == 0)
        return 1;
    return wanted && points > wanted ? points / wanted : 1;
}

void rig_fail_everywhere(const struct rig_deed *d, enum fault kind, bool onwards)
{
    uint64_t random = seed(), failed = 0, points, step, n;

    ok(!round_of(d, kind, 0, false));
    points = fault_seen();
    step = rig_step(points);
    n = 1 + rnd_below(&random, step);
    while (round_of(d, kind, n, onwards)) {
        failed++;
        n += step == 1 ? 1 : 1 + rnd_below(&random, 2 * step - 1);
    }
    (void)printf("  %-24s %-6s %-12s %6" PRIu64 " points, failed at %" PRIu64 "\n", d->name,
                 fault_name(kind), onwards ? "from there on" : "once", points, failed);
    (void)fflush(stdout);
    if (points == 0)
        fail("%s: nothing that %s could strike: it shows nothing", d->name, fault_name(kind));
}
