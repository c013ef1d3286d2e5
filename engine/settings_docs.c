/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * settings_docs: what is generated from the table for people and editors: the JSON Schema
 * (draft 2020-12) and docs/CONFIG.md.
 *
 * The schema accepts what settings_json accepts and as little else as patterns can say;
 * ranges of durations and what settings_check compares it can't.
 */
#include "engine/settings_table.h"

#include "engine/money.h"

/* ---- the schema ---- */

static enum err schema_choices(const struct setting *row, struct buf *out)
{
    enum err e = buf_text(out, "\"enum\": [");

    for (int i = 0; row->choices[i] && !e; i++)
        e = buf_printf(out, "%s\"%s\"", i ? ", " : "", row->choices[i]);
    if (row->kind == SETTING_TYPE) {
        if (!e)
            e = buf_text(out, ", \"hopping\"");
    }
    if (!e)
        e = buf_u8(out, ']');
    return e;
}

static enum err schema_dimensions(struct buf *out)
{
    enum err e = buf_text(out, "\"type\": \"array\", \"minItems\": 1, \"uniqueItems\": true, "
                               "\"items\": {\"enum\": [");

    for (int i = 0; settings_dimensions_known(i) && !e; i++)
        e = buf_printf(out, "%s\"%s\"", i ? ", " : "", settings_dimensions_known(i)->name);
    if (!e)
        e = buf_text(out, "]}");
    return e;
}

#define DURATION "[0-9]+(ms|s|m|h|d|w)"

static enum err schema_decimal(const struct setting *row, struct buf *out)
{
    char low[MONEY_TEXT], high[MONEY_TEXT];

    (void)money_format(row->min, 0, low);
    (void)money_format(row->max, 0, high);
    return buf_printf(out, "\"type\": \"number\", \"minimum\": %s, \"maximum\": %s", low, high);
}

static enum err schema_value(const struct setting *row, struct buf *out)
{
    char range[SETTINGS_RANGE];

    switch (row->kind) {
    case SETTING_CHOICE:
    case SETTING_TYPE:
        return schema_choices(row, out);
    case SETTING_TEXT:
        if (row->choices)
            return schema_choices(row, out);
        return buf_printf(out, "\"type\": \"string\", \"minLength\": %d", (int)row->min);
    case SETTING_WHOLE:
        return buf_printf(out, "\"type\": \"integer\", \"minimum\": %lld, \"maximum\": %lld",
                          (long long)row->min, (long long)row->max);
    case SETTING_DECIMAL:
        return schema_decimal(row, out);
    case SETTING_BYTES:
        return buf_printf(out,
                          "\"type\": [\"integer\", \"string\"], \"minimum\": %lld, \"maximum\": "
                          "%lld, \"pattern\": \"^[0-9]+([KMGT]i?B|B)?$\"",
                          (long long)row->min, (long long)row->max);
    case SETTING_FLAG:
        return buf_text(out, "\"type\": \"boolean\"");
    case SETTING_NAME:
        return buf_printf(out, "\"type\": \"string\", \"pattern\": \"^[A-Za-z0-9_-]{%d,%d}$\"",
                          (int)row->min, (int)row->max);
    case SETTING_DURATION:
    case SETTING_SECONDS:
        return buf_printf(out,
                          "\"type\": \"string\", \"pattern\": \"^" DURATION "$\", \"$comment\": "
                          "\"%s\"",
                          settings_value_range(row, range));
    case SETTING_SIZE:
        return buf_text(out, "\"type\": \"string\", \"pattern\": \"^([0-9]+(ms|s|m|h|d|w)|"
                             "(1|2|3|4|6|12)mo)$\"");
    case SETTING_SHIFT:
        return buf_text(out, "\"type\": \"string\", \"pattern\": \"^-?" DURATION "$\"");
    case SETTING_KEEP:
        return buf_text(out,
                        "\"type\": \"string\", \"pattern\": \"^(history|newest|" DURATION ")$\"");
    case SETTING_SEPARATOR:
        return buf_text(out, "\"type\": \"string\", \"pattern\": \"^(auto|tab|[^A-Za-z0-9])$\"");
    case SETTING_ALERT:
        return buf_text(out, "\"type\": \"string\", \"pattern\": \"^((https?://|exec:).+)?$\"");
    case SETTING_NARROW:
    case SETTING_DIMENSIONS:
        return schema_dimensions(out);
    case SETTING_FIELDS:
    case SETTING_WINDOWS:
        break;
    }
    return ERR_INVALID;
}

/* "NAME": {"description": ..., "default": ..., then type and range, and an open end */
static enum err schema_begin(const struct setting *row, const char *indent, const char *before,
                             struct buf *out)
{
    enum err e = buf_printf(out, "%s%s\"%s\": {\"description\": ", before, indent, row->name);

    if (!e)
        e = json_quote(out, str_of(row->help));
    if (!e)
        e = buf_text(out, ", ");
    return e;
}

static enum err schema_default(const struct setting *row, struct settings *s, struct buf *out)
{
    enum err e = buf_text(out, ", \"default\": ");

    if (e)
        return e;
    if (row->kind == SETTING_DIMENSIONS)
        return settings_dimensions_print(s, out);
    return settings_value_print(row, s, out);
}

static enum err schema_members(const struct setting *rows, struct settings *s, struct buf *out)
{
    enum err e = buf_text(out, "\"additionalProperties\": false, \"properties\": {");

    for (const struct setting *row = rows; row->name && !e; row++) {
        e = schema_begin(row, "\n        ", row == rows ? "" : ",", out);
        if (!e)
            e = schema_value(row, out);
        if (s) {
            if (!e)
                e = schema_default(row, s, out);
        }
        if (!e)
            e = buf_u8(out, '}');
    }
    if (!e)
        e = buf_text(out, "\n      }");
    return e;
}

/* What a type of window needs, and what it must not have. */
static enum err schema_type(int type, struct buf *out)
{
    const char *name = settings_table_types[type];
    const char *before = "";
    enum err e =
        buf_printf(out,
                   "%s\n        {\"if\": {\"properties\": {\"type\": {\"enum\": [\"%s\"%s]}}}, "
                   "\"then\": {\"required\": [",
                   type ? "," : "", name, type == WINDOW_SLIDING ? ", \"hopping\"" : "");

    for (const struct setting *row = settings_table_windows; row->name && !e; row++) {
        if (!(row->needed_by >> type & 1))
            continue;
        e = buf_printf(out, "%s\"%s\"", before, row->name);
        before = ", ";
    }
    if (!e)
        e = buf_text(out, "], \"properties\": {");
    before = "";
    for (const struct setting *row = settings_table_windows; row->name && !e; row++) {
        if (row->used_by >> type & 1)
            continue;
        e = buf_printf(out, "%s\"%s\": false", before, row->name);
        before = ", ";
    }
    if (!e)
        e = buf_text(out, "}}}");
    return e;
}

static enum err schema_windows(const struct setting *row, struct buf *out)
{
    enum err e = buf_printf(out,
                            "\"type\": \"array\", \"minItems\": %d, \"maxItems\": %d, \"items\": "
                            "{\"type\": \"object\", \"required\": [\"type\"],\n      ",
                            (int)row->min, (int)row->max);

    if (!e)
        e = schema_members(settings_table_windows, NULL, out);
    if (!e)
        e = buf_text(out, ",\n      \"allOf\": [");
    for (int type = 0; settings_table_types[type] && !e; type++)
        e = schema_type(type, out);
    if (!e)
        e = buf_printf(out, "\n      ]}, \"default\": %s", row->fallback);
    return e;
}

static enum err schema_fields(struct settings *s, struct buf *out)
{
    enum err e = buf_text(out, "\"type\": \"object\",\n      ");

    return e ? e : schema_members(settings_table_fields, s, out);
}

static enum err schema_plain(const struct setting *row, struct settings *s, struct buf *out)
{
    enum err e = schema_value(row, out);

    return e ? e : schema_default(row, s, out);
}

static enum err schema_setting(const struct setting *row, struct settings *s, struct buf *out)
{
    enum err e = schema_begin(row, "\n    ", row == settings_table ? "" : ",", out);

    if (e)
        return e;
    if (row->kind == SETTING_WINDOWS)
        e = schema_windows(row, out);
    else if (row->kind == SETTING_FIELDS)
        e = schema_fields(s, out);
    else
        e = schema_plain(row, s, out);
    return e ? e : buf_u8(out, '}');
}

enum err settings_schema(struct buf *out)
{
    struct settings s;
    enum err e = settings_init(&s);

    if (e)
        return e;
    e = buf_text(out, "{\n  \"$schema\": \"https://json-schema.org/draft/2020-12/schema\",\n"
                      "  \"title\": \"Configuration of tillstream\",\n"
                      "  \"type\": \"object\",\n  \"additionalProperties\": false,\n"
                      "  \"properties\": {");
    for (const struct setting *row = settings_table; row->name && !e; row++)
        e = schema_setting(row, &s, out);
    if (!e)
        e = buf_text(out, "\n  }\n}\n");
    settings_clear(&s);
    return e;
}

/* ---- docs/CONFIG.md ---- */

/* Table cells: | separates them. */
static enum err markdown_cell(struct buf *out, const char *text)
{
    enum err e = ERR_OK;

    for (; *text && !e; text++)
        e = *text == '|' ? buf_text(out, "\\|") : buf_u8(out, (uint8_t)*text);
    return e;
}

static enum err markdown_default(const struct setting *row, struct buf *out)
{
    if (row->kind == SETTING_WINDOWS || row->kind == SETTING_FIELDS)
        return buf_text(out, "see below");
    if (!row->fallback[0])
        return buf_text(out, "empty");
    /* Only those of a window's members are words for people. */
    return buf_printf(out, row->used_by ? "%s" : "`%s`", row->fallback);
}

static enum err markdown_range(const struct setting *row, struct buf *out)
{
    char range[SETTINGS_RANGE];

    if (row->kind == SETTING_DIMENSIONS || row->kind == SETTING_SEPARATOR)
        return ERR_OK;
    if (row->kind == SETTING_WINDOWS)
        return buf_printf(out, "%d to %d items", (int)row->min, (int)row->max);
    return markdown_cell(out, settings_value_range(row, range));
}

static enum err markdown_row(const struct setting *row, struct buf *out)
{
    enum err e = buf_printf(out, "| `%s` | %s | ", row->name, settings_value_kind(row->kind));

    if (!e)
        e = markdown_default(row, out);
    if (!e)
        e = buf_text(out, " | ");
    if (!e)
        e = markdown_range(row, out);
    if (!e)
        e = buf_text(out, " | ");
    if (!e)
        e = markdown_cell(out, row->help);
    return e ? e : buf_text(out, " |\n");
}

static enum err markdown_rows(const struct setting *rows, struct buf *out)
{
    enum err e = buf_text(out, "| setting | type | default | range | what it does |\n"
                               "|---|---|---|---|---|\n");

    for (const struct setting *row = rows; row->name && !e; row++)
        e = markdown_row(row, out);
    return e;
}

static enum err markdown_used_by(struct buf *out)
{
    enum err e = buf_text(out, "\n| | tumbling | sliding | cumulative | session |\n"
                               "|---|---|---|---|---|\n");

    for (const struct setting *row = settings_table_windows; row->name && !e; row++) {
        e = buf_printf(out, "| `%s` |", row->name);
        for (int type = 0; settings_table_types[type] && !e; type++) {
            bool needed = row->needed_by >> type & 1;
            bool used = row->used_by >> type & 1;

            e = buf_text(out, needed ? " needed |" : used ? " may |" : " - |");
        }
        if (!e)
            e = buf_u8(out, '\n');
    }
    return e;
}

static const char markdown_head[] =
    "# Settings\n"
    "\n"
    "<!-- Generated from engine/settings_table.c by `tillstream config --markdown`. -->\n"
    "\n"
    "Every setting has a default; you need to write only what differs. Later sources win:\n"
    "\n"
    "1. the default\n"
    "2. the configuration file, `-c FILE`: JSON, in which comments (`//`, `/* */`) and a comma\n"
    "   after the last item are fine\n"
    "3. the environment: `TILLSTREAM_` and the name in capitals, e.g.\n"
    "   `TILLSTREAM_CHECKPOINT=5s`; lists and objects as JSON\n"
    "4. the command line: `--set checkpoint=5s`, `--set windows.day.keep=90d`,\n"
    "   `--set windows.0.keep=90d`, `--set fields.price=Price`, `--set dimensions=all,country`\n"
    "\n"
    "`tillstream config -c FILE` checks a configuration and prints the effective one.\n"
    "Durations are a number and a unit: `50ms 90s 5m 24h 7d 1w`. Sizes in bytes are numbers, or\n"
    "texts such as `\"512MB\"` (1000) or `\"512MiB\"` (1024).\n"
    "\n";

static const char markdown_windows[] =
    "\n## Windows\n"
    "\n"
    "`windows` is a list of objects; it replaces the default set:\n"
    "\n"
    "```json\n"
    "{\"windows\": [\n"
    "  {\"name\": \"hour\", \"type\": \"tumbling\", \"size\": \"1h\"},\n"
    "  {\"name\": \"day\", \"type\": \"tumbling\", \"size\": \"1d\"},\n"
    "  {\"name\": \"last24h\", \"type\": \"sliding\", \"size\": \"24h\", \"slide\": \"1h\"},\n"
    "  {\"name\": \"last7d\", \"type\": \"sliding\", \"size\": \"7d\", \"slide\": \"1d\"}\n"
    "]}\n"
    "```\n"
    "\n";

static const char markdown_fields[] =
    "\n## Fields\n"
    "\n"
    "`fields` is an object, e.g. `{\"invoice\": \"Rechnung\", \"price\": \"Preis\"}`.\n"
    "\n";

static enum err markdown_meaning(struct buf *out)
{
    const char *before = "\nThese change what stored results mean, so a database remembers them "
                         "and refuses others: ";
    enum err e = ERR_OK;

    for (const struct setting *row = settings_table; row->name && !e; row++) {
        if (!row->meaning)
            continue;
        e = buf_printf(out, "%s`%s`", before, row->name);
        before = ", ";
    }
    if (!e)
        e = buf_text(out, ".\n");
    return e;
}

enum err settings_markdown(struct buf *out)
{
    enum err e = buf_text(out, markdown_head);

    if (!e)
        e = markdown_rows(settings_table, out);
    if (!e)
        e = markdown_meaning(out);
    if (!e)
        e = buf_text(out, markdown_windows);
    if (!e)
        e = markdown_rows(settings_table_windows, out);
    if (!e)
        e = markdown_used_by(out);
    if (!e)
        e = buf_text(out, markdown_fields);
    if (!e)
        e = markdown_rows(settings_table_fields, out);
    return e;
}
