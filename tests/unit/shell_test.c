/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "connectors/shell.h"

#include "tests/support/t.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Runs a command as the caller is asked to: with all signals blocked (and, since this process
 * lets them through again, that of a broken pipe ignored). */
static enum err run(const char *command, struct str input, int timeout_ms, bool stop,
                    struct why *why)
{
    static const char *const variable[] = {"TILLSTREAM_ALERT_ID=a b", "OTHER=c", NULL};
    atomic_bool flag = stop;
    const struct shell_call call = {.command = command,
                                    .variable = variable,
                                    .input = input,
                                    .timeout_ms = timeout_ms,
                                    .stop = &flag};
    sigset_t all, before;

    (void)signal(SIGPIPE, SIG_IGN);
    (void)sigfillset(&all);
    (void)sigprocmask(SIG_SETMASK, &all, &before);
    enum err e = shell_run(&call, why);
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    return e;
}

/* A file of the test, for commands "$OUT". */
static const char *out_file(const char *name)
{
    const char *path = tmp_path(name);

    ok(setenv("OUT", path, 1) == 0);
    return path;
}

static const char *content(const char *path)
{
    static char text[100];
    FILE *f = fopen(path, "r");
    size_t n = f ? fread(text, 1, sizeof(text) - 1, f) : 0;

    text[n] = '\0';
    if (f)
        (void)fclose(f);
    return text;
}

T(a_command_gets_the_text_and_the_variables)
{
    const char *path = out_file("out");

    ok_err(run("{ cat; echo \"|$TILLSTREAM_ALERT_ID|$OTHER|${PATH:+path}\"; } >\"$OUT\"",
               STR("text"), 5000, false, NULL));
    eq_str(content(path), "text|a b|c|path\n");
}

T(a_status_or_a_signal_is_told)
{
    struct why why = {""};

    ok_err(run("true", STR("x"), 5000, false, &why));
    eq_err(run("exit 3", STR("x"), 5000, false, &why), ERR_AGAIN);
    eq_str(why.text, "ended with status 3");
    eq_err(run("no-such-command 2>/dev/null", STR("x"), 5000, false, &why), ERR_AGAIN);
    eq_str(why.text, "ended with status 127");
    eq_err(run("kill -KILL $$", STR("x"), 5000, false, &why), ERR_AGAIN);
    eq_str(why.text, "was ended by signal 9");
}

T(a_long_text_goes_through_and_one_that_is_not_read_does_no_harm)
{
    static char text[1 << 20];

    memset(text, 'x', sizeof(text));
    ok_err(run("test $(wc -c) = 1048576", (struct str){text, sizeof(text)}, 10000, false, NULL));
    ok_err(run("exec <&-; sleep 0.05", (struct str){text, sizeof(text)}, 10000, false, NULL));
    ok_err(run("sleep 0.05", (struct str){text, sizeof(text)}, 10000, false, NULL));
}

static bool grows(const char *path)
{
    const struct timespec moment = {.tv_nsec = 100000000};
    size_t before = strlen(content(path));

    (void)nanosleep(&moment, NULL);
    return strlen(content(path)) > before;
}

T(a_command_that_takes_too_long_is_ended_with_all_its_processes)
{
    const char *path = out_file("beat");
    struct why why = {""};

    eq_err(run("(while :; do printf x >>\"$OUT\"; sleep 0.02; done) & wait", STR(""), 300, false,
               &why),
           ERR_AGAIN);
    ok(strstr(why.text, "was ended") != NULL);
    ok(content(path)[0] == 'x');
    ok(!grows(path));
}

T(a_stop_ends_the_command)
{
    struct why why = {""};

    eq_err(run("sleep 10", STR(""), 15000, true, &why), ERR_STOPPED);
}

T(a_command_meets_signals_as_any_program_does)
{
    struct why why = {""};

    (void)signal(SIGTERM, SIG_IGN);
    eq_err(run("kill -TERM $$; sleep 5", STR(""), 4000, false, &why), ERR_AGAIN);
    eq_str(why.text, "was ended by signal 15");
    (void)signal(SIGTERM, SIG_DFL);
}
