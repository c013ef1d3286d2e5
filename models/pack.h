/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * pack: structs as little-endian bytes, by a table of their fields, so that what is saved and
 * what is checked when it is loaded stand in one place.
 */
#ifndef TILLSTREAM_MODELS_PACK_H
#define TILLSTREAM_MODELS_PACK_H

#include "engine/buf.h"
#include "engine/parcel.h"

enum pack_type { PACK_U8, PACK_U16, PACK_U32, PACK_U64, PACK_I64, PACK_F32, PACK_F64 };

/* `n` values of one type from byte `at` of a struct on; loaded ones must lie in [low, high]. */
struct pack_field {
    uint32_t at, n;
    enum pack_type type;
    double low, high;
};

#define PACK(type, member, kind, low, high)                                                        \
    {                                                                                              \
        offsetof(type, member), sizeof(((type *)0)->member) / pack_size(kind), kind, low, high     \
    }
/* A constant expression: bytes of one value. */
#define pack_size(kind)                                                                            \
    ((kind) == PACK_U8                          ? 1U                                               \
     : (kind) == PACK_U16                       ? 2U                                               \
     : (kind) == PACK_U32 || (kind) == PACK_F32 ? 4U                                               \
                                                : 8U)

struct pack_table {
    const struct pack_field *field;
    size_t n;
};

#define PACK_TABLE(fields) ((struct pack_table){(fields), countof(fields)})

enum err pack_write(struct buf *b, struct pack_table t, const void *record) MUST_CHECK;
/* Sets r->bad for short input, a value out of range, or one that is no number. */
void pack_read(struct reader *r, struct pack_table t, void *record);

#endif
