/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * order_keys against qsort, for sizes around the switch and keys of one to four bytes.
 */
#include "windows/order.h"

#include "tests/support/t.h"

#include <stdlib.h>
#include <string.h>

#define MOST 3000

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

T(keys_come_out_as_qsort_orders_them)
{
    static const uint32_t masks[] = {0, 0xff, 0xffff, 0xffffff, 0xffffffff, 0xff00ff00};
    static uint32_t key[MOST], want[MOST], room[MOST];
    uint64_t state = seed();

    for (size_t i = 0; i < 600; i++) {
        uint32_t mask = masks[i % (sizeof(masks) / sizeof(masks[0]))];
        size_t n = i < 200 ? i : rnd_below(&state, MOST);
        for (size_t k = 0; k < n; k++)
            want[k] = key[k] = (uint32_t)rnd(&state) & mask;
        qsort(want, n, sizeof(*want), by_number);
        order_keys(key, n, room);
        ok(memcmp(key, want, n * sizeof(*key)) == 0);
    }
}
