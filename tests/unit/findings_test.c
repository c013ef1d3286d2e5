/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * findings: what the models found reaches the views, and what people say of it stays.
 */
#include "engine/store/findings.h"

#include "tests/support/parcels.h"
#include "tests/support/t.h"

#include <math.h>

static struct span text(struct parcel *p, const char *t)
{
    struct span at;

    ok_err(parcel_text(p, str_of(t), &at));
    return at;
}

static void add_alert(struct parcel *p, enum anomaly_state state, double score, bool alert)
{
    const struct anomaly_row row = {.id = text(p, "invoice:536365"),
                                    .kind = text(p, "invoice"),
                                    .subject = text(p, "536365"),
                                    .state = state,
                                    .time_ms = 1291161600000,
                                    .invoice = 1,
                                    .customer = 1,
                                    .country = 2,
                                    .alert = alert,
                                    .revenue = 15300000,
                                    .score = score,
                                    .p_value = 0.001,
                                    .rank_reason = text(p, "price up"),
                                    .reasons = text(p, "[]"),
                                    .text = text(p, "too dear")};

    ok(list_put(&p->anomalies, &row) != NULL);
}

static void add_anomaly(struct parcel *p, enum anomaly_state state, double score)
{
    add_alert(p, state, score, false);
}

T(an_anomaly_is_replaced_and_what_people_said_of_it_stays)
{
    const char *path = tmp_path("found.db");
    struct store *s = parcels_store(path, false);
    struct parcel *p = parcel_open();

    add_anomaly(p, ANOMALY_PROVISIONAL, 2.5);
    p = parcels_sent(s, p, true);
    eq_str(parcels_ask(path, "SELECT state, score, feedback FROM anomalies"), "provisional|2.5|");
    eq_str(parcels_ask(path, "SELECT count(*) FROM outbox"), "0");
    const struct feedback_row said = {
        .invoice = 1, .said = text(p, "ok"), .by = text(p, "ada"), .at_ms = 1000};
    ok(list_put(&p->feedback, &said) != NULL);
    add_anomaly(p, ANOMALY_FINAL, 3.5);
    p = parcels_sent(s, p, true);
    add_anomaly(p, ANOMALY_FINAL, 3.5);
    p = parcels_sent(s, p, true);
    eq_str(parcels_ask(path, "SELECT state, score, feedback, feedback_by FROM anomalies"),
           "final|3.5|ok|ada");
    eq_str(parcels_ask(path, "SELECT count(*) FROM outbox"), "0");
    parcel_close(p);
    store_close(s);
}

T(an_alert_waits_once_from_the_first_time_it_is_final)
{
    const char *path = tmp_path("alert.db");
    struct store *s = parcels_store(path, false);
    struct parcel *p = parcel_open();

    add_alert(p, ANOMALY_PROVISIONAL, 2.5, true);
    p = parcels_sent(s, p, true);
    eq_str(parcels_ask(path, "SELECT count(*) FROM outbox"), "0");
    add_alert(p, ANOMALY_FINAL, 3.5, true);
    p = parcels_sent(s, p, true);
    add_alert(p, ANOMALY_FINAL, 3.6, true);
    p = parcels_sent(s, p, true);
    eq_str(parcels_ask(path, "SELECT id, tries, sent_ms FROM outbox"), "invoice:536365|0|");
    parcel_close(p);
    store_close(s);
}

T(what_became_of_an_alert_is_kept)
{
    const char *path = tmp_path("sent.db");
    const char *ask = "SELECT tries, next_ms, since_ms, sent_ms, error FROM outbox";
    struct store *s = parcels_store(path, false);
    struct parcel *p = parcel_open();
    struct sent_row row = {.at_ms = 1000, .next_ms = 3000, .tries = 1};

    add_alert(p, ANOMALY_FINAL, 3.5, true);
    row.id = text(p, "invoice:536365");
    row.error = text(p, "answered 500");
    ok(list_put(&p->sent, &row) != NULL);
    p = parcels_sent(s, p, true);
    eq_str(parcels_ask(path, ask), "1|3000|1000||answered 500");
    row = (struct sent_row){.at_ms = 3500, .tries = 2, .done = true};
    row.id = text(p, "invoice:536365");
    ok(list_put(&p->sent, &row) != NULL);
    add_alert(p, ANOMALY_FINAL, 3.5, true);
    p = parcels_sent(s, p, true);
    eq_str(parcels_ask(path, ask), "2||1000|3500|");
    parcel_close(p);
    store_close(s);
}

T(a_verdict_gives_its_invoice_a_score_and_is_read_back)
{
    const char *path = tmp_path("verdict.db");
    struct store *s = parcels_store(path, false);
    struct parcel *p = parcel_open();
    struct stored_verdict found;

    eq_err(store_verdict(s, 7, &found), ERR_NOT_FOUND);
    const struct verdict_row row = {.invoice = 7,
                                    .time_ms = 5,
                                    .final = true,
                                    .flagged = true,
                                    .score = 4.5,
                                    .p_value = (double)NAN,
                                    .cancels = 3,
                                    .data = text(p, "evidence")};
    ok(list_put(&p->verdicts, &row) != NULL);
    p = parcels_sent(s, p, true);
    ok_err(store_verdict(s, 7, &found));
    eq_bytes(found.data.p, found.data.n, "evidence", 8);
    eq_int(found.said.n, 0);
    ok(found.final && found.flagged);
    parcel_close(p);
    store_close(s);
}

T(a_forecast_learns_what_came_true)
{
    const char *path = tmp_path("forecast.db");
    struct store *s = parcels_store(path, false);
    struct parcel *p = parcel_open();
    struct forecast_row row = {.dimension = "all",
                               .measure = "revenue",
                               .horizon = "hour",
                               .window_s = 3600,
                               .made_ms = 3600000,
                               .predicted = 10,
                               .lower = 5,
                               .upper = 20,
                               .week_ago = (double)NAN,
                               .holt_winters = 9,
                               .actual = (double)NAN};

    ok(list_put(&p->forecasts, &row) != NULL);
    row.actual = 11.5;
    ok(list_put(&p->forecasts, &row) != NULL);
    p = parcels_sent(s, p, true);
    eq_str(parcels_ask(path, "SELECT \"key\", window_start, predicted, actual, week_ago"
                             " FROM forecasts"),
           "*|1970-01-01T01:00:00Z|10|11.5|");
    parcel_close(p);
    store_close(s);
}
