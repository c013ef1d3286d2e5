/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * say: `ok INVOICE` and `flag INVOICE`: what a person says of an invoice. It is kept with who
 * and when, and teaches the model; --undo takes it back. An errand: a run that holds the
 * database does it.
 *
 * The request's argument is the invoice's number, a line end, and who says it.
 */
#include "commands/args.h"
#include "commands/errand.h"
#include "engine/sale.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define OPEN_MS 1500
#define WHO_MAX 128

struct about {
    bool known, judged;
};

static enum err take_about(void *arg, int n, const char *const *names, const struct value *v)
{
    struct about *a = arg;

    (void)n;
    (void)names;
    *a = (struct about){.known = true, .judged = v[0].whole != 0};
    return ERR_OK;
}

/* So that a wrong number is refused at once, and in full words. */
static enum err check(struct reader_db *reader, const char *db, const char *invoice,
                      struct why *why)
{
    const struct value name = {.kind = VALUE_TEXT, .text = str_of(invoice)};
    const struct question ask = {
        .sql = "SELECT EXISTS (SELECT 1 FROM verdict v WHERE v.invoice = i.id) FROM invoice i"
               " WHERE i.text = ?",
        .parameters = &name,
        .n_parameters = 1};
    struct about about = {.known = false};
    enum err e = reader_db_ask(reader, &ask, take_about, &about, why);

    if (e)
        return e;
    if (!about.known || strchr(invoice, '\n'))
        return why_set(why, ERR_NOT_FOUND, "there is no invoice \"%.64s\" in %s", invoice, db);
    if (!about.judged)
        return why_set(why, ERR_NOT_FOUND,
                       "invoice %s was not judged yet: that happens when no line of it came for "
                       "the setting invoice_idle, by a run with the setting models",
                       invoice);
    return ERR_OK;
}

/* "ada@till" */
static void who(char *out, size_t size)
{
    const struct passwd *entry = getpwuid(getuid());
    const char *user = getenv("USER");
    char host[64] = "";

    if ((!user || !user[0]) && entry)
        user = entry->pw_name;
    if (gethostname(host, sizeof(host)))
        host[0] = '\0';
    host[sizeof(host) - 1] = '\0';
    (void)snprintf(out, size, "%.50s%s%s", user && user[0] ? user : "someone", host[0] ? "@" : "",
                   host);
}

static enum err say(struct env *env, const struct args *args, const struct settings *settings,
                    struct why *why)
{
    const char *invoice = args_operand(args, 0);
    const char *kind = args_flag(args, "undo") ? "undo" : args->command->name;
    char argument[SALE_TEXT_MAX + WHO_MAX + 2], about[SALE_TEXT_MAX + 16], name[WHO_MAX];
    struct errand errand = {.env = env,
                            .db = settings->db,
                            .request = {.kind = kind, .argument = argument},
                            .about = about,
                            .failed = "this could not be noted"};
    enum err e = reader_db_open(env, settings->db, OPEN_MS, &errand.reader, why);

    who(name, sizeof(name));
    (void)snprintf(argument, sizeof(argument), "%s\n%s", invoice, name);
    (void)snprintf(about, sizeof(about), "invoice %s: ", invoice);
    if (!e)
        e = check(errand.reader, settings->db, invoice, why);
    if (!e)
        e = errand_run(&errand, why);
    reader_db_close(errand.reader);
    return e;
}

static int run(struct env *env, const struct args *args, struct settings *settings)
{
    struct why why = {.text = ""};
    enum err e = say(env, args, settings, &why);

    return e ? command_error(e, &why) : 0;
}

static const struct option_spec options[] = {
    {.name = "undo", .kind = OPTION_FLAG, .help = "take back what was said of it"},
    {.name = NULL},
};

static const struct operand_spec operands[] = {
    {.name = "INVOICE", .help = "its number", .min = 1, .max = 1},
    {.name = NULL},
};

const struct command command_ok = {
    .name = "ok",
    .summary = "say that an invoice is fine",
    .text = "What made the invoice stand out is taken as usual from now on, for its articles and "
            "its customer: the next one that goes no further stands out less. The invoice keeps "
            "its score and flag; `query anomalies` shows what was said of it, by whom and when. "
            "--undo takes back what was said, `ok` or `flag`, and what was learned from it.\n\n"
            "Beside a run that holds the database the run does it, within a moment. Without one "
            "it is done at once, by the settings of the last run.",
    .examples = "tillstream ok 541431\n"
                "tillstream ok 541431 --undo\n",
    .options = options,
    .operands = operands,
    .takes_settings = true,
    .run = run,
};

const struct command command_flag = {
    .name = "flag",
    .summary = "say that an invoice is not fine",
    .text = "What is odd about the invoice, flagged or not, is taken as wrong from now on, for its "
            "articles and its customer: the next one that goes as far stands out more. `invoices` "
            "and `anomalies` stay as they are. --undo takes back what was said, `ok` or `flag`, "
            "and what was learned from it.\n\n"
            "Beside a run that holds the database the run does it, within a moment. Without one "
            "it is done at once, by the settings of the last run.",
    .examples = "tillstream flag 536365\n"
                "tillstream flag 536365 --undo\n",
    .options = options,
    .operands = operands,
    .takes_settings = true,
    .run = run,
};
