/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * nab QUIET GATE: a score for each number on stdin, one a line, on stdout; what it cost, in
 * nanoseconds a number and bytes, on stderr. QUIET and GATE as in models/rarity.h.
 * tests/quality/nab.py runs it over the Numenta Anomaly Benchmark.
 */
#include "models/rarity.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double now(void)
{
    struct timespec t = {0};

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int run(struct rarity *r)
{
    struct rarity_verdict v;
    double spent = 0;
    char line[256];

    while (fgets(line, sizeof(line), stdin)) {
        double value = strtod(line, NULL), started = now();
        if (rarity_add(r, value, &v) != ERR_OK)
            return 1;
        spent += now() - started;
        (void)printf("%.17g\n", v.score);
    }
    (void)fprintf(stderr, "%.0f %zu\n", 1e9 * spent / (double)rarity_count(r), rarity_memory(r));
    return 0;
}

int main(int argc, char **argv)
{
    struct rarity_rule rule = {.keep = 16384, .keep_distances = 8000};
    struct rarity *r;
    int status;

    if (argc == 3) {
        rule.quiet = (uint32_t)strtoul(argv[1], NULL, 10);
        rule.gate = (uint32_t)strtoul(argv[2], NULL, 10);
    }
    if (argc != 3 || rarity_open(&rule, &r) != ERR_OK) {
        (void)fprintf(stderr, "usage: nab QUIET GATE < values > scores\n");
        return 2;
    }
    status = run(r);
    rarity_close(r);
    return status;
}
