/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The bytes: "tillstream model\n", the format's version, the head, then for each part name,
 * version, length, data; last the CRC-32C of all before it. Names begin with "models/" and
 * rise.
 */
#include "engine/model_file.h"

#include "engine/store/crc.h"

#define MAGIC STR("tillstream model\n")
#define PREFIX STR("models/")
#define VERSION 1
#define PARTS_MAX 100000
#define CRC_BYTES 4

uint64_t model_file_key(uint64_t hash, uint64_t key_hash)
{
    return (hash ^ key_hash) * UINT64_C(0x9E3779B97F4A7C15) + 1;
}

enum err model_file_begin(struct buf *b, const struct model_file *head)
{
    enum err e = buf_str(b, MAGIC);

    if (!e)
        e = buf_u8(b, VERSION);
    if (!e)
        e = buf_u64(b, head->ledger_seq);
    if (!e)
        e = buf_u32(b, head->n_keys);
    if (!e)
        e = buf_u64(b, head->keys_hash);
    return e ? e : buf_u32(b, head->n_parts);
}

enum err model_file_part(struct buf *b, struct str name, uint32_t version, struct str data)
{
    enum err e = buf_bytes(b, name);

    if (!e)
        e = buf_u32(b, version);
    return e ? e : buf_bytes(b, data);
}

static uint32_t checksum(struct str bytes)
{
    struct crc_table table;

    crc_init(&table);
    return crc_add(&table, 0, bytes);
}

enum err model_file_end(struct buf *b)
{
    return buf_u32(b, checksum((struct str){b->p, b->n}));
}

static enum err read_head(struct str file, struct reader *r, struct model_file *head)
{
    struct str magic = MAGIC;

    if (file.n < magic.n + 1 + CRC_BYTES || memcmp(file.p, magic.p, magic.n) != 0)
        return ERR_DAMAGED;
    *r = reader_of(file.p + magic.n, file.n - magic.n - CRC_BYTES);
    uint8_t version = read_u8(r);
    if (version > VERSION)
        return ERR_NEWER;
    struct reader end = reader_of(file.p + file.n - CRC_BYTES, CRC_BYTES);
    if (version != VERSION || read_u32(&end) != checksum((struct str){file.p, file.n - CRC_BYTES}))
        return ERR_DAMAGED;
    head->ledger_seq = read_u64(r);
    head->n_keys = read_u32(r);
    head->keys_hash = read_u64(r);
    head->n_parts = read_u32(r);
    return r->bad || head->n_parts > PARTS_MAX ? ERR_DAMAGED : ERR_OK;
}

static bool is_name(struct str name, struct str before)
{
    return name.n > PREFIX.n && memcmp(name.p, PREFIX.p, PREFIX.n) == 0 &&
           str_cmp(before, name) < 0;
}

enum err model_file_read(struct str file, struct model_file *head,
                         enum err (*part)(void *arg, struct str name, uint32_t version,
                                          struct str data),
                         void *arg)
{
    struct str before = STR("");
    struct reader r;
    enum err e = read_head(file, &r, head);

    for (uint32_t i = 0; !e && part && i < head->n_parts; i++) {
        struct str name = read_bytes(&r);
        uint32_t version = read_u32(&r);
        struct str data = read_bytes(&r);

        if (r.bad || !is_name(name, before))
            return ERR_DAMAGED;
        before = name;
        e = part(arg, name, version, data);
    }
    return !e && part && r.p != r.end ? ERR_DAMAGED : e;
}
