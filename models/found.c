/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * found: verdicts as rows, with their reasons in words.
 *
 * A verdict of an invoice replaces the one before (provisional, then final). A flagged one is
 * an anomaly as well, "invoice:NUMBER"; a line that is odd by itself is told at once,
 * "line:NUMBER/CODE". The final verdict settles all of an invoice's anomalies in the store
 * (engine/store/findings.c): final or withdrawn.
 */
#include "models/found.h"

#include "engine/json.h"
#include "models/reasons.h"

#define TEXT_MAX ((size_t)1 << 16)

void found_init(struct found *f, const struct model_setup *setup)
{
    *f = (struct found){.setup = setup};
    buf_init(&f->text, TEXT_MAX);
    buf_init(&f->words, TEXT_MAX);
    buf_init(&f->data, TEXT_MAX);
}

void found_clear(struct found *f)
{
    buf_clear(&f->text);
    buf_clear(&f->words);
    buf_clear(&f->data);
}

/* ---- names, for the words ---- */

static struct str key_text(void *arg, uint32_t key)
{
    const struct found *f = arg;

    return keys_text(f->setup->keys, key);
}

static struct str invoice_text(void *arg, uint64_t number)
{
    struct found *f = arg;
    uint32_t slot;

    f->failed = f->failed ? f->failed : books_find(f->setup->books, number, &slot);
    return f->failed ? STR("") : books_text(f->setup->books, slot);
}

/* ---- findings ---- */

static enum err put_text(struct found *f, struct span *out)
{
    enum err e = parcel_text(f->out, (struct str){f->text.p, f->text.n}, out);

    f->text.n = 0;
    return e;
}

/* "invoice:541431", or "line:541431/23166"; its parts are cut out of it. */
static enum err put_id(struct found *f, const struct verdict *v, struct anomaly_row *row)
{
    bool line = v->kind == VERDICT_LINE;
    struct str kind = line ? STR("line") : STR("invoice"), invoice = invoice_text(f, v->invoice);
    enum err e = buf_printf(&f->text, "%s:%.*s", kind.p, (int)invoice.n, invoice.p);

    if (!e && line) {
        struct str code = key_text(f, v->evidence[0].key);
        e = buf_printf(&f->text, "/%.*s", (int)code.n, code.p);
    }
    if (!e)
        e = put_text(f, &row->id);
    row->kind = (struct span){row->id.at, (uint32_t)kind.n};
    row->subject =
        (struct span){row->id.at + (uint32_t)kind.n + 1, row->id.n - (uint32_t)kind.n - 1};
    return e;
}

/* One member of anomaly_row.reasons. */
static enum err put_reason(struct found *f, const struct verdict *v, uint32_t i)
{
    const struct reasons_names names = {key_text, invoice_text, f};
    const struct evidence *one = &v->evidence[i];
    struct reasons_figures figures = reasons_figures(one);
    double weight = v->score > 0 ? one->contribution / v->score : 0;
    enum err e = buf_printf(
        &f->text, "%s{\"feature\":\"%s\",\"value\":%.15g,\"usual\":%.15g,\"weight\":%.6f,\"text\":",
        i ? "," : "", reasons_name((enum stat)one->stat), figures.value, figures.usual, weight);

    f->words.n = 0;
    if (!e)
        e = reasons_sentence(v, one, &names, &f->words);
    if (!e)
        e = json_quote(&f->text, (struct str){f->words.p, f->words.n});
    return e ? e : buf_text(&f->text, "}");
}

static enum err put_reasons(struct found *f, const struct verdict *v, struct anomaly_row *row)
{
    const struct reasons_names names = {key_text, invoice_text, f};
    enum err e = buf_text(&f->text, "[");

    for (uint32_t i = 0; !e && i < v->n_evidence; i++)
        e = put_reason(f, v, i);
    if (!e)
        e = buf_text(&f->text, "]");
    if (!e)
        e = put_text(f, &row->reasons);
    if (!e)
        e = reasons_text(v, &names, &f->text);
    return e ? e : put_text(f, &row->text);
}

static enum err put_anomaly(struct found *f, const struct verdict *v)
{
    struct anomaly_row row = {.state =
                                  v->kind == VERDICT_FINAL ? ANOMALY_FINAL : ANOMALY_PROVISIONAL,
                              .time_ms = v->time_ms,
                              .invoice = v->invoice,
                              .customer = v->customer,
                              .country = v->country,
                              .revenue = v->revenue,
                              .score = v->score,
                              .p_value = v->p_value,
                              .alert = f->setup->settings->alert[0] != '\0'};
    enum err e = put_id(f, v, &row);

    if (!e)
        e = parcel_text(f->out, str_of(reasons_name((enum stat)v->evidence[0].stat)),
                        &row.rank_reason);
    if (!e)
        e = put_reasons(f, v, &row);
    e = f->failed ? f->failed : e;
    return e || list_put(&f->out->anomalies, &row) ? e : ERR_NOMEM;
}

static enum err put_verdict(struct found *f, const struct verdict *v)
{
    struct verdict_row row = {.invoice = v->invoice,
                              .time_ms = v->time_ms,
                              .final = v->kind == VERDICT_FINAL,
                              .flagged = v->flagged,
                              .score = v->score,
                              .p_value = v->p_value,
                              .cancels = v->cancels};
    enum err e;

    f->data.n = 0;
    e = verdict_write(v, &f->data);
    if (!e)
        e = parcel_text(f->out, (struct str){f->data.p, f->data.n}, &row.data);
    return e || list_put(&f->out->verdicts, &row) ? e : ERR_NOMEM;
}

enum err found_take(void *arg, const struct verdict *v)
{
    struct found *f = arg;
    enum err e = v->kind == VERDICT_LINE ? ERR_OK : put_verdict(f, v);

    return e || !v->flagged || !v->n_evidence ? e : put_anomaly(f, v);
}
