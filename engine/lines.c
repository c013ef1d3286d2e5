/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A CR LF across two stretches must count once, so a CR counts when the next byte is known.
 */
#include "engine/lines.h"

struct count {
    int64_t lines;
    bool cr; /* the last byte was a CR */
};

static void count_bytes(struct count *c, struct str bytes)
{
    for (size_t i = 0; i < bytes.n; i++) {
        char byte = bytes.p[i];
        c->lines += byte == '\n' || (c->cr && byte != '\n');
        c->cr = byte == '\r';
    }
}

static enum err count_to(const struct lines_source *s, struct source *source, uint64_t offset,
                         struct count *c)
{
    struct source_identity identity;
    struct why why;
    enum err e = s->kind->identity(source, &identity, &why);

    if (!e && !identity.resumable)
        e = ERR_NOT_FOUND;
    if (!e)
        e = s->kind->seek(source, 0, &why);
    for (uint64_t at = 0; !e && at < offset;) {
        struct stretch in;
        e = s->kind->read(source, (size_t)s->settings->batch_bytes, 0, &in, &why);
        if (e)
            break;
        uint64_t left = offset - at;
        struct str bytes = {in.bytes.p, in.bytes.n < left ? in.bytes.n : (size_t)left};
        count_bytes(c, bytes);
        s->kind->consume(source, bytes.n);
        at += bytes.n;
        if (in.last && !bytes.n)
            e = ERR_END;
    }
    return e;
}

int64_t lines_at(const struct lines_source *s, uint64_t offset)
{
    struct source *source;
    struct count c = {.lines = 1};
    struct why why;
    enum err e = s->kind->open(s->env, s->settings, s->locator, false, &source, &why);

    if (e)
        return 0;
    e = count_to(s, source, offset, &c);
    s->kind->close(source);
    return e ? 0 : c.lines + c.cr;
}
