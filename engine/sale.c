/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A sale as one line of JSON: how it is kept in `late`, readable by people and by our own
 * decoder, which is how it can be counted later.
 */
#include "engine/sale.h"

#include "engine/money.h"
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
