/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * inside: struct store, shared by store.c (writing) and load.c (reading back).
 */
#ifndef TILLSTREAM_ENGINE_STORE_INSIDE_H
#define TILLSTREAM_ENGINE_STORE_INSIDE_H

#include "engine/store/store.h"
#include "engine/store/writer.h"

#define INSIDE_SCRATCH_MAX ((size_t)1 << 30)

/* Statements of the reading connection that are asked often enough to be kept. */
enum inside_statement {
    INSIDE_INVOICE_TEXT,
    INSIDE_INVOICE_ID,
    INSIDE_REQUEST,
    INSIDE_VERSION, /* of the rows of version_series */
    INSIDE_COUNT
};

struct store {
    char *path;
    struct env *env;
    int lock; /* descriptor, -1: not held */
    struct writer *writer;
    sqlite3 *read;
    sqlite3_stmt *statement[INSIDE_COUNT];
    uint16_t version_series;
    struct buf scratch; /* what a stored row borrows from */
    struct why trouble; /* see store_explain; "" after a reading that went well */
};

/* Where a reading function that is given no `why` writes its sentence. */
struct why *load_trouble(struct store *s);

#endif
