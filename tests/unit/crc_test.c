/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/store/crc.h"
#include "tests/support/t.h"

T(the_checksum_is_that_of_the_standard)
{
    struct crc_table table;

    crc_init(&table);
    eq_u64(crc_add(&table, 0, STR("123456789")), 0xe3069283u);
    eq_u64(crc_add(&table, 0, STR("")), 0);
    eq_u64(crc_add(&table, 0, STR("a")), 0xc1d04330u);
}

T(pieces_give_the_checksum_of_the_whole)
{
    struct crc_table table;
    char bytes[301];
    uint64_t random = seed();

    crc_init(&table);
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char)rnd_below(&random, 256);
    for (size_t cut = 0; cut <= sizeof(bytes); cut++) {
        uint32_t first = crc_add(&table, 0, (struct str){bytes, cut});
        struct str rest = {bytes + cut, sizeof(bytes) - cut};

        eq_u64(crc_add(&table, first, rest),
               crc_add(&table, 0, (struct str){bytes, sizeof(bytes)}));
    }
}
