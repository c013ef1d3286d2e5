/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * parcels: see the header.
 */
#include "tests/support/parcels.h"
#include "tests/support/t.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static void *or_die(void *p)
{
    if (!p)
        abort();
    return p;
}

struct span parcels_text(struct parcel *p, const char *text)
{
    struct span at = {0, 0};

    if (parcel_text(p, str_of(text), &at))
        abort();
    return at;
}

struct series_row *parcels_series(struct parcel *p, uint16_t id, const char *window,
                                  const char *dimension, int64_t span_s)
{
    struct series_row *r = or_die(list_add(&p->series));

    r->id = id;
    r->window = parcels_text(p, window);
    r->dimension = parcels_text(p, dimension);
    r->span_s = span_s;
    r->delete_before_s = INT64_MIN;
    return r;
}

void parcels_key(struct parcel *p, uint32_t id, const char *text)
{
    struct key_row *r = or_die(list_add(&p->keys));

    r->id = id;
    r->text = parcels_text(p, text);
}

struct agg_row *parcels_row(struct parcel *p, uint16_t series, int64_t start_s, uint32_t key,
                            int64_t lines, int64_t revenue)
{
    struct agg_row *r = or_die(list_add(&p->rows));

    r->series = series;
    r->op = ROW_PUT;
    r->key = key;
    r->start_s = start_s;
    r->end_s = start_s + 3600;
    r->lines = lines;
    r->invoices = r->customers = 1;
    r->units = lines;
    r->revenue = revenue;
    r->min = r->max = r->p50 = r->p90 = r->p99 = revenue / (lines ? lines : 1);
    return r;
}

void parcels_state(struct parcel *p, const char *name, uint32_t version, const char *data)
{
    struct state_row *r = or_die(list_add(&p->states));

    r->name = parcels_text(p, name);
    r->version = version;
    r->data = parcels_text(p, data);
}

struct answer {
    char text[16384];
    size_t n;
};

static void add(struct answer *a, const char *text, size_t n)
{
    if (a->n + n >= sizeof(a->text))
        abort();
    memcpy(a->text + a->n, text, n);
    a->n += n;
    a->text[a->n] = 0;
}

static enum err add_row(void *arg, int n, const char *const *names, const struct value *values)
{
    struct answer *a = arg;
    char number[64];

    (void)names;
    if (a->n)
        add(a, "\n", 1);
    for (int i = 0; i < n; i++) {
        const struct value *v = &values[i];

        if (i)
            add(a, "|", 1);
        if (v->kind == VALUE_TEXT)
            add(a, v->text.p, v->text.n);
        if (v->kind == VALUE_WHOLE)
            add(a, number, (size_t)snprintf(number, sizeof(number), "%" PRId64, v->whole));
        if (v->kind == VALUE_REAL)
            add(a, number, (size_t)snprintf(number, sizeof(number), "%.15g", v->real));
    }
    return ERR_OK;
}

const char *parcels_ask(const char *path, const char *sql)
{
    static struct answer a;
    struct question q = {.sql = sql};
    struct reader_db *r = NULL;
    struct why why = {.text = ""};
    enum err e;

    a.n = 0;
    a.text[0] = 0;
    e = reader_db_open(env_real(), path, 0, &r, &why);
    if (!e)
        e = reader_db_ask(r, &q, add_row, &a, &why);
    reader_db_close(r);
    if (e) {
        add(&a, "error: ", 7);
        add(&a, why.text, strlen(why.text));
    }
    return a.text;
}

struct store *parcels_store(const char *path, bool helper)
{
    struct store_options o = {.path = path, .helper = helper, .env = env_real()};
    struct store *s = NULL;
    struct why why = {.text = ""};

    if (store_open(&o, &s, &why))
        fail("store_open: %s", why.text);
    return s;
}

enum err parcels_open_error(const char *path, struct why *why)
{
    struct store_options o = {.path = path, .env = env_real()};
    struct store *s = NULL;
    enum err e = store_open(&o, &s, why);

    store_close(s);
    return e;
}

struct parcel *parcels_sent(struct store *s, struct parcel *p, bool commit)
{
    struct why why = {.text = ""};

    p->commit = commit;
    if (store_send(s, &p, &why) || store_wait(s, &why))
        fail("store_send: %s", why.text);
    return p ? p : parcel_open();
}

void parcels_country_hour(struct parcel *p)
{
    parcels_series(p, 3, "hour", "country", 3600);
    parcels_key(p, 1, "France");
    parcels_key(p, 2, "Germany");
}

void parcels_source(struct parcel *p, int64_t id, const char *path)
{
    struct source_row *r = list_add(&p->sources);

    r->id = id;
    r->path = parcels_text(p, path);
    r->codec = parcels_text(p, "header");
    r->head_hash = UINT64_MAX;
    r->head_len = 4096;
}

void parcels_tamper(const char *path, const char *sql)
{
    char command[600];

    (void)snprintf(command, sizeof(command),
                   "python3 -c 'import sqlite3, sys\n"
                   "c = sqlite3.connect(sys.argv[1])\n"
                   "c.executescript(sys.argv[2])' '%s' '%s'",
                   path, sql);
    if (system(command))
        skip("python3 with sqlite3 is not here");
}
