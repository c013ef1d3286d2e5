/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * source: where records come from. A connector fills in a `struct source_kind`.
 *
 * A source gives stretches of bytes of one shard at a time, each with the position of its
 * first byte; a codec cuts them into records. File-like sources have one shard. The
 * pipeline pulls; a source never calls back and never blocks longer than asked.
 */
#ifndef TILLSTREAM_ENGINE_SOURCE_H
#define TILLSTREAM_ENGINE_SOURCE_H

#include "engine/env.h"
#include "engine/sale.h"
#include "engine/settings.h"

struct source;

/* What a source says of itself, for `progress.source` and for resuming. */
struct source_identity {
    char path[4096];    /* "file:/real/path", "stdin", "kinesis:ARN" */
    uint64_t head_hash; /* files: hash of the first head_len decoded-as-stored bytes */
    uint32_t head_len;  /* 0 to 4096 */
    bool resumable;     /* stdin is not */
};

/* Bytes that continue where the last stretch of this shard ended. Borrowed until the next
 * call. `last`: no more bytes follow in this (finite) source or this file generation, so a
 * record that is cut short ends here. */
struct stretch {
    struct str bytes;
    uint64_t offset; /* of bytes.p[0] in the decoded source */
    bool last;
    bool grows; /* with last: somebody may write on where it ends now (a plain file) */
};

struct source_kind {
    const char *name; /* "file" */
    /* `locator` as on the command line. `follow`: go on when the end is reached. */
    enum err (*open)(struct env *env, const struct settings *settings, const char *locator,
                     bool follow, struct source **out, struct why *why);
    void (*close)(struct source *s);
    /* Of the file that is read now. ERR_AGAIN while a followed file does not exist yet: read
     * waits for it, gives ERR_AGAIN meanwhile, and gives no byte of a file whose identity was
     * not asked for after it appeared (or after ERR_NOT_FOUND). head_len grows with a file
     * shorter than 4096 bytes: ask again when a position is stored. */
    enum err (*identity)(struct source *s, struct source_identity *out, struct why *why);
    /* The hash of the first `len` (at most 4096) bytes, to compare with a stored head_hash.
     * ERR_NOT_FOUND when there are fewer, or none that could be read twice (stdin). */
    enum err (*head)(struct source *s, uint32_t len, uint64_t *hash);
    /* Continue at this byte of the decoded source. Called once, before the first read (of the
     * source, or of a file after ERR_NOT_FOUND and identity). ERR_DAMAGED when the source is
     * shorter than that; ERR_USAGE when it can't be resumed and `offset` is not 0. */
    enum err (*seek)(struct source *s, uint64_t offset, struct why *why);
    /* Up to `max_bytes` new bytes appended after the unconsumed rest; ERR_AGAIN when a
     * followed source has nothing new after waiting at most wait_ms; ERR_END after the
     * last stretch of a finite source; ERR_NOT_FOUND once when a followed file was replaced
     * or truncated: the pipeline then asks for the new identity and starts it at 0.
     * A pipe, too, gives ERR_AGAIN when nothing came within wait_ms. ERR_OK with no new byte
     * is possible: the rest is given again when the buffer is full, and once more, at once,
     * after a consume that left some of it. The `last` stretch (perhaps empty) is given until
     * all of it is consumed. An error comes after all bytes before it were given. */
    enum err (*read)(struct source *s, size_t max_bytes, int wait_ms, struct stretch *out,
                     struct why *why);
    /* The first `n` bytes of the last stretch are done with; the rest is given again at the
     * front of the next one. */
    void (*consume)(struct source *s, size_t n);
};

extern const struct source_kind source_file; /* connectors/file.c: files and "-" */

/* A codec turns stretches into sales. It keeps what it learned (CSV header, separator) and
 * may keep a place inside an unfinished construct (a JSON array). */
struct codec;

struct codec_kind {
    const char *name; /* "json", "csv" */
    enum err (*open)(const struct settings *settings, struct codec **out, struct why *why);
    void (*close)(struct codec *c);
    /* Decodes whole records from the front of `in` into `out` (appending), sets *consumed.
     * `max_sales` bounds the sales added. A record cut short by the end is left unless
     * in->last. A bad record becomes a reject. ERR_INVALID only where nothing can be read at
     * all (a CSV header without the required columns), ERR_NOMEM. */
    enum err (*decode)(struct codec *c, const struct stretch *in, size_t max_sales,
                       struct sales *out, size_t *consumed, struct why *why);
    /* What must be known to continue in the middle of a source (the CSV header); load is
     * called on a fresh codec before its first decode. */
    enum err (*save)(const struct codec *c, struct buf *out);
    enum err (*load)(struct codec *c, struct reader *in, struct why *why);
};

extern const struct codec_kind codec_json; /* connectors/json.c */
extern const struct codec_kind codec_csv;  /* connectors/csv.c */

/* By the locator's ending (.csv, .ndjson, .jsonl, .json, compressed or not); for "-" and
 * other names by the first byte of `head` that is not white space: '{' or '[' is JSON. */
const struct codec_kind *codec_for(const char *locator, struct str head);

/* engine/sales.c: the batch's memory. */
void sales_init(struct sales *s);
void sales_clear(struct sales *s); /* frees */
void sales_reset(struct sales *s); /* empties, keeps the memory */
enum err sales_room(struct sales *s, size_t more) MUST_CHECK;
/* Text space for one field; stays valid until reset (blocks never move). */
char *sales_text(struct sales *s, size_t n);
enum err sales_reject(struct sales *s, uint64_t offset, struct str raw, const char *format, ...)
    PRINTF_LIKE(4, 5) MUST_CHECK;

#endif
