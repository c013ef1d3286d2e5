/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * chunks: see the header.
 *
 * Whether a chunk is wanted is asked before its bytes are: SQLite reads a long blob's pages
 * only when the column is.
 */
#include "engine/store/chunks.h"
#include "engine/store/values.h"

enum { COL_SEQ, COL_FIRST, COL_LAST, COL_SALES, COL_CRC, COL_DATA };

static enum err take(sqlite3_stmt *row, const struct crc_table *crc, const struct ledger_walk *walk,
                     struct why *why)
{
    uint64_t seq = (uint64_t)sqlite3_column_int64(row, COL_SEQ);
    uint32_t sales = (uint32_t)sqlite3_column_int64(row, COL_SALES);
    struct str data;

    if (!walk->wants(walk->arg, sqlite3_column_int64(row, COL_FIRST),
                     sqlite3_column_int64(row, COL_LAST)))
        return ERR_OK;
    data = column_str(row, COL_DATA);
    if (values_ledger_crc(crc, seq, sales, data) != (uint64_t)sqlite3_column_int64(row, COL_CRC))
        return why_set(why, ERR_DAMAGED,
                       "ledger row %llu is damaged (its checksum does not fit): restore a copy of "
                       "the database",
                       (unsigned long long)seq);
    return walk->take(walk->arg, data);
}

enum err chunks_each(sqlite3 *db, uint64_t before_seq, const struct ledger_walk *walk,
                     struct why *why)
{
    sqlite3_stmt *statement = NULL;
    struct crc_table crc;
    bool row = false;
    struct binder b;
    enum err e = sql_prepare(db,
                             "SELECT seq, first_ms, last_ms, sales, crc32, data FROM ledger WHERE"
                             " seq < ? AND first_ms < ? AND last_ms >= ? ORDER BY seq",
                             &statement, why);

    if (e)
        return e;
    crc_init(&crc);
    b = bind_to(statement);
    bind_whole(&b, before_seq > INT64_MAX ? INT64_MAX : (int64_t)before_seq);
    bind_whole(&b, walk->to_ms);
    bind_whole(&b, walk->from_ms);
    e = b.rc ? sql_fail(db, b.rc, why) : sql_next(statement, &row, why);
    while (!e && row) {
        e = take(statement, &crc, walk, why);
        if (!e)
            e = sql_next(statement, &row, why);
    }
    (void)sqlite3_finalize(statement);
    return e;
}
