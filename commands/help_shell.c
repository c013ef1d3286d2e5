/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * help_shell: completions for bash and zsh.
 *
 * bash: one function; a case by command, in it a case by the word before: after an option
 * that takes a value its choices or files, else options and operands. Bash splits words at
 * "=", so --format=j arrives as three. zsh: _arguments does the work; in its specifications
 * ] and : are escaped with a backslash, ' by leaving the quotes.
 */
#include "commands/args.h"
#include "commands/help.h"
#include "commands/page.h"

#include <stdio.h>

static void list(struct page *p, const char *const *items)
{
    for (int i = 0; items && items[i]; i++)
        page_printf(p, "%s%s", i ? " " : "", items[i]);
}

/* What `tillstream help` explains. */
static void list_topics(struct page *p)
{
    for (const struct command *const *c = command_table; *c; c++)
        page_printf(p, "%s%s", c == command_table ? "" : " ", (*c)->name);
    for (int i = 0; help_topic(i); i++)
        page_printf(p, " %s", help_topic(i));
}

static enum err list_setting(void *arg, const char *name, const char *kind, const char *fallback,
                             const char *help)
{
    struct page *p = arg;

    (void)fallback;
    (void)help;
    /* Parts of an object are named behind a dot. */
    page_printf(p, "%s%s ", name, strcmp(kind, "object") == 0 ? "." : "=");
    return p->e;
}

static void list_settings(struct page *p)
{
    enum err e = settings_each(list_setting, p);

    if (!p->e)
        p->e = e;
}

static bool is_set(const struct option_spec *o)
{
    return strcmp(o->name, "set") == 0;
}

/* ---- bash ---- */

static void bash_value(struct page *p, const struct option_spec *o)
{
    page_text(p, "        ");
    if (o->letter)
        page_printf(p, "-%c | ", o->letter);
    page_printf(p, "--%s) ", o->name);
    if (is_set(o)) {
        page_text(p, "words='");
        list_settings(p);
        page_text(p, "' open=1 ;;\n");
    } else if (o->choices) {
        page_text(p, "words='");
        list(p, o->choices);
        page_text(p, "' ;;\n");
    } else {
        page_text(p, o->is_file ? "files=1 ;;\n" : ";;\n");
    }
}

static void bash_operands(struct page *p, const struct command *c)
{
    bool files = false;

    page_text(p, "                words='");
    if (c == &command_help)
        list_topics(p);
    for (const struct operand_spec *o = c->operands; o && o->name; o++) {
        list(p, o->choices);
        files = files || o->is_file;
    }
    page_printf(p, "'%s\n", files ? " files=1" : "");
}

static void bash_command(struct page *p, const struct command *c)
{
    page_printf(p, "    %s)\n        case $prev in\n", c->name);
    for (int i = 0; args_option(c, i); i++)
        if (args_option(c, i)->kind != OPTION_FLAG)
            bash_value(p, args_option(c, i));
    page_text(p, "        *)\n            if [[ $cur == -* ]]; then\n                words='");
    for (int i = 0; args_option(c, i); i++)
        page_printf(p, "%s--%s", i ? " " : "", args_option(c, i)->name);
    page_text(p, "'\n            else\n");
    bash_operands(p, c);
    page_text(p, "            fi\n            ;;\n        esac\n        ;;\n");
}

static const char bash_head[] =
    "# bash completion for tillstream; made by `tillstream help bash`\n"
    "_tillstream()\n"
    "{\n"
    "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
    "    local words='' files='' open=''\n"
    "    if [[ $cur == '=' ]]; then\n"
    "        cur=''\n"
    "    elif [[ $prev == '=' ]] && ((COMP_CWORD > 2)); then\n"
    "        prev=${COMP_WORDS[COMP_CWORD - 2]}\n"
    "    fi\n"
    "    case ${COMP_WORDS[1]} in\n";

static const char bash_tail[] =
    "    esac\n"
    "    if ((COMP_CWORD == 1)); then\n"
    "        files='' words='%s --help --version'\n"
    "    fi\n"
    "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
    "    if [[ $files ]]; then\n"
    "        mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -f -- \"$cur\")\n"
    "        compopt -o filenames 2> /dev/null\n"
    "    fi\n"
    "    if [[ $open ]]; then\n"
    "        compopt -o nospace 2> /dev/null\n"
    "    fi\n"
    "}\n"
    "complete -F _tillstream tillstream\n";

enum err help_bash(struct buf *out)
{
    struct page p = {.out = out};
    const char *hole = strstr(bash_tail, "%s");

    page_text(&p, bash_head);
    for (const struct command *const *c = command_table; *c; c++)
        bash_command(&p, *c);
    page_printf(&p, "%.*s", (int)(hole - bash_tail), bash_tail);
    for (const struct command *const *c = command_table; *c; c++)
        page_printf(&p, "%s%s", c == command_table ? "" : " ", (*c)->name);
    page_text(&p, hole + 2);
    return p.e;
}

/* ---- zsh ---- */

/* Inside single quotes, as the text of a specification. */
static void zsh_text(struct page *p, const char *text)
{
    for (; *text; text++) {
        if (*text == '\'')
            page_text(p, "'\\''");
        else if (strchr("[]:\\", *text))
            page_printf(p, "\\%c", *text);
        else
            page_printf(p, "%c", *text);
    }
}

/* ":NAME:what to offer" */
static void zsh_offer(struct page *p, const char *name, const char *const *choices, bool files)
{
    page_text(p, ":");
    zsh_text(p, name);
    page_text(p, ":");
    if (choices) {
        page_text(p, "(");
        list(p, choices);
        page_text(p, ")");
    } else if (files) {
        page_text(p, "_files");
    } else {
        page_text(p, " ");
    }
}

static void zsh_option(struct page *p, const struct option_spec *o)
{
    page_text(p, " \\\n            ");
    if (o->many)
        page_text(p, "'*'");
    else if (o->letter)
        page_printf(p, "'(-%c --%s)'", o->letter, o->name);
    if (o->letter)
        page_printf(p, "{-%c%s,--%s%s}'[", o->letter, o->value ? "+" : "", o->name,
                    o->value ? "=" : "");
    else
        page_printf(p, "'--%s%s[", o->name, o->value ? "=" : "");
    zsh_text(p, o->help);
    page_text(p, "]");
    if (is_set(o)) {
        page_text(p, ":NAME=VALUE:(");
        list_settings(p);
        page_text(p, ")");
    } else if (o->value) {
        zsh_offer(p, o->value, o->choices, o->is_file);
    }
    page_text(p, "'");
}

static void zsh_operand(struct page *p, const struct command *c, const struct operand_spec *o)
{
    page_printf(p, " \\\n            '%s", o->max > 1 ? "*" : o->min ? "" : ":");
    if (c == &command_help) {
        page_text(p, ":TOPIC:(");
        list_topics(p);
        page_text(p, ")");
    } else {
        zsh_offer(p, o->name, o->choices, o->is_file);
    }
    page_text(p, "'");
}

static void zsh_command(struct page *p, const struct command *c)
{
    page_printf(p, "    %s)\n        _arguments -s", c->name);
    for (int i = 0; args_option(c, i); i++)
        zsh_option(p, args_option(c, i));
    for (const struct operand_spec *o = c->operands; o && o->name; o++)
        zsh_operand(p, c, o);
    page_text(p, "\n        ;;\n");
}

enum err help_zsh(struct buf *out)
{
    struct page p = {.out = out};

    page_text(&p, "#compdef tillstream\n"
                  "# zsh completion for tillstream; made by `tillstream help zsh`\n"
                  "_tillstream()\n{\n"
                  "    local -a commands\n"
                  "    local command=$words[2]\n"
                  "    commands=(\n");
    for (const struct command *const *c = command_table; *c; c++) {
        page_printf(&p, "        '%s:", (*c)->name);
        zsh_text(&p, (*c)->summary);
        page_text(&p, "'\n");
    }
    page_text(&p, "    )\n"
                  "    if ((CURRENT == 2)); then\n"
                  "        _describe command commands\n"
                  "        return\n"
                  "    fi\n"
                  "    shift words\n"
                  "    ((CURRENT--))\n"
                  "    case $command in\n");
    for (const struct command *const *c = command_table; *c; c++)
        zsh_command(&p, *c);
    page_text(&p, "    esac\n"
                  "}\n"
                  "if [[ $funcstack[1] == _tillstream ]]; then\n"
                  "    _tillstream \"$@\"\n"
                  "else\n"
                  "    compdef _tillstream tillstream\n"
                  "fi\n");
    return p.e;
}
