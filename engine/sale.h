/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * sale: one sales line as it flows from a source through the judge to the windows.
 *
 * The strings borrow from the batch that the decoder filled (struct sales) and live
 * until the batch is reset. `customer` empty means the customer is missing.
 */
#ifndef TILLSTREAM_ENGINE_SALE_H
#define TILLSTREAM_ENGINE_SALE_H

#include "engine/buf.h"
#include "engine/str.h"

/* Longest key or number a record may carry; longer is a reject. */
#define SALE_TEXT_MAX 256
#define SALE_RECORD_ID_MAX 64
/* Largest record in bytes (setting max_record may lower it); bytes kept of a bad one. */
#define SALE_RAW_MAX 4096

struct sale {
    int64_t time_ms;      /* event time, milliseconds since 1970 UTC */
    int64_t quantity;     /* units; negative is a return */
    int64_t price;        /* unit price in millionths */
    int64_t value;        /* quantity * price, millionths, checked to fit */
    struct str invoice;   /* never empty */
    struct str stock;     /* may be empty */
    struct str customer;  /* may be empty */
    struct str country;   /* may be empty */
    struct str record_id; /* the producer's RecordID, empty if none */
    uint64_t offset;      /* where the record starts: byte offset in the decoded source */
    uint32_t length;      /* its bytes there */
};

/* What a decoder could not turn into a sale. `raw` borrows like a sale's strings. */
struct reject {
    uint64_t offset;
    struct str raw;   /* at most SALE_RAW_MAX bytes of it */
    char reason[160]; /* one sentence: field, value, why */
};

struct sales_block;

/* The result of decoding one stretch of bytes, in order of position. Arrays are owned
 * by the batch and reused; `cap` entries are allocated. */
struct sales {
    struct sale *sale;
    size_t n, cap;
    struct reject *reject;
    size_t n_rejects, cap_rejects;
    struct sales_block *blocks; /* bytes of fields that had to be unescaped or converted */
};

/* The longest such line: five texts of which every byte is escaped. */
#define SALE_JSON_MAX ((size_t)16384)
/* One line of JSON with the schema's own names, without the line end. */
enum err sale_json(const struct sale *s, struct buf *out) MUST_CHECK;
/* Reads back what sale_json wrote (offset and length are 0). The texts are in `texts`, which
 * is emptied first. ERR_DAMAGED for anything else. */
enum err sale_parse(struct str json, struct buf *texts, struct sale *out) MUST_CHECK;

#endif
