/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A verdict as bytes: version, the fields of the table, then counted evidence and normal
 * invoices.
 */
#include "models/evidence.h"

#define VERSION 1
#define MONEY 1e16
#define TIME 1e16

static const struct pack_field verdict_fields[] = {
    PACK(struct verdict, kind, PACK_U8, 0, VERDICT_FINAL),
    PACK(struct verdict, flagged, PACK_U8, 0, 1),
    PACK(struct verdict, letter, PACK_U8, 0, 255),
    PACK(struct verdict, invoice, PACK_U64, 0, 2e19),
    PACK(struct verdict, time_ms, PACK_I64, -TIME, TIME),
    PACK(struct verdict, local_ms, PACK_I64, -TIME, TIME),
    PACK(struct verdict, judged_ms, PACK_I64, -1e19, 1e19),
    PACK(struct verdict, customer, PACK_U32, 0, 1 << 30),
    PACK(struct verdict, country, PACK_U32, 0, 1 << 30),
    PACK(struct verdict, lines, PACK_I64, 0, 1e18),
    PACK(struct verdict, units, PACK_I64, -1e19, 1e19),
    PACK(struct verdict, revenue, PACK_I64, -1e19, 1e19),
    PACK(struct verdict, score, PACK_F64, 0, 1e6),
    PACK(struct verdict, p_value, PACK_F64, 0, 1),
    PACK(struct verdict, effect, PACK_F64, 0, 1e40),
    PACK(struct verdict, cancels, PACK_U64, 0, 2e19),
};

static const struct pack_field evidence_fields[] = {
    PACK(struct evidence, stat, PACK_U8, 0, STAT_COUNT - 1),
    PACK(struct evidence, x, PACK_F64, -1e40, 1e40),
    PACK(struct evidence, surprise, PACK_F64, 0, 1e3),
    PACK(struct evidence, contribution, PACK_F64, 0, 1e6),
    PACK(struct evidence, value, PACK_F64, -1e40, 1e40),
    PACK(struct evidence, usual, PACK_F64, -1e40, 1e40),
    PACK(struct evidence, n, PACK_F64, -1e40, 1e40),
    PACK(struct evidence, effect, PACK_F64, 0, 1e40),
    PACK(struct evidence, key, PACK_U32, 0, 1 << 30),
    PACK(struct evidence, other, PACK_U64, 0, 2e19),
};
const struct pack_table evidence_table = {evidence_fields, countof(evidence_fields)};

static const struct pack_field normal_fields[] = {
    PACK(struct normal, invoice, PACK_U64, 0, 2e19),
    PACK(struct normal, value, PACK_F32, -1e20, 1e20),
    PACK(struct normal, units, PACK_F32, -1e20, 1e20),
    PACK(struct normal, lines, PACK_U32, 0, 1e10),
    PACK(struct normal, hour, PACK_U32, 0, 23),
    PACK(struct normal, time_ms, PACK_I64, -TIME, TIME),
};

enum err verdict_write(const struct verdict *v, struct buf *b)
{
    enum err e = buf_u8(b, VERSION);

    if (!e)
        e = pack_write(b, PACK_TABLE(verdict_fields), v);
    if (!e)
        e = buf_varint(b, v->n_evidence);
    for (uint32_t i = 0; !e && i < v->n_evidence; i++)
        e = pack_write(b, evidence_table, &v->evidence[i]);
    if (!e)
        e = buf_varint(b, v->n_normals);
    for (uint32_t i = 0; !e && i < v->n_normals; i++)
        e = pack_write(b, PACK_TABLE(normal_fields), &v->normal[i]);
    return e;
}

enum err verdict_read(struct verdict *v, struct reader *r)
{
    uint8_t version = read_u8(r);

    *v = (struct verdict){0};
    if (!r->bad && version > VERSION)
        return ERR_NEWER;
    if (version != VERSION)
        return ERR_DAMAGED;
    pack_read(r, PACK_TABLE(verdict_fields), v);
    v->n_evidence = (uint32_t)read_count(r, STAT_COUNT);
    for (uint32_t i = 0; !r->bad && i < v->n_evidence; i++)
        pack_read(r, evidence_table, &v->evidence[i]);
    v->n_normals = (uint32_t)read_count(r, VERDICT_NORMALS);
    for (uint32_t i = 0; !r->bad && i < v->n_normals; i++)
        pack_read(r, PACK_TABLE(normal_fields), &v->normal[i]);
    return r->bad ? ERR_DAMAGED : ERR_OK;
}
