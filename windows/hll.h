/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * hll: HyperLogLog registers (Flajolet et al. 2007) and Ertl's improved estimator
 * (arXiv:1702.01284, algorithm 6): about how many different hashes were added.
 *
 * Standard error 1.04 / sqrt(16384) = 0.81 %, without correction tables or switches between
 * estimators. The registers depend on the set of hashes alone.
 */
#ifndef TILLSTREAM_WINDOWS_HLL_H
#define TILLSTREAM_WINDOWS_HLL_H

#include "engine/buf.h"
#include "engine/err.h"

#define HLL_BITS 14
#define HLL_REGISTERS (1 << HLL_BITS)

/* `registers` are HLL_REGISTERS bytes, all zero for the empty set. */
void hll_add(uint8_t *registers, uint64_t hash);
void hll_merge(uint8_t *into, const uint8_t *from);
/* Rounded to nearest; UINT64_MAX for registers that no set of this world has. */
uint64_t hll_count(const uint8_t *registers);
/* Six bits a register: 12 KiB. */
enum err hll_save(const uint8_t *registers, struct buf *out) MUST_CHECK;
enum err hll_load(uint8_t *registers, struct reader *in) MUST_CHECK; /* ERR_DAMAGED */

#endif
