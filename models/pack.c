/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Integers and the bits of floating-point numbers, lowest byte first, in the order of the
 * table, without padding. A NaN or an infinity is never right.
 */
#include "models/pack.h"

#include <math.h>

static uint64_t get(enum pack_type type, const char *p)
{
    uint64_t v = 0;
    uint32_t w = 0;
    uint16_t h = 0;

    switch (type) {
    case PACK_U8:
        return (unsigned char)*p;
    case PACK_U16:
        memcpy(&h, p, sizeof(h));
        return h;
    case PACK_U32:
    case PACK_F32:
        memcpy(&w, p, sizeof(w));
        return w;
    case PACK_U64:
    case PACK_I64:
    case PACK_F64:
        memcpy(&v, p, sizeof(v));
    }
    return v;
}

static void set(enum pack_type type, char *p, uint64_t v)
{
    uint8_t c = (uint8_t)v;
    uint16_t h = (uint16_t)v;
    uint32_t w = (uint32_t)v;

    switch (type) {
    case PACK_U8:
        memcpy(p, &c, sizeof(c));
        break;
    case PACK_U16:
        memcpy(p, &h, sizeof(h));
        break;
    case PACK_U32:
    case PACK_F32:
        memcpy(p, &w, sizeof(w));
        break;
    case PACK_U64:
    case PACK_I64:
    case PACK_F64:
        memcpy(p, &v, sizeof(v));
    }
}

static double number(enum pack_type type, uint64_t v)
{
    uint32_t w = (uint32_t)v;
    int64_t i;
    double d;
    float f;

    if (type == PACK_F32) {
        memcpy(&f, &w, sizeof(f));
        return (double)f;
    }
    if (type == PACK_F64) {
        memcpy(&d, &v, sizeof(d));
        return d;
    }
    if (type == PACK_I64) {
        memcpy(&i, &v, sizeof(i));
        return (double)i;
    }
    return (double)v;
}

static enum err write_field(struct buf *b, const struct pack_field *f, const char *from)
{
    uint32_t size = pack_size(f->type);
    unsigned char bytes[8];
    enum err e = ERR_OK;

    for (uint32_t k = 0; !e && k < f->n; k++) {
        uint64_t v = get(f->type, from + (size_t)k * size);
        for (uint32_t j = 0; j < size; j++)
            bytes[j] = (unsigned char)(v >> 8 * j);
        e = buf_add(b, bytes, size);
    }
    return e;
}

enum err pack_write(struct buf *b, struct pack_table t, const void *record)
{
    size_t was = b->n;
    enum err e = ERR_OK;

    for (size_t i = 0; !e && i < t.n; i++)
        e = write_field(b, &t.field[i], (const char *)record + t.field[i].at);
    if (e)
        b->n = was;
    return e;
}

static void read_field(struct reader *r, const struct pack_field *f, char *to)
{
    uint32_t size = pack_size(f->type);

    for (uint32_t k = 0; k < f->n; k++) {
        uint64_t v = 0;
        for (uint32_t j = 0; j < size; j++)
            v |= (uint64_t)read_u8(r) << 8 * j;
        double d = number(f->type, v);
        if (!(d >= f->low && d <= f->high))
            r->bad = true;
        if (r->bad)
            return;
        set(f->type, to + (size_t)k * size, v);
    }
}

void pack_read(struct reader *r, struct pack_table t, void *record)
{
    for (size_t i = 0; !r->bad && i < t.n; i++)
        read_field(r, &t.field[i], (char *)record + t.field[i].at);
}
