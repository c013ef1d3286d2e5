/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * json_frame: where a broken record ends, so that it costs itself only.
 *
 * The idea: nobody can know what a broken record was meant to be, but its end shows in one of
 * three ways, and the first of them counts:
 *
 *   1. its brackets balance, strings being what stands between two quotes;
 *   2. they balance when a string ends at the latest with its line (an unclosed quote turns
 *      strings and the rest inside out, but only up to the end of its line);
 *   3. a line starts with '{' no further to the right than the record did: the next record
 *      of NDJSON or of a pretty-printed list. (An object inside the record is indented more.)
 *
 * Text after a balanced end, up to the end of the line or the next object, belongs to the
 * broken record too: {"a":1}} is one mistake. Commas, brackets of lists and white space
 * between records mean nothing.
 *
 * Invariants:
 *   (1) Everything is decided by the bytes given, never by where a read happened to end: a
 *       function that needs to see more says so, unless `all` tells that there is no more.
 *   (2) A length is at least 1 and at most text.n.
 */
#include "connectors/json_parts.h"

static bool is_line_end(char c)
{
    return c == '\n' || c == '\r';
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || is_line_end(c);
}

static bool is_between(char c)
{
    return is_space(c) || c == ',' || c == '[' || c == ']';
}

enum found { NO, YES, UNKNOWN };

/* Whether a '{' starts the line at `at`, no further right than `column`; *to is its place. */
static enum found starts_record(struct str t, size_t at, unsigned column, size_t *to)
{
    size_t from = at;
    while (at < t.n && (t.p[at] == ' ' || t.p[at] == '\t') && at - from <= column) {
        at++;
    }
    *to = at;
    if (at - from > column) {
        return NO;
    }
    if (at == t.n) {
        return UNKNOWN;
    }
    return t.p[at] == '{' ? YES : NO;
}

/* A reading of the bytes as strings and brackets. */
struct reading {
    bool per_line; /* strings end with their line */
    bool string, escape;
    size_t depth;
};

/* Takes one byte more; true when the brackets balance with it. */
static bool balances(struct reading *r, char c)
{
    if (r->per_line && is_line_end(c)) {
        r->string = false;
        r->escape = false;
        return false;
    }
    if (r->string) {
        bool closes = c == '"' && !r->escape;
        r->escape = c == '\\' && !r->escape;
        r->string = !closes;
        return false;
    }
    r->string = c == '"';
    r->escape = false;
    r->depth += c == '{';
    r->depth -= c == '}';
    return r->depth == 0;
}

/* The length without commas and white space at the end. */
static size_t trimmed(struct str t, size_t n)
{
    while (n > 1 && is_between(t.p[n - 1]) && t.p[n - 1] != ']' && t.p[n - 1] != '[') {
        n--;
    }
    return n;
}

/* Whether an object seems to start at `at`, not just a bracket in some text. */
static enum found starts_object(struct str t, size_t at)
{
    if (t.p[at] != '{') {
        return NO;
    }
    if (at + 1 == t.n) {
        return UNKNOWN;
    }
    char next = t.p[at + 1];
    return next == '"' || next == '}' || is_space(next) ? YES : NO;
}

/* The end of text outside of objects that starts at `at`: its line's end or an object. */
static bool garbage_end(struct str t, size_t at, bool all, size_t *end)
{
    while (at < t.n && !is_line_end(t.p[at])) {
        enum found object = starts_object(t, at);
        if (object == YES || (object == UNKNOWN && !all)) {
            *end = at;
            return object == YES;
        }
        at++;
    }
    *end = at;
    return all || at < t.n;
}

/* The end of a record whose brackets balance before `at`. */
static bool balanced_end(struct str t, size_t at, bool all, size_t *length)
{
    size_t next = at;
    while (next < t.n && is_between(t.p[next]) && !is_line_end(t.p[next])) {
        next++;
    }
    if (next == t.n && !all) {
        return false;
    }
    *length = at;
    if (next == t.n || is_line_end(t.p[next]) || t.p[next] == '{') {
        return true;
    }
    bool seen = garbage_end(t, next, all, &next);
    *length = trimmed(t, next);
    return seen;
}

bool json_frame_broken(struct str text, unsigned column, bool all, size_t *length)
{
    struct reading lenient = {.depth = 0}, lines = {.per_line = true};
    size_t to;
    for (size_t i = 0; i < text.n; i++) {
        bool end = balances(&lenient, text.p[i]);
        end |= balances(&lines, text.p[i]);
        if (end) {
            return balanced_end(text, i + 1, all, length);
        }
        if (!is_line_end(text.p[i])) {
            continue;
        }
        enum found record = starts_record(text, i + 1, column, &to);
        if (record == YES) {
            *length = trimmed(text, i);
            return true;
        }
        if (record == UNKNOWN && !all) {
            return false;
        }
    }
    *length = trimmed(text, text.n);
    return all;
}

bool json_frame_garbage(struct str text, bool all, size_t *length)
{
    size_t end;
    bool seen = garbage_end(text, 0, all, &end);
    *length = trimmed(text, end > 0 ? end : 1);
    return seen;
}

/* The next line end from `at` on, text.n if there is none. */
static size_t line_end(struct str t, size_t at)
{
    while (at < t.n && !is_line_end(t.p[at])) {
        at++;
    }
    return at;
}

size_t json_frame_skip(struct str text, unsigned column, enum json_skip *skip)
{
    size_t at = line_end(text, 0);
    while (*skip == JSON_SKIP_RECORD && at < text.n) {
        size_t to;
        enum found record = starts_record(text, at + 1, column, &to);
        if (record == UNKNOWN) {
            return at;
        }
        if (record == YES) {
            *skip = JSON_SKIP_NONE;
            return at;
        }
        at = line_end(text, at + 1);
    }
    if (at < text.n) {
        *skip = JSON_SKIP_NONE;
    }
    return at;
}
