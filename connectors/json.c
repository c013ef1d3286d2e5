/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * json: the codec of JSON: one object a line, lists of objects, pretty-printed objects one
 * after another, with commas or without.
 *
 * The idea: between records, white space, commas and the brackets of lists mean nothing; a
 * record is an object. It is read by the first of three readers that can:
 *
 *   json_hot_read    one of the two shapes seen last           nearly all records
 *   json_hot_take    after json_check, keys and texts without escapes
 *   json_tree_read   after json_check, through cJSON           the rest
 *
 * They agree on every input (json_diff_fuzz.c). What is no object, or a broken one, becomes
 * one reject as long as json_frame.c finds it to be. Of equal field names the first counts.
 *
 * A record longer than max_record is rejected as soon as that much of it was seen, and the
 * rest is left out: to the end of its line, or, if it already had line ends inside, to the
 * next line that starts a record.
 *
 * Invariants:
 *   (1) What is decided depends on the bytes alone, never on how they were cut into stretches:
 *       nothing beyond max_record bytes from a record's start is looked at, and nothing is
 *       decided early.
 *   (2) After a failed decode the codec and `out` are as before (but for memory).
 *   (3) With in->last everything is consumed, unless max_sales stops it.
 */
#include "connectors/json_parts.h"

#include <stdlib.h>

/* After so many misses in a row only every so manieth shape is learned. */
#define MISSES_MAX 16

/* Where the codec is: all that is remembered between stretches and stored. */
struct place {
    enum json_skip skip;
    unsigned skip_column; /* where the record that is skipped started in its line */
    unsigned column;      /* of the first byte not consumed, at most JSON_FRAME_COLUMN */
    bool utf8;            /* there was a byte order mark: the encoding setting is moot */
};

struct codec {
    struct codec_fields fields;
    struct place place;
    uint64_t short_offset;  /* an object there was not complete yet ... */
    size_t short_length;    /* ... when this much of it was there */
    struct json_hot hot[2]; /* two shapes: a field that may be absent makes two */
    unsigned recent;        /* the one that was right last */
    unsigned misses;        /* records in a row that had neither shape */
    struct json_object object;
    struct codec_record record;
};

/* One call of decode. */
struct run {
    struct codec *c;
    const char *base, *p, *end;
    uint64_t offset; /* of base */
    bool last;
    bool wait; /* more bytes are needed */
    struct sales *out;
};

static size_t left(const struct run *r)
{
    return (size_t)(r->end - r->p);
}

static uint64_t offset_of(const struct run *r)
{
    return r->offset + (uint64_t)(r->p - r->base);
}

static bool is_line_end(char c)
{
    return c == '\n' || c == '\r';
}

static bool is_between(char c)
{
    return c == ' ' || c == '\n' || c == ',' || c == '\r' || c == '\t' || c == '[' || c == ']';
}

/* How far right in its line r->p is. */
static unsigned column_of(const struct run *r)
{
    const char *q = r->p;
    while (q > r->base && r->p - q < JSON_FRAME_COLUMN && !is_line_end(q[-1])) {
        q--;
    }
    unsigned n = (unsigned)(r->p - q);
    n += q == r->base ? r->c->place.column : 0;
    return n < JSON_FRAME_COLUMN ? n : JSON_FRAME_COLUMN;
}

/* The bytes of the record at r->p that may be looked at. */
static struct str window(const struct run *r)
{
    size_t n = left(r);
    return (struct str){r->p, n < r->c->fields.max_record ? n : r->c->fields.max_record};
}

static bool is_cut(const struct run *r)
{
    return left(r) > r->c->fields.max_record;
}

/* ---- what is no good ---- */

/* Rejects what is in the window and leaves out what comes after it. */
static enum err reject_long(struct run *r)
{
    struct str seen = window(r);
    struct place *place = &r->c->place;
    enum err e = sales_reject(r->out, offset_of(r), seen, "longer than max_record, %zu bytes",
                              r->c->fields.max_record);
    if (e) {
        return e;
    }
    size_t n = seen.n;
    while (n > 0 && !is_line_end(seen.p[n - 1])) {
        n--;
    }
    place->skip_column = column_of(r);
    place->skip = n > 0 ? JSON_SKIP_RECORD : JSON_SKIP_LINE;
    r->p += n > 0 ? n - 1 : seen.n; /* the line end is part of what is skipped next */
    return ERR_OK;
}

static enum err reject_broken(struct run *r, const char *reason, size_t at)
{
    size_t n;
    bool cut = is_cut(r);
    if (!json_frame_broken(window(r), column_of(r), r->last && !cut, &n)) {
        r->wait = !cut;
        return cut ? reject_long(r) : ERR_OK;
    }
    enum err e = sales_reject(r->out, offset_of(r), (struct str){r->p, n},
                              "not JSON at byte %zu: %s", at, reason);
    r->p += e ? 0 : n;
    return e;
}

static enum err garbage(struct run *r)
{
    size_t n;
    bool cut = is_cut(r);
    if (!json_frame_garbage(window(r), r->last && !cut, &n)) {
        r->wait = !cut;
        return cut ? reject_long(r) : ERR_OK;
    }
    enum err e =
        sales_reject(r->out, offset_of(r), (struct str){r->p, n}, "text outside of a JSON object");
    r->p += e ? 0 : n;
    return e;
}

/* ---- a record ---- */

/* Whether the object at r->p, not complete the last time, may be so now. */
static bool worth_reading(const struct run *r)
{
    const struct codec *c = r->c;
    size_t n = left(r);
    bool same = offset_of(r) == c->short_offset && c->short_length > 0 && n >= c->short_length;
    if (!same || r->last || is_cut(r)) {
        return true;
    }
    const char *fresh = r->p + c->short_length;
    n -= c->short_length;
    return memchr(fresh, '}', n) || memchr(fresh, '{', n) || memchr(fresh, '\n', n);
}

/* Learns the shape, unless shapes change all the time. */
static void learn(struct codec *c, struct str text)
{
    c->misses++;
    if (c->misses <= MISSES_MAX || c->misses % MISSES_MAX == 0) {
        c->recent ^= 1;
        json_hot_learn(&c->hot[c->recent], &c->fields, text, &c->object);
    }
}

static enum err checked(struct run *r)
{
    struct codec *c = r->c;
    struct str text = {r->p, c->object.length};
    if (json_hot_take(&c->fields, &c->object, &c->record)) {
        learn(c, text);
    } else {
        enum err e = json_tree_read(&c->fields, text, &c->object, r->out, &c->record);
        if (e) {
            return e;
        }
    }
    enum err e = codec_add(&c->fields, &c->record, text, offset_of(r), r->out);
    r->p += e ? 0 : text.n;
    return e;
}

static enum err unusual(struct run *r)
{
    struct codec *c = r->c;
    if (!worth_reading(r)) {
        r->wait = true;
    } else {
        enum json_state s = json_check(window(r), &c->object);
        if (s == JSON_WHOLE) {
            return checked(r);
        }
        bool more = s == JSON_SHORT && !r->last && !is_cut(r);
        const char *reason = s == JSON_BROKEN ? c->object.reason : "the object does not end";
        r->wait = more;
        enum err e = more ? ERR_OK : reject_broken(r, reason, c->object.length);
        if (e) {
            return e;
        }
    }
    if (r->wait) {
        c->short_offset = offset_of(r);
        c->short_length = left(r);
    }
    return ERR_OK;
}

static enum err object(struct run *r)
{
    struct codec *c = r->c;
    size_t n = json_hot_read(&c->hot[c->recent], r->p, r->end);
    if (n == 0) {
        n = json_hot_read(&c->hot[c->recent ^ 1], r->p, r->end);
        c->recent ^= n != 0;
    }
    if (n == 0 || n > c->fields.max_record) {
        return unusual(r);
    }
    c->misses = 0;
    enum err e = codec_add(&c->fields, &c->hot[c->recent].record, (struct str){r->p, n},
                           offset_of(r), r->out);
    r->p += e ? 0 : n;
    return e;
}

/* ---- the codec ---- */

static void skip_long(struct run *r)
{
    struct place *place = &r->c->place;
    r->p += json_frame_skip((struct str){r->p, left(r)}, place->skip_column, &place->skip);
    if (place->skip && r->last) {
        r->p = r->end;
    }
    r->wait = place->skip != JSON_SKIP_NONE;
}

static enum err records(struct run *r, size_t max)
{
    size_t before = r->out->n + r->out->n_rejects;
    enum err e = ERR_OK;
    while (!e && !r->wait && r->out->n + r->out->n_rejects - before < max) {
        if (r->c->place.skip) {
            skip_long(r);
            continue;
        }
        while (r->p < r->end && is_between(*r->p)) {
            r->p++;
        }
        if (r->p == r->end) {
            break;
        }
        e = *r->p == '{' ? object(r) : garbage(r);
    }
    return e;
}

static enum err json_decode(struct codec *c, const struct stretch *in, size_t max_sales,
                            struct sales *out, size_t *consumed, struct why *why)
{
    size_t mark, n = out->n, n_rejects = out->n_rejects;
    struct place before = c->place;
    *consumed = 0;
    if (in->bytes.n == 0) {
        return ERR_OK;
    }
    enum err e = codec_mark(in, &mark, why);
    if (e) {
        return e == ERR_AGAIN ? ERR_OK : e;
    }
    if (mark) {
        c->place.utf8 = true;
        c->fields.latin1 = false;
    }
    struct run r = {.c = c,
                    .base = in->bytes.p,
                    .p = in->bytes.p + mark,
                    .end = in->bytes.p + in->bytes.n,
                    .offset = in->offset,
                    .last = in->last,
                    .out = out};
    e = records(&r, max_sales);
    if (e) {
        out->n = n;
        out->n_rejects = n_rejects;
        c->place = before;
        return e;
    }
    c->place.column = column_of(&r);
    *consumed = (size_t)(r.p - r.base);
    return ERR_OK;
}

static enum err json_codec_open(const struct settings *settings, struct codec **out,
                                struct why *why)
{
    struct codec *c = calloc(1, sizeof(*c));
    if (!c) {
        return ERR_NOMEM;
    }
    enum err e = codec_fields_open(&c->fields, settings, why);
    if (e) {
        free(c);
        return e;
    }
    *out = c;
    return ERR_OK;
}

static void json_codec_close(struct codec *c)
{
    if (c) {
        codec_fields_close(&c->fields);
        free(c);
    }
}

static enum err json_save(const struct codec *c, struct buf *out)
{
    enum err e = buf_reserve(out, 16);
    e = e ? e : buf_u8(out, (uint8_t)c->place.skip);
    e = e ? e : buf_u8(out, c->place.utf8);
    e = e ? e : buf_varint(out, c->place.skip_column);
    return e ? e : buf_varint(out, c->place.column);
}

static enum err json_load(struct codec *c, struct reader *in, struct why *why)
{
    uint8_t skip = read_u8(in);
    uint8_t utf8 = read_u8(in);
    uint64_t skip_column = read_count(in, JSON_FRAME_COLUMN);
    uint64_t column = read_count(in, JSON_FRAME_COLUMN);
    if (in->bad || skip > JSON_SKIP_RECORD || utf8 > 1) {
        return why_set(why, ERR_DAMAGED, "the stored place in the JSON source is damaged");
    }
    c->place = (struct place){(enum json_skip)skip, (unsigned)skip_column, (unsigned)column, utf8};
    c->fields.latin1 = c->fields.latin1 && !utf8;
    return ERR_OK;
}

const struct codec_kind codec_json = {
    .name = "json",
    .open = json_codec_open,
    .close = json_codec_close,
    .decode = json_decode,
    .save = json_save,
    .load = json_load,
};
