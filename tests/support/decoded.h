/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * decoded: what a codec makes of a text, as lines to compare.
 *
 * A sale:   offset+length|invoice|stock|customer|country|record id|quantity|price|value|time
 * A reject: offset+length! reason
 */
#ifndef TILLSTREAM_TESTS_SUPPORT_DECODED_H
#define TILLSTREAM_TESTS_SUPPORT_DECODED_H

#include "engine/source.h"

struct decoded_way {
    size_t step;      /* bytes that a stretch grows by; 0: all at once */
    size_t max_sales; /* 0: no limit */
    bool reopen;      /* save, close, open, load between two decodes */
    bool plain;       /* leave out "offset+length" */
};

/* Feeds `text` to a codec as a source would, each stretch in memory of exactly its size, and
 * appends the lines to `out`. ERR_DAMAGED if the codec breaks its contract: a raw or a record
 * that is not at its offset, records that overlap or are out of order, bytes left over. */
enum err decoded(const struct codec_kind *kind, const struct settings *settings, struct str text,
                 struct decoded_way way, struct buf *out, struct why *why) MUST_CHECK;

#endif
