/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * forecast FILE [quiet]: the forecasts for a file of sales, each with what came true, as CSV on
 * stdout:
 *
 *     dimension,key,horizon,start,made,predicted,lower,upper,actual,naive,holt,counted
 *
 * (horizon: hour, nowcast, day; times in seconds since 1970), then lines that begin with "drift"
 * and "score", and one with the cost; quiet: only the latter, which then has no printing in it.
 * The road of a record is that of bench/lane.h; late sales
 * are left out as they are in the windows. tests/quality/forecast.py makes figures of it.
 */
#include "models/forecast.h"
#include "bench/lane.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const no_merchandise[] = {"AMAZONFEE", "B", "BANK CHARGES", "CRUK",   "M", "m",
                                             "D",         "S", "ADJUST",       "ADJUST2"};
static const char *const horizons[] = {"hour", "nowcast", "day"};

struct run {
    struct lane lane;
    struct forecast *forecast;
    uint64_t lines, records;
    double seconds;
    bool quiet;
};

static void name_series(const struct run *r, const struct forecast_series *s)
{
    struct str key = keys_text(r->lane.keys, s->key);
    static const char *const dimension[] = {"all", "country", "rest", "customer", "stock_code"};

    (void)printf("%s,%.*s,", dimension[s->dimension], (int)key.n, key.p);
}

static enum err on_record(void *arg, const struct forecast_record *f)
{
    struct run *r = arg;

    r->records++;
    if (!f->known || r->quiet)
        return ERR_OK;
    name_series(r, &f->series);
    (void)printf("%s,%" PRId64 ",%" PRId64 ",%.17g,%.17g,%.17g,%.17g,%.17g,%.17g,%d\n",
                 horizons[f->horizon], f->start_ms / 1000, f->made_ms / 1000, f->predicted,
                 f->lower, f->upper, f->actual, f->naive, f->holt, f->counted);
    return ERR_OK;
}

static enum err on_drift(void *arg, const struct forecast_drift *d)
{
    const struct run *r = arg;
    char when[WHEN_TEXT];

    if (r->quiet)
        return ERR_OK;
    (void)when_format(d->at_ms, when);
    (void)printf("drift,");
    name_series(r, &d->series);
    (void)printf("%s,%s\n", horizons[d->horizon], when);
    return ERR_OK;
}

static void take(void *arg, const struct sales *batch)
{
    struct run *r = arg;
    const struct forecast_sink sink = {r, on_record, on_drift};
    double started;

    lane_take(&r->lane, batch);
    started = lane_cpu();
    for (size_t i = 0; i < r->lane.facts.n; i++) {
        const struct fact *f = list_at(&r->lane.facts, i);
        const struct model_line line = {
            .time_ms = f->time_ms,
            .local_ms = f->time_ms,
            .watermark_ms = f->watermark_ms,
            .quantity = f->quantity,
            .price = f->price,
            .value = f->value,
            .invoice = books_name(r->lane.books, f->invoice),
            .customer = f->customer,
            .country = f->country,
            .stock = f->stock,
        };
        lane_must(forecast_line(r->forecast, &line, &sink), "a line");
    }
    r->seconds += lane_cpu() - started;
    r->lines += r->lane.facts.n;
    r->lane.facts.n = 0;
}

static size_t saved_bytes(struct run *r, size_t *parts)
{
    struct parcel *p = parcel_open();
    size_t n = 0;

    lane_must(p ? forecast_save(r->forecast, p) : ERR_NOMEM, "saving");
    for (size_t i = 0; i < p->states.n; i++)
        n += ((const struct state_row *)list_at(&p->states, i))->data.n;
    *parts = p->states.n;
    parcel_close(p);
    return n;
}

static void print_scores(const struct run *r)
{
    struct forecast_score s;

    for (uint32_t i = 0; i < forecast_series_count(r->forecast); i++) {
        for (int h = 0; h < FORECAST_HORIZONS; h++) {
            forecast_score_of(r->forecast, i, (enum forecast_horizon)h, &s);
            (void)printf("score,");
            name_series(r, &s.series);
            (void)printf("%s,%" PRIu64 ",%.6g,%.6g,%.6g,%.6g\n", horizons[h], s.n, s.error,
                         s.naive_error, s.holt_error, s.winkler);
        }
    }
}

int main(int argc, char **argv)
{
    struct forecast_setup setup = {.n_skip = countof(no_merchandise)};
    struct run r = {.lines = 0};
    size_t bytes, parts;

    r.quiet = argc == 3 && strcmp(argv[2], "quiet") == 0;
    if (argc != 2 + r.quiet) {
        (void)fprintf(stderr, "usage: forecast FILE [quiet]\n");
        return 2;
    }
    lane_open(&r.lane, NULL, NULL);
    r.lane.keep_facts = true;
    for (size_t i = 0; i < countof(no_merchandise); i++)
        lane_must(keys_id(r.lane.keys, str_of(no_merchandise[i]), &setup.skip[i]), "keys");
    lane_must(forecast_open(&setup, &r.forecast), "forecasts");
    (void)lane_decode(&r.lane.settings, argv[1], lane_file(argv[1]), take, &r);
    if (!r.quiet)
        print_scores(&r);
    bytes = saved_bytes(&r, &parts);
    (void)printf("cost,%" PRIu64 ",%" PRIu64 ",%.1f,%zu,%zu,%zu\n", r.lines, r.records,
                 1e9 * r.seconds / (double)r.lines, forecast_memory(r.forecast), bytes, parts);
    forecast_close(r.forecast);
    lane_close(&r.lane);
    return 0;
}
