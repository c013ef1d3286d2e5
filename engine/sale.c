/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A sale as one line of JSON: how it is kept in `late`, readable by people, and by sale_parse,
 * so that it can be counted later whatever the settings call the fields by then.
 */
#include "engine/sale.h"

#include "engine/money.h"
#include "engine/parcel.h"
#include "engine/when.h"

#include <inttypes.h>

static enum err json_text(struct buf *out, const char *name, struct str text)
{
    enum err e = buf_printf(out, "\"%s\":\"", name);

    for (size_t i = 0; !e && i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        if (c == '"' || c == '\\')
            e = buf_printf(out, "\\%c", c);
        else if (c < 0x20)
            e = buf_printf(out, "\\u%04x", c);
        else
            e = buf_add(out, text.p + i, 1);
    }
    return e ? e : buf_text(out, "\",");
}

enum err sale_json(const struct sale *s, struct buf *out)
{
    char when[WHEN_TEXT], price[MONEY_TEXT];
    int64_t ms = s->time_ms % WHEN_SECOND;
    enum err e = buf_text(out, "{");

    if (!e)
        e = json_text(out, "InvoiceNo", s->invoice);
    if (!e && s->stock.n)
        e = json_text(out, "StockCode", s->stock);
    if (!e && s->customer.n)
        e = json_text(out, "CustomerID", s->customer);
    if (!e && s->country.n)
        e = json_text(out, "Country", s->country);
    if (!e && s->record_id.n)
        e = json_text(out, "RecordID", s->record_id);
    (void)money_format(s->price, 0, price);
    size_t n = when_format(s->time_ms, when);
    if (!e)
        e = buf_printf(out, "\"Quantity\":%" PRId64 ",\"UnitPrice\":%s,\"InvoiceDate\":\"%.*s",
                       s->quantity, price, (int)n - 1, when);
    if (!e && ms)
        e = buf_printf(out, ".%03d", (int)(ms < 0 ? ms + WHEN_SECOND : ms));
    return e ? e : buf_text(out, "Z\"}");
}

/* ---- reading back ---- */

enum member { INVOICE, STOCK, CUSTOMER, COUNTRY, RECORD_ID, QUANTITY, PRICE, DATE, MEMBERS };

static const char *const member_names[MEMBERS] = {
    "InvoiceNo", "StockCode", "CustomerID", "Country",
    "RecordID",  "Quantity",  "UnitPrice",  "InvoiceDate",
};

/* A line on its way in. */
struct parse {
    const char *p, *end;
    struct buf *texts;
    struct span value[MEMBERS]; /* in texts */
    bool bad;
};

static void expect(struct parse *in, char c)
{
    if (in->p < in->end && *in->p == c)
        in->p++;
    else
        in->bad = true;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* What follows a backslash: '"', a backslash or u00XX. */
static char escaped(struct parse *in)
{
    char c = '\0';

    if (in->p < in->end)
        c = *in->p++;

    if (c == '"' || c == '\\')
        return c;
    if (c != 'u' || in->end - in->p < 4 || in->p[0] != '0' || in->p[1] != '0' ||
        hex_digit(in->p[2]) < 0 || hex_digit(in->p[3]) < 0) {
        in->bad = true;
        return '\0';
    }
    c = (char)(hex_digit(in->p[2]) * 16 + hex_digit(in->p[3]));
    in->p += 4;
    return c;
}

static enum err parse_text(struct parse *in, struct span *out)
{
    size_t at = in->texts->n;
    enum err e = ERR_OK;

    expect(in, '"');
    while (!e && !in->bad && in->p < in->end && *in->p != '"') {
        char c = *in->p++;
        if (c == '\\')
            c = escaped(in);
        e = buf_add(in->texts, &c, 1);
    }
    expect(in, '"');
    *out = (struct span){(uint32_t)at, (uint32_t)(in->texts->n - at)};
    return e;
}

static enum err parse_number(struct parse *in, struct span *out)
{
    size_t at = in->texts->n;
    const char *from = in->p;

    while (in->p < in->end && *in->p != ',' && *in->p != '}')
        in->p++;
    *out = (struct span){(uint32_t)at, (uint32_t)(in->p - from)};
    return buf_add(in->texts, from, (size_t)(in->p - from));
}

static struct str text_at(const struct buf *texts, struct span at)
{
    return (struct str){at.n ? texts->p + at.at : "", at.n};
}

static enum err parse_member(struct parse *in)
{
    struct span name = {0, 0}, value = {0, 0};
    enum err e = parse_text(in, &name);
    int i = 0;

    expect(in, ':');
    while (i < MEMBERS && !str_eq(str_of(member_names[i]), text_at(in->texts, name)))
        i++;
    if (!e && (i == MEMBERS || in->bad || in->p == in->end || in->value[i].n))
        e = ERR_DAMAGED;
    if (!e)
        e = *in->p == '"' ? parse_text(in, &value) : parse_number(in, &value);
    if (!e)
        in->value[i] = value;
    return e;
}

static enum err fill_sale(const struct parse *in, struct sale *out)
{
    const struct when_rules rules = {.order = WHEN_MDY};
    struct str text[MEMBERS];
    bool good;

    for (int i = 0; i < MEMBERS; i++)
        text[i] = text_at(in->texts, in->value[i]);
    *out = (struct sale){.invoice = text[INVOICE],
                         .stock = text[STOCK],
                         .customer = text[CUSTOMER],
                         .country = text[COUNTRY],
                         .record_id = text[RECORD_ID]};
    good = out->invoice.n && !money_parse_whole(text[QUANTITY], '.', &out->quantity) &&
           !money_parse(text[PRICE], '.', &out->price) &&
           !money_times(out->quantity, out->price, &out->value) &&
           !when_parse(text[DATE], &rules, &out->time_ms);
    return good ? ERR_OK : ERR_DAMAGED;
}

enum err sale_parse(struct str json, struct buf *texts, struct sale *out)
{
    struct parse in = {.p = json.p, .end = json.p + json.n, .texts = texts};
    enum err e = ERR_OK;

    texts->n = 0;
    expect(&in, '{');
    while (!e && !in.bad) {
        e = parse_member(&in);
        if (e || in.p == in.end || *in.p != ',')
            break;
        in.p++;
    }
    expect(&in, '}');
    if (!e && (in.bad || in.p != in.end))
        e = ERR_DAMAGED;
    return e ? e : fill_sale(&in, out);
}
