/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * csv_row: splits a row of CSV (RFC 4180) into fields.
 *
 * The idea: four bytes matter: separator, quote, LF and CR. Their places are found 64 bytes
 * at a time as the bits of a mask (scan.h), and the row hops from bit to bit; bytes of fields
 * are not looked at. Fields stay where they are; only the few with quotes inside are copied,
 * later, if anybody needs them.
 *
 * As Python's csv module: a quote inside an unquoted field is an ordinary byte; text behind
 * a closing quote is appended, and further quotes in it are ordinary.
 *
 * A row ends at LF or CRLF; at CR alone in a file whose header does (l->cr), where LF ends it
 * too. A CR elsewhere is an ordinary byte.
 *
 * Invariants:
 *   (1) No byte at or after `end` is read.
 *   (2) Every mark before the one returned last has been passed: the cursor stands behind it.
 *   (3) c->odd covers all bytes of the row, perhaps some more.
 */
#include "connectors/csv_parts.h"

#include "connectors/scan.h"

void csv_row_seek(struct csv_cursor *c, const char *p)
{
    c->block = p;
    c->next = p;
    c->marks = 0;
    c->block_odd = 0;
}

/* Looks at the next block; false at the end. */
static bool load(struct csv_cursor *c, char separator)
{
    size_t n = (size_t)(c->end - c->next);
    char rest[64];
    const char *from = c->next;
    if (n == 0) {
        return false;
    }
    if (n < sizeof(rest)) {
        memset(rest, ' ', sizeof(rest));
        memcpy(rest, from, n);
        from = rest;
    }
    c->block_odd = 0;
    c->marks = scan_csv64(from, separator, &c->block_odd);
    if (n < sizeof(rest)) {
        c->marks &= (UINT64_C(1) << n) - 1;
    }
    c->odd |= c->block_odd;
    c->block = c->next;
    c->next += n < sizeof(rest) ? n : sizeof(rest);
    return true;
}

/* The next byte that matters; NULL if there is none. */
static inline const char *next_mark(struct csv_cursor *c, char separator)
{
    while (c->marks == 0) {
        if (!load(c, separator)) {
            return NULL;
        }
    }
    const char *mark = c->block + scan_first(c->marks);
    c->marks &= c->marks - 1;
    return mark;
}

/* Whether the mark ends a row. */
static inline bool ends_row(const struct csv_layout *l, const char *mark)
{
    return *mark == '\n' || (*mark == '\r' && l->cr);
}

/* A mark that ends a field outside of quotes, or NULL at the end of all bytes. */
static const char *field_end(struct csv_cursor *c, const struct csv_layout *l)
{
    const char *mark = next_mark(c, l->separator);
    while (mark && *mark != l->separator && !ends_row(l, mark)) {
        mark = next_mark(c, l->separator);
    }
    return mark;
}

/* The quote that closes a field opened at `open`, NULL if there is none. Notes whether quotes
 * stand inside, and where the first line ends. */
static const char *closing_quote(struct csv_cursor *c, const struct csv_layout *l, const char *open,
                                 bool *inner, struct csv_row *row)
{
    for (;;) {
        const char *mark = next_mark(c, l->separator);
        if (!mark || (size_t)(mark - open) > c->max) {
            return NULL;
        }
        bool quote = *mark == '"';
        bool doubled = quote && mark + 1 != c->end && mark[1] == '"';
        if (quote && !doubled) {
            return mark;
        }
        if (doubled) {
            next_mark(c, l->separator);
            *inner = true;
        } else if (ends_row(l, mark) && !row->first_line) {
            row->first_line = mark;
        }
    }
}

/* Whether the line that ends at `end` has a CR before its LF (or before the end of all). */
static inline bool has_cr(const char *from, const char *end, const char *mark)
{
    return end > from && end[-1] == '\r' && (!mark || *mark == '\n');
}

struct span {
    struct str text;
    const char *mark; /* behind it; NULL at the end of all bytes */
    bool as_is;       /* no quotes to take away */
};

/* Reads a quoted field; false if it does not end. */
static bool quoted(struct csv_cursor *c, const struct csv_layout *l, const char *open,
                   struct span *f, struct csv_row *row)
{
    bool inner = false;
    const char *close = closing_quote(c, l, open, &inner, row);
    if (!close) {
        return false;
    }
    f->mark = field_end(c, l);
    const char *end = f->mark ? f->mark : c->end;
    end -= has_cr(close + 1, end, f->mark);
    bool loose = end != close + 1;
    row->loose |= loose;
    f->as_is = !inner && !loose;
    f->text = (struct str){open, (size_t)(end - open)};
    if (f->as_is) {
        f->text = (struct str){open + 1, (size_t)(close - open) - 1};
    }
    return true;
}

/* Reads the field at `from`; false if it does not end. */
static inline bool field(struct csv_cursor *c, const struct csv_layout *l, const char *from,
                         struct span *f, struct csv_row *row)
{
    const char *mark = next_mark(c, l->separator);
    while (mark && ((*mark == '"' && mark != from) || (*mark == '\r' && !l->cr))) {
        mark = next_mark(c, l->separator);
    }
    if (mark && *mark == '"') {
        return quoted(c, l, from, f, row);
    }
    const char *end = mark ? mark : c->end;
    end -= has_cr(from, end, mark);
    *f = (struct span){{from, (size_t)(end - from)}, mark, true};
    return true;
}

/* Notes the end of the row; false if it is not known. */
static bool finish(const struct csv_cursor *c, const struct csv_layout *l, const char *p,
                   const char *mark, struct codec_record *r, struct csv_row *row)
{
    if (!mark && !c->last) {
        return false;
    }
    row->end = mark ? mark : c->end;
    row->end -= has_cr(p, row->end, mark);
    row->next = mark ? mark + 1 : c->end;
    for (size_t k = row->n_fields; k < l->n_columns; k++) {
        r->text[l->role[k]].n = 0;
    }
    r->plain = c->odd == 0;
    return true;
}

bool csv_row_read(struct csv_cursor *c, const struct csv_layout *l, const char *p,
                  struct codec_record *r, struct csv_row *row)
{
    const char *from = p;
    size_t n = 0;
    *row = (struct csv_row){0};
    c->odd = c->block_odd;
    for (;;) {
        struct span f;
        size_t role = n < l->n_columns ? l->role[n] : CODEC_OTHER;
        if (!field(c, l, from, &f, row)) {
            return false;
        }
        r->text[role] = f.text;
        row->quoted |= f.as_is ? 0 : 1U << role;
        n++;
        if (!f.mark || *f.mark != l->separator) {
            row->n_fields = n;
            return finish(c, l, p, f.mark, r, row);
        }
        from = f.mark + 1;
    }
}

size_t csv_row_unquote(struct str text, char *to)
{
    bool inside = true;
    size_t n = 0;
    for (size_t i = 1; i < text.n; i++) {
        bool doubled = inside && text.p[i] == '"' && i + 1 < text.n && text.p[i + 1] == '"';
        bool closes = inside && text.p[i] == '"' && !doubled;
        if (closes) {
            inside = false;
            continue;
        }
        i += doubled;
        to[n++] = text.p[i];
    }
    return n;
}
