/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * command: from argv to an exit status.
 *
 * The idea: find the command, read its options by its tables, gather settings (default, file,
 * environment, command line), run it, and see that what it printed has arrived.
 *
 * An option named as a setting (--db, --strict) sets it; --set comes after these.
 */
#include "commands/args.h"
#include "commands/help.h"
#include "engine/nearest.h"
#include "engine/version.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

extern char **environ;

/* ---- output ---- */

void command_print(struct str text)
{
    /* An error stays with the stream until finish_output looks. */
    (void)fwrite(text.p, 1, text.n, stdout);
}

/* The end of what stands between "://" and "@" from `p` on, NULL if that is no login. */
static const char *past_login(const char *p)
{
    size_t n;

    if (strncmp(p, "://", 3) != 0)
        return NULL;
    n = strcspn(p + 3, "@/ \"'");
    return p[3 + n] == '@' ? p + 3 + n : NULL;
}

/* A message may quote what came from outside: control bytes are shown as \xNN, and of a URL
 * with a login that is left out. */
static void print_safely(const char *text)
{
    while (*text) {
        const char *end = past_login(text);
        unsigned char c = (unsigned char)*text;

        if (end) {
            (void)fputs("://***", stderr);
            text = end;
            continue;
        }
        if (c < 0x20 || c == 0x7F)
            (void)fprintf(stderr, "\\x%02x", c);
        else
            (void)fputc(c, stderr);
        text++;
    }
}

int command_error(enum err e, const struct why *why)
{
    (void)fputs("tillstream: ", stderr);
    print_safely(why && why->text[0] ? why->text : err_text(e));
    (void)fputc('\n', stderr);
    return e == ERR_USAGE ? 2 : 1;
}

/* Whether the reader of our output has gone away, as `| head` does. */
static bool reader_left(void)
{
    struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT};

    return poll(&out, 1, 0) == 1 && (out.revents & POLLERR);
}

static int finish_output(int status)
{
    bool failed = fflush(stdout) != 0;
    int reason = errno;
    struct why why;

    if (!failed && !ferror(stdout))
        return status;
    if ((failed && reason == EPIPE) || reader_left())
        return status;
    (void)why_set(&why, ERR_IO, "can't write to the standard output%s%s; is the disk full?",
                  failed ? ": " : "", failed ? strerror(reason) : "");
    return command_error(ERR_IO, &why);
}

static int print_help(enum err (*print)(struct buf *out), FILE *to, int status)
{
    struct buf out;
    enum err e;

    buf_init(&out, HELP_BYTES_MAX);
    e = print(&out);
    if (!e)
        (void)fwrite(out.p, 1, out.n, to);
    buf_clear(&out);
    return e ? command_error(e, NULL) : status;
}

static int print_command_help(const struct command *command)
{
    struct buf out;
    enum err e;

    buf_init(&out, HELP_BYTES_MAX);
    e = help_command(command, &out);
    if (!e)
        command_print((struct str){out.p, out.n});
    buf_clear(&out);
    return e ? command_error(e, NULL) : 0;
}

/* ---- settings ---- */

/* Looks for a setting that an option is named as. */
struct search {
    struct str option;
    const char *found;
};

static enum err compare(void *arg, const char *name, const char *kind, const char *fallback,
                        const char *help)
{
    struct search *s = arg;

    (void)kind;
    (void)fallback;
    (void)help;
    if (nearest_distance(s->option, str_of(name)) == 0)
        s->found = name;
    return ERR_OK;
}

static enum err put_option(const struct arg *arg, struct settings *s, struct why *why)
{
    struct search search = {.option = str_of(arg->spec->name)};
    enum err e = settings_each(compare, &search);
    char origin[80];

    if (e || !search.found)
        return e;
    (void)snprintf(origin, sizeof(origin), "--%s", arg->spec->name);
    return settings_put(s, search.found, arg->text ? arg->text : "true", origin, why);
}

static enum err command_line(const struct args *args, struct settings *s, struct why *why)
{
    enum err e = ERR_OK;

    /* Of an option given several times the first counts, so go backwards. */
    for (int i = args->n_given - 1; i >= 0 && !e; i--)
        e = put_option(&args->given[i], s, why);
    for (int i = 0; args_nth(args, "set", i) && !e; i++)
        e = settings_set(s, args_nth(args, "set", i), why);
    return e;
}

/* A wrong setting is a wrong call: ERR_USAGE. */
static enum err gather(const struct args *args, struct settings *s, struct why *why)
{
    const char *file = args_text(args, "config");
    enum err e = ERR_OK;

    if (args->command->takes_settings) {
        if (file)
            e = settings_file(s, file, why);
        if (!e)
            e = settings_environment(s, environ, why);
        if (!e)
            e = command_line(args, s, why);
    }
    if (!e)
        e = settings_check(s, why);
    return e == ERR_INVALID || e == ERR_LIMIT ? ERR_USAGE : e;
}

/* ---- the program ---- */

static int run_command(struct env *env, const struct args *args)
{
    struct settings settings;
    struct why why = {""};
    enum err e = settings_init(&settings);
    int status;

    if (e)
        return command_error(e, NULL);
    e = gather(args, &settings, &why);
    status = e ? command_error(e, &why) : args->command->run(env, args, &settings);
    settings_clear(&settings);
    return status;
}

static int unknown_command(const char *name)
{
    struct nearest near = nearest_to(str_of(name));
    char hint[NEAREST_HINT];
    struct why why;

    for (const struct command *const *c = command_table; *c; c++)
        nearest_offer(&near, (*c)->name);
    if (name[0] == '-')
        (void)why_set(&why, ERR_USAGE,
                      "\"%.64s\" comes before any command; write tillstream "
                      "COMMAND, then options; see tillstream --help",
                      name);
    else
        (void)why_set(&why, ERR_USAGE, "there is no command \"%.64s\"%s; see tillstream --help",
                      name, nearest_hint(&near, hint));
    return command_error(ERR_USAGE, &why);
}

static bool is_one_of(const char *word, const char *a, const char *b)
{
    return strcmp(word, a) == 0 || strcmp(word, b) == 0;
}

static int dispatch(struct env *env, int argc, char **argv)
{
    const struct command *command;
    struct args args;
    struct why why = {""};
    enum err e;

    if (argc < 2)
        return print_help(help_usage, stderr, 2);
    if (is_one_of(argv[1], "--help", "-h"))
        return print_help(help_overview, stdout, 0);
    if (is_one_of(argv[1], "--version", "-V")) {
        command_print(STR("tillstream " VERSION_TEXT "\n"));
        return 0;
    }
    command = help_find(argv[1]);
    if (!command)
        return unknown_command(argv[1]);
    e = args_parse(command, argc - 2, argv + 2, &args, &why);
    if (e)
        return command_error(e, &why);
    return args_flag(&args, "help") ? print_command_help(command) : run_command(env, &args);
}

int command_main(struct env *env, int argc, char **argv)
{
    return finish_output(dispatch(env, argc, argv));
}
