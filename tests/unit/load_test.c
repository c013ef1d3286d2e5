/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/store/store.h"
#include "tests/support/parcels.h"
#include "tests/support/t.h"

#include <stdarg.h>
#include <stdio.h>

struct seen {
    char text[512];
};

static void note(struct seen *seen, const char *format, ...) PRINTF_LIKE(2, 3);
static void note(struct seen *seen, const char *format, ...)
{
    size_t n = strlen(seen->text);
    va_list args;

    va_start(args, format);
    (void)vsnprintf(seen->text + n, sizeof(seen->text) - n, format, args);
    va_end(args);
}

static enum err see_key(void *arg, uint32_t id, struct str text)
{
    note(arg, "%u=%.*s;", id, (int)text.n, text.p);
    return ERR_OK;
}

static enum err see_source(void *arg, const struct stored_source *src)
{
    note(arg, "%d %.*s %.*s %llx %u;", (int)src->id, (int)src->path.n, src->path.p,
         (int)src->codec.n, src->codec.p, (unsigned long long)src->head_hash, src->head_len);
    return ERR_OK;
}

static enum err see_progress(void *arg, const struct stored_progress *g)
{
    note(arg, "%d %.*s %.*s %d %d;", (int)g->source, (int)g->shard.n, g->shard.p,
         (int)g->position.n, g->position.p, (int)g->read, g->watermark_ms == INT64_MIN);
    return ERR_OK;
}

static enum err see_series(void *arg, const struct stored_series *r)
{
    note(arg, "%d %d %.*s %.*s;", r->id, r->newest, (int)r->window.n, r->window.p,
         (int)r->dimension.n, r->dimension.p);
    return ERR_OK;
}

static enum err see_ledger(void *arg, uint64_t seq, uint32_t sales, struct str data)
{
    note(arg, "%d %u %.*s;", (int)seq, sales, (int)data.n, data.p);
    return ERR_OK;
}

static enum err see_dedup(void *arg, uint64_t seq, const uint64_t hash[2], int64_t expires_ms)
{
    note(arg, "%d %llx %llx %d;", (int)seq, (unsigned long long)hash[0],
         (unsigned long long)hash[1], (int)expires_ms);
    return ERR_OK;
}

static enum err see_state(void *arg, struct str name, uint32_t version, struct str data)
{
    note(arg, "%.*s %u %.*s;", (int)name.n, name.p, version, (int)data.n, data.p);
    return ERR_OK;
}

static void fill_rest(struct parcel *p)
{
    struct progress_row *g;

    parcels_country_hour(p);
    parcels_source(p, 1, "file:/a.csv");
    g = list_add(&p->progress);
    *g = (struct progress_row){.source = 1, .read = 6, .watermark_ms = INT64_MIN};
    g->position = parcels_text(p, "42");
    for (uint64_t seq = 1; seq <= 3; seq++) {
        struct ledger_row *l = list_add(&p->ledger);
        struct dedup_row *d = list_add(&p->dedup);

        *l = (struct ledger_row){.seq = seq, .sales = 2, .data = parcels_text(p, "sales")};
        *d = (struct dedup_row){.seq = seq, .hash = {UINT64_MAX, seq}, .expires_ms = 5};
    }
    p->dedup_before = 2;
    parcels_state(p, "windows/2", 1, "two");
    parcels_state(p, "windows/1", 3, "");
    parcels_state(p, "window", 1, "other");
    parcels_state(p, "books", 1, "gone");
    parcels_state(p, "books", 1, "");
    ((struct state_row *)list_at(&p->states, 4))->gone = true;
}

T(what_was_committed_is_read_back_after_opening_again)
{
    const char *path = tmp_path("again.db");
    struct store *s = parcels_store(path, true);
    struct parcel *p = parcel_open();
    struct seen seen = {.text = ""};
    struct why why;
    struct buf meta;

    fill_rest(p);
    ok_err(store_meta_set(s, "meaning", STR("{}"), &why));
    p = parcels_sent(s, p, true);
    eq_u64(store_commits(s), 1);
    store_close(s);
    s = parcels_store(path, false);
    buf_init(&meta, 100);
    ok_err(store_each_key(s, see_key, &seen));
    ok_err(store_each_source(s, see_source, &seen));
    ok_err(store_each_progress(s, see_progress, &seen));
    ok_err(store_each_series(s, see_series, &seen));
    ok_err(store_each_ledger(s, 1, see_ledger, &seen));
    ok_err(store_each_dedup(s, see_dedup, &seen));
    ok_err(store_each_state(s, "windows/", see_state, &seen, &why));
    ok_err(store_meta(s, "meaning", &meta));
    eq_err(store_meta(s, "nothing", &meta), ERR_NOT_FOUND);
    eq_str(seen.text, "0=;1=France;2=Germany;1 file:/a.csv header ffffffffffffffff 4096;1  42 6 1;"
                      "3 0 hour country;2 2 sales;3 2 sales;2 ffffffffffffffff 2 5;"
                      "3 ffffffffffffffff 3 5;windows/1 3 ;windows/2 1 two;");
    eq_bytes(meta.p, meta.n, "{}", 2);
    buf_clear(&meta);
    parcel_close(p);
    store_close(s);
}

T(an_invoice_is_found_by_text_and_by_number)
{
    const char *path = tmp_path("invoice.db");
    struct store *s = parcels_store(path, false);
    struct parcel *p = parcel_open();
    struct invoice_row *v = list_add(&p->invoices);
    struct stored_invoice found;
    uint64_t last = 7;

    ok_err(store_last_invoice(s, &last));
    eq_u64(last, 0);
    *v = (struct invoice_row){.id = 12, .customer = 5, .lines = 3, .n_customers = 2};
    v->text = parcels_text(p, "536365");
    v->others = parcels_text(p, "more");
    p = parcels_sent(s, p, false);
    eq_err(store_invoice(s, STR("536365"), &found), ERR_NOT_FOUND);
    p = parcels_sent(s, p, true);
    ok_err(store_invoice(s, STR("536365"), &found));
    eq_u64(found.id, 12);
    eq_int(found.lines, 3);
    ok(str_eq(found.others, STR("more")));
    ok_err(store_invoice_by_id(s, 12, &found));
    ok(str_eq(found.text, STR("536365")));
    eq_int(found.n_customers, 2);
    eq_err(store_invoice_by_id(s, 13, &found), ERR_NOT_FOUND);
    ok_err(store_last_invoice(s, &last));
    eq_u64(last, 12);
    parcel_close(p);
    store_close(s);
}

T(damaged_state_is_refused_by_name)
{
    static const char *const harm[] = {
        "UPDATE state SET data = \"twp\" WHERE name = \"windows/2\"",
        "UPDATE state SET version = 2 WHERE name = \"windows/2\"",
        "UPDATE state SET name = \"windows/2\" WHERE name = \"window\"",
    };
    struct seen seen = {.text = ""};

    for (size_t i = 0; i < countof(harm); i++) {
        char name[32];
        const char *path;
        struct store *s;
        struct parcel *p = parcel_open();
        struct why why = {.text = ""};

        (void)snprintf(name, sizeof(name), "harm%zu.db", i);
        path = tmp_path(name);
        s = parcels_store(path, false);
        parcels_state(p, i == 2 ? "window" : "windows/2", 1, "two");
        p = parcels_sent(s, p, true);
        store_close(s);
        parcels_tamper(path, harm[i]);
        s = parcels_store(path, false);
        eq_err(store_each_state(s, "windows/", see_state, &seen, &why), ERR_DAMAGED);
        ok(strstr(why.text, "windows/2") != NULL);
        parcel_close(p);
        store_close(s);
    }
}
