/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * courier: tells somebody of each anomaly that is final: posts it, or runs a command with it.
 *
 * A thread of its own takes what waits in the database's outbox; what became of it goes back
 * with the next commit of the pipeline. Each is sent once, or, where the program was killed
 * between sending and commit, again under the same id. The stream never waits for it.
 */
#ifndef TILLSTREAM_CONNECTORS_COURIER_H
#define TILLSTREAM_CONNECTORS_COURIER_H

#include "engine/pipeline.h"

struct courier;

/* settings->alert is not empty, and its database is open for writing. */
enum err courier_open(struct env *env, const struct settings *settings, struct courier **out,
                      struct why *why) MUST_CHECK;
void courier_close(struct courier *a); /* NULL: nothing happens */

/* pipeline_setup.before_commit, with the courier as its argument. */
enum err courier_results(void *courier, struct parcel *out) MUST_CHECK;

/* The source ended, or the user did: sends what can still be sent within 10 s (1 s), commits
 * what became of it, and says what is left for the next run. */
enum err courier_finish(struct courier *a, struct pipeline *p, struct why *why) MUST_CHECK;

#endif
