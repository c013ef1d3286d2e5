/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * print: rows of values as a table for people, JSON or CSV.
 *
 *   table  columns aligned, numbers to the right and with thousands separators, NULL empty,
 *          control bytes as \xNN, long texts cut; on a narrow terminal the least important
 *          columns are left out, which a line below says
 *   json   an array of objects, one object a line; amounts are exact JSON numbers
 *   csv    RFC 4180 with a header
 */
#ifndef TILLSTREAM_COMMANDS_PRINT_H
#define TILLSTREAM_COMMANDS_PRINT_H

#include "engine/store/reader.h"

#include <stdio.h>

#define PRINT_COLUMNS_MAX 32

enum print_format { PRINT_TABLE, PRINT_JSON, PRINT_CSV };

enum print_kind {
    PRINT_PLAIN, /* as the value is; in tables whole numbers are grouped, reals rounded */
    PRINT_MONEY, /* a whole number of millionths, shown as an amount */
    PRINT_ROUGH, /* the same, an estimate: two decimals in tables */
    PRINT_ID,    /* as the value is, never grouped: a position, a version */
    PRINT_RATIO, /* a real number; three decimals in tables */
    PRINT_RAW,   /* a text that is JSON: put into JSON as it is */
};

struct print_column {
    const char *name;
    enum print_kind kind;
    int rank;       /* 0: always in a table; else the highest goes first if it is too wide */
    bool only_data; /* never in a table */
    bool rest;      /* gets the width that the others leave; else long texts are cut */
};

struct print_setup {
    FILE *out;
    enum print_format format;
    const struct print_column *columns;
    int n_columns;
    int width; /* of the terminal; 0: no limit */
};

struct print;

enum err print_open(const struct print_setup *setup, struct print **out) MUST_CHECK;
/* One value for each column, borrowed for the call. Errors of the stream stay with it. */
enum err print_row(struct print *p, const struct value *values) MUST_CHECK;
/* Ends the output: what was held back to find the widths, closing brackets. */
enum err print_end(struct print *p) MUST_CHECK;
void print_close(struct print *p);

/* "541,909" into `out` (at least 32 bytes). */
const char *print_grouped(int64_t v, char *out);
/* "77,183.60" */
enum err print_amount(struct buf *out, int64_t micros) MUST_CHECK;
/* The columns of the terminal that `out` is; of none: what COLUMNS says, else 0. */
int print_width(FILE *out);

#endif
