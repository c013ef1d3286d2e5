/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/store/outbox.h"

#include "tests/support/parcels.h"
#include "tests/support/t.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void add(struct parcel *p, const char *id, enum anomaly_state state, const char *reasons)
{
    const struct anomaly_row row = {.id = parcels_text(p, id),
                                    .kind = parcels_text(p, "invoice"),
                                    .subject = parcels_text(p, id + 8),
                                    .state = state,
                                    .time_ms = 1291161600000,
                                    .alert = true,
                                    .revenue = 15300000,
                                    .score = 0.1,
                                    .p_value = 1e-300,
                                    .rank_reason = parcels_text(p, "price"),
                                    .reasons = parcels_text(p, reasons),
                                    .text = parcels_text(p, "too \"dear\"\n")};

    ok(list_put(&p->anomalies, &row) != NULL);
}

static void add_sent(struct parcel *p, const char *id, int64_t next_ms, bool done)
{
    const struct sent_row row = {.id = parcels_text(p, id),
                                 .at_ms = 1000,
                                 .next_ms = next_ms,
                                 .tries = 2,
                                 .done = done,
                                 .error = parcels_text(p, "answered 500")};

    ok(list_put(&p->sent, &row) != NULL);
}

static enum err note(void *arg, const struct outbox_row *row)
{
    char *text = arg;
    size_t n = strlen(text);

    (void)snprintf(text + n, 400 - n, "%.*s|%u|%d|%d\n", (int)row->id.n, row->id.p,
                   (unsigned)row->tries, (int)row->next_ms, (int)row->since_ms);
    return ERR_OK;
}

static const char *waiting(struct outbox *o, int limit)
{
    static char text[400];

    text[0] = '\0';
    ok_err(outbox_each(o, limit, note, text, NULL));
    return text;
}

T(what_waits_comes_in_order_and_what_is_done_or_withdrawn_does_not)
{
    const char *path = tmp_path("shop.db");
    struct store *s = parcels_store(path, false);
    struct parcel *p = parcel_open();
    struct outbox *o = NULL;
    int64_t n = 0;
    uint32_t tries = 0;

    ok_err(outbox_open(path, &o, NULL));
    eq_str(waiting(o, 9), "");
    add(p, "invoice:9", ANOMALY_FINAL, "[]");
    add(p, "invoice:5", ANOMALY_FINAL, "[]");
    add(p, "invoice:7", ANOMALY_FINAL, "[]");
    add(p, "invoice:3", ANOMALY_FINAL, "[]");
    add(p, "invoice:1", ANOMALY_PROVISIONAL, "[]");
    p = parcels_sent(s, p, false);
    eq_str(waiting(o, 9), "");
    p = parcels_sent(s, p, true);
    eq_str(waiting(o, 9), "invoice:9|0|0|0\ninvoice:5|0|0|0\ninvoice:7|0|0|0\ninvoice:3|0|0|0\n");
    add(p, "invoice:7", ANOMALY_WITHDRAWN, "[]");
    add_sent(p, "invoice:9", 5000, false);
    add_sent(p, "invoice:3", 0, true);
    p = parcels_sent(s, p, true);
    eq_str(waiting(o, 9), "invoice:5|0|0|0\ninvoice:9|2|5000|1000\n");
    eq_str(waiting(o, 1), "invoice:5|0|0|0\n");
    ok_err(outbox_waiting(o, &n, NULL));
    eq_int(n, 2);
    ok_err(outbox_tries(o, STR("invoice:3"), &tries, NULL));
    eq_int(tries, 2);
    eq_err(outbox_tries(o, STR("invoice:1"), &tries, NULL), ERR_NOT_FOUND);
    outbox_close(o);
    parcel_close(p);
    store_close(s);
}

static void shows(struct outbox *o, const char *id, const char *reasons)
{
    char wanted[600];
    struct buf json, text;

    buf_init(&json, 10000);
    buf_init(&text, 10000);
    ok_err(outbox_alert(o, str_of(id), &json, &text, NULL));
    ok_err(buf_u8(&json, 0));
    (void)snprintf(wanted, sizeof(wanted),
                   "{\"id\":\"%s\",\"kind\":\"invoice\",\"subject\":\"%s\",\"state\":\"final\","
                   "\"time\":\"2010-12-01T00:00:00Z\",\"invoice\":null,\"customer\":\"\","
                   "\"country\":\"\",\"revenue\":15.3,\"score\":0.1,\"p_value\":1e-300,"
                   "\"rank_reason\":\"price\",\"reasons\":%s,\"text\":\"too \\\"dear\\\"\\n\"",
                   id, id + 8, reasons);
    json.p[strlen(wanted) < json.n ? strlen(wanted) : json.n - 1] = '\0'; /* more may follow */
    eq_str(json.p, wanted);
    eq_bytes(text.p, text.n, "too \"dear\"\n", 11);
    buf_clear(&json);
    buf_clear(&text);
}

T(an_alert_is_its_row_as_json)
{
    const char *path = tmp_path("shop.db");
    struct store *s = parcels_store(path, false);
    struct parcel *p = parcel_open();
    struct outbox *o = NULL;
    struct buf none;

    add(p, "invoice:1", ANOMALY_FINAL, "[{\"feature\":\"price\",\"value\":2.5}]");
    add(p, "invoice:2", ANOMALY_FINAL, "[broken");
    add(p, "invoice:3", ANOMALY_FINAL, "{\"a\":1}");
    p = parcels_sent(s, p, true);
    ok_err(outbox_open(path, &o, NULL));
    shows(o, "invoice:1", "[{\"feature\":\"price\",\"value\":2.5}]");
    shows(o, "invoice:2", "\"[broken\"");
    shows(o, "invoice:3", "\"{\\\"a\\\":1}\"");
    buf_init(&none, 100);
    eq_err(outbox_alert(o, STR("invoice:4"), &none, &none, NULL), ERR_NOT_FOUND);
    outbox_close(o);
    parcel_close(p);
    store_close(s);
}

/* A database with one alert; ERR_NOMEM leaves none. */
static enum err make_shop(const char *path)
{
    const struct store_options options = {.path = path, .env = env_real()};
    struct parcel *p = parcel_open();
    struct anomaly_row row = {.state = ANOMALY_FINAL, .alert = true};
    struct store *s = NULL;
    enum err e = p ? store_open(&options, &s, NULL) : ERR_NOMEM;

    if (!e)
        e = parcel_text(p, STR("invoice:1"), &row.id);
    if (!e)
        e = parcel_text(p, STR("[{}]"), &row.reasons);
    if (!e)
        e = list_put(&p->anomalies, &row) ? ERR_OK : ERR_NOMEM;
    if (!e) {
        p->commit = true;
        e = store_send(s, &p, NULL);
    }
    parcel_close(p);
    store_close(s);
    if (e)
        (void)unlink(path);
    return e;
}

T_OOM(a_look_into_the_outbox_survives_lack_of_memory)
{
    const char *path = tmp_path("oom.db");
    struct outbox *o = NULL;
    struct buf json, text;
    char seen[400] = "";
    enum err e = access(path, F_OK) == 0 ? ERR_OK : make_shop(path);

    buf_init(&json, 10000);
    buf_init(&text, 10000);
    if (!e)
        e = outbox_open(path, &o, NULL);
    if (!e)
        e = outbox_each(o, 5, note, seen, NULL);
    if (!e)
        e = outbox_alert(o, STR("invoice:1"), &json, &text, NULL);
    memory_again();
    if (!e) {
        eq_str(seen, "invoice:1|0|0|0\n");
        ok(json.n > 0 && json.p[json.n - 1] == '}');
    }
    outbox_close(o);
    buf_clear(&json);
    buf_clear(&text);
    return e;
}
