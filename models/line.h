/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * line: an accepted sale as the models see it: numbers that never change their meaning,
 * so that state can be kept for years.
 */
#ifndef TILLSTREAM_MODELS_LINE_H
#define TILLSTREAM_MODELS_LINE_H

#include <stdint.h>

struct model_line {
    int64_t time_ms;      /* event time, milliseconds since 1970 UTC */
    int64_t local_ms;     /* the same on the shop's wall clock (setting timezone) */
    int64_t watermark_ms; /* holds after this line; never decreases */
    int64_t quantity;     /* negative: a return */
    int64_t price, value; /* millionths */
    uint64_t invoice;     /* the invoice's lasting number (engine/books), never reused */
    uint32_t customer;    /* key ids (engine/keys); 0: missing */
    uint32_t country;
    uint32_t stock;
    char letter; /* the first byte of the invoice number if it is a letter, else 0 */
};

#endif
