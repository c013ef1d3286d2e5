/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * request: asking the run that holds a database to change something, from another process.
 *
 * A request is a row of the table `requests`; the run applies it between two turns, notes at
 * which position, and answers with a sentence, all in one transaction.
 */
#ifndef TILLSTREAM_ENGINE_STORE_REQUEST_H
#define TILLSTREAM_ENGINE_STORE_REQUEST_H

#include "engine/env.h"
#include "engine/err.h"

struct request {
    const char *kind;     /* "merge" */
    const char *argument; /* "" for none */
};

/* Writes the request, waiting for the run's transaction to end; *id names it. */
enum err request_make(struct env *env, const char *path, const struct request *r, int64_t *id,
                      struct why *why) MUST_CHECK;
/* Answers it with a sentence, if that can be done, without the lock: for a run that failed. */
void request_fail(const char *path, int64_t id, const char *result);

#endif
