/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * settings_print: settings as JSON.
 *
 * Invariant: settings_json reads what settings_print writes, to the same settings.
 */
#include "engine/settings_table.h"

/* ---- the effective settings ---- */

static enum err print_window(const struct window_setting *w, struct buf *out)
{
    const char *before = "";
    enum err e = buf_u8(out, '{');

    for (const struct setting *row = settings_table_windows; row->name && !e; row++) {
        if (!(row->used_by >> w->type & 1) || !settings_value_given(row, w))
            continue;
        e = buf_printf(out, "%s\"%s\": ", before, row->name);
        if (!e)
            e = settings_value_print(row, w, out);
        before = ", ";
    }
    if (!e)
        e = buf_u8(out, '}');
    return e;
}

static enum err print_windows(const struct settings *s, struct buf *out)
{
    enum err e = buf_u8(out, '[');

    for (int i = 0; i < s->n_windows && !e; i++) {
        e = buf_text(out, i ? ",\n    " : "\n    ");
        if (!e)
            e = print_window(&s->window[i], out);
    }
    if (!e)
        e = buf_text(out, "\n  ]");
    return e;
}

/* `indent` stands before each member; NULL: all on one line. */
static enum err print_fields(const struct settings *s, const char *indent, struct buf *out)
{
    enum err e = buf_u8(out, '{');

    for (const struct setting *row = settings_table_fields; row->name && !e; row++) {
        const char *comma = row == settings_table_fields ? "" : indent ? "," : ", ";

        e = buf_printf(out, "%s%s\"%s\": ", comma, indent ? indent : "", row->name);
        if (!e)
            e = settings_value_print(row, s, out);
    }
    if (!e)
        e = buf_text(out, indent ? "\n  }" : "}");
    return e;
}

static enum err print_value(const struct setting *row, const struct settings *s, const char *indent,
                            struct buf *out)
{
    if (row->kind == SETTING_WINDOWS)
        return print_windows(s, out);
    if (row->kind == SETTING_DIMENSIONS)
        return settings_dimensions_print(s, out);
    if (row->kind == SETTING_FIELDS)
        return print_fields(s, indent, out);
    return settings_value_print(row, s, out);
}

static enum err print_all(const struct settings *s, bool secrets, struct buf *out)
{
    enum err e = buf_u8(out, '{');

    for (const struct setting *row = settings_table; row->name && !e; row++) {
        if (row->kind == SETTING_ALERT && !secrets)
            continue;
        e = buf_printf(out, "%s\n  \"%s\": ", row == settings_table ? "" : ",", row->name);
        if (!e)
            e = print_value(row, s, "\n    ", out);
    }
    if (!e)
        e = buf_text(out, "\n}\n");
    return e;
}

enum err settings_print(const struct settings *s, struct buf *out)
{
    return print_all(s, true, out);
}

enum err settings_keep(const struct settings *s, struct buf *out)
{
    return print_all(s, false, out);
}

enum err settings_meaning(const struct settings *s, struct buf *out)
{
    const char *before = "{";
    enum err e = ERR_OK;

    for (const struct setting *row = settings_table; row->name && !e; row++) {
        if (!row->meaning)
            continue;
        e = buf_printf(out, "%s\"%s\": ", before, row->name);
        before = ", ";
        if (!e)
            e = print_value(row, s, NULL, out);
    }
    return e ? e : buf_u8(out, '}');
}

enum err settings_each(enum err (*each)(void *arg, const char *name, const char *kind,
                                        const char *fallback, const char *help),
                       void *arg)
{
    enum err e = ERR_OK;

    for (const struct setting *row = settings_table; row->name && !e; row++) {
        bool is_made = row->kind == SETTING_WINDOWS || row->kind == SETTING_FIELDS;

        e = each(arg, row->name, settings_value_kind(row->kind), is_made ? "" : row->fallback,
                 row->help);
    }
    return e;
}
