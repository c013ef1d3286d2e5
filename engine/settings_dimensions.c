/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * settings_dimensions: lists of dimensions.
 *
 * The idea: there are few dimensions in all, so they stand in a table, and a list of them is
 * also a set of bits. A window remembers its list as such bits, which mean the same however
 * the setting "dimensions" changes later; settings_check turns them into places in it.
 */
#include "engine/nearest.h"
#include "engine/settings_table.h"

#include <stdio.h>

static const struct dimension known[] = {
    {"all", {FIELD_CUSTOMER, FIELD_CUSTOMER}, 0},
    {"customer", {FIELD_CUSTOMER, FIELD_CUSTOMER}, 1},
    {"country", {FIELD_COUNTRY, FIELD_COUNTRY}, 1},
    {"stock_code", {FIELD_STOCK, FIELD_STOCK}, 1},
    {"customer+country", {FIELD_CUSTOMER, FIELD_COUNTRY}, 2},
    {"customer+stock_code", {FIELD_CUSTOMER, FIELD_STOCK}, 2},
    {"country+customer", {FIELD_COUNTRY, FIELD_CUSTOMER}, 2},
    {"country+stock_code", {FIELD_COUNTRY, FIELD_STOCK}, 2},
    {"stock_code+customer", {FIELD_STOCK, FIELD_CUSTOMER}, 2},
    {"stock_code+country", {FIELD_STOCK, FIELD_COUNTRY}, 2},
};

_Static_assert(countof(known) <= SETTINGS_DIMENSIONS_MAX, "a list of all of them must fit");

const struct dimension *settings_dimensions_known(int i)
{
    return i >= 0 && (size_t)i < countof(known) ? &known[i] : NULL;
}

const struct dimension *settings_dimension(const char *name)
{
    for (size_t i = 0; i < countof(known); i++)
        if (strcmp(known[i].name, name) == 0)
            return &known[i];
    return NULL;
}

uint32_t settings_dimensions_bit(const struct dimension *d)
{
    for (size_t i = 0; i < countof(known); i++)
        if (strcmp(known[i].name, d->name) == 0)
            return 1u << i;
    return 0;
}

static enum err unknown(const struct setting_input *in, struct str name)
{
    struct nearest near = nearest_to(name);
    char hint[NEAREST_HINT];

    for (size_t i = 0; i < countof(known); i++)
        nearest_offer(&near, known[i].name);
    return settings_value_refuse(
        in,
        "there is no dimension \"%.*s\"%s; give all, customer, country, stock_code, or two "
        "different ones of the last three joined by +",
        (int)(name.n < 64 ? name.n : 64), name.p, nearest_hint(&near, hint));
}

static enum err add_name(const struct setting_input *in, struct str name, struct dimension *list,
                         int *n, uint32_t *named)
{
    size_t i = 0;

    while (i < countof(known) && !str_eq(str_of(known[i].name), name))
        i++;
    if (i == countof(known))
        return unknown(in, name);
    if (*named >> i & 1)
        return settings_value_refuse(in, "%s is in the list twice", known[i].name);
    *named |= 1u << i;
    list[(*n)++] = known[i];
    return ERR_OK;
}

/* "all,country" */
static enum err put_plain(const struct setting_input *in, struct dimension *list, int *n,
                          uint32_t *named)
{
    const char *p = in->text;
    enum err e = ERR_OK;

    while (!e) {
        size_t length = strcspn(p, ",");

        e = add_name(in, (struct str){p, length}, list, n, named);
        p += length;
        if (!*p)
            break;
        p++;
    }
    return e;
}

static enum err put_json(const struct setting_input *in, struct dimension *list, int *n,
                         uint32_t *named)
{
    enum err e = ERR_OK;

    if (json_type(in->value) != JSON_LIST)
        return settings_value_refuse(in, "wants a list such as [\"all\", \"country\"], not %s",
                                     json_type_text(json_type(in->value)));
    for (const struct json *v = json_first(in->value); v && !e; v = json_next(v)) {
        struct setting_input item = *in;

        item.value = v;
        if (json_type(v) != JSON_TEXT)
            return settings_value_refuse(&item, "wants names of dimensions, not %s",
                                         json_type_text(json_type(v)));
        e = add_name(&item, str_of(json_text(v)), list, n, named);
    }
    if (!e && *n == 0)
        e = settings_value_refuse(in, "is empty; name at least one dimension");
    return e;
}

enum err settings_dimensions_put(const struct setting_input *in, struct dimension *list, int *n,
                                 uint32_t *named)
{
    *n = 0;
    *named = 0;
    return in->value ? put_json(in, list, n, named) : put_plain(in, list, n, named);
}

enum err settings_dimensions_print(const struct settings *s, struct buf *out)
{
    enum err e = buf_u8(out, '[');

    for (int i = 0; !e && i < s->n_dimensions; i++)
        e = buf_printf(out, "%s\"%s\"", i ? ", " : "", s->dimension[i].name);
    return e ? e : buf_u8(out, ']');
}
