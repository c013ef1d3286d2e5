/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * outbox: what waits to be told to somebody: a read-only look on a connection of its own, for
 * one thread. Sees what is committed alone, so nothing is told that a crash could take back.
 */
#ifndef TILLSTREAM_ENGINE_STORE_OUTBOX_H
#define TILLSTREAM_ENGINE_STORE_OUTBOX_H

#include "engine/buf.h"

struct outbox;

/* An alert that waits: its anomaly is final, and it was neither sent nor given up. */
struct outbox_row {
    struct str id; /* borrows until the next row */
    uint32_t tries;
    int64_t next_ms;  /* not before; 0: at once */
    int64_t since_ms; /* of the first try; 0: there was none */
};

/* Of a database that exists and is ours. */
enum err outbox_open(const char *path, struct outbox **out, struct why *why) MUST_CHECK;
void outbox_close(struct outbox *o);

/* At most `limit` in the order to send them: those never tried as they came, then the rest by
 * when they are due. `each` may return ERR_END to stop. */
enum err outbox_each(struct outbox *o, int limit,
                     enum err (*each)(void *arg, const struct outbox_row *row), void *arg,
                     struct why *why) MUST_CHECK;
/* How often it was tried. ERR_NOT_FOUND. */
enum err outbox_tries(struct outbox *o, struct str id, uint32_t *tries, struct why *why) MUST_CHECK;
/* Its anomaly as a JSON object, column by column of the view, with the reasons as a list; and
 * its sentence. Both are appended. ERR_NOT_FOUND. */
enum err outbox_alert(struct outbox *o, struct str id, struct buf *json, struct buf *text,
                      struct why *why) MUST_CHECK;
enum err outbox_waiting(struct outbox *o, int64_t *n, struct why *why) MUST_CHECK;

#endif
