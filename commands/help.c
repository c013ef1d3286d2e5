/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * help: --help at each level, and the command `help`.
 *
 * Everything comes from command_table, the option tables and the settings table, so that help
 * can't differ from what the program does. The man page is made in help_man.c, completions
 * in help_shell.c.
 */
#include "commands/help.h"

#include "commands/args.h"
#include "commands/page.h"
#include "engine/nearest.h"
#include "engine/version.h"

#include <stdio.h>

#define TERM_COLUMN 26
#define GROUP_DEFAULT "Commands"

static const char about[] =
    "tillstream watches a shop's till: it reads sales lines as they come, keeps live totals per "
    "customer, country and article over windows of time, and writes them to SQLite, where you "
    "query them.";

static const char start_here[] = "Start here:\n"
                                 "  tillstream generate --records 100000 > sales.ndjson\n"
                                 "  tillstream run sales.ndjson\n"
                                 "  tillstream query top --dimension country\n"
                                 "  tillstream query anomalies\n";

static const struct {
    const char *name, *help;
    enum err (*print)(struct buf *out);
} topics[] = {
    {"settings", "every setting, its default and what it does", help_settings},
    {"man", "the manual page, for man(1)", help_man},
    {"bash", "completions for bash", help_bash},
    {"zsh", "completions for zsh", help_zsh},
};

const struct command *help_find(const char *name)
{
    for (const struct command *const *c = command_table; *c; c++)
        if (strcmp((*c)->name, name) == 0)
            return *c;
    return NULL;
}

const char *help_topic(int i)
{
    return i >= 0 && (size_t)i < countof(topics) ? topics[i].name : NULL;
}

/* ---- the list of commands ---- */

static const char *group_of(const struct command *c)
{
    return c->group ? c->group : GROUP_DEFAULT;
}

static bool is_first_of_group(int i)
{
    for (int j = 0; j < i; j++)
        if (strcmp(group_of(command_table[j]), group_of(command_table[i])) == 0)
            return false;
    return true;
}

static void list_group(struct page *p, const char *group)
{
    page_printf(p, "\n%s\n", group);
    for (int i = 0; command_table[i]; i++)
        if (strcmp(group_of(command_table[i]), group) == 0)
            page_item(p, command_table[i]->name, 14, command_table[i]->summary);
}

static void list_commands(struct page *p)
{
    for (int i = 0; command_table[i]; i++)
        if (is_first_of_group(i))
            list_group(p, group_of(command_table[i]));
}

static void list_more(struct page *p)
{
    page_text(p, "\n");
    page_text(p, start_here);
    page_text(p, "\n");
    page_wrap(p, 0, 0,
              "`tillstream COMMAND --help` tells more about one, `tillstream help settings` lists "
              "the settings, `tillstream help man` prints the manual page.");
}

enum err help_usage(struct buf *out)
{
    struct page p = {.out = out};

    page_text(&p, "Usage: tillstream COMMAND [OPTION ...] [OPERAND ...]\n");
    list_commands(&p);
    list_more(&p);
    return p.e;
}

enum err help_overview(struct buf *out)
{
    struct page p = {.out = out};

    page_wrap(&p, 0, 0, about);
    page_text(&p, "\n");
    page_text(&p, "Usage: tillstream COMMAND [OPTION ...] [OPERAND ...]\n");
    list_commands(&p);
    page_text(&p, "\nOptions\n");
    page_item(&p, "-h, --help", 17, "show this help, or that of a command");
    page_item(&p, "-V, --version", 17, "print the version");
    list_more(&p);
    return p.e;
}

/* ---- one command ---- */

static const char *operand_text(const struct operand_spec *o, char *out, size_t n)
{
    (void)snprintf(out, n, "%s%s%s%s", o->min ? "" : "[", o->name, o->max > 1 ? " ..." : "",
                   o->min ? "" : "]");
    return out;
}

static void print_usage(struct page *p, const struct command *c)
{
    char text[400];
    size_t n = (size_t)snprintf(text, sizeof(text), "tillstream %s [OPTION ...]", c->name);

    for (const struct operand_spec *o = c->operands; o && o->name && n < sizeof(text); o++) {
        char operand[100];

        n += (size_t)snprintf(text + n, sizeof(text) - n, " %s",
                              operand_text(o, operand, sizeof(operand)));
    }
    page_text(p, "Usage: ");
    page_wrap(p, 7, 11, text);
}

void help_describe(const char *help, const char *const *choices, char *out, size_t size)
{
    size_t n = (size_t)snprintf(out, size, "%s", help);

    for (int i = 0; choices && choices[i] && n < size; i++) {
        const char *between = i == 0 ? "; one of " : choices[i + 1] ? ", " : " or ";

        n += (size_t)snprintf(out + n, size - n, "%s%s", between, choices[i]);
    }
}

static void print_operands(struct page *p, const struct command *c)
{
    const struct operand_spec *o = c->operands;

    if (!o || !o->name)
        return;
    page_text(p, "\nOperands\n");
    for (; o->name; o++) {
        char help[600];

        help_describe(o->help, o->choices, help, sizeof(help));
        page_item(p, o->name, TERM_COLUMN, help);
    }
}

static void print_options(struct page *p, const struct command *c)
{
    page_text(p, "\nOptions\n");
    for (int i = 0; args_option(c, i); i++) {
        const struct option_spec *o = args_option(c, i);
        char term[100], help[600], letter[8] = "    ";

        if (o->letter)
            (void)snprintf(letter, sizeof(letter), "-%c, ", o->letter);
        (void)snprintf(term, sizeof(term), "%s--%s%s%s%s", letter, o->name, o->value ? " " : "",
                       o->value ? o->value : "", o->many ? " ..." : "");
        help_describe(o->help, o->choices, help, sizeof(help));
        page_item(p, term, TERM_COLUMN, help);
    }
}

static void print_examples(struct page *p, const struct command *c)
{
    const char *line = c->examples;

    if (!line || !*line)
        return;
    page_text(p, "\nExamples\n");
    while (*line) {
        size_t n = strcspn(line, "\n");

        page_printf(p, "  %.*s\n", (int)n, line);
        line += n + (line[n] == '\n');
    }
}

enum err help_command(const struct command *command, struct buf *out)
{
    struct page p = {.out = out};

    print_usage(&p, command);
    page_text(&p, "\n");
    if (command->text && *command->text)
        page_paragraphs(&p, command->text);
    else
        page_wrap(&p, 0, 0, command->summary);
    print_operands(&p, command);
    print_options(&p, command);
    print_examples(&p, command);
    return p.e;
}

/* ---- settings ---- */

static enum err print_setting(void *arg, const char *name, const char *kind, const char *fallback,
                              const char *help)
{
    struct page *p = arg;
    char text[400];

    (void)snprintf(text, sizeof(text), "%s (%s%s%s)", help, kind, fallback[0] ? ", default " : "",
                   fallback);
    page_item(p, name, TERM_COLUMN, text);
    return p->e;
}

enum err help_settings(struct buf *out)
{
    struct page p = {.out = out};
    enum err e;

    page_wrap(&p, 0, 0,
              "Settings come from a file (-c FILE, JSON with comments), from the environment "
              "(TILLSTREAM_CHECKPOINT=5s) and from the command line (--set checkpoint=5s); the "
              "later in this list wins.");
    page_text(&p, "\nSettings\n");
    e = settings_each(print_setting, &p);
    page_text(&p, "\nExamples\n"
                  "  tillstream run sales.csv --set fields.price=Price --set date_order=dmy\n"
                  "  tillstream run sales.csv --set windows.day.keep=90d\n"
                  "  tillstream run sales.csv --set dimensions=all,country,country+stock_code\n"
                  "  tillstream config -c shop.json\n\n");
    page_wrap(&p, 0, 0,
              "`tillstream config` prints the settings in force, as a file to start from; "
              "`tillstream config --markdown` the full reference with ranges and windows.");
    return e ? e : p.e;
}

/* ---- tillstream help [TOPIC] ---- */

static enum err print_topic(const char *name, struct buf *out, struct why *why)
{
    struct nearest near = nearest_to(str_of(name));
    const struct command *c = help_find(name);
    char hint[NEAREST_HINT];

    if (c)
        return help_command(c, out);
    for (size_t i = 0; i < countof(topics); i++) {
        if (strcmp(topics[i].name, name) == 0)
            return topics[i].print(out);
        nearest_offer(&near, topics[i].name);
    }
    for (const struct command *const *k = command_table; *k; k++)
        nearest_offer(&near, (*k)->name);
    return why_set(why, ERR_USAGE, "help: there is nothing on \"%.64s\"%s; see tillstream --help",
                   name, nearest_hint(&near, hint));
}

static int help_run(struct env *env, const struct args *args, struct settings *settings)
{
    const char *topic = args_operand(args, 0);
    struct why why = {""};
    struct buf out;
    enum err e;

    (void)env;
    (void)settings;
    buf_init(&out, HELP_BYTES_MAX);
    e = topic ? print_topic(topic, &out, &why) : help_overview(&out);
    if (!e)
        command_print((struct str){out.p, out.n});
    buf_clear(&out);
    return e ? command_error(e, &why) : 0;
}

static const struct operand_spec operands[] = {
    {.name = "TOPIC",
     .max = 1,
     .help = "a command, or: settings, man (the manual page), bash or zsh (completions)"},
    {.name = NULL},
};

const struct command command_help = {
    .name = "help",
    .summary = "explain a command, settings; print the man page or completions",
    .text =
        "Explains a command, like its --help. `tillstream help settings` lists the settings.\n"
        "\n"
        "Also prints what a system wants to be given: the manual page, and completions for bash "
        "and zsh. `make install` puts these in place.",
    .examples = "tillstream help run\n"
                "tillstream help settings\n"
                "tillstream help man | man -l -\n"
                "source <(tillstream help bash)",
    .operands = operands,
    .run = help_run,
    .group = "Configuration and help",
};
