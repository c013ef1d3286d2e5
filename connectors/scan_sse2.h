/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * scan_sse2: the masks of scan.h by SSE2, 16 bytes an instruction. Include scan.h, not this.
 */
#ifndef TILLSTREAM_CONNECTORS_SCAN_SSE2_H
#define TILLSTREAM_CONNECTORS_SCAN_SSE2_H

#include <emmintrin.h>
#include <stddef.h>
#include <stdint.h>

static inline __m128i scan_load(const char *p)
{
    return _mm_loadu_si128((const __m128i *)(const void *)p);
}

/* Of the 16 bytes at `p`: those a plain JSON string cannot hold (quote, backslash, below
 * 0x20). `*high` gathers the bytes of 0x80 and above, also those after the string's end. */
static inline uint64_t scan_json16(const char *p, uint64_t *high)
{
    __m128i x = scan_load(p);
    __m128i quote = _mm_cmpeq_epi8(x, _mm_set1_epi8('"'));
    __m128i slash = _mm_cmpeq_epi8(x, _mm_set1_epi8('\\'));
    __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(x, _mm_set1_epi8(0x1f)), x);
    *high |= (unsigned)_mm_movemask_epi8(x);
    return (unsigned)_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(quote, slash), low));
}

/* Of the 64 bytes at `p`: separator, quote, LF and CR. `*odd` becomes not 0 if one of the
 * bytes is NUL or 0x80 and above. */
static inline uint64_t scan_csv64(const char *p, char separator, uint64_t *odd)
{
    __m128i sep = _mm_set1_epi8(separator);
    __m128i strange = _mm_setzero_si128();
    uint64_t mask = 0;
    for (size_t i = 0; i < 4; i++) {
        __m128i x = scan_load(p + 16 * i);
        __m128i ends = _mm_or_si128(_mm_cmpeq_epi8(x, _mm_set1_epi8('\n')),
                                    _mm_cmpeq_epi8(x, _mm_set1_epi8('\r')));
        __m128i marks = _mm_or_si128(_mm_cmpeq_epi8(x, sep), _mm_cmpeq_epi8(x, _mm_set1_epi8('"')));
        unsigned bits = (unsigned)_mm_movemask_epi8(_mm_or_si128(ends, marks));
        mask |= (uint64_t)bits << (16 * i);
        strange = _mm_or_si128(strange, _mm_or_si128(x, _mm_cmpeq_epi8(x, _mm_setzero_si128())));
    }
    *odd |= (unsigned)_mm_movemask_epi8(strange);
    return mask;
}

#endif
