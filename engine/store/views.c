/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * views: the public views over the base tables.
 *
 * A view is a table of columns: what they are called and what they are made of. Amounts and
 * times come out in two fixed ways:
 *
 *   amount  x / 1000000.0: the double nearest to the decimal
 *   time    text YYYY-MM-DDTHH:MM:SSZ, rounded down; since division truncates, a time before
 *           1970 is moved down first
 *
 * `aggregates` is one SELECT per series, united. Window and dimension are constants of each
 * part, so a condition on them costs the parts that fail it nothing; the name of a series is
 * quoted by doubling quotes, since people choose it. SQLite accepts at most 500 parts in one
 * union: more are grouped.
 *
 * Plain SQLite only: no extension, no mathematical function, so that any SQLite shell or
 * library can read them.
 */
#include "engine/store/views.h"
#include "engine/store/schema.h"

#define VIEWS_GROUP 250 /* parts of a union; SQLite's limit is 500 */

enum shape { AS_IS, AMOUNT, TIME_S, TIME_MS };

struct column {
    const char *name;
    enum shape shape;
    const char *from; /* an SQL expression */
};

struct view {
    const char *name;
    const char *from;         /* FROM and what follows */
    struct column column[24]; /* ends with name NULL */
};

static const struct view views[] = {
    {"source_name",
     "source s",
     {{"id", AS_IS, "s.id"},
      {"source", AS_IS,
       "CASE WHEN s.generation > 1 THEN s.path || '#' || s.generation ELSE s.path END"}}},
    {"invoices",
     "invoice i LEFT JOIN \"key\" c ON c.id = i.customer LEFT JOIN \"key\" n ON n.id = i.country"
     " LEFT JOIN verdict v ON v.invoice = i.id",
     {{"invoice", AS_IS, "i.text"},
      {"customer", AS_IS, "c.text"},
      {"country", AS_IS, "n.text"},
      {"first_time", TIME_MS, "i.first_ms"},
      {"last_time", TIME_MS, "i.last_ms"},
      {"lines", AS_IS, "i.lines"},
      {"units", AS_IS, "i.units"},
      {"revenue", AMOUNT, "i.revenue"},
      {"revenue_micros", AS_IS, "i.revenue"},
      {"n_customers", AS_IS, "i.n_customers"},
      {"n_countries", AS_IS, "i.n_countries"},
      {"score", AS_IS, "v.score"},
      {"flagged", AS_IS, "coalesce(v.flagged, 0)"},
      {"cancels", AS_IS, "(SELECT o.text FROM invoice o WHERE o.id = v.cancels)"},
      {"cancelled_by", AS_IS,
       "(SELECT o.text FROM verdict w JOIN invoice o ON o.id = w.invoice"
       " WHERE w.cancels = i.id ORDER BY w.invoice LIMIT 1)"}}},
    {"customers",
     "customer t JOIN \"key\" c ON c.id = t.\"key\" LEFT JOIN \"key\" n ON n.id = t.country"
     " WHERE t.\"key\" <> 0",
     {{"customer", AS_IS, "c.text"},
      {"country", AS_IS, "n.text"},
      {"first_time", TIME_MS, "t.first_ms"},
      {"last_time", TIME_MS, "t.last_ms"},
      {"lines", AS_IS, "t.lines"},
      {"invoices", AS_IS, "t.invoices"},
      {"units", AS_IS, "t.units"},
      {"revenue", AMOUNT, "t.revenue"},
      {"revenue_micros", AS_IS, "t.revenue"},
      {"return_revenue", AMOUNT, "t.return_revenue"},
      {"flagged", AS_IS,
       "(SELECT count(*) FROM anomaly a WHERE a.customer = t.\"key\" AND a.kind = 'invoice'"
       " AND a.state < 2)"},
      {"return_revenue_micros", AS_IS, "t.return_revenue"}}},
    {"anomalies",
     "anomaly a LEFT JOIN invoice i ON i.id = a.invoice"
     " LEFT JOIN \"key\" c ON c.id = a.customer LEFT JOIN \"key\" n ON n.id = a.country"
     " LEFT JOIN feedback f ON f.invoice = a.invoice",
     {{"id", AS_IS, "a.id"},
      {"kind", AS_IS, "a.kind"},
      {"subject", AS_IS, "a.subject"},
      {"state", AS_IS,
       "CASE a.state WHEN 0 THEN 'provisional' WHEN 1 THEN 'final' ELSE 'withdrawn' END"},
      {"time", TIME_MS, "a.time_ms"},
      {"invoice", AS_IS, "i.text"},
      {"customer", AS_IS, "c.text"},
      {"country", AS_IS, "n.text"},
      {"revenue", AMOUNT, "a.revenue"},
      {"score", AS_IS, "a.score"},
      {"p_value", AS_IS, "a.p_value"},
      {"rank_reason", AS_IS, "a.rank_reason"},
      {"reasons", AS_IS, "a.reasons"},
      {"text", AS_IS, "a.text"},
      {"feedback", AS_IS, "nullif(f.said, '')"},
      {"feedback_by", AS_IS, "f.said_by"},
      {"feedback_at", TIME_MS, "f.said_ms"}}},
    {"forecasts",
     "forecast f LEFT JOIN \"key\" k ON k.id = f.\"key\"",
     {{"dimension", AS_IS, "f.dimension"},
      {"key", AS_IS, "CASE WHEN f.dimension IN ('all', 'rest') THEN '*' ELSE k.text END"},
      {"measure", AS_IS, "f.measure"},
      {"horizon", AS_IS, "f.horizon"},
      {"window_start", TIME_S, "f.window_s"},
      {"made_at", TIME_MS, "f.made_ms"},
      {"predicted", AS_IS, "f.predicted"},
      {"lower", AS_IS, "f.lower"},
      {"upper", AS_IS, "f.upper"},
      {"actual", AS_IS, "f.actual"},
      {"week_ago", AS_IS, "f.week_ago"},
      {"holt_winters", AS_IS, "f.holt_winters"}}},
    {"rejects",
     "reject r LEFT JOIN source_name s ON s.id = r.source",
     {{"source", AS_IS, "s.source"},
      {"shard", AS_IS, "r.shard"},
      {"position", AS_IS, "r.position"},
      {"reason", AS_IS, "r.reason"},
      {"raw", AS_IS, "r.raw"},
      {"seen_at", TIME_MS, "r.seen_ms"}}},
    {"late",
     "late_sale l LEFT JOIN source_name s ON s.id = l.source",
     {{"source", AS_IS, "s.source"},
      {"shard", AS_IS, "l.shard"},
      {"position", AS_IS, "l.position"},
      {"reason", AS_IS, "l.reason"},
      {"event_time", TIME_MS, "l.event_ms"},
      {"window_start", TIME_S, "l.slice_s"},
      {"record", AS_IS, "l.record"},
      {"merged_at", TIME_MS, "l.merged_ms"},
      {"seen_at", TIME_MS, "l.seen_ms"}}},
    {"progress",
     "shard p LEFT JOIN source_name s ON s.id = p.source",
     {{"source", AS_IS, "s.source"},
      {"shard", AS_IS, "p.shard"},
      {"position", AS_IS, "p.position"},
      {"read", AS_IS, "p.read"},
      {"aggregated", AS_IS, "p.aggregated"},
      {"late", AS_IS, "p.late"},
      {"rejected", AS_IS, "p.rejected"},
      {"pending", AS_IS, "p.pending"},
      {"duplicates", AS_IS, "p.duplicates"},
      {"watermark", TIME_MS, "p.watermark_ms"},
      {"millis_behind", AS_IS, "p.millis_behind"},
      {"updated_at", TIME_MS, "p.updated_ms"}}},
};

/* The columns of `aggregates` between window_end and final, of a row r. */
static const struct column measures[] = {
    {"lines", AS_IS, "r.lines"},
    {"invoices", AS_IS, "r.invoices"},
    {"customers", AS_IS, "r.customers"},
    {"units", AS_IS, "r.units"},
    {"revenue", AMOUNT, "r.revenue"},
    {"revenue_micros", AS_IS, "r.revenue"},
    {"return_lines", AS_IS, "r.return_lines"},
    {"return_units", AS_IS, "r.return_units"},
    {"return_revenue", AMOUNT, "r.return_revenue"},
    {"return_revenue_micros", AS_IS, "r.return_revenue"},
    {"min_line", AMOUNT, "coalesce(r.min, r.revenue)"},
    {"max_line", AMOUNT, "coalesce(r.max, r.revenue)"},
    {"mean_line", AS_IS, "r.revenue / 1000000.0 / r.lines"},
    {"sd_line", AS_IS, "r.sd"},
    {"p50_line", AMOUNT, "coalesce(r.p50, r.revenue)"},
    {"p90_line", AMOUNT, "coalesce(r.p90, r.revenue)"},
    {"p99_line", AMOUNT, "coalesce(r.p99, r.revenue)"},
    {NULL, AS_IS, NULL},
};

static const struct column no_measures[] = {
    {"window_start", AS_IS, "''"},
    {"window_end", AS_IS, "''"},
    {"lines", AS_IS, "0"},
    {"invoices", AS_IS, "0"},
    {"customers", AS_IS, "0"},
    {"units", AS_IS, "0"},
    {"revenue", AS_IS, "0.0"},
    {"revenue_micros", AS_IS, "0"},
    {"return_lines", AS_IS, "0"},
    {"return_units", AS_IS, "0"},
    {"return_revenue", AS_IS, "0.0"},
    {"return_revenue_micros", AS_IS, "0"},
    {"min_line", AS_IS, "0.0"},
    {"max_line", AS_IS, "0.0"},
    {"mean_line", AS_IS, "0.0"},
    {"sd_line", AS_IS, "0.0"},
    {"p50_line", AS_IS, "0.0"},
    {"p90_line", AS_IS, "0.0"},
    {"p99_line", AS_IS, "0.0"},
    {NULL, AS_IS, NULL},
};

static void add_columns(sqlite3_str *sql, const struct column *c)
{
    static const char *const shapes[] = {
        [AS_IS] = "%s%s AS \"%s\"",
        [AMOUNT] = "%s%s / 1000000.0 AS \"%s\"",
        [TIME_S] = "%sstrftime('%%Y-%%m-%%dT%%H:%%M:%%SZ', %s, 'unixepoch') AS \"%s\"",
        [TIME_MS] = ("%sstrftime('%%Y-%%m-%%dT%%H:%%M:%%SZ', (%s - (%s < 0) * 999) / 1000,"
                     " 'unixepoch') AS \"%s\""),
    };

    for (int i = 0; c[i].name; i++) {
        const char *comma = i ? ", " : "";

        if (c[i].shape == TIME_MS)
            sqlite3_str_appendf(sql, shapes[TIME_MS], comma, c[i].from, c[i].from, c[i].name);
        else
            sqlite3_str_appendf(sql, shapes[c[i].shape], comma, c[i].from, c[i].name);
    }
}

/* Runs the text that was put together. */
static enum err run_text(sqlite3 *db, sqlite3_str *sql, struct why *why)
{
    char *text = sqlite3_str_finish(sql);
    enum err e =
        text ? sql_exec(db, text, why) : why_set(why, ERR_NOMEM, "out of memory making the views");

    sqlite3_free(text);
    return e;
}

enum err views_create(sqlite3 *db, struct why *why)
{
    sqlite3_str *sql = sqlite3_str_new(db);

    for (size_t i = 0; i < countof(views); i++) {
        sqlite3_str_appendf(sql, "CREATE VIEW %s AS SELECT ", views[i].name);
        add_columns(sql, views[i].column);
        sqlite3_str_appendf(sql, " FROM %s;", views[i].from);
    }
    return run_text(db, sql, why);
}

/* ---- aggregates ---- */

/* The one key of the dimension "all" is called "*", whatever number it is stored under. */
static bool is_all(const char *dimension)
{
    return strcmp(dimension, "all") == 0;
}

struct series_text {
    int id;
    bool newest, by_end;
    const char *window, *dimension;
    int64_t span_s;
};

static void add_names(sqlite3_str *sql, const char *window, const char *dimension, const char *key)
{
    sqlite3_str_appendf(sql, "SELECT %Q AS \"window\", %Q AS dimension, %s AS \"key\", ", window,
                        dimension, key);
}

static void add_history(sqlite3_str *sql, const struct series_text *t)
{
    static const char packed[] = "r.id >> 30";
    char end[80];
    struct column times[] = {{"window_start", TIME_S, t->by_end ? "r.end_s" : packed},
                             {"window_end", TIME_S, t->by_end ? packed : end},
                             {NULL, AS_IS, NULL}};

    (void)sqlite3_snprintf(sizeof(end), end, "coalesce(r.end_s, (r.id >> 30) + %lld)",
                           (long long)t->span_s);
    add_names(sql, t->window, t->dimension, is_all(t->dimension) ? "'*'" : "k.text");
    add_columns(sql, times);
    sqlite3_str_appendall(sql, ", ");
    add_columns(sql, measures);
    sqlite3_str_appendf(
        sql, ", r.state & 1 AS final, r.state >> 1 AS version FROM rows_%d r%s", t->id,
        is_all(t->dimension) ? "" : " JOIN \"key\" k ON k.id = (r.id & 1073741823)");
}

static void add_newest(sqlite3_str *sql, const struct series_text *t)
{
    static const struct column times[] = {{"window_start", TIME_S, "s.start_s"},
                                          {"window_end", TIME_S, "s.end_s"},
                                          {NULL, AS_IS, NULL}};

    add_names(sql, t->window, t->dimension, is_all(t->dimension) ? "'*'" : "k.text");
    add_columns(sql, times);
    sqlite3_str_appendall(sql, ", ");
    add_columns(sql, measures);
    sqlite3_str_appendf(sql,
                        ", (r.\"of\" = s.start_s) * (r.state & 1) AS final,"
                        " (r.\"of\" = s.start_s) * (r.state >> 1) AS version"
                        " FROM series s JOIN rows_%d r%s WHERE s.id = %d",
                        t->id, is_all(t->dimension) ? "" : " JOIN \"key\" k ON k.id = r.id", t->id);
}

static void add_nothing(sqlite3_str *sql)
{
    add_names(sql, "", "", "''");
    add_columns(sql, no_measures);
    sqlite3_str_appendall(sql, ", 0 AS final, 0 AS version WHERE 0");
}

/* Text with a NUL can't be quoted; the store refuses such names before they get here. */
static struct series_text series_of(sqlite3_stmt *statement)
{
    return (struct series_text){
        .id = sqlite3_column_int(statement, 0),
        .newest = sqlite3_column_int(statement, 3) != 0,
        .window = (const char *)sqlite3_column_text(statement, 1),
        .dimension = (const char *)sqlite3_column_text(statement, 2),
        .span_s = sqlite3_column_int64(statement, 4),
        .by_end = sqlite3_column_int(statement, 5) != 0,
    };
}

static enum err named(sqlite3 *db, const struct series_text *t, struct why *why)
{
    if (t->window && t->dimension)
        return ERR_OK;
    if (sqlite3_errcode(db) == SQLITE_NOMEM)
        return why_set(why, ERR_NOMEM, "out of memory making the view aggregates");
    return why_set(why, ERR_DAMAGED,
                   "the database's table of windows is damaged (series %d has no name): restore a "
                   "copy, or move it away and run the source again",
                   t->id);
}

/* Appends the n-th part. */
static void add_part(sqlite3_str *sql, const struct series_text *t, int n)
{
    if (n % VIEWS_GROUP == 0)
        sqlite3_str_appendall(sql, n ? ") UNION ALL SELECT * FROM (" : "SELECT * FROM (");
    else
        sqlite3_str_appendall(sql, " UNION ALL ");
    if (t->newest)
        add_newest(sql, t);
    else
        add_history(sql, t);
}

/* Appends the united parts of all series. */
static enum err add_parts(sqlite3 *db, sqlite3_str *sql, struct why *why)
{
    sqlite3_stmt *statement = NULL;
    bool row = false;
    int n = 0;
    enum err e = sql_prepare(db,
                             "SELECT id, \"window\", dimension, newest, span_s, by_end FROM series"
                             " ORDER BY id",
                             &statement, why);

    if (!e)
        e = sql_next(statement, &row, why);
    while (!e && row) {
        struct series_text t = series_of(statement);

        e = named(db, &t, why);
        if (!e)
            add_part(sql, &t, n++);
        if (!e)
            e = sql_next(statement, &row, why);
    }
    if (n)
        sqlite3_str_appendall(sql, ")");
    else
        add_nothing(sql);
    (void)sqlite3_finalize(statement);
    return e;
}

enum err views_series(sqlite3 *db, struct why *why)
{
    sqlite3_str *sql = sqlite3_str_new(db);
    enum err e;

    sqlite3_str_appendall(sql, "DROP VIEW IF EXISTS aggregates; CREATE VIEW aggregates AS ");
    e = add_parts(db, sql, why);
    if (!e)
        return run_text(db, sql, why);
    sqlite3_free(sqlite3_str_finish(sql));
    return e;
}
