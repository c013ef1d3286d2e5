/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * scan: looks at many bytes at once for the few that matter to a codec.
 *
 * Bit i of a mask stands for byte i. The set of instructions is chosen here, by file, once:
 * scan_sse2.h where the machine has it (every x86-64), scan_portable.h elsewhere; both give
 * the same masks, which tests/unit/codec_test.c checks.
 */
#ifndef TILLSTREAM_CONNECTORS_SCAN_H
#define TILLSTREAM_CONNECTORS_SCAN_H

#if defined(__SSE2__)
#include "connectors/scan_sse2.h"
#else
#include "connectors/scan_portable.h"
#endif

/* Index of the lowest set bit; mask is not 0. */
static inline unsigned scan_first(uint64_t mask)
{
    return (unsigned)__builtin_ctzll(mask);
}

#endif
