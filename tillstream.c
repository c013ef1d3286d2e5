/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * tillstream: main() and the one table of commands.
 *
 * A new command is a file in commands/ and a line here; help, man page and completions follow.
 * SIGINT and SIGTERM ask the command to stop at its next turn; a second one ends the program
 * at once. SIGPIPE is ignored: writes fail instead, and command_main takes a closed standard
 * output for a quiet end.
 */
#include "commands/command.h"
#include "commands/help.h"

#include <malloc.h>
#include <signal.h>

extern const struct command command_run, command_query, command_why, command_ok, command_flag,
    command_evaluate, command_model, command_late, command_state, command_generate, command_config;

const struct command *const command_table[] = {
    &command_run,      &command_query, &command_why,  &command_ok,    &command_flag,
    &command_evaluate, &command_model, &command_late, &command_state, &command_generate,
    &command_config,   &command_help,  NULL,
};

static void stop(int signal_number)
{
    (void)signal_number;
    env_real()->stop = true;
}

static void catch_signals(void)
{
    struct sigaction ask = {.sa_handler = stop, .sa_flags = (int)SA_RESETHAND};
    struct sigaction ignore = {.sa_handler = SIG_IGN};

    (void)sigemptyset(&ask.sa_mask);
    (void)sigemptyset(&ignore.sa_mask);
    (void)sigaction(SIGINT, &ask, NULL);
    (void)sigaction(SIGTERM, &ask, NULL);
    (void)sigaction(SIGPIPE, &ignore, NULL);
}

/* glibc raises this limit each time a large block is freed, and large blocks then fragment
 * the heap: a ten-year run held a quarter more memory than a one-year run. */
#define LARGE_BLOCK (128 << 10)

int main(int argc, char **argv)
{
    struct env *env = env_real(); /* before a signal can ask for it */

    catch_signals();
    (void)mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK);
    return command_main(env, argc, argv);
}
