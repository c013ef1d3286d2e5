/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * json: reads configuration text.
 *
 * The idea: cJSON builds the tree, but it is lenient (control characters in strings, leading
 * zeros, text after the end), knows neither comments nor lines, and says nothing of where or
 * why it failed. So the text is prepared in place, in a copy:
 *
 *   1. blank_comments   comments become spaces; line ends stay, so lines and columns hold
 *   2. scan             a strict check of the grammar without recursion; a comma before a
 *                       closing bracket becomes a space; the offset of each value is noted
 *   3. cJSON            builds the tree from what is now plain JSON
 *   4. mark             walks the tree in document order, gives each value its offset, and
 *                       looks for keys that occur twice
 *
 * Invariants:
 *   (1) scan accepts a subset of what cJSON accepts, so that cJSON fails for want of memory
 *       alone.
 *   (2) scan notes offsets in the order in which a walk of the tree meets the values.
 *   (3) cJSON.valueint holds the offset of the value in the text; nothing here reads it as a
 *       number (numbers are taken from valuedouble).
 */
#include "engine/json.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>

/* cJSON collects a number in 64 bytes. */
#define NUMBER_BYTES_MAX 60
#define WHOLE_MAX 9007199254740992.0

struct json_doc {
    cJSON *root;
    char *text; /* after blanking; NUL-terminated */
    size_t n;
};

struct scan {
    char *p;
    size_t n, at;
    size_t comma; /* the comma just passed; only read before a close */
    bool after_comma;
    char close[JSON_DEPTH_MAX]; /* brackets that are open, as their closing ones */
    int depth;
    int *place; /* room for JSON_VALUES_MAX */
    size_t n_places;
    const char *origin;
    struct why *why;
};

static int line_of(const char *p, size_t at)
{
    int line = 1;

    for (size_t i = 0; i < at; i++)
        line += p[i] == '\n';
    return line;
}

/* Columns count characters: continuation bytes of UTF-8 have none. */
static int column_of(const char *p, size_t at)
{
    int column = 1;

    for (size_t i = at; i > 0 && p[i - 1] != '\n'; i--)
        column += ((unsigned char)p[i - 1] & 0xC0) != 0x80;
    return column;
}

static enum err wrong(const struct scan *s, size_t at, const char *text)
{
    return why_set(s->why, ERR_INVALID, "%s:%d:%d: %s", s->origin, line_of(s->p, at),
                   column_of(s->p, at), text);
}

/* ---- 1. comments ---- */

static size_t past_string(const struct scan *s, size_t at)
{
    for (at++; at < s->n && s->p[at] != '"' && s->p[at] != '\n'; at++)
        if (s->p[at] == '\\' && at + 1 < s->n && s->p[at + 1] != '\n')
            at++;
    return at < s->n ? at + 1 : at;
}

static size_t past_line_comment(struct scan *s, size_t at)
{
    for (; at < s->n && s->p[at] != '\n'; at++)
        s->p[at] = ' ';
    return at;
}

/* SIZE_MAX when it never ends. */
static size_t past_block_comment(struct scan *s, size_t at)
{
    size_t end = at + 2;

    while (end + 1 < s->n && !(s->p[end] == '*' && s->p[end + 1] == '/'))
        end++;
    if (end + 1 >= s->n)
        return SIZE_MAX;
    for (; at < end + 2; at++)
        if (s->p[at] != '\n')
            s->p[at] = ' ';
    return at;
}

static enum err blank_comments(struct scan *s)
{
    size_t at = 0;

    if (s->n >= 3 && memcmp(s->p, "\xEF\xBB\xBF", 3) == 0)
        memset(s->p, ' ', 3);
    while (at < s->n) {
        size_t start = at;
        bool pair = s->p[at] == '/' && at + 1 < s->n;

        if (s->p[at] == '"')
            at = past_string(s, at);
        else if (pair && s->p[at + 1] == '/')
            at = past_line_comment(s, at);
        else if (pair && s->p[at + 1] == '*')
            at = past_block_comment(s, at);
        else
            at++;
        if (at == SIZE_MAX)
            return wrong(s, start, "this comment has no end; close it with */");
    }
    return ERR_OK;
}

/* ---- 2. grammar ---- */

/* The byte at hand, 0 at the end (a NUL in the text is refused like any other stray byte). */
static char peek(const struct scan *s)
{
    /* The copy ends with a NUL of its own. */
    return s->p[s->at];
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static void skip_blanks(struct scan *s)
{
    while (peek(s) == ' ' || peek(s) == '\t' || peek(s) == '\n' || peek(s) == '\r')
        s->at++;
}

/* Four hexadecimal digits from `at`; -1 if they are not there. */
static long hex4(const struct scan *s, size_t at)
{
    long value = 0;

    if (at + 4 > s->n)
        return -1;
    for (size_t i = at; i < at + 4; i++) {
        const char *digits = "0123456789abcdef";
        const char *found = s->p[i] ? strchr(digits, s->p[i] | 0x20) : NULL;

        /* | 0x20 folds case but also moves 0x10..0x19 onto the digits. */
        if (!found || (unsigned char)s->p[i] < '0')
            return -1;
        value = value * 16 + (found - digits);
    }
    return value;
}

/* At the backslash of an escape. */
static enum err scan_escape(struct scan *s)
{
    char kind = s->p[s->at + 1];
    long unit, low;

    if (kind && strchr("\"\\/bfnrt", kind)) {
        s->at += 2;
        return ERR_OK;
    }
    if (kind != 'u')
        return wrong(s, s->at, "unknown escape in a string; write \\\\ for a backslash");
    unit = hex4(s, s->at + 2);
    if (unit <= 0 || (unit >= 0xDC00 && unit <= 0xDFFF))
        return wrong(s, s->at, "this \\u escape is not a character");
    s->at += 6;
    if (unit < 0xD800 || unit > 0xDBFF)
        return ERR_OK;
    low =
        s->at + 1 < s->n && s->p[s->at] == '\\' && s->p[s->at + 1] == 'u' ? hex4(s, s->at + 2) : -1;
    if (low < 0xDC00 || low > 0xDFFF)
        return wrong(s, s->at - 6, "this \\u escape is half a character");
    s->at += 6;
    return ERR_OK;
}

/* At the opening quote. */
static enum err scan_string(struct scan *s)
{
    size_t start = s->at;
    enum err e = ERR_OK;

    s->at++;
    while (s->at < s->n && s->p[s->at] != '"' && !e) {
        if (s->p[s->at] == '\n')
            return wrong(s, start, "this string has no closing quote on its line");
        if ((unsigned char)s->p[s->at] < 0x20)
            return wrong(s, s->at, "control character in a string; write it as \\u");
        if (s->p[s->at] == '\\')
            e = scan_escape(s);
        else
            s->at++;
    }
    if (e)
        return e;
    if (s->at >= s->n)
        return wrong(s, start, "this string has no closing quote");
    s->at++;
    return ERR_OK;
}

static bool scan_digits(struct scan *s)
{
    size_t start = s->at;

    while (is_digit(peek(s)))
        s->at++;
    return s->at > start;
}

static enum err scan_number(struct scan *s)
{
    size_t start = s->at;
    bool good;

    s->at += peek(s) == '-';
    if (peek(s) == '0') {
        s->at++;
        good = !is_digit(peek(s));
    } else {
        good = scan_digits(s);
    }
    if (good && peek(s) == '.') {
        s->at++;
        good = scan_digits(s);
    }
    if (good && (peek(s) == 'e' || peek(s) == 'E')) {
        s->at++;
        s->at += peek(s) == '-' || peek(s) == '+';
        good = scan_digits(s);
    }
    if (good && s->at - start <= NUMBER_BYTES_MAX)
        return ERR_OK;
    return wrong(s, start, good ? "this number is too long" : "this is not a number");
}

static enum err scan_literal(struct scan *s)
{
    static const char *const literals[] = {"true", "false", "null"};

    for (size_t i = 0; i < countof(literals); i++) {
        size_t n = strlen(literals[i]);

        if (s->n - s->at >= n && memcmp(s->p + s->at, literals[i], n) == 0) {
            s->at += n;
            return ERR_OK;
        }
    }
    if (s->at >= s->n)
        return wrong(s, s->at, "the text ends where a value should be");
    return wrong(s, s->at,
                 "expected a value: text in double quotes, a number, true, false, [ or {");
}

static enum err scan_open(struct scan *s, char close, bool *want_item)
{
    if (s->depth == JSON_DEPTH_MAX)
        return wrong(s, s->at, "nested too deeply");
    s->close[s->depth++] = close;
    s->at++;
    s->after_comma = false;
    *want_item = true;
    return ERR_OK;
}

static enum err scan_value(struct scan *s, bool *want_item)
{
    char c = peek(s);

    *want_item = false;
    if (c == '{')
        return scan_open(s, '}', want_item);
    if (c == '[')
        return scan_open(s, ']', want_item);
    if (c == '"')
        return scan_string(s);
    if (c == '-' || is_digit(c))
        return scan_number(s);
    return scan_literal(s);
}

static enum err scan_key(struct scan *s)
{
    enum err e;

    if (peek(s) != '"')
        return wrong(s, s->at, "expected a name in double quotes");
    e = scan_string(s);
    if (e)
        return e;
    skip_blanks(s);
    if (peek(s) != ':')
        return wrong(s, s->at, "expected a colon after the name");
    s->at++;
    skip_blanks(s);
    return ERR_OK;
}

/* Where an item may stand: it, or the close of an empty container or after a last comma. */
static enum err scan_item(struct scan *s, bool *want_item)
{
    enum err e = ERR_OK;

    if (s->depth && peek(s) == s->close[s->depth - 1]) {
        if (s->after_comma)
            s->p[s->comma] = ' ';
        s->depth--;
        s->at++;
        *want_item = false;
        return ERR_OK;
    }
    if (s->n_places == JSON_VALUES_MAX)
        return wrong(s, s->at, "too many values in one configuration");
    s->place[s->n_places++] = (int)s->at;
    if (s->depth && s->close[s->depth - 1] == '}')
        e = scan_key(s);
    return e ? e : scan_value(s, want_item);
}

/* Behind an item: a comma, or the close. */
static enum err scan_after(struct scan *s, bool *want_item)
{
    char close = s->close[s->depth - 1];

    if (peek(s) == ',') {
        s->comma = s->at;
        s->after_comma = true;
        *want_item = true;
    } else if (peek(s) == close) {
        s->depth--;
    } else {
        return wrong(s, s->at, close == '}' ? "expected a comma or }" : "expected a comma or ]");
    }
    s->at++;
    return ERR_OK;
}

static enum err scan(struct scan *s)
{
    bool want_item = true;
    enum err e;

    do {
        skip_blanks(s);
        e = want_item ? scan_item(s, &want_item) : scan_after(s, &want_item);
    } while (!e && (want_item || s->depth));
    skip_blanks(s);
    if (!e && s->at < s->n)
        e = wrong(s, s->at, "text after the end of the configuration");
    return e;
}

/* ---- 4. offsets and duplicate keys ---- */

static enum err refuse_twin(const struct scan *s, const cJSON *member)
{
    for (const cJSON *m = member->prev; m->next; m = m->prev)
        if (strcmp(m->string, member->string) == 0)
            return why_set(s->why, ERR_INVALID,
                           "%s:%d:%d: \"%.64s\" is here twice, first on line %d", s->origin,
                           line_of(s->p, (size_t)member->valueint),
                           column_of(s->p, (size_t)member->valueint), member->string,
                           line_of(s->p, (size_t)m->valueint));
    return ERR_OK;
}

/* In document order; parents are kept by hand, to depth JSON_DEPTH_MAX. */
static enum err mark(const struct scan *s, cJSON *root)
{
    cJSON *parent[JSON_DEPTH_MAX + 1];
    cJSON *v = root;
    int depth = 0;
    enum err e = ERR_OK;

    for (size_t i = 0; v && !e; i++) {
        v->valueint = s->place[i];
        /* The first child's prev is the last one, whose next is NULL: refuse_twin ends there. */
        if (v->string)
            e = refuse_twin(s, v);
        if (v->child) {
            parent[depth++] = v;
            v = v->child;
            continue;
        }
        while (!v->next && depth)
            v = parent[--depth];
        v = v->next;
    }
    return e;
}

/* ---- the document ---- */

enum err json_open(struct str text, const char *origin, struct json_doc **out, struct why *why)
{
    struct scan s = {.n = text.n, .origin = origin, .why = why};
    struct json_doc *d = NULL;
    enum err e = ERR_NOMEM;

    if (text.n > JSON_BYTES_MAX)
        return why_set(why, ERR_LIMIT, "%s: larger than 1 MiB", origin);
    d = calloc(1, sizeof(*d));
    s.p = malloc(text.n + 1);
    s.place = calloc(JSON_VALUES_MAX, sizeof(*s.place));
    if (!d || !s.p || !s.place)
        goto out;
    if (text.n)
        memcpy(s.p, text.p, text.n);
    s.p[text.n] = '\0';
    d->text = s.p;
    d->n = text.n;

    e = blank_comments(&s);
    if (!e)
        e = scan(&s);
    if (!e) {
        d->root = cJSON_ParseWithLength(s.p, s.n + 1);
        e = d->root ? mark(&s, d->root) : ERR_NOMEM;
    }
out:
    free(s.place);
    if (!e) {
        *out = d;
        return ERR_OK;
    }
    if (e == ERR_NOMEM)
        (void)why_set(why, e, "%s: out of memory", origin);
    if (d)
        cJSON_Delete(d->root);
    free(d);
    free(s.p);
    return e;
}

void json_close(struct json_doc *d)
{
    if (!d)
        return;
    cJSON_Delete(d->root);
    free(d->text);
    free(d);
}

static const cJSON *node(const struct json *v)
{
    return (const cJSON *)v;
}

static const struct json *value(const cJSON *v)
{
    return (const struct json *)v;
}

const struct json *json_root(const struct json_doc *d)
{
    return value(d->root);
}

enum json_type json_type(const struct json *v)
{
    if (cJSON_IsBool(node(v)))
        return JSON_BOOL;
    if (cJSON_IsNumber(node(v)))
        return JSON_NUMBER;
    if (cJSON_IsString(node(v)))
        return JSON_TEXT;
    if (cJSON_IsArray(node(v)))
        return JSON_LIST;
    return cJSON_IsObject(node(v)) ? JSON_OBJECT : JSON_NULL;
}

const char *json_type_text(enum json_type type)
{
    static const char *const texts[] = {
        [JSON_NULL] = "null", [JSON_BOOL] = "true or false", [JSON_NUMBER] = "a number",
        [JSON_TEXT] = "text", [JSON_LIST] = "a list",        [JSON_OBJECT] = "an object",
    };

    return texts[type];
}

int json_line(const struct json_doc *d, const struct json *v)
{
    return line_of(d->text, (size_t)node(v)->valueint);
}

bool json_bool(const struct json *v)
{
    return cJSON_IsTrue(node(v));
}

const char *json_text(const struct json *v)
{
    return node(v)->valuestring;
}

bool json_whole(const struct json *v, int64_t *out)
{
    double number = node(v)->valuedouble;

    if (!(fabs(number) <= WHOLE_MAX) || floor(number) < number)
        return false;
    *out = (int64_t)number;
    return true;
}

double json_number(const struct json *v)
{
    return node(v)->valuedouble;
}

const struct json *json_first(const struct json *v)
{
    return value(node(v)->child);
}

const struct json *json_next(const struct json *v)
{
    return value(node(v)->next);
}

const char *json_name(const struct json *v)
{
    return node(v)->string;
}

static enum err quote_byte(struct buf *out, unsigned char c)
{
    static const char plain[] = "\"\\\b\f\n\r\t";
    static const char letter[] = "\"\\bfnrt";
    const char *found = c ? strchr(plain, c) : NULL;

    if (found)
        return buf_printf(out, "\\%c", letter[found - plain]);
    if (c < 0x20 || c == 0x7F)
        return buf_printf(out, "\\u%04x", c);
    return buf_u8(out, c);
}

enum err json_quote(struct buf *out, struct str text)
{
    enum err e = buf_u8(out, '"');

    for (size_t i = 0; !e && i < text.n; i++)
        e = quote_byte(out, (unsigned char)text.p[i]);
    return e ? e : buf_u8(out, '"');
}
