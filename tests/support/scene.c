/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * scene: see the header.
 */
#include "tests/support/scene.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

static const char *const invoices[] = {
    "536365", "536366", "C536367", "A563185", "an invoice number over sixteen bytes",
    "7",      "8",      "9"};
static const char *const customers[] = {"", "17850", "13047", "a+b", "12 %", "18074"};
static const char *const countries[] = {"", "United Kingdom", "France", "a", "A+B"};
static const char *const stocks[] = {"", "85123A", "85123a", "b+a", "POST", "71053", "%2B"};

const struct till_words *scene_words(void)
{
    static const struct till_words w = {
        .invoice = invoices,
        .field =
            {[FIELD_CUSTOMER] = customers, [FIELD_COUNTRY] = countries, [FIELD_STOCK] = stocks},
        .n_invoices = (int)countof(invoices),
        .n_fields = {[FIELD_CUSTOMER] = (int)countof(customers),
                     [FIELD_COUNTRY] = (int)countof(countries),
                     [FIELD_STOCK] = (int)countof(stocks)}};

    return &w;
}

uint64_t choice_below(struct choice *c, uint64_t n)
{
    uint64_t v = 0;

    if (c->p) {
        for (uint64_t left = n - 1; left && c->n; left >>= 8, c->n--)
            v = v << 8 | *c->p++;
        return v % n;
    }
    c->seed += UINT64_C(0x9e3779b97f4a7c15);
    v = c->seed;
    v = (v ^ v >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    v = (v ^ v >> 27) * UINT64_C(0x94d049bb133111eb);
    return (v ^ v >> 31) % n;
}

static bool one_in(struct choice *c, uint64_t n)
{
    return choice_below(c, n) == n - 1;
}

#define PICK(c, array) ((array)[choice_below((c), countof(array))])

/* ---- settings ---- */

static void put(struct scene *s, const char *format, ...) PRINTF_LIKE(2, 3);

static void put(struct scene *s, const char *format, ...)
{
    size_t n = strlen(s->text);
    va_list args;

    va_start(args, format);
    (void)vsnprintf(s->text + n, sizeof(s->text) - n, format, args);
    va_end(args);
}

static void put_keep(struct scene *s, struct choice *c, bool newest, int64_t size_s)
{
    switch (choice_below(c, 5)) {
    case 0:
        put(s, ",\"keep\":\"history\"");
        break;
    case 1:
        put(s, ",\"keep\":\"%" PRId64 "s\"", size_s + (int64_t)choice_below(c, 4) * 7200);
        break;
    case 2:
        put(s, newest ? ",\"keep\":\"newest\"" : "");
        break;
    default:
        break;
    }
}

static void put_offset(struct scene *s, struct choice *c, int64_t size_s)
{
    static const int64_t units[] = {1, 60, 900, 1800, 3600};

    if (!one_in(c, 3))
        return;
    int64_t unit = PICK(c, units);
    int64_t n = size_s / unit;
    if (n > 1)
        put(s, ",\"offset\":\"%s%" PRId64 "s\"", one_in(c, 3) ? "-" : "",
            unit * (int64_t)choice_below(c, n < 100 ? (uint64_t)n : 100));
}

static void put_tumbling(struct scene *s, struct choice *c)
{
    static const char *const sizes[] = {"1h", "10m", "7m", "90m", "13h", "1d",
                                        "2d", "25h", "1w", "1mo", "3mo", "1s"};
    static const int64_t seconds[] = {3600,   600,   420,    5400,    46800,       86400,
                                      172800, 90000, 604800, 2419200, 3 * 2419200, 1};
    size_t i = choice_below(c, countof(sizes));

    put(s, "\"type\":\"tumbling\",\"size\":\"%s\"", sizes[i]);
    put_offset(s, c, seconds[i]);
    put_keep(s, c, false, i > 8 ? seconds[i] * 31 / 28 : seconds[i]);
}

static void put_sliding(struct scene *s, struct choice *c)
{
    static const int64_t slides[] = {600, 1500, 3600, 7200, 17, 86400, 2 * 86400, 36 * 3600};
    int64_t slide = PICK(c, slides);
    int64_t size = slide * (int64_t)(1 + choice_below(c, 8));

    if (one_in(c, 3) && slide % 86400)
        size += slide / 2;
    put(s, "\"type\":\"sliding\",\"size\":\"%" PRId64 "s\",\"slide\":\"%" PRId64 "s\"", size,
        slide);
    put_offset(s, c, size);
    put_keep(s, c, true, size);
}

static void put_cumulative(struct scene *s, struct choice *c)
{
    static const int64_t sizes[] = {86400, 86400, 43200, 172800};
    static const int64_t parts[] = {24, 8, 3, 2, 1, 6};
    int64_t size = PICK(c, sizes);

    put(s, "\"type\":\"cumulative\",\"size\":\"%" PRId64 "s\",\"step\":\"%" PRId64 "s\"", size,
        size / PICK(c, parts));
    put_offset(s, c, size);
    put_keep(s, c, true, size);
}

static void put_window(struct scene *s, struct choice *c, int i)
{
    static const int64_t gaps[] = {300, 1800, 1, 7200, 90000};
    int64_t gap = PICK(c, gaps);

    put(s, "%s{\"name\":\"w%d\",", i ? "," : "", i);
    switch (choice_below(c, 4)) {
    case 0:
        put_tumbling(s, c);
        break;
    case 1:
        put_sliding(s, c);
        break;
    case 2:
        put_cumulative(s, c);
        break;
    default:
        put(s, "\"type\":\"session\",\"gap\":\"%" PRId64 "s\"", gap);
        put_keep(s, c, false, gap);
        break;
    }
    if (one_in(c, 4))
        put(s, ",\"dimensions\":[\"all\"]");
    put(s, "}");
}

static void put_settings(struct scene *s, struct choice *c)
{
    static const char *const zones[] = {
        "UTC", "UTC", "Europe/London", "Asia/Kolkata", "Australia/Lord_Howe", "America/Sao_Paulo"};
    static const char *const dimensions[] = {"\"all\"", "\"all\",\"customer\"",
                                             "\"stock_code\",\"all\",\"country+customer\"",
                                             "\"customer+stock_code\",\"all\""};
    static const int64_t lateness[] = {0, 60, 3600, 3600, 86400, 3 * 86400};
    static const int64_t disorder[] = {0, 300, 300, 5400};
    static const int64_t ahead[] = {604800, 604800, 86400, 7200};
    int n = 1 + (int)choice_below(c, 4);

    put(s, "{\"timezone\":\"%s\",\"dimensions\":[%s],\"windows\":[", PICK(c, zones),
        PICK(c, dimensions));
    for (int i = 0; i < n; i++)
        put_window(s, c, i);
    put(s,
        "],\"out_of_order\":\"%" PRId64 "s\",\"allowed_lateness\":\"%" PRId64
        "s\",\"max_ahead\":\"%" PRId64 "s\",\"pen_sales\":%d,\"pen_invoices\":%d,"
        "\"dedup_horizon\":\"%ds\",\"dedup_max\":%d}",
        PICK(c, disorder), PICK(c, lateness), PICK(c, ahead), (int)choice_below(c, 5) + 3,
        (int)choice_below(c, 3) + 1, one_in(c, 2) ? 86400 : 600, one_in(c, 4) ? 3 : 1000);
}

/* ---- sales ---- */

/* Near a change of clocks for most zones above. */
static int64_t first_time(const struct scene *s, struct choice *c)
{
    const char *zone = s->settings.timezone;
    int64_t t = when_days(2010, 12, 1) * WHEN_DAY;

    if (strcmp(zone, "Europe/London") == 0)
        t = when_days(2011, one_in(c, 2) ? 3 : 10, one_in(c, 2) ? 26 : 29) * WHEN_DAY;
    if (strcmp(zone, "Australia/Lord_Howe") == 0)
        t = when_days(2011, one_in(c, 2) ? 4 : 10, 1) * WHEN_DAY;
    if (strcmp(zone, "America/Sao_Paulo") == 0)
        t = one_in(c, 2) ? when_days(2011, 10, 15) * WHEN_DAY : when_days(2012, 2, 25) * WHEN_DAY;
    return t + (int64_t)choice_below(c, 48) * WHEN_HOUR / 2;
}

static int64_t stride(struct choice *c)
{
    static const int64_t units[] = {1, 1000, 60000, 60000, 600000, 3600000, 3600000};

    if (one_in(c, 60))
        return (int64_t)choice_below(c, 12) * WHEN_DAY;
    return PICK(c, units) * (int64_t)choice_below(c, 10);
}

static void make_sale(struct scene *s, struct choice *c, int64_t now, struct step *step)
{
    static const int64_t prices[] = {2550000, 0, 1000, 3390001, 165000000, 850000, 4250000};
    const struct till_words *w = scene_words();
    int64_t back = one_in(c, 3) ? s->settings.out_of_order_ms + s->settings.allowed_lateness_ms : 0;

    step->time_ms = now - (back ? (int64_t)choice_below(c, (uint64_t)back * 5 / 4) : 0);
    if (one_in(c, 40))
        step->time_ms += (int64_t)choice_below(c, 4000) * WHEN_DAY;
    step->price = PICK(c, prices);
    step->quantity = (int64_t)choice_below(c, 12) - 3;
    step->invoice = (int)choice_below(c, (uint64_t)w->n_invoices);
    for (int i = 0; i < FIELD_COUNT; i++)
        step->field[i] = (int)choice_below(c, (uint64_t)w->n_fields[i]);
    step->record_id = one_in(c, 3) ? (int)choice_below(c, 12) : 0;
}

static void make_sales(struct scene *s, struct choice *c, int sales_max)
{
    int n = 1 + (int)choice_below(c, (uint64_t)sales_max);
    int64_t now = first_time(s, c);

    s->n_shards = one_in(c, 4) ? 1 + (int)choice_below(c, SCENE_SHARDS_MAX) : 1;
    s->n_sources = 1;
    for (int i = 0; i < n; i++) {
        struct step *step = &s->step[s->n_steps++];
        *step = (struct step){.source = s->n_sources, .number = i};
        step->shard = (int)choice_below(c, (uint64_t)s->n_shards);
        if (s->n_shards > 1 && one_in(c, 20)) {
            step->kind = STEP_IDLE;
            continue;
        }
        if (one_in(c, 50) && s->n_sources < 4) {
            step->kind = STEP_END;
            s->n_sources++;
            now -= one_in(c, 2) ? (int64_t)choice_below(c, 48) * WHEN_HOUR / 4 : 0;
            continue;
        }
        now += stride(c);
        make_sale(s, c, now, step);
    }
    s->step[s->n_steps++] = (struct step){.kind = STEP_END, .source = s->n_sources};
}

bool scene_make(struct scene *s, struct choice *c, int sales_max)
{
    struct why why = {.text = ""};

    memset(s, 0, sizeof(*s));
    if (settings_init(&s->settings))
        return false;
    put_settings(s, c);
    enum err e = settings_json(&s->settings, str_of(s->text), "scene", &why);
    if (!e)
        e = settings_check(&s->settings, &why);
    if (e) {
        (void)fprintf(stderr, "%s: %s\n", s->text, why.text);
        return false;
    }
    make_sales(s, c, sales_max < SCENE_SALES_MAX ? sales_max : SCENE_SALES_MAX);
    return true;
}

void scene_clear(struct scene *s)
{
    settings_clear(&s->settings);
}

struct sale scene_sale(const struct scene *s, int n)
{
    static const char *const ids[] = {"",     "id-1", "id-2", "id-3", "id-4",  "id-5",
                                      "id-6", "id-7", "id-8", "id-9", "id-10", "id-11"};
    const struct step *x = &s->step[n];

    return (struct sale){.time_ms = x->time_ms,
                         .quantity = x->quantity,
                         .price = x->price,
                         .value = x->quantity * x->price,
                         .invoice = str_of(invoices[x->invoice]),
                         .customer = str_of(customers[x->field[FIELD_CUSTOMER]]),
                         .country = str_of(countries[x->field[FIELD_COUNTRY]]),
                         .stock = str_of(stocks[x->field[FIELD_STOCK]]),
                         .record_id = str_of(ids[x->record_id]),
                         .offset = (uint64_t)x->number};
}

/* ---- playing ---- */

static enum err open_shards(const struct scene *s, struct till *t, int source, int *shard)
{
    static const char *const names[SCENE_SHARDS_MAX] = {"0", "1", "2"};
    enum err e = ERR_OK;

    for (int i = 0; !e && i < s->n_shards; i++)
        e = till_shard(t, source, names[i], &shard[i]);
    return e;
}

static enum err take_step(const struct scene *s, struct till *t, int n, int *shard)
{
    const struct step *x = &s->step[n];
    struct sale sale = scene_sale(s, n);
    enum err e = ERR_OK;

    switch (x->kind) {
    case STEP_SALE:
        return till_sale(t, shard[x->shard], &sale);
    case STEP_IDLE:
        judge_idle(t->judge, shard[x->shard]);
        return ERR_OK;
    case STEP_END:
        e = till_end(t, shard, s->n_shards);
        return e || n + 1 == s->n_steps ? e : open_shards(s, t, x->source + 1, shard);
    }
    return ERR_INVALID;
}

static enum err cut(struct till *t, const struct scene_cuts *cuts, bool *committed)
{
    struct choice *c = cuts->choice;
    enum err e = ERR_OK;

    *committed = c && one_in(c, 10);
    if (c && !*committed && one_in(c, 3))
        e = till_batch(t);
    if (!e && *committed)
        e = till_commit(t, one_in(c, 3));
    if (!e && *committed && cuts->merges && one_in(c, 2))
        e = till_merge(t);
    if (!e && *committed && cuts->restarts && one_in(c, 3))
        e = till_restart(t);
    return e;
}

const char *scene_play(const struct scene *s, struct till *t, const struct scene_cuts *cuts)
{
    int shard[SCENE_SHARDS_MAX];
    const char *difference = NULL;
    bool committed = false;
    enum err e = open_shards(s, t, 1, shard);

    for (int i = 0; !e && !difference && i < s->n_steps; i++) {
        e = take_step(s, t, i, shard);
        if (!e)
            e = cut(t, cuts, &committed);
        if (!e && committed && cuts->check)
            difference = till_difference(t);
    }
    if (!e && !difference)
        e = cuts->merges ? till_merge(t) : till_commit(t, false);
    if (!e && !difference)
        difference = till_difference(t);
    return e ? err_text(e) : difference;
}
