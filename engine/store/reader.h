/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * reader: read-only access to one or several databases for people's questions. Creates
 * nothing on disk, sees one consistent snapshot per question, never blocks the writer.
 */
#ifndef TILLSTREAM_ENGINE_STORE_READER_H
#define TILLSTREAM_ENGINE_STORE_READER_H

#include "engine/buf.h"
#include "engine/env.h"

struct reader_db;

enum err reader_db_open(struct env *env, const char *path, int64_t wait_ms, struct reader_db **out,
                        struct why *why) MUST_CHECK;
void reader_db_close(struct reader_db *r);

enum value_kind { VALUE_NULL, VALUE_WHOLE, VALUE_REAL, VALUE_TEXT };

struct value {
    enum value_kind kind;
    int64_t whole;
    double real;
    struct str text; /* borrows until the next row */
};

/* Runs one SELECT with positional parameters; calls `each` per row. The column names are
 * given in `names` (borrowed during the call). `each` may return ERR_END to stop early. */
struct question {
    const char *sql;
    const struct value *parameters;
    int n_parameters;
};
enum err reader_db_ask(struct reader_db *r, const struct question *q,
                       enum err (*each)(void *arg, int n, const char *const *names,
                                        const struct value *values),
                       void *arg, struct why *why) MUST_CHECK;

/* The ledger's chunks that somebody wants. */
struct ledger_walk;
enum err reader_db_chunks(struct reader_db *r, const struct ledger_walk *walk,
                          struct why *why) MUST_CHECK;

#endif
