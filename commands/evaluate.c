/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * evaluate: how well the scores in a database find the invoices that somebody has labelled;
 * the figures are those of ranking.c and merit.c.
 */
#include "commands/args.h"
#include "commands/merit.h"
#include "commands/print.h"
#include "commands/ranking.h"
#include "engine/json.h"
#include "engine/when.h"

#include <stdio.h>

#define OPEN_MS 1500
#define JSON_MAX ((size_t)1 << 20)

static const size_t heads[] = {50, 100, 200};
static const char *const format_names[] = {"table", "json", NULL};

struct report {
    struct ranking ranking;
    double average_precision;
    struct merit_interval interval;
    double events[RANKING_RATES];
    struct ranking_flags flags;
    struct ranking_controls controls;
    struct ranking_reasons reasons;
    struct ranking_type type[RANKING_TYPES_MAX];
    size_t n_types;
};

static enum err figure(struct report *t)
{
    const struct ranking *r = &t->ranking;
    enum err e = merit_bootstrap(r->hit, r->n, &t->interval);

    t->average_precision = merit_average_precision(r->hit, r->n);
    t->flags = ranking_flags(r);
    t->controls = ranking_controls(r);
    t->reasons = ranking_reasons(r);
    for (int i = 0; !e && i < RANKING_RATES; i++)
        e = ranking_events(r, i, &t->events[i]);
    return e ? e : ranking_types(r, t->type, &t->n_types);
}

/* ---- for people ---- */

static void print_head(const struct report *t)
{
    const struct ranking *r = &t->ranking;
    char n[32], labelled[32], ignored[32], from[WHEN_TEXT];

    (void)when_format(r->from_ms, from);
    (void)printf("%s invoices judged since %.10s, the end of the warm-up: %s labelled, %s ignored",
                 print_grouped((int64_t)r->n_all, n), from,
                 print_grouped((int64_t)r->positives, labelled),
                 print_grouped((int64_t)(r->n_all - r->n), ignored));
    if (r->positives < r->labels.list.n)
        (void)printf("\n(%zu more labelled invoices are not among them and count neither way)",
                     r->labels.list.n - r->positives);
    (void)printf("\n\naverage precision  %.3f (95 %%: %.3f to %.3f)\n", t->average_precision,
                 t->interval.low, t->interval.high);
}

static void print_rates(const struct report *t)
{
    (void)printf("precision          ");
    for (size_t i = 0; i < countof(heads); i++)
        (void)printf("%s%.3f of the first %zu", i ? ", " : "",
                     ranking_precision(&t->ranking, heads[i]), heads[i]);
    (void)printf("\nrecall             ");
    for (int i = 0; i < RANKING_RATES; i++)
        (void)printf("%s%.3f at %g %%", i ? ", " : "", ranking_recall(&t->ranking, i),
                     100 * ranking_rates[i]);
    (void)printf(" alerts\nevents found       ");
    for (int i = 0; i < RANKING_RATES; i++)
        (void)printf("%s%.3f at %g %%", i ? ", " : "", t->events[i], 100 * ranking_rates[i]);
    (void)printf("\n");
}

static void print_flags(const struct report *t)
{
    double rate = 100 * ranking_rates[RANKING_RATE];
    char given[32];

    (void)printf("flags as given     %s, %.2f %% of the invoices: precision %.3f, recall %.3f, "
                 "F1 %.3f\n",
                 print_grouped((int64_t)t->flags.given, given),
                 100 * ranking_share(t->flags.given, t->ranking.n_all), t->flags.precision,
                 t->flags.recall, t->flags.f1);
    if (t->controls.judged)
        (void)printf("controls           of %zu: %zu within the first %g %%, %zu flagged\n",
                     t->controls.judged, t->controls.within, rate, t->controls.flagged);
    if (t->reasons.of)
        (void)printf("strongest reason   right for %.3f of the %zu found within %g %% whose type "
                     "has one; one of the two strongest %.3f\n",
                     ranking_share(t->reasons.first, t->reasons.of), t->reasons.of, rate,
                     ranking_share(t->reasons.among, t->reasons.of));
    (void)printf("\n");
}

static struct value whole(size_t v)
{
    return (struct value){.kind = VALUE_WHOLE, .whole = (int64_t)v};
}

static struct value real(double v)
{
    return (struct value){.kind = VALUE_REAL, .real = v};
}

static enum err print_types(const struct report *t)
{
    static const struct print_column columns[] = {
        {.name = "type"},           {.name = "labelled"},
        {.name = "found in 1.5 %"}, {.name = "recall", .kind = PRINT_RATIO},
        {.name = "flagged"},        {.name = "average precision", .kind = PRINT_RATIO},
    };
    const struct print_setup setup = {
        .out = stdout, .columns = columns, .n_columns = (int)countof(columns)};
    struct print *print = NULL;
    enum err e = print_open(&setup, &print);

    for (size_t i = 0; !e && i < t->n_types; i++) {
        const struct ranking_type *y = &t->type[i];
        const struct value v[] = {{.kind = VALUE_TEXT, .text = y->name},
                                  whole(y->labelled),
                                  whole(y->found),
                                  real(ranking_share(y->found, y->labelled)),
                                  whole(y->flagged),
                                  real(y->average_precision)};
        e = print_row(print, v);
    }
    if (!e)
        e = print_end(print);
    print_close(print);
    return e;
}

static enum err print_report(const struct report *t)
{
    print_head(t);
    print_rates(t);
    print_flags(t);
    return print_types(t);
}

/* ---- for programs ---- */

static enum err put_figures(const struct report *t, struct buf *out)
{
    const struct ranking *r = &t->ranking;
    enum err e =
        buf_printf(out,
                   "{\"judged\":%zu,\"labelled\":%zu,\"ignored\":%zu,\"missing\":%zu,"
                   "\"average_precision\":%.6f,\"low\":%.6f,\"high\":%.6f",
                   r->n_all, r->positives, r->n_all - r->n, r->labels.list.n - r->positives,
                   t->average_precision, t->interval.low, t->interval.high);

    for (size_t i = 0; !e && i < countof(heads); i++)
        e = buf_printf(out, ",\"precision_%zu\":%.6f", heads[i], ranking_precision(r, heads[i]));
    for (int i = 0; !e && i < RANKING_RATES; i++)
        e = buf_printf(out, ",\"recall_%g\":%.6f,\"events_%g\":%.6f", 100 * ranking_rates[i],
                       ranking_recall(r, i), 100 * ranking_rates[i], t->events[i]);
    return e;
}

static enum err put_counts(const struct report *t, struct buf *out)
{
    return buf_printf(out,
                      ",\"flags\":{\"given\":%zu,\"right\":%zu,\"precision\":%.6f,"
                      "\"recall\":%.6f,\"f1\":%.6f},\"controls\":{\"judged\":%zu,\"within\":%zu,"
                      "\"flagged\":%zu},\"reasons\":{\"of\":%zu,\"first\":%zu,\"among\":%zu}",
                      t->flags.given, t->flags.right, t->flags.precision, t->flags.recall,
                      t->flags.f1, t->controls.judged, t->controls.within, t->controls.flagged,
                      t->reasons.of, t->reasons.first, t->reasons.among);
}

static enum err put_types(const struct report *t, struct buf *out)
{
    enum err e = buf_text(out, ",\"types\":[");

    for (size_t i = 0; !e && i < t->n_types; i++) {
        const struct ranking_type *y = &t->type[i];

        e = buf_text(out, i ? ",\n{\"type\":" : "\n{\"type\":");
        if (!e)
            e = json_quote(out, y->name);
        if (!e)
            e = buf_printf(out,
                           ",\"labelled\":%zu,\"found\":%zu,\"flagged\":%zu,"
                           "\"average_precision\":%.6f}",
                           y->labelled, y->found, y->flagged, y->average_precision);
    }
    return e ? e : buf_text(out, "]}\n");
}

static enum err put_report(const struct report *t)
{
    struct buf out;
    enum err e;

    buf_init(&out, JSON_MAX);
    e = put_figures(t, &out);
    if (!e)
        e = put_counts(t, &out);
    if (!e)
        e = put_types(t, &out);
    if (!e)
        command_print((struct str){out.p, out.n});
    buf_clear(&out);
    return e;
}

/* ---- the command ---- */

static enum err read_files(struct ranking *r, const struct args *args, struct why *why)
{
    const char *labels = args_text(args, "labels"), *controls = args_text(args, "controls");
    const char *warm_up = args_text(args, "warm-up");
    enum err e = ERR_OK;

    if (!labels)
        return why_set(why, ERR_USAGE,
                       "which invoices should have been found? Name them with --labels FILE, a "
                       "CSV file with the columns InvoiceNo and type");
    if (when_duration(str_of(warm_up ? warm_up : "60d"), &r->warm_up_ms, NULL))
        return why_set(why, ERR_USAGE, "--warm-up: \"%.64s\" is no duration; write 60d or 12h",
                       warm_up);
    e = labels_file(&r->labels, labels, why);
    for (int i = 0; !e && args_nth(args, "ignore", i); i++)
        e = labels_file(&r->ignore, args_nth(args, "ignore", i), why);
    if (!e && controls)
        e = labels_file(&r->controls, controls, why);
    return e;
}

static enum err report(struct report *t, struct env *env, const struct args *args, const char *db,
                       struct why *why)
{
    const char *format = args_text(args, "format");
    struct reader_db *reader = NULL;
    enum err e = read_files(&t->ranking, args, why);

    if (!e)
        e = reader_db_open(env, db, OPEN_MS, &reader, why);
    if (!e)
        e = ranking_read(&t->ranking, reader, db, why);
    if (!e)
        e = figure(t);
    if (!e)
        e = format && strcmp(format, "json") == 0 ? put_report(t) : print_report(t);
    reader_db_close(reader);
    return e;
}

static int evaluate_run(struct env *env, const struct args *args, struct settings *settings)
{
    struct report t = {.n_types = 0};
    struct why why = {.text = ""};
    enum err e;

    ranking_init(&t.ranking);
    e = report(&t, env, args, settings->db, &why);
    ranking_clear(&t.ranking);
    return e ? command_error(e, &why) : 0;
}

static const struct option_spec options[] = {
    {.name = "labels",
     .kind = OPTION_TEXT,
     .value = "FILE",
     .is_file = true,
     .help = "the invoices to be found: CSV with InvoiceNo, type and perhaps event"},
    {.name = "ignore",
     .kind = OPTION_TEXT,
     .many = true,
     .value = "FILE",
     .is_file = true,
     .help = "invoices that count neither way: CSV with InvoiceNo"},
    {.name = "controls",
     .kind = OPTION_TEXT,
     .value = "FILE",
     .is_file = true,
     .help = "invoices that should not be found: CSV with InvoiceNo"},
    {.name = "warm-up",
     .kind = OPTION_TEXT,
     .value = "TIME",
     .help = "leave out what was sold in the first TIME; 60d unless told"},
    {.name = "format",
     .kind = OPTION_TEXT,
     .value = "FORMAT",
     .choices = format_names,
     .help = "table (default) or json"},
    {.name = NULL},
};

static const struct operand_spec operands[] = {{.name = NULL}};

const struct command command_evaluate = {
    .name = "evaluate",
    .summary = "measure how well labelled invoices were found",
    .text =
        "Ranks the judged invoices by their score, as stored by a run over the same sales, and "
        "prints how high the labelled ones are: average precision with a 95 % bootstrap interval, "
        "precision among the first 50, 100 and 200, recall when the first 0.5, 1, 1.5 or 2 % are "
        "looked at, the same for events (several invoices may be one), all of that by type, and "
        "precision, recall and F1 of the flags as they were given.\n\n"
        "Where a type of label has an obvious reason (price_x100: the price), the last line says "
        "how often the strongest reason was that.",
    .examples =
        "tillstream evaluate --labels labels.csv --db shop.db\n"
        "tillstream evaluate --labels labels.csv --ignore known.csv --controls normal.csv\n",
    .options = options,
    .operands = operands,
    .takes_settings = true,
    .run = evaluate_run,
};
