/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * crc: CRC-32C by table, four bytes a step ("slicing", Kounavis and Berry 2005).
 *
 * Polynomial 0x1EDC6F41, bits reflected (0x82F63B78), start and end inverted: the checksum
 * of iSCSI and of many file formats; "123456789" gives e3069283. t[0] is the classic table;
 * t[k][i] is the effect of byte i with k more zero bytes after it. The tables are computed
 * (1,024 entries, microseconds) instead of listed.
 */
#include "engine/store/crc.h"

#define CRC_POLYNOMIAL 0x82F63B78u

void crc_init(struct crc_table *table)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;

        for (int bit = 0; bit < 8; bit++)
            c = c >> 1 ^ (c & 1 ? CRC_POLYNOMIAL : 0);
        table->t[0][i] = c;
    }
    for (int k = 1; k < 4; k++) {
        for (uint32_t i = 0; i < 256; i++) {
            uint32_t before = table->t[k - 1][i];

            table->t[k][i] = before >> 8 ^ table->t[0][before & 0xff];
        }
    }
}

uint32_t crc_add(const struct crc_table *table, uint32_t crc, struct str s)
{
    const unsigned char *p = (const unsigned char *)s.p;
    const uint32_t(*t)[256] = table->t;
    size_t n = s.n;

    crc = ~crc;
    for (; n >= 4; n -= 4, p += 4) {
        crc ^= (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
        crc = t[3][crc & 0xff] ^ t[2][crc >> 8 & 0xff] ^ t[1][crc >> 16 & 0xff] ^ t[0][crc >> 24];
    }
    for (; n > 0; n--, p++)
        crc = crc >> 8 ^ t[0][(crc ^ *p) & 0xff];
    return ~crc;
}
