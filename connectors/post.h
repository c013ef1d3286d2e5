/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * post: sends a JSON text to one address over HTTP or HTTPS and says what became of it. What
 * it says names neither the user nor the password nor the path of the address.
 */
#ifndef TILLSTREAM_CONNECTORS_POST_H
#define TILLSTREAM_CONNECTORS_POST_H

#include <stdatomic.h>
#include <stdint.h>

#include "engine/err.h"
#include "engine/str.h"

struct post;

/* Not while other threads start. ERR_INVALID: no address that can be posted to. */
enum err post_open(const char *url, struct post **out, struct why *why) MUST_CHECK;
void post_close(struct post *p);
/* The host of the address, for messages. */
const char *post_host(const struct post *p);

struct post_letter {
    struct str body;
    const char *key; /* what the receiver can know a repeated one by */
    int timeout_ms;
    const atomic_bool *stop; /* set: gives up within a moment */
};

/* ERR_OK: answered with 2xx. ERR_AGAIN: worth another try, after at least *wait_ms if the
 * receiver asked for that. ERR_INVALID: refused for good. ERR_STOPPED, ERR_NOMEM. `why`: "HOST
 * answered 500". */
enum err post_send(struct post *p, const struct post_letter *letter, int64_t *wait_ms,
                   struct why *why) MUST_CHECK;

#endif
