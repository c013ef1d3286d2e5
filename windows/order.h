/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * order: sorts key ids, the innermost cost of firing a window.
 */
#ifndef TILLSTREAM_WINDOWS_ORDER_H
#define TILLSTREAM_WINDOWS_ORDER_H

#include <stddef.h>
#include <stdint.h>

/* Ascending. `room` holds n more and is overwritten. */
void order_keys(uint32_t *key, size_t n, uint32_t *room);

#endif
