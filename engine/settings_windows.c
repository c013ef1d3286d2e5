/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * settings_windows: the list of windows.
 *
 * The idea: which members a window may and must have depends on its type and stands in
 * settings_table_windows (used_by, needed_by). Reading stores members as written;
 * settings_windows_check then fills in what was left out and compares members with each
 * other, so that --set may change one at a time.
 *
 * Invariants after settings_windows_check:
 *   (1) names are unique and not empty
 *   (2) 0 < slide <= size for sliding; step divides size for cumulative
 *   (3) |offset as written| < size
 *   (4) newest only for sliding and cumulative; a duration to keep >= size (or gap)
 *   (5) dimensions has at least one bit, and none past n_dimensions
 */
#include "engine/nearest.h"
#include "engine/settings_table.h"

#include <inttypes.h>
#include <stdio.h>

/* Windows that overlap at any moment: each costs a merge when one closes. */
#define OVERLAP_MAX 100000
/* 1970-01-01 was a Thursday. */
#define TO_MONDAY (4 * WHEN_DAY)
#define MONTH_MIN (28 * WHEN_DAY)
#define MONTH_MAX (31 * WHEN_DAY)

static unsigned type_bit(const struct window_setting *w)
{
    return 1u << w->type;
}

static const char *type_name(const struct window_setting *w)
{
    return settings_table_types[w->type];
}

/* ---- reading ---- */

static enum err put_member(const struct setting_input *in, const struct setting *row,
                           struct window_setting *w)
{
    if (!(row->used_by & type_bit(w)))
        return settings_value_refuse(in, "a %s window has no %s", type_name(w), row->name);
    return settings_value_put(in, row, w);
}

/* "type" first, for it says what else may stand there. */
static enum err put_type(const struct setting_input *in, struct window_setting *w)
{
    const struct setting *row = settings_table_find(settings_table_windows, "type");

    for (const struct json *v = json_first(in->value); v; v = json_next(v)) {
        struct setting_input member = settings_value_member(in, v, row->name);

        if (strcmp(json_name(v), row->name) == 0)
            return settings_value_put(&member, row, w);
    }
    return settings_value_refuse(in,
                                 "a window needs a type: tumbling, sliding, cumulative or session");
}

static enum err put_object(const struct setting_input *in, struct window_setting *w)
{
    enum err e;

    memset(w, 0, sizeof(*w));
    if (json_type(in->value) != JSON_OBJECT)
        return settings_value_refuse(in,
                                     "a window is an object such as {\"type\": \"tumbling\", "
                                     "\"size\": \"1h\"}, not %s",
                                     json_type_text(json_type(in->value)));
    e = put_type(in, w);
    for (const struct json *v = json_first(in->value); v && !e; v = json_next(v)) {
        const struct setting *row = settings_table_find(settings_table_windows, json_name(v));
        struct setting_input member = settings_value_member(in, v, row ? row->name : "");

        if (!row) {
            member = *in;
            member.value = v;
            return settings_value_unknown(&member, settings_table_windows, "setting of a window",
                                          json_name(v));
        }
        e = put_member(&member, row, w);
    }
    return e;
}

enum err settings_windows_put(const struct setting_input *in, struct settings *s)
{
    enum err e = ERR_OK;

    if (!in->value || json_type(in->value) != JSON_LIST)
        return settings_value_refuse(in, "wants a list of windows such as [{\"type\": "
                                         "\"tumbling\", \"size\": \"1h\"}]");
    s->n_windows = 0;
    for (const struct json *v = json_first(in->value); v && !e; v = json_next(v)) {
        char name[16];
        struct setting_input item;

        (void)snprintf(name, sizeof(name), "%d", s->n_windows);
        item = settings_value_member(in, v, name);
        if (s->n_windows == SETTINGS_WINDOWS_MAX)
            return settings_value_refuse(&item, "there are at most %d windows",
                                         SETTINGS_WINDOWS_MAX);
        e = put_object(&item, &s->window[s->n_windows++]);
    }
    if (!e && s->n_windows == 0)
        e = settings_value_refuse(in, "is empty; name at least one window");
    return e;
}

/* "3" or a window's name; n_windows for a number one past the last, -1 for neither. */
static int find_window(const struct settings *s, struct str name)
{
    int number = 0;
    bool is_number = name.n > 0 && name.n <= 3;

    for (int i = 0; i < s->n_windows; i++)
        if (str_eq(str_of(s->window[i].name), name))
            return i;
    for (size_t i = 0; is_number && i < name.n; i++) {
        is_number = name.p[i] >= '0' && name.p[i] <= '9';
        number = number * 10 + (name.p[i] - '0');
    }
    return is_number && number <= s->n_windows ? number : -1;
}

/* Of another type: members that it doesn't have are forgotten. */
static void change_type(struct window_setting *w, enum window_type before)
{
    if (w->type == before)
        return;
    w->slide_ms = 0;
    if (w->type == WINDOW_SESSION) {
        w->size_ms = w->size_months = w->shift_ms = 0;
        w->weeks = false;
    } else {
        w->gap_ms = 0;
    }
}

static enum err set_member(const struct setting_input *in, const char *name,
                           struct window_setting *w)
{
    const struct setting *row = settings_table_find(settings_table_windows, name);
    enum window_type before = w->type;
    enum err e;

    if (!row)
        return settings_value_unknown(in, settings_table_windows, "setting of a window", name);
    e = put_member(in, row, w);
    change_type(w, before);
    return e;
}

static enum err set_whole(const struct setting_input *in, int i, struct settings *s)
{
    if (i == SETTINGS_WINDOWS_MAX)
        return settings_value_refuse(in, "there are at most %d windows", SETTINGS_WINDOWS_MAX);
    if (!in->value)
        return settings_value_refuse(in, "wants an object such as {\"type\": \"tumbling\", "
                                         "\"size\": \"1h\"}");
    if (i == s->n_windows)
        s->n_windows++;
    return put_object(in, &s->window[i]);
}

enum err settings_windows_set(const struct setting_input *in, const char *rest, struct settings *s)
{
    struct str name = {rest, strcspn(rest, ".")};
    struct nearest near = nearest_to(name);
    char hint[NEAREST_HINT];
    int i = find_window(s, name);

    if (i >= 0 && rest[name.n] == '\0')
        return set_whole(in, i, s);
    if (i >= 0 && i < s->n_windows)
        return set_member(in, rest + name.n + 1, &s->window[i]);
    for (i = 0; i < s->n_windows; i++)
        nearest_offer(&near, s->window[i].name);
    return settings_value_refuse(in, "there is no such window%s; give its name or 0 to %d",
                                 nearest_hint(&near, hint), s->n_windows - 1);
}

/* ---- checking ---- */

/* A window and the place where complaints about it go. */
struct check {
    struct settings *s;
    struct window_setting *w;
    struct why *why;
    int i;
};

static enum err refuse(const struct check *c, const char *text, const char *value)
{
    return why_set(c->why, ERR_INVALID, "windows.%d (%s): %s%s", c->i,
                   c->w->name[0] ? c->w->name : type_name(c->w), text, value);
}

static enum err check_needed(const struct check *c)
{
    for (const struct setting *row = settings_table_windows; row->name; row++)
        if ((row->needed_by & type_bit(c->w)) && !settings_value_given(row, c->w))
            return why_set(c->why, ERR_INVALID, "windows.%d: a %s window needs a %s, e.g. 1h", c->i,
                           type_name(c->w), row->name);
    if (c->w->size_months && c->w->type != WINDOW_TUMBLING)
        return refuse(c, "calendar months are for tumbling windows; give days, e.g. 30d", "");
    return ERR_OK;
}

static enum err check_slide(const struct check *c)
{
    const struct window_setting *w = c->w;
    char size[WHEN_TEXT];

    settings_value_size(w, size);
    if (w->type == WINDOW_SLIDING && w->slide_ms > w->size_ms)
        return refuse(c,
                      "the slide is longer than the size, so sales would fall between "
                      "windows; give at most ",
                      size);
    if (w->type == WINDOW_CUMULATIVE && (w->slide_ms > w->size_ms || w->size_ms % w->slide_ms))
        return refuse(c, "the step must divide the size, ", size);
    if (w->slide_ms && w->size_ms / w->slide_ms > OVERLAP_MAX)
        return refuse(c, "over 100000 steps within the size; make the step longer", "");
    return ERR_OK;
}

/* The shortest this window can be. */
static int64_t length_min(const struct window_setting *w)
{
    return w->size_months ? w->size_months * MONTH_MIN : w->size_ms;
}

static enum err check_offset(const struct check *c)
{
    struct window_setting *w = c->w;
    int64_t distance = w->shift_ms < 0 ? -w->shift_ms : w->shift_ms;

    if (w->type != WINDOW_SESSION && distance >= length_min(w))
        return refuse(c, "the offset must be shorter than the size", "");
    w->offset_ms = w->shift_ms + (w->weeks ? TO_MONDAY : 0);
    return ERR_OK;
}

static enum err check_keep(const struct check *c)
{
    struct window_setting *w = c->w;
    bool overlaps = w->type == WINDOW_SLIDING || w->type == WINDOW_CUMULATIVE;
    int64_t least = w->size_months ? w->size_months * MONTH_MAX : w->size_ms + w->gap_ms;
    char text[WHEN_TEXT];

    if (!w->keep_given) {
        w->keep = overlaps ? KEEP_NEWEST : KEEP_HISTORY;
        w->keep_given = true;
    }
    if (w->keep == KEEP_NEWEST && !overlaps)
        return refuse(c,
                      "keep: newest is for sliding and cumulative windows; give history or a "
                      "duration such as 30d",
                      "");
    (void)when_duration_format(least, text);
    if (w->keep == KEEP_DURATION && w->keep_ms < least)
        return refuse(c, "keep is shorter than the window; give at least ", text);
    return ERR_OK;
}

static enum err check_dimensions(const struct check *c)
{
    uint32_t there = 0;

    c->w->dimensions = 0;
    for (int i = 0; i < c->s->n_dimensions; i++) {
        uint32_t bit = settings_dimensions_bit(&c->s->dimension[i]);

        there |= bit;
        if (c->w->wanted == 0 || (c->w->wanted & bit))
            c->w->dimensions |= 1u << i;
    }
    for (int i = 0; settings_dimensions_known(i); i++)
        if ((c->w->wanted & ~there) >> i & 1)
            return refuse(c, "its dimensions name one that \"dimensions\" lacks; add there: ",
                          settings_dimensions_known(i)->name);
    return ERR_OK;
}

static void fill_name(struct window_setting *w)
{
    char size[WHEN_TEXT], slide[WHEN_TEXT], gap[WHEN_TEXT];

    settings_value_size(w, size);
    (void)when_duration_format(w->slide_ms, slide);
    (void)when_duration_format(w->gap_ms, gap);
    if (w->type == WINDOW_SESSION)
        (void)snprintf(w->name, sizeof(w->name), "session-%.20s", gap);
    else
        (void)snprintf(w->name, sizeof(w->name), "%.16s-%.20s%s%.20s", type_name(w), size,
                       w->slide_ms ? "-" : "", w->slide_ms ? slide : "");
}

static enum err check_name(const struct check *c)
{
    if (!c->w->name[0])
        fill_name(c->w);
    for (int i = 0; i < c->i; i++)
        if (strcmp(c->s->window[i].name, c->w->name) == 0)
            return refuse(c, "another window has this name; give one of them a \"name\" of its own",
                          "");
    return ERR_OK;
}

enum err settings_windows_check(struct settings *s, struct why *why)
{
    static enum err (*const checks[])(const struct check *) = {
        check_needed, check_slide, check_offset, check_keep, check_dimensions, check_name,
    };
    enum err e = ERR_OK;

    for (int i = 0; i < s->n_windows && !e; i++) {
        struct check c = {.s = s, .w = &s->window[i], .why = why, .i = i};

        if (c.w->type == WINDOW_CUMULATIVE && c.w->size_ms == 0)
            c.w->size_ms = WHEN_DAY;
        for (size_t j = 0; j < countof(checks) && !e; j++)
            e = checks[j](&c);
    }
    return e;
}
