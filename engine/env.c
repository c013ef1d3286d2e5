/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * env: the real world behind engine/env.h.
 *
 * The idea: the only clock, the only source of chance and the only way out for diagnostics
 * are function pointers, so a simulation can bring its own. Random numbers are splitmix64
 * (Steele, Lea, Flood 2014): a counter that advances by an odd constant, scrambled. The
 * counter is atomic, so helper threads may draw too. It starts at 8 bytes of the system's
 * generator; where that can't be read, at the clocks and the process id.
 *
 * A log line is one write, so lines of several processes on one terminal don't mix, and
 * control bytes in it are shown as \xNN: text from a record can't drive the terminal.
 *
 * Invariants:
 * 1. The one object with a life of its own in the program is here: env_real's. A signal
 *    handler must be able to reach it, and there is only one world.
 * 2. env_log keeps errno, allocates nothing and never fails the caller.
 */
#include "engine/env.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES 2048 /* of a log line before escaping; longer ones are cut */

struct env_world {
    struct env env;
    atomic_uint_fast64_t counter;
    bool seeded;
};

static int64_t env_wall_ms(struct env *env)
{
    (void)env;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t env_mono_ns(struct env *env)
{
    (void)env;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static uint64_t scramble(uint64_t v)
{
    v = (v ^ v >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    v = (v ^ v >> 27) * UINT64_C(0x94d049bb133111eb);
    return v ^ v >> 31;
}

static uint64_t env_random(struct env *env)
{
    struct env_world *world = (struct env_world *)env; /* env is its first member */
    const uint64_t step = UINT64_C(0x9e3779b97f4a7c15);
    return scramble(atomic_fetch_add(&world->counter, step) + step);
}

static uint64_t env_seed(void)
{
    uint64_t seed = 0;
    int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, &seed, sizeof seed);
    if (fd >= 0) {
        close(fd);
    }
    if (n == (ssize_t)sizeof seed) {
        return seed;
    }
    uint64_t clocks = scramble((uint64_t)env_wall_ms(NULL)) ^ (uint64_t)env_mono_ns(NULL);
    return scramble(clocks) ^ (uint64_t)getpid();
}

/* Copies text to out, control bytes as \xNN; returns the length. */
static size_t escape(const char *text, char *out)
{
    static const char hex[] = "0123456789abcdef";
    size_t n = 0;
    for (size_t i = 0; text[i] && i < LINE_MAX_BYTES; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c >= 0x20 && c != 0x7f) {
            out[n++] = (char)c;
            continue;
        }
        out[n++] = '\\';
        out[n++] = 'x';
        out[n++] = hex[c >> 4];
        out[n++] = hex[c & 15];
    }
    return n;
}

static void env_write(struct env *env, enum log_level level, const char *line)
{
    (void)env;
    static const char *const names[] = {
        [LOG_ERROR] = "error",
        [LOG_WARN] = "warning",
        [LOG_INFO] = "info",
        [LOG_DEBUG] = "debug",
    };
    char out[32 + 4 * LINE_MAX_BYTES];
    size_t n = (size_t)snprintf(out, 32, "tillstream: %s: ", names[level]);
    n += escape(line, out + n);
    out[n++] = '\n';
    size_t done = 0;
    while (done < n) {
        ssize_t wrote = write(STDERR_FILENO, out + done, n - done);
        if (wrote < 0 && errno == EINTR) {
            continue;
        }
        if (wrote <= 0) {
            break;
        }
        done += (size_t)wrote;
    }
}

void env_log(struct env *env, enum log_level level, const char *format, ...)
{
    if (level > env->level) {
        return;
    }
    int saved = errno;
    char line[LINE_MAX_BYTES];
    va_list args;
    va_start(args, format);
    int length = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (length >= (int)sizeof line) {
        memcpy(line + sizeof line - 4, "...", 4);
    }
    env->log(env, level, length < 0 ? format : line);
    errno = saved;
}

struct env *env_real(void)
{
    static struct env_world world = {
        .env = {.wall_ms = env_wall_ms,
                .mono_ns = env_mono_ns,
                .random = env_random,
                .log = env_write,
                .level = LOG_INFO},
    };
    if (!world.seeded) {
        atomic_store(&world.counter, env_seed());
        world.seeded = true;
    }
    return &world.env;
}
