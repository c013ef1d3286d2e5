/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * command: what a subcommand is. Each file in this folder ends with its own
 * `const struct command`; tillstream.c lists them in one table, from which --help at
 * every level, the man page and the completions are made.
 */
#ifndef TILLSTREAM_COMMANDS_COMMAND_H
#define TILLSTREAM_COMMANDS_COMMAND_H

#include "engine/env.h"
#include "engine/settings.h"

#define COMMAND_ARGS_MAX 64

enum option_kind {
    OPTION_FLAG,  /* --strict */
    OPTION_TEXT,  /* --db FILE */
    OPTION_WHOLE, /* --limit N: a whole number within min..max */
};

struct option_spec {
    const char *name;           /* without dashes: "limit" */
    const char *value;          /* how help names the value: "FILE" */
    const char *help;           /* one line */
    const char *const *choices; /* NULL-terminated; NULL: any text */
    int64_t min, max;           /* OPTION_WHOLE */
    enum option_kind kind;
    char letter;  /* 'c' for -c, or 0 */
    bool many;    /* may be given several times */
    bool is_file; /* completions offer files */
};

/* Positional arguments, e.g. {"SOURCE", ...}. */
struct operand_spec {
    const char *name;
    const char *help;
    int min, max; /* how many */
    const char *const *choices;
    bool is_file;
};

struct args; /* parsed command line */

struct command {
    const char *name;
    const char *summary;                 /* one line for the list of commands */
    const char *text;                    /* paragraphs for --help and the man page */
    const char *examples;                /* lines, each a command */
    const struct option_spec *options;   /* ends with name NULL */
    const struct operand_spec *operands; /* ends with name NULL */
    bool takes_settings; /* -c FILE, --db FILE, --set NAME=VALUE and the environment */
    /* Exit status: 0 done, 1 it failed, 2 it was called wrongly. A failure has been
     * reported through command_error by the time it returns. */
    int (*run)(struct env *env, const struct args *args, struct settings *settings);
    const char *group; /* heading in the list of commands; NULL: "Commands" */
};

extern const struct command *const command_table[]; /* tillstream.c; ends with NULL */

const char *args_text(const struct args *a, const char *option); /* NULL: not given */
const char *args_nth(const struct args *a, const char *option,
                     int n); /* n-th, NULL past the last */
int64_t args_whole(const struct args *a, const char *option, int64_t fallback);
bool args_flag(const struct args *a, const char *option);
const char *args_operand(const struct args *a, int n); /* NULL past the last */

/* "tillstream: " + message on stderr; returns the exit status that fits `e`:
 * 2 for ERR_USAGE, else 1. */
int command_error(enum err e, const struct why *why);

/* Writes `text` to stdout; flushing and its errors are command_main's. */
void command_print(struct str text);

/* The whole program: finds the command, parses, loads settings, runs it. */
int command_main(struct env *env, int argc, char **argv);

#endif
