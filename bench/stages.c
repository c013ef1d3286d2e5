/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * bench_stages STAGE FILE: one stage of the program over a file of sales that lies in memory.
 * Prints {"records": n, "cpu": seconds, "wall": seconds, "rows": n}; reading the file is not
 * in the times. bench/run calls the stages in turns and compares.
 *
 *   split    finds the line ends
 *   parse    a cJSON tree of each line, made and freed
 *   decode   bytes to checked sales
 *   windows  decode, then judge, keys, books and the default windows, as far as the store
 */
#include "bench/lane.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define COMMIT_RECORDS 500000 /* about a second of a run, which is the default checkpoint */

struct result {
    uint64_t records, rows;
};

static struct result split(const char *path, struct str text)
{
    struct result r = {0};
    const char *p = text.p, *end = text.p + text.n;

    (void)path;
    while (p) {
        p = memchr(p, '\n', (size_t)(end - p));
        if (p) {
            p++;
            r.records++;
        }
    }
    return r;
}

static struct result parse(const char *path, struct str text)
{
    struct result r = {0};
    const char *p = text.p, *end = text.p + text.n;

    while (p < end) {
        const char *line_end = memchr(p, '\n', (size_t)(end - p));
        size_t n = line_end ? (size_t)(line_end - p) : (size_t)(end - p);
        cJSON *tree = cJSON_ParseWithLength(p, n);

        lane_must(tree ? ERR_OK : ERR_INVALID, path);
        cJSON_Delete(tree);
        r.records++;
        p += n + 1;
    }
    return r;
}

static struct result decode(const char *path, struct str text)
{
    struct settings settings;
    struct why why;
    struct result r = {0};

    lane_must(settings_init(&settings), "settings");
    lane_must(settings_check(&settings, &why), "settings");
    r.records = lane_decode(&settings, path, text, NULL, NULL);
    settings_clear(&settings);
    return r;
}

struct road {
    struct lane lane;
    uint64_t at_commit;
};

static void take(void *arg, const struct sales *batch)
{
    struct road *road = arg;

    lane_take(&road->lane, batch);
    if (road->lane.accepted - road->at_commit < COMMIT_RECORDS)
        return;
    road->at_commit = road->lane.accepted;
    lane_commit(&road->lane);
}

static struct result windows(const char *path, struct str text)
{
    struct road road = {.at_commit = 0};
    struct fold_stats stats;
    struct result r = {0};

    lane_open(&road.lane, NULL, NULL);
    r.records = lane_decode(&road.lane.settings, path, text, take, &road);
    lane_finish(&road.lane);
    lane_commit(&road.lane);
    fold_windows.stats(road.lane.fold, &stats);
    r.rows = stats.rows;
    lane_close(&road.lane);
    return r;
}

static const struct {
    const char *name;
    struct result (*run)(const char *path, struct str text);
} stages[] = {{"split", split}, {"parse", parse}, {"decode", decode}, {"windows", windows}};

int main(int argc, char **argv)
{
    for (size_t i = 0; argc == 3 && i < countof(stages); i++) {
        if (strcmp(argv[1], stages[i].name) != 0)
            continue;
        struct str text = lane_file(argv[2]);
        double cpu = lane_cpu(), wall = lane_wall();
        struct result r = stages[i].run(argv[2], text);
        cpu = lane_cpu() - cpu;
        wall = lane_wall() - wall;
        (void)printf("{\"records\": %" PRIu64 ", \"cpu\": %.6f, \"wall\": %.6f, \"rows\": %" PRIu64
                     "}\n",
                     r.records, cpu, wall, r.rows);
        return 0;
    }
    (void)fprintf(stderr, "usage: bench_stages split|parse|decode|windows FILE\n");
    return 2;
}
