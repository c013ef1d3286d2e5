/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * json_tree: reads any object through cJSON: escapes, objects inside objects, odd keys.
 *
 * The idea: cJSON unescapes and keeps the order of members, so its i-th child is the i-th
 * member that json_check noted. Texts come from cJSON; numbers come from the bytes, because
 * cJSON knows them as doubles only and money is exact. cJSON gets a copy in which values that
 * it can't read (NaN, numbers longer than its buffer) are blanked out; of Latin-1 data the
 * copy is UTF-8, so that what cJSON returns always is.
 *
 * Invariants:
 *   (1) The object passed json_check, so cJSON fails for want of memory alone.
 *   (2) A text with \u0000 in it is a text of one NUL here, which no key and no number may be;
 *       a field name with \u0000 is nobody's.
 */
#include "connectors/json_parts.h"

#include <cjson/cJSON.h>
#include <stdlib.h>

/* cJSON collects a number in 64 bytes. */
#define NUMBER_MAX 60

static bool in_number(char c)
{
    return (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E';
}

/* Behind the string whose opening quote is at `at`. */
static size_t string_end(const char *p, size_t n, size_t at)
{
    at++;
    while (at < n && p[at] != '"') {
        at += p[at] == '\\' ? 2 : 1;
    }
    return at + 1;
}

/* Behind the number or word at `at`; one that cJSON can't read becomes a 0 and spaces. */
static size_t blank_value(char *p, size_t n, size_t at)
{
    size_t end = at;
    if (p[at] == 'N') {
        end = at + 3;
    }
    while (end < n && in_number(p[end])) {
        end++;
    }
    if (p[at] == 'N' || end - at > NUMBER_MAX) {
        memset(p + at, ' ', end - at);
        p[at] = '0';
    }
    return end > at ? end : at + 1;
}

static void blank(char *p, size_t n)
{
    size_t at = 0;
    while (at < n) {
        at = p[at] == '"' ? string_end(p, n, at) : blank_value(p, n, at);
    }
}

static enum err keep_text(struct sales *out, const char *text, struct str *to)
{
    size_t n = strlen(text);
    char *kept = sales_text(out, n + 1);
    if (!kept) {
        return ERR_NOMEM;
    }
    memcpy(kept, text, n + 1);
    *to = (struct str){kept, n};
    return ERR_OK;
}

static enum err take(const cJSON *item, const struct json_member *m, struct sales *out,
                     struct str *text, uint8_t *value)
{
    *text = (struct str){NULL, 0};
    *value = CODEC_WRONG;
    if (m->form == JSON_FORM_NAN || cJSON_IsNull(item)) {
        *value = CODEC_ABSENT;
    } else if (cJSON_IsNumber(item)) {
        *value = CODEC_NUMBER;
        *text = m->value;
    } else if (cJSON_IsString(item)) {
        *value = CODEC_TEXT;
        *text = (struct str){"", 1};
        return m->value_nul ? ERR_OK : keep_text(out, item->valuestring, text);
    }
    return ERR_OK;
}

static enum err take_all(const struct codec_fields *f, const cJSON *root,
                         const struct json_object *o, struct sales *out, struct codec_record *r)
{
    unsigned taken = 0;
    enum err e = ERR_OK;
    const cJSON *item = root->child;
    *r = (struct codec_record){.utf8 = f->latin1};
    for (size_t i = 0; !e && item && i < o->n_members; i++) {
        const struct json_member *m = &o->member[i];
        bool known = false;
        enum codec_role role =
            m->key_nul ? CODEC_OTHER : codec_role(f, str_of(item->string), &known);
        if (codec_claim(r, &taken, role, known)) {
            e = take(item, m, out, &r->text[role], &r->value[role]);
        }
        item = item->next;
    }
    return e;
}

enum err json_tree_read(const struct codec_fields *f, struct str text, const struct json_object *o,
                        struct sales *out, struct codec_record *r)
{
    char *copy = malloc(2 * text.n + 1);
    if (!copy) {
        return ERR_NOMEM;
    }
    size_t n = text.n;
    if (f->latin1) {
        n = codec_latin1(text, copy);
    } else {
        memcpy(copy, text.p, n);
    }
    copy[n] = '\0';
    blank(copy, n);
    cJSON *root = cJSON_ParseWithLengthOpts(copy, n + 1, NULL, 1);
    enum err e = root ? take_all(f, root, o, out, r) : ERR_NOMEM;
    cJSON_Delete(root);
    free(copy);
    return e;
}
