/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * shop_text: the synthetic shop's lines as NDJSON or CSV, with the field names, order and
 * habits of the UCI file: dates as M/D/YYYY H:MM, prices without trailing zeros, CSV fields
 * quoted only where they must be. A missing customer is null, or empty in CSV.
 *
 * 1. No line is longer than SHOP_TEXT_LINE_MAX: texts are at most GOODS_NAME_MAX bytes and
 *    escaping doubles them at worst.
 */
#include "commands/shop_text.h"

#include "engine/when.h"

static char *put(char *at, struct str s)
{
    memcpy(at, s.p, s.n);
    return at + s.n;
}

static char *put_number(char *at, int64_t v)
{
    char digits[24];
    size_t n = sizeof(digits);
    uint64_t rest = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;

    do {
        digits[--n] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest);
    if (v < 0)
        digits[--n] = '-';
    return put(at, (struct str){digits + n, sizeof(digits) - n});
}

static char *put_two(char *at, int64_t v)
{
    *at++ = (char)('0' + v / 10);
    *at++ = (char)('0' + v % 10);
    return at;
}

static char *put_price(char *at, int64_t milli)
{
    int64_t rest = milli < 0 ? -milli : milli;

    if (milli < 0)
        *at++ = '-';
    at = put_number(at, rest / 1000);
    rest %= 1000;
    if (rest)
        *at++ = '.';
    for (; rest; rest = rest % 100 * 10)
        *at++ = (char)('0' + rest / 100);
    return at;
}

/* Text inside JSON quotes; the shop's texts hold no control characters. */
static char *put_json(char *at, struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '"' || s.p[i] == '\\')
            *at++ = '\\';
        *at++ = s.p[i];
    }
    return at;
}

static char *put_csv(char *at, struct str s)
{
    if (!memchr(s.p, ',', s.n) && !memchr(s.p, '"', s.n))
        return put(at, s);
    *at++ = '"';
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '"')
            *at++ = '"';
        *at++ = s.p[i];
    }
    *at++ = '"';
    return at;
}

/* Writes the date anew only when it has changed: many lines share one. */
static struct str date_of(struct shop_text *t, int64_t at_ms)
{
    int64_t stamp = at_ms / (t->seconds ? WHEN_SECOND : WHEN_MINUTE);
    int64_t within = at_ms % WHEN_DAY;
    char *at = t->date;
    int year;
    int month;
    int day;

    if (stamp == t->stamp)
        return (struct str){t->date, t->date_n};
    when_civil(at_ms / WHEN_DAY, &year, &month, &day);
    at = put_number(at, month);
    *at++ = '/';
    at = put_number(at, day);
    *at++ = '/';
    at = put_number(at, year);
    *at++ = ' ';
    at = put_number(at, within / WHEN_HOUR);
    *at++ = ':';
    at = put_two(at, within / WHEN_MINUTE % 60);
    if (t->seconds) {
        *at++ = ':';
        at = put_two(at, within / WHEN_SECOND % 60);
    }
    t->stamp = stamp;
    t->date_n = (size_t)(at - t->date);
    return (struct str){t->date, t->date_n};
}

static char *put_invoice(char *at, const struct shop_line *line)
{
    if (line->letter)
        *at++ = line->letter;
    return put_number(at, line->invoice);
}

static char *put_record_id(char *at, const struct shop_text *t, const struct shop_line *line)
{
    at = put(at, STR("shop-"));
    at = put_number(at, (int64_t)t->seed);
    *at++ = '-';
    return put_number(at, line->number);
}

static char *json_line(struct shop_text *t, const struct shop_line *line, char *at)
{
    const struct recipe_line *what = &line->what;

    at = put(at, STR("{\"InvoiceNo\":\""));
    at = put_invoice(at, line);
    at = put(at, STR("\",\"StockCode\":\""));
    at = put_json(at, what->code);
    at = put(at, STR("\",\"Description\":\""));
    at = put_json(at, what->name);
    at = put(at, STR("\",\"Quantity\":"));
    at = put_number(at, what->quantity);
    at = put(at, STR(",\"InvoiceDate\":\""));
    at = put(at, date_of(t, line->at_ms));
    at = put(at, STR("\",\"UnitPrice\":"));
    at = put_price(at, what->price_milli);
    at = put(at, STR(",\"CustomerID\":"));
    at = what->customer ? put_number(at, what->customer) : put(at, STR("null"));
    at = put(at, STR(",\"Country\":\""));
    at = put_json(at, what->country);
    *at++ = '"';
    if (t->record_ids) {
        at = put(at, STR(",\"RecordID\":\""));
        at = put_record_id(at, t, line);
        *at++ = '"';
    }
    return put(at, STR("}\n"));
}

static char *csv_line(struct shop_text *t, const struct shop_line *line, char *at)
{
    const struct recipe_line *what = &line->what;

    at = put_invoice(at, line);
    *at++ = ',';
    at = put_csv(at, what->code);
    *at++ = ',';
    at = put_csv(at, what->name);
    *at++ = ',';
    at = put_number(at, what->quantity);
    *at++ = ',';
    at = put(at, date_of(t, line->at_ms));
    *at++ = ',';
    at = put_price(at, what->price_milli);
    *at++ = ',';
    if (what->customer)
        at = put_number(at, what->customer);
    *at++ = ',';
    at = put_csv(at, what->country);
    if (t->record_ids) {
        *at++ = ',';
        at = put_record_id(at, t, line);
    }
    *at++ = '\n';
    return at;
}

void shop_text_init(struct shop_text *t, bool csv, bool record_ids, uint64_t seed)
{
    *t = (struct shop_text){.csv = csv, .record_ids = record_ids, .seed = seed, .stamp = -1};
}

size_t shop_text_header(const struct shop_text *t, char *out)
{
    char *at = out;

    if (!t->csv)
        return 0;
    at = put(at, STR("InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,"
                     "Country"));
    if (t->record_ids)
        at = put(at, STR(",RecordID"));
    *at++ = '\n';
    return (size_t)(at - out);
}

size_t shop_text_line(struct shop_text *t, const struct shop_line *line, char *out)
{
    char *end = t->csv ? csv_line(t, line, out) : json_line(t, line, out);

    return (size_t)(end - out);
}
