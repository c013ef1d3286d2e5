/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * query: asks databases, beside a run or without one.
 *
 * The options are checked against a table that says which kinds of question take which, then
 * all databases are opened and held at one snapshot each, so that an answer made of several
 * statements is of one moment.
 */
#include "commands/query.h"
#include "commands/command.h"

#include <stdlib.h>

#define WAIT_MS 1500 /* for a database that a run is about to make */

/* ---- what is asked ---- */

enum takes {
    TAKES_WINDOW = 1,
    TAKES_DIMENSION = 2,
    TAKES_KEY = 4,
    TAKES_RANGE = 8,
    TAKES_BY = 16,
    TAKES_LIMIT = 32,
    TAKES_ID = 64,
    TAKES_SCORES = 128,
};

#define TAKES_FIGURES                                                                              \
    (TAKES_WINDOW | TAKES_DIMENSION | TAKES_KEY | TAKES_RANGE | TAKES_BY | TAKES_LIMIT)

static const struct kind {
    const char *name;
    int takes;
    enum err (*answer)(struct query *q, struct why *why);
} kinds[] = {
    {"aggregates", TAKES_FIGURES, query_aggregates},
    {"top", TAKES_FIGURES, query_top},
    {"customer", TAKES_KEY | TAKES_ID | TAKES_BY | TAKES_LIMIT, query_customers},
    {"invoice", TAKES_KEY | TAKES_ID | TAKES_BY | TAKES_RANGE | TAKES_LIMIT, query_invoices},
    {"anomalies", TAKES_KEY | TAKES_RANGE | TAKES_BY | TAKES_LIMIT, query_anomalies},
    {"forecasts", TAKES_DIMENSION | TAKES_KEY | TAKES_RANGE | TAKES_LIMIT | TAKES_SCORES,
     query_forecasts},
    {"rejects", TAKES_LIMIT, query_rejects},
    {"late", TAKES_RANGE | TAKES_LIMIT, query_late},
    {"progress", 0, query_progress},
};

static const char *const kind_names[] = {"aggregates", "top",       "customer", "invoice",
                                         "anomalies",  "forecasts", "rejects",  "late",
                                         "progress",   NULL};
static const char *const format_names[] = {"table", "json", "csv", NULL};

/* ---- options ---- */

static enum err refuse_order(const struct kind *kind, const char *by, struct why *why)
{
    bool score = by && strcmp(by, "score") == 0;

    if (by && kind->answer == query_anomalies && !score)
        return why_set(why, ERR_USAGE, "query anomalies can be ordered --by score alone");
    if (score && kind->answer != query_anomalies)
        return why_set(why, ERR_USAGE, "query %s can't be ordered --by score", kind->name);
    return ERR_OK;
}

static enum err refuse(const struct kind *kind, const struct args *args, struct why *why)
{
    static const struct {
        const char *option;
        int takes;
    } rules[] = {
        {"window", TAKES_WINDOW}, {"dimension", TAKES_DIMENSION},
        {"key", TAKES_KEY},       {"from", TAKES_RANGE},
        {"to", TAKES_RANGE},      {"by", TAKES_BY},
        {"limit", TAKES_LIMIT},
    };

    for (size_t i = 0; i < countof(rules); i++) {
        bool given = args_text(args, rules[i].option) ||
                     args_whole(args, rules[i].option, QUERY_NO_LIMIT) != QUERY_NO_LIMIT;

        if (given && !(kind->takes & rules[i].takes))
            return why_set(why, ERR_USAGE, "query %s takes no --%s", kind->name, rules[i].option);
    }
    if (args_flag(args, "scores") && !(kind->takes & TAKES_SCORES))
        return why_set(why, ERR_USAGE, "query %s takes no --scores", kind->name);
    if (args_operand(args, 1) && !(kind->takes & TAKES_ID))
        return why_set(why, ERR_USAGE, "query %s takes nothing after it but options, not \"%s\"",
                       kind->name, args_operand(args, 1));
    if (args_operand(args, 1) && args_text(args, "key"))
        return why_set(why, ERR_USAGE, "give either --key or \"%s\", they mean the same",
                       args_operand(args, 1));
    return refuse_order(kind, args_text(args, "by"), why);
}

/* A date or time as whole seconds: the first second that is not before it. */
static enum err read_time(const struct args *args, const char *option, const struct zone *zone,
                          int64_t *out, struct why *why)
{
    const char *text = args_text(args, option);
    struct when_rules rules = {.order = WHEN_MDY, .zone = zone};
    int64_t ms = 0;

    if (!text)
        return ERR_OK;
    if (when_parse(str_of(text), &rules, &ms))
        return why_set(why, ERR_USAGE,
                       "--%s: \"%.64s\" is no date; write 2011-12-09 or 2011-12-09T13:00", option,
                       text);
    *out = ms / 1000 + (ms % 1000 > 0);
    return ERR_OK;
}

static enum err read_range(struct query *q, const struct args *args,
                           const struct settings *settings, struct why *why)
{
    struct zone *zone = NULL;
    enum err e;

    q->has_range = args_text(args, "from") || args_text(args, "to");
    if (!q->has_range)
        return ERR_OK;
    e = zone_open(settings->timezone, &zone, why);
    if (!e)
        e = read_time(args, "from", zone, &q->from_s, why);
    if (!e)
        e = read_time(args, "to", zone, &q->to_s, why);
    if (!e && q->from_s >= q->to_s)
        e = why_set(why, ERR_USAGE, "--from %s is not before --to %s", args_text(args, "from"),
                    args_text(args, "to"));
    zone_close(zone);
    return e;
}

static enum print_format format_of(const char *name)
{
    for (int i = 0; name && format_names[i]; i++) {
        if (strcmp(name, format_names[i]) == 0)
            return (enum print_format)i;
    }
    return PRINT_TABLE;
}

static enum err read_options(struct query *q, const struct args *args,
                             const struct settings *settings, struct why *why)
{
    *q = (struct query){
        .env = q->env,
        .what = args_operand(args, 0),
        .window = args_text(args, "window"),
        .dimension = args_text(args, "dimension"),
        .key = args_operand(args, 1) ? args_operand(args, 1) : args_text(args, "key"),
        .by = args_text(args, "by"),
        .scores = args_flag(args, "scores"),
        .limit = args_whole(args, "limit", QUERY_NO_LIMIT),
        .format = format_of(args_text(args, "format")),
        .from_s = INT64_MIN,
        .to_s = INT64_MAX,
    };
    for (; q->n_dbs < QUERY_DBS_MAX && args_nth(args, "db", q->n_dbs); q->n_dbs++)
        q->name[q->n_dbs] = args_nth(args, "db", q->n_dbs);
    if (args_nth(args, "db", QUERY_DBS_MAX))
        return why_set(why, ERR_USAGE, "--db: at most %d databases at once", QUERY_DBS_MAX);
    if (q->n_dbs == 0)
        q->name[q->n_dbs++] = settings->db;
    return read_range(q, args, settings, why);
}

/* ---- databases ---- */

static enum err nothing(void *arg, int n, const char *const *names, const struct value *values)
{
    (void)arg;
    (void)n;
    (void)names;
    (void)values;
    return ERR_OK;
}

static enum err open_all(struct query *q, struct why *why)
{
    static const struct question begin = {.sql = "BEGIN"};
    enum err e = ERR_OK;

    for (int i = 0; !e && i < q->n_dbs; i++) {
        e = reader_db_open(q->env, q->name[i], WAIT_MS, &q->db[i], why);
        if (!e)
            e = reader_db_ask(q->db[i], &begin, nothing, NULL, why);
    }
    return e;
}

static void close_all(struct query *q)
{
    for (int i = 0; i < q->n_dbs; i++)
        reader_db_close(q->db[i]);
}

/* ---- shared ---- */

int64_t query_limit(const struct query *q, int64_t usual)
{
    if (q->limit != QUERY_NO_LIMIT)
        return q->limit;
    return q->format == PRINT_TABLE ? usual : 0;
}

enum err query_print(const struct query *q, const struct print_column *columns, int n,
                     struct print **out)
{
    struct print_setup setup = {.out = stdout,
                                .format = q->format,
                                .columns = columns,
                                .n_columns = n,
                                .width = print_width(stdout)};

    return print_open(&setup, out);
}

void query_more(const struct query *q, uint64_t more)
{
    char number[32];

    if (more > 0 && q->format == PRINT_TABLE)
        (void)printf("(%s more %s; --limit 0 shows all)\n", print_grouped((int64_t)more, number),
                     more == 1 ? "row" : "rows");
}

struct value query_text(const char *text)
{
    return (struct value){.kind = VALUE_TEXT, .text = str_of(text)};
}

struct value query_whole(int64_t v)
{
    return (struct value){.kind = VALUE_WHOLE, .whole = v};
}

struct value query_real(double v)
{
    return (struct value){.kind = VALUE_REAL, .real = v};
}

/* ---- the command ---- */

static int query_run(struct env *env, const struct args *args, struct settings *settings)
{
    const struct kind *kind = &kinds[0];
    struct query q = {.env = env};
    struct why why = {.text = ""};
    enum err e;

    for (size_t i = 0; i < countof(kinds); i++) {
        if (strcmp(kinds[i].name, args_operand(args, 0)) == 0)
            kind = &kinds[i];
    }
    e = refuse(kind, args, &why);
    if (!e)
        e = read_options(&q, args, settings, &why);
    if (!e)
        e = open_all(&q, &why);
    if (!e)
        e = kind->answer(&q, &why);
    close_all(&q);
    return e ? command_error(e, &why) : 0;
}

static const struct option_spec options[] = {
    {.name = "window", .kind = OPTION_TEXT, .value = "W", .help = "of this window: hour, last24h"},
    {.name = "dimension",
     .kind = OPTION_TEXT,
     .value = "D",
     .help = "of this dimension: country, stock_code"},
    {.name = "key",
     .kind = OPTION_TEXT,
     .value = "K",
     .help = "of this key: France, 85123A; anomalies: customer, invoice or country"},
    {.name = "from",
     .kind = OPTION_TEXT,
     .value = "T",
     .help = "windows (anomalies, invoices) that start at this date or time, or later"},
    {.name = "to",
     .kind = OPTION_TEXT,
     .value = "T",
     .help = "... that start before this date or time"},
    {.name = "by",
     .kind = OPTION_TEXT,
     .value = "MEASURE",
     .choices = query_measures,
     .help = "largest first; top: revenue unless told; anomalies: score"},
    {.name = "limit",
     .kind = OPTION_WHOLE,
     .value = "N",
     .min = 0,
     .max = INT64_C(1000000000),
     .help = "at most N rows, the newest; 0: all"},
    {.name = "scores",
     .kind = OPTION_FLAG,
     .help = "forecasts: how good they were, beside the baselines"},
    {.name = "format",
     .kind = OPTION_TEXT,
     .value = "FORMAT",
     .choices = format_names,
     .help = "table (default), json or csv"},
    {.name = "db",
     .kind = OPTION_TEXT,
     .many = true,
     .value = "FILE",
     .is_file = true,
     .help = "a database; several are merged; tillstream.db unless named"},
    {.name = NULL},
};

static const struct operand_spec operands[] = {
    {.name = "WHAT", .help = "the question", .min = 1, .max = 1, .choices = kind_names},
    {.name = "ID", .help = "of customer and invoice: which one", .max = 1},
    {.name = NULL},
};

const struct command command_query = {
    .name = "query",
    .summary = "ask a database, also while a run writes it",
    .text =
        "aggregates lists windows, top the largest keys of the newest one. customer and invoice "
        "show one of them, or without an ID the largest. rejects and late list what was not "
        "counted and why, progress what was.\n\n"
        "anomalies lists what is out of the ordinary and why, newest first or the highest score "
        "first (--by score); state is provisional until what came right after is known too, and "
        "`tillstream why INVOICE` tells more. forecasts lists what was foretold beside what came, "
        "newest first; --scores sums up: n forecasts, mae their mean absolute error, vs_week_ago "
        "and holt_winters the errors of the forecast and of Holt-Winters in units of that of "
        "\"as a week ago\" (below 1 is better), inside the share within the band (0.9 is meant), "
        "width its mean width.\n\n"
        "Tables show amounts exactly and at most 100 rows, the newest; json and csv have every "
        "column and every row. Dates without a zone are read in the setting `timezone`.\n\n"
        "With several databases the answer is that of one that saw all their sales: rows of the "
        "same window and key are counted again from the sales that each database keeps. Only "
        "scores "
        "and flags are those of each database alone; of an invoice in several the highest.",
    .examples = "tillstream query top --window last24h --dimension country\n"
                "tillstream query aggregates --window day --dimension all --from 2011-12-01\n"
                "tillstream query customer 17850 --format json\n"
                "tillstream query anomalies --by score --limit 20\n"
                "tillstream query forecasts --scores\n"
                "tillstream query rejects --db shop.db\n"
                "tillstream query progress\n",
    .options = options,
    .operands = operands,
    .takes_settings = true,
    .run = query_run,
};
