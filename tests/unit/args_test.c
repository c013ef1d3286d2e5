/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * commands/args: command lines, read and refused.
 */
#include "commands/args.h"

#include "tests/support/t.h"

#define LINE(...) ((char *[]){(char[]){""}, __VA_ARGS__, NULL})
#define W(text) ((char[]){text})

static const char *const formats[] = {"table", "json", "csv", NULL};
static const char *const whats[] = {"top", "customer", NULL};

static const struct option_spec options[] = {
    {.name = "limit", .letter = 'n', .kind = OPTION_WHOLE, .value = "N", .min = 1, .max = 100},
    {.name = "format", .kind = OPTION_TEXT, .value = "FORMAT", .choices = formats},
    {.name = "strict", .kind = OPTION_FLAG},
    {.name = "db", .kind = OPTION_TEXT, .value = "FILE", .many = true},
    {.name = NULL},
};

static const struct operand_spec operands[] = {
    {.name = "WHAT", .help = "what", .min = 1, .max = 1, .choices = whats},
    {.name = "ID", .help = "id", .max = 2},
    {.name = "LAST", .help = "last", .min = 1, .max = 1},
    {.name = NULL},
};

static const struct command test_command = {
    .name = "test", .options = options, .operands = operands, .takes_settings = true};
static const struct command plain_command = {.name = "plain"};

static enum err parse(char **line, struct args *a, struct why *why)
{
    int n = 0;

    why->text[0] = '\0';
    while (line[n + 1])
        n++;
    return args_parse(&test_command, n, line + 1, a, why);
}

static void refuses(char **line, const char *words)
{
    struct args a;
    struct why why;

    eq_err(parse(line, &a, &why), ERR_USAGE);
    if (!strstr(why.text, words))
        fail("wanted \"%s\" in: %s", words, why.text);
}

T(options_stand_anywhere_in_any_spelling)
{
    struct args a;
    struct why why;

    ok_err(parse(LINE(W("--limit"), W("5"), W("top"), W("--format=json"), W("x"), W("-c"), W("f")),
                 &a, &why));
    eq_int(args_whole(&a, "limit", 0), 5);
    eq_str(args_text(&a, "format"), "json");
    eq_str(args_text(&a, "config"), "f");
    eq_str(args_operand(&a, 0), "top");
    eq_str(args_operand(&a, 1), "x");
    ok(args_operand(&a, 2) == NULL);
    ok(args_operand(&a, -1) == NULL);
    ok(!args_flag(&a, "strict"));
    ok(args_text(&a, "listen") == NULL);
    ok_err(parse(LINE(W("top"), W("x"), W("-n7"), W("-cg"), W("--strict")), &a, &why));
    eq_int(args_whole(&a, "limit", 0), 7);
    eq_str(args_text(&a, "config"), "g");
    ok(args_flag(&a, "strict"));
}

T(an_option_not_given_has_its_fallback)
{
    struct args a;
    struct why why;

    ok_err(parse(LINE(W("top"), W("x")), &a, &why));
    eq_int(args_whole(&a, "limit", 42), 42);
}

T(two_dashes_end_options_and_one_is_an_operand)
{
    struct args a;
    struct why why;

    ok_err(parse(LINE(W("top"), W("-"), W("--"), W("--strict")), &a, &why));
    eq_str(args_operand(&a, 1), "-");
    eq_str(args_operand(&a, 2), "--strict");
    ok(!args_flag(&a, "strict"));
    ok_err(parse(LINE(W("top"), W("x"), W("--format=csv"), W("--"), W("--help")), &a, &why));
    ok(!args_flag(&a, "help"));
}

T(an_option_for_many_keeps_them_in_order)
{
    struct args a;
    struct why why;

    ok_err(parse(LINE(W("--db"), W("a"), W("top"), W("x"), W("--db=b"), W("--set"), W("k=v")), &a,
                 &why));
    eq_str(args_nth(&a, "db", 0), "a");
    eq_str(args_nth(&a, "db", 1), "b");
    ok(args_nth(&a, "db", 2) == NULL);
    eq_str(args_nth(&a, "set", 0), "k=v");
}

T(help_is_help_whatever_else_is_wrong)
{
    struct args a;
    struct why why;

    ok_err(parse(LINE(W("--nonsense"), W("-h")), &a, &why));
    ok(args_flag(&a, "help"));
    ok_err(parse(LINE(W("--limit"), W("--help")), &a, &why));
    ok(args_flag(&a, "help"));
}

T(wrong_options_are_refused_with_advice)
{
    refuses(LINE(W("top"), W("x"), W("--formt"), W("csv")), "did you mean --format?");
    refuses(LINE(W("top"), W("x"), W("--zebra")), "has no option --zebra;");
    refuses(LINE(W("top"), W("x"), W("-strict")), "did you mean --strict?");
    refuses(LINE(W("top"), W("x"), W("-z")), "has no option -z;");
    refuses(LINE(W("top"), W("x"), W("--strict=1")), "takes no value");
    refuses(LINE(W("top"), W("x"), W("--format")), "--format needs FORMAT");
    refuses(LINE(W("top"), W("x"), W("--format"), W("--strict")), "write --format=--strict");
    refuses(LINE(W("top"), W("x"), W("--format"), W("jsn")), "did you mean json?");
    refuses(LINE(W("top"), W("x"), W("--limit"), W("0")), "from 1 to 100");
    refuses(LINE(W("top"), W("x"), W("--limit"), W("101")), "from 1 to 100");
    refuses(LINE(W("top"), W("x"), W("--limit"), W("5x")), "from 1 to 100");
    refuses(LINE(W("top"), W("x"), W("--limit=")), "from 1 to 100");
    refuses(LINE(W("top"), W("x"), W("--limit=99999999999999999999")), "from 1 to 100");
    refuses(LINE(W("top"), W("x"), W("-c"), W("a"), W("-c"), W("b")), "--config is given twice");
    refuses(LINE(W("top"), W("x"), W("--format=csv"), W("--format=csv")), "given twice");
}

T(operands_are_counted_and_checked)
{
    refuses(LINE(W("--strict")), "needs WHAT");
    refuses(LINE(W("top")), "needs LAST");
    refuses(LINE(W("tpo"), W("x")), "did you mean top?");
    refuses(LINE(W("top"), W("a"), W("b"), W("c"), W("d")), "what to do with \"d\"");
}

T(operands_leave_later_ones_what_they_need)
{
    static const char *const modes[] = {"on", "off", NULL};
    static const struct operand_spec files_then_mode[] = {
        {.name = "FILE", .help = "file", .min = 1, .max = 3},
        {.name = "MODE", .help = "mode", .min = 1, .max = 1, .choices = modes},
        {.name = NULL},
    };
    static const struct command switching = {.name = "switch", .operands = files_then_mode};
    char *line[] = {W("a"), W("b"), W("off"), NULL};
    struct args a;
    struct why why;

    ok_err(args_parse(&switching, 3, line, &a, &why));
    eq_str(args_operand(&a, 2), "off");
    eq_err(args_parse(&switching, 2, line, &a, &why), ERR_USAGE);
    ok(strstr(why.text, "MODE: there is no \"b\"") != NULL);
}

T(a_line_has_at_most_64_options_and_64_operands)
{
    char *line[COMMAND_ARGS_MAX + 3] = {NULL};
    char option[] = "--db=x", operand[] = "x";
    struct args a;
    struct why why;

    for (int i = 0; i <= COMMAND_ARGS_MAX; i++)
        line[i] = option;
    eq_err(args_parse(&test_command, COMMAND_ARGS_MAX + 1, line, &a, &why), ERR_USAGE);
    for (int i = 0; i <= COMMAND_ARGS_MAX; i++)
        line[i] = operand;
    eq_err(args_parse(&test_command, COMMAND_ARGS_MAX + 1, line, &a, &why), ERR_USAGE);
}

T(shared_options_are_those_the_command_takes)
{
    int n = 0;

    while (args_option(&test_command, n))
        n++;
    eq_int(n, 4 + 3); /* its own db hides the shared one */
    eq_str(args_option(&plain_command, 0)->name, "help");
    ok(args_option(&plain_command, 1) == NULL);
}
