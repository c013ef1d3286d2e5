/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * env: the clock, the random numbers and the log: the seam through which a simulation
 * replaces the world. Nothing else in the program reads a clock.
 */
#ifndef TILLSTREAM_ENGINE_ENV_H
#define TILLSTREAM_ENGINE_ENV_H

#include <signal.h>

#include "engine/err.h"
#include "engine/str.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

struct env {
    int64_t (*wall_ms)(struct env *); /* milliseconds since 1970, may step */
    int64_t (*mono_ns)(struct env *); /* nanoseconds, never steps back */
    uint64_t (*random)(struct env *); /* 64 random bits; not for secrets */
    void (*log)(struct env *, enum log_level, const char *line);
    enum log_level level;       /* lines above it are dropped */
    volatile sig_atomic_t stop; /* not 0: asked to end, by SIGINT / SIGTERM */
};

/* The real world: system clocks and random numbers, lines "tillstream: warning: ..." on stderr. */
struct env *env_real(void);
void env_log(struct env *env, enum log_level level, const char *format, ...) PRINTF_LIKE(3, 4);

#endif
