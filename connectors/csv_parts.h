/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * csv_parts: what the files of the CSV codec share. Nobody else includes this.
 *
 *   csv.c         the codec: rows to records, rejects, the place in the source
 *   csv_row.c     splits rows into fields
 *   csv_header.c  what the header says: separator, line ends, columns
 */
#ifndef TILLSTREAM_CONNECTORS_CSV_PARTS_H
#define TILLSTREAM_CONNECTORS_CSV_PARTS_H

#include "connectors/codec.h"

#define CSV_COLUMNS_MAX 256

/* ---- csv_header.c ---- */

/* How rows are to be read. */
struct csv_layout {
    char separator;
    bool cr;                       /* lines end in CR alone */
    uint8_t role[CSV_COLUMNS_MAX]; /* enum codec_role of each column */
    size_t n_columns;
    size_t needed; /* a row has at least so many fields */
};

/* The end of the first line of `text`, quotes observed: *length bytes, then *ending bytes of
 * line end. ERR_AGAIN if it is not there yet (never when `last`). Sets l->cr. */
enum err csv_header_line(struct csv_layout *l, struct str text, bool last, size_t *length,
                         size_t *ending) MUST_CHECK;

/* Fills in the layout from the header line (UTF-8); l->separator 0 is found out. Clears *r
 * and prepares it for csv_row_read. ERR_INVALID if a required column is missing. */
enum err csv_header_read(struct csv_layout *l, const struct codec_fields *f, struct str line,
                         struct codec_record *r, struct why *why) MUST_CHECK;

/* ---- csv_row.c ---- */

/* Walks over the bytes that may end a field, 64 at a time. */
struct csv_cursor {
    const char *block, *next, *end; /* of the 64 bytes looked at; behind them; of all */
    bool last;                      /* nothing follows `end` */
    size_t max;                     /* longest row, max_record */
    uint64_t marks;                 /* in the block, not passed yet */
    uint64_t block_odd, odd;        /* bytes that are NUL or not ASCII: in the block, the row */
};

struct csv_row {
    size_t n_fields;
    const char *end;        /* of the row, before its line end */
    const char *next;       /* behind its line end */
    const char *first_line; /* where its first line ends, in quotes; NULL if it has one line */
    unsigned quoted;        /* bit r: the text of role r still has its quotes */
    bool loose;             /* there was text behind a closing quote */
};

/* Puts the cursor at `p`; `end`, `last` and `max` stay. */
void csv_row_seek(struct csv_cursor *c, const char *p);

/* Reads the row that starts at `p`, where the cursor stands, into r->text by role. False if
 * its end is not there, or is more than `max` bytes away in quotes (with `last`: only then, or
 * if quotes do not close): then first_line alone is set, and the cursor has to be put anew. */
bool csv_row_read(struct csv_cursor *c, const struct csv_layout *l, const char *p,
                  struct codec_record *r, struct csv_row *row);

/* Takes a field's quotes away, as Python's csv does: "a""b"c is a"bc. `to` holds text.n
 * bytes. Returns the length. */
size_t csv_row_unquote(struct str text, char *to);

#endif
