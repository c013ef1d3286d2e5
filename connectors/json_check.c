/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * json_check: is this one object of JSON (RFC 8259), to the letter?
 *
 * The idea: cJSON is lenient (control characters in strings, 01, text after the end) and reads
 * numbers into doubles. So grammar is decided here, for all readers, and the members of the
 * record are noted as they are written; cJSON only unescapes what was found to be good. One
 * walk, a bit per open bracket, no recursion.
 *
 * Beyond the letter: NaN is accepted as a value, as Python writes it. Refused: surrogates that
 * are no pair, more than JSON_CHECK_DEPTH levels, more than JSON_CHECK_MEMBERS members of the
 * record. Bytes of 0x80 and above are accepted in strings; texts that are kept are looked at
 * in codec.c.
 *
 * Invariants:
 *   (1) Whether bytes are good depends only on those before them: JSON_BROKEN and JSON_WHOLE
 *       do not change when more bytes come, JSON_SHORT becomes any of the three.
 *   (2) Bit d of `lists` tells whether the bracket open at depth d + 1 is a list.
 *   (3) What is accepted is a subset of what cJSON accepts, once NaN and numbers longer than
 *       its buffer are blanked out.
 */
#include "connectors/json_parts.h"

#include "connectors/scan.h"

enum expect { KEY_OR_CLOSE, KEY, COLON, VALUE, VALUE_OR_CLOSE, COMMA_OR_CLOSE };

struct walk {
    const char *p, *end;
    struct json_object *o;
    struct json_member *member; /* the one being read; only at depth 1 */
    uint64_t lists;
    unsigned depth;
    enum expect expect;
    const char *reason;
};

static enum json_state broken(struct walk *w, const char *reason)
{
    w->reason = reason;
    return JSON_BROKEN;
}

/* ---- strings ---- */

/* The first byte from `p` on that is a quote, a backslash or a control character. */
static const char *plain_end(const char *p, const char *end)
{
    uint64_t high = 0;
    while (end - p >= 16) {
        uint64_t mask = scan_json16(p, &high);
        if (mask) {
            return p + scan_first(mask);
        }
        p += 16;
    }
    while (p < end && *p != '"' && *p != '\\' && (unsigned char)*p >= 0x20) {
        p++;
    }
    return p;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    char l = (char)(c | 0x20);
    return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

/* \uXXXX at *p, which moves behind it. */
static enum json_state unit(const char **p, const char *end, unsigned *code)
{
    static const char lead[] = "\\u";
    *code = 0;
    for (int i = 0; i < 6; i++) {
        if (*p == end) {
            return JSON_SHORT;
        }
        int digit = i < 2 ? (**p == lead[i] ? 0 : -1) : hex_digit(**p);
        if (digit < 0) {
            return JSON_BROKEN;
        }
        *code = *code << 4 | (unsigned)digit;
        (*p)++;
    }
    return JSON_WHOLE;
}

/* A character by number: one unit, or two that are a surrogate pair. */
static enum json_state character(const char **p, const char *end, bool *nul, const char **reason)
{
    unsigned code, low = 0xdc00;
    enum json_state s = unit(p, end, &code);
    *reason = "\\u needs four hexadecimal digits";
    if (s == JSON_WHOLE && code >= 0xd800 && code <= 0xdbff) {
        *reason = "a UTF-16 surrogate without its pair";
        s = unit(p, end, &low);
    }
    if (s != JSON_WHOLE) {
        return s;
    }
    *nul |= code == 0;
    if ((code >= 0xdc00 && code <= 0xdfff) || low < 0xdc00 || low > 0xdfff) {
        *reason = "a UTF-16 surrogate without its pair";
        return JSON_BROKEN;
    }
    return JSON_WHOLE;
}

static enum json_state escape(const char **p, const char *end, bool *nul, const char **reason)
{
    if (end - *p < 2) {
        return JSON_SHORT;
    }
    if ((*p)[1] == 'u') {
        return character(p, end, nul, reason);
    }
    if (!(*p)[1] || !strchr("\"\\/bfnrt", (*p)[1])) {
        *reason = "an unknown escape in a string";
        return JSON_BROKEN;
    }
    *p += 2;
    return JSON_WHOLE;
}

enum json_state json_check_string(const char **p, const char *end, bool *escaped, bool *nul,
                                  const char **reason)
{
    *escaped = false;
    *nul = false;
    for (;;) {
        *p = plain_end(*p, end);
        if (*p == end) {
            return JSON_SHORT;
        }
        if (**p == '"') {
            return JSON_WHOLE;
        }
        if (**p != '\\') {
            bool line = **p == '\n' || **p == '\r';
            *reason = line ? "a line break inside a string" : "a control character in a string";
            return JSON_BROKEN;
        }
        *escaped = true;
        enum json_state s = escape(p, end, nul, reason);
        if (s != JSON_WHOLE) {
            return s;
        }
    }
}

/* ---- numbers and words ---- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static enum json_state digits(struct walk *w)
{
    const char *from = w->p;
    while (w->p < w->end && is_digit(*w->p)) {
        w->p++;
    }
    if (w->p == w->end) {
        return JSON_SHORT;
    }
    return w->p == from ? broken(w, "a number without a digit where one must be") : JSON_WHOLE;
}

static enum json_state number(struct walk *w)
{
    enum json_state s = JSON_WHOLE;
    w->p += *w->p == '-';
    if (w->p < w->end && *w->p == '0') {
        w->p++;
    } else {
        s = digits(w);
    }
    if (s == JSON_WHOLE && w->p < w->end && *w->p == '.') {
        w->p++;
        s = digits(w);
    }
    if (s == JSON_WHOLE && w->p < w->end && (*w->p == 'e' || *w->p == 'E')) {
        w->p++;
        w->p += w->p < w->end && (*w->p == '+' || *w->p == '-');
        s = digits(w);
    }
    return s == JSON_WHOLE && w->p == w->end ? JSON_SHORT : s;
}

static enum json_state word(struct walk *w, enum json_form *form)
{
    static const struct {
        const char *text;
        enum json_form form;
    } words[] = {
        {"true", JSON_FORM_OTHER},
        {"false", JSON_FORM_OTHER},
        {"null", JSON_FORM_NULL},
        {"NaN", JSON_FORM_NAN},
    };
    size_t left = (size_t)(w->end - w->p);
    for (size_t i = 0; i < countof(words); i++) {
        size_t n = strlen(words[i].text);
        size_t seen = left < n ? left : n;
        if (memcmp(words[i].text, w->p, seen) != 0) {
            continue;
        }
        if (seen < n) {
            return JSON_SHORT;
        }
        w->p += n;
        *form = words[i].form;
        return JSON_WHOLE;
    }
    bool object = *w->p == '{' || *w->p == '[';
    return broken(w, object ? "a bracket where it can't stand" : "not a JSON value");
}

/* ---- structure ---- */

static bool in_list(const struct walk *w)
{
    return (w->lists >> (w->depth - 1) & 1) != 0;
}

static enum json_state open_bracket(struct walk *w)
{
    if (w->depth == JSON_CHECK_DEPTH) {
        return broken(w, "more than 64 levels of brackets");
    }
    uint64_t bit = UINT64_C(1) << w->depth;
    bool list = *w->p == '[';
    w->lists = list ? w->lists | bit : w->lists & ~bit;
    w->depth++;
    w->p++;
    w->expect = list ? VALUE_OR_CLOSE : KEY_OR_CLOSE;
    return JSON_WHOLE;
}

static enum json_state close_bracket(struct walk *w)
{
    w->p++;
    w->depth--;
    w->expect = COMMA_OR_CLOSE;
    return JSON_WHOLE;
}

static enum json_state at_key(struct walk *w)
{
    bool escaped, nul;
    if (*w->p == '}' && w->expect == KEY_OR_CLOSE) {
        return close_bracket(w);
    }
    if (*w->p != '"') {
        return broken(w, *w->p == '{' ? "a { where a field name must be; is a } missing?"
                                      : "no field name where one must be");
    }
    const char *from = ++w->p;
    enum json_state s = json_check_string(&w->p, w->end, &escaped, &nul, &w->reason);
    if (s != JSON_WHOLE) {
        return s;
    }
    if (w->depth == 1) {
        if (w->o->n_members == JSON_CHECK_MEMBERS) {
            return broken(w, "more than 256 fields");
        }
        w->member = &w->o->member[w->o->n_members++];
        *w->member = (struct json_member){
            .key = {from, (size_t)(w->p - from)}, .key_escaped = escaped, .key_nul = nul};
    }
    w->p++;
    w->expect = COLON;
    return JSON_WHOLE;
}

static enum json_state text_value(struct walk *w, struct json_member *m)
{
    const char *from = ++w->p;
    enum json_state s =
        json_check_string(&w->p, w->end, &m->value_escaped, &m->value_nul, &w->reason);
    if (s == JSON_WHOLE) {
        m->value = (struct str){from, (size_t)(w->p - from)};
        m->form = JSON_FORM_TEXT;
        w->p++;
    }
    return s;
}

static enum json_state at_value(struct walk *w)
{
    struct json_member inner;
    struct json_member *m = w->depth == 1 ? w->member : &inner;
    const char *from = w->p;
    if (*from == ']' && w->expect == VALUE_OR_CLOSE) {
        return close_bracket(w);
    }
    w->expect = COMMA_OR_CLOSE;
    if (*from == '"') {
        return text_value(w, m);
    }
    if (*from == '{' || *from == '[') {
        m->form = JSON_FORM_OTHER;
        m->value = (struct str){from, 1};
        return open_bracket(w);
    }
    enum json_state s;
    if (*from == '-' || is_digit(*from)) {
        m->form = JSON_FORM_NUMBER;
        s = number(w);
    } else {
        s = word(w, &m->form);
    }
    m->value = (struct str){from, (size_t)(w->p - from)};
    return s;
}

static enum json_state at_comma(struct walk *w)
{
    if (*w->p == ',') {
        w->p++;
        w->expect = in_list(w) ? VALUE : KEY;
        return JSON_WHOLE;
    }
    if (*w->p == (in_list(w) ? ']' : '}')) {
        return close_bracket(w);
    }
    return broken(w, *w->p == '{' ? "a { where it can't stand; is a } missing?"
                                  : "no comma or closing bracket where one must be");
}

static enum json_state step(struct walk *w)
{
    switch (w->expect) {
    case KEY_OR_CLOSE:
    case KEY:
        return at_key(w);
    case COLON:
        if (*w->p != ':') {
            return broken(w, "no colon after a field name");
        }
        w->p++;
        w->expect = VALUE;
        return JSON_WHOLE;
    case VALUE:
    case VALUE_OR_CLOSE:
        return at_value(w);
    case COMMA_OR_CLOSE:
        break;
    }
    return at_comma(w);
}

enum json_state json_check(struct str text, struct json_object *o)
{
    struct walk w = {.p = text.p + 1,
                     .end = text.p + text.n,
                     .o = o,
                     .depth = 1,
                     .expect = KEY_OR_CLOSE,
                     .reason = ""};
    enum json_state s = JSON_WHOLE;
    o->n_members = 0;
    while (s == JSON_WHOLE && w.depth > 0) {
        while (w.p < w.end && (*w.p == ' ' || *w.p == '\n' || *w.p == '\t' || *w.p == '\r')) {
            w.p++;
        }
        s = w.p == w.end ? JSON_SHORT : step(&w);
    }
    o->length = (size_t)(w.p - text.p);
    o->reason = w.reason;
    return s;
}
