/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * settings_table: what the files behind engine/settings.h share. Nobody else includes it.
 *
 * A row of the table says everything about one setting; a kind knows how to read and write
 * values of its sort; an input is a value on its way in, with what errors must name.
 */
#ifndef TILLSTREAM_ENGINE_SETTINGS_TABLE_H
#define TILLSTREAM_ENGINE_SETTINGS_TABLE_H

#include "engine/json.h"
#include "engine/settings.h"

enum setting_kind {
    SETTING_TEXT,
    SETTING_SEPARATOR,
    SETTING_ALERT, /* a text that errors don't show: it may hold a password */
    SETTING_WHOLE,
    SETTING_DECIMAL, /* in millionths */
    SETTING_BYTES,
    SETTING_DURATION,
    SETTING_CHOICE,
    SETTING_FLAG,
    /* of a window */
    SETTING_NAME,
    SETTING_TYPE,
    SETTING_SIZE,
    SETTING_SECONDS,
    SETTING_SHIFT,
    SETTING_KEEP,
    SETTING_NARROW,
    /* made of others */
    SETTING_DIMENSIONS,
    SETTING_FIELDS,
    SETTING_WINDOWS,
};

struct setting {
    const char *name;
    const char *help;
    size_t offset;              /* in struct settings, or in struct window_setting */
    const char *fallback;       /* as text; of a window's member: for people */
    int64_t min, max;           /* numbers; durations in ms; texts in bytes */
    const char *const *choices; /* NULL-terminated; in the order of the enum */
    enum setting_kind kind;
    unsigned used_by; /* of a window's member: 1 << enum window_type */
    unsigned needed_by;
    bool meaning; /* changes the meaning of stored results */
};

/* Each ends with name NULL. */
extern const struct setting settings_table[];
extern const struct setting settings_table_fields[];  /* members of "fields" */
extern const struct setting settings_table_windows[]; /* members of an item of "windows" */
extern const char *const settings_table_types[];      /* names of enum window_type */

const struct setting *settings_table_find(const struct setting *rows, const char *name);

struct setting_input {
    const char *origin;         /* "shop.json", "--set", "TILLSTREAM_DB" */
    bool is_file;               /* errors name the line */
    bool names_it;              /* the origin says which setting; errors need not again */
    const struct json_doc *doc; /* of `value` */
    const struct json *value;   /* NULL: `text` instead */
    const char *text;
    struct why *why;
    char path[96]; /* "windows.0.size" */
};

/* ---- settings_value.c: single values ---- */

/* The name and the JSON Schema type of a kind: "duration", "whole number". */
const char *settings_value_kind(enum setting_kind kind);
/* "50ms to 1h", "utf-8 or latin-1", "" for any; into `out`, SETTINGS_RANGE bytes. */
#define SETTINGS_RANGE 128
const char *settings_value_range(const struct setting *row, char *out);
/* "ORIGIN:LINE: PATH: " + message; returns ERR_INVALID. */
enum err settings_value_refuse(const struct setting_input *in, const char *format, ...)
    PRINTF_LIKE(2, 3);
enum err settings_value_unknown(const struct setting_input *in, const struct setting *rows,
                                const char *what, const char *name);
/* The input for a member or item of `in`, its name added to the path. */
struct setting_input settings_value_member(const struct setting_input *in, const struct json *v,
                                           const char *name);
/* Reads one value into the struct at `base`; not for kinds made of others. */
enum err settings_value_put(const struct setting_input *in, const struct setting *row,
                            void *base) MUST_CHECK;
/* Writes it as JSON. */
enum err settings_value_print(const struct setting *row, const void *base,
                              struct buf *out) MUST_CHECK;
/* Whether it was given at all: always, but for members of a window. */
bool settings_value_given(const struct setting *row, const void *base);
/* Replaces *field by a copy of the text. */
enum err settings_value_copy(char **field, const char *text) MUST_CHECK;
/* "1h", "1w", "1mo": the size of a window, into WHEN_TEXT bytes. */
void settings_value_size(const struct window_setting *w, char *out);

/* ---- settings_dimensions.c: "all", "country", "country+stock_code" ---- */

/* Reads a list of names; bit i of *named is the i-th known dimension. */
enum err settings_dimensions_put(const struct setting_input *in, struct dimension *list, int *n,
                                 uint32_t *named) MUST_CHECK;
/* The i-th known dimension, NULL past the last. */
const struct dimension *settings_dimensions_known(int i);
/* Which of the known dimensions it is, as a bit. */
uint32_t settings_dimensions_bit(const struct dimension *d);
enum err settings_dimensions_print(const struct settings *s, struct buf *out) MUST_CHECK;

/* ---- settings_windows.c: the list of windows ---- */

enum err settings_windows_put(const struct setting_input *in, struct settings *s) MUST_CHECK;
/* `rest` is what follows "windows." in the name: "0.keep", "day.keep", "0". */
enum err settings_windows_set(const struct setting_input *in, const char *rest,
                              struct settings *s) MUST_CHECK;
enum err settings_windows_check(struct settings *s, struct why *why) MUST_CHECK;

#endif
