/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * windows_fuzz: the bytes choose windows, sales and where the stream is cut into batches and
 * commits. Aborts when a row is not what the oracle counts, at any commit.
 */
#include "tests/support/scene.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct scene s;
    struct choice c = {.p = data, .n = size < 2048 ? size : 2048};
    struct choice cuts = {.seed = choice_below(&c, 256)};
    struct till t;

    /* An empty choice would give the same sale for ever. */
    int most = 1 + (int)(c.n / 8 < 150 ? c.n / 8 : 150);
    if (scene_make(&s, &c, most)) {
        if (till_open(&t, &s.settings, scene_words(), NULL))
            abort();
        const char *difference =
            scene_play(&s, &t, &(struct scene_cuts){.choice = &cuts, .check = true});
        if (difference) {
            (void)fprintf(stderr, "%s\n%s\n", s.text, difference);
            abort();
        }
        till_close(&t);
    }
    scene_clear(&s);
    return 0;
}
