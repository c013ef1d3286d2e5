/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * writer: gives parcels to apply, on a thread of its own or at once.
 */
#ifndef TILLSTREAM_ENGINE_STORE_WRITER_H
#define TILLSTREAM_ENGINE_STORE_WRITER_H

#include "engine/store/apply.h"

struct writer;

/* `apply` becomes the writer's own, also when this fails. */
enum err writer_open(struct apply *apply, bool helper, struct writer **out,
                     struct why *why) MUST_CHECK;
/* Applies what is queued, joins the thread, rolls back what no commit followed. */
void writer_close(struct writer *w);
/* See store_send. */
enum err writer_send(struct writer *w, struct parcel **p, struct why *why) MUST_CHECK;
/* The same for a lasting text; both are copied. */
enum err writer_meta(struct writer *w, const char *name, struct str value,
                     struct why *why) MUST_CHECK;
enum err writer_wait(struct writer *w, struct why *why) MUST_CHECK;
uint64_t writer_commits(struct writer *w);

#endif
