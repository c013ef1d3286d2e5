/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A shop whose sales are drawn from a seed.
 */
#include "tests/support/forecasts.h"

#include "tests/support/t.h"

#include <inttypes.h>

void forecasts_shop_open(struct forecasts_shop *s, uint64_t chance)
{
    *s = (struct forecasts_shop){.chance = chance,
                                 .hour = FORECASTS_FIRST_DAY * 24 + 9,
                                 .watermark_ms = INT64_MIN,
                                 .scale = 10000};
}

static void next_hour(struct forecasts_shop *s)
{
    s->in_hour = 0;
    do
        s->hour++;
    while (s->hour % 24 < 9 || s->hour % 24 > 17 || forecast_hours_weekday(s->hour / 24) == 5);
}

static int busy(int64_t hour)
{
    int at = (int)(hour % 24);

    return 3 + (at < 13 ? at - 9 : 17 - at) + (forecast_hours_weekday(hour / 24) == 0 ? 3 : 0);
}

struct model_line forecasts_shop_next(struct forecasts_shop *s)
{
    static const uint32_t country[] = {1, 1, 1, 1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 6, 7};
    struct model_line line = {.letter = 0};

    if (s->in_hour >= busy(s->hour))
        next_hour(s);
    line.time_ms = s->hour * WHEN_HOUR + s->in_hour * 5 * WHEN_MINUTE;
    line.local_ms = line.time_ms;
    if (line.time_ms - 5 * WHEN_MINUTE > s->watermark_ms)
        s->watermark_ms = line.time_ms - 5 * WHEN_MINUTE;
    line.watermark_ms = s->watermark_ms;
    line.quantity = 1 + (int64_t)rnd_below(&s->chance, 12);
    line.price = s->scale * (50 + (int64_t)rnd_below(&s->chance, 1000));
    if (rnd_below(&s->chance, 30) == 0)
        line.quantity = -line.quantity;
    line.value = line.quantity * line.price;
    line.invoice = s->invoice + (uint64_t)s->in_hour / 2;
    line.country = country[rnd_below(&s->chance, countof(country))];
    line.customer = 200 + (uint32_t)rnd_below(&s->chance, 50);
    line.stock = 100 + (uint32_t)rnd_below(&s->chance, 20);
    s->in_hour++;
    if (s->in_hour >= busy(s->hour))
        s->invoice = line.invoice + 1;
    return line;
}

struct model_line forecasts_line(int64_t time_ms, int64_t value, uint32_t country)
{
    return (struct model_line){.time_ms = time_ms,
                               .local_ms = time_ms,
                               .watermark_ms = time_ms,
                               .quantity = value < 0 ? -1 : 1,
                               .price = value < 0 ? -value : value,
                               .value = value,
                               .invoice = (uint64_t)time_ms,
                               .country = country,
                               .stock = 100};
}

void forecasts_heard_init(struct forecasts_heard *h)
{
    *h = (struct forecasts_heard){.answer = ERR_OK};
    buf_init(&h->text, (size_t)1 << 28);
    list_init(&h->records, sizeof(struct forecast_record));
    list_init(&h->drifts, sizeof(struct forecast_drift));
}

void forecasts_heard_clear(struct forecasts_heard *h)
{
    buf_clear(&h->text);
    list_clear(&h->records);
    list_clear(&h->drifts);
}

static enum err on_record(void *arg, const struct forecast_record *r)
{
    struct forecasts_heard *h = arg;
    struct forecast_record *kept = list_add(&h->records);

    if (!kept)
        return ERR_NOMEM;
    *kept = *r;
    enum err e = buf_printf(
        &h->text, "%d %d %u %d %d %d %" PRId64 " %" PRId64 " %a %a %a %a %a %a\n",
        r->series.dimension, r->series.measure, r->series.key, r->horizon, r->known, r->counted,
        r->start_ms, r->made_ms, r->predicted, r->lower, r->upper, r->actual, r->naive, r->holt);
    return e ? e : h->answer;
}

static enum err on_drift(void *arg, const struct forecast_drift *d)
{
    struct forecasts_heard *h = arg;
    struct forecast_drift *kept = list_add(&h->drifts);

    if (!kept)
        return ERR_NOMEM;
    *kept = *d;
    enum err e = buf_printf(&h->text, "drift %d %u %d %" PRId64 "\n", d->series.dimension,
                            d->series.key, d->horizon, d->at_ms);
    return e ? e : h->answer;
}

struct forecast_sink forecasts_sink(struct forecasts_heard *h)
{
    return (struct forecast_sink){h, on_record, on_drift};
}
