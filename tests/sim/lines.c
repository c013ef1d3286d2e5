/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * lines: see the header.
 */
#include "tests/sim/lines.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void lines_clear(struct lines *l)
{
    for (size_t i = 0; i < l->n; i++)
        free(l->line[i]);
    free(l->line);
    *l = (struct lines){.n = 0};
}

void lines_add(struct lines *l, const char *format, ...)
{
    char text[4096];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (l->n == l->cap) {
        l->cap = l->cap ? l->cap * 2 : 16;
        l->line = realloc(l->line, l->cap * sizeof(*l->line));
    }
    char *copy = l->line ? malloc(strlen(text) + 1) : NULL;
    if (!copy)
        abort();
    l->line[l->n++] = strcpy(copy, text);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void sort(struct lines *l)
{
    if (l->n)
        qsort(l->line, l->n, sizeof(*l->line), by_text);
}

const char *lines_difference(struct lines *got, struct lines *wanted)
{
    static char text[2200];
    const char *g = NULL, *w = NULL;
    size_t i = 0;

    sort(got);
    sort(wanted);
    while (i < got->n && i < wanted->n && strcmp(got->line[i], wanted->line[i]) == 0)
        i++;
    if (i == got->n && i == wanted->n)
        return NULL;
    g = i < got->n ? got->line[i] : "nothing";
    w = i < wanted->n ? wanted->line[i] : "nothing";
    (void)snprintf(text, sizeof(text),
                   "%zu lines, wanted %zu; line %zu is\n  %.1000s\nwanted\n  %.1000s", got->n,
                   wanted->n, i + 1, g, w);
    return text;
}
