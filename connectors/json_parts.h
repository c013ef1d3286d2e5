/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * json_parts: what the files of the JSON codec share. Nobody else includes this.
 *
 *   json.c        the codec: finds records, chooses a reader, keeps the place
 *   json_check.c  strict grammar of one object; notes where its members are
 *   json_hot.c    reads a flat object whose keys come as in the record before
 *   json_tree.c   reads any object through cJSON
 *   json_frame.c  where a broken record ends
 */
#ifndef TILLSTREAM_CONNECTORS_JSON_PARTS_H
#define TILLSTREAM_CONNECTORS_JSON_PARTS_H

#include "connectors/codec.h"

/* ---- json_check.c ---- */

#define JSON_CHECK_DEPTH 64
#define JSON_CHECK_MEMBERS 256

/* JSON_SHORT: good so far, but the end of the object is not there. */
enum json_state { JSON_WHOLE, JSON_SHORT, JSON_BROKEN };

/* What a value is. NaN is not JSON, but Python writes it. */
enum json_form { JSON_FORM_TEXT, JSON_FORM_NUMBER, JSON_FORM_NULL, JSON_FORM_NAN, JSON_FORM_OTHER };

/* A member of the record itself (not of an object inside it). */
struct json_member {
    struct str key;   /* without its quotes, escapes as they are */
    struct str value; /* of a text without its quotes, escapes as they are */
    enum json_form form;
    bool key_escaped, value_escaped;
    bool key_nul, value_nul; /* holds \u0000 */
};

struct json_object {
    struct json_member member[JSON_CHECK_MEMBERS];
    size_t n_members;
    size_t length;      /* JSON_WHOLE: its bytes. JSON_BROKEN: how many bytes were good */
    const char *reason; /* JSON_BROKEN: what is wrong there */
};

/* Checks the object that starts at `text` ('{'); bytes may follow it. A result other than
 * JSON_SHORT stays the same when more bytes follow. */
enum json_state json_check(struct str text, struct json_object *o);

/* The rest of a string, from `p` (after the opening quote) up to its closing quote, which
 * is what *p is then. JSON_BROKEN sets *reason and leaves *p where it is wrong. */
enum json_state json_check_string(const char **p, const char *end, bool *escaped, bool *nul,
                                  const char **reason);

/* ---- json_hot.c ---- */

#define JSON_HOT_STEPS 32
#define JSON_HOT_WORDS 6

/* What is expected before one value: the bytes since the value before, up to this one. */
struct json_step {
    uint64_t word[JSON_HOT_WORDS], mask[JSON_HOT_WORDS];
    uint8_t words, length, role;
};

/* The shape of the record read last: its steps, then what came after the last value. */
struct json_hot {
    struct json_step step[JSON_HOT_STEPS + 1];
    size_t n; /* values; 0: nothing learned */
    struct codec_record record;
};

/* Reads the record at `p` into h->record if it has the shape learned and needs no second
 * look. Returns its length, 0 if it must be read otherwise. */
size_t json_hot_read(struct json_hot *h, const char *p, const char *end);

/* Takes the fields of a checked object into *r, unless a key or a text that is needed has to
 * be unescaped: then false, and *r is not to be used. */
bool json_hot_take(const struct codec_fields *f, const struct json_object *o,
                   struct codec_record *r);

/* Learns the shape of a record that json_hot_take took, for the next json_hot_read. A record
 * with an object or a list in it, or with long keys, is not learned. */
void json_hot_learn(struct json_hot *h, const struct codec_fields *f, struct str text,
                    const struct json_object *o);

/* ---- json_tree.c ---- */

/* Reads a checked object through cJSON; texts are kept in `out`. `text` is its bytes.
 * ERR_NOMEM. */
enum err json_tree_read(const struct codec_fields *f, struct str text, const struct json_object *o,
                        struct sales *out, struct codec_record *r) MUST_CHECK;

/* ---- json_frame.c ---- */

/* Lines that start with '{' further to the right than this count as one column. */
#define JSON_FRAME_COLUMN 255

/* Where to go on after a record too long to be seen at once. */
enum json_skip { JSON_SKIP_NONE, JSON_SKIP_LINE, JSON_SKIP_RECORD };

/* The length of the broken record at the front of `text`. `column` is where it starts in its
 * line; `all`: what is beyond `text` must not be waited for. False: it can't be told. */
bool json_frame_broken(struct str text, unsigned column, bool all, size_t *length);

/* The length of text outside of objects at the front of `text`, in the same way. */
bool json_frame_garbage(struct str text, bool all, size_t *length);

/* Skips in `text` as `*skip` says; returns the bytes to leave out. Sets *skip to
 * JSON_SKIP_NONE when it arrived. */
size_t json_frame_skip(struct str text, unsigned column, enum json_skip *skip);

#endif
