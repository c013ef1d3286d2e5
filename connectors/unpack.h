/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * unpack: gzip, xz and zstd, decoded as the bytes come in.
 *
 * Archives made of several parts one after the other (gzip members, xz streams, zstd
 * frames) decode to all of them. What follows an archive and is none is damage, except
 * padding with zeros where the format knows it (gzip, xz).
 */
#ifndef TILLSTREAM_CONNECTORS_UNPACK_H
#define TILLSTREAM_CONNECTORS_UNPACK_H

#include "engine/err.h"
#include "engine/str.h"

struct unpack;
struct unpack_kind;

/* What the first bytes say. `end`: `head` is all there is. ERR_OK with *kind NULL: not an
 * archive. ERR_AGAIN: more bytes are needed, never more than UNPACK_MAGIC_MAX. A head that
 * ends inside of a magic number that no text begins with is an archive cut short. */
#define UNPACK_MAGIC_MAX 6
enum err unpack_detect(struct str head, bool end, const struct unpack_kind **kind) MUST_CHECK;
const char *unpack_name(const struct unpack_kind *kind); /* "gzip", "xz", "zstd" */

/* Moved forward by unpack_step, like a z_stream. */
struct unpack_io {
    struct str in; /* what is left to decode */
    char *out;     /* where the next decoded byte goes */
    size_t room;   /* free bytes there */
    bool end;      /* no bytes follow after `in` */
};

/* ERR_NOMEM. An archive may ask for at most 256 MiB of memory, see unpack.c. */
enum err unpack_open(const struct unpack_kind *kind, struct unpack **out) MUST_CHECK;
void unpack_close(struct unpack *u);
/* Decodes until `in` is used up or `room` is full. ERR_END once io->end is set, all is
 * decoded and the archive was whole. ERR_DAMAGED with the byte in `why` where it is damaged
 * or cut short, ERR_LIMIT where it asks for too much memory: what was decoded before that is
 * in `out` nevertheless. After an error every further call gives it again. */
enum err unpack_step(struct unpack *u, struct unpack_io *io, struct why *why) MUST_CHECK;

#endif
