/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * shop: the models of a shop behind the contract of engine/model.h: facts become lines, which
 * the detector (models/detect.h), the forecasts (models/forecast.h) and the lookout over the stream
 * (models/lookout.h) take in turn.
 */
#include "engine/model.h"
#include "engine/when.h"
#include "models/detect.h"
#include "models/foretell.h"
#include "models/found.h"
#include "models/lookout.h"

#include <ctype.h>
#include <stdlib.h>

struct model {
    struct model_setup setup;
    struct detect *detect;
    struct foretell *foretell;
    struct lookout *lookout;
    struct found found;
};

/* ---- the contract ---- */

static void close_model(struct model *m)
{
    if (!m)
        return;
    detect_close(m->detect);
    foretell_close(m->foretell);
    lookout_close(m->lookout);
    found_clear(&m->found);
    free(m);
}

static enum err open_model(const struct model_setup *setup, struct model **out, struct why *why)
{
    const struct settings *s = setup->settings;
    struct detect_setup detect = detect_defaults();
    struct model *m = calloc(1, sizeof(*m));

    if (!m)
        return why_set(why, ERR_NOMEM, "out of memory");
    m->setup = *setup;
    found_init(&m->found, &m->setup);
    detect.idle_ms = s->invoice_idle_ms;
    detect.settle_ms = s->settle_ms;
    detect.alert_rate = (double)s->alert_rate / 1e6;
    detect.flags_per_day = (double)s->flags_per_day / 1e6;
    detect.min_effect = (double)s->min_effect / 1e6;
    detect.take = found_take;
    detect.arg = &m->found;
    enum err e = detect_open(&detect, &m->detect);
    if (!e)
        e = lookout_open(&m->setup, &m->lookout);
    if (!e)
        e = foretell_open(&m->setup, m->lookout, &m->foretell, why);
    if (e)
        close_model(m);
    else
        *out = m;
    return e;
}

static struct model_line line_of(const struct model *m, const struct fact *f)
{
    struct str invoice = books_text(m->setup.books, f->invoice);
    unsigned char first = invoice.n ? (unsigned char)invoice.p[0] : 0;

    return (struct model_line){.time_ms = f->time_ms,
                               .local_ms = zone_to_local(m->setup.zone, f->time_ms),
                               .watermark_ms = f->watermark_ms,
                               .quantity = f->quantity,
                               .price = f->price,
                               .value = f->value,
                               .invoice = books_name(m->setup.books, f->invoice),
                               .customer = f->customer,
                               .country = f->country,
                               .stock = f->stock,
                               .letter = isalpha(first) ? (char)first : 0};
}

static enum err add(struct model *m, const struct fact *facts, size_t n, struct parcel *out)
{
    enum err e = ERR_OK;

    m->found.out = out;
    for (size_t i = 0; !e && i < n; i++) {
        const struct model_line line = line_of(m, &facts[i]);
        e = detect_line(m->detect, &line);
        if (!e)
            e = foretell_line(m->foretell, &line, out);
        if (!e)
            e = lookout_line(m->lookout, &line, out);
    }
    return e;
}

static enum err finish(struct model *m, struct parcel *out)
{
    m->found.out = out;
    return detect_finish(m->detect);
}

static enum err save(struct model *m, struct parcel *out)
{
    enum err e = detect_save(m->detect, out);

    if (!e)
        e = foretell_save(m->foretell, out);
    return e ? e : lookout_save(m->lookout, out);
}

static enum err load(struct model *m, struct str name, uint32_t version, struct str data,
                     struct why *why)
{
    if (lookout_owns(name))
        return lookout_load(m->lookout, name, version, data, why);
    if (foretell_owns(name))
        return foretell_load(m->foretell, name, version, data, why);
    return detect_load(m->detect, name, version, data, why);
}

static enum err loaded(struct model *m, struct why *why)
{
    return detect_loaded(m->detect, why);
}

static enum err feedback(struct model *m, struct str verdict, enum feedback before,
                         enum feedback now)
{
    struct reader in = reader_of(verdict.p, verdict.n);
    struct verdict v;
    enum err e = verdict_read(&v, &in);

    if (e)
        return e;
    if (before != FEEDBACK_UNDO)
        detect_recall(m->detect, &v);
    return now == FEEDBACK_UNDO ? ERR_OK : detect_feedback(m->detect, &v, now == FEEDBACK_OK);
}

static size_t memory(const struct model *m)
{
    struct detect_stats stats;

    detect_measure(m->detect, &stats);
    return sizeof(*m) + stats.memory + foretell_memory(m->foretell) + lookout_memory(m->lookout);
}

const struct model_kind model_shop = {
    .open = open_model,
    .close = close_model,
    .add = add,
    .finish = finish,
    .save = save,
    .load = load,
    .loaded = loaded,
    .feedback = feedback,
    .memory = memory,
};
