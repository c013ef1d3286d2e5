/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * shop_text: the synthetic shop's lines as NDJSON or CSV.
 */
#ifndef TILLSTREAM_COMMANDS_SHOP_TEXT_H
#define TILLSTREAM_COMMANDS_SHOP_TEXT_H

#include "commands/shop.h"

#define SHOP_TEXT_LINE_MAX 1024 /* longest line with its line feed */

struct shop_text {
    bool csv;
    bool seconds; /* write them; else minutes, as the UCI file has them */
    bool record_ids;
    uint64_t seed; /* part of the RecordID */
    int64_t stamp; /* the second or minute `date` says; -1 at first */
    char date[32];
    size_t date_n;
};

void shop_text_init(struct shop_text *t, bool csv, bool record_ids, uint64_t seed);
/* The header of a CSV; nothing for NDJSON. Returns the length. */
size_t shop_text_header(const struct shop_text *t, char *out);
/* Writes the line and a line feed; returns the length. */
size_t shop_text_line(struct shop_text *t, const struct shop_line *line, char *out);

#endif
