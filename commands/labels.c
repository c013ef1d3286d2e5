/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * labels: see the header. RFC 4180, lines ending in LF or CRLF, a byte order mark skipped;
 * columns that are not asked for are passed over.
 */
#include "commands/labels.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define FILE_BYTES_MAX ((size_t)256 << 20)
#define TEXT_BYTES_MAX ((size_t)1 << 30)
#define CHUNK 65536

enum column { INVOICE, TYPE, EVENT, COLUMNS };

void labels_init(struct labels *l)
{
    list_init(&l->list, sizeof(struct label));
    buf_init(&l->text, TEXT_BYTES_MAX);
}

void labels_clear(struct labels *l)
{
    list_clear(&l->list);
    buf_clear(&l->text);
}

struct str labels_str(const struct label *l, struct span at)
{
    return (struct str){at.n ? l->text->p + at.at : "", at.n};
}

/* ---- CSV ---- */

struct csv {
    const char *p, *end;
    struct buf field; /* the last one read, without its quotes */
    int line;
    bool last_of_row;
};

/* What stands in quotes, from behind the first one on. */
static enum err read_quoted(struct csv *c)
{
    enum err e = ERR_OK;

    for (; !e && c->p < c->end; c->p++) {
        if (*c->p == '"' && (c->p + 1 == c->end || c->p[1] != '"'))
            break;
        c->p += *c->p == '"';
        c->line += *c->p == '\n';
        e = buf_u8(&c->field, (uint8_t)*c->p);
    }
    c->p += !e && c->p < c->end;
    return e;
}

static bool is_line_end(const struct csv *c)
{
    return *c->p == '\n' || (*c->p == '\r' && c->p + 1 < c->end && c->p[1] == '\n');
}

/* The next field into c->field; p then stands behind it and its comma or line end. */
static enum err read_field(struct csv *c)
{
    enum err e = ERR_OK;

    c->field.n = 0;
    if (c->p < c->end && *c->p == '"') {
        c->p++;
        e = read_quoted(c);
    }
    for (; !e && c->p < c->end && *c->p != ',' && !is_line_end(c); c->p++)
        e = buf_u8(&c->field, (uint8_t)*c->p);
    c->last_of_row = c->p == c->end || *c->p != ',';
    if (c->p < c->end && *c->p == '\r')
        c->p++;
    if (c->p < c->end) {
        c->line += *c->p == '\n';
        c->p++;
    }
    return e;
}

static int column_of(struct str name)
{
    static const struct {
        const char *name;
        enum column column;
    } known[] = {
        {"InvoiceNo", INVOICE}, {"Invoice", INVOICE}, {"invoice", INVOICE},
        {"type", TYPE},         {"event", EVENT},
    };

    for (size_t i = 0; i < countof(known); i++) {
        if (str_eq(name, str_of(known[i].name)))
            return (int)known[i].column;
    }
    return -1;
}

/* Which field each column is, -1: there is none. */
static enum err read_header(struct csv *c, int *at)
{
    enum err e = ERR_OK;

    c->last_of_row = false;
    for (int i = 0; i < COLUMNS; i++)
        at[i] = -1;
    for (int i = 0; !e && !c->last_of_row; i++) {
        e = read_field(c);
        int column = column_of((struct str){c->field.p, c->field.n});
        if (!e && column >= 0 && at[column] < 0)
            at[column] = i;
    }
    return e;
}

static enum err keep(struct labels *l, const struct csv *c, struct span *out)
{
    *out = (struct span){(uint32_t)l->text.n, (uint32_t)c->field.n};
    return buf_add(&l->text, c->field.p, c->field.n);
}

static enum err read_row(struct labels *l, struct csv *c, const int *at)
{
    struct label row = {.text = &l->text};
    enum err e = ERR_OK;

    c->last_of_row = false;
    for (int i = 0; !e && !c->last_of_row; i++) {
        e = read_field(c);
        if (!e && i == at[INVOICE])
            e = keep(l, c, &row.invoice);
        else if (!e && i == at[TYPE])
            e = keep(l, c, &row.type);
        else if (!e && i == at[EVENT])
            e = keep(l, c, &row.event);
    }
    if (!e && row.invoice.n > 0 && !list_put(&l->list, &row))
        e = ERR_NOMEM;
    return e;
}

enum err labels_csv(struct labels *l, struct str csv, const char *origin, struct why *why)
{
    bool mark = csv.n >= 3 && memcmp(csv.p, "\xEF\xBB\xBF", 3) == 0;
    struct csv c = {.p = csv.p + (mark ? 3 : 0), .end = csv.p + csv.n, .line = 1};
    int at[COLUMNS];
    enum err e;

    buf_init(&c.field, TEXT_BYTES_MAX);
    e = read_header(&c, at);
    if (!e && at[INVOICE] < 0)
        e = why_set(why, ERR_INVALID,
                    "%s: the first line names no column InvoiceNo: write InvoiceNo,type there",
                    origin);
    while (!e && c.p < c.end)
        e = read_row(l, &c, at);
    buf_clear(&c.field);
    if (e && e != ERR_INVALID)
        (void)why_set(why, e, "%s:%d: %s", origin, c.line, err_text(e));
    return e;
}

/* ---- files ---- */

static enum err read_all(FILE *file, struct buf *out)
{
    size_t n = 1;
    enum err e = ERR_OK;

    while (!e && n > 0) {
        e = buf_reserve(out, CHUNK);
        n = e ? 0 : fread(out->p + out->n, 1, CHUNK, file);
        out->n += n;
    }
    return e || !ferror(file) ? e : ERR_IO;
}

enum err labels_file(struct labels *l, const char *path, struct why *why)
{
    FILE *file = fopen(path, "rb");
    struct buf text;
    enum err e;

    if (!file)
        return why_set(why, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "%s: %s", path,
                       strerror(errno));
    buf_init(&text, FILE_BYTES_MAX);
    e = read_all(file, &text);
    if (e)
        (void)why_set(why, e, "%s could not be read: %s", path,
                      e == ERR_IO ? strerror(errno) : err_text(e));
    else
        e = labels_csv(l, (struct str){text.n ? text.p : "", text.n}, path, why);
    (void)fclose(file);
    buf_clear(&text);
    return e;
}

/* ---- finding ---- */

static int by_invoice(const void *a, const void *b)
{
    const struct label *x = a;
    const struct label *y = b;
    int c = str_cmp(labels_str(x, x->invoice), labels_str(y, y->invoice));

    /* Texts were added in order. */
    return c ? c : (x->invoice.at > y->invoice.at) - (x->invoice.at < y->invoice.at);
}

void labels_sort(struct labels *l)
{
    struct label *all = (struct label *)(void *)l->list.p;
    size_t n = 0;

    if (l->list.n == 0)
        return;
    qsort(all, l->list.n, sizeof(*all), by_invoice);
    for (size_t i = 0; i < l->list.n; i++) {
        struct str name = labels_str(&all[i], all[i].invoice);

        if (n == 0 || !str_eq(labels_str(&all[n - 1], all[n - 1].invoice), name))
            all[n++] = all[i];
    }
    l->list.n = n;
}

const struct label *labels_find(const struct labels *l, struct str invoice)
{
    size_t low = 0, high = l->list.n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct label *at = list_at(&l->list, middle);
        int c = str_cmp(labels_str(at, at->invoice), invoice);

        if (c == 0)
            return at;
        if (c < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}
