/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * reader: questions to a database that somebody else may be writing at this moment.
 *
 * The writer leaves its write-ahead log files ("-wal", "-shm") in place when it closes, so a
 * read-only connection finds them and creates nothing. A database without them was copied
 * from elsewhere or lies on a medium that can't be written: it is opened as immutable, which
 * needs neither file nor lock. Should a writer appear later, the next question notices the
 * log and opens the database anew.
 *
 * Invariants:
 *  1. One statement sees one snapshot; "BEGIN" and "COMMIT" as questions widen that to
 *     several statements.
 *  2. A statement that would write is refused.
 */
#include "engine/store/reader.h"
#include "engine/store/chunks.h"
#include "engine/store/schema.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#define POLL_MS 20

struct reader_db {
    struct env *env;
    char *path;
    sqlite3 *db;
    bool immutable;
};

/* Size of "<path><ending>", -1 if there is none, 0 if that can't be known. */
static int64_t size_of(const char *path, const char *ending)
{
    struct stat st;
    size_t n = strlen(path) + strlen(ending) + 1;
    char *name = malloc(n);
    int64_t size = -1;

    if (!name)
        return 0;
    (void)snprintf(name, n, "%s%s", path, ending);
    if (stat(name, &st) == 0)
        size = (int64_t)st.st_size;
    else if (errno != ENOENT)
        size = 0;
    free(name);
    return size;
}

static bool is_still(const char *path)
{
    int64_t log = size_of(path, "-wal");

    return log < 0 || (log == 0 && size_of(path, "-shm") < 0);
}

/* "file:" + the path with what a URI would take for its own escaped; NULL: out of memory. */
static char *immutable_uri(const char *path)
{
    static const char tail[] = "?immutable=1";
    char *out = malloc(sizeof("file:") + 3 * strlen(path) + sizeof(tail));
    char *at = out;

    if (!out)
        return NULL;
    at += sprintf(at, "file:");
    for (; *path; path++) {
        if (strchr("%?#", *path))
            at += sprintf(at, "%%%02X", (unsigned)(unsigned char)*path);
        else
            *at++ = *path;
    }
    memcpy(at, tail, sizeof(tail));
    return out;
}

static enum err open_immutable(const char *path, sqlite3 **out, struct why *why)
{
    char *uri = immutable_uri(path);
    enum err e;

    if (!uri)
        return why_set(why, ERR_NOMEM, "out of memory opening %s", path);
    e = sql_open(uri, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, out, why);
    free(uri);
    return e;
}

/* One attempt. ERR_AGAIN: nothing there yet. */
static enum err attempt(const char *path, sqlite3 **out, bool *immutable, struct why *why)
{
    enum schema_state state = SCHEMA_EMPTY;
    struct stat st;
    int keep = 1;
    enum err e;

    if (stat(path, &st) != 0 && errno == ENOENT)
        return ERR_AGAIN;
    *immutable = is_still(path);
    e = *immutable ? open_immutable(path, out, why)
                   : sql_open(path, SQLITE_OPEN_READONLY, out, why);
    if (e)
        return e;
    (void)sqlite3_file_control(*out, NULL, SQLITE_FCNTL_PERSIST_WAL, &keep);
    (void)sqlite3_db_config(*out, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    e = schema_look(*out, &state, why);
    if (!e && state == SCHEMA_EMPTY)
        e = ERR_AGAIN;
    if (e) {
        (void)sqlite3_close(*out);
        *out = NULL;
    }
    return e;
}

static void nap(void)
{
    struct timespec t = {.tv_nsec = POLL_MS * 1000000L};

    (void)nanosleep(&t, NULL);
}

enum err reader_db_open(struct env *env, const char *path, int64_t wait_ms, struct reader_db **out,
                        struct why *why)
{
    struct reader_db *r = calloc(1, sizeof(*r));
    int64_t until_ns = env->mono_ns(env) + wait_ms * 1000000;
    enum err e = ERR_NOMEM;

    if (r)
        r->path = malloc(strlen(path) + 1);
    if (!r || !r->path) {
        reader_db_close(r);
        return why_set(why, ERR_NOMEM, "out of memory opening %s", path);
    }
    memcpy(r->path, path, strlen(path) + 1);
    r->env = env;
    e = attempt(path, &r->db, &r->immutable, why);
    while (e == ERR_AGAIN && !env->stop && env->mono_ns(env) < until_ns) {
        nap();
        e = attempt(path, &r->db, &r->immutable, why);
    }
    if (e == ERR_AGAIN)
        e = why_set(why, ERR_NOT_FOUND,
                    "there is no database %s yet: make one with \"tillstream run SOURCE --db %s\" "
                    "or name another with --db",
                    path, path);
    if (e) {
        reader_db_close(r);
        return e;
    }
    *out = r;
    return ERR_OK;
}

void reader_db_close(struct reader_db *r)
{
    if (!r)
        return;
    (void)sqlite3_close(r->db);
    free(r->path);
    free(r);
}

/* A writer has come to a database that was opened as immutable: opens it anew. */
static enum err refresh(struct reader_db *r, struct why *why)
{
    sqlite3 *db = NULL;
    bool immutable = false;
    enum err e;

    if (!r->immutable || !sqlite3_get_autocommit(r->db) || is_still(r->path))
        return ERR_OK;
    e = attempt(r->path, &db, &immutable, why);
    if (e)
        return e == ERR_AGAIN ? ERR_OK : e;
    (void)sqlite3_close(r->db);
    r->db = db;
    r->immutable = immutable;
    return ERR_OK;
}

static enum err bind_all(sqlite3_stmt *statement, const struct question *q, struct why *why)
{
    struct binder b = bind_to(statement);

    for (int i = 0; i < q->n_parameters; i++) {
        const struct value *v = &q->parameters[i];

        switch (v->kind) {
        case VALUE_WHOLE:
            bind_whole(&b, v->whole);
            break;
        case VALUE_REAL:
            bind_real(&b, v->real);
            break;
        case VALUE_TEXT:
            bind_text(&b, v->text);
            break;
        case VALUE_NULL:
        default:
            bind_null(&b);
            break;
        }
    }
    return b.rc ? sql_fail(sqlite3_db_handle(statement), b.rc, why) : ERR_OK;
}

static struct value value_of(sqlite3_stmt *statement, int column)
{
    switch (sqlite3_column_type(statement, column)) {
    case SQLITE_INTEGER:
        return (struct value){.kind = VALUE_WHOLE,
                              .whole = sqlite3_column_int64(statement, column)};
    case SQLITE_FLOAT:
        return (struct value){.kind = VALUE_REAL, .real = sqlite3_column_double(statement, column)};
    case SQLITE_NULL:
        return (struct value){.kind = VALUE_NULL};
    default:
        return (struct value){.kind = VALUE_TEXT, .text = column_str(statement, column)};
    }
}

typedef enum err (*row_fn)(void *arg, int n, const char *const *names, const struct value *values);

/* Room for one row: n names, n values. */
struct shape {
    int n;
    const char **names;
    struct value *values;
};

static enum err shape_of(sqlite3_stmt *statement, struct shape *s)
{
    s->n = sqlite3_column_count(statement);
    s->names = calloc((size_t)s->n + 1, sizeof(*s->names));
    s->values = calloc((size_t)s->n + 1, sizeof(*s->values));
    if (!s->names || !s->values)
        return ERR_NOMEM;
    for (int i = 0; i < s->n; i++) {
        s->names[i] = sqlite3_column_name(statement, i);
        if (!s->names[i])
            return ERR_NOMEM;
    }
    return ERR_OK;
}

static enum err each_row(struct reader_db *r, sqlite3_stmt *statement, struct shape *s, row_fn each,
                         void *arg, struct why *why)
{
    bool row = false;
    enum err e = sql_next(statement, &row, why);

    while (!e && row) {
        for (int i = 0; i < s->n; i++)
            s->values[i] = value_of(statement, i);
        e = each(arg, s->n, s->names, s->values);
        if (!e && r->env->stop)
            e = why_set(why, ERR_STOPPED, "stopped on request");
        if (!e)
            e = sql_next(statement, &row, why);
    }
    return e == ERR_END ? ERR_OK : e;
}

enum err reader_db_ask(struct reader_db *r, const struct question *q, row_fn each, void *arg,
                       struct why *why)
{
    struct shape shape = {.n = 0};
    sqlite3_stmt *statement = NULL;
    enum err e = refresh(r, why);

    if (!e)
        e = sql_prepare(r->db, q->sql, &statement, why);
    if (!e && !sqlite3_stmt_readonly(statement))
        e = why_set(why, ERR_USAGE, "a question can't change the database: %s", q->sql);
    if (!e)
        e = bind_all(statement, q, why);
    if (!e && shape_of(statement, &shape))
        e = why_set(why, ERR_NOMEM, "out of memory reading %s", r->path);
    if (!e)
        e = each_row(r, statement, &shape, each, arg, why);
    free(shape.names);
    free(shape.values);
    (void)sqlite3_finalize(statement);
    return e;
}

enum err reader_db_chunks(struct reader_db *r, const struct ledger_walk *walk, struct why *why)
{
    enum err e = refresh(r, why);

    return e ? e : chunks_each(r->db, UINT64_MAX, walk, why);
}
