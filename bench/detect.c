/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * bench_detect FILE [SCORES]: the invoice detector over a file of sales. Writes one row per
 * final verdict to SCORES (CSV; of those flagged with the reasons in words) and prints what a
 * line costs and what the state takes. tests/quality/detect.py reads the scores.
 *
 * The lines go the road of the program as far as the judge, which gives each its watermark;
 * the time measured is that of the detector alone.
 */
#include "models/detect.h"
#include "bench/lane.h"
#include "models/reasons.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct road {
    struct settings settings;
    struct keys *keys, *invoices;
    struct judge *judge;
    int shard;
    struct list lines; /* struct model_line */
    FILE *out;
    uint64_t told, flagged;
};

static enum err meet_fate(void *arg, const struct outcome *o)
{
    struct road *r = arg;
    const struct sale *s = o->sale;
    uint32_t invoice = 0;

    if (o->fate != FATE_ACCEPTED)
        return ERR_OK;
    struct model_line *line = list_add(&r->lines);
    if (!line)
        return ERR_NOMEM;
    lane_must(keys_id(r->invoices, s->invoice, &invoice), "invoices");
    *line = (struct model_line){.time_ms = s->time_ms,
                                .local_ms = s->time_ms,
                                .watermark_ms = o->watermark_ms,
                                .quantity = s->quantity,
                                .price = s->price,
                                .value = s->value,
                                .invoice = invoice};
    char first = s->invoice.p[0];
    line->letter = first >= 'A' && first <= 'Z' ? first : 0;
    lane_must(keys_id(r->keys, s->customer, &line->customer), "keys");
    lane_must(keys_id(r->keys, s->country, &line->country), "keys");
    return keys_id(r->keys, s->stock, &line->stock);
}

static void take_batch(void *arg, const struct sales *batch)
{
    struct road *r = arg;

    for (size_t i = 0; i < batch->n; i++)
        lane_must(judge_sale(r->judge, r->shard, &batch->sale[i], meet_fate, r), "a sale");
}

static struct str key_name(void *arg, uint32_t id)
{
    return keys_text(((struct road *)arg)->keys, id);
}

static struct str invoice_name(void *arg, uint64_t number)
{
    return keys_text(((struct road *)arg)->invoices, (uint32_t)number);
}

static void write_words(struct road *r, const struct verdict *v)
{
    const struct reasons_names names = {key_name, invoice_name, r};
    struct buf b;

    buf_init(&b, 1u << 16);
    lane_must(reasons_text(v, &names, &b), "words");
    (void)fprintf(r->out, ",\"%.*s\"\n", (int)b.n, b.p);
    buf_clear(&b);
}

static enum err take_verdict(void *arg, const struct verdict *v)
{
    struct road *r = arg;
    double strength[STAT_COUNT] = {0}, surprise[STAT_COUNT] = {0};
    char when[WHEN_TEXT];

    r->told += v->kind == VERDICT_LINE;
    if (v->kind != VERDICT_FINAL)
        return ERR_OK;
    r->flagged += v->flagged;
    if (!r->out)
        return ERR_OK;
    (void)when_format(v->time_ms, when);
    struct str text = keys_text(r->invoices, (uint32_t)v->invoice);
    for (uint32_t i = 0; i < v->n_evidence; i++) {
        strength[v->evidence[i].stat] = v->evidence[i].contribution;
        surprise[v->evidence[i].stat] = v->evidence[i].surprise;
    }
    (void)fprintf(r->out, "%.*s,%s,%.6f,%d,%d,%d,%.6g,%.2f", (int)text.n, text.p, when, v->score,
                  v->flagged, v->n_evidence ? v->evidence[0].stat : -1,
                  v->n_evidence > 1 ? v->evidence[1].stat : -1, v->p_value, v->effect);
    for (int s = 0; s < STAT_COUNT; s++)
        (void)fprintf(r->out, ",%.4f,%.4f", surprise[s], strength[s]);
    if (v->flagged)
        write_words(r, v);
    else
        (void)fprintf(r->out, ",\n");
    return ERR_OK;
}

static void open_road(struct road *r, const char *scores)
{
    struct why why;

    *r = (struct road){.out = scores ? fopen(scores, "w") : NULL};
    lane_must(!scores || r->out ? ERR_OK : ERR_IO, "the scores");
    lane_must(settings_init(&r->settings), "settings");
    lane_must(settings_check(&r->settings, &why), "settings");
    lane_must(keys_open(&r->keys), "keys");
    lane_must(keys_open(&r->invoices), "keys");
    lane_must(judge_open(&r->settings, &r->judge), "the judge");
    lane_must(judge_shard(r->judge, 1, STR("0"), &r->shard), "the judge");
    list_init(&r->lines, sizeof(struct model_line));
    if (!r->out)
        return;
    (void)fprintf(r->out, "InvoiceNo,time,score,flagged,top,second,p_value,effect");
    for (int s = 0; s < STAT_COUNT; s++)
        (void)fprintf(r->out, ",s%d,c%d", s, s);
    (void)fprintf(r->out, ",words\n");
}

static void close_road(struct road *r)
{
    if (r->out)
        (void)fclose(r->out);
    list_clear(&r->lines);
    judge_close(r->judge);
    keys_close(r->keys);
    keys_close(r->invoices);
    settings_clear(&r->settings);
}

static size_t state_bytes(struct detect *d)
{
    struct parcel *p = parcel_open();
    size_t n = 0;

    lane_must(p ? ERR_OK : ERR_NOMEM, "a parcel");
    lane_must(detect_save(d, p), "saving");
    for (size_t i = 0; i < p->states.n; i++)
        n += ((const struct state_row *)list_at(&p->states, i))->data.n;
    parcel_close(p);
    return n;
}

static void judge_lines(struct road *r)
{
    struct detect_setup setup = detect_defaults();
    struct detect_stats stats;
    struct detect *d;

    setup.take = take_verdict;
    setup.arg = r;
    lane_must(detect_open(&setup, &d), "the detector");
    double cpu = lane_cpu();
    for (size_t i = 0; i < r->lines.n; i++)
        lane_must(detect_line(d, list_at(&r->lines, i)), "a line");
    cpu = lane_cpu() - cpu;
    detect_measure(d, &stats);
    size_t saved = state_bytes(d);
    lane_must(detect_finish(d), "the end");
    (void)printf("{\"lines\": %zu, \"invoices\": %" PRIu64 ", \"us_per_line\": %.3f, "
                 "\"memory\": %zu, \"state\": %zu, \"told\": %" PRIu64 ", \"flagged\": %" PRIu64
                 ", \"threshold\": %.3f}\n",
                 r->lines.n, stats.invoices, cpu / (double)r->lines.n * 1e6, stats.memory, saved,
                 r->told, r->flagged, stats.threshold);
    detect_close(d);
}

int main(int argc, char **argv)
{
    struct road road;

    if (argc < 2 || argc > 3) {
        (void)fprintf(stderr, "usage: bench_detect FILE [SCORES]\n");
        return 2;
    }
    open_road(&road, argc > 2 ? argv[2] : NULL);
    (void)lane_decode(&road.settings, argv[1], lane_file(argv[1]), take_batch, &road);
    lane_must(judge_end(road.judge, road.shard, meet_fate, &road), "the end");
    judge_lines(&road);
    close_road(&road);
    return 0;
}
