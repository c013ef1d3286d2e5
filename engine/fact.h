/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * fact: an accepted sale, its texts replaced by small numbers, with the watermark that
 * holds once it is counted. What windows and models see.
 */
#ifndef TILLSTREAM_ENGINE_FACT_H
#define TILLSTREAM_ENGINE_FACT_H

#include <stdint.h>

struct fact {
    int64_t time_ms;      /* event time */
    int64_t watermark_ms; /* merged watermark after this sale; never decreases */
    int64_t quantity, price, value;
    uint32_t invoice;  /* slot of the invoice in engine/books: small, reused when dead */
    uint32_t customer; /* key ids (engine/keys); 0 is the empty text: missing */
    uint32_t country;
    uint32_t stock;
};

/* The 64-bit hashes of the texts behind invoice slots and key ids, for sketches. The
 * arrays belong to books and keys and may move as they grow: keep the pointer to this. */
struct hashes {
    const uint64_t *invoice;
    const uint64_t *key;
};

#endif
