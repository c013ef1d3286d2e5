/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Each statistic has a reference it compares with (the code's prices, the customer's habits,
 * the shop's hours) and a direction: more is worse, less is worse, or another one is another
 * matter. A lesson is kept under statistic and reference, with the value it was about, and
 * fits values as far out or less so ("fine"), or as far out or more so ("wrong"), with 5 %
 * to spare.
 */
#include "models/lessons.h"

#define LESSONS_MAX 65536
#define SPARE 1.05
#define CARRIES 0.1 /* share of the score */

enum reference { OF_CODE, OF_CUSTOMER, OF_SHOP };
enum direction { MORE, LESS, OTHER };

static const struct {
    uint8_t reference, direction;
} about[STAT_COUNT] = {
    [STAT_PRICE_UP] = {OF_CODE, MORE},   [STAT_PRICE_DOWN] = {OF_CODE, LESS},
    [STAT_QUANTITY] = {OF_CODE, MORE},   [STAT_SPEND] = {OF_CUSTOMER, MORE},
    [STAT_LINES] = {OF_CUSTOMER, MORE},  [STAT_FREE] = {OF_CUSTOMER, MORE},
    [STAT_SIGN] = {OF_CUSTOMER, MORE},   [STAT_REPEAT] = {OF_CUSTOMER, MORE},
    [STAT_REOPEN] = {OF_CUSTOMER, MORE}, [STAT_ECHO] = {OF_CUSTOMER, MORE},
    [STAT_RETURN] = {OF_CUSTOMER, MORE}, [STAT_COUNTRY] = {OF_CUSTOMER, OTHER},
    [STAT_BURST] = {OF_CUSTOMER, MORE},  [STAT_HOUR] = {OF_SHOP, OTHER},
    [STAT_VALUE] = {OF_CUSTOMER, MORE},  [STAT_UNITS] = {OF_CUSTOMER, MORE},
    [STAT_KIND] = {OF_SHOP, OTHER},
};

static const struct pack_field fields[] = {
    PACK(struct lesson, value, PACK_F64, -1e20, 1e20),
    PACK(struct lesson, invoice, PACK_U64, 0, 2e19),
    PACK(struct lesson, fine, PACK_U8, 0, 1),
    PACK(struct lesson, n, PACK_U8, 0, LESSONS_EACH),
};
static const struct keyed_kind kind = {.name = "detect/lessons",
                                       .version = 1,
                                       .size = sizeof(struct lesson),
                                       .max = LESSONS_MAX,
                                       .table = {fields, countof(fields)}};

void lessons_init(struct lessons *l)
{
    keyed_init(&l->table, &kind);
}

void lessons_clear(struct lessons *l)
{
    keyed_clear(&l->table);
}

static uint64_t key_of(const struct evidence *one, uint32_t customer)
{
    uint32_t reference = 0;

    if (about[one->stat].reference == OF_CODE)
        reference = one->key;
    if (about[one->stat].reference == OF_CUSTOMER)
        reference = customer;
    return (uint64_t)one->stat << 32 | reference;
}

/* What is compared: the hour itself, the country itself, else the value. */
static double value_of(const struct evidence *one)
{
    if (one->stat == STAT_COUNTRY)
        return one->key;
    return one->stat == STAT_HOUR ? (double)(int64_t)one->value : one->value;
}

static bool fits(int direction, bool fine, double value, double lesson)
{
    if (direction == OTHER)
        return value == lesson;
    if (direction == LESS)
        return fine ? value * SPARE >= lesson : value <= lesson * SPARE;
    return fine ? value <= lesson * SPARE : value * SPARE >= lesson;
}

void lessons_apply(const struct lessons *l, uint32_t customer, struct evidence *one)
{
    if (!l->table.n)
        return;
    const struct lesson *s = keyed_find(&l->table, key_of(one, customer));
    double value = value_of(one);

    for (int i = 0; s && i < s->n; i++) {
        if (!fits(about[one->stat].direction, s->fine[i], value, s->value[i]))
            continue;
        if (s->fine[i])
            one->surprise = 0;
        else if (one->surprise < LESSONS_SURPRISE)
            one->surprise = LESSONS_SURPRISE;
    }
}

static void drop(struct lesson *s, int at)
{
    for (int i = at; i + 1 < s->n; i++) {
        s->value[i] = s->value[i + 1];
        s->invoice[i] = s->invoice[i + 1];
        s->fine[i] = s->fine[i + 1];
    }
    s->n--;
    s->value[s->n] = 0;
    s->invoice[s->n] = 0;
    s->fine[s->n] = 0;
}

enum err lessons_learn(struct lessons *l, const struct verdict *v, bool fine)
{
    for (uint32_t i = 0; i < v->n_evidence; i++) {
        const struct evidence *one = &v->evidence[i];
        void *record;
        if (i > 0 && one->contribution < CARRIES * v->score)
            break;
        enum err e = keyed_touch(&l->table, key_of(one, v->customer), &record);
        if (e) {
            lessons_undo(l, v);
            return e;
        }
        struct lesson *s = record;
        if (s->n == LESSONS_EACH)
            drop(s, 0);
        s->value[s->n] = value_of(one);
        s->invoice[s->n] = v->invoice;
        s->fine[s->n++] = fine;
    }
    return ERR_OK;
}

void lessons_undo(struct lessons *l, const struct verdict *v)
{
    for (uint32_t i = 0; i < v->n_evidence; i++) {
        struct lesson *s = keyed_find(&l->table, key_of(&v->evidence[i], v->customer));
        if (!s)
            continue;
        keyed_change(&l->table, s);
        for (int k = s->n; k-- > 0;) {
            if (s->invoice[k] == v->invoice)
                drop(s, k);
        }
        if (!s->n)
            keyed_forget(&l->table, s);
    }
}
