/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Tests of engine/env: the real world, and how log lines reach it.
 */
#include "engine/env.h"

#include "tests/support/t.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

/* What env_log wrote to stderr while `say` ran, as text; "" if nothing. */
static const char *said(void (*say)(struct env *env))
{
    static char text[16384];
    const char *path = tmp_write("stderr", "", 0);
    int fd = open(path, O_RDWR | O_TRUNC);
    int saved = dup(STDERR_FILENO);
    ok(fd >= 0 && saved >= 0);
    ok(dup2(fd, STDERR_FILENO) >= 0);
    say(env_real());
    ok(dup2(saved, STDERR_FILENO) >= 0);
    ssize_t n = pread(fd, text, sizeof text - 1, 0);
    ok(n >= 0);
    text[n] = '\0';
    close(fd);
    close(saved);
    return text;
}

static void say_each_level(struct env *env)
{
    env->level = LOG_WARN;
    env_log(env, LOG_ERROR, "disk %s is full", "sda");
    env_log(env, LOG_WARN, "%d late", 3);
    env_log(env, LOG_INFO, "not shown");
    env->level = LOG_DEBUG;
    env_log(env, LOG_INFO, "shown");
    env_log(env, LOG_DEBUG, "shown too");
}

T(lines_above_the_level_are_dropped_and_others_say_what_they_are)
{
    eq_str(said(say_each_level), "tillstream: error: disk sda is full\n"
                                 "tillstream: warning: 3 late\n"
                                 "tillstream: info: shown\n"
                                 "tillstream: debug: shown too\n");
}

static void say_control(struct env *env)
{
    env_log(env, LOG_ERROR, "%s", "a\x1b[2J\nb\x7f\tcaf\xc3\xa9");
}

T(control_bytes_in_a_line_are_escaped_and_letters_are_not)
{
    eq_str(said(say_control), "tillstream: error: a\\x1b[2J\\x0ab\\x7f\\x09caf\xc3\xa9\n");
}

static void say_long(struct env *env)
{
    char text[5000];
    memset(text, '\1', sizeof text);
    text[sizeof text - 1] = '\0';
    env_log(env, LOG_ERROR, "%s", text);
}

T(an_overlong_line_is_cut_and_still_one_line)
{
    const char *text = said(say_long);
    size_t n = strlen(text);
    ok(n > 2048 && n < 10000);
    eq_str(text + n - 8, "\\x01...\n");
    ok(strchr(text, '\n') == text + n - 1);
}

static void say_with_errno(struct env *env)
{
    errno = ENOSPC;
    env_log(env, LOG_ERROR, "what was errno?");
}

T(logging_keeps_errno)
{
    errno = 0;
    const char *text = said(say_with_errno);
    ok(*text);
    struct env *env = env_real();
    int saved = dup(STDERR_FILENO);
    close(STDERR_FILENO);
    errno = ENOSPC;
    env_log(env, LOG_ERROR, "nobody hears this");
    int kept = errno;
    ok(dup2(saved, STDERR_FILENO) >= 0);
    close(saved);
    eq_int(kept, ENOSPC);
}

static char heard[256];

static void hear(struct env *env, enum log_level level, const char *line)
{
    (void)env;
    (void)snprintf(heard, sizeof heard, "%d %s", (int)level, line);
}

T(another_world_can_listen_to_the_log)
{
    struct env env = {.log = hear, .level = LOG_INFO};
    env_log(&env, LOG_DEBUG, "nothing");
    eq_str(heard, "");
    env_log(&env, LOG_INFO, "%s %d", "shard", 7);
    eq_str(heard, "2 shard 7");
}

T(the_clocks_run_in_their_units)
{
    struct env *env = env_real();
    int64_t wall = env->wall_ms(env), mono = env->mono_ns(env);
    near((double)wall, (double)time(NULL) * 1000.0, 2000.0);
    for (int i = 0; i < 1000; i++) {
        int64_t next = env->mono_ns(env);
        ok(next >= mono);
        mono = next;
    }
    eq_int(env->stop, 0);
    ok(env == env_real());
}

T(random_numbers_are_spread_and_do_not_repeat)
{
    struct env *env = env_real();
    int ones = 0;
    uint64_t before = env->random(env);
    for (int i = 0; i < 1000; i++) {
        uint64_t v = env->random(env);
        ok(v != before);
        ones += __builtin_popcountll(v);
        before = v;
    }
    near((double)ones, 32000.0, 6 * 126.5); /* sd is sqrt(64000) / 2 */
}
