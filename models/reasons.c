/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One function per statistic; a sentence names the value, what is usual, the factor between
 * them, and how much the usual is known from. What the fields of evidence hold:
 *
 *   statistic    value               usual                 n                  key, other
 *   price_*      unit price          of the code           prices learned     code
 *   quantity     quantity            of the code           lines learned      code
 *   spend        value               of the customer       his invoices       -
 *   lines        lines               of the customer       his invoices       -
 *   free, sign   such lines          -                     one in n sales     first code
 *   repeat       equal lines         1                     repeated lines     code
 *   reopen       times               -                     one in n           -
 *   echo         lines               ms between            one in n sales     -, the earlier
 *   return       lines never bought  lines given back      -                  -
 *   country      invoices from it    key of the usual one  his invoices       country
 *   burst        purchases           most so far           one in n sales     -; x: minutes
 *   hour         hour                share of invoices     invoices learned   -
 *   value, units of a line           exceeded by 0.1 %     invoices learned   code
 *   kind         letter              -                     one in n           -
 */
#include "models/reasons.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

struct said {
    const struct verdict *v;
    const struct evidence *one;
    const struct reasons_names *names;
    struct buf *out;
};

static struct str key_name(const struct said *s, uint32_t id)
{
    struct str name = id ? s->names->key(s->names->arg, id) : STR("");

    return name.n ? name : STR("(none)");
}

static struct str invoice_name(const struct reasons_names *names, uint64_t number)
{
    struct str name = names->invoice(names->arg, number);

    return name.n ? name : STR("(unknown)");
}

#define NAME(text) (int)(text).n, (text).p

/* A number as a person writes it: as many decimals as matter. */
#define NUMBER 40
static const char *number(double x, char *out)
{
    double size = fabs(x);
    int decimals = size >= 1000 || size == floor(size) ? 0 : size >= 0.1 ? 2 : 4;

    (void)snprintf(out, NUMBER, "%.*f", decimals, x);
    return out;
}

static const char *money(double x, char *out)
{
    (void)snprintf(out, NUMBER, "%.*f", fabs(x) >= 0.1 || x == 0 ? 2 : 4, x);
    return out;
}

/* "8.48x the usual 1.25", "1/100 of the usual 2.55". */
static const char *factor(double ratio, char *out)
{
    bool less = ratio < 1 && ratio > 0;

    if (less)
        ratio = 1 / ratio;
    (void)snprintf(out, NUMBER, "%s%.*f%s", less ? "1/" : "",
                   ratio >= 100 || ratio == floor(ratio) ? 0
                   : ratio >= 10                         ? 1
                                                         : 2,
                   ratio, less ? " of" : "x");
    return out;
}

static double times(const struct evidence *e)
{
    return e->usual > 0 ? e->value / e->usual : 0;
}

static enum err say_price(const struct said *s)
{
    char a[NUMBER], b[NUMBER], c[NUMBER];
    struct str code = key_name(s, s->one->key);

    return buf_printf(s->out, "unit price %s of %.*s is %s the usual %s (%.0f prices known)",
                      money(s->one->value, a), NAME(code), factor(times(s->one), b),
                      money(s->one->usual, c), s->one->n);
}

static enum err say_quantity(const struct said *s)
{
    char a[NUMBER], b[NUMBER], c[NUMBER];
    struct str code = key_name(s, s->one->key);

    if (s->one->n < 1)
        return buf_printf(s->out, "quantity %s of %.*s, not known yet, is %s the usual %s of all",
                          number(s->one->value, a), NAME(code), factor(times(s->one), b),
                          number(s->one->usual, c));
    return buf_printf(s->out, "quantity %s of %.*s is %s the usual %s (%.0f lines known)",
                      number(s->one->value, a), NAME(code), factor(times(s->one), b),
                      number(s->one->usual, c), s->one->n);
}

static enum err say_spend(const struct said *s)
{
    char a[NUMBER], b[NUMBER], c[NUMBER];
    struct str customer = key_name(s, s->v->customer);
    const char *kind = s->v->letter == 'C' ? "credit" : "invoice";

    if (s->one->n < 1)
        return buf_printf(s->out, "value %s of customer %.*s's first %s is %s the usual %s",
                          money(s->one->value, a), NAME(customer), kind, factor(times(s->one), b),
                          money(s->one->usual, c));
    return buf_printf(s->out, "value %s is %s the usual %s of customer %.*s (%.0f earlier %ss)",
                      money(s->one->value, a), factor(times(s->one), b), money(s->one->usual, c),
                      NAME(customer), s->one->n, kind);
}

static enum err say_lines(const struct said *s)
{
    char a[NUMBER], b[NUMBER];
    struct str customer = key_name(s, s->v->customer);

    return buf_printf(
        s->out, "%.0f lines where customer %.*s usually has %s (%.0f earlier invoices), %s as many",
        s->one->value, NAME(customer), number(s->one->usual, a), s->one->n,
        factor(times(s->one), b));
}

static enum err say_free(const struct said *s)
{
    struct str code = key_name(s, s->one->key);

    return buf_printf(s->out,
                      "%.0f %s at price 0 to a named customer (%.*s), as in one of %.0f sales",
                      s->one->value, s->one->value > 1 ? "lines" : "line", NAME(code), s->one->n);
}

static enum err say_sign(const struct said *s)
{
    struct str code = key_name(s, s->one->key);

    return buf_printf(s->out,
                      "%.0f %s of negative quantity outside a credit (%.*s), as in one of %.0f "
                      "sales",
                      s->one->value, s->one->value > 1 ? "lines" : "line", NAME(code), s->one->n);
}

static enum err say_repeat(const struct said *s)
{
    struct str code = key_name(s, s->one->key);

    return buf_printf(s->out,
                      "the same line up to %.0f times within the invoice (%.*s), usually once; "
                      "%.0f of %" PRId64 " lines are repetitions",
                      s->one->value, NAME(code), s->one->n, s->v->lines);
}

static enum err say_reopen(const struct said *s)
{
    return buf_printf(s->out, "lines came for a number that was closed, as with one of %.0f",
                      s->one->n);
}

static enum err say_echo(const struct said *s)
{
    struct str earlier = invoice_name(s->names, s->one->other);
    double minutes = s->one->usual / 60000;
    char a[NUMBER];

    return buf_printf(s->out,
                      "same content (%.0f lines) as invoice %.*s, %s %s earlier; as in one of "
                      "%.0f sales",
                      s->one->value, NAME(earlier),
                      number(floor(minutes < 120 ? minutes : minutes / 60), a),
                      minutes < 120 ? "minutes" : "hours", s->one->n);
}

static enum err say_return(const struct said *s)
{
    struct str customer = key_name(s, s->v->customer);

    return buf_printf(s->out,
                      "%.0f of %.0f returned lines are of goods that customer %.*s is not known "
                      "to have bought",
                      s->one->value, s->one->usual, NAME(customer));
}

static enum err say_country(const struct said *s)
{
    struct str customer = key_name(s, s->v->customer), country = key_name(s, s->one->key);
    struct str usual = key_name(s, (uint32_t)s->one->usual);

    if (s->one->value > 0)
        return buf_printf(s->out,
                          "country %.*s in only %.0f of %.0f invoices of customer %.*s, usually "
                          "%.*s",
                          NAME(country), s->one->value, s->one->n, NAME(customer), NAME(usual));
    return buf_printf(s->out,
                      "country %.*s was never seen for customer %.*s, usually %.*s (%.0f earlier "
                      "invoices)",
                      NAME(country), NAME(customer), NAME(usual), s->one->n);
}

static enum err say_burst(const struct said *s)
{
    struct str customer = key_name(s, s->v->customer);

    return buf_printf(s->out,
                      "one of %.0f purchases of customer %.*s within %.0f minutes, where %.0f %s "
                      "the most so far; as in one of %.0f sales",
                      s->one->value, NAME(customer), s->one->x, s->one->usual,
                      s->one->usual > 1 ? "were" : "was", s->one->n);
}

static enum err say_hour(const struct said *s)
{
    int64_t minute = s->v->local_ms / 60000;
    int in_hour = (int)((minute % 60 + 60) % 60);

    return buf_printf(s->out,
                      "issued at %02.0f:%02d, when the shop practically never trades (%.2g %% of "
                      "%.0f invoices in that hour)",
                      s->one->value, in_hour, 100 * s->one->usual, s->one->n);
}

static enum err say_value(const struct said *s)
{
    char a[NUMBER], b[NUMBER], c[NUMBER];
    struct str code = key_name(s, s->one->key);

    if (s->one->usual <= 0)
        return buf_printf(s->out, "a line worth %s (%.*s), among the largest of %.0f invoices",
                          money(s->one->value, a), NAME(code), s->one->n);
    return buf_printf(
        s->out, "a line worth %s (%.*s), %s %s, which only one invoice in 1000 exceeds",
        money(s->one->value, a), NAME(code), factor(times(s->one), b), money(s->one->usual, c));
}

static enum err say_units(const struct said *s)
{
    char a[NUMBER], b[NUMBER], c[NUMBER];
    struct str code = key_name(s, s->one->key);

    if (s->one->usual <= 0)
        return buf_printf(s->out, "a line of %s units (%.*s), among the largest of %.0f invoices",
                          number(s->one->value, a), NAME(code), s->one->n);
    return buf_printf(
        s->out, "a line of %s units (%.*s), %s %s, which only one invoice in 1000 exceeds",
        number(s->one->value, a), NAME(code), factor(times(s->one), b), number(s->one->usual, c));
}

static enum err say_kind(const struct said *s)
{
    int letter = (int)s->one->value;

    if (letter < 'A' || letter > 'Z')
        return buf_printf(s->out, "a number without a letter, as one of %.0f", s->one->n);
    return buf_printf(s->out, "a number that begins with %c, as one of %.0f", letter, s->one->n);
}

static const struct {
    const char *name;
    enum err (*say)(const struct said *s);
} stats[STAT_COUNT] = {
    [STAT_PRICE_UP] = {"price_up", say_price},
    [STAT_PRICE_DOWN] = {"price_down", say_price},
    [STAT_QUANTITY] = {"quantity", say_quantity},
    [STAT_SPEND] = {"spend", say_spend},
    [STAT_LINES] = {"lines", say_lines},
    [STAT_FREE] = {"free", say_free},
    [STAT_SIGN] = {"sign", say_sign},
    [STAT_REPEAT] = {"repeat", say_repeat},
    [STAT_REOPEN] = {"reopen", say_reopen},
    [STAT_ECHO] = {"echo", say_echo},
    [STAT_RETURN] = {"return", say_return},
    [STAT_COUNTRY] = {"country", say_country},
    [STAT_BURST] = {"burst", say_burst},
    [STAT_HOUR] = {"hour", say_hour},
    [STAT_VALUE] = {"value", say_value},
    [STAT_UNITS] = {"units", say_units},
    [STAT_KIND] = {"kind", say_kind},
};

const char *reasons_name(enum stat stat)
{
    return stat < STAT_COUNT ? stats[stat].name : "unknown";
}

struct reasons_figures reasons_figures(const struct evidence *one)
{
    struct reasons_figures f = {one->value, one->usual, 0};

    switch ((enum stat)one->stat) {
    case STAT_PRICE_UP:
    case STAT_PRICE_DOWN:
    case STAT_QUANTITY:
    case STAT_SPEND:
    case STAT_LINES:
    case STAT_REPEAT:
    case STAT_BURST:
    case STAT_VALUE:
    case STAT_UNITS:
        f.factor = times(one);
        break;
    case STAT_COUNTRY:
    case STAT_ECHO:
    case STAT_FREE:
    case STAT_SIGN:
    case STAT_REOPEN:
    case STAT_RETURN:
    case STAT_KIND:
        f.usual = 0;
        break;
    case STAT_HOUR:
    case STAT_COUNT:
        break;
    }
    return f;
}

enum err reasons_sentence(const struct verdict *v, const struct evidence *one,
                          const struct reasons_names *names, struct buf *out)
{
    const struct said s = {v, one, names, out};

    return one->stat < STAT_COUNT ? stats[one->stat].say(&s) : ERR_INVALID;
}

uint32_t reasons_worth(const struct verdict *v, uint32_t most)
{
    double sum = 0;
    uint32_t n = 0;

    while (n < v->n_evidence && n < most && (n == 0 || sum < 0.9 * v->score))
        sum += v->evidence[n++].contribution;
    return n;
}

enum err reasons_text(const struct verdict *v, const struct reasons_names *names, struct buf *out)
{
    uint32_t n = reasons_worth(v, 3);
    enum err e = ERR_OK;

    for (uint32_t i = 0; !e && i < n; i++) {
        if (i > 0)
            e = buf_text(out, "; ");
        if (!e)
            e = reasons_sentence(v, &v->evidence[i], names, out);
    }
    if (!e && v->cancels) {
        struct str sale = invoice_name(names, v->cancels);
        e = buf_printf(out, "%stakes back invoice %.*s", n ? "; " : "", NAME(sale));
    }
    return e;
}

enum err reasons_normals(const struct verdict *v, const struct reasons_names *names,
                         struct buf *out)
{
    const struct said s = {.v = v, .names = names, .out = out};
    struct str customer = key_name(&s, v->customer);
    char a[NUMBER];
    enum err e = ERR_OK;

    if (!v->n_normals)
        return ERR_OK;
    e = buf_printf(out, "nearest normal invoices of customer %.*s:", NAME(customer));
    for (uint32_t i = 0; !e && i < v->n_normals; i++) {
        const struct normal *n = &v->normal[i];
        struct str name = invoice_name(names, n->invoice);
        e = buf_printf(out, "%s %.*s (%" PRIu32 " lines, %.0f units, %s, %02" PRIu32 " h)",
                       i ? "," : "", NAME(name), n->lines, (double)n->units,
                       money((double)n->value, a), n->hour);
    }
    return e;
}
