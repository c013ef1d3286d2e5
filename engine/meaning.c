/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The two JSON lines come from the same printer, so they are equal up to the first setting
 * that differs: its name is the last one at depth 1 before the first different byte. A
 * window's line is its name, a space, and FIELDS numbers.
 */
#include "engine/meaning.h"

#include <inttypes.h>

static const char *const fields[] = {"type", "size",   "size", "slide or step",
                                     "gap",  "offset", "keep", "dimensions"};

/* The top-level name whose value holds byte `at`. */
static struct str name_before(struct str json, size_t at)
{
    struct str name = STR("?");
    size_t quote = 0;
    int depth = 0;
    bool inside = false;

    for (size_t i = 0; i < at && i < json.n; i++) {
        char c = json.p[i];
        if (c == '"') {
            inside = !inside;
            quote = inside ? i + 1 : quote;
            if (!inside && depth == 1 && i + 1 < json.n && json.p[i + 1] == ':')
                name = (struct str){json.p + quote, i - quote};
        } else if (!inside) {
            depth += (c == '{' || c == '[') - (c == '}' || c == ']');
        }
    }
    return name;
}

enum err meaning_check(struct str stored, struct str now, const char *db, struct why *why)
{
    size_t at = 0;

    while (at < stored.n && at < now.n && stored.p[at] == now.p[at])
        at++;
    if (at == stored.n && at == now.n)
        return ERR_OK;
    struct str name = name_before(now, at);
    return why_set(why, ERR_INVALID,
                   "the setting %.*s differs from the one %s was made with, and results of two "
                   "meanings don't mix: set it back, or name another database with --db and run "
                   "the sources again",
                   (int)name.n, name.p, db);
}

enum err meaning_windows(const struct settings *s, struct buf *out)
{
    enum err e = ERR_OK;

    for (int i = 0; !e && i < s->n_windows; i++) {
        const struct window_setting *w = &s->window[i];
        e = buf_printf(out,
                       "%s %d %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64
                       " %d %" PRIu32 "\n",
                       w->name, (int)w->type, w->size_ms, w->size_months, w->slide_ms, w->gap_ms,
                       w->offset_ms, w->keep == KEEP_NEWEST, w->dimensions);
    }
    return e;
}

/* Cuts the next line off `text`. */
static struct str next_line(struct str *text)
{
    const char *end = text->n ? memchr(text->p, '\n', text->n) : NULL;
    struct str line = {text->p, end ? (size_t)(end - text->p) : text->n};
    size_t used = end ? line.n + 1 : line.n;

    text->p += used;
    text->n -= used;
    return line;
}

/* Cuts the last word off `line`; what stays is the name once all fields are cut. */
static struct str last_word(struct str *line)
{
    size_t at = line->n;

    while (at > 0 && line->p[at - 1] != ' ')
        at--;
    struct str word = {line->p + at, line->n - at};
    line->n = at > 0 ? at - 1 : 0;
    return word;
}

/* The first field in which two lines of one name differ; NULL: none, or another name. */
static const char *changed_field(struct str a, struct str b)
{
    const char *changed = NULL;

    for (size_t i = countof(fields); i-- > 0;) {
        if (!str_eq(last_word(&a), last_word(&b)))
            changed = fields[i];
    }
    return str_eq(a, b) ? changed : NULL;
}

enum err meaning_check_windows(struct str stored, struct str now, const char *db, struct why *why)
{
    while (now.n) {
        struct str line = next_line(&now), rest = stored;
        while (rest.n) {
            const char *field = changed_field(next_line(&rest), line);
            if (!field)
                continue;
            for (size_t i = 0; i < countof(fields); i++)
                (void)last_word(&line);
            return why_set(why, ERR_INVALID,
                           "the window \"%.*s\" has another %s than in %s, where its rows would "
                           "mix with the old ones: give the changed window another name, or name "
                           "another database with --db",
                           (int)line.n, line.p, field, db);
        }
    }
    return ERR_OK;
}
