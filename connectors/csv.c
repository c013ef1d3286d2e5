/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * csv: the codec of CSV with a header (RFC 4180 and what people make of it).
 *
 * The idea: the header line (csv_header.c) tells separator, line ends and columns; each row
 * (csv_row.c) is split into the record's fields by column. Empty lines mean nothing. A row
 * with more fields than the header, or with fewer than the required columns need, is a
 * reject.
 *
 * A quote that is never closed would swallow the rows after it, up to the next quote of some
 * other row, and might even look like a good row then. So a row that goes over several lines
 * must be in order: if its quotes do not close within max_record (or before the end), if text
 * follows a closing quote, or if the number of fields is wrong, only its first line is the
 * reject, and reading goes on at the second line. A longer line than max_record is one
 * reject.
 *
 * Stored: the header line, separator and line end, so that reading goes on in the middle.
 *
 * Invariants:
 *   (1) What is decided depends on the bytes alone, never on how they were cut into stretches.
 *   (2) After a failed decode the codec and `out` are as before (but for memory).
 *   (3) With in->last everything is consumed, unless max_sales stops it.
 */
#include "connectors/csv_parts.h"

#include <stdlib.h>

/* Where the codec is. */
struct place {
    bool skip; /* to the end of a line that is too long */
    bool utf8; /* there was a byte order mark: the encoding setting is moot */
};

struct codec {
    struct codec_fields fields;
    struct place place;
    char separator; /* as configured; 0: from the header */
    struct csv_layout layout;
    struct buf header; /* the header line, UTF-8; empty: not seen yet */
    struct codec_record record;
};

/* One call of decode. */
struct run {
    struct codec *c;
    const char *base, *p, *end;
    uint64_t offset; /* of base */
    bool last;
    bool wait; /* more bytes are needed */
    struct sales *out;
    struct csv_cursor cursor;
};

static uint64_t offset_of(const struct run *r)
{
    return r->offset + (uint64_t)(r->p - r->base);
}

static size_t left(const struct run *r)
{
    return (size_t)(r->end - r->p);
}

/* ---- the header ---- */

static enum err learn(struct codec *c, struct str line, struct why *why)
{
    struct csv_layout layout = c->layout;
    struct codec_record record;
    layout.separator = c->separator;
    enum err e = csv_header_read(&layout, &c->fields, line, &record, why);
    if (e) {
        return e;
    }
    c->layout = layout;
    c->record = record;
    return ERR_OK;
}

static enum err keep_header(struct codec *c, struct str line, struct why *why)
{
    size_t room = c->fields.latin1 ? 2 * line.n : line.n;
    enum err e = buf_reserve(&c->header, room + 1);
    if (e) {
        return e;
    }
    memcpy(c->header.p, line.p, line.n);
    c->header.n = line.n;
    if (c->fields.latin1) {
        c->header.n = codec_latin1(line, c->header.p);
    }
    e = learn(c, (struct str){c->header.p, c->header.n}, why);
    if (e) {
        c->header.n = 0;
    }
    return e;
}

static enum err header(struct run *r, struct why *why)
{
    struct codec *c = r->c;
    size_t n, ending;
    while (r->p < r->end && (*r->p == '\n' || *r->p == '\r')) {
        r->p++;
    }
    if (r->p == r->end) {
        r->wait = true;
        return ERR_OK;
    }
    enum err e = csv_header_line(&c->layout, (struct str){r->p, left(r)}, r->last, &n, &ending);
    size_t max = c->fields.max_record;
    if (n > max) {
        return why_set(why, ERR_INVALID,
                       "no line end in the first %zu bytes, so this is no CSV with a header", max);
    }
    r->wait = e == ERR_AGAIN;
    if (!e) {
        e = keep_header(c, (struct str){r->p, n}, why);
        r->p += e ? 0 : n + ending;
    }
    return r->wait ? ERR_OK : e;
}

/* ---- rows ---- */

/* The row is done with: go on at `next`, where the cursor stands already. */
static enum err reject(struct run *r, const char *end, const char *next, const char *reason)
{
    enum err e =
        sales_reject(r->out, offset_of(r), (struct str){r->p, (size_t)(end - r->p)}, "%s", reason);
    r->p = e ? r->p : next;
    return e;
}

/* Rejects the first line of a row whose quotes are not in order. */
static enum err reject_line(struct run *r, const char *line_end, const char *reason)
{
    bool crlf = line_end > r->p && *line_end == '\n' && line_end[-1] == '\r';
    enum err e = reject(r, line_end - crlf, line_end + 1, reason);
    csv_row_seek(&r->cursor, r->p);
    return e;
}

/* A row longer than max_record. */
static enum err reject_long(struct run *r, const struct csv_row *row)
{
    size_t max = r->c->fields.max_record;
    if (row->first_line && (size_t)(row->first_line - r->p) <= max) {
        return reject_line(r, row->first_line, "a quote is not closed within max_record");
    }
    enum err e = sales_reject(r->out, offset_of(r), (struct str){r->p, max},
                              "longer than max_record, %zu bytes", max);
    if (!e) {
        r->c->place.skip = true;
        r->p += max;
        csv_row_seek(&r->cursor, r->p);
    }
    return e;
}

/* A row whose end is not there. */
static enum err cut_short(struct run *r, const struct csv_row *row)
{
    if (left(r) > r->c->fields.max_record + 1) { /* one more: it may be the CR of a CRLF */
        return reject_long(r, row);
    }
    if (!r->last) {
        r->wait = true;
        return ERR_OK;
    }
    if (row->first_line) {
        return reject_line(r, row->first_line, "a quote is not closed");
    }
    return reject(r, r->end, r->end, "a quote is not closed");
}

/* Takes the quotes of texts away that still have them. */
static enum err unquote(struct run *r, unsigned quoted)
{
    for (unsigned role = 0; role < CODEC_ROLES; role++) {
        struct str *text = &r->c->record.text[role];
        if ((quoted >> role & 1) == 0) {
            continue;
        }
        char *to = sales_text(r->out, text->n);
        if (!to) {
            return ERR_NOMEM;
        }
        *text = (struct str){to, csv_row_unquote(*text, to)};
    }
    return ERR_OK;
}

static enum err wrong_count(struct run *r, const struct csv_row *row)
{
    enum err e = sales_reject(r->out, offset_of(r), (struct str){r->p, (size_t)(row->end - r->p)},
                              "the row has %zu field%s, the header %zu", row->n_fields,
                              row->n_fields == 1 ? "" : "s", r->c->layout.n_columns);
    r->p = e ? r->p : row->next;
    return e;
}

/* A row that needs a second look: see `plain` below. */
static enum err unusual(struct run *r, const struct csv_row *row)
{
    const struct csv_layout *l = &r->c->layout;
    if ((size_t)(row->end - r->p) > r->c->fields.max_record) {
        return reject_long(r, row);
    }
    if (row->end == r->p) {
        r->p = row->next;
        return ERR_OK;
    }
    bool count = row->n_fields >= l->needed && row->n_fields <= l->n_columns;
    if (row->first_line && (row->loose || row->n_fields != l->n_columns)) {
        return reject_line(r, row->first_line, "a quote is not closed in its field");
    }
    if (!count) {
        return wrong_count(r, row);
    }
    enum err e = unquote(r, row->quoted);
    if (!e) {
        struct str raw = {r->p, (size_t)(row->end - r->p)};
        e = codec_add(&r->c->fields, &r->c->record, raw, offset_of(r), r->out);
    }
    r->p = e ? r->p : row->next;
    return e;
}

static enum err one_row(struct run *r)
{
    struct codec *c = r->c;
    struct csv_row row;
    if (!csv_row_read(&r->cursor, &c->layout, r->p, &c->record, &row)) {
        return cut_short(r, &row);
    }
    size_t n = (size_t)(row.end - r->p);
    bool plain = row.n_fields == c->layout.n_columns && !row.quoted && !row.first_line && n > 0 &&
                 n <= c->fields.max_record;
    if (!plain) {
        return unusual(r, &row);
    }
    enum err e = codec_add(&c->fields, &c->record, (struct str){r->p, n}, offset_of(r), r->out);
    r->p = e ? r->p : row.next;
    return e;
}

/* ---- the codec ---- */

static void skip_long(struct run *r)
{
    const struct csv_layout *l = &r->c->layout;
    while (r->p < r->end && *r->p != '\n' && !(*r->p == '\r' && l->cr)) {
        r->p++;
    }
    r->c->place.skip = r->p == r->end;
    csv_row_seek(&r->cursor, r->p);
}

static enum err rows(struct run *r, size_t max, struct why *why)
{
    size_t before = r->out->n + r->out->n_rejects;
    enum err e = ERR_OK;
    if (r->c->header.n == 0 && max > 0) {
        e = header(r, why);
    }
    csv_row_seek(&r->cursor, r->p);
    while (!e && !r->wait && r->p < r->end && r->out->n + r->out->n_rejects - before < max) {
        if (r->c->place.skip) {
            skip_long(r);
            continue;
        }
        e = one_row(r);
    }
    return e;
}

static enum err csv_decode(struct codec *c, const struct stretch *in, size_t max_sales,
                           struct sales *out, size_t *consumed, struct why *why)
{
    size_t mark, n = out->n, n_rejects = out->n_rejects, header = c->header.n;
    struct place before = c->place;
    *consumed = 0;
    if (in->bytes.n == 0) {
        return ERR_OK;
    }
    enum err e = codec_mark(in, &mark, why);
    if (e) {
        return e == ERR_AGAIN ? ERR_OK : e;
    }
    if (mark) {
        c->place.utf8 = true;
        c->fields.latin1 = false;
    }
    struct run r = {.c = c,
                    .base = in->bytes.p,
                    .p = in->bytes.p + mark,
                    .end = in->bytes.p + in->bytes.n,
                    .offset = in->offset,
                    .last = in->last,
                    .out = out};
    r.cursor.end = r.end;
    r.cursor.last = r.last;
    r.cursor.max = c->fields.max_record;
    e = rows(&r, max_sales, why);
    if (e) {
        out->n = n;
        out->n_rejects = n_rejects;
        c->place = before;
        c->header.n = header;
        return e;
    }
    *consumed = (size_t)(r.p - r.base);
    return ERR_OK;
}

static enum err csv_open(const struct settings *settings, struct codec **out, struct why *why)
{
    struct codec *c = calloc(1, sizeof(*c));
    if (!c) {
        return ERR_NOMEM;
    }
    enum err e = codec_fields_open(&c->fields, settings, why);
    if (e) {
        free(c);
        return e;
    }
    const char *separator = settings->csv_separator;
    if (strcmp(separator, "auto") != 0) {
        c->separator = separator[0];
    }
    buf_init(&c->header, 2 * c->fields.max_record + 1);
    *out = c;
    return ERR_OK;
}

static void csv_close(struct codec *c)
{
    if (c) {
        buf_clear(&c->header);
        codec_fields_close(&c->fields);
        free(c);
    }
}

static enum err csv_save(const struct codec *c, struct buf *out)
{
    enum err e = buf_reserve(out, c->header.n + 16);
    e = e ? e : buf_u8(out, c->place.skip);
    e = e ? e : buf_u8(out, c->place.utf8);
    e = e ? e : buf_u8(out, (uint8_t)c->layout.separator);
    e = e ? e : buf_u8(out, c->layout.cr);
    return e ? e : buf_bytes(out, (struct str){c->header.p, c->header.n});
}

static enum err load_header(struct codec *c, struct str line, char separator, struct why *why)
{
    char configured = c->separator;
    enum err e = buf_str(&c->header, line);
    c->separator = separator;
    e = e ? e : learn(c, line, why);
    c->separator = configured;
    if (e) {
        c->header.n = 0;
    }
    return e;
}

static enum err csv_load(struct codec *c, struct reader *in, struct why *why)
{
    uint8_t skip = read_u8(in);
    uint8_t utf8 = read_u8(in);
    uint8_t separator = read_u8(in);
    uint8_t cr = read_u8(in);
    struct str line = read_bytes(in);
    bool strange = skip > 1 || utf8 > 1 || cr > 1 || (line.n > 0 && separator == 0);
    if (in->bad || strange) {
        return why_set(why, ERR_DAMAGED, "the stored CSV header is damaged");
    }
    enum err e = line.n ? load_header(c, line, (char)separator, why) : ERR_OK;
    if (e) {
        return e;
    }
    c->layout.cr = cr;
    c->place = (struct place){skip, utf8};
    c->fields.latin1 = c->fields.latin1 && !utf8;
    return ERR_OK;
}

const struct codec_kind codec_csv = {
    .name = "csv",
    .open = csv_open,
    .close = csv_close,
    .decode = csv_decode,
    .save = csv_save,
    .load = csv_load,
};
