/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * bench_scaling: what a record costs the windows as windows or keys grow in number.
 *
 *   bench_scaling windows WINDOWS FILE   the sales of a file, decoded beforehand. The time of
 *                                        the facts that take the watermark past an hour, when
 *                                        windows fire, is counted apart ("emit").
 *   bench_scaling keys N                 N customers, all live in one window: each buys once
 *                                        ("first"), then customers drawn at random buy again.
 *
 * Every window given must end on full hours for the first to be true. Prints one JSON object.
 */
#include "bench/lane.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#define BATCH 4096
#define RANDOM_SALES 2000000
#define FULL_TILL 20 /* lines of an invoice */

/* ---- windows ---- */

static void take(void *arg, const struct sales *batch)
{
    lane_take(arg, batch);
}

/* One past the last fact from `at` on that stays within the hour of the watermark. */
static size_t hour_end(const struct fact *facts, size_t n, size_t at)
{
    int64_t hour = facts[at].watermark_ms / WHEN_HOUR;

    while (at < n && facts[at].watermark_ms / WHEN_HOUR == hour)
        at++;
    return at;
}

static int windows(const char *list, const char *path)
{
    struct lane l;
    struct fold_stats stats;
    double add = 0, emit = 0;

    lane_open(&l, list, NULL);
    l.keep_facts = true;
    (void)lane_decode(&l.settings, path, lane_file(path), take, &l);
    const struct fact *facts = (const struct fact *)(const void *)l.facts.p;
    for (size_t at = 0; at < l.facts.n;) {
        size_t end = hour_end(facts, l.facts.n, at);
        double began = lane_cpu();

        lane_fold(&l, facts + at, 1); /* takes the watermark into this hour */
        double edge = lane_cpu();
        lane_fold(&l, facts + at + 1, end - at - 1);
        add += lane_cpu() - edge;
        emit += edge - began;
        at = end;
    }
    fold_windows.stats(l.fold, &stats);
    (void)printf("{\"windows\": %d, \"records\": %zu, \"add\": %.6f, \"emit\": %.6f, "
                 "\"rows\": %" PRIu64 ", \"bytes\": %zu}\n",
                 l.settings.n_windows, l.facts.n, add, emit, stats.rows, stats.memory);
    lane_close(&l);
    return 0;
}

/* ---- keys ---- */

struct shop {
    uint64_t random; /* xorshift64* */
    uint64_t sold;
    char text[BATCH][2][16];
    struct sale sale[BATCH];
};

static uint64_t roll(struct shop *s)
{
    s->random ^= s->random >> 12;
    s->random ^= s->random << 25;
    s->random ^= s->random >> 27;
    return s->random * UINT64_C(2685821657736338717);
}

static struct str number(char *out, uint64_t n)
{
    return (struct str){out, (size_t)snprintf(out, 16, "%" PRIu64, n)};
}

static void sell(struct shop *s, size_t i, uint64_t customer)
{
    int64_t quantity = 1 + (int64_t)(roll(s) % 12), price = 10000 * (1 + (int64_t)(roll(s) % 900));

    s->sale[i] = (struct sale){.time_ms = 1291190400000 + (int64_t)(s->sold >> 16),
                               .quantity = quantity,
                               .price = price,
                               .value = quantity * price,
                               .invoice = number(s->text[i][0], 500000 + s->sold / FULL_TILL),
                               .stock = STR("85123A"),
                               .customer = number(s->text[i][1], customer + 10000),
                               .country = STR("United Kingdom")};
    s->sold++;
}

/* Sells to customers first, first + 1, ... or, `random`, to any of n; returns CPU seconds of
 * counting them. */
static double trade(struct lane *l, struct shop *s, uint64_t sales, uint64_t n, bool random)
{
    double cpu = 0;

    for (uint64_t done = 0; done < sales;) {
        size_t batch = sales - done < BATCH ? (size_t)(sales - done) : BATCH;
        for (size_t i = 0; i < batch; i++, done++)
            sell(s, i, random ? roll(s) % n : done);
        double began = lane_cpu();
        lane_take(l, &(struct sales){.sale = s->sale, .n = batch});
        cpu += lane_cpu() - began;
    }
    return cpu;
}

static int keys(uint64_t n)
{
    struct lane l;
    struct fold_stats one, all;
    struct rusage usage = {0};
    struct shop *s = calloc(1, sizeof(*s));

    lane_must(s && n ? ERR_OK : ERR_NOMEM, "keys");
    s->random = 1;
    lane_open(&l, "[{\"type\": \"tumbling\", \"size\": \"1d\"}]", "customer");
    double first = trade(&l, s, n, n, false);
    fold_windows.stats(l.fold, &one);
    double again = trade(&l, s, RANDOM_SALES, n, true);
    fold_windows.stats(l.fold, &all);
    (void)getrusage(RUSAGE_SELF, &usage);
    (void)printf("{\"keys\": %" PRIu64 ", \"first\": %.6f, \"again\": %.6f, \"sales\": %d, "
                 "\"bytes_first\": %zu, \"bytes\": %zu, \"key_bytes\": %zu, \"rss\": %ld}\n",
                 all.cells, first, again, RANDOM_SALES, one.memory, all.memory, keys_memory(l.keys),
                 usage.ru_maxrss * 1024);
    lane_close(&l);
    free(s);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "windows") == 0)
        return windows(argv[2], argv[3]);
    if (argc == 3 && strcmp(argv[1], "keys") == 0)
        return keys(strtoull(argv[2], NULL, 10));
    (void)fprintf(stderr, "usage: bench_scaling windows WINDOWS FILE | keys N\n");
    return 2;
}
