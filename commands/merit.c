/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * merit: average precision with its percentile bootstrap (Efron 1979): n places are drawn
 * with replacement, which keeps their order, so that a draw is how many times each place came
 * up; the average precision of that goes into a list whose outer 2.5 % are cut off.
 */
#include "commands/merit.h"

#include "commands/dice.h"

#include <stdlib.h>
#include <string.h>

#define ROUNDS 400
#define CUT (ROUNDS / 40) /* 2.5 % */
#define SEED 1

size_t merit_hits(const uint8_t *hit, size_t n)
{
    size_t hits = 0;

    for (size_t i = 0; i < n; i++)
        hits += hit[i];
    return hits;
}

/* Of the ranking in which place i stands times[i] times; NULL: each once. */
static double average_precision(const uint8_t *hit, const uint32_t *times, size_t n)
{
    size_t hits = 0, seen = 0;
    double sum = 0;

    for (size_t i = 0; i < n; i++) {
        uint32_t many = times ? times[i] : 1;

        for (uint32_t k = 0; hit[i] && k < many; k++) {
            hits++;
            sum += (double)hits / (double)(seen + k + 1);
        }
        seen += many;
    }
    return hits ? sum / (double)hits : 0;
}

double merit_average_precision(const uint8_t *hit, size_t n)
{
    return average_precision(hit, NULL, n);
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

enum err merit_bootstrap(const uint8_t *hit, size_t n, struct merit_interval *out)
{
    uint32_t *times = malloc(n * sizeof(*times));
    struct dice dice = {SEED};
    double found[ROUNDS];

    if (!times)
        return ERR_NOMEM;
    for (int round = 0; round < ROUNDS; round++) {
        memset(times, 0, n * sizeof(*times));
        for (size_t i = 0; i < n; i++)
            times[dice_below(&dice, (int64_t)n)]++;
        found[round] = average_precision(hit, times, n);
    }
    free(times);
    qsort(found, ROUNDS, sizeof(found[0]), by_size);
    *out = (struct merit_interval){found[CUT], found[ROUNDS - CUT - 1]};
    return ERR_OK;
}
