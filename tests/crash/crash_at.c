/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * crash_at: what crash_point does in builds that are killed on purpose. CRASH_AT=name:nth
 * in the environment ends the process by SIGKILL at the nth passage of that place: no handler
 * runs, no buffer is flushed, the other thread stops wherever it is. Without CRASH_AT, or
 * with one that can't be read, nothing happens.
 *
 * The count is the one thing that is kept; two threads may pass at once.
 */
#include "engine/crash.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static atomic_long passed;

static bool is_named(const char *spec, const char *name)
{
    size_t n = strlen(name);

    return spec && strncmp(spec, name, n) == 0 && spec[n] == ':';
}

void crash_point(const char *name)
{
    const char *spec = getenv("CRASH_AT");

    if (!is_named(spec, name))
        return;
    if (atomic_fetch_add(&passed, 1) + 1 == strtol(spec + strlen(name) + 1, NULL, 10))
        (void)raise(SIGKILL);
}
