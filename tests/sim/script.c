/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * script: writes a scene's sales on tapes, as JSON or CSV in several shapes, with bad records
 * among them, and reads each text once, whole: what the pipeline must find in it however it
 * is cut.
 */
#include "tests/sim/tape.h"

#include "engine/money.h"
#include "engine/when.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define GENERATION_BYTES (1u << 20)

struct pen_and_paper {
    struct sim_env *w;
    const struct scene *scene;
    struct choice *c;
    struct tape *tape;
    struct generation *gen;
    bool list;      /* JSON: one list instead of a line each */
    size_t written; /* records of this generation */
    int turns;
    char separator;
};

static void add(struct pen_and_paper *p, const char *format, ...) PRINTF_LIKE(2, 3);

static void add(struct pen_and_paper *p, const char *format, ...)
{
    char text[2048];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (buf_text(&p->gen->text, text))
        abort();
}

static void stop_here(struct pen_and_paper *p)
{
    if (p->gen->n_stops == TAPE_STOPS_MAX)
        abort();
    p->gen->stop[p->gen->n_stops++] = p->gen->text.n;
}

/* ---- one record ---- */

static void date_of(struct pen_and_paper *p, int64_t time_ms, bool quoted, char *out, size_t size)
{
    char iso[WHEN_TEXT];
    const char *quote = quoted ? "\"" : "";

    (void)when_format(time_ms, iso);
    if (time_ms % 1000 == 0 && choice_below(p->c, 2))
        (void)snprintf(out, size, "%s%s%s", quote, iso, quote);
    else
        (void)snprintf(out, size, "%" PRId64, time_ms);
}

static void add_json(struct pen_and_paper *p, const struct sale *s, const char *quantity)
{
    char date[64], price[MONEY_TEXT];

    date_of(p, s->time_ms, true, date, sizeof(date));
    money_format(s->price, 0, price);
    add(p, "{\"InvoiceNo\":\"%.*s\",\"Quantity\":%s,\"InvoiceDate\":%s,\"UnitPrice\":%s",
        (int)s->invoice.n, s->invoice.p, quantity, date, price);
    if (s->customer.n || choice_below(p->c, 2))
        add(p, ",\"CustomerID\":\"%.*s\"", (int)s->customer.n, s->customer.p);
    if (s->country.n || choice_below(p->c, 2))
        add(p, ", \"Country\" : \"%.*s\"", (int)s->country.n, s->country.p);
    if (s->stock.n)
        add(p, ",\"StockCode\":\"%.*s\"", (int)s->stock.n, s->stock.p);
    if (s->record_id.n)
        add(p, ",\"RecordID\":\"%.*s\"", (int)s->record_id.n, s->record_id.p);
    add(p, "}");
}

static void add_csv(struct pen_and_paper *p, const struct sale *s, const char *quantity)
{
    char date[64], price[MONEY_TEXT], t = p->separator;
    const char *quote = choice_below(p->c, 4) ? "" : "\"";

    date_of(p, s->time_ms, false, date, sizeof(date));
    money_format(s->price, 0, price);
    add(p, "%c%s%.*s%s%c%.*s%c%s%c%s%c", t, quote, (int)s->invoice.n, s->invoice.p, quote, t,
        (int)s->stock.n, s->stock.p, t, quantity, t, date, t);
    add(p, "%s%c%.*s%c%s%.*s%s%c%.*s", price, t, (int)s->customer.n, s->customer.p, t, quote,
        (int)s->country.n, s->country.p, quote, t, (int)s->record_id.n, s->record_id.p);
}

static void add_record(struct pen_and_paper *p, const struct sale *s, const char *quantity)
{
    if (p->list && p->written++ > 0)
        add(p, ",");
    if (p->tape->csv)
        add_csv(p, s, quantity);
    else
        add_json(p, s, quantity);
    add(p, "\n");
    if (!p->list)
        stop_here(p);
}

static void add_step(struct pen_and_paper *p, int step)
{
    struct sale s = scene_sale(p->scene, step);
    char quantity[32];

    (void)snprintf(quantity, sizeof(quantity), "%" PRId64, s.quantity);
    add_record(p, &s, quantity);
    p->gen->step[p->gen->n_steps++] = step;
}

static void add_bad(struct pen_and_paper *p, int step)
{
    struct sale s = scene_sale(p->scene, step);

    if (!p->list && choice_below(p->c, 2)) {
        add(p, "oops\n");
        stop_here(p);
        return;
    }
    add_record(p, &s, p->tape->csv ? "many" : "\"many\"");
}

/* ---- generations ---- */

static void begin(struct pen_and_paper *p)
{
    static const char spaces[] = {' ', '\n', '\t'};
    char t = p->separator;
    int n = p->tape->n_gens;

    if (n == GENERATIONS_MAX)
        abort();
    p->gen = &p->tape->gen[p->tape->n_gens++];
    *p->gen = (struct generation){.n_stops = 0};
    p->written = 0;
    buf_init(&p->gen->text, GENERATION_BYTES);
    sales_init(&p->gen->sales);
    if (p->tape->csv)
        add(p,
            "x%d_%cInvoiceNo%cStockCode%cQuantity%cInvoiceDate%cUnitPrice%cCustomerID%cCountry"
            "%cRecordID\n",
            n, t, t, t, t, t, t, t, t);
    else
        add(p, "%c%c%c%s", spaces[n / 9], spaces[n / 3 % 3], spaces[n % 3], p->list ? "[" : "\n");
    if (!p->list)
        stop_here(p);
    /* A file that exists is not empty: one that was could not be told from the next. */
    if (!p->tape->pipe && p->tape->there && n == 0)
        p->gen->arrived = TAPE_MARK;
}

static void check_sales(struct pen_and_paper *p)
{
    const struct generation *g = p->gen;
    bool same = g->sales.n == g->n_steps;

    for (size_t i = 0; same && i < g->n_steps; i++) {
        struct sale wanted = scene_sale(p->scene, g->step[i]);
        const struct sale *s = &g->sales.sale[i];
        same = s->time_ms == wanted.time_ms && s->value == wanted.value &&
               s->quantity == wanted.quantity && str_eq(s->invoice, wanted.invoice) &&
               str_eq(s->customer, wanted.customer) && str_eq(s->record_id, wanted.record_id);
    }
    if (!same)
        trail_fail(p->w->trail, "%zu sales were written on %s, the codec reads %zu others:\n%.*s",
                   g->n_steps, p->tape->path, g->sales.n, (int)g->text.n, g->text.p);
}

static void finish(struct pen_and_paper *p)
{
    const struct codec_kind *kind = p->tape->csv ? &codec_csv : &codec_json;
    struct codec *codec = NULL;
    struct stretch all;
    struct why why = {""};
    size_t used = 0;

    if (p->list) {
        add(p, "]");
        stop_here(p);
    }
    all = (struct stretch){.bytes = {p->gen->text.p, p->gen->text.n}, .last = true};
    if (kind->open(&p->scene->settings, &codec, &why) ||
        kind->decode(codec, &all, SIZE_MAX, &p->gen->sales, &used, &why) || used != p->gen->text.n)
        trail_fail(p->w->trail, "the text of %s can't be read: %s", p->tape->path, why.text);
    kind->close(codec);
    check_sales(p);
}

static void new_tape(struct pen_and_paper *p)
{
    int n = p->w->n_tapes++;

    p->tape = &p->w->tape[n];
    *p->tape = (struct tape){.reading = -1};
    p->tape->csv = choice_below(p->c, 2);
    p->tape->pipe = choice_below(p->c, 6) == 0;
    p->tape->there = p->tape->pipe || choice_below(p->c, 2);
    p->list = !p->tape->csv && choice_below(p->c, 4) == 0;
    p->separator = ",;\t"[choice_below(p->c, 3)];
    (void)snprintf(p->tape->path, sizeof(p->tape->path), "%s:%d", p->tape->pipe ? "pipe" : "tape",
                   n);
    begin(p);
}

static void turn_over(struct pen_and_paper *p)
{
    finish(p);
    p->turns++;
    if (p->w->n_tapes == TAPES_MAX || choice_below(p->c, 2))
        begin(p);
    else
        new_tape(p);
}

void tapes_write(struct sim_env *w, const struct scene *s, struct choice *c)
{
    struct pen_and_paper p = {.w = w, .scene = s, .c = c};

    new_tape(&p);
    for (int i = 0; i < s->n_steps; i++) {
        if (trail_one_in(c, 20) && s->step[i].kind == STEP_SALE)
            add_bad(&p, i);
        if (s->step[i].kind == STEP_SALE)
            add_step(&p, i);
        if (trail_one_in(c, 25) && s->step[i].kind == STEP_SALE)
            add_step(&p, i);
        bool over = s->step[i].kind == STEP_END || trail_one_in(c, 30);
        if (over && i + 1 < s->n_steps && p.turns + 1 < GENERATIONS_MAX)
            turn_over(&p);
    }
    finish(&p);
}
