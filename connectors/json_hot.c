/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * json_hot: reads the record that looks like the one before it, which nearly all do.
 *
 * The idea: one producer writes the same keys in the same order with the same spaces. What
 * stands between two values is learned from a record that json_check found good, and compared
 * as a few words of eight bytes; only values are looked at byte by byte, by the same strict
 * rules. Anything else is left to json_check.
 *
 *     {"InvoiceNo":"536365","Quantity":6}
 *     ~~~~~~~~~~~~~        ~~~~~~~~~~~~ ~     learned: step 0, step 1, step 2 (the tail)
 *
 * Invariants:
 *   (1) A record read here is one that json_check accepts, with the same members.
 *   (2) json_hot_read and json_hot_take followed by codec_add give the same sale or reject as
 *       json_tree_read would (json_diff_fuzz.c).
 *   (3) No byte at or after `end` is read.
 */
#include "connectors/json_parts.h"

#include "connectors/scan.h"

/* ---- reading ---- */

static inline bool step_is(const struct json_step *s, const char *p, const char *end)
{
    size_t words = s->words;
    if ((size_t)(end - p) < words * 8) {
        return (size_t)(end - p) >= s->length && memcmp(p, s->word, s->length) == 0;
    }
    uint64_t differs = 0;
    for (size_t i = 0; i < words; i++) {
        uint64_t word;
        memcpy(&word, p + 8 * i, 8);
        differs |= (word ^ s->word[i]) & s->mask[i];
    }
    return differs == 0;
}

/* The closing quote of the string whose first byte is at `p`; NULL if it is not plain. */
static inline const char *plain_text(const char *p, const char *end, uint64_t *high)
{
    while (end - p >= 16) {
        uint64_t mask = scan_json16(p, high);
        if (mask) {
            p += scan_first(mask);
            return *p == '"' ? p : NULL;
        }
        p += 16;
    }
    while (p < end && *p != '"' && *p != '\\' && (unsigned char)*p >= 0x20) {
        *high |= (unsigned char)*p >> 7;
        p++;
    }
    return p < end && *p == '"' ? p : NULL;
}

/* The end of a string nobody needs, escapes and all. */
static const char *any_text(const char *p, const char *end)
{
    bool escaped, nul;
    const char *reason;
    return json_check_string(&p, end, &escaped, &nul, &reason) == JSON_WHOLE ? p : NULL;
}

static inline const char *digits(const char *p, const char *end)
{
    const char *from = p;
    while (p < end && (unsigned)(unsigned char)*p - '0' <= 9) {
        p++;
    }
    return p == from || p == end ? NULL : p;
}

/* Behind a number without exponent; NULL if there is none. */
static inline const char *plain_number(const char *p, const char *end)
{
    p += *p == '-';
    bool zero = p < end && *p == '0';
    p = zero ? p + 1 : digits(p, end);
    if (!p || p == end) {
        return NULL;
    }
    if (*p == '.') {
        p = digits(p + 1, end);
    }
    return p && *p != 'e' && *p != 'E' ? p : NULL;
}

static const char *no_value(const char *p, const char *end)
{
    size_t left = (size_t)(end - p);
    if (left >= 4 && memcmp(p, "null", 4) == 0) {
        return p + 4;
    }
    return left >= 3 && memcmp(p, "NaN", 3) == 0 ? p + 3 : NULL;
}

static inline const char *read_value(struct codec_record *r, size_t role, const char *p,
                                     const char *end, uint64_t *high)
{
    const char *from = p;
    if (*p == '"') {
        uint64_t others = 0;
        from++;
        p = plain_text(from, end, role == CODEC_OTHER ? &others : high);
        if (!p && role == CODEC_OTHER) {
            p = any_text(from, end);
        }
        r->text[role] = (struct str){from, p ? (size_t)(p - from) : 0};
        r->value[role] = CODEC_TEXT;
        return p ? p + 1 : NULL;
    }
    if (*p == 'n' || *p == 'N') {
        r->text[role].n = 0;
        r->value[role] = CODEC_ABSENT;
        return no_value(p, end);
    }
    p = plain_number(p, end);
    r->text[role] = (struct str){from, p ? (size_t)(p - from) : 0};
    r->value[role] = CODEC_NUMBER;
    return p;
}

size_t json_hot_read(struct json_hot *h, const char *p, const char *end)
{
    const char *from = p;
    uint64_t high = 0;
    for (size_t i = 0; i < h->n; i++) {
        const struct json_step *s = &h->step[i];
        if (!step_is(s, p, end)) {
            return 0;
        }
        p += s->length;
        if (p == end) {
            return 0;
        }
        p = read_value(&h->record, s->role, p, end, &high);
        if (!p) {
            return 0;
        }
    }
    const struct json_step *tail = &h->step[h->n];
    if (h->n == 0 || !step_is(tail, p, end)) {
        return 0;
    }
    h->record.plain = high == 0;
    return (size_t)(p - from) + tail->length;
}

/* ---- taking what json_check noted ---- */

static bool is_ascii(struct str t)
{
    unsigned char all = 0;
    for (size_t i = 0; i < t.n; i++) {
        all |= (unsigned char)t.p[i];
    }
    return all < 0x80;
}

static enum codec_value value_of(enum json_form form)
{
    static const unsigned char value[] = {
        [JSON_FORM_TEXT] = CODEC_TEXT,   [JSON_FORM_NUMBER] = CODEC_NUMBER,
        [JSON_FORM_NULL] = CODEC_ABSENT, [JSON_FORM_NAN] = CODEC_ABSENT,
        [JSON_FORM_OTHER] = CODEC_WRONG,
    };
    return (enum codec_value)value[form];
}

bool json_hot_take(const struct codec_fields *f, const struct json_object *o,
                   struct codec_record *r)
{
    unsigned taken = 0;
    *r = (struct codec_record){0};
    for (size_t i = 0; i < o->n_members; i++) {
        const struct json_member *m = &o->member[i];
        bool known;
        if (m->key_escaped || (f->latin1 && !is_ascii(m->key))) {
            return false;
        }
        enum codec_role role = codec_role(f, m->key, &known);
        if (!codec_claim(r, &taken, role, known)) {
            continue;
        }
        if (m->form == JSON_FORM_TEXT && m->value_escaped) {
            return false;
        }
        enum codec_value value = value_of(m->form);
        r->value[role] = (uint8_t)value;
        r->text[role] = value == CODEC_ABSENT ? (struct str){NULL, 0} : m->value;
    }
    return true;
}

/* ---- learning ---- */

static bool learn_step(struct json_step *s, const char *from, const char *to)
{
    size_t n = (size_t)(to - from);
    if (n == 0 || n > sizeof(s->word)) {
        return false;
    }
    memset(s->word, 0, sizeof(s->word));
    memset(s->mask, 0, sizeof(s->mask));
    memcpy(s->word, from, n);
    memset(s->mask, 0xff, n);
    s->words = (uint8_t)((n + 7) / 8);
    s->length = (uint8_t)n;
    s->role = CODEC_OTHER;
    return true;
}

/* Gives each step the role of its value. */
static void learn_roles(struct json_hot *h, const struct codec_fields *f,
                        const struct json_object *o)
{
    size_t at[CODEC_ROLES] = {0};
    unsigned taken = 0;
    h->record = (struct codec_record){0};
    for (size_t i = 0; i < o->n_members; i++) {
        bool known;
        enum codec_role role = codec_role(f, o->member[i].key, &known);
        if (codec_claim(&h->record, &taken, role, known)) {
            at[role] = i;
        }
    }
    for (unsigned role = 0; role < CODEC_ROLES; role++) {
        if (taken >> role & 1) {
            h->step[at[role]].role = (uint8_t)role;
        }
    }
}

void json_hot_learn(struct json_hot *h, const struct codec_fields *f, struct str text,
                    const struct json_object *o)
{
    const char *from = text.p;
    h->n = 0;
    if (o->n_members > JSON_HOT_STEPS) {
        return;
    }
    for (size_t i = 0; i < o->n_members; i++) {
        const struct json_member *m = &o->member[i];
        size_t quote = m->form == JSON_FORM_TEXT;
        bool bracket = !quote && (*m->value.p == '{' || *m->value.p == '[');
        if (bracket || !learn_step(&h->step[i], from, m->value.p - quote)) {
            return;
        }
        from = m->value.p + m->value.n + quote;
    }
    if (learn_step(&h->step[o->n_members], from, text.p + text.n)) {
        learn_roles(h, f, o);
        h->n = o->n_members;
    }
}
