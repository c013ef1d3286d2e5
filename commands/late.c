/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * late: the sales that came too late, and counting them after all.
 *
 * --merge writes a request into the database (engine/store/request.h). Where a run holds the
 * lock, that run applies it and this command waits for its answer; else this command takes the
 * lock and applies it itself, by the settings of the last run, which the database remembers.
 * The lock is tried again while waiting: a run may end before it looks.
 */
#include "commands/command.h"
#include "commands/query.h"
#include "engine/pipeline.h"
#include "engine/store/request.h"

#include <stdio.h>
#include <time.h>

#define ANSWER_MS 10000 /* how long a run may take to answer */
#define POLL_MS 50
#define OPEN_MS 1500
#define TEXT_BYTES_MAX (1u << 20)

struct late {
    struct env *env;
    const char *db;
    struct reader_db *reader;
    char slice[WHEN_TEXT]; /* --window as a time; "": all */
    int64_t request;
};

/* ---- --window ---- */

static enum err note(void *arg, int n, const char *const *names, const struct value *values)
{
    (void)n;
    (void)names;
    (void)values;
    *(bool *)arg = true;
    return ERR_END;
}

/* A time stands for its slice, the name of a window for all late sales. */
static enum err read_window(struct late *l, const char *text, const struct settings *settings,
                            struct why *why)
{
    struct value name = query_text(text ? text : "");
    const struct question ask = {.sql = "SELECT 1 FROM series WHERE \"window\" = ? LIMIT 1",
                                 .parameters = &name,
                                 .n_parameters = 1};
    struct when_rules rules = {.order = WHEN_MDY};
    struct zone *zone = NULL;
    bool known = false;
    int64_t ms = 0;
    enum err e = text ? reader_db_ask(l->reader, &ask, note, &known, why) : ERR_OK;

    if (e || !text || known)
        return e;
    e = zone_open(settings->timezone, &zone, why);
    rules.zone = zone;
    if (!e && when_parse(str_of(text), &rules, &ms))
        e = why_set(why, ERR_USAGE,
                    "--window: \"%.64s\" is neither a window of %s nor a time as in "
                    "late.window_start, 2011-12-09T13:00:00Z",
                    text, l->db);
    if (!e)
        (void)when_format(ms, l->slice);
    zone_close(zone);
    return e;
}

/* ---- listing ---- */

static enum err list_sales(struct late *l, struct why *why)
{
    const struct when_rules utc = {.order = WHEN_MDY};
    struct query q = {.env = l->env,
                      .what = "late",
                      .limit = QUERY_NO_LIMIT,
                      .from_s = INT64_MIN,
                      .to_s = INT64_MAX,
                      .format = PRINT_TABLE,
                      .db = {l->reader},
                      .name = {l->db},
                      .n_dbs = 1};
    int64_t ms = 0;

    if (l->slice[0] && !when_parse(str_of(l->slice), &utc, &ms)) {
        q.has_range = true;
        q.from_s = ms / WHEN_SECOND;
        q.to_s = q.from_s + 1;
    }
    return query_late(&q, why);
}

/* ---- merging ---- */

/* The settings that the last run on this database had. */
static enum err run_settings(struct store *store, const char *db, struct settings *out,
                             struct why *why)
{
    struct buf text;
    enum err e;

    buf_init(&text, TEXT_BYTES_MAX);
    e = store_meta(store, "settings", &text);
    if (e == ERR_NOT_FOUND)
        e = why_set(why, e, "%s does not tell the settings of its last run: start a run on it once",
                    db);
    if (!e)
        e = settings_json(out, (struct str){text.p, text.n}, "the settings of the last run", why);
    if (!e)
        e = settings_put(out, "db", db, "--db", why);
    if (!e)
        e = settings_check(out, why);
    buf_clear(&text);
    return e;
}

static enum err apply_with(struct late *l, struct store *store, struct settings *settings,
                           struct why *why)
{
    const struct pipeline_setup setup = {
        .env = l->env, .settings = settings, .store = store, .fold = &fold_windows};
    struct pipeline *pipeline = NULL;
    enum err e = run_settings(store, l->db, settings, why);

    if (!e)
        e = pipeline_open(&setup, &pipeline, why);
    if (!e)
        e = pipeline_requests(pipeline, why);
    pipeline_close(pipeline);
    return e;
}

/* With the lock; ERR_BUSY: a run has it. */
static enum err apply_here(struct late *l, struct why *why)
{
    const struct store_options options = {.path = l->db, .env = l->env};
    struct settings settings;
    struct store *store = NULL;
    enum err e = store_open(&options, &store, why);

    if (e == ERR_BUSY)
        return e;
    if (!e)
        e = settings_init(&settings);
    if (!e) {
        e = apply_with(l, store, &settings, why);
        settings_clear(&settings);
    }
    if (e && store)
        (void)store_explain(store, e, why);
    store_close(store); /* ends its transaction */
    if (e && !why->text[0])
        (void)why_set(why, e, "late sales could not be counted: %s", err_text(e));
    /* What could not be begun must not surprise a later run. */
    if (e)
        request_fail(l->db, l->request, why->text);
    return e;
}

struct answer {
    char text[512];
    bool given;
};

static enum err take_answer(void *arg, int n, const char *const *names, const struct value *v)
{
    struct answer *a = arg;

    (void)n;
    (void)names;
    a->given = v[0].kind == VALUE_TEXT;
    if (a->given)
        (void)snprintf(a->text, sizeof(a->text), "%.*s",
                       (int)(v[0].text.n < 500 ? v[0].text.n : 500), v[0].text.p);
    return ERR_OK;
}

static enum err look(struct late *l, struct answer *a, struct why *why)
{
    const struct value id = query_whole(l->request);
    const struct question ask = {
        .sql = "SELECT result FROM requests WHERE id = ?", .parameters = &id, .n_parameters = 1};

    return reader_db_ask(l->reader, &ask, take_answer, a, why);
}

static void nap(void)
{
    const struct timespec t = {.tv_nsec = POLL_MS * 1000000L};

    (void)nanosleep(&t, NULL);
}

/* Until the answer is there: here as soon as nobody holds the lock, else by the run. */
static enum err wait_for(struct late *l, struct answer *a, struct why *why)
{
    int64_t until_ns = l->env->mono_ns(l->env) + ANSWER_MS * INT64_C(1000000);
    struct why busy = {.text = ""};
    enum err e = ERR_OK;

    while (!e && !a->given) {
        e = apply_here(l, &busy);
        if (e && e != ERR_BUSY)
            return why_set(why, e, "%s", busy.text);
        e = look(l, a, why);
        if (e || a->given)
            break;
        if (l->env->stop || l->env->mono_ns(l->env) > until_ns)
            return why_set(why, ERR_BUSY,
                           "the run that writes %s has not answered yet; it will count them when "
                           "it goes on (request %lld in the table `requests`)",
                           l->db, (long long)l->request);
        nap();
    }
    return e;
}

static enum err merge(struct late *l, struct why *why)
{
    const struct request request = {.kind = "merge", .argument = l->slice};
    struct answer a = {.text = ""};
    enum err e = request_make(l->env, l->db, &request, &l->request, why);

    if (!e)
        e = wait_for(l, &a, why);
    if (!e && strncmp(a.text, "failed: ", 8) == 0)
        return why_set(why, ERR_IO, "%s", a.text);
    if (!e)
        (void)printf("%s\n", a.text);
    return e;
}

/* ---- the command ---- */

static int late_run(struct env *env, const struct args *args, struct settings *settings)
{
    struct late l = {.env = env, .db = settings->db};
    struct why why = {.text = ""};
    enum err e = reader_db_open(env, l.db, OPEN_MS, &l.reader, &why);

    if (!e)
        e = read_window(&l, args_text(args, "window"), settings, &why);
    if (!e)
        e = args_flag(args, "merge") ? merge(&l, &why) : list_sales(&l, &why);
    reader_db_close(l.reader);
    return e ? command_error(e, &why) : 0;
}

static const struct option_spec options[] = {
    {.name = "merge", .kind = OPTION_FLAG, .help = "count them after all, each exactly once"},
    {.name = "window",
     .kind = OPTION_TEXT,
     .value = "W",
     .help = "a time as in late.window_start: those of that slice; a window's name: all"},
    {.name = NULL},
};

static const struct operand_spec operands[] = {{.name = NULL}};

const struct command command_late = {
    .name = "late",
    .summary = "list the sales that came too late, or count them after all",
    .text = "A sale behind the watermark by more than allowed_lateness is in no window. Without "
            "--merge these sales are listed, as by `query late`; with it those not merged yet are "
            "counted: their invoices and customers and every window they belong to are rewritten "
            "(`version` in `aggregates` counts the rewrites), and `merged_at` tells the watermark "
            "at which that was. They stay in `late`.\n\n"
            "--window takes a time as shown in `late.window_start`: only the sales whose smallest "
            "slice starts then. It also takes the name of a window; but every sale belongs to "
            "an instance of every window, so that is all of them.\n\n"
            "A sale that went to `late` because its date lay far ahead is left there until the "
            "watermark has passed it.\n\n"
            "Beside a run that holds the database the run does it, within a moment. Without one "
            "it is done at once, by the settings of the last run.",
    .examples = "tillstream late --db shop.db\n"
                "tillstream late --merge --db shop.db\n"
                "tillstream late --merge --window 2011-12-09T13:00:00Z\n",
    .options = options,
    .operands = operands,
    .takes_settings = true,
    .run = late_run,
};
