/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * query_flow: `query rejects`, `query late` and `query progress`: what became of the records.
 *
 * Rows of several databases are listed one database after another, its name in a first
 * column. A limit keeps the newest: the last to arrive.
 */
#include "commands/query.h"

#include "engine/when.h"

#define TABLE_ROWS 100
#define COLUMNS_MAX 16

enum { COL_READ = 3, COUNTS = 6 }; /* of progress: read to duplicates */

struct flow {
    struct query *q;
    struct print_column columns[COLUMNS_MAX + 1];
    int n_columns; /* with the database's name, if there are several */
    struct print *print;
    const char *db; /* being read */
    int64_t sum[COUNTS];
    int64_t rows;
};

/* ---- the columns of the views ---- */

static const struct print_column reject_columns[] = {
    {.name = "source", .rank = 2},
    {.name = "shard", .rank = 3},
    {.name = "position", .kind = PRINT_ID},
    {.name = "reason"},
    {.name = "raw", .rank = 1},
    {.name = "seen_at", .rank = 4},
};

static const struct print_column late_columns[] = {
    {.name = "source", .rank = 3},
    {.name = "shard", .rank = 4},
    {.name = "position", .kind = PRINT_ID},
    {.name = "reason"},
    {.name = "event_time"},
    {.name = "window_start", .rank = 2},
    {.name = "record", .rank = 1},
    {.name = "merged_at", .rank = 5},
    {.name = "seen_at", .rank = 6},
};

static const struct print_column progress_columns[] = {
    {.name = "source"},
    {.name = "shard", .rank = 4},
    {.name = "position", .kind = PRINT_ID, .rank = 5},
    {.name = "read"},
    {.name = "aggregated"},
    {.name = "late"},
    {.name = "rejected"},
    {.name = "pending"},
    {.name = "duplicates", .rank = 3},
    {.name = "watermark", .rank = 2},
    {.name = "millis_behind", .rank = 6},
    {.name = "updated_at", .rank = 7},
};

/* ---- rows ---- */

/* With several databases the name of the one the row is from comes first. */
static enum err print_flow(struct flow *f, const struct value *v)
{
    struct value all[COLUMNS_MAX + 1];
    int shift = f->q->n_dbs > 1;

    all[0] = query_text(f->db);
    memcpy(all + shift, v, (size_t)(f->n_columns - shift) * sizeof(*v));
    f->rows++;
    return print_row(f->print, all);
}

static enum err take_row(void *arg, int n, const char *const *names, const struct value *v)
{
    (void)n;
    (void)names;
    return print_flow(arg, v);
}

static enum err open_flow(struct flow *f, struct query *q, const struct print_column *columns,
                          int n)
{
    int shift = q->n_dbs > 1;

    *f = (struct flow){.q = q, .n_columns = n + shift};
    f->columns[0] = (struct print_column){.name = "db"};
    memcpy(f->columns + shift, columns, (size_t)n * sizeof(*columns));
    return query_print(q, f->columns, f->n_columns, &f->print);
}

/* ---- rejects and late ---- */

/* A view as a list: how many rows fit, and these from the ?1-th on. */
struct listing {
    const char *count, *rows;
    struct value range[2]; /* ?2, ?3 */
};

static enum err take_count(void *arg, int n, const char *const *names, const struct value *v)
{
    (void)n;
    (void)names;
    *(int64_t *)arg = v[0].whole;
    return ERR_OK;
}

/* Lists what is left of all databases together after the first `skip` rows. */
static enum err list_rows(struct flow *f, const struct listing *l, const int64_t *counts,
                          int64_t skip, struct why *why)
{
    struct value parameters[3] = {query_whole(0), l->range[0], l->range[1]};
    struct question q = {.sql = l->rows, .parameters = parameters, .n_parameters = 3};
    enum err e = ERR_OK;

    for (int d = 0; !e && d < f->q->n_dbs; d++) {
        int64_t here = skip < counts[d] ? skip : counts[d];

        f->db = f->q->name[d];
        parameters[0] = query_whole(here);
        e = reader_db_ask(f->q->db[d], &q, take_row, f, why);
        skip -= here;
    }
    return e;
}

static enum err answer(struct flow *f, const struct listing *l, struct why *why)
{
    struct value parameters[3] = {query_whole(0), l->range[0], l->range[1]};
    struct question q = {.sql = l->count, .parameters = parameters, .n_parameters = 3};
    int64_t counts[QUERY_DBS_MAX];
    int64_t limit = query_limit(f->q, TABLE_ROWS);
    int64_t total = 0;
    int64_t skip;
    enum err e = ERR_OK;

    for (int d = 0; !e && d < f->q->n_dbs; d++) {
        counts[d] = 0;
        e = reader_db_ask(f->q->db[d], &q, take_count, &counts[d], why);
        total += counts[d];
    }
    skip = limit > 0 && total > limit ? total - limit : 0;
    e = e ? e : list_rows(f, l, counts, skip, why);
    e = e ? e : print_end(f->print);
    if (!e)
        query_more(f->q, (uint64_t)skip);
    return e;
}

#define IN_RANGE " WHERE (?2 IS NULL OR window_start >= ?2) AND (?3 IS NULL OR window_start < ?3)"
#define FROM_SKIP " LIMIT -1 OFFSET ?1"
#define UNUSED " WHERE ?1 IS NOT NULL AND ?2 IS NULL AND ?3 IS NULL"

enum err query_rejects(struct query *q, struct why *why)
{
    static const struct listing listing = {
        .count = "SELECT count(*) FROM rejects" UNUSED,
        .rows =
            "SELECT source, shard, position, reason, raw, seen_at FROM rejects" UNUSED FROM_SKIP,
    };
    struct flow f;
    enum err e = open_flow(&f, q, reject_columns, countof(reject_columns));

    if (!e)
        e = answer(&f, &listing, why);
    print_close(f.print);
    return e;
}

enum err query_late(struct query *q, struct why *why)
{
    struct listing listing = {
        .count = "SELECT count(*) FROM late" IN_RANGE " AND ?1 IS NOT NULL",
        .rows = "SELECT source, shard, position, reason, event_time, window_start, record,"
                " merged_at, seen_at FROM late" IN_RANGE FROM_SKIP,
    };
    char from[WHEN_TEXT];
    char to[WHEN_TEXT];
    struct flow f;
    enum err e = open_flow(&f, q, late_columns, countof(late_columns));

    if (q->from_s != INT64_MIN) {
        (void)when_format(q->from_s * 1000, from);
        listing.range[0] = query_text(from);
    }
    if (q->to_s != INT64_MAX) {
        (void)when_format(q->to_s * 1000, to);
        listing.range[1] = query_text(to);
    }
    if (!e)
        e = answer(&f, &listing, why);
    print_close(f.print);
    return e;
}

/* ---- progress ---- */

static enum err take_progress(void *arg, int n, const char *const *names, const struct value *v)
{
    struct flow *f = arg;

    for (int i = 0; i < COUNTS; i++)
        query_add(&f->sum[i], v[COL_READ + i].whole);
    return take_row(arg, n, names, v);
}

static enum err print_total(struct flow *f)
{
    struct value v[COLUMNS_MAX] = {{.kind = VALUE_NULL}};

    f->db = "";
    v[0] = query_text("total");
    for (int i = 0; i < COUNTS; i++)
        v[COL_READ + i] = query_whole(f->sum[i]);
    return print_flow(f, v);
}

/* "read 9 = aggregated 6 + late 1 + rejected 2 + pending 0" */
static void print_balance(const struct flow *f)
{
    static const char *const names[] = {"aggregated", "late", "rejected", "pending"};
    char number[32];
    int64_t sum = 0;

    for (int i = 1; i <= 4; i++)
        query_add(&sum, f->sum[i]);
    (void)printf("read %s %s ", print_grouped(f->sum[0], number),
                 sum == f->sum[0] ? "=" : "is not");
    for (int i = 0; i < 4; i++)
        (void)printf("%s%s %s", i ? " + " : "", names[i], print_grouped(f->sum[i + 1], number));
    if (f->sum[5])
        (void)printf(", and %s recognised as duplicates", print_grouped(f->sum[5], number));
    (void)printf("\n");
}

enum err query_progress(struct query *q, struct why *why)
{
    static const struct question ask = {
        .sql = "SELECT source, shard, position, read, aggregated, late, rejected, pending,"
               " duplicates, watermark, millis_behind, updated_at FROM progress"};
    struct flow f;
    enum err e = open_flow(&f, q, progress_columns, countof(progress_columns));

    for (int d = 0; !e && d < q->n_dbs; d++) {
        f.db = q->name[d];
        e = reader_db_ask(q->db[d], &ask, take_progress, &f, why);
    }
    if (!e && f.rows > 1 && q->format == PRINT_TABLE)
        e = print_total(&f);
    if (!e)
        e = print_end(f.print);
    if (!e && q->format == PRINT_TABLE)
        print_balance(&f);
    print_close(f.print);
    return e;
}
