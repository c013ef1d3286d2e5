/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * trail: see the header.
 */
#include "tests/sim/trail.h"

#include <stdarg.h>
#include <stdio.h>

struct choice trail_choice(const struct trail *t, const char *concern)
{
    return (struct choice){.seed =
                               t->seed * UINT64_C(0x9e3779b97f4a7c15) ^ str_hash(str_of(concern))};
}

bool trail_one_in(struct choice *c, uint64_t n)
{
    return n > 0 && choice_below(c, n) == 0;
}

void trail_note(struct trail *t, const char *format, ...)
{
    char line[2048];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    t->hash = (t->hash ^ str_hash(str_of(line))) * UINT64_C(0x100000001b3);
    if (t->tell)
        (void)printf("%s\n", line);
}

void trail_fail(struct trail *t, const char *format, ...)
{
    va_list args;

    if (t->failed)
        return;
    t->failed = true;
    va_start(args, format);
    (void)vsnprintf(t->text, sizeof(t->text), format, args);
    va_end(args);
}
