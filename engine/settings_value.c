/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * settings_value: reads and writes single values, one small struct of functions a kind.
 *
 * The idea: a value arrives as JSON or as the plain text of --set and the environment. JSON
 * must be of the type that the kind wants and is then turned into the same plain text, so
 * that each kind has one reader. Writers write JSON which that reader takes back.
 */
#include "engine/nearest.h"
#include "engine/settings_table.h"

#include "engine/money.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct kind {
    const char *article, *name;
    unsigned types; /* 1 << enum json_type */
    enum err (*parse)(const struct setting_input *in, const struct setting *row, const char *text,
                      void *field);
    enum err (*print)(const struct setting *row, const void *field, struct buf *out);
};

static const struct kind kinds[SETTING_WINDOWS + 1];

/* ---- errors ---- */

enum err settings_value_refuse(const struct setting_input *in, const char *format, ...)
{
    char text[320];
    char line[16] = "";
    bool is_said = in->names_it && !strchr(in->path, '.');
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (in->is_file && in->value)
        (void)snprintf(line, sizeof(line), ":%d", json_line(in->doc, in->value));
    return why_set(in->why, ERR_INVALID, "%.120s%s: %s%s%s", in->origin, line,
                   is_said ? "" : in->path, is_said || !in->path[0] ? "" : ": ", text);
}

enum err settings_value_unknown(const struct setting_input *in, const struct setting *rows,
                                const char *what, const char *name)
{
    struct nearest near = nearest_to(str_of(name));
    char hint[NEAREST_HINT];

    for (; rows->name; rows++)
        nearest_offer(&near, rows->name);
    return settings_value_refuse(in, "there is no %s \"%.64s\"%s; see `tillstream help settings`",
                                 what, name, nearest_hint(&near, hint));
}

static enum err out_of_range(const struct setting_input *in, const struct setting *row,
                             const char *text)
{
    char range[SETTINGS_RANGE];

    return settings_value_refuse(in, "\"%.64s\" is out of range; give %s", text,
                                 settings_value_range(row, range));
}

/* ---- small texts ---- */

static const struct {
    const char *name;
    int64_t bytes;
} units[] = {
    {"", 1},
    {"B", 1},
    {"KB", 1000},
    {"KiB", 1024},
    {"MB", INT64_C(1000) * 1000},
    {"MiB", INT64_C(1024) * 1024},
    {"GB", INT64_C(1000) * 1000 * 1000},
    {"GiB", INT64_C(1024) * 1024 * 1024},
    {"TB", INT64_C(1000) * 1000 * 1000 * 1000},
    {"TiB", INT64_C(1024) * 1024 * 1024 * 1024},
};

/* In the largest unit of which it is a multiple: "512MB". */
static void bytes_text(int64_t bytes, char *out, size_t n)
{
    size_t best = 0;

    for (size_t i = 1; bytes && i < countof(units); i++)
        if (units[i].bytes > units[best].bytes && bytes % units[i].bytes == 0)
            best = i;
    (void)snprintf(out, n, "%" PRId64 "%s", bytes / units[best].bytes, units[best].name);
}

static void limit_text(const struct setting *row, int64_t limit, char *out)
{
    if (row->kind == SETTING_DURATION || row->kind == SETTING_SECONDS || row->kind == SETTING_SIZE)
        (void)when_duration_format(limit, out);
    else if (row->kind == SETTING_BYTES)
        bytes_text(limit, out, WHEN_TEXT);
    else if (row->kind == SETTING_DECIMAL)
        (void)money_format(limit, 0, out);
    else
        (void)snprintf(out, WHEN_TEXT, "%" PRId64, limit);
}

const char *settings_value_range(const struct setting *row, char *out)
{
    char low[WHEN_TEXT], high[WHEN_TEXT];
    size_t n = 0;

    out[0] = '\0';
    for (int i = 0; row->choices && row->choices[i] && n < SETTINGS_RANGE; i++) {
        const char *between = i == 0 ? "" : row->choices[i + 1] ? ", " : " or ";

        n += (size_t)snprintf(out + n, SETTINGS_RANGE - n, "%s%s", between, row->choices[i]);
    }
    if (row->choices || row->max == 0)
        return out;
    limit_text(row, row->min, low);
    limit_text(row, row->max, high);
    bool is_text =
        row->kind == SETTING_TEXT || row->kind == SETTING_ALERT || row->kind == SETTING_NAME;
    (void)snprintf(out, SETTINGS_RANGE, "%s to %s%s", low, high, is_text ? " bytes" : "");
    return out;
}

const char *settings_value_kind(enum setting_kind kind)
{
    return kinds[kind].name;
}

enum err settings_value_copy(char **field, const char *text)
{
    size_t n = strlen(text) + 1;
    char *copy = malloc(n);

    if (!copy)
        return ERR_NOMEM;
    memcpy(copy, text, n);
    free(*field);
    *field = copy;
    return ERR_OK;
}

static enum err print_text(struct buf *out, const char *text)
{
    return json_quote(out, str_of(text));
}

/* ---- text ---- */

static int choice_of(const struct setting *row, const char *text)
{
    for (int i = 0; row->choices[i]; i++)
        if (strcmp(row->choices[i], text) == 0)
            return i;
    return -1;
}

static enum err not_a_choice(const struct setting_input *in, const struct setting *row,
                             const char *text)
{
    struct nearest near = nearest_to(str_of(text));
    char hint[NEAREST_HINT], range[SETTINGS_RANGE];

    for (int i = 0; row->choices[i]; i++)
        nearest_offer(&near, row->choices[i]);
    return settings_value_refuse(in, "\"%.64s\" is not one of %s%s", text,
                                 settings_value_range(row, range), nearest_hint(&near, hint));
}

static enum err parse_text(const struct setting_input *in, const struct setting *row,
                           const char *text, void *field)
{
    size_t n = strlen(text);

    if (row->choices && choice_of(row, text) < 0)
        return not_a_choice(in, row, text);
    if (n < (size_t)row->min)
        return settings_value_refuse(in, "is empty; leave it out for the default, %s",
                                     row->fallback);
    if (n > (size_t)row->max)
        return settings_value_refuse(in, "is too long; give at most %" PRId64 " bytes", row->max);
    return settings_value_copy(field, text);
}

static enum err print_owned(const struct setting *row, const void *field, struct buf *out)
{
    const char *text;

    (void)row;
    memcpy(&text, field, sizeof(text));
    return print_text(out, text);
}

static enum err parse_separator(const struct setting_input *in, const struct setting *row,
                                const char *text, void *field)
{
    bool one = text[0] && !text[1];

    (void)row;
    if (strcmp(text, "tab") == 0)
        return settings_value_copy(field, "\t");
    if (strcmp(text, "auto") == 0 || (one && strchr("\t ,;:|!#$%&*/<=>?@\\^_~", text[0])))
        return settings_value_copy(field, text);
    return settings_value_refuse(
        in, "\"%.64s\" can't separate fields; give auto, tab, or one sign such as , ; or |", text);
}

static enum err parse_alert(const struct setting_input *in, const struct setting *row,
                            const char *text, void *field)
{
    static const char *const ways[] = {"https://", "http://", "exec:"};
    bool good = text[0] == '\0';

    for (size_t i = 0; !good && i < countof(ways); i++)
        good = strncmp(text, ways[i], strlen(ways[i])) == 0 && text[strlen(ways[i])];
    if (!good)
        return settings_value_refuse(in, "can't be sent to; give https://HOST/PATH, "
                                         "http://HOST/PATH or exec:COMMAND (what you gave is not "
                                         "shown, as it may hold a password)");
    return parse_text(in, row, text, field);
}

/* ---- numbers ---- */

/* Digits alone; ERR_LIMIT beyond int64. `*rest` is what follows them. */
static enum err digits(const char *text, int64_t *out, const char **rest)
{
    int64_t v = 0;
    const char *p = text;

    for (; *p >= '0' && *p <= '9'; p++) {
        int digit = *p - '0';

        if (v > (INT64_MAX - digit) / 10)
            return ERR_LIMIT;
        v = v * 10 + digit;
    }
    *out = v;
    *rest = p;
    return p > text ? ERR_OK : ERR_INVALID;
}

static enum err put_number(const struct setting_input *in, const struct setting *row,
                           const char *text, int64_t v, void *field)
{
    if (v < row->min || v > row->max)
        return out_of_range(in, row, text);
    memcpy(field, &v, sizeof(v));
    return ERR_OK;
}

static enum err parse_whole(const struct setting_input *in, const struct setting *row,
                            const char *text, void *field)
{
    int64_t v = 0;
    const char *rest = text;
    enum err e = digits(text[0] == '-' ? text + 1 : text, &v, &rest);

    if (e == ERR_LIMIT)
        return out_of_range(in, row, text);
    if (e || *rest)
        return settings_value_refuse(in, "\"%.64s\" is not a whole number", text);
    return put_number(in, row, text, text[0] == '-' ? -v : v, field);
}

static enum err print_whole(const struct setting *row, const void *field, struct buf *out)
{
    int64_t v;

    (void)row;
    memcpy(&v, field, sizeof(v));
    return buf_printf(out, "%" PRId64, v);
}

static enum err parse_decimal(const struct setting_input *in, const struct setting *row,
                              const char *text, void *field)
{
    int64_t v = 0;
    enum err e = money_parse(str_of(text), '.', &v);

    if (e == ERR_LIMIT)
        return out_of_range(in, row, text);
    if (e)
        return settings_value_refuse(in, "\"%.64s\" is not a number of at most 6 decimals", text);
    return put_number(in, row, text, v, field);
}

static enum err print_decimal(const struct setting *row, const void *field, struct buf *out)
{
    char text[MONEY_TEXT];
    int64_t v;

    (void)row;
    memcpy(&v, field, sizeof(v));
    (void)money_format(v, 0, text);
    return buf_text(out, text);
}

static enum err parse_bytes(const struct setting_input *in, const struct setting *row,
                            const char *text, void *field)
{
    int64_t v = 0;
    const char *rest = text;
    enum err e = digits(text, &v, &rest);

    if (e == ERR_LIMIT)
        return out_of_range(in, row, text);
    for (size_t i = 0; !e && i < countof(units); i++) {
        if (strcmp(units[i].name, rest) != 0)
            continue;
        if (v > INT64_MAX / units[i].bytes)
            return out_of_range(in, row, text);
        return put_number(in, row, text, v * units[i].bytes, field);
    }
    return settings_value_refuse(
        in, "\"%.64s\" is not a size; write bytes, or e.g. 512MB (MB is 1000 kB, MiB is 1024 KiB)",
        text);
}

static enum err print_bytes(const struct setting *row, const void *field, struct buf *out)
{
    char text[WHEN_TEXT];
    int64_t v;

    (void)row;
    memcpy(&v, field, sizeof(v));
    bytes_text(v, text, sizeof(text));
    if (text[strspn(text, "0123456789")] == '\0')
        return buf_text(out, text);
    return print_text(out, text);
}

/* ---- durations ---- */

static enum err not_a_duration(const struct setting_input *in, const char *text)
{
    return settings_value_refuse(
        in, "\"%.64s\" is not a duration; write a number and a unit, e.g. 50ms 90s 5m 24h 7d",
        text);
}

static enum err not_whole_seconds(const struct setting_input *in, const char *text)
{
    return settings_value_refuse(in, "\"%.64s\" must be whole seconds", text);
}

static enum err parse_duration(const struct setting_input *in, const struct setting *row,
                               const char *text, void *field)
{
    int64_t ms;

    if (when_duration(str_of(text), &ms, NULL))
        return not_a_duration(in, text);
    if (row->kind == SETTING_SECONDS && ms % WHEN_SECOND)
        return not_whole_seconds(in, text);
    return put_number(in, row, text, ms, field);
}

static enum err print_duration(const struct setting *row, const void *field, struct buf *out)
{
    char text[WHEN_TEXT];
    int64_t ms;

    (void)row;
    memcpy(&ms, field, sizeof(ms));
    (void)when_duration_format(ms, text);
    return print_text(out, text);
}

/* An optional sign before a duration. */
static enum err parse_shift(const struct setting_input *in, const struct setting *row,
                            const char *text, void *field)
{
    bool negative = text[0] == '-';
    int64_t ms;

    (void)row;
    if (when_duration(str_of(text + negative), &ms, NULL))
        return not_a_duration(in, text);
    if (ms % WHEN_SECOND)
        return not_whole_seconds(in, text);
    ms = negative ? -ms : ms;
    memcpy(field, &ms, sizeof(ms));
    return ERR_OK;
}

static enum err print_shift(const struct setting *row, const void *field, struct buf *out)
{
    char text[WHEN_TEXT + 1] = "-";
    int64_t ms;

    (void)row;
    memcpy(&ms, field, sizeof(ms));
    (void)when_duration_format(ms < 0 ? -ms : ms, text + (ms < 0));
    return print_text(out, text);
}

/* ---- choices ---- */

static enum err parse_choice(const struct setting_input *in, const struct setting *row,
                             const char *text, void *field)
{
    int i = choice_of(row, text);
    unsigned v = (unsigned)i;

    _Static_assert(sizeof(enum encoding) == sizeof(v), "an enum is stored as an unsigned");
    if (i < 0)
        return not_a_choice(in, row, text);
    memcpy(field, &v, sizeof(v));
    return ERR_OK;
}

static enum err print_choice(const struct setting *row, const void *field, struct buf *out)
{
    unsigned v;

    memcpy(&v, field, sizeof(v));
    return print_text(out, row->choices[v]);
}

static enum err parse_flag(const struct setting_input *in, const struct setting *row,
                           const char *text, void *field)
{
    bool v = strcmp(text, "true") == 0 || strcmp(text, "1") == 0;

    (void)row;
    if (!v && strcmp(text, "false") != 0 && strcmp(text, "0") != 0)
        return settings_value_refuse(in, "\"%.64s\" is neither true nor false", text);
    memcpy(field, &v, sizeof(v));
    return ERR_OK;
}

static enum err print_flag(const struct setting *row, const void *field, struct buf *out)
{
    bool v;

    (void)row;
    memcpy(&v, field, sizeof(v));
    return buf_text(out, v ? "true" : "false");
}

/* ---- members of a window ---- */

static bool is_name_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
}

static enum err parse_name(const struct setting_input *in, const struct setting *row,
                           const char *text, void *field)
{
    size_t n = strlen(text);
    bool good = n >= (size_t)row->min && n <= (size_t)row->max;

    for (size_t i = 0; good && i < n; i++)
        good = is_name_byte(text[i]);
    if (!good)
        return settings_value_refuse(
            in, "\"%.64s\" can't name a window; give 1 to %" PRId64 " letters, digits, - or _",
            text, row->max);
    memcpy(field, text, n + 1);
    return ERR_OK;
}

static enum err print_name(const struct setting *row, const void *field, struct buf *out)
{
    (void)row;
    return print_text(out, field);
}

static enum err parse_type(const struct setting_input *in, const struct setting *row,
                           const char *text, void *field)
{
    return parse_choice(in, row, strcmp(text, "hopping") == 0 ? "sliding" : text, field);
}

static enum err parse_size(const struct setting_input *in, const struct setting *row,
                           const char *text, void *field)
{
    struct window_setting *w = field;
    struct str s = str_of(text);
    int64_t ms = 0, months = 0;

    if (when_duration(s, &ms, &months))
        return not_a_duration(in, text);
    if (months ? months > 12 || 12 % months : ms % WHEN_SECOND)
        return settings_value_refuse(
            in, "\"%.64s\" must be whole seconds, or 1, 2, 3, 4, 6 or 12mo", text);
    if (!months && (ms < row->min || ms > row->max))
        return out_of_range(in, row, text);
    w->size_ms = ms;
    w->size_months = months;
    w->weeks = s.p[s.n - 1] == 'w';
    return ERR_OK;
}

/* A size of whole weeks that was not written in weeks must not come back as one. */
void settings_value_size(const struct window_setting *w, char *out)
{
    if (w->size_months)
        (void)snprintf(out, WHEN_TEXT, "%" PRId64 "mo", w->size_months);
    else if (w->weeks)
        (void)snprintf(out, WHEN_TEXT, "%" PRId64 "w", w->size_ms / (7 * WHEN_DAY));
    else if (w->size_ms % WHEN_DAY == 0)
        (void)snprintf(out, WHEN_TEXT, "%" PRId64 "d", w->size_ms / WHEN_DAY);
    else
        (void)when_duration_format(w->size_ms, out);
}

static enum err print_size(const struct setting *row, const void *field, struct buf *out)
{
    char text[WHEN_TEXT];

    (void)row;
    settings_value_size(field, text);
    return print_text(out, text);
}

static enum err parse_keep(const struct setting_input *in, const struct setting *row,
                           const char *text, void *field)
{
    struct window_setting *w = field;
    int64_t ms = 0;

    (void)row;
    if (strcmp(text, "history") == 0)
        w->keep = KEEP_HISTORY;
    else if (strcmp(text, "newest") == 0)
        w->keep = KEEP_NEWEST;
    else if (when_duration(str_of(text), &ms, NULL))
        return settings_value_refuse(
            in, "\"%.64s\" is not one of history, newest, or a duration such as 30d", text);
    else
        w->keep = KEEP_DURATION;
    if (ms % WHEN_SECOND)
        return not_whole_seconds(in, text);
    w->keep_ms = ms;
    w->keep_given = true;
    return ERR_OK;
}

static enum err print_keep(const struct setting *row, const void *field, struct buf *out)
{
    const struct window_setting *w = field;

    if (w->keep == KEEP_DURATION)
        return print_duration(row, &w->keep_ms, out);
    return print_text(out, w->keep == KEEP_NEWEST ? "newest" : "history");
}

static enum err print_narrow(const struct setting *row, const void *field, struct buf *out)
{
    uint32_t wanted;
    const char *before = "";
    enum err e = buf_u8(out, '[');

    (void)row;
    memcpy(&wanted, field, sizeof(wanted));
    for (int i = 0; !e && settings_dimensions_known(i); i++) {
        if (!(wanted >> i & 1))
            continue;
        e = buf_printf(out, "%s\"%s\"", before, settings_dimensions_known(i)->name);
        before = ", ";
    }
    return e ? e : buf_u8(out, ']');
}

/* ---- the way in and out ---- */

struct setting_input settings_value_member(const struct setting_input *in, const struct json *v,
                                           const char *name)
{
    struct setting_input member = *in;
    size_t n = strlen(in->path);

    member.value = v;
    (void)snprintf(member.path + n, sizeof(member.path) - n, "%s%s", n ? "." : "", name);
    return member;
}

/* JSON of a wanted type as text; numbers into `room`. */
static enum err scalar_text(const struct setting_input *in, const struct kind *kind, char *room,
                            const char **text)
{
    enum json_type type = json_type(in->value);
    int64_t whole = 0;

    if (!(kind->types >> type & 1))
        return settings_value_refuse(in, "wants %s%s, not %s", kind->article, kind->name,
                                     json_type_text(type));
    if (type == JSON_TEXT) {
        *text = json_text(in->value);
        return ERR_OK;
    }
    *text = room;
    if (kind->parse == parse_decimal) {
        (void)snprintf(room, WHEN_TEXT, "%.15g", json_number(in->value));
        return ERR_OK;
    }
    if (type == JSON_NUMBER && !json_whole(in->value, &whole))
        return settings_value_refuse(in, "wants a whole number below 2^53");
    if (type == JSON_NUMBER)
        (void)snprintf(room, WHEN_TEXT, "%" PRId64, whole);
    else
        (void)snprintf(room, WHEN_TEXT, "%s", json_bool(in->value) ? "true" : "false");
    return ERR_OK;
}

enum err settings_value_put(const struct setting_input *in, const struct setting *row, void *base)
{
    const struct kind *kind = &kinds[row->kind];
    char room[WHEN_TEXT];
    const char *text = in->text;
    void *field = (char *)base + row->offset;
    enum err e = ERR_OK;

    if (row->kind == SETTING_NARROW) {
        struct dimension list[SETTINGS_DIMENSIONS_MAX];
        int n = 0;

        return settings_dimensions_put(in, list, &n, field);
    }
    if (in->value)
        e = scalar_text(in, kind, room, &text);
    return e ? e : kind->parse(in, row, text, field);
}

enum err settings_value_print(const struct setting *row, const void *base, struct buf *out)
{
    return kinds[row->kind].print(row, (const char *)base + row->offset, out);
}

bool settings_value_given(const struct setting *row, const void *base)
{
    const char *field = (const char *)base + row->offset;
    const struct window_setting *w = base;
    int64_t ms = 0;

    if (row->kind == SETTING_NAME)
        return field[0] != '\0';
    if (row->kind == SETTING_SIZE)
        return w->size_ms || w->size_months;
    if (row->kind == SETTING_KEEP)
        return w->keep_given;
    if (row->kind == SETTING_NARROW)
        return w->wanted != 0;
    if (row->kind == SETTING_SECONDS || row->kind == SETTING_SHIFT)
        memcpy(&ms, field, sizeof(ms));
    else
        return true;
    return ms != 0;
}

#define IS(type) (1u << JSON_##type)

static const struct kind kinds[SETTING_WINDOWS + 1] = {
    [SETTING_TEXT] = {"", "text", IS(TEXT), parse_text, print_owned},
    [SETTING_SEPARATOR] = {"", "text", IS(TEXT), parse_separator, print_owned},
    [SETTING_ALERT] = {"", "text", IS(TEXT), parse_alert, print_owned},
    [SETTING_WHOLE] = {"a ", "whole number", IS(NUMBER), parse_whole, print_whole},
    [SETTING_DECIMAL] = {"a ", "number", IS(NUMBER), parse_decimal, print_decimal},
    [SETTING_BYTES] = {"a ", "size in bytes", IS(NUMBER) | IS(TEXT), parse_bytes, print_bytes},
    [SETTING_DURATION] = {"a ", "duration", IS(TEXT), parse_duration, print_duration},
    [SETTING_CHOICE] = {"a ", "choice", IS(TEXT), parse_choice, print_choice},
    [SETTING_FLAG] = {"", "true or false", IS(BOOL), parse_flag, print_flag},
    [SETTING_NAME] = {"", "text", IS(TEXT), parse_name, print_name},
    [SETTING_TYPE] = {"a ", "choice", IS(TEXT), parse_type, print_choice},
    [SETTING_SIZE] = {"a ", "duration", IS(TEXT), parse_size, print_size},
    [SETTING_SECONDS] = {"a ", "duration", IS(TEXT), parse_duration, print_duration},
    [SETTING_SHIFT] = {"a ", "duration", IS(TEXT), parse_shift, print_shift},
    [SETTING_KEEP] = {"", "text", IS(TEXT), parse_keep, print_keep},
    [SETTING_NARROW] = {"a ", "list", IS(LIST), NULL, print_narrow},
    [SETTING_DIMENSIONS] = {"a ", "list", IS(LIST), NULL, NULL},
    [SETTING_FIELDS] = {"an ", "object", IS(OBJECT), NULL, NULL},
    [SETTING_WINDOWS] = {"a ", "list", IS(LIST), NULL, NULL},
};
