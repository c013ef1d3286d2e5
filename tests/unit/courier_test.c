/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * courier: what becomes of alerts that a command takes or doesn't. The whole way, with a
 * receiver on the net and a run around it, is in tests/e2e/test_alerts.py.
 */
#include "connectors/courier.h"

#include "tests/support/parcels.h"
#include "tests/support/t.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NOW_MS INT64_C(1700000000000)

/* A world whose wall clock stands still, and which remembers what it was told. */
struct world {
    struct env env;
    atomic_int lines;
    char line[300];
};

static int64_t wall_ms(struct env *env)
{
    (void)env;
    return NOW_MS;
}

static int64_t mono_ns(struct env *env)
{
    struct timespec now;

    (void)env;
    ok(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static uint64_t no_luck(struct env *env)
{
    (void)env;
    return 500; /* of a wait of at most 1000, 2000, 4000 ... ms */
}

static void keep_line(struct env *env, enum log_level level, const char *line)
{
    struct world *w = (struct world *)(void *)env;

    (void)level;
    (void)snprintf(w->line, sizeof(w->line), "%s", line);
    atomic_fetch_add(&w->lines, 1);
}

struct stage {
    struct world world;
    struct settings settings;
    struct store *store;
    struct parcel *parcel;
    struct courier *courier;
};

/* A shop with these alerts (one letter each) that are given to a command. */
static void open_stage(struct stage *s, const char *ids, const char *alert)
{
    s->world = (struct world){.env = {.wall_ms = wall_ms,
                                      .mono_ns = mono_ns,
                                      .random = no_luck,
                                      .log = keep_line,
                                      .level = LOG_INFO}};
    ok_err(settings_init(&s->settings));
    ok_err(settings_put(&s->settings, "db", tmp_path("shop.db"), "--db", NULL));
    ok_err(settings_put(&s->settings, "alert", alert, "--alert", NULL));
    ok(setenv("OUT", tmp_path("out"), 1) == 0);
    s->store = parcels_store(s->settings.db, false);
    s->parcel = parcel_open();
    for (; *ids; ids++) {
        const char id[] = {*ids, '\0'};
        struct anomaly_row row = {.state = ANOMALY_FINAL, .alert = true};

        row.id = parcels_text(s->parcel, id);
        row.text = parcels_text(s->parcel, "too dear");
        ok(list_put(&s->parcel->anomalies, &row) != NULL);
    }
    s->parcel = parcels_sent(s->store, s->parcel, true);
    s->courier = NULL;
}

static void start(struct stage *s)
{
    ok_err(courier_open(&s->world.env, &s->settings, &s->courier, NULL));
}

static void close_stage(struct stage *s)
{
    courier_close(s->courier);
    parcel_close(s->parcel);
    store_close(s->store);
    settings_clear(&s->settings);
}

static void sleep_ms(long ms)
{
    const struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

    (void)nanosleep(&t, NULL);
}

/* Waits until so many results are in the parcel. */
static void results(struct stage *s, size_t n)
{
    for (int i = 0; i < 500 && s->parcel->sent.n < n; i++) {
        sleep_ms(10);
        ok_err(courier_results(s->courier, s->parcel));
    }
    eq_int(s->parcel->sent.n, n);
}

static const char *out(void)
{
    static char text[300];
    FILE *f = fopen(getenv("OUT"), "r");
    size_t n = f ? fread(text, 1, sizeof(text) - 1, f) : 0;

    text[n] = '\0';
    if (f)
        (void)fclose(f);
    return text;
}

#define OUTBOX "SELECT id, tries, next_ms, since_ms, sent_ms, error FROM outbox ORDER BY rowid"

T(each_alert_is_sent_once_in_order_and_noted_with_the_next_commit)
{
    struct stage s;

    open_stage(&s, "cab", "exec:printf %s $TILLSTREAM_ALERT_ID >>\"$OUT\"");
    start(&s);
    results(&s, 3);
    sleep_ms(450); /* not committed: not sent again */
    eq_str(out(), "cab");
    s.parcel = parcels_sent(s.store, s.parcel, true);
    eq_str(parcels_ask(s.settings.db, OUTBOX), "c|1||1700000000000|1700000000000|\n"
                                               "a|1||1700000000000|1700000000000|\n"
                                               "b|1||1700000000000|1700000000000|");
    sleep_ms(450);
    ok_err(courier_results(s.courier, s.parcel));
    eq_int(s.parcel->sent.n, 0);
    eq_str(out(), "cab");
    eq_int(s.world.lines, 0);
    close_stage(&s);
}

T(what_is_not_committed_is_not_sent)
{
    struct stage s;
    struct anomaly_row row = {.state = ANOMALY_FINAL, .alert = true};

    open_stage(&s, "", "exec:cat >>\"$OUT\"");
    row.id = parcels_text(s.parcel, "x");
    ok(list_put(&s.parcel->anomalies, &row) != NULL);
    s.parcel = parcels_sent(s.store, s.parcel, false);
    start(&s);
    sleep_ms(300);
    eq_str(out(), "");
    close_stage(&s);
}

T(a_failure_is_told_once_a_minute_and_tried_again_later)
{
    struct stage s;

    open_stage(&s, "a", "exec:printf %s $TILLSTREAM_ALERT_ID >>\"$OUT\"; exit 3 # secret");
    start(&s);
    results(&s, 1);
    s.parcel = parcels_sent(s.store, s.parcel, true);
    eq_str(parcels_ask(s.settings.db, OUTBOX),
           "a|1|1700000000500|1700000000000||the command ended with status 3");
    eq_str(s.world.line, "an alert could not be sent and waits: the command ended with status 3");
    parcels_tamper(s.settings.db, "UPDATE outbox SET next_ms = 0");
    results(&s, 1);
    s.parcel = parcels_sent(s.store, s.parcel, true);
    eq_str(parcels_ask(s.settings.db, OUTBOX),
           "a|2|1700000000500|1700000000000||the command ended with status 3");
    eq_str(out(), "aa");
    eq_int(s.world.lines, 1);
    close_stage(&s);
}

T(after_a_day_of_failures_an_alert_is_given_up)
{
    struct stage s;

    open_stage(&s, "ab", "exec:exit 1");
    parcels_tamper(s.settings.db, "UPDATE outbox SET tries = 20, since_ms = 1699913599999");
    parcels_tamper(s.settings.db, "UPDATE outbox SET since_ms = 1699913600001 WHERE rowid = 2");
    start(&s);
    results(&s, 2);
    s.parcel = parcels_sent(s.store, s.parcel, true);
    eq_str(parcels_ask(s.settings.db, OUTBOX),
           "a|21||1699913599999|1700000000000|the command ended with status 1\n"
           "b|21|1700000000500|1699913600001||the command ended with status 1");
    close_stage(&s);
}

T(an_alert_that_another_clock_put_off_for_ever_is_sent)
{
    struct stage s;

    open_stage(&s, "a", "exec:true");
    parcels_tamper(s.settings.db, "UPDATE outbox SET tries = 1, next_ms = 1900000000000");
    start(&s);
    results(&s, 1);
    close_stage(&s);
}

T(closing_does_not_wait_for_a_command_that_hangs)
{
    struct stage s;

    open_stage(&s, "a", "exec:echo x >\"$OUT\"; sleep 20");
    start(&s);
    for (int i = 0; i < 200 && !out()[0]; i++)
        sleep_ms(10);
    int64_t before = mono_ns(NULL);
    courier_close(s.courier);
    ok(mono_ns(NULL) - before < 2000000000);
    s.courier = NULL;
    close_stage(&s);
}
