/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * help: all that is told of the program, made from command_table and the settings table.
 */
#ifndef TILLSTREAM_COMMANDS_HELP_H
#define TILLSTREAM_COMMANDS_HELP_H

#include "commands/command.h"

#define HELP_BYTES_MAX ((size_t)1024 * 1024)

enum err help_usage(struct buf *out) MUST_CHECK;    /* what `tillstream` alone says */
enum err help_overview(struct buf *out) MUST_CHECK; /* --help */
enum err help_command(const struct command *command, struct buf *out) MUST_CHECK;
enum err help_settings(struct buf *out) MUST_CHECK;
enum err help_man(struct buf *out) MUST_CHECK; /* mdoc(7) */
enum err help_bash(struct buf *out) MUST_CHECK;
enum err help_zsh(struct buf *out) MUST_CHECK;

/* NULL: unknown. */
const struct command *help_find(const char *name);
/* The i-th topic of `tillstream help` that is not a command: "settings"; NULL past the last. */
const char *help_topic(int i);

/* "HELP; one of A, B or C" */
void help_describe(const char *help, const char *const *choices, char *out, size_t size);

extern const struct command command_help;

#endif
