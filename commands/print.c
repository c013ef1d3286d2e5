/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * print: see the header for what comes out.
 *
 * A table holds its first rows back, as finished texts, until it knows the widths; after
 * WIDTH_ROWS of them it lets go and prints the rest as it comes, so memory stays bounded
 * (a later, wider value then sticks out). JSON and CSV are written row by row.
 *
 * Invariants:
 *  1. Texts come from outside: what reaches a terminal has no control bytes, what is called
 *     JSON is valid UTF-8 and escaped.
 *  2. A real number is printed with the fewest digits that read back as the same number, an
 *     amount with all of its decimals.
 *  3. held holds n_columns cells for each row held back.
 */
#include "commands/print.h"

#include "engine/money.h"
#include "engine/parcel.h"
#include "engine/store/values.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define WIDTH_ROWS 1000
#define CELL_WIDTH 60   /* of a text in a table; longer ones are cut */
#define REST_WIDTH 4000 /* ... in a column that gets the rest of the terminal */
#define REST_LEAST 30   /* ... for which others are left out */
#define LINE_BYTES_MAX ((size_t)64 << 20)

struct cell {
    struct span text;
    int width; /* characters */
    bool right;
};

struct print {
    struct print_setup setup;
    struct buf line;
    struct list held;
    struct buf text; /* of held cells */
    int width[PRINT_COLUMNS_MAX];
    bool right[PRINT_COLUMNS_MAX];
    bool shown[PRINT_COLUMNS_MAX];
    uint64_t rows;
    bool started;
};

/* ---- numbers ---- */

/* Puts a comma after every third digit from the right of the whole part. */
static enum err grouped(struct buf *b, const char *number)
{
    size_t sign = number[0] == '-';
    size_t digits = strspn(number + sign, "0123456789");
    enum err e = buf_add(b, number, sign);

    for (size_t i = 0; !e && i < digits; i++) {
        if (i > 0 && (digits - i) % 3 == 0)
            e = buf_u8(b, ',');
        if (!e)
            e = buf_u8(b, (uint8_t)number[sign + i]);
    }
    return e ? e : buf_text(b, number + sign + digits);
}

/* The decimal form, ending before `end`; returns its start. At least 24 bytes of room. */
static char *digits_before(char *end, int64_t v)
{
    uint64_t rest = v < 0 ? -(uint64_t)v : (uint64_t)v;
    char *at = end;

    do {
        *--at = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (v < 0)
        *--at = '-';
    return at;
}

const char *print_grouped(int64_t v, char *out)
{
    char digits[24];
    const char *from = digits_before(digits + sizeof(digits), v);
    size_t n = (size_t)(digits + sizeof(digits) - from);
    size_t sign = from[0] == '-';
    char *at = out;

    for (size_t i = 0; i < n; i++) {
        if (i > sign && (n - i) % 3 == 0)
            *at++ = ',';
        *at++ = from[i];
    }
    *at = 0;
    return out;
}

enum err print_amount(struct buf *out, int64_t micros)
{
    char text[MONEY_TEXT];

    (void)money_format(micros, 2, text);
    return grouped(out, text);
}

static enum err shortest(struct buf *b, double v)
{
    char text[40];

    if (!isfinite(v))
        return buf_text(b, "null");
    for (int digits = 15; digits <= 17; digits++) {
        (void)snprintf(text, sizeof(text), "%.*g", digits, v);
        if (strtod(text, NULL) == v)
            break;
    }
    return buf_text(b, text);
}

static enum err add_number(struct buf *b, enum print_kind kind, const struct value *v)
{
    char text[MONEY_TEXT];
    char *end = text + sizeof(text);

    if (v->kind == VALUE_REAL)
        return shortest(b, v->real);
    if (kind != PRINT_MONEY && kind != PRINT_ROUGH) {
        const char *digits = digits_before(end, v->whole);

        return buf_add(b, digits, (size_t)(end - digits));
    }
    (void)money_format(v->whole, 0, text);
    return buf_text(b, text);
}

/* For people: grouped, amounts with two decimals at least, reals with two. */
static enum err add_figure(struct buf *b, enum print_kind kind, const struct value *v)
{
    char text[400] = "";

    if (v->kind == VALUE_REAL)
        (void)snprintf(text, sizeof(text), kind == PRINT_RATIO ? "%.3f" : "%.2f", v->real);
    else if (kind == PRINT_ROUGH)
        (void)snprintf(text, sizeof(text), "%.2f", (double)v->whole / 1000000.0);
    else if (kind == PRINT_MONEY)
        (void)money_format(v->whole, 2, text);
    else
        (void)snprintf(text, sizeof(text), "%" PRId64, v->whole);
    return kind == PRINT_ID ? buf_text(b, text) : grouped(b, text);
}

/* ---- texts ---- */

static enum err add_json_text(struct buf *b, struct str s)
{
    const unsigned char *p = (const unsigned char *)s.p;
    enum err e = buf_u8(b, '"');

    for (size_t i = 0; !e && i < s.n;) {
        size_t n = values_character(p + i, s.n - i);

        if (n == 0)
            e = buf_text(b, "\\ufffd");
        else if (p[i] == '"' || p[i] == '\\')
            e = buf_printf(b, "\\%c", p[i]);
        else if (p[i] < 0x20 || p[i] == 0x7F)
            e = buf_printf(b, "\\u%04x", p[i]);
        else
            e = buf_add(b, p + i, n);
        i += n ? n : 1;
    }
    return e ? e : buf_u8(b, '"');
}

/* What is JSON already: only bytes that are no UTF-8 are replaced. */
static enum err add_json(struct buf *b, struct str s)
{
    const unsigned char *p = (const unsigned char *)s.p;
    enum err e = ERR_OK;

    for (size_t i = 0; !e && i < s.n;) {
        size_t n = values_character(p + i, s.n - i);

        e = n ? buf_add(b, p + i, n) : buf_text(b, "\\ufffd");
        i += n ? n : 1;
    }
    return e;
}

static enum err add_csv_text(struct buf *b, struct str s)
{
    enum err e = ERR_OK;
    bool quote = false;

    for (size_t i = 0; i < s.n; i++)
        quote = quote || strchr("\",\r\n", s.p[i]) != NULL;
    if (!quote)
        return buf_str(b, s);
    e = buf_u8(b, '"');
    for (size_t i = 0; !e && i < s.n; i++) {
        if (s.p[i] == '"')
            e = buf_u8(b, '"');
        if (!e)
            e = buf_u8(b, (uint8_t)s.p[i]);
    }
    return e ? e : buf_u8(b, '"');
}

/* One character of a table; its width goes to *width. */
static enum err add_shown(struct buf *b, const unsigned char *p, size_t n, int *width)
{
    bool control = p[0] < 0x20 || p[0] == 0x7F || (n == 2 && p[0] == 0xC2 && p[1] < 0xA0);

    if (n > 0 && !control) {
        *width += 1;
        return buf_add(b, p, n);
    }
    *width += 4;
    return buf_printf(b, "\\x%02x", n == 2 ? p[1] : p[0]);
}

/* At most `most` characters wide. */
static enum err add_table_text(struct buf *b, struct str s, int most, int *width)
{
    const unsigned char *p = (const unsigned char *)s.p;
    enum err e = ERR_OK;

    *width = 0;
    for (size_t i = 0; !e && i < s.n;) {
        size_t n = values_character(p + i, s.n - i);

        if (*width >= most - 1 && i + 1 < s.n) {
            *width += 1;
            return buf_text(b, "\u2026");
        }
        e = add_shown(b, p + i, n, width);
        i += n ? n : 1;
    }
    return e;
}

/* ---- JSON and CSV ---- */

static void flush_line(struct print *p)
{
    (void)fwrite(p->line.p, 1, p->line.n, p->setup.out);
    p->line.n = 0;
}

static enum err json_value(struct print *p, int column, const struct value *v)
{
    switch (v->kind) {
    case VALUE_NULL:
        return buf_text(&p->line, "null");
    case VALUE_TEXT:
        return p->setup.columns[column].kind == PRINT_RAW ? add_json(&p->line, v->text)
                                                          : add_json_text(&p->line, v->text);
    case VALUE_WHOLE:
    case VALUE_REAL:
    default:
        return add_number(&p->line, p->setup.columns[column].kind, v);
    }
}

static enum err json_row(struct print *p, const struct value *values)
{
    enum err e = buf_text(&p->line, p->rows ? ",\n{" : "[\n{");

    for (int i = 0; !e && i < p->setup.n_columns; i++) {
        e = buf_text(&p->line, i ? ",\"" : "\"");
        e = e ? e : buf_text(&p->line, p->setup.columns[i].name);
        e = e ? e : buf_text(&p->line, "\":");
        e = e ? e : json_value(p, i, &values[i]);
    }
    return e ? e : buf_u8(&p->line, '}');
}

static enum err csv_header(struct print *p)
{
    enum err e = ERR_OK;

    for (int i = 0; !e && i < p->setup.n_columns; i++)
        e = buf_printf(&p->line, "%s%s", i ? "," : "", p->setup.columns[i].name);
    return e ? e : buf_text(&p->line, "\r\n");
}

static enum err csv_row(struct print *p, const struct value *values)
{
    enum err e = ERR_OK;

    for (int i = 0; !e && i < p->setup.n_columns; i++) {
        if (i)
            e = buf_u8(&p->line, ',');
        if (e || values[i].kind == VALUE_NULL)
            continue;
        if (values[i].kind == VALUE_TEXT)
            e = add_csv_text(&p->line, values[i].text);
        else
            e = add_number(&p->line, p->setup.columns[i].kind, &values[i]);
    }
    return e ? e : buf_text(&p->line, "\r\n");
}

/* ---- tables ---- */

static enum err hold_cell(struct print *p, int column, const struct value *v)
{
    struct cell cell = {.right = v->kind == VALUE_WHOLE || v->kind == VALUE_REAL};
    size_t at = p->text.n;
    struct cell *held = list_add(&p->held);
    enum err e = held ? ERR_OK : ERR_NOMEM;

    if (!e && v->kind == VALUE_TEXT)
        e = add_table_text(&p->text, v->text,
                           p->setup.columns[column].rest ? REST_WIDTH : CELL_WIDTH, &cell.width);
    if (!e && cell.right) {
        e = add_figure(&p->text, p->setup.columns[column].kind, v);
        cell.width = (int)(p->text.n - at);
    }
    if (e)
        return e;
    cell.text = (struct span){(uint32_t)at, (uint32_t)(p->text.n - at)};
    *held = cell;
    if (cell.width > p->width[column])
        p->width[column] = cell.width;
    if (cell.right)
        p->right[column] = true;
    return ERR_OK;
}

/* With the column that gets the rest as narrow as it may be. */
static int total_width(const struct print *p)
{
    int total = 0;

    for (int i = 0; i < p->setup.n_columns; i++) {
        bool narrow = p->setup.columns[i].rest && p->width[i] > REST_LEAST;

        total += p->shown[i] ? (narrow ? REST_LEAST : p->width[i]) + 2 : 0;
    }
    return total - 2;
}

static void give_rest(struct print *p)
{
    int left = p->setup.width - total_width(p);

    for (int i = 0; p->setup.width > 0 && i < p->setup.n_columns; i++) {
        int most = left > 0 ? REST_LEAST + left : REST_LEAST;

        if (p->setup.columns[i].rest && p->width[i] > most)
            p->width[i] = most;
    }
}

/* Leaves out the least important columns until the rest fits. */
static void fit(struct print *p)
{
    const struct print_column *c = p->setup.columns;
    int worst = 0;

    for (int i = 0; i < p->setup.n_columns; i++)
        p->shown[i] = !c[i].only_data;
    while (worst >= 0 && p->setup.width > 0 && total_width(p) > p->setup.width) {
        worst = -1;
        for (int i = 0; i < p->setup.n_columns; i++) {
            bool may = p->shown[i] && c[i].rank > 0;

            if (may && (worst < 0 || c[i].rank >= c[worst].rank))
                worst = i;
        }
        if (worst >= 0)
            p->shown[worst] = false;
    }
    give_rest(p);
}

static enum err add_blanks(struct buf *b, int n)
{
    return n > 0 ? buf_printf(b, "%*s", n, "") : ERR_OK;
}

/* One padded cell; blanks at the end of a line are cut by end_line. */
static enum err table_cell(struct print *p, int column, struct str text, int width)
{
    int room = p->width[column] - width;
    bool cut = p->setup.columns[column].rest && room < 0;
    enum err e = p->line.n ? buf_text(&p->line, "  ") : ERR_OK;

    if (!e && p->right[column])
        e = add_blanks(&p->line, room);
    if (!e)
        e = cut ? add_table_text(&p->line, text, p->width[column], &width)
                : buf_str(&p->line, text);
    if (!e && !p->right[column])
        e = add_blanks(&p->line, room);
    return e;
}

static enum err end_line(struct print *p)
{
    enum err e;

    while (p->line.n > 0 && p->line.p[p->line.n - 1] == ' ')
        p->line.n--;
    e = buf_u8(&p->line, '\n');
    if (!e)
        flush_line(p);
    return e;
}

static enum err table_header(struct print *p)
{
    enum err e = ERR_OK;

    for (int i = 0; !e && i < p->setup.n_columns; i++) {
        struct str name = str_of(p->setup.columns[i].name);

        if (p->shown[i])
            e = table_cell(p, i, name, (int)name.n);
    }
    return e ? e : end_line(p);
}

static enum err table_row(struct print *p, size_t first)
{
    enum err e = ERR_OK;

    for (int i = 0; !e && i < p->setup.n_columns; i++) {
        const struct cell *cell = list_at(&p->held, first + (size_t)i);
        struct str text = {p->text.p + cell->text.at, cell->text.n};

        if (p->shown[i])
            e = table_cell(p, i, text, cell->width);
    }
    return e ? e : end_line(p);
}

/* Prints what is held back; the first time with the header. */
static enum err release(struct print *p)
{
    enum err e = ERR_OK;

    if (!p->started && p->held.n == 0)
        return buf_text(&p->line, "(no rows)\n");
    if (!p->started) {
        fit(p);
        e = table_header(p);
        p->started = true;
    }
    for (size_t i = 0; !e && i + (size_t)p->setup.n_columns <= p->held.n;
         i += (size_t)p->setup.n_columns)
        e = table_row(p, i);
    p->held.n = 0;
    p->text.n = 0;
    return e;
}

static enum err hold_row(struct print *p, const struct value *values)
{
    enum err e = ERR_OK;

    for (int i = 0; !e && i < p->setup.n_columns; i++)
        e = hold_cell(p, i, &values[i]);
    if (!e && (p->started || p->rows + 1 >= WIDTH_ROWS))
        e = release(p);
    return e;
}

static enum err left_out(struct print *p)
{
    const char *before = "(not shown: ";
    enum err e = ERR_OK;

    for (int i = 0; !e && i < p->setup.n_columns; i++) {
        if (p->shown[i] || p->setup.columns[i].only_data)
            continue;
        e = buf_printf(&p->line, "%s%s", before, p->setup.columns[i].name);
        before = ", ";
    }
    if (!e && p->line.n > 0)
        e = buf_text(&p->line, "; a wider terminal or --format csv has them)\n");
    flush_line(p);
    return e;
}

/* ---- life ---- */

enum err print_open(const struct print_setup *setup, struct print **out)
{
    struct print *p = calloc(1, sizeof(*p));
    enum err e = ERR_OK;

    if (!p)
        return ERR_NOMEM;
    p->setup = *setup;
    buf_init(&p->line, LINE_BYTES_MAX);
    buf_init(&p->text, LINE_BYTES_MAX);
    list_init(&p->held, sizeof(struct cell));
    for (int i = 0; i < setup->n_columns; i++)
        p->width[i] = (int)strlen(setup->columns[i].name);
    if (setup->format == PRINT_CSV)
        e = csv_header(p);
    if (e)
        print_close(p);
    else
        *out = p;
    return e;
}

enum err print_row(struct print *p, const struct value *values)
{
    enum err e;

    if (p->setup.format == PRINT_JSON)
        e = json_row(p, values);
    else if (p->setup.format == PRINT_CSV)
        e = csv_row(p, values);
    else
        e = hold_row(p, values);
    if (e)
        return e;
    if (p->line.n)
        flush_line(p);
    p->rows++;
    return ERR_OK;
}

enum err print_end(struct print *p)
{
    enum err e = ERR_OK;

    if (p->setup.format == PRINT_JSON)
        e = buf_text(&p->line, p->rows ? "\n]\n" : "[]\n");
    if (p->setup.format == PRINT_TABLE)
        e = release(p);
    if (!e && p->started)
        e = left_out(p);
    if (!e)
        flush_line(p);
    return e;
}

void print_close(struct print *p)
{
    if (!p)
        return;
    buf_clear(&p->line);
    buf_clear(&p->text);
    list_clear(&p->held);
    free(p);
}

int print_width(FILE *out)
{
    struct winsize size = {.ws_col = 0};
    const char *columns = getenv("COLUMNS");
    int file = fileno(out);

    if (isatty(file) && ioctl(file, TIOCGWINSZ, &size) == 0)
        return size.ws_col;
    long width = columns ? strtol(columns, NULL, 10) : 0;
    return width > 0 && width < 10000 ? (int)width : 0;
}
