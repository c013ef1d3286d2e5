/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * query_recount: what several databases tell together of one window and key, counted from
 * their ledgers: exact where rows can't be added up.
 */
#ifndef TILLSTREAM_COMMANDS_QUERY_RECOUNT_H
#define TILLSTREAM_COMMANDS_QUERY_RECOUNT_H

#include "commands/query.h"
#include "commands/query_rows.h"

struct query_recount;

enum err query_recount_open(struct query *q, struct query_recount **out) MUST_CHECK;
void query_recount_close(struct query_recount *c);

/* Fills in the measures of the rows that are `shared`. Where a sum does not fit they stay. */
enum err query_recount_shared(struct query_recount *c, const char *dimension,
                              struct query_rows *rows, struct why *why) MUST_CHECK;
/* Appends a row for every key, or for one, with sales in a window; of `like` all but the
 * measures. */
struct query_window {
    const char *dimension;
    const char *key; /* NULL: all */
    struct query_row like;
};
enum err query_recount_window(struct query_recount *c, const struct query_window *w,
                              struct query_rows *rows, struct why *why) MUST_CHECK;

#endif
