/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * page: lays out help.
 *
 * The idea: greedy wrapping. A word is written on the current line if it ends within
 * PAGE_COLUMNS, else on the next; a word that fits nowhere has a line of its own. Columns
 * count bytes: help is ASCII.
 */
#include "commands/page.h"

#include <stdarg.h>
#include <stdio.h>

#define PAGE_COLUMNS 80

void page_text(struct page *p, const char *text)
{
    if (!p->e)
        p->e = buf_text(p->out, text);
}

static void page_str(struct page *p, struct str s)
{
    if (!p->e)
        p->e = buf_str(p->out, s);
}

void page_printf(struct page *p, const char *format, ...)
{
    char text[1024];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    page_text(p, text);
}

static void wrap(struct page *p, int column, int indent, struct str text)
{
    size_t at = 0;
    int start = column;

    while (at < text.n) {
        size_t n = 0;

        while (at < text.n && (text.p[at] == ' ' || text.p[at] == '\n'))
            at++;
        while (at + n < text.n && text.p[at + n] != ' ' && text.p[at + n] != '\n')
            n++;
        if (n == 0)
            break;
        if (column > start && column + 1 + (int)n > PAGE_COLUMNS) {
            page_printf(p, "\n%*s", indent, "");
            column = start = indent;
        }
        if (column > start) {
            page_text(p, " ");
            column++;
        }
        page_str(p, (struct str){text.p + at, n});
        column += (int)n;
        at += n;
    }
    page_text(p, "\n");
}

void page_wrap(struct page *p, int column, int indent, const char *text)
{
    wrap(p, column, indent, str_of(text));
}

void page_item(struct page *p, const char *term, int indent, const char *help)
{
    int n = (int)strlen(term) + 2;

    page_printf(p, "  %s", term);
    if (n + 2 > indent)
        page_printf(p, "\n%*s", indent, "");
    else
        page_printf(p, "%*s", indent - n, "");
    page_wrap(p, indent, indent, help);
}

enum page_part page_next(struct page_reader *r, struct str *part)
{
    const char *p = r->rest;
    size_t n;

    while (*p == '\n')
        p++;
    if (!*p)
        return PAGE_END;
    n = strcspn(p, "\n");
    if (*p == ' ') {
        *part = (struct str){p, n};
        r->rest = p + n;
        return PAGE_AS_IS;
    }
    /* A paragraph ends at an empty line or before one that begins with a blank. */
    while (p[n] == '\n' && p[n + 1] && p[n + 1] != '\n' && p[n + 1] != ' ')
        n += 1 + strcspn(p + n + 1, "\n");
    *part = (struct str){p, n};
    r->rest = p + n;
    return PAGE_WORDS;
}

void page_paragraphs(struct page *p, const char *text)
{
    struct page_reader r = {text};
    struct str part;
    enum page_part before = PAGE_END;
    enum page_part kind = page_next(&r, &part);

    for (; kind != PAGE_END; before = kind, kind = page_next(&r, &part)) {
        if (before != PAGE_END && (kind == PAGE_WORDS || before == PAGE_WORDS))
            page_text(p, "\n");
        if (kind == PAGE_WORDS) {
            wrap(p, 0, 0, part);
        } else {
            page_str(p, part);
            page_text(p, "\n");
        }
    }
}
