/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * settings: from four sources to one struct.
 *
 * The idea: defaults, file, environment and command line all end in `apply`, which puts one
 * value into the field of one row of settings_table. A source is read into a draft, a deep
 * copy, which replaces the settings only when all of it was good.
 *
 * Invariants:
 *   (1) A failed call leaves the settings as they were.
 *   (2) Every text of struct settings is owned by it, and set, after settings_init.
 */
#include "engine/settings.h"

#include "engine/nearest.h"
#include "engine/settings_table.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define ENVIRONMENT_PREFIX "TILLSTREAM_"
#define SET_ORIGIN "--set"

/* ---- the struct ---- */

static const struct setting *const tables[] = {settings_table, settings_table_fields};

static char **text_field(struct settings *s, const struct setting *row)
{
    return (char **)(void *)((char *)s + row->offset);
}

static bool owns_text(const struct setting *row)
{
    return row->kind == SETTING_TEXT || row->kind == SETTING_SEPARATOR ||
           row->kind == SETTING_ALERT;
}

void settings_clear(struct settings *s)
{
    for (size_t t = 0; t < countof(tables); t++)
        for (const struct setting *row = tables[t]; row->name; row++)
            if (owns_text(row)) {
                free(*text_field(s, row));
                *text_field(s, row) = NULL;
            }
}

static enum err copy_texts(struct settings *to, struct settings *from)
{
    enum err e = ERR_OK;

    for (size_t t = 0; t < countof(tables); t++)
        for (const struct setting *row = tables[t]; row->name && !e; row++)
            if (owns_text(row))
                e = settings_value_copy(text_field(to, row), *text_field(from, row));
    return e;
}

/* A deep copy to change in peace. */
static enum err draft_of(struct settings *s, struct settings *draft)
{
    enum err e;

    *draft = *s;
    for (size_t t = 0; t < countof(tables); t++)
        for (const struct setting *row = tables[t]; row->name; row++)
            if (owns_text(row))
                *text_field(draft, row) = NULL;
    e = copy_texts(draft, s);
    if (e)
        settings_clear(draft);
    return e;
}

/* The end of every change: the draft becomes the settings, or is dropped. */
static enum err adopt(struct settings *s, struct settings *draft, enum err e, struct why *why)
{
    if (e) {
        settings_clear(draft);
        return e == ERR_NOMEM ? why_set(why, e, "out of memory while reading settings") : e;
    }
    settings_clear(s);
    *s = *draft;
    return ERR_OK;
}

/* ---- one value ---- */

static enum err apply_fields(const struct setting_input *in, struct settings *s)
{
    enum err e = ERR_OK;

    if (!in->value || json_type(in->value) != JSON_OBJECT)
        return settings_value_refuse(in, "wants an object such as {\"price\": \"Price\"}");
    for (const struct json *v = json_first(in->value); v && !e; v = json_next(v)) {
        const struct setting *row = settings_table_find(settings_table_fields, json_name(v));
        struct setting_input member = settings_value_member(in, v, row ? row->name : "");

        if (!row) {
            member = *in;
            member.value = v;
            return settings_value_unknown(&member, settings_table_fields, "field", json_name(v));
        }
        e = settings_value_put(&member, row, s);
    }
    return e;
}

static enum err apply(const struct setting_input *in, const struct setting *row, struct settings *s)
{
    uint32_t named = 0;

    if (row->kind == SETTING_FIELDS)
        return apply_fields(in, s);
    if (row->kind == SETTING_WINDOWS)
        return settings_windows_put(in, s);
    if (row->kind == SETTING_DIMENSIONS)
        return settings_dimensions_put(in, s->dimension, &s->n_dimensions, &named);
    return settings_value_put(in, row, s);
}

/* ---- plain text ---- */

/* Text that looks like JSON becomes JSON: lists, objects, and texts in double quotes. A
 * quote that begins no JSON text is a plain quote; in a bracket a mistake is a mistake,
 * unless the setting is a text of its own, such as a path. `*doc` is the caller's to close. */
static enum err parse_plain(struct setting_input *in, const struct setting *row,
                            struct json_doc **doc)
{
    bool is_text = owns_text(row);
    char c = in->text[0];
    char origin[160];
    enum err e;

    *doc = NULL;
    if (c != '"' && (is_text || (c != '[' && c != '{')))
        return ERR_OK;
    (void)snprintf(origin, sizeof(origin), "%.100s%s%.50s", in->origin, in->names_it ? "" : " ",
                   in->names_it ? "" : in->path);
    e = json_open(str_of(in->text), origin, doc, in->why);
    if (e == ERR_NOMEM || (e && c != '"'))
        return e;
    if (!e) {
        in->doc = *doc;
        in->value = json_root(*doc);
    }
    return ERR_OK;
}

/* "db", "fields.price", "windows.0.keep" */
static enum err set_path(struct setting_input *in, const char *name, struct settings *s)
{
    size_t n = strcspn(name, ".");
    const char *rest = name[n] ? name + n + 1 : NULL;
    char head[NEAREST_BYTES_MAX + 1];
    const struct setting *row = NULL;
    struct json_doc *doc = NULL;
    enum err e;

    (void)snprintf(head, sizeof(head), "%.*s", (int)(n < sizeof(head) ? n : sizeof(head) - 1),
                   name);
    row = settings_table_find(settings_table, head);
    if (!row)
        return settings_value_unknown(in, settings_table, "setting", head);
    if (rest && row->kind == SETTING_FIELDS) {
        row = settings_table_find(settings_table_fields, rest);
        if (!row)
            return settings_value_unknown(in, settings_table_fields, "field", rest);
        rest = NULL;
    }
    (void)snprintf(in->path, sizeof(in->path), "%s", name);
    if (rest && row->kind != SETTING_WINDOWS)
        return settings_value_refuse(in, "%s has no parts; leave out \".%.32s\"", row->name, rest);
    e = parse_plain(in, row, &doc);
    if (!e)
        e = rest ? settings_windows_set(in, rest, s) : apply(in, row, s);
    json_close(doc);
    return e;
}

/* ---- the sources ---- */

enum err settings_init(struct settings *s)
{
    enum err e = ERR_OK;

    memset(s, 0, sizeof(*s));
    for (size_t t = 0; t < countof(tables); t++)
        for (const struct setting *row = tables[t]; row->name && !e; row++) {
            struct setting_input in = {.origin = "default", .text = row->fallback};
            struct json_doc *doc = NULL;

            e = parse_plain(&in, row, &doc);
            if (!e)
                e = apply(&in, row, s);
            json_close(doc);
        }
    if (e)
        settings_clear(s);
    return e;
}

static enum err apply_document(struct setting_input *in, struct settings *s)
{
    enum err e = ERR_OK;

    in->value = json_root(in->doc);
    if (json_type(in->value) != JSON_OBJECT)
        return settings_value_refuse(in, "a configuration is an object: {\"name\": value, ...}");
    for (const struct json *v = json_first(in->value); v && !e; v = json_next(v)) {
        const struct setting *row = settings_table_find(settings_table, json_name(v));
        struct setting_input member = settings_value_member(in, v, row ? row->name : "");

        if (!row) {
            member = *in;
            member.value = v;
            return settings_value_unknown(&member, settings_table, "setting", json_name(v));
        }
        e = apply(&member, row, s);
    }
    return e;
}

enum err settings_json(struct settings *s, struct str text, const char *origin, struct why *why)
{
    struct setting_input in = {.origin = origin, .is_file = true, .why = why};
    struct settings draft;
    struct json_doc *doc = NULL;
    enum err e = json_open(text, origin, &doc, why);

    if (e)
        return e;
    e = draft_of(s, &draft);
    if (!e) {
        in.doc = doc;
        e = apply_document(&in, &draft);
        e = adopt(s, &draft, e, why);
    }
    json_close(doc);
    return e;
}

/* One byte more than may be is read, so that json_open sees that it is too long. */
static enum err read_all(FILE *f, struct buf *text)
{
    enum err e = buf_reserve(text, JSON_BYTES_MAX + 1);

    if (e)
        return e;
    text->n = fread(text->p, 1, JSON_BYTES_MAX + 1, f);
    return ferror(f) ? ERR_IO : ERR_OK;
}

enum err settings_file(struct settings *s, const char *path, struct why *why)
{
    struct buf text;
    FILE *f = fopen(path, "r");
    enum err e;

    if (!f)
        return why_set(why, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO,
                       "can't open the configuration %.200s: %s; name another with -c", path,
                       strerror(errno));
    buf_init(&text, JSON_BYTES_MAX + 1);
    e = read_all(f, &text);
    if (e == ERR_IO)
        (void)why_set(why, e, "can't read the configuration %.200s: %s", path, strerror(errno));
    (void)fclose(f);
    if (!e)
        e = settings_json(s, (struct str){text.p, text.n}, path, why);
    buf_clear(&text);
    return e;
}

enum err settings_put(struct settings *s, const char *name, const char *value, const char *origin,
                      struct why *why)
{
    struct setting_input in = {.origin = origin, .text = value, .why = why};
    struct settings draft;
    enum err e = draft_of(s, &draft);

    if (e)
        return e;
    in.names_it = strcmp(origin, SET_ORIGIN) != 0;
    e = set_path(&in, name, &draft);
    return adopt(s, &draft, e, why);
}

enum err settings_set(struct settings *s, const char *assignment, struct why *why)
{
    const char *equals = strchr(assignment, '=');
    char name[96];
    size_t n = equals ? (size_t)(equals - assignment) : 0;

    if (n == 0)
        return why_set(why, ERR_INVALID, "--set %.64s: write name=value, e.g. --set checkpoint=5s",
                       assignment);
    if (n >= sizeof(name))
        return why_set(why, ERR_INVALID, "--set: there is no setting with so long a name");
    memcpy(name, assignment, n);
    name[n] = '\0';
    return settings_put(s, name, equals + 1, SET_ORIGIN, why);
}

/* "CHECKPOINT" for "checkpoint" */
static bool is_in_capitals(struct str upper, const char *name)
{
    size_t n = strlen(name);
    bool same = upper.n == n;

    for (size_t i = 0; same && i < n; i++) {
        bool is_letter = name[i] >= 'a' && name[i] <= 'z';

        same = upper.p[i] == name[i] + (is_letter ? 'A' - 'a' : 0);
    }
    return same;
}

/* Other programs may have variables of that prefix: one that is nearly a setting is taken
 * for a mistyped one, the rest is left alone. */
static enum err check_unknown(struct str name, struct why *why)
{
    for (const struct setting *row = settings_table; row->name; row++) {
        struct str known = str_of(row->name);
        int limit = known.n < 6 ? 1 : 2;

        if (nearest_distance(name, known) <= limit)
            return why_set(why, ERR_INVALID,
                           "environment: there is no setting " ENVIRONMENT_PREFIX
                           "%.*s (did you mean the one for \"%s\"?); correct or unset it",
                           (int)name.n, name.p, row->name);
    }
    return ERR_OK;
}

static enum err apply_variable(struct settings *s, const char *variable, struct why *why)
{
    struct str name = {variable, strcspn(variable, "=")};
    const struct setting *row = settings_table;
    char origin[96];
    struct setting_input in = {.origin = origin, .names_it = true, .why = why};

    if (variable[name.n] != '=')
        return ERR_OK;
    while (row->name && !is_in_capitals(name, row->name))
        row++;
    if (!row->name)
        return check_unknown(name, why);
    (void)snprintf(origin, sizeof(origin), "environment " ENVIRONMENT_PREFIX "%.*s", (int)name.n,
                   name.p);
    in.text = variable + name.n + 1;
    return set_path(&in, row->name, s);
}

enum err settings_environment(struct settings *s, char *const *environ, struct why *why)
{
    size_t n = strlen(ENVIRONMENT_PREFIX);
    struct settings draft;
    enum err e = draft_of(s, &draft);

    if (e)
        return e;
    for (; *environ && !e; environ++)
        if (strncmp(*environ, ENVIRONMENT_PREFIX, n) == 0)
            e = apply_variable(&draft, *environ + n, why);
    return adopt(s, &draft, e, why);
}

/* ---- what single settings can't see ---- */

static enum err check_fields(struct settings *s, struct why *why)
{
    for (const struct setting *a = settings_table_fields; a->name; a++)
        for (const struct setting *b = settings_table_fields; b < a; b++)
            if (strcmp(*text_field(s, a), *text_field(s, b)) == 0)
                return why_set(why, ERR_INVALID,
                               "fields.%s and fields.%s are both \"%.64s\"; give each field a name "
                               "of its own",
                               b->name, a->name, *text_field(s, a));
    return ERR_OK;
}

enum err settings_check(struct settings *s, struct why *why)
{
    struct zone *zone = NULL;
    struct why reason = {""};
    enum err e;

    if (strcmp(s->csv_separator, s->decimal_point) == 0)
        return why_set(why, ERR_INVALID,
                       "csv_separator and decimal_point are both \"%s\"; a price could not be read",
                       s->decimal_point);
    if (s->pen_invoices > s->pen_sales)
        return why_set(why, ERR_INVALID,
                       "pen_invoices is more than pen_sales, so a gap could never be confirmed; "
                       "give at most as many");
    e = check_fields(s, why);
    if (!e)
        e = settings_windows_check(s, why);
    if (e)
        return e;
    e = zone_open(s->timezone, &zone, &reason);
    zone_close(zone);
    if (e && e != ERR_NOMEM)
        return why_set(why, ERR_INVALID, "timezone: %.400s", reason.text);
    return e;
}
