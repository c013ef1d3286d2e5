/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * values: small decisions about how a value is stored.
 *
 * A checksum covers what identifies a piece as well as its bytes, so that two pieces that
 * changed places are noticed: numbers as 4 or 8 bytes, little-endian, then texts.
 */
#include "engine/store/values.h"

/* The allowed second byte depends on the first (Unicode, table 3-7). */
struct lead {
    unsigned char first, last; /* range of the lead byte */
    unsigned char low, high;   /* range of the byte after it */
    int more;                  /* bytes after it */
};

static const struct lead leads[] = {
    {0xC2, 0xDF, 0x80, 0xBF, 1}, {0xE0, 0xE0, 0xA0, 0xBF, 2}, {0xE1, 0xEC, 0x80, 0xBF, 2},
    {0xED, 0xED, 0x80, 0x9F, 2}, {0xEE, 0xEF, 0x80, 0xBF, 2}, {0xF0, 0xF0, 0x90, 0xBF, 3},
    {0xF1, 0xF3, 0x80, 0xBF, 3}, {0xF4, 0xF4, 0x80, 0x8F, 3},
};

size_t values_character(const unsigned char *p, size_t n)
{
    const struct lead *lead = NULL;

    if (p[0] < 0x80)
        return 1;
    for (size_t i = 0; i < sizeof(leads) / sizeof(leads[0]); i++) {
        if (p[0] >= leads[i].first && p[0] <= leads[i].last)
            lead = &leads[i];
    }
    if (!lead || n <= (size_t)lead->more || p[1] < lead->low || p[1] > lead->high)
        return 0;
    for (int i = 2; i <= lead->more; i++) {
        if ((p[i] & 0xC0) != 0x80)
            return 0;
    }
    return (size_t)lead->more + 1;
}

bool values_is_text(struct str s)
{
    const unsigned char *p = (const unsigned char *)s.p;
    size_t at = 0;

    while (at < s.n) {
        size_t n = p[at] ? values_character(p + at, s.n - at) : 0;

        if (n == 0)
            return false;
        at += n;
    }
    return true;
}

bool values_whole(struct str s, int64_t *out)
{
    int64_t v = 0;

    if (s.n == 0 || s.n > 19 || (s.p[0] == '0' && s.n > 1))
        return false;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
        if (v > (INT64_MAX - (s.p[i] - '0')) / 10)
            return false;
        v = v * 10 + (s.p[i] - '0');
    }
    *out = v;
    return true;
}

static uint32_t add_number(const struct crc_table *table, uint32_t crc, uint64_t v, size_t n)
{
    char bytes[8];

    for (size_t i = 0; i < n; i++)
        bytes[i] = (char)(v >> 8 * i & 0xff);
    return crc_add(table, crc, (struct str){bytes, n});
}

uint32_t values_state_crc(const struct crc_table *table, struct str name, uint32_t version,
                          struct str data)
{
    uint32_t crc = add_number(table, 0, version, 4);

    crc = add_number(table, crc, name.n, 4);
    return crc_add(table, crc_add(table, crc, name), data);
}

uint32_t values_ledger_crc(const struct crc_table *table, uint64_t seq, uint32_t sales,
                           struct str data)
{
    uint32_t crc = add_number(table, 0, seq, 8);

    return crc_add(table, add_number(table, crc, sales, 4), data);
}
