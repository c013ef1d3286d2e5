/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * commands/help, help_man, help_shell and command: what users see, and that other programs
 * understand what is made for them.
 */
#include "commands/help.h"

#include "commands/page.h"
#include "engine/version.h"
#include "tests/support/t.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static char text[1 << 20];

static const char *made_by(enum err (*print)(struct buf *out))
{
    struct buf out;

    buf_init(&out, sizeof(text) - 1);
    ok_err(print(&out));
    memcpy(text, out.p, out.n);
    text[out.n] = '\0';
    buf_clear(&out);
    return text;
}

static void has(const char *words)
{
    if (!strstr(text, words))
        fail("wanted \"%s\" in:\n%.2000s", words, text);
}

/* Lines of examples and of shell code may be longer. */
static void has_no_line_over(size_t columns)
{
    const char *line = text;

    while (*line) {
        size_t n = strcspn(line, "\n");

        if (n > columns)
            fail("%zu columns: %.*s", n, (int)n, line);
        line += n + (line[n] == '\n');
    }
}

/* The exit status of a shell command whose $1 is `path`; 127 becomes a skipped test. */
static int shell(const char *command, const char *path)
{
    int status = 0;
    pid_t child = fork();

    ok(child >= 0);
    if (child == 0) {
        (void)execlp("bash", "bash", "-c", command, "bash", path, (char *)NULL);
        _exit(127);
    }
    ok(waitpid(child, &status, 0) == child);
    ok(WIFEXITED(status));
    if (WEXITSTATUS(status) == 127)
        skip("a program that this test needs is not installed");
    return WEXITSTATUS(status);
}

T(the_overview_names_every_command_within_80_columns)
{
    (void)made_by(help_overview);
    has_no_line_over(80);
    for (const struct command *const *c = command_table; *c; c++)
        has((*c)->name);
    has("Usage: tillstream COMMAND");
    (void)made_by(help_usage);
    has("Usage: tillstream COMMAND");
    has_no_line_over(80);
}

T(every_command_is_explained_within_80_columns)
{
    for (const struct command *const *c = command_table; *c; c++) {
        struct buf out;

        buf_init(&out, sizeof(text) - 1);
        ok_err(help_command(*c, &out));
        memcpy(text, out.p, out.n);
        text[out.n] = '\0';
        buf_clear(&out);
        char *examples = strstr(text, "\nExamples\n");
        if (examples)
            *examples = '\0';
        has_no_line_over(80);
        has("Usage: tillstream");
        has("--help");
    }
}

static enum err is_there(void *arg, const char *name, const char *kind, const char *fallback,
                         const char *help)
{
    (void)arg;
    (void)kind;
    (void)fallback;
    (void)help;
    has(name);
    return ERR_OK;
}

T(settings_are_in_help_man_page_and_completions)
{
    (void)made_by(help_settings);
    ok_err(settings_each(is_there, NULL));
    (void)made_by(help_man);
    ok_err(settings_each(is_there, NULL));
    (void)made_by(help_bash);
    ok_err(settings_each(is_there, NULL));
    (void)made_by(help_zsh);
    ok_err(settings_each(is_there, NULL));
}

T(paragraphs_are_wrapped_and_blank_lines_kept)
{
    struct buf out;
    struct page p = {.out = &out};

    buf_init(&out, 4096);
    page_paragraphs(&p, "One two\nthree.\n\n  as  is\n  too\nFour.\n\n\nFive.\n");
    page_item(&p, "a", 6, "x");
    page_item(&p, "long", 6, "y");
    ok_err(p.e);
    ok_err(buf_u8(&out, 0));
    eq_str(out.p,
           "One two three.\n\n  as  is\n  too\n\nFour.\n\nFive.\n  a   x\n  long\n      y\n");
    buf_clear(&out);
}

T(a_word_ends_at_column_80_or_moves_on)
{
    struct buf out;
    struct page p = {.out = &out};
    char words[120];

    memset(words, 'x', sizeof(words));
    words[78] = ' ';
    words[80] = ' ';
    words[82] = '\0';
    buf_init(&out, 4096);
    page_wrap(&p, 0, 2, words);
    ok_err(buf_u8(&out, 0));
    eq_int(strcspn(out.p, "\n"), 80);
    eq_str(out.p + 80, "\n  x\n");
    buf_clear(&out);
}

T(mandoc_finds_nothing_wrong_with_the_man_page)
{
    const char *path;

    (void)made_by(help_man);
    has(".Dd " VERSION_DATE);
    path = tmp_write("tillstream.1", text, strlen(text));
    eq_int(shell("command -v mandoc > /dev/null || exit 127; mandoc -Tlint -W warning \"$1\" >&2",
                 path),
           0);
}

T(bash_completes_commands_options_choices_and_settings)
{
    static const char script[] =
        "source \"$1\" || exit 1\n"
        "complete_at() { COMP_WORDS=(\"$@\") COMP_CWORD=$(($# - 1)) COMPREPLY=(); _tillstream; }\n"
        "want() { [[ \" ${COMPREPLY[*]} \" == *\" $1 \"* ]] ||\n"
        "    { echo \"wanted $1 in: ${COMPREPLY[*]}\" >&2; exit 1; }; }\n"
        "complete_at tillstream co; want config\n"
        "complete_at tillstream ''; want help; want --version\n"
        "complete_at tillstream config --s; want --schema; want --set\n"
        "complete_at tillstream config --set check; want checkpoint=\n"
        "complete_at tillstream help se; want settings\n"
        "complete_at tillstream help con; want config\n"
        "complete_at tillstream config --config \"${1%.bash}\"; want \"$1\"\n"
        "complete_at tillstream config --config = \"${1%.bash}\"; want \"$1\"\n"
        "complete_at tillstream config --s; [[ ${#COMPREPLY[@]} == 2 ]]\n";

    (void)made_by(help_bash);
    eq_int(shell(script, tmp_write("complete.bash", text, strlen(text))), 0);
}

T(zsh_accepts_its_completions)
{
    const char *path;

    (void)made_by(help_zsh);
    path = tmp_write("_tillstream", text, strlen(text));
    eq_int(shell("command -v zsh > /dev/null || exit 127; zsh -n \"$1\"", path), 0);
    eq_int(shell("command -v zsh > /dev/null || exit 127\n"
                 "zsh -fc 'autoload -U compinit; compinit -u -D; source $1; (( "
                 "$+functions[_tillstream] ))' "
                 "zsh \"$1\"",
                 path),
           0);
}

T(text_that_looks_like_code_is_escaped)
{
    (void)made_by(help_man);
    ok(strstr(text, "\n.\n") == NULL);
    has("\\-\\-");
    (void)made_by(help_zsh);
    ok(strstr(text, "`tillstream help settings` lists them]") != NULL);
}

/* ---- the program as a whole, in a process of its own ---- */

/* Runs command_main with these words; the exit status. Output goes to out.txt and err.txt. */
static int program(char **words)
{
    int status = 0, n = 0;
    pid_t child;

    while (words[n])
        n++;
    (void)tmp_dir(); /* made here, for both processes */
    (void)fflush(NULL);
    child = fork();
    ok(child >= 0);
    if (child == 0) {
        if (!freopen(tmp_path("out.txt"), "w", stdout) ||
            !freopen(tmp_path("err.txt"), "w", stderr))
            _exit(99);
        status = command_main(env_real(), n, words);
        (void)fflush(NULL);
        _exit(status);
    }
    ok(waitpid(child, &status, 0) == child);
    ok(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void read_back(const char *name)
{
    FILE *f = fopen(tmp_path(name), "r");

    ok(f != NULL);
    text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
    (void)fclose(f);
}

#define RUN(...) program((char *[]){(char[]){"tillstream"}, __VA_ARGS__ NULL})
#define W(word)                                                                                    \
    (char[])                                                                                       \
    {                                                                                              \
        word                                                                                       \
    }

T(exit_statuses_tell_done_from_failed_from_wrong)
{
    eq_int(RUN(), 2);
    read_back("err.txt");
    has("Usage:");
    eq_int(RUN(W("--help"), ), 0);
    read_back("out.txt");
    has("Usage:");
    eq_int(RUN(W("--version"), ), 0);
    read_back("out.txt");
    eq_str(text, "tillstream " VERSION_TEXT "\n");
    eq_int(RUN(W("cnofig"), ), 2);
    read_back("err.txt");
    eq_str(text,
           "tillstream: there is no command \"cnofig\" (did you mean config?); see tillstream "
           "--help\n");
    eq_int(RUN(W("--db"), W("x"), ), 2);
    eq_int(RUN(W("config"), W("--schem"), ), 2);
    eq_int(RUN(W("config"), W("--set"), W("threads=7"), ), 2);
    eq_int(RUN(W("config"), W("-c"), W("/nonexistent/x"), ), 1);
    eq_int(RUN(W("help"), W("confg"), ), 2);
    eq_int(RUN(W("config"), W("--help"), ), 0);
}

T(an_option_named_as_a_setting_sets_it)
{
    eq_int(RUN(W("config"), W("--db"), W("a.db"), W("--set"), W("threads=0"), ), 0);
    read_back("out.txt");
    has("\"db\": \"a.db\"");
    has("\"threads\": 0");
    eq_int(RUN(W("config"), W("--db"), W("a.db"), W("--set"), W("db=b.db"), ), 0);
    read_back("out.txt");
    has("\"db\": \"b.db\"");
}

T(the_command_line_wins_over_environment_over_file)
{
    static const char settings[] = "{\"db\": \"f\", \"threads\": 0, \"pen_sales\": 9}";
    char file[4096];

    (void)snprintf(file, sizeof(file), "%s", tmp_write("c.json", settings, sizeof(settings) - 1));
    ok(setenv("TILLSTREAM_DB", "e", 1) == 0);
    ok(setenv("TILLSTREAM_THREADS", "1", 1) == 0);
    eq_int(RUN(W("config"), W("-c"), file, W("--db=l"), ), 0);
    read_back("out.txt");
    has("\"db\": \"l\"");
    has("\"threads\": 1");
    has("\"pen_sales\": 9");
}

T(the_printed_configuration_is_a_configuration)
{
    char file[4096];

    eq_int(RUN(W("config"), W("--set"), W("windows.day.keep=90d"), ), 0);
    read_back("out.txt");
    (void)snprintf(file, sizeof(file), "%s", tmp_write("again.json", text, strlen(text)));
    eq_int(RUN(W("config"), W("-c"), file, ), 0);
    char *first = malloc(strlen(text) + 1);
    ok(first != NULL);
    memcpy(first, text, strlen(text) + 1);
    read_back("out.txt");
    eq_str(text, first);
    free(first);
}

T(errors_show_neither_control_bytes_nor_logins)
{
    eq_int(RUN(W("a\033[31mb"), ), 2);
    read_back("err.txt");
    has("a\\x1b[31mb");
    eq_int(RUN(W("http://me:secret@host/"), ), 2);
    read_back("err.txt");
    has("http://***@host/");
    ok(strstr(text, "secret") == NULL);
}
