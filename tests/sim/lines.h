/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * lines: a set of lines of text to compare with another, in any order.
 */
#ifndef TILLSTREAM_TESTS_SIM_LINES_H
#define TILLSTREAM_TESTS_SIM_LINES_H

#include "engine/err.h"

#include <stddef.h>

struct lines {
    char **line;
    size_t n, cap;
};

void lines_clear(struct lines *l);
void lines_add(struct lines *l, const char *format, ...) PRINTF_LIKE(2, 3);
/* NULL, or the first line that only one of them has. Sorts both. */
const char *lines_difference(struct lines *got, struct lines *wanted);

#endif
