/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * generate: writes the sales of a synthetic shop to standard output: something to try
 * tillstream on, to measure it with, and, with labelled anomalies, to judge its flags by.
 *
 * The shop (shop.c) knows no files and no clock. Here are the options, the pace of --rate
 * (line k is due k / rate seconds after the start), and writing, in large pieces unless a
 * rate asks for each line at its time.
 */
#include "commands/command.h"
#include "commands/shop_text.h"
#include "engine/when.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define OUT_BYTES (256 * 1024)
#define DEFAULT_RECORDS 10000
#define RECORDS_MAX INT64_C(1000000000000)
#define LONGEST_WAIT_NS INT64_C(100000000) /* how soon a stop request is seen */
#define SECOND_NS INT64_C(1000000000)

struct generate {
    struct env *env;
    struct shop *shop;
    struct shop_text text;
    FILE *labels; /* NULL: none wanted */
    const char *labels_path;
    int64_t rate; /* lines a second; 0: as fast as it goes */
    int64_t began_ns;
    bool live;
    bool reader_gone; /* the pipe was closed: done, and no failure */
    size_t n;
    char out[OUT_BYTES];
};

static const char *const formats[] = {"ndjson", "csv", NULL};

static const struct option_spec options[] = {
    {.name = "records",
     .kind = OPTION_WHOLE,
     .value = "N",
     .max = RECORDS_MAX,
     .help = "how many sales lines (10000; 0: no end; with --days alone: as they come)"},
    {.name = "seed",
     .kind = OPTION_WHOLE,
     .value = "S",
     .max = INT64_MAX,
     .help = "which shop: the same seed and options give the same bytes (1)"},
    {.name = "format",
     .kind = OPTION_TEXT,
     .value = "FORMAT",
     .choices = formats,
     .help = "the form of the lines (ndjson)"},
    {.name = "rate",
     .kind = OPTION_WHOLE,
     .value = "R",
     .min = 1,
     .max = 10000000,
     .help = "lines a second (as fast as it goes)"},
    {.name = "live",
     .kind = OPTION_FLAG,
     .help = "stamp each line with the time it is written, with seconds, in UTC"},
    {.name = "start",
     .kind = OPTION_TEXT,
     .value = "DATE",
     .help = "the first day, YYYY-MM-DD (2010-12-01)"},
    {.name = "days",
     .kind = OPTION_WHOLE,
     .value = "N",
     .min = 1,
     .max = 80000,
     .help = "how many days; with --records: spread the records over about as many"},
    {.name = "years",
     .kind = OPTION_WHOLE,
     .value = "N",
     .min = 1,
     .max = 200,
     .help = "the same in years of 365 days"},
    {.name = "per-day",
     .kind = OPTION_WHOLE,
     .value = "N",
     .min = 1,
     .max = INT64_C(1000000000),
     .help = "lines on an average trading day (1776)"},
    {.name = "customers",
     .kind = OPTION_WHOLE,
     .value = "N",
     .min = 1,
     .max = PATRONS_MAX,
     .help = "how many customers (4400)"},
    {.name = "stock-codes",
     .kind = OPTION_WHOLE,
     .value = "N",
     .min = 1,
     .max = GOODS_MAX,
     .help = "how many stock codes (4000)"},
    {.name = "anomalies",
     .kind = OPTION_WHOLE,
     .value = "N",
     .max = 1000000,
     .help = "put in as many anomalies, of eleven types (0)"},
    {.name = "labels",
     .kind = OPTION_TEXT,
     .value = "FILE",
     .is_file = true,
     .help = "write the anomalies' InvoiceNo,type there, as CSV"},
    {.name = "record-ids",
     .kind = OPTION_FLAG,
     .help = "give each line a RecordID, by which a repeated line is known"},
    {.name = NULL},
};

static const struct operand_spec operands[] = {{.name = NULL}};

/* Asked to stop while writing: only the line begun is still worth writing. */
static void cut_short(struct generate *g, size_t done)
{
    bool whole = done == 0 || g->out[done - 1] == '\n';
    const char *end = whole ? NULL : memchr(g->out + done, '\n', g->n - done);

    g->n = end ? (size_t)(end + 1 - g->out) : done;
}

static enum err flush(struct generate *g, struct why *why)
{
    size_t done = 0;

    while (done < g->n && !g->reader_gone) {
        ssize_t n = write(STDOUT_FILENO, g->out + done, g->n - done);

        if (n > 0)
            done += (size_t)n;
        else if (n < 0 && errno == EPIPE)
            g->reader_gone = true;
        else if (n < 0 && errno != EINTR)
            return why_set(why, ERR_IO, "cannot write to standard output: %s", strerror(errno));
        if (g->env->stop)
            cut_short(g, done);
    }
    g->n = 0;
    return ERR_OK;
}

/* The time from the start at which line `number` (from 1) is due. */
static int64_t due_ns(const struct generate *g, int64_t number)
{
    int64_t before = number - 1;

    return before / g->rate * SECOND_NS + before % g->rate * SECOND_NS / g->rate;
}

/* Waits until the line is due; what is written so far goes out first. */
static enum err wait_for(struct generate *g, int64_t number, struct why *why)
{
    int64_t due = g->began_ns + due_ns(g, number);
    int64_t left = due - g->env->mono_ns(g->env);

    if (left > 0) {
        enum err e = flush(g, why);

        if (e)
            return e;
    }
    while (left > 0 && !g->env->stop && !g->reader_gone) {
        int64_t wait = left < LONGEST_WAIT_NS ? left : LONGEST_WAIT_NS;
        struct timespec ts = {.tv_sec = wait / SECOND_NS, .tv_nsec = (long)(wait % SECOND_NS)};

        (void)nanosleep(&ts, NULL);
        left = due - g->env->mono_ns(g->env);
    }
    return ERR_OK;
}

static enum err write_label(struct generate *g, const struct shop_line *line, struct why *why)
{
    if (!g->labels || !line->first || line->oddity == RECIPE_ORDINARY)
        return ERR_OK;
    if (fprintf(g->labels, "%" PRId64 ",%s\n", line->invoice, recipe_oddity_name(line->oddity)) < 0)
        return why_set(why, ERR_IO, "cannot write %s: %s", g->labels_path, strerror(errno));
    return ERR_OK;
}

static enum err write_line(struct generate *g, struct shop_line *line, struct why *why)
{
    enum err e = ERR_OK;

    if (g->rate)
        e = wait_for(g, line->number, why);
    if (e || g->env->stop || g->reader_gone)
        return e;
    if (g->live)
        line->at_ms = g->env->wall_ms(g->env);
    g->n += shop_text_line(&g->text, line, g->out + g->n);
    e = write_label(g, line, why);
    if (!e && (g->rate || g->n + SHOP_TEXT_LINE_MAX > sizeof(g->out)))
        e = flush(g, why);
    return e;
}

static enum err write_all(struct generate *g, struct why *why)
{
    struct shop_line line;
    enum err e = ERR_OK;

    g->began_ns = g->env->mono_ns(g->env);
    g->n = shop_text_header(&g->text, g->out);
    while (!e && !g->env->stop && !g->reader_gone && shop_next(g->shop, &line))
        e = write_line(g, &line, why);
    return e ? e : flush(g, why);
}

static enum err open_labels(struct generate *g, const char *path, struct why *why)
{
    if (!path)
        return ERR_OK;
    g->labels_path = path;
    g->labels = fopen(path, "w");
    if (!g->labels || fputs("InvoiceNo,type\n", g->labels) < 0)
        return why_set(why, ERR_IO, "cannot write the labels to %s: %s", path, strerror(errno));
    return ERR_OK;
}

static enum err close_labels(struct generate *g, struct why *why)
{
    FILE *labels = g->labels;

    g->labels = NULL;
    if (labels && fclose(labels) != 0)
        return why_set(why, ERR_IO, "cannot write the labels to %s: %s", g->labels_path,
                       strerror(errno));
    return ERR_OK;
}

static enum err read_start(const char *text, int64_t *day, struct why *why)
{
    const struct when_rules rules = {.order = WHEN_MDY};
    int64_t ms;

    if (!text)
        text = "2010-12-01";
    if (when_parse(str_of(text), &rules, &ms) || ms < 0)
        return why_set(why, ERR_USAGE,
                       "--start: \"%s\" is not a date from 1970 on; write it like 2010-12-01",
                       text);
    *day = ms / WHEN_DAY;
    return ERR_OK;
}

static enum err read_options(const struct args *args, struct shop_options *o, struct why *why)
{
    int64_t years = args_whole(args, "years", 0);
    enum err e = read_start(args_text(args, "start"), &o->start_day, why);

    if (e)
        return e;
    o->days = args_whole(args, "days", 365 * years);
    o->records = args_whole(args, "records", o->days ? 0 : DEFAULT_RECORDS);
    o->lines_per_day = args_whole(args, "per-day", 0);
    o->seed = (uint64_t)args_whole(args, "seed", 1);
    o->customers = args_whole(args, "customers", 4400);
    o->codes = args_whole(args, "stock-codes", 4000);
    o->anomalies = args_whole(args, "anomalies", 0);
    if (years && args_text(args, "days"))
        return why_set(why, ERR_USAGE, "--days and --years say the same thing; give one of them");
    if (o->anomalies && !o->records && !o->days)
        return why_set(why, ERR_USAGE,
                       "--anomalies are spread over the whole output, which must "
                       "end: add --records N or --days N");
    if (args_text(args, "labels") && !o->anomalies)
        return why_set(why, ERR_USAGE, "--labels FILE names anomalies; add --anomalies N");
    return ERR_OK;
}

static void tell_unplaced(struct generate *g)
{
    int64_t left = shop_anomalies_left(g->shop);

    if (left && !g->env->stop && !g->reader_gone)
        env_log(g->env, LOG_WARN,
                "%" PRId64 " anomalies or repetitions found no place in so few lines; "
                "use more --records or --days",
                left);
}

static enum err generate(struct env *env, const struct args *args, struct why *why)
{
    struct shop_options o = {0};
    struct generate *g = NULL;
    const char *format = args_text(args, "format");
    enum err e = read_options(args, &o, why);

    if (e)
        return e;
    g = calloc(1, sizeof(*g));
    if (!g)
        return why_set(why, ERR_NOMEM, "out of memory");
    g->env = env;
    g->rate = args_whole(args, "rate", 0);
    g->live = args_flag(args, "live");
    shop_text_init(&g->text, format && strcmp(format, "csv") == 0, args_flag(args, "record-ids"),
                   o.seed);
    g->text.seconds = g->live;
    e = open_labels(g, args_text(args, "labels"), why);
    if (!e)
        e = shop_open(&o, &g->shop);
    if (!e)
        e = write_all(g, why);
    if (!e)
        tell_unplaced(g);
    if (g->labels) {
        enum err closed = close_labels(g, e ? NULL : why);

        e = e ? e : closed;
    }
    shop_close(g->shop);
    free(g);
    return e;
}

static int run(struct env *env, const struct args *args, struct settings *settings)
{
    struct why why = {"out of memory"};
    enum err e = generate(env, args, &why);

    (void)settings;
    return e ? command_error(e, &why) : 0;
}

const struct command command_generate = {
    .name = "generate",
    .summary = "write the sales of a synthetic shop",
    .text =
        "Writes sales lines like those of a real web shop to standard output, in order of time: "
        "a few popular stock codes and many rare ones, busy hours and quiet ones, closed "
        "Saturdays and Christmas, growth towards it, returns that refer to earlier sales, "
        "customers with a home country, sales without a customer, prices that change.\n"
        "\n"
        "The same seed and options give the same bytes on every machine. Memory does not grow "
        "with the number of lines.\n"
        "\n"
        "With --anomalies, labelled anomalies are among the lines: slipped decimal points, "
        "duplicated invoices, sales at night and others. An anomaly may be several invoices; "
        "each is in the label file. The original of a duplicated invoice is not.",
    .examples =
        "tillstream generate > sales.ndjson\n"
        "tillstream generate --years 10 --format csv > ten-years.csv\n"
        "tillstream generate --records 100000 --anomalies 100 --labels labels.csv > sales.ndjson\n"
        "tillstream generate --records 0 --rate 20 --live | tillstream run -",
    .options = options,
    .operands = operands,
    .run = run,
};
