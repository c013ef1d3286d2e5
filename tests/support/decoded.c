/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * decoded: runs a codec over a text in pieces and writes down what came out.
 */
#include "tests/support/decoded.h"

#include "engine/money.h"

#include <inttypes.h>
#include <stdlib.h>

struct feed {
    const struct codec_kind *kind;
    const struct settings *settings;
    struct codec *codec;
    struct str text;
    struct decoded_way way;
    size_t at, seen;  /* consumed; given so far */
    uint64_t covered; /* end of the record before */
    struct sales sales;
    struct buf *out;
    struct why *why;
};

static enum err place(struct feed *f, uint64_t offset, size_t length, struct str raw)
{
    bool inside = offset >= f->covered && offset + length <= f->text.n;
    if (!inside || length == 0 || memcmp(f->text.p + offset, raw.p, raw.n) != 0) {
        return why_set(f->why, ERR_DAMAGED, "a record is not at its offset %" PRIu64, offset);
    }
    f->covered = offset + length;
    return f->way.plain ? ERR_OK : buf_printf(f->out, "%" PRIu64 "+%zu", offset, length);
}

static enum err key(struct feed *f, struct str s)
{
    enum err e = buf_text(f->out, "|");
    return e ? e : buf_str(f->out, s);
}

static enum err write_sale(struct feed *f, const struct sale *s)
{
    struct str raw = {f->text.p + s->offset, s->length};
    enum err e = place(f, s->offset, s->length, raw);
    char price[MONEY_TEXT], value[MONEY_TEXT], time[WHEN_TEXT];
    const struct str keys[] = {s->invoice, s->stock, s->customer, s->country, s->record_id};
    for (size_t i = 0; !e && i < countof(keys); i++) {
        e = key(f, keys[i]);
    }
    money_format(s->price, 0, price);
    money_format(s->value, 0, value);
    when_format(s->time_ms, time);
    return e ? e : buf_printf(f->out, "|%" PRId64 "|%s|%s|%s\n", s->quantity, price, value, time);
}

static enum err write_reject(struct feed *f, const struct reject *r)
{
    enum err e = place(f, r->offset, r->raw.n, r->raw);
    return e ? e : buf_printf(f->out, "! %s\n", r->reason);
}

/* Sales and rejects in order of their places. */
static enum err write_all(struct feed *f)
{
    size_t i = 0, k = 0;
    enum err e = ERR_OK;
    while (!e && (i < f->sales.n || k < f->sales.n_rejects)) {
        bool sale = k == f->sales.n_rejects ||
                    (i < f->sales.n && f->sales.sale[i].offset < f->sales.reject[k].offset);
        e = sale ? write_sale(f, &f->sales.sale[i]) : write_reject(f, &f->sales.reject[k]);
        i += sale;
        k += !sale;
    }
    return e;
}

static enum err reopen(struct feed *f)
{
    struct buf state;
    buf_init(&state, 1 << 24);
    enum err e = f->kind->save(f->codec, &state);
    f->kind->close(f->codec);
    f->codec = NULL;
    struct reader in = reader_of(state.p, state.n);
    e = e ? e : f->kind->open(f->settings, &f->codec, f->why);
    e = e ? e : f->kind->load(f->codec, &in, f->why);
    if (!e && in.p != in.end) {
        e = why_set(f->why, ERR_DAMAGED, "load left bytes of what save wrote");
    }
    buf_clear(&state);
    return e;
}

/* One stretch; *progress tells whether anything was consumed. */
static enum err one(struct feed *f, bool *progress)
{
    size_t n = f->seen - f->at, used = 0;
    char *copy = malloc(n ? n : 1);
    if (!copy) {
        return ERR_NOMEM;
    }
    memcpy(copy, f->text.p + f->at, n);
    struct stretch in = {{copy, n}, f->at, f->seen == f->text.n, false};
    size_t max = f->way.max_sales ? f->way.max_sales : SIZE_MAX;
    sales_reset(&f->sales);
    enum err e = f->kind->decode(f->codec, &in, max, &f->sales, &used, f->why);
    if (!e && f->sales.n > max) {
        e = why_set(f->why, ERR_DAMAGED, "more sales than asked for");
    }
    e = e ? e : write_all(f);
    free(copy);
    f->at += used;
    *progress = used > 0;
    return e;
}

enum err decoded(const struct codec_kind *kind, const struct settings *settings, struct str text,
                 struct decoded_way way, struct buf *out, struct why *why)
{
    struct feed f = {
        .kind = kind, .settings = settings, .text = text, .way = way, .out = out, .why = why};
    bool progress = true;
    sales_init(&f.sales);
    enum err e = kind->open(settings, &f.codec, why);
    while (!e && (f.at < text.n || f.seen < text.n)) {
        size_t left = text.n - f.seen;
        if (!progress && left == 0) {
            e = why_set(why, ERR_DAMAGED, "bytes from %zu on were not consumed", f.at);
            break;
        }
        f.seen += way.step && way.step < left ? way.step : left;
        e = one(&f, &progress);
        e = e || !way.reopen ? e : reopen(&f);
    }
    kind->close(f.codec);
    sales_clear(&f.sales);
    return e;
}
