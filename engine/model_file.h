/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * model_file: the saved models of a database as one file, to keep, compare and bring back.
 *
 * What models know is about numbered keys and invoices, so a file fits databases in which the
 * same keys have the same numbers: the one it is from, its copies, and those that counted the
 * same sales. It says how far these had come.
 */
#ifndef TILLSTREAM_ENGINE_MODEL_FILE_H
#define TILLSTREAM_ENGINE_MODEL_FILE_H

#include "engine/buf.h"

#define MODEL_FILE_MAX ((size_t)1 << 30)

/* What it belongs to. */
struct model_file {
    uint64_t ledger_seq; /* the last chunk of the ledger then */
    uint32_t n_keys;
    uint64_t keys_hash; /* of the keys 1 to n_keys: model_file_key over str_hash of each */
    uint32_t n_parts;
};

uint64_t model_file_key(uint64_t hash, uint64_t key_hash);

/* Writing: the head, each part in name order, the end (a checksum). */
enum err model_file_begin(struct buf *b, const struct model_file *head) MUST_CHECK;
enum err model_file_part(struct buf *b, struct str name, uint32_t version,
                         struct str data) MUST_CHECK;
enum err model_file_end(struct buf *b) MUST_CHECK;

/* Reading: checks all of it, then calls `part` for each, in name order. Texts borrow. `part` NULL:
 * the head alone. ERR_DAMAGED, ERR_NEWER. */
enum err model_file_read(struct str file, struct model_file *head,
                         enum err (*part)(void *arg, struct str name, uint32_t version,
                                          struct str data),
                         void *arg) MUST_CHECK;

#endif
