/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * values: how single values are stored: as text, number or bytes, and under which checksum.
 */
#ifndef TILLSTREAM_ENGINE_STORE_VALUES_H
#define TILLSTREAM_ENGINE_STORE_VALUES_H

#include "engine/store/crc.h"

/* Bytes of the UTF-8 character at p, of at most n > 0; 0: there is none. NUL is one. */
size_t values_character(const unsigned char *p, size_t n);
/* Valid UTF-8 (no surrogates, nothing overlong, at most U+10FFFF) without a NUL. */
bool values_is_text(struct str s);
/* Digits alone that fit int64 and are its usual decimal form: writing the number gives the
 * same text again. */
bool values_whole(struct str s, int64_t *out);

uint32_t values_state_crc(const struct crc_table *table, struct str name, uint32_t version,
                          struct str data);
uint32_t values_ledger_crc(const struct crc_table *table, uint64_t seq, uint32_t sales,
                           struct str data);

#endif
