/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/store/store.h"
#include "tests/support/parcels.h"
#include "tests/support/t.h"

#include <stdio.h>

#define DAY INT64_C(1291161600) /* 2010-12-01T00:00:00Z */

T(a_new_database_has_every_view_and_no_rows)
{
    static const char *const views[][2] = {
        {"aggregates",
         "window|dimension|key|window_start|window_end|lines|invoices|customers|units|revenue|"
         "revenue_micros|return_lines|return_units|return_revenue|return_revenue_micros|min_line|"
         "max_line|mean_line|sd_line|p50_line|p90_line|p99_line|final|version"},
        {"invoices", "invoice|customer|country|first_time|last_time|lines|units|revenue|"
                     "revenue_micros|n_customers|n_countries|score|flagged|cancels|cancelled_by"},
        {"anomalies", "id|kind|subject|state|time|invoice|customer|country|revenue|score|p_value|"
                      "rank_reason|reasons|text|feedback|feedback_by|feedback_at"},
        {"forecasts", "dimension|key|measure|horizon|window_start|made_at|predicted|lower|upper|"
                      "actual|week_ago|holt_winters"},
        {"customers", "customer|country|first_time|last_time|lines|invoices|units|revenue|"
                      "revenue_micros|return_revenue|flagged|return_revenue_micros"},
        {"rejects", "source|shard|position|reason|raw|seen_at"},
        {"late", "source|shard|position|reason|event_time|window_start|record|merged_at|seen_at"},
        {"progress", "source|shard|position|read|aggregated|late|rejected|pending|duplicates|"
                     "watermark|millis_behind|updated_at"},
    };
    const char *path = tmp_path("new.db");
    struct store *s = parcels_store(path, false);
    struct parcel *p = parcel_open();

    for (int series = 0; series < 2; series++) {
        for (size_t i = 0; i < countof(views); i++) {
            char sql[160];

            (void)snprintf(sql, sizeof(sql),
                           "SELECT group_concat(name, '|') FROM pragma_table_info('%s')",
                           views[i][0]);
            eq_str(parcels_ask(path, sql), views[i][1]);
            (void)snprintf(sql, sizeof(sql), "SELECT * FROM \"%s\"", views[i][0]);
            eq_str(parcels_ask(path, sql), "");
        }
        parcels_country_hour(p);
        p = parcels_sent(s, p, true);
    }
    parcel_close(p);
    store_close(s);
}

T(names_with_quotes_and_many_series_make_a_view_that_works)
{
    const char *path = tmp_path("many.db");
    struct store *s = parcels_store(path, false);
    struct parcel *p = parcel_open();
    char name[32];

    parcels_key(p, 1, "it's \"one\"; DROP TABLE key; --");
    for (uint16_t i = 0; i < 1024; i++) {
        (void)snprintf(name, sizeof(name), "w'\"%%s%u' --", i / 16u);
        parcels_series(p, i, name, i % 16 ? "country+'stock" : "all", 3600);
        parcels_row(p, i, DAY, 1, 1, i);
    }
    p = parcels_sent(s, p, true);
    eq_str(parcels_ask(path, "SELECT count(*), sum(revenue_micros) FROM aggregates"),
           "1024|523776");
    eq_str(parcels_ask(path, "SELECT \"window\", key, revenue_micros FROM aggregates WHERE"
                             " \"window\" = 'w''\"%s63'' --' AND revenue_micros IN (1008, 1009)"),
           "w'\"%s63' --|*|1008\nw'\"%s63' --|it's \"one\"; DROP TABLE key; --|1009");
    eq_str(parcels_ask(path, "SELECT revenue_micros FROM aggregates WHERE \"window\" ="
                             " 'w''\"%s0'' --' AND dimension = 'country+''stock' LIMIT 2"),
           "1\n2");
    parcel_close(p);
    store_close(s);
}

T(any_name_comes_back_from_the_view_as_it_was)
{
    static const char alphabet[] = "'\"%;\\-\n\xff/*Qs() \xc3\xa9[]`$?1:@";
    const char *path = tmp_path("names.db");
    struct store *s = parcels_store(path, false);
    struct parcel *p = parcel_open();
    uint64_t random = seed();
    char wanted[12000] = "";
    char *at = wanted;

    for (uint16_t i = 0; i < 300; i++) {
        char name[33];
        size_t n = 1 + rnd_below(&random, sizeof(name) - 1);

        for (size_t k = 0; k < n; k++)
            name[k] = alphabet[rnd_below(&random, sizeof(alphabet) - 1)];
        name[n] = 0;
        parcels_series(p, i, name, i % 2 ? name : "all", 3600);
        parcels_row(p, i, DAY, 0, 1, i);
        at += snprintf(at, sizeof(wanted) - (size_t)(at - wanted), "%s%s", i ? "\n" : "", name);
    }
    p = parcels_sent(s, p, true);
    eq_str(parcels_ask(path, "SELECT \"window\" FROM aggregates ORDER BY revenue_micros"), wanted);
    parcel_close(p);
    store_close(s);
}

T(books_add_customers_and_replace_invoices)
{
    const char *path = tmp_path("books.db");
    struct store *s = parcels_store(path, false);
    struct parcel *p = parcel_open();

    parcels_key(p, 1, "17850");
    parcels_key(p, 2, "United Kingdom");
    parcels_key(p, 3, "France");
    for (int i = 0; i < 2; i++) {
        struct invoice_row *v = list_add(&p->invoices);
        struct customer_row *c = list_add(&p->customers);

        *v = (struct invoice_row){.id = 7,
                                  .customer = 1,
                                  .country = 2,
                                  .first_ms = DAY * 1000,
                                  .last_ms = DAY * 1000 + 61999,
                                  .lines = 2 + i,
                                  .units = 6,
                                  .revenue = -15300000,
                                  .n_customers = 1,
                                  .n_countries = 1};
        v->text = parcels_text(p, "C536365");
        *c = (struct customer_row){.key = 1,
                                   .country = i ? 3 : 2,
                                   .first_ms = (DAY - i) * 1000,
                                   .last_ms = (DAY - i) * 1000,
                                   .lines = 2,
                                   .invoices = 1,
                                   .units = 3,
                                   .revenue = 1500000,
                                   .return_revenue = -250000};
        *(struct customer_row *)list_add(&p->customers) =
            (struct customer_row){.key = 0, .lines = 1};
        p = parcels_sent(s, p, true);
    }
    eq_str(parcels_ask(path, "SELECT * FROM invoices"),
           "C536365|17850|United Kingdom|2010-12-01T00:00:00Z|2010-12-01T00:01:01Z|3|6|-15.3|"
           "-15300000|1|1||0||");
    eq_str(parcels_ask(path, "SELECT * FROM customers"),
           "17850|United Kingdom|2010-11-30T23:59:59Z|2010-12-01T00:00:00Z|4|2|6|3|3000000|-0.5|0|"
           "-500000");
    parcel_close(p);
    store_close(s);
}

T(rejects_late_and_progress_name_their_source_and_generation)
{
    const char *path = tmp_path("flow.db");
    struct store *s = parcels_store(path, false);
    struct parcel *p = parcel_open();
    struct reject_row *r;
    struct late_row *l;
    struct progress_row *g;
    struct span raw;

    parcels_source(p, 1, "file:/a.csv");
    parcels_source(p, 2, "stdin");
    parcels_source(p, 3, "stdin");
    parcels_source(p, 2, "stdin");
    r = list_add(&p->rejects);
    *r = (struct reject_row){.source = 3, .seen_ms = 1500};
    r->shard = parcels_text(p, "0");
    r->position = parcels_text(p, "18446744073709551616");
    r->reason = parcels_text(p, "Quantity \"x\" is no number");
    ok_err(parcel_text(p, (struct str){"\xff\0", 2}, &raw));
    r->raw = raw;
    l = list_add(&p->late);
    *l = (struct late_row){.source = 1, .event_ms = -1, .slice_s = -3600, .seen_ms = 1000};
    l->shard = parcels_text(p, "0");
    l->position = parcels_text(p, "190");
    l->reason = parcels_text(p, "ahead");
    l->record = parcels_text(p, "{}");
    g = list_add(&p->progress);
    *g = (struct progress_row){.source = 2,
                               .read = 6,
                               .aggregated = 3,
                               .late = 1,
                               .rejected = 2,
                               .watermark_ms = INT64_MIN,
                               .millis_behind = -1};
    g->shard = parcels_text(p, "0");
    g->position = parcels_text(p, "007");
    p = parcels_sent(s, p, true);
    eq_str(parcels_ask(path, "SELECT source, shard, position, typeof(position), reason, hex(raw),"
                             " typeof(raw), seen_at FROM rejects"),
           "stdin#2|0|18446744073709551616|text|Quantity \"x\" is no number|FF00|blob|"
           "1970-01-01T00:00:01Z");
    eq_str(parcels_ask(path, "SELECT *, typeof(position) FROM late"),
           "file:/a.csv|0|190|ahead|1969-12-31T23:59:59Z|1969-12-31T23:00:00Z|{}||"
           "1970-01-01T00:00:01Z|integer");
    eq_str(parcels_ask(path, "SELECT *, typeof(position) FROM progress"),
           "stdin|0|007|6|3|1|2|0|0|||1970-01-01T00:00:00Z|text");
    parcel_close(p);
    store_close(s);
}
