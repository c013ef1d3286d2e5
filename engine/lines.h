/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * lines: which line of a file a position is on, for people. Reads the file again from its
 * start: only for a message that ends a run.
 */
#ifndef TILLSTREAM_ENGINE_LINES_H
#define TILLSTREAM_ENGINE_LINES_H

#include "engine/source.h"

struct lines_source {
    struct env *env;
    const struct settings *settings;
    const struct source_kind *kind;
    const char *locator;
};

/* From 1; 0: can't be known (a pipe, a file that is gone). Lines end with LF, CR LF or CR. */
int64_t lines_at(const struct lines_source *s, uint64_t offset);

#endif
