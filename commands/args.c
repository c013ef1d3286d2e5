/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * args: reads a command line.
 *
 * The idea: one walk over the words gathers options and operands; each option is judged when
 * it is met, operands at the end, when their number is known. A command's own option hides
 * a shared one of the same name.
 *
 * Invariant: a struct args that args_parse returned OK holds only options of the command's
 * tables, each within its range or choices, and operands that fit the command's list, unless
 * help was asked for.
 */
#include "commands/args.h"

#include "engine/nearest.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static const struct option_spec shared[] = {
    {.name = "config",
     .letter = 'c',
     .kind = OPTION_TEXT,
     .value = "FILE",
     .is_file = true,
     .help = "read settings from FILE"},
    {.name = "db",
     .kind = OPTION_TEXT,
     .value = "FILE",
     .is_file = true,
     .help = "the database; tillstream.db unless named"},
    {.name = "set",
     .kind = OPTION_TEXT,
     .many = true,
     .value = "NAME=VALUE",
     .help = "change a setting; `tillstream help settings` lists them"},
    {.name = "help", .letter = 'h', .kind = OPTION_FLAG, .help = "show this help"},
};

static const struct option_spec *own_option(const struct command *command, struct str name)
{
    const struct option_spec *o = command->options;

    for (; o && o->name; o++)
        if (str_eq(str_of(o->name), name))
            return o;
    return NULL;
}

const struct option_spec *args_option(const struct command *command, int i)
{
    for (const struct option_spec *o = command->options; o && o->name; o++)
        if (i-- == 0)
            return o;
    for (size_t j = 0; j < countof(shared); j++) {
        bool wanted = command->takes_settings || strcmp(shared[j].name, "help") == 0;

        if (wanted && !own_option(command, str_of(shared[j].name)) && i-- == 0)
            return &shared[j];
    }
    return NULL;
}

static const struct option_spec *find_letter(const struct command *command, char letter)
{
    const struct option_spec *o = args_option(command, 0);

    for (int i = 0; o && o->letter != letter; i++)
        o = args_option(command, i + 1);
    return o;
}

static const struct option_spec *find_name(const struct command *command, struct str name)
{
    const struct option_spec *o = args_option(command, 0);

    for (int i = 0; o && !str_eq(str_of(o->name), name); i++)
        o = args_option(command, i + 1);
    return o;
}

/* ---- options ---- */

static enum err unknown_option(const struct command *command, struct str name, struct why *why)
{
    struct nearest near = nearest_to(name);
    char dashed[NEAREST_BYTES_MAX + 3];

    for (int i = 0; args_option(command, i); i++)
        nearest_offer(&near, args_option(command, i)->name);
    (void)snprintf(dashed, sizeof(dashed), "--%.63s", near.best ? near.best : "");
    return why_set(why, ERR_USAGE, "%s has no option --%.*s%s%s%s; see tillstream %s --help",
                   command->name, (int)(name.n < 64 ? name.n : 64), name.p,
                   near.best ? " (did you mean " : "", near.best ? dashed : "",
                   near.best ? "?)" : "", command->name);
}

/* "table, json or csv" */
static const char *choices_text(const char *const *choices, char *out, size_t size)
{
    size_t n = 0;

    out[0] = '\0';
    for (int i = 0; choices[i] && n < size; i++) {
        const char *between = i == 0 ? "" : choices[i + 1] ? ", " : " or ";

        n += (size_t)snprintf(out + n, size - n, "%s%s", between, choices[i]);
    }
    return out;
}

/* `what` names the place: "--format", "WHAT". */
static enum err check_choice(const char *const *choices, const char *what, const char *text,
                             struct why *why)
{
    struct nearest near = nearest_to(str_of(text));
    char all[200], hint[NEAREST_HINT];

    for (int i = 0; choices && choices[i]; i++) {
        if (strcmp(choices[i], text) == 0)
            return ERR_OK;
        nearest_offer(&near, choices[i]);
    }
    if (!choices)
        return ERR_OK;
    return why_set(why, ERR_USAGE, "%s: there is no \"%.64s\"%s; give %s", what, text,
                   nearest_hint(&near, hint), choices_text(choices, all, sizeof(all)));
}

static bool is_whole(const char *text)
{
    size_t digits = strspn(text + (text[0] == '-'), "0123456789");

    /* 18 digits always fit. */
    return digits > 0 && digits <= 18 && text[(text[0] == '-') + digits] == '\0';
}

static enum err check_whole(struct arg *arg, struct why *why)
{
    const struct option_spec *o = arg->spec;

    if (is_whole(arg->text)) {
        arg->whole = strtoll(arg->text, NULL, 10);
        if (arg->whole >= o->min && arg->whole <= o->max)
            return ERR_OK;
    }
    return why_set(why, ERR_USAGE, "--%s %.64s: give a whole number from %" PRId64 " to %" PRId64,
                   o->name, arg->text, o->min, o->max);
}

static enum err add_option(struct args *a, const struct option_spec *o, const char *text,
                           struct why *why)
{
    struct arg *arg = &a->given[a->n_given];
    char what[80];

    if (a->n_given == COMMAND_ARGS_MAX)
        return why_set(why, ERR_USAGE, "more than %d options", COMMAND_ARGS_MAX);
    for (int i = 0; i < a->n_given && !o->many && o->kind != OPTION_FLAG; i++)
        if (a->given[i].spec == o)
            return why_set(why, ERR_USAGE, "--%s is given twice; leave one out", o->name);
    *arg = (struct arg){.spec = o, .text = text};
    a->n_given++;
    (void)snprintf(what, sizeof(what), "--%s", o->name);
    if (o->kind == OPTION_WHOLE)
        return check_whole(arg, why);
    return o->kind == OPTION_TEXT ? check_choice(o->choices, what, text, why) : ERR_OK;
}

/* The words that are left. */
struct words {
    char *const *argv;
    int argc, i;
};

/* `value` is what was attached to the option, or NULL; else the next word is taken. */
static enum err take_option(struct args *a, const struct option_spec *o, const char *value,
                            struct words *w, struct why *why)
{
    if (o->kind == OPTION_FLAG) {
        if (value)
            return why_set(why, ERR_USAGE, "--%s takes no value; write it alone", o->name);
        return add_option(a, o, NULL, why);
    }
    if (!value && w->i == w->argc)
        return why_set(why, ERR_USAGE, "--%s needs %s behind it", o->name, o->value);
    if (!value && strncmp(w->argv[w->i], "--", 2) == 0)
        return why_set(why, ERR_USAGE,
                       "--%s needs %s behind it; if %.64s is that, write --%s=%.64s", o->name,
                       o->value, w->argv[w->i], o->name, w->argv[w->i]);
    if (!value)
        value = w->argv[w->i++];
    return add_option(a, o, value, why);
}

/* "--name" or "--name=value" */
static enum err take_long(struct args *a, const char *word, struct words *w, struct why *why)
{
    struct str name = {word + 2, strcspn(word + 2, "=")};
    const struct option_spec *o = find_name(a->command, name);
    const char *value = name.p[name.n] ? name.p + name.n + 1 : NULL;

    return o ? take_option(a, o, value, w, why) : unknown_option(a->command, name, why);
}

/* "-c" or "-cFILE" */
static enum err take_short(struct args *a, const char *word, struct words *w, struct why *why)
{
    const struct option_spec *o = find_letter(a->command, word[1]);
    bool is_long = find_name(a->command, str_of(word + 1)) != NULL;

    if (o && !(is_long && word[2]))
        return take_option(a, o, word[2] ? word + 2 : NULL, w, why);
    return why_set(why, ERR_USAGE, "%s has no option %.64s%s%.64s%s; see tillstream %s --help",
                   a->command->name, word, is_long ? " (did you mean -" : "", is_long ? word : "",
                   is_long ? "?)" : "", a->command->name);
}

/* ---- operands ---- */

static int least_operands(const struct operand_spec *spec)
{
    int n = 0;

    for (; spec && spec->name; spec++)
        n += spec->min;
    return n;
}

/* Names the first that is missing, taking those given for the first ones. */
static enum err check_number(const struct args *a, struct why *why)
{
    const struct operand_spec *spec = a->command->operands;
    int left = a->n_operands;

    for (; spec && spec->name; spec++) {
        if (left < spec->min)
            return why_set(why, ERR_USAGE, "%s needs %s: %s; see tillstream %s --help",
                           a->command->name, spec->name, spec->help, a->command->name);
        left -= spec->min;
    }
    return ERR_OK;
}

/* In order; each takes as many as it may, those that later ones need excepted. */
static enum err check_operands(const struct args *a, struct why *why)
{
    const struct operand_spec *spec = a->command->operands;
    enum err e = check_number(a, why);
    int at = 0;

    for (; spec && spec->name && !e; spec++) {
        int left = a->n_operands - at - least_operands(spec + 1);
        int take = left < spec->max ? left : spec->max;

        for (; take > 0 && !e; take--, at++)
            e = check_choice(spec->choices, spec->name, a->operand[at], why);
    }
    if (!e && at < a->n_operands)
        e = why_set(why, ERR_USAGE,
                    "%s does not know what to do with \"%.64s\"; see tillstream "
                    "%s --help",
                    a->command->name, a->operand[at], a->command->name);
    return e;
}

static enum err add_operand(struct args *a, const char *word, struct why *why)
{
    if (a->n_operands == COMMAND_ARGS_MAX)
        return why_set(why, ERR_USAGE, "more than %d operands", COMMAND_ARGS_MAX);
    a->operand[a->n_operands++] = word;
    return ERR_OK;
}

/* ---- the line ---- */

static enum err take_word(struct args *a, struct words *w, bool options_ended, struct why *why)
{
    const char *word = w->argv[w->i++];

    if (options_ended || word[0] != '-' || word[1] == '\0')
        return add_operand(a, word, why);
    return word[1] == '-' ? take_long(a, word, w, why) : take_short(a, word, w, why);
}

static bool asks_for_help(int argc, char *const *argv)
{
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    return false;
}

enum err args_parse(const struct command *command, int argc, char *const *argv, struct args *out,
                    struct why *why)
{
    struct words w = {.argv = argv, .argc = argc};
    bool ended = false;
    enum err e = ERR_OK;

    *out = (struct args){.command = command};
    if (asks_for_help(argc, argv))
        return add_option(out, find_name(command, STR("help")), NULL, why);
    while (w.i < argc && !e) {
        if (!ended && strcmp(argv[w.i], "--") == 0) {
            ended = true;
            w.i++;
        } else {
            e = take_word(out, &w, ended, why);
        }
    }
    return e ? e : check_operands(out, why);
}

/* ---- asking ---- */

static const struct arg *nth(const struct args *a, const char *option, int n)
{
    for (int i = 0; i < a->n_given; i++)
        if (strcmp(a->given[i].spec->name, option) == 0 && n-- == 0)
            return &a->given[i];
    return NULL;
}

const char *args_text(const struct args *a, const char *option)
{
    return args_nth(a, option, 0);
}

const char *args_nth(const struct args *a, const char *option, int n)
{
    const struct arg *arg = nth(a, option, n);

    return arg ? arg->text : NULL;
}

int64_t args_whole(const struct args *a, const char *option, int64_t fallback)
{
    const struct arg *arg = nth(a, option, 0);

    return arg ? arg->whole : fallback;
}

bool args_flag(const struct args *a, const char *option)
{
    return nth(a, option, 0) != NULL;
}

const char *args_operand(const struct args *a, int n)
{
    return n >= 0 && n < a->n_operands ? a->operand[n] : NULL;
}
