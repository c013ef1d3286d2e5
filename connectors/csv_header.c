/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * csv_header: what the first line says of all others.
 *
 * The idea: the header names the columns, shows the separator (the one of comma, semicolon and
 * tab that occurs most outside of quotes, the comma in doubt), and its end shows how lines
 * end: a CR that no LF follows means lines end in CR alone.
 *
 * Invariants:
 *   (1) The layout depends on the header line and the settings only, so that storing the line
 *       and the separator stores the layout.
 *   (2) Every required role has a column, and l->needed counts up to the last of them.
 */
#include "connectors/csv_parts.h"

#define NAMES_MAX 256 /* bytes of the names that an error shows */

static const bool required[CODEC_ROLES] = {
    [CODEC_INVOICE] = true, [CODEC_QUANTITY] = true, [CODEC_DATE] = true, [CODEC_PRICE] = true};

enum err csv_header_line(struct csv_layout *l, struct str text, bool last, size_t *length,
                         size_t *ending)
{
    bool inside = false;
    size_t at = 0;
    while (at < text.n && (inside || (text.p[at] != '\n' && text.p[at] != '\r'))) {
        inside ^= text.p[at] == '"';
        at++;
    }
    *length = at;
    *ending = 0;
    bool cr = at < text.n && text.p[at] == '\r';
    bool unknown = at == text.n || (cr && at + 1 == text.n);
    if (unknown && !last) {
        return ERR_AGAIN;
    }
    bool crlf = cr && at + 1 < text.n && text.p[at + 1] == '\n';
    l->cr = cr && !crlf;
    if (at < text.n) {
        *ending = crlf ? 2 : 1;
    }
    return ERR_OK;
}

static char likely_separator(struct str line)
{
    static const char candidates[] = ",;\t";
    size_t count[sizeof(candidates)] = {0};
    bool inside = false;
    size_t best = 0;
    for (size_t i = 0; i < line.n; i++) {
        const char *which = memchr(candidates, line.p[i], sizeof(candidates) - 1);
        inside ^= line.p[i] == '"';
        if (which && !inside) {
            count[which - candidates]++;
        }
    }
    for (size_t i = 1; i < sizeof(candidates) - 1; i++) {
        best = count[i] > count[best] ? i : best;
    }
    return candidates[best];
}

/* The next field of the line from *at on, which moves behind its separator. */
static struct str next_name(struct str line, char separator, size_t *at)
{
    size_t from = *at;
    bool quoted = from < line.n && line.p[from] == '"';
    bool inside = false;
    size_t end = from;
    while (end < line.n && (inside || line.p[end] != separator)) {
        inside ^= quoted && line.p[end] == '"';
        end++;
    }
    *at = end + 1;
    return (struct str){line.p + from, end - from};
}

static enum err refuse(const struct codec_fields *f, struct str line, enum codec_role role,
                       struct why *why)
{
    static const char *const settings[CODEC_ROLES] = {
        [CODEC_INVOICE] = "invoice",
        [CODEC_QUANTITY] = "quantity",
        [CODEC_DATE] = "date",
        [CODEC_PRICE] = "price",
    };
    char names[NAMES_MAX + 1];
    size_t n = line.n < NAMES_MAX ? line.n : NAMES_MAX;
    for (size_t i = 0; i < n; i++) {
        bool control = (unsigned char)line.p[i] < 0x20 || line.p[i] == 0x7f;
        names[i] = line.p[i];
        if (control) {
            names[i] = ' ';
        }
    }
    names[n] = '\0';
    struct str name = f->name[role];
    return why_set(why, ERR_INVALID,
                   "the CSV header has no column \"%.*s\"; its columns are: %s. Name the column "
                   "in the setting fields.%s, or the separator in csv_separator",
                   (int)name.n, name.p, names, settings[role]);
}

/* Notes which column has which role; taken and r->known tell of those found. */
static enum err find_columns(struct csv_layout *l, const struct codec_fields *f, struct str line,
                             struct codec_record *r, size_t column_of[CODEC_ROLES], unsigned *taken)
{
    char unquoted[SALE_TEXT_MAX];
    l->n_columns = 0;
    for (size_t at = 0; at <= line.n; l->n_columns++) {
        struct str name = next_name(line, l->separator, &at);
        if (l->n_columns == CSV_COLUMNS_MAX) {
            return ERR_LIMIT;
        }
        if (name.n > 0 && name.n <= sizeof(unquoted) && name.p[0] == '"') {
            name = (struct str){unquoted, csv_row_unquote(name, unquoted)};
        }
        bool known;
        enum codec_role role = codec_role(f, name, &known);
        l->role[l->n_columns] = CODEC_OTHER;
        if (codec_claim(r, taken, role, known)) {
            column_of[role] = l->n_columns;
        }
    }
    return ERR_OK;
}

enum err csv_header_read(struct csv_layout *l, const struct codec_fields *f, struct str line,
                         struct codec_record *r, struct why *why)
{
    size_t column_of[CODEC_ROLES] = {0};
    unsigned taken = 0;
    *r = (struct codec_record){0};
    if (l->separator == 0) {
        l->separator = likely_separator(line);
    }
    if (find_columns(l, f, line, r, column_of, &taken)) {
        return why_set(why, ERR_INVALID, "the CSV header has more than %d columns",
                       CSV_COLUMNS_MAX);
    }
    l->needed = 0;
    for (unsigned role = 0; role < CODEC_ROLES; role++) {
        bool found = (taken >> role & 1) != 0;
        if (!found && required[role]) {
            return refuse(f, line, (enum codec_role)role, why);
        }
        if (!found) {
            continue;
        }
        l->role[column_of[role]] = (uint8_t)role;
        r->value[role] = CODEC_TEXT;
        if (required[role] && column_of[role] >= l->needed) {
            l->needed = column_of[role] + 1;
        }
    }
    return ERR_OK;
}
