/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * late: the sales that came too late, and counting them after all (--merge), which is an
 * errand: a run that holds the database does it.
 */
#include "commands/command.h"
#include "commands/errand.h"
#include "commands/query.h"
#include "engine/when.h"

#define OPEN_MS 1500

struct late {
    struct env *env;
    const char *db;
    struct reader_db *reader;
    char slice[WHEN_TEXT]; /* --window as a time; "": all */
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

static enum err merge(struct late *l, struct why *why)
{
    const struct errand errand = {.env = l->env,
                                  .db = l->db,
                                  .reader = l->reader,
                                  .request = {.kind = "merge", .argument = l->slice},
                                  .about = "",
                                  .failed = "late sales could not be counted"};

    return errand_run(&errand, why);
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
