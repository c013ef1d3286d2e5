/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * order_by_key against qsort, for sizes around the switch and keys of one to four bytes.
 */
#include "windows/order.h"

#include "tests/support/t.h"

#include <stdlib.h>
#include <string.h>

#define MOST 3000

static int by_number(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

T(items_come_out_as_qsort_orders_them)
{
    static const uint32_t masks[] = {0, 0xff, 0xffff, 0xffffff, 0xffffffff, 0xff00ff00};
    static uint64_t item[MOST], want[MOST], room[MOST];
    uint64_t state = seed();

    for (size_t i = 0; i < 600; i++) {
        uint32_t mask = masks[i % (sizeof(masks) / sizeof(masks[0]))];
        size_t n = i < 200 ? i : rnd_below(&state, MOST);
        for (size_t k = 0; k < n; k++)
            want[k] = item[k] = (uint64_t)((uint32_t)rnd(&state) & mask) << 32 | k;
        if (n)
            qsort(want, n, sizeof(*want), by_number);
        order_by_key(item, n, room);
        ok(memcmp(item, want, n * sizeof(*item)) == 0);
    }
}
