/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * dice: seeded random numbers of the synthetic shop, the same on every machine.
 *
 * splitmix64 (Steele, Lea, Flood 2014): a counter and a mixing function, so that a number
 * can also be had straight from a name (dice_hash) without rolling all those before it.
 * Integers alone: a double's logarithm or power may differ between C libraries.
 */
#ifndef TILLSTREAM_COMMANDS_DICE_H
#define TILLSTREAM_COMMANDS_DICE_H

#include <stdint.h>

#define DICE_STEP UINT64_C(0x9E3779B97F4A7C15)

struct dice {
    uint64_t state;
};

static inline uint64_t dice_mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
    return x ^ (x >> 31);
}

/* A random number that belongs to the pair (a, b). */
static inline uint64_t dice_hash(uint64_t a, uint64_t b)
{
    return dice_mix(dice_mix(a + DICE_STEP) ^ (b * DICE_STEP));
}

static inline uint64_t dice_roll(struct dice *d)
{
    d->state += DICE_STEP;
    return dice_mix(d->state);
}

/* Scales a roll to 0 <= result < n, for 1 <= n < 2^31. */
static inline int64_t dice_scale(uint64_t roll, int64_t n)
{
    return (int64_t)(((roll >> 32) * (uint64_t)n) >> 32);
}

static inline int64_t dice_below(struct dice *d, int64_t n)
{
    return dice_scale(dice_roll(d), n);
}

/* Ranks 0 <= k < n with probability proportional to 1 / (k + shift): Zipf's law as
 * Mandelbrot bent it. No table, whatever n is: one of the octaves [shift * 2^i,
 * shift * 2^(i+1)), which weigh the same, then a place within it, kept with probability
 * start / place. */
struct dice_zipf {
    int64_t n, shift;
    int64_t octaves;
};

static inline struct dice_zipf dice_zipf_of(int64_t n, int64_t shift)
{
    struct dice_zipf z = {.n = n, .shift = shift, .octaves = 1};

    while (shift << z.octaves < n + shift)
        z.octaves++;
    return z;
}

static inline int64_t dice_zipf_roll(const struct dice_zipf *z, struct dice *d)
{
    /* A try succeeds with probability above 1/3: 100 failures never happen, and the bound
     * spares the reader the thought. */
    for (int i = 0; i < 100; i++) {
        int64_t start = z->shift << dice_below(d, z->octaves);
        int64_t place = start + dice_below(d, start);

        if (place < z->n + z->shift && dice_below(d, place) < start)
            return place - z->shift;
    }
    return 0;
}

#endif
