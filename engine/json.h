/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * json: a configuration text as a tree of values. The one wrapper of cJSON.
 *
 * JSON (RFC 8259) plus line and block comments and a comma after the last item. Refused:
 * anything else, a key twice in one object, \u0000, and what exceeds the limits below.
 * Bytes beyond ASCII are kept as they are, since a path may be in any encoding.
 */
#ifndef TILLSTREAM_ENGINE_JSON_H
#define TILLSTREAM_ENGINE_JSON_H

#include "engine/buf.h"
#include "engine/err.h"
#include "engine/str.h"

#define JSON_DEPTH_MAX 32
#define JSON_VALUES_MAX 4096
#define JSON_BYTES_MAX ((size_t)1024 * 1024)

struct json_doc; /* a text and its tree */
struct json;     /* a value, owned by its document */

enum json_type { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_TEXT, JSON_LIST, JSON_OBJECT };

/* ERR_INVALID (the sentence starts "origin:line:column: "), ERR_LIMIT, ERR_NOMEM. */
enum err json_open(struct str text, const char *origin, struct json_doc **out,
                   struct why *why) MUST_CHECK;
void json_close(struct json_doc *d);
const struct json *json_root(const struct json_doc *d);

enum json_type json_type(const struct json *v);
/* "a number", "a list": for errors. */
const char *json_type_text(enum json_type type);
/* The line the value (of a member: its key) starts on, from 1. */
int json_line(const struct json_doc *d, const struct json *v);

bool json_bool(const struct json *v);        /* JSON_BOOL */
const char *json_text(const struct json *v); /* JSON_TEXT; NUL-terminated */
/* JSON_NUMBER: false if it has a fraction or is beyond +-2^53, where doubles skip integers. */
bool json_whole(const struct json *v, int64_t *out);

double json_number(const struct json *v); /* JSON_NUMBER */

/* Items of a JSON_LIST, members of a JSON_OBJECT; NULL after the last (or of a scalar). */
const struct json *json_first(const struct json *v);
const struct json *json_next(const struct json *v);
const char *json_name(const struct json *v); /* the key of a member */

/* Writes `text` as a JSON string with its quotes. */
enum err json_quote(struct buf *out, struct str text) MUST_CHECK;

#endif
