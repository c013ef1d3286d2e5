/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * shell: /bin/sh -c COMMAND by posix_spawn.
 *
 * The text goes through a pipe that never blocks us: what the command does not read in time it
 * does not get. Whether it ended is asked every few milliseconds, since a signal handler for
 * that would be the whole program's.
 *
 * Invariants:
 *  1. When shell_run returns, the command's shell has ended and was waited for.
 *  2. The command inherits standard error and the pipe, no other file of ours: they are all
 *     closed on exec. Signals reach it as they reach any program.
 *  3. A command that does not read its input is no error: the write fails with EPIPE, the
 *     signal for that is blocked.
 */
#include "connectors/shell.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define TURN_MS 10

extern char **environ;

/* Our environment and some more; NULL: out of memory. */
static char **join(const char *const *variable)
{
    size_t n = 0, more = 0;

    while (environ[n])
        n++;
    while (variable[more])
        more++;
    char **out = calloc(n + more + 1, sizeof(*out));
    if (!out)
        return NULL;
    memcpy(out, environ, n * sizeof(*out));
    memcpy(out + n, variable, more * sizeof(*out));
    return out;
}

static int prepare(posix_spawn_file_actions_t *files, posix_spawnattr_t *how, int input)
{
    sigset_t none, all;
    int rc = posix_spawn_file_actions_adddup2(files, input, STDIN_FILENO);

    (void)sigemptyset(&none);
    (void)sigfillset(&all);
    if (!rc)
        rc = posix_spawn_file_actions_adddup2(files, STDERR_FILENO, STDOUT_FILENO);
    if (!rc)
        rc = posix_spawnattr_setflags(how, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
                                               POSIX_SPAWN_SETSIGDEF);
    if (!rc)
        rc = posix_spawnattr_setpgroup(how, 0);
    if (!rc)
        rc = posix_spawnattr_setsigmask(how, &none);
    return rc ? rc : posix_spawnattr_setsigdefault(how, &all);
}

static int start(const struct shell_call *call, int input, pid_t *pid)
{
    char name[] = "sh", option[] = "-c";
    size_t n = strlen(call->command) + 1;
    char *command = malloc(n);
    char **variables = join(call->variable);
    char *arguments[] = {name, option, command, NULL};
    posix_spawn_file_actions_t files;
    posix_spawnattr_t how;
    int rc = command && variables ? 0 : ENOMEM;

    if (!rc) {
        memcpy(command, call->command, n);
        (void)posix_spawn_file_actions_init(&files);
        (void)posix_spawnattr_init(&how);
        rc = prepare(&files, &how, input);
        if (!rc)
            rc = posix_spawn(pid, "/bin/sh", &files, &how, arguments, variables);
        (void)posix_spawn_file_actions_destroy(&files);
        (void)posix_spawnattr_destroy(&how);
    }
    free(variables);
    free(command);
    return rc;
}

/* Writes what goes in now; closes *fd when all is written or nobody reads. */
static void feed(int *fd, struct str *rest)
{
    ssize_t n = rest->n ? write(*fd, rest->p, rest->n) : 0;

    if (n > 0) {
        rest->p += n;
        rest->n -= (size_t)n;
    }
    if (rest->n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
        (void)close(*fd);
        *fd = -1;
    }
}

/* Sleeps for a turn, or until more can be written. */
static void nap(int fd)
{
    struct pollfd to = {.fd = fd, .events = POLLOUT};

    (void)poll(&to, 1, TURN_MS);
    if (fd >= 0 && to.revents & (POLLERR | POLLHUP))
        (void)poll(NULL, 0, TURN_MS);
}

static enum err end_of(int status, struct why *why)
{
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return ERR_OK;
    if (WIFEXITED(status))
        return why_set(why, ERR_AGAIN, "ended with status %d", WEXITSTATUS(status));
    return why_set(why, ERR_AGAIN, "was ended by signal %d", WTERMSIG(status));
}

static enum err kill_group(pid_t pid, enum err e)
{
    int status;

    (void)kill(-pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    return e;
}

/* Feeds the command and waits for it. Time is counted in turns: a suspended machine's sleep
 * is not the command's fault. */
static enum err attend(const struct shell_call *call, pid_t pid, int fd, struct why *why)
{
    struct str rest = call->input;
    int status = 0, left_ms = call->timeout_ms;
    pid_t ended = 0;

    while (!ended && left_ms > 0 && !atomic_load(call->stop)) {
        size_t before = rest.n;

        if (fd >= 0)
            feed(&fd, &rest);
        ended = waitpid(pid, &status, WNOHANG);
        if (ended || rest.n < before)
            continue;
        nap(fd);
        left_ms -= TURN_MS;
    }
    if (fd >= 0)
        (void)close(fd);
    if (ended > 0)
        return end_of(status, why);
    if (ended < 0)
        return why_set(why, ERR_AGAIN, "could not be waited for");
    if (atomic_load(call->stop))
        return kill_group(pid, ERR_STOPPED);
    return kill_group(
        pid, why_set(why, ERR_AGAIN, "took more than %d s and was ended", call->timeout_ms / 1000));
}

enum err shell_run(const struct shell_call *call, struct why *why)
{
    int ends[2];
    pid_t pid = 0;

    if (pipe(ends))
        return why_set(why, ERR_AGAIN, "could not be started (no pipe)");
    (void)fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    (void)fcntl(ends[1], F_SETFD, FD_CLOEXEC);
    (void)fcntl(ends[1], F_SETFL, O_NONBLOCK);
    int rc = start(call, ends[0], &pid);
    (void)close(ends[0]);
    if (!rc)
        return attend(call, pid, ends[1], why);
    (void)close(ends[1]);
    return rc == ENOMEM ? why_set(why, ERR_NOMEM, "out of memory")
                        : why_set(why, ERR_AGAIN, "could not be started (error %d)", rc);
}
