/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * why: what the judgement of one invoice rests on, flagged or not, from the evidence that was
 * stored when it was judged: the same words tomorrow, whatever the models have learned since.
 *
 * A reason's weight is its share of the score; the contributions sum to the score.
 */
#include "commands/args.h"
#include "commands/print.h"
#include "engine/json.h"
#include "engine/money.h"
#include "engine/sale.h"
#include "engine/when.h"
#include "models/reasons.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#define OPEN_MS 1500
#define PAGE_MAX ((size_t)1 << 20)
#define NAMES_MAX ((size_t)256 << 10)
#define NAME_BYTES ((size_t)4 * SALE_TEXT_MAX) /* all of it escaped */
#define REASON_LEAST 0.005                     /* a lesser share is not shown to people */

static const char *const format_names[] = {"table", "json", NULL};

enum column {
    COL_NUMBER,
    COL_JUDGED,
    COL_FINAL,
    COL_FLAGGED,
    COL_DATA,
    COL_SAID,
    COL_BY,
    COL_AT,
    COL_CANCELS,
    COL_CANCELLED_BY,
    COLUMNS
};

#define QUESTION                                                                                   \
    "SELECT i.id, v.invoice IS NOT NULL, v.final, v.flagged, v.data, nullif(f.said, ''),"          \
    " f.said_by, strftime('%Y-%m-%dT%H:%M:%SZ', f.said_ms / 1000, 'unixepoch'),"                   \
    " (SELECT o.text FROM invoice o WHERE o.id = v.cancels),"                                      \
    " (SELECT o.text FROM verdict w JOIN invoice o ON o.id = w.invoice WHERE w.cancels = i.id"     \
    " ORDER BY w.invoice LIMIT 1)"                                                                 \
    " FROM invoice i LEFT JOIN verdict v ON v.invoice = i.id"                                      \
    " LEFT JOIN feedback f ON f.invoice = i.id WHERE i.text = ?"

/* What is asked about; texts that are missing are empty. */
struct about {
    struct reader_db *reader;
    struct why *why;
    const char *invoice;
    bool json;
    bool known, judged, final, flagged;
    struct buf text; /* what those below lie in */
    struct span data, said, by, at, cancels, cancelled_by;
    struct verdict verdict;
    struct buf out;
    struct buf names; /* reserved at once: what lies in it never moves */
    enum err failed;  /* finding a name */
};

/* ---- reading ---- */

static enum err keep(struct about *a, const struct value *v, struct span *out)
{
    struct str s = v->kind == VALUE_TEXT ? v->text : STR("");

    *out = (struct span){(uint32_t)a->text.n, (uint32_t)s.n};
    return buf_str(&a->text, s);
}

static struct str kept(const struct about *a, struct span at)
{
    return (struct str){at.n ? a->text.p + at.at : "", at.n};
}

static enum err take_row(void *arg, int n, const char *const *names, const struct value *v)
{
    struct about *a = arg;
    enum err e = keep(a, &v[COL_DATA], &a->data);

    (void)n;
    (void)names;
    a->known = true;
    a->judged = v[COL_JUDGED].whole != 0;
    a->final = v[COL_FINAL].whole != 0;
    a->flagged = v[COL_FLAGGED].whole != 0;
    e = e ? e : keep(a, &v[COL_SAID], &a->said);
    e = e ? e : keep(a, &v[COL_BY], &a->by);
    e = e ? e : keep(a, &v[COL_AT], &a->at);
    e = e ? e : keep(a, &v[COL_CANCELS], &a->cancels);
    return e ? e : keep(a, &v[COL_CANCELLED_BY], &a->cancelled_by);
}

static enum err read_about(struct about *a, const char *db, struct why *why)
{
    const struct value name = {.kind = VALUE_TEXT, .text = str_of(a->invoice)};
    const struct question ask = {.sql = QUESTION, .parameters = &name, .n_parameters = 1};
    enum err e = reader_db_ask(a->reader, &ask, take_row, a, why);

    if (e)
        return e;
    if (!a->known)
        return why_set(why, ERR_NOT_FOUND, "there is no invoice \"%.64s\" in %s", a->invoice, db);
    if (!a->judged)
        return why_set(why, ERR_NOT_FOUND,
                       "invoice %s was not judged yet: that happens when no line of it came for "
                       "the setting invoice_idle, by a run with the setting models",
                       a->invoice);
    struct str data = kept(a, a->data);
    struct reader r = reader_of(data.p, data.n);
    e = verdict_read(&a->verdict, &r);
    if (e == ERR_NEWER)
        return why_set(why, e, "invoice %s was judged by a newer tillstream: use that version",
                       a->invoice);
    return e ? why_set(why, e, "the evidence on invoice %s in %s is damaged: restore a copy",
                       a->invoice, db)
             : ERR_OK;
}

/* ---- names ---- */

/* A name comes from outside: what people see of it has no control bytes. */
static enum err add_name(struct buf *out, struct str name, bool json)
{
    enum err e = ERR_OK;

    for (size_t i = 0; !e && i < name.n; i++) {
        unsigned char c = (unsigned char)name.p[i];

        if (!json && (c < 0x20 || c == 0x7F))
            e = buf_printf(out, "\\x%02x", c);
        else
            e = buf_u8(out, c);
    }
    return e;
}

static enum err take_name(void *arg, int n, const char *const *names, const struct value *v)
{
    struct about *a = arg;

    (void)n;
    (void)names;
    return v[0].kind == VALUE_TEXT ? add_name(&a->names, v[0].text, a->json) : ERR_OK;
}

/* Looks it up; what can't be had is noted in a->failed. */
static struct str name_of(struct about *a, const char *sql, int64_t id)
{
    const struct value number = {.kind = VALUE_WHOLE, .whole = id};
    const struct question ask = {.sql = sql, .parameters = &number, .n_parameters = 1};
    size_t was = a->names.n;

    if (!a->failed && a->names.cap - was < NAME_BYTES)
        a->failed = ERR_LIMIT;
    if (!a->failed)
        a->failed = reader_db_ask(a->reader, &ask, take_name, a, a->why);
    return a->failed ? STR("") : (struct str){a->names.p + was, a->names.n - was};
}

static struct str key_name(void *arg, uint32_t key)
{
    return name_of(arg, "SELECT text FROM \"key\" WHERE id = ?", key);
}

static struct str invoice_name(void *arg, uint64_t invoice)
{
    return name_of(arg, "SELECT text FROM invoice WHERE id = ?", (int64_t)invoice);
}

/* The share of the score. */
static double weight(const struct verdict *v, uint32_t i)
{
    return v->score > 0 ? v->evidence[i].contribution / v->score : 0;
}

static enum err add_words(struct about *a, uint32_t i, struct buf *out)
{
    const struct reasons_names names = {key_name, invoice_name, a};
    enum err e = reasons_sentence(&a->verdict, &a->verdict.evidence[i], &names, out);

    return e ? e : a->failed;
}

/* ---- for people ---- */

static enum err add_heading(struct about *a)
{
    const struct verdict *v = &a->verdict;
    char time[WHEN_TEXT], lines[32], units[32];
    enum err e = buf_text(&a->out, "invoice ");

    (void)when_format(v->time_ms, time);
    if (!e)
        e = add_name(&a->out, str_of(a->invoice), false);
    if (!e)
        e = buf_text(&a->out, v->customer ? ", customer " : ", no customer");
    if (!e && v->customer)
        e = buf_str(&a->out, key_name(a, v->customer));
    if (!e && v->country)
        e = buf_text(&a->out, ", ");
    if (!e && v->country)
        e = buf_str(&a->out, key_name(a, v->country));
    if (!e)
        e = buf_printf(&a->out, "\n%s, %s line%s, %s units, revenue ", time,
                       print_grouped(v->lines, lines), v->lines == 1 ? "" : "s",
                       print_grouped(v->units, units));
    if (!e)
        e = print_amount(&a->out, v->revenue);
    return e ? e : buf_text(&a->out, "\n");
}

/* A line about what else is known, if it is. */
static enum err add_known(struct about *a, const char *label, struct span what)
{
    enum err e = what.n ? buf_text(&a->out, label) : ERR_OK;

    if (!e && what.n)
        e = add_name(&a->out, kept(a, what), false);
    return e || !what.n ? e : buf_text(&a->out, "\n");
}

static enum err add_judgement(struct about *a)
{
    const struct verdict *v = &a->verdict;
    bool fine = str_eq(kept(a, a->said), STR("ok"));
    enum err e = buf_printf(&a->out, "%sflagged, score %.2f, p-value %.2g%s\n",
                            a->flagged ? "" : "not ", v->score, v->p_value,
                            a->final ? "" : "; provisional: what follows may change it");

    if (!e && a->said.n)
        e = add_known(a, fine ? "said to be fine by " : "said not to be fine by ", a->by);
    if (!e)
        e = add_known(a, "cancels invoice ", a->cancels);
    return e ? e : add_known(a, "cancelled by invoice ", a->cancelled_by);
}

static enum err add_reasons(struct about *a)
{
    const struct verdict *v = &a->verdict;
    enum err e = buf_text(&a->out, "\n");
    int shown = 0;

    for (uint32_t i = 0; !e && i < v->n_evidence; i++) {
        if (weight(v, i) < REASON_LEAST)
            continue;
        shown++;
        e = buf_printf(&a->out, "%4.0f %%  ", 100 * weight(v, i));
        if (!e)
            e = add_words(a, i, &a->out);
        if (!e)
            e = buf_text(&a->out, "\n");
    }
    return e || shown ? e : buf_text(&a->out, "nothing about it is out of the ordinary\n");
}

static enum err print_normals(struct about *a)
{
    static const struct print_column columns[] = {
        {.name = "invoice"}, {.name = "time"},  {.name = "lines"},
        {.name = "units"},   {.name = "value"},
    };
    const struct print_setup setup = {
        .out = stdout, .columns = columns, .n_columns = (int)countof(columns)};
    struct print *print = NULL;
    char time[WHEN_TEXT];
    enum err e = print_open(&setup, &print);

    for (uint32_t i = 0; !e && i < a->verdict.n_normals; i++) {
        const struct normal *n = &a->verdict.normal[i];

        const struct value v[] = {
            {.kind = VALUE_TEXT, .text = invoice_name(a, n->invoice)},
            {.kind = VALUE_TEXT, .text = {time, when_format(n->time_ms, time)}},
            {.kind = VALUE_WHOLE, .whole = (int64_t)n->lines},
            {.kind = VALUE_WHOLE, .whole = (int64_t)llround((double)n->units)},
            {.kind = VALUE_REAL, .real = (double)n->value}};
        e = a->failed ? a->failed : print_row(print, v);
    }
    if (!e)
        e = print_end(print);
    print_close(print);
    return e;
}

static enum err print_all(struct about *a)
{
    enum err e = add_heading(a);

    if (!e)
        e = add_judgement(a);
    if (!e)
        e = add_reasons(a);
    if (!e)
        e = buf_text(&a->out, a->verdict.n_normals
                                  ? "\nThe nearest normal invoices of this customer:\n"
                                  : "\nNo normal invoice of this customer is known yet.\n");
    if (!e)
        e = a->failed;
    if (!e)
        command_print((struct str){a->out.p, a->out.n});
    return e || !a->verdict.n_normals ? e : print_normals(a);
}

/* ---- for programs ---- */

/* `,"name":"text"`, null for an empty one. */
static enum err put_text(struct about *a, const char *name, struct str text)
{
    enum err e = buf_printf(&a->out, ",\"%s\":", name);

    if (e)
        return e;
    return text.n ? json_quote(&a->out, text) : buf_text(&a->out, "null");
}

static enum err put_heading(struct about *a)
{
    const struct verdict *v = &a->verdict;
    char time[WHEN_TEXT], revenue[MONEY_TEXT];
    enum err e = buf_text(&a->out, "{\"invoice\":");

    (void)when_format(v->time_ms, time);
    (void)money_format(v->revenue, 0, revenue);
    if (!e)
        e = json_quote(&a->out, str_of(a->invoice));
    if (!e)
        e = put_text(a, "customer", v->customer ? key_name(a, v->customer) : STR(""));
    if (!e)
        e = put_text(a, "country", v->country ? key_name(a, v->country) : STR(""));
    if (!e)
        e = buf_printf(&a->out,
                       ",\"time\":\"%s\",\"lines\":%" PRId64 ",\"units\":%" PRId64
                       ",\"revenue\":%s,\"score\":%.9g,\"p_value\":%.9g,\"flagged\":%s,"
                       "\"state\":\"%s\"",
                       time, v->lines, v->units, revenue, v->score, v->p_value,
                       a->flagged ? "true" : "false", a->final ? "final" : "provisional");
    return e;
}

static enum err put_known(struct about *a)
{
    const struct {
        const char *name;
        struct span what;
    } all[] = {{"feedback", a->said},
               {"feedback_by", a->by},
               {"feedback_at", a->at},
               {"cancels", a->cancels},
               {"cancelled_by", a->cancelled_by}};
    enum err e = ERR_OK;

    for (size_t i = 0; !e && i < countof(all); i++)
        e = put_text(a, all[i].name, kept(a, all[i].what));
    return e;
}

static enum err put_reason(struct about *a, uint32_t i)
{
    const struct evidence *one = &a->verdict.evidence[i];
    const struct reasons_figures f = reasons_figures(one);
    struct buf text;
    enum err e;

    buf_init(&text, PAGE_MAX);
    e = add_words(a, i, &text);
    if (!e)
        e = buf_printf(&a->out,
                       "%s\n{\"feature\":\"%s\",\"value\":%.9g,\"usual\":%.9g,\"weight\":%.9g",
                       i ? "," : "", reasons_name((enum stat)one->stat), f.value, f.usual,
                       weight(&a->verdict, i));
    if (!e)
        e = put_text(a, "text", (struct str){text.n ? text.p : "", text.n});
    buf_clear(&text);
    return e ? e : buf_text(&a->out, "}");
}

static enum err put_normal(struct about *a, uint32_t i)
{
    const struct normal *n = &a->verdict.normal[i];
    char time[WHEN_TEXT];
    enum err e;

    (void)when_format(n->time_ms, time);
    e = buf_printf(&a->out,
                   "%s\n{\"time\":\"%s\",\"lines\":%" PRIu32 ",\"units\":%.9g,\"value\":%.9g",
                   i ? "," : "", time, n->lines, (double)n->units, (double)n->value);
    if (!e)
        e = put_text(a, "invoice", invoice_name(a, n->invoice));
    return e ? e : buf_text(&a->out, "}");
}

static enum err put_all(struct about *a)
{
    enum err e = put_heading(a);

    if (!e)
        e = put_known(a);
    if (!e)
        e = buf_text(&a->out, ",\"reasons\":[");
    for (uint32_t i = 0; !e && i < a->verdict.n_evidence; i++)
        e = put_reason(a, i);
    if (!e)
        e = buf_text(&a->out, "],\"normals\":[");
    for (uint32_t i = 0; !e && i < a->verdict.n_normals; i++)
        e = put_normal(a, i);
    if (!e)
        e = a->failed ? a->failed : buf_text(&a->out, "]}\n");
    if (!e)
        command_print((struct str){a->out.p, a->out.n});
    return e;
}

/* ---- the command ---- */

static int why_run(struct env *env, const struct args *args, struct settings *settings)
{
    static const struct question begin = {.sql = "BEGIN"};
    const char *format = args_text(args, "format");
    struct why why = {.text = ""};
    struct about a = {.why = &why,
                      .invoice = args_operand(args, 0),
                      .json = format && strcmp(format, "json") == 0};
    enum err e = reader_db_open(env, settings->db, OPEN_MS, &a.reader, &why);

    buf_init(&a.text, PAGE_MAX);
    buf_init(&a.out, PAGE_MAX);
    buf_init(&a.names, NAMES_MAX);
    if (!e)
        e = buf_reserve(&a.names, NAMES_MAX);
    if (!e)
        e = reader_db_ask(a.reader, &begin, take_row, &a, &why);
    if (!e)
        e = read_about(&a, settings->db, &why);
    if (!e)
        e = a.json ? put_all(&a) : print_all(&a);
    reader_db_close(a.reader);
    buf_clear(&a.text);
    buf_clear(&a.out);
    buf_clear(&a.names);
    return e ? command_error(e, &why) : 0;
}

static const struct option_spec options[] = {
    {.name = "format",
     .kind = OPTION_TEXT,
     .value = "FORMAT",
     .choices = format_names,
     .help = "table (default) or json"},
    {.name = NULL},
};

static const struct operand_spec operands[] = {
    {.name = "INVOICE", .help = "its number", .min = 1, .max = 1},
    {.name = NULL},
};

const struct command command_why = {
    .name = "why",
    .summary = "tell why an invoice was flagged, or why not",
    .text =
        "Prints what the judgement of an invoice rests on, flagged or not: each reason in "
        "words with its share of the score, and the nearest normal invoices of the same "
        "customer to compare with. All of it comes from what was stored when the invoice was "
        "judged, so it stays the same whatever the models learn later.\n\n"
        "The p-value is the share of earlier invoices with a score at least as high. A provisional "
        "judgement becomes final once what came right after the invoice is known too (setting "
        "settle).",
    .examples = "tillstream why 541431\n"
                "tillstream why 541431 --format json --db shop.db\n",
    .options = options,
    .operands = operands,
    .takes_settings = true,
    .run = why_run,
};
