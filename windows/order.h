/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * order: sorts by key id, the innermost cost of firing a window.
 */
#ifndef TILLSTREAM_WINDOWS_ORDER_H
#define TILLSTREAM_WINDOWS_ORDER_H

#include <stddef.h>
#include <stdint.h>

/* Ascending by the upper half, the key; the lower half is the owner's, and must ascend within
 * each key already: so it stays. `room` holds n more and is overwritten. */
void order_by_key(uint64_t *item, size_t n, uint64_t *room);

#endif
