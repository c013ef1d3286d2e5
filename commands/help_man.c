/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * help_man: the manual page, in mdoc(7).
 *
 * Text is escaped so that nothing in it can be taken for a macro or an escape: a backslash
 * becomes \e, a hyphen that starts a word \- (which stays an ASCII hyphen, to be copied), a
 * line that begins with . or ' gets \& before it, and so does each argument of a macro, for
 * a word such as "No" would be one.
 */
#include "commands/args.h"
#include "commands/help.h"
#include "commands/page.h"
#include "engine/version.h"

#include <stdio.h>

static void escape(struct page *p, struct str s)
{
    char before = ' ';

    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool starts = before == ' ' || before == '-' || before == '`' || before == '(';

        if (c == '\\')
            page_text(p, "\\e");
        else if (c == '-' && starts)
            page_text(p, "\\-");
        else
            page_printf(p, "%c", c);
        before = c;
    }
}

/* A line of its own; blanks before it matter only in a literal display. */
static void line(struct page *p, struct str s)
{
    if (s.n && (s.p[0] == '.' || s.p[0] == '\''))
        page_text(p, "\\&");
    escape(p, s);
    page_text(p, "\n");
}

/* Prose: line ends are blanks, a sentence begins a line, blanks at line ends are left out. */
static void prose(struct page *p, struct str s)
{
    size_t start = 0;

    for (size_t i = 0; i <= s.n; i++) {
        bool sentence = i > 0 && i + 1 < s.n && s.p[i] == ' ' && s.p[i - 1] == '.' &&
                        s.p[i + 1] >= 'A' && s.p[i + 1] <= 'Z';
        size_t end = i;

        if (i < s.n && s.p[i] != '\n' && !sentence)
            continue;
        while (end > start && s.p[end - 1] == ' ')
            end--;
        if (end > start)
            line(p, (struct str){s.p + start, end - start});
        start = i + 1;
    }
}

static void words(struct page *p, const char *text)
{
    prose(p, str_of(text));
}

static void paragraphs(struct page *p, const char *text)
{
    struct page_reader r = {text};
    struct str part;
    enum page_part before = PAGE_END;
    enum page_part kind = page_next(&r, &part);

    for (; kind != PAGE_END; before = kind, kind = page_next(&r, &part)) {
        if (before == PAGE_AS_IS && kind != PAGE_AS_IS)
            page_text(p, ".Ed\n");
        if (kind == PAGE_WORDS && before != PAGE_END)
            page_text(p, ".Pp\n");
        if (kind == PAGE_AS_IS && before != PAGE_AS_IS)
            page_text(p, ".Bd -literal\n");
        if (kind == PAGE_AS_IS)
            line(p, part);
        else
            prose(p, part);
    }
    if (before == PAGE_AS_IS)
        page_text(p, ".Ed\n");
}

/* "HELP; one of A, B or C" */
static void describe(struct page *p, const char *help, const char *const *choices)
{
    char text[600];

    help_describe(help, choices, text, sizeof(text));
    words(p, text);
}

static void option(struct page *p, const struct option_spec *o)
{
    page_text(p, ".It");
    if (o->letter)
        page_printf(p, " Fl %c ,", o->letter);
    page_printf(p, " Fl \\-%s", o->name);
    if (o->value)
        page_printf(p, " Ar \\&%s", o->value);
    page_text(p, "\n");
    describe(p, o->help, o->choices);
}

/* The options all commands with settings share are explained once. */
static bool is_own(const struct command *c, const struct option_spec *o)
{
    const struct option_spec *own = c->options;

    while (own && own->name && own != o)
        own++;
    return own && own->name;
}

static void synopsis(struct page *p, const struct command *c)
{
    page_printf(p, ".Ss tillstream %s", c->name);
    for (const struct operand_spec *o = c->operands; o && o->name; o++)
        page_printf(p, " \\&%s%s%s%s", o->min ? "" : "[", o->name, o->max > 1 ? " ..." : "",
                    o->min ? "" : "]");
    page_text(p, "\n");
}

static void examples(struct page *p, const char *text)
{
    page_text(p, ".Pp\nExamples:\n.Bd -literal -offset indent\n");
    while (*text) {
        size_t n = strcspn(text, "\n");

        line(p, (struct str){text, n});
        text += n + (text[n] == '\n');
    }
    page_text(p, ".Ed\n");
}

static void command(struct page *p, const struct command *c)
{
    int n = 0;

    synopsis(p, c);
    paragraphs(p, c->text && *c->text ? c->text : c->summary);
    for (const struct operand_spec *o = c->operands; o && o->name; o++, n++) {
        page_printf(p, "%s.It Ar \\&%s\n", n ? "" : ".Bl -tag -width Ds\n", o->name);
        describe(p, o->help, o->choices);
    }
    for (int i = 0; args_option(c, i); i++) {
        if (!is_own(c, args_option(c, i)))
            continue;
        if (n++ == 0)
            page_text(p, ".Bl -tag -width Ds\n");
        option(p, args_option(c, i));
    }
    if (n)
        page_text(p, ".El\n");
    if (c->examples && *c->examples)
        examples(p, c->examples);
}

static void shared_options(struct page *p)
{
    static const struct command any = {.name = "", .takes_settings = true};

    page_text(p, ".Sh OPTIONS\nEvery command takes\n.Fl \\-help .\n"
                 "Those that use settings also take the others.\n"
                 ".Bl -tag -width Ds\n");
    for (int i = 0; args_option(&any, i); i++)
        option(p, args_option(&any, i));
    page_text(p, ".El\n");
}

static enum err setting(void *arg, const char *name, const char *kind, const char *fallback,
                        const char *help)
{
    struct page *p = arg;

    page_printf(p, ".It Ic \\&%s\n", name);
    words(p, help);
    page_printf(p, "(%s%s", kind, fallback[0] ? ", default " : "");
    escape(p, str_of(fallback));
    page_text(p, ")\n");
    return p->e;
}

static const char head[] =
    ".Dt TILLSTREAM 1\n"
    ".Os\n"
    ".Sh NAME\n"
    ".Nm tillstream\n"
    ".Nd live totals of a shop's sales\n"
    ".Sh SYNOPSIS\n"
    ".Nm tillstream\n"
    ".Ar command\n"
    ".Op Ar option ...\n"
    ".Op Ar operand ...\n"
    ".Nm tillstream\n"
    ".Fl \\-help | \\-version\n"
    ".Sh DESCRIPTION\n"
    ".Nm\n"
    "watches a shop's till: it reads sales lines as they come, keeps live totals per\n"
    "customer, country and article over windows of time, and writes them to an SQLite\n"
    "database, where they are queried.\n"
    "Options stand before, between or behind operands;\n"
    ".Fl \\-\n"
    "ends them, and a lone\n"
    ".Sq \\-\n"
    "is an operand: the standard input.\n";

static const char settings_head[] =
    ".Sh SETTINGS\n"
    "Settings come from a file\n"
    ".Pq Fl c Ar FILE ,\n"
    "from the environment and from the command line\n"
    ".Pq Fl \\-set Ar NAME=VALUE ;\n"
    "the later in this list wins.\n"
    "A file is JSON; comments and a comma after the last item are allowed.\n"
    "Parts are named with dots: windows.0.keep, windows.day.keep, fields.price.\n"
    ".Bl -tag -width Ds\n";

static const char tail[] = ".Sh ENVIRONMENT\n"
                           ".Bl -tag -width Ds\n"
                           ".It Ev TILLSTREAM_NAME\n"
                           "The setting of that name, in capitals: TILLSTREAM_CHECKPOINT=5s.\n"
                           ".It Ev TZDIR\n"
                           "Where time zones are looked for first.\n"
                           ".El\n"
                           ".Sh FILES\n"
                           ".Bl -tag -width Ds\n"
                           ".It Pa tillstream.db\n"
                           "The database, unless another is named.\n"
                           ".El\n"
                           ".Sh EXIT STATUS\n"
                           ".Bl -tag -width Ds\n"
                           ".It 0\n"
                           "Done.\n"
                           ".It 1\n"
                           "It failed; the reason is on the standard error.\n"
                           ".It 2\n"
                           "It was called wrongly: an option, an operand or a setting.\n"
                           ".El\n"
                           ".Sh SEE ALSO\n"
                           ".Xr sqlite3 1\n";

enum err help_man(struct buf *out)
{
    struct page p = {.out = out};
    enum err e;

    page_printf(&p, ".Dd %s\n", VERSION_DATE);
    page_text(&p, head);
    page_text(&p, ".Sh COMMANDS\n");
    for (const struct command *const *c = command_table; *c; c++)
        command(&p, *c);
    shared_options(&p);
    page_text(&p, settings_head);
    e = settings_each(setting, &p);
    page_text(&p, ".El\n");
    page_text(&p, tail);
    return e ? e : p.e;
}
