/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * shell: runs a command with a text on its standard input and waits for its end.
 */
#ifndef TILLSTREAM_CONNECTORS_SHELL_H
#define TILLSTREAM_CONNECTORS_SHELL_H

#include <stdatomic.h>

#include "engine/err.h"
#include "engine/str.h"

struct shell_call {
    const char *command;         /* for /bin/sh -c */
    const char *const *variable; /* "NAME=VALUE", beside the environment; ends with NULL */
    struct str input;
    int timeout_ms;
    const atomic_bool *stop; /* set: ends the command */
};

/* ERR_OK: it ended with status 0. ERR_AGAIN: it did not, and `why` says "ended with status 3".
 * ERR_STOPPED, ERR_NOMEM. It has a process group of its own, which is killed when it takes too
 * long; its standard output goes where our errors go. From a thread in which all signals are
 * blocked. */
enum err shell_run(const struct shell_call *call, struct why *why) MUST_CHECK;

#endif
