/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * codec: from the texts of a record's fields to a sale, or to a reject that says why not.
 *
 * The idea: the codecs only find fields and give each a role; all meaning is here, so that
 * JSON and CSV agree. Common short forms (6, 2.55, the date of the line before) are read in
 * line; every other form goes to the general parsers of engine/money.h and engine/when.h,
 * which accept a superset and give the same results.
 *
 * The rules:
 *   - InvoiceNo, Quantity, InvoiceDate and UnitPrice are required, not empty.
 *   - Keys are byte-exact, valid UTF-8 without NUL, at most SALE_TEXT_MAX bytes (RecordID:
 *     SALE_RECORD_ID_MAX). A number given as a key keeps its text.
 *   - CustomerID: 17850.0 is 17850, also as text, and any JSON number that is whole (1.785e4)
 *     is written as an integer; "NaN" and "nan" are a missing customer.
 *   - Spaces and tabs around numbers and dates do not count.
 *   - JSON numbers have a decimal point, texts the configured one.
 *
 * Invariants:
 *   (1) codec_add adds exactly one sale or one reject, or nothing with ERR_NOMEM.
 *   (2) Whatever bytes a record holds, a reason is printable ASCII.
 */
#include "connectors/codec.h"

#include "engine/money.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* Bytes of a bad value that a reason shows. */
#define SHOWN_MAX 40

static const char *const known_name[CODEC_ROLES] = {
    [CODEC_INVOICE] = "Invoice",
    [CODEC_CUSTOMER] = "Customer ID",
    [CODEC_PRICE] = "Price",
};
static const char *const default_name[CODEC_ROLES] = {
    [CODEC_INVOICE] = "InvoiceNo",
    [CODEC_CUSTOMER] = "CustomerID",
    [CODEC_PRICE] = "UnitPrice",
};

enum err codec_fields_open(struct codec_fields *f, const struct settings *settings, struct why *why)
{
    const char *names[CODEC_ROLES] = {
        [CODEC_INVOICE] = settings->fields.invoice,
        [CODEC_STOCK] = settings->fields.stock,
        [CODEC_CUSTOMER] = settings->fields.customer,
        [CODEC_COUNTRY] = settings->fields.country,
        [CODEC_RECORD_ID] = settings->fields.record_id,
        [CODEC_QUANTITY] = settings->fields.quantity,
        [CODEC_DATE] = settings->fields.date,
        [CODEC_PRICE] = settings->fields.price,
    };
    size_t total = 0;
    for (int i = 0; i < CODEC_ROLES; i++) {
        total += strlen(names[i]);
    }
    *f = (struct codec_fields){.point = settings->decimal_point[0],
                               .latin1 = settings->encoding == ENCODING_LATIN1,
                               .max_record = (size_t)settings->max_record,
                               .names = malloc(total + 1)};
    if (!f->names) {
        return ERR_NOMEM;
    }
    char *to = f->names;
    for (int i = 0; i < CODEC_ROLES; i++) {
        f->name[i] = (struct str){to, strlen(names[i])};
        memcpy(to, names[i], f->name[i].n);
        to += f->name[i].n;
        if (default_name[i] && strcmp(default_name[i], names[i]) == 0) {
            f->known[i] = str_of(known_name[i]);
        }
    }
    enum err e = zone_open(settings->timezone, &f->zone, why);
    if (e) {
        free(f->names);
        *f = (struct codec_fields){0};
        return e;
    }
    f->rules = (struct when_rules){settings->date_order, f->zone};
    return ERR_OK;
}

void codec_fields_close(struct codec_fields *f)
{
    zone_close(f->zone);
    free(f->names);
    *f = (struct codec_fields){0};
}

/* Names differ early: most comparisons end at the length or the first byte. */
static bool is_name(struct str a, struct str b)
{
    return a.n == b.n && a.n > 0 && a.p[0] == b.p[0] && memcmp(a.p, b.p, a.n) == 0;
}

enum codec_role codec_role(const struct codec_fields *f, struct str name, bool *known)
{
    for (int i = 0; i < CODEC_ROLES; i++) {
        *known = is_name(f->known[i], name);
        if (*known || is_name(f->name[i], name)) {
            return (enum codec_role)i;
        }
    }
    *known = false;
    return CODEC_OTHER;
}

bool codec_claim(struct codec_record *r, unsigned *taken, enum codec_role role, bool known)
{
    unsigned bit = 1U << role;
    bool weaker = (*taken & bit) != 0 && (known || (r->known & bit) == 0);
    if (role == CODEC_OTHER || weaker) {
        return false;
    }
    *taken |= bit;
    r->known = known ? r->known | bit : r->known & ~bit;
    return true;
}

/* ---- text ---- */

/* The length of the UTF-8 sequence at p, 0 if it is not well-formed. */
static size_t utf8_step(const unsigned char *p, size_t n)
{
    static const struct {
        unsigned char first, last, low, high; /* of the first byte; of the second */
        size_t length;
    } forms[] = {
        {0x01, 0x7f, 0, 0, 1},       {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
        {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
        {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
    };
    size_t i = 0;
    while (i < countof(forms) && (p[0] < forms[i].first || p[0] > forms[i].last)) {
        i++;
    }
    if (i == countof(forms) || forms[i].length > n) {
        return 0;
    }
    if (forms[i].length > 1 && (p[1] < forms[i].low || p[1] > forms[i].high)) {
        return 0;
    }
    for (size_t k = 2; k < forms[i].length; k++) {
        if ((p[k] & 0xc0) != 0x80) {
            return 0;
        }
    }
    return forms[i].length;
}

bool codec_utf8(struct str text)
{
    const unsigned char *p = (const unsigned char *)text.p;
    size_t at = 0;
    while (at < text.n) {
        size_t step = utf8_step(p + at, text.n - at);
        if (step == 0) {
            return false;
        }
        at += step;
    }
    return true;
}

size_t codec_latin1(struct str text, char *to)
{
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        if (c >= 0x80) {
            to[n++] = (char)(0xc0 | c >> 6);
            c = 0x80 | (c & 0x3f);
        }
        to[n++] = (char)c;
    }
    return n;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static struct str trimmed(struct str t)
{
    while (t.n > 0 && is_blank(t.p[0])) {
        t.p++;
        t.n--;
    }
    while (t.n > 0 && is_blank(t.p[t.n - 1])) {
        t.n--;
    }
    return t;
}

/* ---- rejects ---- */

/* The record at hand. What reads a part of it returns REJECTED when it rejected it. */
struct job {
    struct codec_fields *f;
    const struct codec_record *r;
    struct str raw;
    uint64_t offset;
    struct sales *out;
};

#define REJECTED ERR_INVALID

/* The first characters of `t`, what is not printable ASCII as '?'. Of text that was converted
 * from Latin-1 (`utf8`) the two bytes of a character are one. */
static void show(struct str t, bool utf8, char shown[SHOWN_MAX + 4])
{
    size_t n = 0, i = 0;
    for (; i < t.n && n < SHOWN_MAX; i++) {
        bool printable = t.p[i] >= 0x20 && t.p[i] < 0x7f;
        shown[n] = t.p[i];
        if (!printable) {
            shown[n] = '?';
        }
        n++;
        i += utf8 && (unsigned char)t.p[i] >= 0xc0;
    }
    memcpy(shown + n, i < t.n ? "..." : "", i < t.n ? 4 : 1);
}

static void name_of(const struct job *j, enum codec_role role, char shown[SHOWN_MAX + 4])
{
    bool known = (j->r->known >> role & 1) != 0;
    show(known ? j->f->known[role] : j->f->name[role], false, shown);
}

/* Rejects the record for what is wrong with the field as a whole: "InvoiceNo is missing". */
static enum err reject_field(struct job *j, enum codec_role role, const char *what)
{
    char name[SHOWN_MAX + 4];
    name_of(j, role, name);
    enum err e = sales_reject(j->out, j->offset, j->raw, "%s %s", name, what);
    return e ? e : REJECTED;
}

/* ... for its value: Quantity is "6.5": not a whole number. */
static enum err reject_value(struct job *j, enum codec_role role, const char *what)
{
    char name[SHOWN_MAX + 4], value[SHOWN_MAX + 4];
    name_of(j, role, name);
    show(j->r->text[role], j->r->utf8, value);
    enum err e = sales_reject(j->out, j->offset, j->raw, "%s is \"%s\": %s", name, value, what);
    return e ? e : REJECTED;
}

/* A second header, as when files were joined, deserves its own words. */
static bool is_header(const struct job *j)
{
    int roles = 0, same = 0;
    for (int i = 0; i < CODEC_ROLES; i++) {
        bool known;
        roles += j->r->value[i] == CODEC_TEXT && j->r->text[i].n != 0;
        same += j->r->value[i] == CODEC_TEXT && j->r->text[i].n != 0 &&
                (int)codec_role(j->f, j->r->text[i], &known) == i;
    }
    return same >= 4 && same == roles;
}

/* ---- numbers and dates ---- */

/* 6, -6: at most 9 digits. */
static bool quick_whole(struct str t, int64_t *whole)
{
    size_t i = t.n > 0 && t.p[0] == '-';
    int64_t v = 0;
    if (t.n == i || t.n - i > 9) {
        return false;
    }
    bool minus = i == 1;
    for (; i < t.n; i++) {
        unsigned digit = (unsigned)(unsigned char)t.p[i] - '0';
        if (digit > 9) {
            return false;
        }
        v = v * 10 + (int64_t)digit;
    }
    *whole = minus ? -v : v;
    return true;
}

/* 2, 2.55: no sign, at most 9 digits in all and 6 of them decimals. */
static bool quick_money(struct str t, char point, int64_t *micros)
{
    static const int64_t scale[] = {1000000, 100000, 10000, 1000, 100, 10, 1};
    int64_t v = 0;
    size_t point_at = t.n;
    if (t.n == 0 || t.n > 10) {
        return false;
    }
    for (size_t i = 0; i < t.n; i++) {
        unsigned digit = (unsigned)(unsigned char)t.p[i] - '0';
        bool is_point = t.p[i] == point && point_at == t.n && i > 0;
        if (digit > 9 && !is_point) {
            return false;
        }
        point_at = is_point ? i : point_at;
        v = is_point ? v : v * 10 + (int64_t)digit;
    }
    size_t decimals = point_at == t.n ? 0 : t.n - point_at - 1;
    if (decimals > 6 || t.n - (point_at != t.n) > 9 || point_at + 1 == t.n) {
        return false;
    }
    *micros = v * scale[decimals];
    return true;
}

static char point_of(const struct job *j, enum codec_role role)
{
    if (j->r->value[role] == CODEC_NUMBER) {
        return '.';
    }
    return j->f->point;
}

static enum err read_quantity(struct job *j, struct sale *sale)
{
    struct str t = j->r->text[CODEC_QUANTITY];
    if (quick_whole(t, &sale->quantity)) {
        return ERR_OK;
    }
    enum err e = money_parse_whole(trimmed(t), point_of(j, CODEC_QUANTITY), &sale->quantity);
    if (!e) {
        return ERR_OK;
    }
    return reject_value(j, CODEC_QUANTITY, e == ERR_LIMIT ? "too large" : "not a whole number");
}

static enum err read_price(struct job *j, struct sale *sale)
{
    struct str t = j->r->text[CODEC_PRICE];
    char point = point_of(j, CODEC_PRICE);
    if (quick_money(t, point, &sale->price)) {
        return ERR_OK;
    }
    enum err e = money_parse(trimmed(t), point, &sale->price);
    if (!e) {
        return ERR_OK;
    }
    if (e == ERR_LIMIT) {
        return reject_value(j, CODEC_PRICE, "too large");
    }
    return reject_value(j, CODEC_PRICE,
                        point == ','
                            ? "not a decimal number of at most 6 places with a decimal comma"
                            : "not a decimal number of at most 6 places with a decimal point");
}

static enum err read_date(struct job *j, struct sale *sale)
{
    struct codec_fields *f = j->f;
    struct str t = j->r->text[CODEC_DATE];
    if (str_eq(t, (struct str){f->date, f->date_n})) {
        sale->time_ms = f->date_ms;
        return ERR_OK;
    }
    enum err e = when_parse(trimmed(t), &f->rules, &sale->time_ms);
    if (e == ERR_LIMIT) {
        return reject_value(j, CODEC_DATE, "outside the years 1900 to 2199");
    }
    if (e) {
        return reject_value(
            j, CODEC_DATE,
            f->rules.order == WHEN_MDY
                ? "not a date (M/D/YYYY H:MM, ISO 8601 or epoch; date_order is mdy)"
                : "not a date (D/M/YYYY H:MM, ISO 8601 or epoch; date_order is dmy)");
    }
    if (t.n <= sizeof(f->date)) {
        memcpy(f->date, t.p, t.n);
        f->date_n = t.n;
        f->date_ms = sale->time_ms;
    }
    return ERR_OK;
}

/* ---- keys ---- */

/* 17850.0 without what follows 17850; any other text as it is. */
static struct str without_zero_decimals(struct str t)
{
    size_t n = t.n;
    while (n > 0 && t.p[n - 1] == '0') {
        n--;
    }
    if (n == t.n || n < 2 || t.p[n - 1] != '.') {
        return t;
    }
    for (size_t i = 0; i + 1 < n; i++) {
        if (t.p[i] < '0' || t.p[i] > '9') {
            return t;
        }
    }
    return (struct str){t.p, n - 1};
}

/* The one text of a whole JSON number that has a fraction or an exponent. */
static enum err whole_number(struct job *j, struct str *t)
{
    bool exponent = memchr(t->p, 'e', t->n) || memchr(t->p, 'E', t->n);
    bool odd = exponent || (t->p[0] == '-' && memchr(t->p, '.', t->n));
    int64_t whole;
    if (!odd || money_parse_whole(*t, '.', &whole)) {
        return ERR_OK;
    }
    char *text = sales_text(j->out, 24);
    if (!text) {
        return ERR_NOMEM;
    }
    int n = snprintf(text, 24, "%" PRId64, whole);
    *t = (struct str){text, (size_t)n};
    return ERR_OK;
}

static enum err read_customer(struct job *j, struct sale *sale)
{
    struct str *t = &sale->customer;
    if (t->n == 0) {
        return ERR_OK;
    }
    if (t->n == 3 && (memcmp(t->p, "NaN", 3) == 0 || memcmp(t->p, "nan", 3) == 0)) {
        t->n = 0;
        return ERR_OK;
    }
    *t = without_zero_decimals(*t);
    return j->r->value[CODEC_CUSTOMER] == CODEC_NUMBER ? whole_number(j, t) : ERR_OK;
}

/* Makes UTF-8 of a key that is not known to be plain ASCII, or rejects it. */
static enum err encode(struct job *j, enum codec_role role, struct str *t)
{
    if (j->f->latin1 && !j->r->utf8) {
        char *text = sales_text(j->out, 2 * t->n);
        if (!text) {
            return ERR_NOMEM;
        }
        *t = (struct str){text, codec_latin1(*t, text)};
    }
    if (codec_utf8(*t)) {
        return ERR_OK;
    }
    if (memchr(t->p, 0, t->n)) {
        return reject_value(j, role, "it holds a NUL byte");
    }
    return reject_value(j, role, "not UTF-8; set encoding if the data is Latin-1");
}

static enum err read_keys(struct job *j, struct sale *sale)
{
    struct str *key[CODEC_KEYS] = {&sale->invoice, &sale->stock, &sale->customer, &sale->country,
                                   &sale->record_id};
    enum err e = ERR_OK;
    for (int i = 0; i < CODEC_KEYS; i++) {
        size_t max = i == CODEC_RECORD_ID ? SALE_RECORD_ID_MAX : SALE_TEXT_MAX;
        *key[i] = j->r->text[i];
        bool checked = key[i]->n == 0 || j->r->plain;
        if (!checked && key[i]->n <= max) {
            e = encode(j, (enum codec_role)i, key[i]);
        }
        if (e) {
            return e;
        }
        if (key[i]->n > max) {
            return reject_value(j, (enum codec_role)i,
                                i == CODEC_RECORD_ID ? "longer than 64 bytes"
                                                     : "longer than 256 bytes");
        }
    }
    return read_customer(j, sale);
}

/* ---- the record ---- */

/* The bytes that a text had in the record: one a character where Latin-1 was converted. */
static size_t written(const struct job *j, struct str t)
{
    size_t n = t.n;
    for (size_t i = 0; j->r->utf8 && i < t.n; i++) {
        n -= (unsigned char)t.p[i] >= 0xc0;
    }
    return n;
}

/* Rejects fields that are missing or of the wrong kind, and overlong numbers. */
static enum err check_fields(struct job *j)
{
    static const unsigned char required[CODEC_ROLES] = {
        [CODEC_INVOICE] = 1, [CODEC_QUANTITY] = 1, [CODEC_DATE] = 1, [CODEC_PRICE] = 1};
    for (int i = 0; i < CODEC_ROLES; i++) {
        const struct str *t = &j->r->text[i];
        enum codec_role role = (enum codec_role)i;
        if (j->r->value[i] == CODEC_WRONG) {
            return reject_field(j, role, "is neither a text nor a number");
        }
        bool missing = t->n == 0 || (i >= CODEC_KEYS && is_blank(t->p[0]) && !trimmed(*t).n);
        if (required[i] && missing) {
            return reject_field(j, role, "is missing");
        }
        if (i >= CODEC_KEYS && t->n > SALE_TEXT_MAX && written(j, *t) > SALE_TEXT_MAX) {
            return reject_value(j, role, "longer than 256 bytes");
        }
    }
    return ERR_OK;
}

static enum err read_value(struct job *j, struct sale *sale)
{
    if (!money_times(sale->quantity, sale->price, &sale->value)) {
        return ERR_OK;
    }
    enum err e = sales_reject(j->out, j->offset, j->raw, "quantity times price is too large");
    return e ? e : REJECTED;
}

static enum err read_all(struct job *j, struct sale *sale)
{
    enum err e = check_fields(j);
    if (!e) {
        e = read_quantity(j, sale);
    }
    if (!e) {
        e = read_date(j, sale);
    }
    if (!e) {
        e = read_price(j, sale);
    }
    if (!e) {
        e = read_keys(j, sale);
    }
    return e ? e : read_value(j, sale);
}

enum err codec_add(struct codec_fields *f, const struct codec_record *r, struct str raw,
                   uint64_t offset, struct sales *out)
{
    struct job j = {f, r, raw, offset, out};
    enum err e = out->n == out->cap ? sales_room(out, 1) : ERR_OK;
    if (e) {
        return e;
    }
    if (r->text[CODEC_QUANTITY].n == f->name[CODEC_QUANTITY].n && is_header(&j)) {
        return sales_reject(out, offset, raw, "a second header");
    }
    struct sale *sale = &out->sale[out->n];
    e = read_all(&j, sale);
    if (e) {
        return e == REJECTED ? ERR_OK : e;
    }
    sale->offset = offset;
    sale->length = (uint32_t)raw.n;
    out->n++;
    return ERR_OK;
}

/* ---- the start of a source ---- */

enum err codec_mark(const struct stretch *in, size_t *skip, struct why *why)
{
    static const char mark[] = "\xef\xbb\xbf";
    struct str b = in->bytes;
    *skip = 0;
    if (in->offset != 0 || b.n == 0) {
        return ERR_OK;
    }
    bool utf16 = b.n >= 2 && (memcmp(b.p, "\xff\xfe", 2) == 0 || memcmp(b.p, "\xfe\xff", 2) == 0);
    if (utf16) {
        return why_set(why, ERR_INVALID,
                       "the input is UTF-16, which is not read; convert it first: "
                       "iconv -f UTF-16 -t UTF-8");
    }
    size_t n = b.n < 3 ? b.n : 3;
    bool begins = memcmp(b.p, mark, n) == 0 || (b.n == 1 && (unsigned char)b.p[0] >= 0xfe);
    if (begins && n < 3 && !in->last) {
        return ERR_AGAIN;
    }
    *skip = begins && n == 3 ? 3 : 0;
    return ERR_OK;
}

static char lower(char c)
{
    if (c >= 'A' && c <= 'Z') {
        return (char)(c - 'A' + 'a');
    }
    return c;
}

/* Whether `name` ends in `ending` (lower case), whatever its case; cuts it off then. */
static bool cut_ending(struct str *name, const char *ending)
{
    size_t n = strlen(ending);
    if (name->n < n) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        if (lower(name->p[name->n - n + i]) != ending[i]) {
            return false;
        }
    }
    name->n -= n;
    return true;
}

const struct codec_kind *codec_for(const char *locator, struct str head)
{
    struct str name = str_of(locator);
    bool packed = cut_ending(&name, ".gz") || cut_ending(&name, ".xz") || cut_ending(&name, ".zst");
    struct str whole = packed ? name : str_of(locator);
    if (cut_ending(&whole, ".csv")) {
        return &codec_csv;
    }
    if (cut_ending(&whole, ".ndjson") || cut_ending(&whole, ".jsonl") ||
        cut_ending(&whole, ".json")) {
        return &codec_json;
    }
    size_t at = head.n >= 3 && memcmp(head.p, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    while (at < head.n && (is_blank(head.p[at]) || head.p[at] == '\n' || head.p[at] == '\r')) {
        at++;
    }
    bool json = at == head.n || head.p[at] == '{' || head.p[at] == '[';
    return json ? &codec_json : &codec_csv;
}
