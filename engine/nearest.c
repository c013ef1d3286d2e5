/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * nearest: suggestions for mistyped names.
 *
 * The idea: optimal string alignment (Levenshtein with swaps of neighbours), row by row. A
 * name is worth suggesting when at most a third of its letters, and at least one, would have
 * to change; a name that starts with what was typed counts as one edit away ("late" for
 * "la" tells more than "db").
 */
#include "engine/nearest.h"

#include <stdio.h>

#define FAR 1000

static int fold(char c)
{
    if (c == '-')
        return '_';
    return c + (c >= 'A' && c <= 'Z' ? 'a' - 'A' : 0);
}

static int least(int a, int b)
{
    return a < b ? a : b;
}

int nearest_distance(struct str a, struct str b)
{
    int row[3][NEAREST_BYTES_MAX + 1]; /* of i - 2, i - 1 and i, in turn */

    if (a.n > NEAREST_BYTES_MAX || b.n > NEAREST_BYTES_MAX)
        return FAR;
    for (size_t j = 0; j <= b.n; j++)
        row[0][j] = (int)j;
    for (size_t i = 1; i <= a.n; i++) {
        int *now = row[i % 3];
        const int *last = row[(i + 2) % 3];
        const int *before = row[(i + 1) % 3];

        now[0] = (int)i;
        for (size_t j = 1; j <= b.n; j++) {
            bool same = fold(a.p[i - 1]) == fold(b.p[j - 1]);
            bool swapped = i > 1 && j > 1 && fold(a.p[i - 1]) == fold(b.p[j - 2]) &&
                           fold(a.p[i - 2]) == fold(b.p[j - 1]);

            now[j] = least(last[j - 1] + !same, least(last[j], now[j - 1]) + 1);
            if (swapped)
                now[j] = least(now[j], before[j - 2] + 1);
        }
    }
    return row[a.n % 3][b.n];
}

struct nearest nearest_to(struct str wanted)
{
    return (struct nearest){.wanted = wanted, .best = NULL, .distance = FAR};
}

void nearest_offer(struct nearest *n, const char *name)
{
    struct str known = str_of(name);
    int limit = known.n < 6 ? 1 : (int)(known.n / 3);
    int distance = nearest_distance(n->wanted, known);

    if (n->wanted.n >= 2 && n->wanted.n < known.n && memcmp(n->wanted.p, name, n->wanted.n) == 0)
        distance = 1;
    if (distance > limit || distance >= n->distance)
        return;
    n->best = name;
    n->distance = distance;
}

const char *nearest_hint(const struct nearest *n, char *out)
{
    out[0] = '\0';
    if (n->best)
        (void)snprintf(out, NEAREST_HINT, " (did you mean %.63s?)", n->best);
    return out;
}
