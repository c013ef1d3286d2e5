/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Five times a second at most; the line is cut to 79 columns so that it never wraps.
 */
#include "commands/progress_line.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#define INTERVAL_NS INT64_C(200000000)

/* 1234567 as "1,234,567". */
static const char *grouped(int64_t v, char *out, size_t size)
{
    char digits[32];
    int n = snprintf(digits, sizeof(digits), "%" PRId64, v);
    size_t at = 0;

    for (int i = 0; i < n && at + 2 < size; i++) {
        if (i > 0 && (n - i) % 3 == 0 && digits[i - 1] != '-')
            out[at++] = ',';
        out[at++] = digits[i];
    }
    out[at] = '\0';
    return out;
}

void progress_line_open(struct progress_line *l, struct env *env, bool quiet)
{
    *l = (struct progress_line){.env = env, .quiet = quiet};
    l->terminal = !quiet && isatty(STDERR_FILENO);
    l->start_ns = l->last_ns = env->mono_ns(env);
}

void progress_line_show(struct progress_line *l, const struct pipeline *p)
{
    struct pipeline_status s;
    char line[256], records[32], rate[32], when[WHEN_TEXT];
    int64_t now = l->terminal ? l->env->mono_ns(l->env) : 0;

    if (!l->terminal || now - l->last_ns < INTERVAL_NS)
        return;
    pipeline_status(p, false, &s);
    double seconds = (double)(now - l->last_ns) / 1e9;
    double per_second = (double)(s.records - l->last_records) / seconds;
    (void)when_format(s.watermark_ms, when);
    (void)snprintf(line, sizeof(line),
                   "%s records  %s/s  watermark %s  rejected %" PRId64 "  late %" PRId64,
                   grouped(s.records, records, sizeof(records)),
                   grouped((int64_t)per_second, rate, sizeof(rate)), when[0] ? when : "-",
                   s.counts.rejected, s.counts.late);
    (void)fprintf(stderr, "\r%-79.79s", line);
    (void)fflush(stderr);
    l->shown = true;
    l->last_ns = now;
    l->last_records = s.records;
}

void progress_line_close(struct progress_line *l, const struct pipeline *p, const char *db,
                         enum err e)
{
    struct pipeline_status s;
    char now[32], read[32], counted[32];

    if (l->shown)
        (void)fprintf(stderr, "\r%79s\r", "");
    if (!l->terminal || e)
        return;
    pipeline_status(p, false, &s);
    double seconds = (double)(l->env->mono_ns(l->env) - l->start_ns) / 1e9;
    (void)fprintf(stderr,
                  "%s%s records in %.1f s; in all: read %s = aggregated %s + late %" PRId64
                  " + rejected %" PRId64 " + pending %" PRId64 "; results in %s\n",
                  s.resumed ? "resumed: " : "", grouped(s.records, now, sizeof(now)), seconds,
                  grouped(s.counts.read, read, sizeof(read)),
                  grouped(s.counts.aggregated, counted, sizeof(counted)), s.counts.late,
                  s.counts.rejected, s.counts.pending, db);
}
