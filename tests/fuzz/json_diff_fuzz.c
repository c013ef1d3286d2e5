/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * json_diff_fuzz: the readers of a JSON record against cJSON. A first object teaches the fast
 * reader a shape; the second is then read by it, by json_hot_take and by json_tree_read
 * (cJSON), and all that can read it must give the same sale, or the same reject. What
 * json_check accepts cJSON must accept, with the members in the same order and of the same
 * kind.
 *
 * The input is the two objects, one after the other. Byte 0 chooses settings.
 */
#include "connectors/json_parts.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void demand(bool holds, const char *what, struct str text)
{
    if (!holds) {
        (void)fprintf(stderr, "%s: %.*s\n", what, (int)text.n, text.p);
        abort();
    }
}

struct world {
    struct settings settings;
    struct codec_fields fields;
    struct json_object object;
    struct json_hot hot;
    struct codec_record taken, tree;
    struct sales a, b;
};

static bool same_sale(const struct sale *a, const struct sale *b)
{
    return a->time_ms == b->time_ms && a->quantity == b->quantity && a->price == b->price &&
           a->value == b->value && str_eq(a->invoice, b->invoice) && str_eq(a->stock, b->stock) &&
           str_eq(a->customer, b->customer) && str_eq(a->country, b->country) &&
           str_eq(a->record_id, b->record_id) && a->length == b->length;
}

/* Both records make the same sale or the same reject. */
static void same(struct world *w, const struct codec_record *a, const struct codec_record *b,
                 struct str text)
{
    sales_reset(&w->a);
    demand(!codec_add(&w->fields, a, text, 0, &w->a), "out of memory", text);
    demand(!codec_add(&w->fields, b, text, 0, &w->b), "out of memory", text);
    demand(w->a.n == w->b.n && w->a.n_rejects == w->b.n_rejects, "sale or reject", text);
    demand(w->a.n + w->a.n_rejects == 1, "exactly one of them", text);
    if (w->a.n) {
        demand(same_sale(&w->a.sale[0], &w->b.sale[0]), "another sale", text);
    } else {
        demand(strcmp(w->a.reject[0].reason, w->b.reject[0].reason) == 0, w->a.reject[0].reason,
               text);
    }
}

static enum json_state check(struct world *w, struct str text)
{
    enum json_state state = json_check(text, &w->object);
    if (state == JSON_WHOLE) {
        struct str exact = {text.p, w->object.length};
        demand(w->object.length <= text.n, "longer than the text", text);
        demand(json_check(exact, &w->object) == JSON_WHOLE, "depends on what follows", text);
        exact.n--;
        demand(json_check(exact, &w->object) == JSON_SHORT, "whole too early", text);
        json_check(text, &w->object);
    }
    return state;
}

/* Reads the object at the front of `text` in every way. */
static void read_all(struct world *w, struct str text)
{
    size_t hot = json_hot_read(&w->hot, text.p, text.p + text.n);
    enum json_state state = check(w, text);
    demand(!hot || (state == JSON_WHOLE && hot == w->object.length), "read what is none", text);
    if (state != JSON_WHOLE) {
        return;
    }
    text.n = w->object.length;
    sales_reset(&w->b);
    demand(!json_tree_read(&w->fields, text, &w->object, &w->b, &w->tree), "cJSON refused", text);
    if (hot) {
        same(w, &w->hot.record, &w->tree, text);
        sales_reset(&w->b);
        demand(!json_tree_read(&w->fields, text, &w->object, &w->b, &w->tree), "cJSON", text);
    }
    if (json_hot_take(&w->fields, &w->object, &w->taken)) {
        same(w, &w->taken, &w->tree, text);
    }
}

static void teach(struct world *w, struct str text)
{
    if (json_hot_take(&w->fields, &w->object, &w->taken)) {
        json_hot_learn(&w->hot, &w->fields, (struct str){text.p, w->object.length}, &w->object);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct world w; /* made once, for speed */
    if (n < 2 || n > SALE_RAW_MAX || data[1] != '{') {
        return 0;
    }
    struct str text = {(const char *)data + 1, n - 1};
    if (!w.settings.db && settings_init(&w.settings)) {
        return 0;
    }
    w.hot.n = 0;
    w.settings.encoding = data[0] & 1 ? ENCODING_LATIN1 : ENCODING_UTF8;
    w.settings.decimal_point[0] = data[0] & 2 ? ',' : '.';
    demand(!codec_fields_open(&w.fields, &w.settings, NULL), "out of memory", text);
    read_all(&w, text);
    if (json_check(text, &w.object) == JSON_WHOLE) {
        teach(&w, text);
        read_all(&w, text);
        text.p += w.object.length;
        text.n -= w.object.length;
        if (text.n && *text.p == '{') {
            read_all(&w, text);
        }
    }
    codec_fields_close(&w.fields);
    return 0;
}
