/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A finding replaces the earlier one of the same name; what people said of it stays. An alert
 * waits in `outbox` from the first time its anomaly is final; what became of it is noted there.
 */
#include "engine/store/findings.h"

#include <math.h>
#include <stdlib.h>

enum { ST_VERDICT, ST_SETTLED, ST_ANOMALY, ST_OUTBOX, ST_SENT, ST_FORECAST, ST_FEEDBACK, ST_COUNT };

static const char *const statement_texts[ST_COUNT] = {
    [ST_VERDICT] = "REPLACE INTO verdict VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
    [ST_SETTLED] = "UPDATE anomaly SET state = ? WHERE invoice = ? AND state = 0",
    [ST_ANOMALY] =
        ("INSERT INTO anomaly VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT(id)"
         " DO UPDATE SET state = excluded.state, time_ms = excluded.time_ms,"
         " revenue = excluded.revenue, score = excluded.score, p_value = excluded.p_value,"
         " rank_reason = excluded.rank_reason, reasons = excluded.reasons, text = excluded.text"),
    [ST_OUTBOX] = "INSERT OR IGNORE INTO outbox(id, tries) VALUES(?, 0)",
    [ST_SENT] = ("UPDATE outbox SET tries = ?, next_ms = ?, sent_ms = ?, error = ?,"
                 " since_ms = coalesce(since_ms, ?) WHERE id = ?"),
    [ST_FORECAST] = "REPLACE INTO forecast VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    [ST_FEEDBACK] = "REPLACE INTO feedback VALUES(?, ?, ?, ?)",
};

struct findings {
    sqlite3_stmt *statement[ST_COUNT];
};

enum err findings_open(sqlite3 *db, struct findings **out, struct why *why)
{
    struct findings *f = calloc(1, sizeof(*f));
    enum err e = f ? ERR_OK : why_set(why, ERR_NOMEM, "out of memory opening the database");

    for (int i = 0; !e && i < ST_COUNT; i++)
        e = sql_prepare(db, statement_texts[i], &f->statement[i], why);
    if (e)
        findings_close(f);
    else
        *out = f;
    return e;
}

void findings_close(struct findings *f)
{
    if (!f)
        return;
    for (int i = 0; i < ST_COUNT; i++)
        (void)sqlite3_finalize(f->statement[i]);
    free(f);
}

static void bind_known(struct binder *b, double v)
{
    if (isnan(v))
        bind_null(b);
    else
        bind_real(b, v);
}

/* What was flagged before the last word was spoken. */
static enum err settle(struct findings *f, const struct verdict_row *r, struct why *why)
{
    struct binder b = bind_to(f->statement[ST_SETTLED]);

    bind_whole(&b, r->flagged ? ANOMALY_FINAL : ANOMALY_WITHDRAWN);
    bind_whole(&b, (int64_t)r->invoice);
    return bind_run(&b, why);
}

static enum err put_verdict(struct findings *f, const struct parcel *p, const struct verdict_row *r,
                            struct why *why)
{
    struct binder b = bind_to(f->statement[ST_VERDICT]);

    bind_whole(&b, (int64_t)r->invoice);
    bind_whole(&b, r->time_ms);
    bind_whole(&b, r->final);
    bind_whole(&b, r->flagged);
    bind_known(&b, r->score);
    bind_known(&b, r->p_value);
    if (r->cancels)
        bind_whole(&b, (int64_t)r->cancels);
    else
        bind_null(&b);
    bind_blob(&b, parcel_str(p, r->data));
    enum err e = bind_run(&b, why);
    return e || !r->final ? e : settle(f, r, why);
}

static enum err put_anomaly(struct findings *f, const struct parcel *p, const struct anomaly_row *r,
                            struct why *why)
{
    struct binder b = bind_to(f->statement[ST_ANOMALY]);

    bind_text(&b, parcel_str(p, r->id));
    bind_text(&b, parcel_str(p, r->kind));
    bind_text(&b, parcel_str(p, r->subject));
    bind_whole(&b, (int64_t)r->state);
    bind_whole(&b, r->time_ms);
    if (r->invoice)
        bind_whole(&b, (int64_t)r->invoice);
    else
        bind_null(&b);
    bind_whole(&b, r->customer);
    bind_whole(&b, r->country);
    bind_whole(&b, r->revenue);
    bind_known(&b, r->score);
    bind_known(&b, r->p_value);
    bind_text(&b, parcel_str(p, r->rank_reason));
    bind_text(&b, parcel_str(p, r->reasons));
    bind_text(&b, parcel_str(p, r->text));
    enum err e = bind_run(&b, why);
    if (e || !r->alert || r->state != ANOMALY_FINAL)
        return e;
    b = bind_to(f->statement[ST_OUTBOX]);
    bind_text(&b, parcel_str(p, r->id));
    return bind_run(&b, why);
}

static void bind_if(struct binder *b, bool given, int64_t v)
{
    if (given)
        bind_whole(b, v);
    else
        bind_null(b);
}

static enum err put_sent(struct findings *f, const struct parcel *p, const struct sent_row *r,
                         struct why *why)
{
    struct binder b = bind_to(f->statement[ST_SENT]);

    bind_whole(&b, r->tries);
    bind_if(&b, !r->done, r->next_ms);
    bind_if(&b, r->done, r->at_ms);
    if (r->error.n)
        bind_text(&b, parcel_str(p, r->error));
    else
        bind_null(&b);
    bind_whole(&b, r->at_ms);
    bind_text(&b, parcel_str(p, r->id));
    return bind_run(&b, why);
}

static enum err put_forecast(struct findings *f, const struct forecast_row *r, struct why *why)
{
    struct binder b = bind_to(f->statement[ST_FORECAST]);

    bind_text(&b, str_of(r->horizon));
    bind_text(&b, str_of(r->dimension));
    bind_whole(&b, r->key);
    bind_text(&b, str_of(r->measure));
    bind_whole(&b, r->window_s);
    bind_whole(&b, r->made_ms);
    bind_known(&b, r->predicted);
    bind_known(&b, r->lower);
    bind_known(&b, r->upper);
    bind_known(&b, r->actual);
    bind_known(&b, r->week_ago);
    bind_known(&b, r->holt_winters);
    return bind_run(&b, why);
}

static enum err put_feedback(struct findings *f, const struct parcel *p,
                             const struct feedback_row *r, struct why *why)
{
    struct binder b = bind_to(f->statement[ST_FEEDBACK]);

    bind_whole(&b, (int64_t)r->invoice);
    bind_text(&b, parcel_str(p, r->said));
    bind_text(&b, parcel_str(p, r->by));
    bind_whole(&b, r->at_ms);
    return bind_run(&b, why);
}

enum err findings_apply(struct findings *f, const struct parcel *p, struct why *why)
{
    enum err e = ERR_OK;

    for (size_t i = 0; !e && i < p->anomalies.n; i++)
        e = put_anomaly(f, p, list_at(&p->anomalies, i), why);
    for (size_t i = 0; !e && i < p->verdicts.n; i++) /* they settle anomalies, so they follow */
        e = put_verdict(f, p, list_at(&p->verdicts, i), why);
    for (size_t i = 0; !e && i < p->sent.n; i++)
        e = put_sent(f, p, list_at(&p->sent, i), why);
    for (size_t i = 0; !e && i < p->forecasts.n; i++)
        e = put_forecast(f, list_at(&p->forecasts, i), why);
    for (size_t i = 0; !e && i < p->feedback.n; i++)
        e = put_feedback(f, p, list_at(&p->feedback, i), why);
    return e;
}
