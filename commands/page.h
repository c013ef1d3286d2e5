/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * page: text for people, wrapped to 80 columns. After a first failure the rest does nothing,
 * so the writer looks at `e` once, at the end.
 */
#ifndef TILLSTREAM_COMMANDS_PAGE_H
#define TILLSTREAM_COMMANDS_PAGE_H

#include "engine/buf.h"

struct page {
    struct buf *out;
    enum err e;
};

void page_text(struct page *p, const char *text);
/* At most 1023 bytes a call. */
void page_printf(struct page *p, const char *format, ...) PRINTF_LIKE(2, 3);
/* Words of `text` from column `column` on (already written), further lines from `indent`;
 * ends the line. */
void page_wrap(struct page *p, int column, int indent, const char *text);
/* "  term    help", the help beginning in column `indent`, below the term if that is long. */
void page_item(struct page *p, const char *term, int indent, const char *help);

/* Texts of commands: paragraphs are parted by empty lines and wrapped anew; a line that begins
 * with a blank stays as it is. */
struct page_reader {
    const char *rest;
};
enum page_part { PAGE_END, PAGE_WORDS, PAGE_AS_IS };
/* The next paragraph or line as a view; a paragraph may contain single line ends. */
enum page_part page_next(struct page_reader *r, struct str *part);
void page_paragraphs(struct page *p, const char *text);

#endif
