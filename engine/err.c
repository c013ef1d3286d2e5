/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The texts of the error codes, and sentences put together without allocation.
 */
#include "engine/err.h"

#include <stdarg.h>
#include <stdio.h>

static const char *const texts[] = {
#define ERR_TEXT(name, text) [ERR_##name] = (text),
    ERR_LIST(ERR_TEXT)
#undef ERR_TEXT
};

const char *err_text(enum err e)
{
    return (unsigned)e < countof(texts) ? texts[e] : "unknown error";
}

enum err why_set(struct why *why, enum err e, const char *format, ...)
{
    va_list args;

    if (!why)
        return e;
    va_start(args, format);
    (void)vsnprintf(why->text, sizeof(why->text), format, args);
    va_end(args);
    return e;
}
