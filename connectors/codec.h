/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * codec: what the JSON and CSV codecs share: the fields of a record by role, and how their
 * texts become a sale or a reject that says why not.
 */
#ifndef TILLSTREAM_CONNECTORS_CODEC_H
#define TILLSTREAM_CONNECTORS_CODEC_H

#include "engine/source.h"

/* What a field is for. The keys come first. CODEC_OTHER: not needed, e.g. the description. */
enum codec_role {
    CODEC_INVOICE,
    CODEC_STOCK,
    CODEC_CUSTOMER,
    CODEC_COUNTRY,
    CODEC_RECORD_ID,
    CODEC_QUANTITY,
    CODEC_DATE,
    CODEC_PRICE,
    CODEC_OTHER
};
#define CODEC_KEYS CODEC_QUANTITY /* roles below this one are keys */
#define CODEC_ROLES CODEC_OTHER

/* CODEC_ABSENT: no such field, null or NaN. CODEC_NUMBER: a JSON number, as it is written.
 * CODEC_WRONG: true, false, an object or a list. */
enum codec_value { CODEC_ABSENT, CODEC_TEXT, CODEC_NUMBER, CODEC_WRONG };

/* The fields of one record. The entry of CODEC_OTHER is a place to write to, never read. */
struct codec_record {
    struct str text[CODEC_OTHER + 1]; /* n is 0 where the value is CODEC_ABSENT */
    uint8_t value[CODEC_OTHER + 1];   /* enum codec_value */
    unsigned known;                   /* bit r: role r has its Online Retail II name */
    bool plain;                       /* all texts are ASCII without NUL, for sure */
    bool utf8;                        /* the texts were converted from Latin-1 already */
};

/* What a codec knows of fields: made from the settings, which need not outlive it. */
struct codec_fields {
    struct str name[CODEC_ROLES];  /* as configured */
    struct str known[CODEC_ROLES]; /* the Online Retail II name, empty if it has no other */
    char *names;                   /* the bytes of `name` */
    struct zone *zone;
    struct when_rules rules;
    size_t max_record;
    char point;
    bool latin1;
    char date[32]; /* the date read last: neighbours share their minute */
    size_t date_n;
    int64_t date_ms;
};

enum err codec_fields_open(struct codec_fields *f, const struct settings *settings,
                           struct why *why) MUST_CHECK;
void codec_fields_close(struct codec_fields *f);

/* The role of the field called `name`, CODEC_OTHER if it has none; `*known` tells whether
 * that is its Online Retail II name. */
enum codec_role codec_role(const struct codec_fields *f, struct str name, bool *known);

/* Of several fields with one role the configured name wins over the Online Retail II name,
 * and of equal names the first. Says whether a field of `role` under a `known` name (or not)
 * replaces what `taken` (bit r) and `r->known` tell of earlier ones, and notes it. */
bool codec_claim(struct codec_record *r, unsigned *taken, enum codec_role role, bool known);

/* Adds the record to `out` as a sale, or as a reject with the reason. `raw` is the whole
 * record, `offset` its place. */
enum err codec_add(struct codec_fields *f, const struct codec_record *r, struct str raw,
                   uint64_t offset, struct sales *out) MUST_CHECK;

/* Skips a UTF-8 byte order mark at offset 0: `*skip` is 0 or 3. ERR_AGAIN if more bytes are
 * needed to know; ERR_INVALID for UTF-16, with what to do. */
enum err codec_mark(const struct stretch *in, size_t *skip, struct why *why) MUST_CHECK;

/* Well-formed UTF-8 (RFC 3629) without NUL. */
bool codec_utf8(struct str text);
/* Latin-1 to UTF-8; `to` holds at least 2 * text.n bytes. Returns the length. */
size_t codec_latin1(struct str text, char *to);

#endif
