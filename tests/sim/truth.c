/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * truth: see the header.
 *
 * The diary is played to an umpire; what he accepts goes to the oracle and into books of
 * invoices and customers kept by their numbers in the scene's lists of words.
 */
#include "tests/sim/truth.h"

#include "engine/when.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { WORDS_MAX = 16, INVOICE_MAX = 40 };

/* ---- the diary ---- */

void diary_init(struct diary *d)
{
    *d = (struct diary){.sure = 0};
    list_init(&d->deeds, sizeof(struct deed));
}

void diary_clear(struct diary *d)
{
    list_clear(&d->deeds);
}

void diary_add(struct diary *d, struct deed deed)
{
    struct deed *to = list_add(&d->deeds);

    if (!to)
        abort();
    *to = deed;
    if (deed.kind == DEED_COMMIT)
        d->sure = d->deeds.n;
}

void diary_forget(struct diary *d)
{
    d->deeds.n = d->sure;
}

uint64_t diary_position(const struct diary *d, int tape, int gen, bool *known)
{
    uint64_t position = 0;

    *known = false;
    for (size_t i = 0; i < d->sure; i++) {
        const struct deed *x = list_at(&d->deeds, i);
        if (x->tape != tape || x->gen != gen)
            continue;
        *known = true;
        position = x->kind == DEED_READ ? x->to : position;
    }
    return position;
}

/* ---- the books ---- */

struct invoice_book {
    int64_t lines, units, revenue, first_ms, last_ms;
    int customer, country;
    bool of_customer[WORDS_MAX], of_country[WORDS_MAX];
};

struct customer_book {
    int64_t lines, units, revenue, return_revenue, first_ms, last_ms;
    int country;
    bool invoice[WORDS_MAX];
};

struct source_book {
    int shard;  /* the umpire's number; -1: never opened */
    int number; /* the how manieth of its path; 0: no row of it yet */
    bool open;
    uint64_t position;
    char progress[300]; /* its row as of its last commit */
};

struct work {
    struct truth *truth;
    struct source_book source[TAPES_MAX][GENERATIONS_MAX];
    struct invoice_book invoice[WORDS_MAX];
    struct customer_book customer[WORDS_MAX];
    int tape, gen; /* being read */
};

static int number_of(const char *const *word, int n, struct str text)
{
    for (int i = 0; i < n; i++) {
        if (str_eq(str_of(word[i]), text))
            return i;
    }
    abort();
}

static int count(const bool *seen)
{
    int n = 0;

    for (int i = 0; i < WORDS_MAX; i++)
        n += seen[i];
    return n;
}

static void book_invoice(struct invoice_book *b, const struct oracle_sale *s)
{
    if (!b->lines++) {
        b->customer = s->field[FIELD_CUSTOMER];
        b->country = s->field[FIELD_COUNTRY];
        b->first_ms = b->last_ms = s->time_ms;
    }
    b->units += s->quantity;
    b->revenue += s->value;
    b->first_ms = s->time_ms < b->first_ms ? s->time_ms : b->first_ms;
    b->last_ms = s->time_ms > b->last_ms ? s->time_ms : b->last_ms;
    b->of_customer[s->field[FIELD_CUSTOMER]] = true;
    b->of_country[s->field[FIELD_COUNTRY]] = true;
}

static void book_customer(struct customer_book *b, const struct oracle_sale *s)
{
    if (!b->lines++)
        b->first_ms = b->last_ms = s->time_ms;
    b->units += s->quantity;
    b->revenue += s->value;
    b->return_revenue += s->quantity < 0 ? s->value : 0;
    b->first_ms = s->time_ms < b->first_ms ? s->time_ms : b->first_ms;
    b->country = s->time_ms >= b->last_ms ? s->field[FIELD_COUNTRY] : b->country;
    b->last_ms = s->time_ms > b->last_ms ? s->time_ms : b->last_ms;
    b->invoice[s->invoice] = true;
}

static void accept(struct work *k, const struct sale *s, int64_t watermark_ms)
{
    const struct till_words *w = scene_words();
    const struct str text[FIELD_COUNT] = {
        [FIELD_CUSTOMER] = s->customer, [FIELD_COUNTRY] = s->country, [FIELD_STOCK] = s->stock};
    struct oracle_sale sale = {.time_ms = s->time_ms,
                               .watermark_ms = watermark_ms,
                               .quantity = s->quantity,
                               .value = s->value};

    sale.invoice = number_of(w->invoice, w->n_invoices, s->invoice);
    for (int i = 0; i < FIELD_COUNT; i++)
        sale.field[i] = number_of(w->field[i], w->n_fields[i], text[i]);
    k->truth->aggregated++;
    oracle_sale(k->truth->oracle, &sale);
    book_invoice(&k->invoice[sale.invoice], &sale);
    if (sale.field[FIELD_CUSTOMER])
        book_customer(&k->customer[sale.field[FIELD_CUSTOMER]], &sale);
}

/* ---- fates ---- */

static void name_of(const struct work *k, int tape, int gen, char *out, size_t size)
{
    const struct source_book *b = &k->source[tape][gen];
    const char *path = k->truth->world->tape[tape].path;

    if (b->number > 1)
        (void)snprintf(out, size, "%s#%d", path, b->number);
    else
        (void)snprintf(out, size, "%s", path);
}

static void set_aside(struct work *k, int tape, int gen, const struct sale *s, const char *reason)
{
    struct buf json;
    char time[WHEN_TEXT];

    buf_init(&json, 1u << 16);
    if (sale_json(s, &json))
        abort();
    (void)when_format(s->time_ms, time);
    lines_add(&k->truth->late, "%d.%d|0|%" PRIu64 "|%s|%s|%.*s", tape, gen, s->offset, reason, time,
              (int)json.n, json.p);
    buf_clear(&json);
}

static void meet_fate(void *arg, int shard, enum fate fate, const struct sale *s,
                      int64_t watermark_ms)
{
    struct work *k = arg;

    for (int t = 0; t < TAPES_MAX; t++) {
        for (int g = 0; g < GENERATIONS_MAX; g++) {
            if (k->source[t][g].shard != shard)
                continue;
            if (fate == FATE_ACCEPTED)
                accept(k, s, watermark_ms);
            else
                set_aside(k, t, g, s, fate == FATE_LATE ? "late" : "ahead");
        }
    }
}

/* ---- playing the diary ---- */

static void end(struct work *k, int tape, int gen)
{
    umpire_end(&k->truth->umpire, k->source[tape][gen].shard);
    k->source[tape][gen].open = false;
}

static void note_progress(struct work *k, int tape, int gen)
{
    const struct umpire *u = &k->truth->umpire;
    struct source_book *b = &k->source[tape][gen];
    const struct judge_counts *c = &u->shard[b->shard].counts;
    char time[WHEN_TEXT];

    (void)when_format(u->watermark_ms, time);
    (void)snprintf(
        b->progress, sizeof(b->progress),
        "0|%" PRIu64 "|%" PRId64 "|%" PRId64 "|%" PRId64 "|%" PRId64 "|%" PRId64 "|%" PRId64 "|%s",
        b->position, c->read, c->aggregated, c->late, c->rejected, c->pending, c->duplicates, time);
}

static void open_generation(struct work *k, const struct deed *d)
{
    struct source_book *b = &k->source[d->tape][d->gen];

    if (b->shard < 0)
        b->shard = umpire_shard(&k->truth->umpire);
    umpire_active(&k->truth->umpire, b->shard);
    b->open = true;
}

/* The records in the bytes from .. to, bad ones too, in their order. */
static void read_records(struct work *k, const struct deed *d)
{
    const struct sales *all = &k->truth->world->tape[d->tape].gen[d->gen].sales;
    struct source_book *b = &k->source[d->tape][d->gen];
    size_t i = 0, r = 0;

    b->position = d->to;
    while (i < all->n || r < all->n_rejects) {
        bool bad =
            i == all->n || (r < all->n_rejects && all->reject[r].offset < all->sale[i].offset);
        uint64_t at = bad ? all->reject[r].offset : all->sale[i].offset;
        bool here = at >= d->from && at < d->to;
        if (here && bad) {
            umpire_reject(&k->truth->umpire, b->shard);
            lines_add(&k->truth->rejects, "%d.%d|0|%" PRIu64 "|%.*s|%s", d->tape, d->gen, at,
                      (int)all->reject[r].raw.n, all->reject[r].raw.p, all->reject[r].reason);
        } else if (here) {
            umpire_sale(&k->truth->umpire, b->shard, &all->sale[i]);
        }
        i += !bad;
        r += bad;
    }
}

/* Gives the generation its number among those of its path: the order of first commits. */
static void commit(struct work *k, const struct deed *d)
{
    struct source_book *b = &k->source[d->tape][d->gen];
    int number = 1;

    for (int g = 0; g < GENERATIONS_MAX; g++)
        number += k->source[d->tape][g].number > 0;
    if (!b->number)
        b->number = number;
    note_progress(k, d->tape, d->gen);
}

static void play(struct work *k, const struct deed *d)
{
    switch (d->kind) {
    case DEED_OPEN:
        open_generation(k, d);
        break;
    case DEED_READ:
        read_records(k, d);
        break;
    case DEED_END:
        end(k, d->tape, d->gen);
        note_progress(k, d->tape, d->gen);
        break;
    case DEED_FINISH:
        oracle_finish(k->truth->oracle);
        break;
    case DEED_COMMIT:
        commit(k, d);
        break;
    }
}

/* ---- the views ---- */

static void list_progress(struct work *k)
{
    char name[64];

    for (int t = 0; t < TAPES_MAX; t++) {
        for (int g = 0; g < GENERATIONS_MAX; g++) {
            name_of(k, t, g, name, sizeof(name));
            if (k->source[t][g].number)
                lines_add(&k->truth->progress, "%s|%s", name, k->source[t][g].progress);
        }
    }
}

/* "tape.gen|..." becomes "name|...". */
static void name_sources(struct work *k, struct lines *l)
{
    for (size_t i = 0; i < l->n; i++) {
        int t = l->line[i][0] - '0', g = l->line[i][2] - '0';
        struct lines one = {.n = 0};
        char name[64];

        name_of(k, t, g, name, sizeof(name));
        lines_add(&one, "%s%s", name, l->line[i] + 3);
        free(l->line[i]);
        l->line[i] = one.line[0];
        free(one.line);
    }
}

static void list_books(struct work *k)
{
    const struct till_words *w = scene_words();
    char first[WHEN_TEXT], last[WHEN_TEXT];

    for (int i = 0; i < WORDS_MAX; i++) {
        const struct invoice_book *b = &k->invoice[i];
        (void)when_format(b->first_ms, first);
        (void)when_format(b->last_ms, last);
        if (b->lines)
            lines_add(&k->truth->invoices,
                      "%s|%s|%s|%s|%s|%" PRId64 "|%" PRId64 "|%" PRId64 "|%d|%d", w->invoice[i],
                      w->field[FIELD_CUSTOMER][b->customer], w->field[FIELD_COUNTRY][b->country],
                      first, last, b->lines, b->units, b->revenue, count(b->of_customer),
                      count(b->of_country));
    }
    for (int i = 1; i < WORDS_MAX; i++) {
        const struct customer_book *b = &k->customer[i];
        (void)when_format(b->first_ms, first);
        (void)when_format(b->last_ms, last);
        if (b->lines)
            lines_add(&k->truth->customers,
                      "%s|%s|%s|%s|%" PRId64 "|%d|%" PRId64 "|%" PRId64 "|%" PRId64,
                      w->field[FIELD_CUSTOMER][i], w->field[FIELD_COUNTRY][b->country], first, last,
                      b->lines, count(b->invoice), b->units, b->revenue, b->return_revenue);
    }
}

struct truth *truth_open(const struct sim_env *w, const struct scene *s, const struct diary *d)
{
    struct truth *t = calloc(1, sizeof(*t));
    struct work k = {.truth = t};

    if (!t)
        abort();
    t->world = w;
    t->scene = s;
    t->oracle = oracle_open(&s->settings);
    umpire_init(&t->umpire, &s->settings, meet_fate, &k);
    for (int i = 0; i < TAPES_MAX; i++) {
        for (int g = 0; g < GENERATIONS_MAX; g++)
            k.source[i][g].shard = -1;
    }
    for (size_t i = 0; i < d->sure; i++)
        play(&k, list_at(&d->deeds, i));
    list_progress(&k);
    name_sources(&k, &t->rejects);
    name_sources(&k, &t->late);
    list_books(&k);
    return t;
}

void truth_close(struct truth *t)
{
    if (!t)
        return;
    oracle_close(t->oracle);
    lines_clear(&t->progress);
    lines_clear(&t->rejects);
    lines_clear(&t->late);
    lines_clear(&t->invoices);
    lines_clear(&t->customers);
    free(t);
}
