/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * args: a command line read by a command's tables.
 *
 * Options stand before, between or behind operands: --name VALUE, --name=VALUE, -c FILE,
 * -cFILE. "--" ends options; a lone "-" is an operand.
 */
#ifndef TILLSTREAM_COMMANDS_ARGS_H
#define TILLSTREAM_COMMANDS_ARGS_H

#include "commands/command.h"

struct arg {
    const struct option_spec *spec;
    const char *text; /* NULL for a flag */
    int64_t whole;    /* OPTION_WHOLE */
};

struct args {
    const struct command *command;
    struct arg given[COMMAND_ARGS_MAX];
    int n_given;
    const char *operand[COMMAND_ARGS_MAX];
    int n_operands;
};

/* `argv` is what follows the command's name. With --help among the options nothing else need
 * be right: args_flag(a, "help") then. ERR_USAGE; texts are borrowed. */
enum err args_parse(const struct command *command, int argc, char *const *argv, struct args *out,
                    struct why *why) MUST_CHECK;

/* The i-th option of a command: its own, then those that commands share; NULL past the last. */
const struct option_spec *args_option(const struct command *command, int i);

#endif
