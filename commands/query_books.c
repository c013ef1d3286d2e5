/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * query_books: `query customer` and `query invoice`: what is known since ever.
 *
 * A book is read from the view of each database, books of one name are added up, then ranked.
 * From a single database only as many as are shown are read. ISO times compare as texts.
 */
#include "commands/query.h"

#include "engine/when.h"

#include <stdlib.h>

#define TABLE_ROWS 100
#define TEXT_BYTES_MAX ((size_t)2 << 30)

/* One customer or invoice. The numbers are added when databases are merged, but for those
 * that count different customers and countries or say whether it is flagged: of these the
 * larger. */
enum {
    SUM_LINES,
    SUM_INVOICES,
    SUM_UNITS,
    SUM_REVENUE,
    SUM_RETURN,
    SUM_FLAGGED,
    MOST_CUSTOMERS,
    MOST_COUNTRIES,
    MOST_FLAGGED
};
enum { NUMBERS = MOST_FLAGGED + 1 };

struct book {
    const struct buf *text; /* what the names lie in */
    struct span name, customer, country, cancels, cancelled_by;
    struct value score; /* of an invoice that was judged */
    char first[WHEN_TEXT], last[WHEN_TEXT];
    int64_t number[NUMBERS];
    long double rank;
};

/* The select and the columns of one kind; the select gives name, customer, country, first,
 * last, cancels, cancelled by, score, then the numbers. */
struct shelf {
    const char *view, *name;
    const char *select;
    const struct print_column *columns;
    int n_columns;
    const int *at; /* per column: number, or one of the texts below */
    int measures;  /* bit i: may be ranked by number[i] */
};

enum {
    TEXT_NAME = -1,
    TEXT_CUSTOMER = -2,
    TEXT_COUNTRY = -3,
    TEXT_FIRST = -4,
    TEXT_LAST = -5,
    TEXT_CANCELS = -6,
    TEXT_CANCELLED_BY = -7,
    REAL_SCORE = -8
};

static const struct print_column customer_columns[] = {
    {.name = "customer"},
    {.name = "country", .rank = 1},
    {.name = "first_time", .rank = 3},
    {.name = "last_time", .rank = 2},
    {.name = "lines"},
    {.name = "invoices"},
    {.name = "units"},
    {.name = "revenue", .kind = PRINT_MONEY},
    {.name = "revenue_micros", .only_data = true},
    {.name = "return_revenue", .kind = PRINT_MONEY},
    {.name = "flagged", .rank = 4},
    {.name = "return_revenue_micros", .only_data = true},
};
static const int customer_at[] = {TEXT_NAME,   TEXT_COUNTRY, TEXT_FIRST,  TEXT_LAST,
                                  SUM_LINES,   SUM_INVOICES, SUM_UNITS,   SUM_REVENUE,
                                  SUM_REVENUE, SUM_RETURN,   SUM_FLAGGED, SUM_RETURN};
static const struct shelf customers = {
    .view = "customers",
    .name = "customer",
    .select = "SELECT customer, customer, country, first_time, last_time, NULL, NULL, NULL, lines,"
              " invoices, units, revenue_micros, return_revenue_micros, flagged, 0, 0, 0"
              " FROM customers",
    .columns = customer_columns,
    .n_columns = countof(customer_columns),
    .at = customer_at,
    .measures =
        1 << SUM_LINES | 1 << SUM_INVOICES | 1 << SUM_UNITS | 1 << SUM_REVENUE | 1 << SUM_RETURN,
};

static const struct print_column invoice_columns[] = {
    {.name = "invoice"},
    {.name = "customer"},
    {.name = "country", .rank = 1},
    {.name = "first_time"},
    {.name = "last_time", .rank = 4},
    {.name = "lines"},
    {.name = "units"},
    {.name = "revenue", .kind = PRINT_MONEY},
    {.name = "revenue_micros", .only_data = true},
    {.name = "n_customers", .rank = 8},
    {.name = "n_countries", .rank = 7},
    {.name = "score", .rank = 2},
    {.name = "flagged", .rank = 3},
    {.name = "cancels", .rank = 5},
    {.name = "cancelled_by", .rank = 6},
};
static const int invoice_at[] = {TEXT_NAME,    TEXT_CUSTOMER,  TEXT_COUNTRY,     TEXT_FIRST,
                                 TEXT_LAST,    SUM_LINES,      SUM_UNITS,        SUM_REVENUE,
                                 SUM_REVENUE,  MOST_CUSTOMERS, MOST_COUNTRIES,   REAL_SCORE,
                                 MOST_FLAGGED, TEXT_CANCELS,   TEXT_CANCELLED_BY};
static const struct shelf invoices = {
    .view = "invoices",
    .name = "invoice",
    .select = "SELECT invoice, customer, country, first_time, last_time, cancels, cancelled_by,"
              " score, lines, 1, units, revenue_micros, 0, 0, n_customers, n_countries, flagged"
              " FROM invoices",
    .columns = invoice_columns,
    .n_columns = countof(invoice_columns),
    .at = invoice_at,
    .measures = 1 << SUM_LINES | 1 << SUM_UNITS | 1 << SUM_REVENUE,
};

static const char *const measure_names[NUMBERS] = {
    [SUM_LINES] = "lines",     [SUM_INVOICES] = "invoices",     [SUM_UNITS] = "units",
    [SUM_REVENUE] = "revenue", [SUM_RETURN] = "return_revenue",
};
static const char *const measure_columns[NUMBERS] = {
    [SUM_LINES] = "lines DESC",
    [SUM_INVOICES] = "invoices DESC",
    [SUM_UNITS] = "units DESC",
    [SUM_REVENUE] = "revenue_micros DESC",
    [SUM_RETURN] = "return_revenue_micros ASC",
};

struct books {
    struct query *q;
    const struct shelf *shelf;
    int by;
    int64_t limit;
    struct list list; /* struct book */
    struct buf text;
    uint64_t total;
};

/* ---- reading ---- */

static enum err take_text(struct books *b, const struct value *v, struct span *out)
{
    struct str s = v->kind == VALUE_TEXT ? v->text : STR("");

    *out = (struct span){(uint32_t)b->text.n, (uint32_t)s.n};
    return b->text.n + s.n > UINT32_MAX ? ERR_LIMIT : buf_str(&b->text, s);
}

static void take_time(const struct value *v, char *out)
{
    size_t n = v->kind == VALUE_TEXT ? v->text.n : 0;

    n = n < WHEN_TEXT ? n : WHEN_TEXT - 1;
    memcpy(out, n ? v->text.p : "", n);
    out[n] = 0;
}

static enum err take_book(void *arg, int n, const char *const *names, const struct value *v)
{
    struct books *b = arg;
    struct book *book = list_add(&b->list);
    enum err e = book ? take_text(b, &v[0], &book->name) : ERR_NOMEM;

    (void)n;
    (void)names;
    e = e ? e : take_text(b, &v[1], &book->customer);
    e = e ? e : take_text(b, &v[2], &book->country);
    e = e ? e : take_text(b, &v[5], &book->cancels);
    e = e ? e : take_text(b, &v[6], &book->cancelled_by);
    if (e)
        return e;
    book->text = &b->text;
    take_time(&v[3], book->first);
    take_time(&v[4], book->last);
    book->score = v[7];
    for (int i = 0; i < NUMBERS; i++)
        book->number[i] = v[8 + i].whole;
    return ERR_OK;
}

static enum err take_total(void *arg, int n, const char *const *names, const struct value *v)
{
    (void)n;
    (void)names;
    *(uint64_t *)arg = (uint64_t)v[0].whole;
    return ERR_OK;
}

/* What the filters leave, as a WHERE clause; its parameters are always the same three. */
#define WHERE_NAME " WHERE (?1 IS NULL OR %s = ?1)"
#define WHERE_TIME " AND (?2 IS NULL OR first_time >= ?2) AND (?3 IS NULL OR first_time < ?3)"

static struct value time_value(bool given, int64_t s, char *out)
{
    if (!given)
        return (struct value){.kind = VALUE_NULL};
    (void)when_format(s * 1000, out);
    return query_text(out);
}

static enum err read_books(struct books *b, struct why *why)
{
    const struct query *q = b->q;
    char from[WHEN_TEXT];
    char to[WHEN_TEXT];
    struct value parameters[3] = {
        q->key ? query_text(q->key) : (struct value){.kind = VALUE_NULL},
        time_value(q->from_s != INT64_MIN, q->from_s, from),
        time_value(q->to_s != INT64_MAX, q->to_s, to),
    };
    char where[240];
    char sql[800];
    struct question ask = {.sql = sql, .parameters = parameters, .n_parameters = 3};
    bool some = q->n_dbs == 1 && b->limit > 0;
    enum err e = ERR_OK;

    (void)snprintf(where, sizeof(where), WHERE_NAME WHERE_TIME, b->shelf->name);
    if (some) {
        (void)snprintf(sql, sizeof(sql), "SELECT count(*) FROM %s%s", b->shelf->view, where);
        e = reader_db_ask(q->db[0], &ask, take_total, &b->total, why);
        (void)snprintf(sql, sizeof(sql), "%s%s ORDER BY %s, 1 LIMIT %lld", b->shelf->select, where,
                       measure_columns[b->by], (long long)b->limit);
    } else {
        (void)snprintf(sql, sizeof(sql), "%s%s", b->shelf->select, where);
    }
    for (int d = 0; !e && d < q->n_dbs; d++)
        e = reader_db_ask(q->db[d], &ask, take_book, b, why);
    return e;
}

/* ---- merging and ranking ---- */

static struct str name_of(const struct book *b)
{
    return (struct str){b->name.n ? b->text->p + b->name.at : "", b->name.n};
}

static int by_name(const void *a, const void *b)
{
    return str_cmp(name_of(a), name_of(b));
}

static int by_rank(const void *a, const void *b)
{
    const struct book *x = a;
    const struct book *y = b;

    if (x->rank != y->rank)
        return x->rank > y->rank ? -1 : 1;
    return by_name(a, b);
}

static void merge_book(struct book *into, const struct book *from)
{
    if (strcmp(from->last, into->last) > 0) {
        memcpy(into->last, from->last, sizeof(into->last));
        into->country = from->country;
    }
    if (strcmp(from->first, into->first) < 0) {
        memcpy(into->first, from->first, sizeof(into->first));
        into->customer = from->customer;
    }
    if (into->cancels.n == 0)
        into->cancels = from->cancels;
    if (into->cancelled_by.n == 0)
        into->cancelled_by = from->cancelled_by;
    if (into->score.kind == VALUE_NULL || from->score.real > into->score.real)
        into->score = from->score;
    for (int i = 0; i < MOST_CUSTOMERS; i++)
        query_add(&into->number[i], from->number[i]);
    for (int i = MOST_CUSTOMERS; i < NUMBERS; i++) {
        if (from->number[i] > into->number[i])
            into->number[i] = from->number[i];
    }
}

static void merge_books(struct books *b)
{
    struct book *all = (struct book *)(void *)b->list.p;
    size_t n = 0;

    if (b->list.n == 0)
        return;
    qsort(all, b->list.n, sizeof(*all), by_name);
    for (size_t i = 0; i < b->list.n; i++) {
        if (n > 0 && by_name(&all[n - 1], &all[i]) == 0)
            merge_book(&all[n - 1], &all[i]);
        else
            all[n++] = all[i];
    }
    b->list.n = n;
    for (size_t i = 0; i < n; i++)
        all[i].rank = b->by == SUM_RETURN ? -(long double)all[i].number[b->by]
                                          : (long double)all[i].number[b->by];
    qsort(all, n, sizeof(*all), by_rank);
}

/* ---- output ---- */

static struct value text_value(const struct book *b, struct span at)
{
    return (struct value){.kind = VALUE_TEXT, .text = {at.n ? b->text->p + at.at : "", at.n}};
}

static struct value known_value(const struct book *b, struct span at)
{
    return at.n ? text_value(b, at) : (struct value){.kind = VALUE_NULL};
}

static struct value book_value(const struct book *b, int at)
{
    switch (at) {
    case TEXT_NAME:
        return text_value(b, b->name);
    case TEXT_CUSTOMER:
        return text_value(b, b->customer);
    case TEXT_COUNTRY:
        return text_value(b, b->country);
    case TEXT_FIRST:
        return query_text(b->first);
    case TEXT_LAST:
        return query_text(b->last);
    case TEXT_CANCELS:
        return known_value(b, b->cancels);
    case TEXT_CANCELLED_BY:
        return known_value(b, b->cancelled_by);
    case REAL_SCORE:
        return b->score;
    default:
        return query_whole(b->number[at]);
    }
}

static enum err print_books(const struct books *b)
{
    struct print *print = NULL;
    struct value values[PRINT_COLUMNS_MAX];
    size_t n = b->list.n;
    enum err e = query_print(b->q, b->shelf->columns, b->shelf->n_columns, &print);

    if (b->limit > 0 && n > (size_t)b->limit)
        n = (size_t)b->limit;
    for (size_t i = 0; !e && i < n; i++) {
        const struct book *book = list_at(&b->list, i);

        for (int c = 0; c < b->shelf->n_columns; c++)
            values[c] = book_value(book, b->shelf->at[c]);
        e = print_row(print, values);
    }
    if (!e)
        e = print_end(print);
    print_close(print);
    if (!e)
        query_more(b->q, (b->total > b->list.n ? b->total : b->list.n) - n);
    return e;
}

static enum err choose_measure(struct books *b, struct why *why)
{
    b->by = SUM_REVENUE;
    for (int i = 0; b->q->by && i < NUMBERS; i++) {
        if (measure_names[i] && strcmp(measure_names[i], b->q->by) == 0)
            b->by = i;
    }
    if (b->q->by &&
        (strcmp(measure_names[b->by], b->q->by) != 0 || !(b->shelf->measures & 1 << b->by)))
        return why_set(why, ERR_USAGE, "query %s can't be ordered --by %s", b->shelf->name,
                       b->q->by);
    return ERR_OK;
}

static enum err answer(struct query *q, const struct shelf *shelf, struct why *why)
{
    struct books b = {.q = q, .shelf = shelf, .limit = query_limit(q, TABLE_ROWS)};
    enum err e;

    list_init(&b.list, sizeof(struct book));
    buf_init(&b.text, TEXT_BYTES_MAX);
    e = choose_measure(&b, why);
    e = e ? e : read_books(&b, why);
    if (!e)
        merge_books(&b);
    if (!e && q->key && b.list.n == 0)
        e = why_set(why, ERR_NOT_FOUND, "there is no %s \"%.64s\" in %s%s", shelf->name, q->key,
                    q->name[0], q->n_dbs > 1 ? " or the others" : "");
    e = e ? e : print_books(&b);
    list_clear(&b.list);
    buf_clear(&b.text);
    return e;
}

enum err query_customers(struct query *q, struct why *why)
{
    return answer(q, &customers, why);
}

enum err query_invoices(struct query *q, struct why *why)
{
    return answer(q, &invoices, why);
}
