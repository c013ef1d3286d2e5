/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * settings: every setting of the program, from one table (settings_table.c).
 *
 * The table holds name, type, default, range and one line of help; the JSON Schema,
 * `--help`, docs/CONFIG.md, the completions and the man page are generated from it.
 * Sources, later ones win: the default, the configuration file (JSON with comments),
 * the environment (TILLSTREAM_ + NAME), the command line (--set name=value).
 */
#ifndef TILLSTREAM_ENGINE_SETTINGS_H
#define TILLSTREAM_ENGINE_SETTINGS_H

#include "engine/buf.h"
#include "engine/err.h"
#include "engine/when.h"

#define SETTINGS_WINDOWS_MAX 64
#define SETTINGS_DIMENSIONS_MAX 16
#define SETTINGS_NAME_MAX 64 /* bytes of a window name with its NUL */

/* A dimension: the tuple of fields that make its key. `all` has none. */
enum field { FIELD_CUSTOMER, FIELD_COUNTRY, FIELD_STOCK, FIELD_COUNT };

struct dimension {
    char name[SETTINGS_NAME_MAX]; /* "all", "country", "country+stock_code" */
    enum field fields[2];
    int n_fields; /* 0, 1 or 2 */
};

enum window_type { WINDOW_TUMBLING, WINDOW_SLIDING, WINDOW_CUMULATIVE, WINDOW_SESSION };
enum keep_type { KEEP_HISTORY, KEEP_NEWEST, KEEP_DURATION };

struct window_setting {
    char name[SETTINGS_NAME_MAX];
    enum window_type type;
    int64_t size_ms,
        size_months;   /* tumbling, sliding, cumulative; whole seconds; months only tumbling */
    int64_t slide_ms;  /* sliding: slide; cumulative: step */
    int64_t gap_ms;    /* session */
    int64_t offset_ms; /* shifts the alignment; see weeks */
    enum keep_type keep;
    int64_t keep_ms;     /* KEEP_DURATION */
    uint32_t dimensions; /* bit i: settings.dimension[i] is kept in this window */
    /* As written; settings_check makes the fields above of them. */
    int64_t shift_ms; /* the setting "offset" */
    bool weeks;       /* the size was given in weeks: offset_ms = shift_ms + the
                       * 4 days from 1970-01-01, a Thursday, to Monday */
    bool keep_given;
    uint32_t wanted; /* dimensions named (settings_dimensions.c); 0: all */
};

/* Names under which a record's fields are looked for. */
struct field_names {
    char *invoice, *stock, *description, *quantity, *date, *price, *customer, *country, *record_id;
};

enum encoding { ENCODING_UTF8, ENCODING_LATIN1 };

struct settings {
    char *db; /* path of the database */
    struct window_setting window[SETTINGS_WINDOWS_MAX];
    int n_windows;
    struct dimension dimension[SETTINGS_DIMENSIONS_MAX];
    int n_dimensions;
    char *timezone;
    int64_t out_of_order_ms, allowed_lateness_ms, max_ahead_ms;
    int64_t pen_sales;    /* sales of the pen that show a gap to be real: 20 */
    int64_t pen_invoices; /* ... of at least this many invoices: 3 */
    int64_t dedup_horizon_ms;
    int64_t dedup_max; /* RecordIDs remembered at most */
    int64_t checkpoint_ms;
    int64_t checkpoint_records; /* 0: by time alone */
    int64_t batch_bytes;        /* bytes handed to the decoder at once */
    int64_t memory_limit;       /* bytes; 0: none */
    int64_t max_record;         /* longest record in bytes */
    int64_t threads;            /* helper threads: 0 or 1 */
    bool models;                /* whether invoices are judged and sales are foretold */
    char *forecast;             /* what else to foretell: models/rules.h */
    int64_t alert_rate;         /* millionths: the share of invoices to flag */
    int64_t flags_per_day;      /* millionths; > 0: this many a day instead */
    int64_t min_effect;         /* millionths of money: less at stake is not flagged */
    char *alert; /* whom to tell of flags: https://..., http://..., exec:COMMAND; "": nobody */
    int64_t alert_per_minute;
    int64_t invoice_idle_ms; /* an invoice without a line for so long is closed */
    int64_t settle_ms;       /* ... and judged for good so much later */
    struct field_names fields;
    char *csv_separator; /* one byte, or "auto": ',' ';' or tab, from the header */
    char *decimal_point; /* "." or "," */
    enum when_order date_order;
    enum encoding encoding;
    bool strict;
};

/* Fills in the defaults. ERR_NOMEM. */
enum err settings_init(struct settings *s) MUST_CHECK;
void settings_clear(struct settings *s);

/* Reads a configuration file; errors name file, line, setting, value and the nearest
 * known name. */
enum err settings_file(struct settings *s, const char *path, struct why *why) MUST_CHECK;
/* The same from text; `origin` names it in errors. */
enum err settings_json(struct settings *s, struct str text, const char *origin,
                       struct why *why) MUST_CHECK;
/* Every TILLSTREAM_NAME in the environment (lists and objects as JSON). */
enum err settings_environment(struct settings *s, char *const *environ, struct why *why) MUST_CHECK;
/* One setting from plain text; `origin` names it in errors: "--db". */
enum err settings_put(struct settings *s, const char *name, const char *value, const char *origin,
                      struct why *why) MUST_CHECK;
/* "name=value", "windows.0.keep=history", "fields.price=Price". */
enum err settings_set(struct settings *s, const char *assignment, struct why *why) MUST_CHECK;
/* What single settings can't see: unique window names, dimensions that exist, slide <=
 * size, and so on. Call once after all sources; resolves defaults that depend on others. */
enum err settings_check(struct settings *s, struct why *why) MUST_CHECK;

/* The dimension of this name, NULL if there is none. */
const struct dimension *settings_dimension(const char *name);

/* The effective settings as JSON, two spaces a level, in table order; settings_json reads
 * it back to the same settings. */
enum err settings_print(const struct settings *s, struct buf *out) MUST_CHECK;
/* The same without what may hold a password: what a database may keep. */
enum err settings_keep(const struct settings *s, struct buf *out) MUST_CHECK;
/* The same, only settings that change the meaning of stored results, on one line: what a
 * database remembers to refuse a run that would mix two meanings. */
enum err settings_meaning(const struct settings *s, struct buf *out) MUST_CHECK;
enum err settings_schema(struct buf *out) MUST_CHECK;   /* JSON Schema, draft 2020-12 */
enum err settings_markdown(struct buf *out) MUST_CHECK; /* docs/CONFIG.md */
/* Calls `each` for every top-level setting, in order: for completions and help. */
enum err settings_each(enum err (*each)(void *arg, const char *name, const char *kind,
                                        const char *fallback, const char *help),
                       void *arg) MUST_CHECK;

#endif
