/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * progress_line: what `run` tells a person while it works and when it is done, on stderr.
 */
#ifndef TILLSTREAM_COMMANDS_PROGRESS_LINE_H
#define TILLSTREAM_COMMANDS_PROGRESS_LINE_H

#include "engine/pipeline.h"

struct progress_line {
    struct env *env;
    bool terminal; /* rewrite one line; else stay quiet until the end */
    bool quiet;    /* say nothing at all */
    bool shown;
    int64_t start_ns, last_ns;
    int64_t last_records;
};

void progress_line_open(struct progress_line *l, struct env *env, bool quiet);
/* Rewrites the line if it is time to. */
void progress_line_show(struct progress_line *l, const struct pipeline *p);
/* Clears the line; on a terminal says in one sentence what became of the records. */
void progress_line_close(struct progress_line *l, const struct pipeline *p, const char *db,
                         enum err e);

#endif
