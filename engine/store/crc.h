/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * crc: CRC-32C (Castagnoli), the checksum over stored state.
 */
#ifndef TILLSTREAM_ENGINE_STORE_CRC_H
#define TILLSTREAM_ENGINE_STORE_CRC_H

#include "engine/str.h"

struct crc_table {
    uint32_t t[4][256];
};

void crc_init(struct crc_table *table);
/* Continues from `crc`; the first call has 0. */
uint32_t crc_add(const struct crc_table *table, uint32_t crc, struct str s);

#endif
