/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Reading back a verdict: seldom asked, so its statement is not kept.
 */
#include "engine/store/inside.h"

static enum err take_row(struct store *s, sqlite3_stmt *row, struct stored_verdict *out)
{
    struct str data = column_str(row, 2), said = column_str(row, 3);
    enum err e;

    s->scratch.n = 0;
    e = buf_str(&s->scratch, data);
    if (!e)
        e = buf_str(&s->scratch, said);
    if (e)
        return e;
    *out = (struct stored_verdict){.data = {s->scratch.p, data.n},
                                   .said = {s->scratch.p + data.n, said.n},
                                   .final = sqlite3_column_int(row, 0) != 0,
                                   .flagged = sqlite3_column_int(row, 1) != 0};
    return ERR_OK;
}

enum err store_verdict(struct store *s, uint64_t invoice, struct stored_verdict *out)
{
    static const char sql[] =
        "SELECT v.final, v.flagged, v.data, coalesce(f.said, '') FROM verdict v"
        " LEFT JOIN feedback f ON f.invoice = v.invoice WHERE v.invoice = ?";
    struct why *why = load_trouble(s);
    sqlite3_stmt *statement = NULL;
    bool row = false;
    enum err e = sql_prepare(s->read, sql, &statement, why);

    if (!e) {
        struct binder b = bind_to(statement);
        bind_whole(&b, (int64_t)invoice);
        e = sql_next(statement, &row, why);
    }
    if (!e)
        e = row ? take_row(s, statement, out) : ERR_NOT_FOUND;
    (void)sqlite3_finalize(statement);
    return e;
}

enum err store_each_feedback(struct store *s,
                             enum err (*each)(void *arg, const struct stored_verdict *v), void *arg)
{
    static const char sql[] =
        "SELECT v.final, v.flagged, v.data, f.said FROM feedback f JOIN verdict v ON v.invoice ="
        " f.invoice WHERE f.said <> '' ORDER BY f.said_ms, f.invoice";
    struct why *why = load_trouble(s);
    struct stored_verdict verdict;
    sqlite3_stmt *statement = NULL;
    bool row = false;
    enum err e = sql_prepare(s->read, sql, &statement, why);

    if (!e)
        e = sql_next(statement, &row, why);
    while (!e && row) {
        e = take_row(s, statement, &verdict);
        if (!e)
            e = each(arg, &verdict);
        if (!e)
            e = sql_next(statement, &row, why);
    }
    (void)sqlite3_finalize(statement);
    return e;
}
