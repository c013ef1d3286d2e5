/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The state of the detector, in parts:
 *
 *   models/detect/codes/N, customers/N, countries/N, contents/N, sales/N, lessons/N
 *                                 keyed records (models/keyed), those that changed
 *   models/detect/bought/...      models/bought
 *   models/detect/open            invoices not settled yet
 *   models/detect/shop            what is known of the shop as a whole, and of scores
 *   models/detect/tails/N         the tails of one statistic
 *
 * Integers as in engine/buf.h; each part carries version and checksum in the store.
 */
#include "models/detect_parts.h"

#include <stdio.h>

#define STATE_VERSION 1
#define PART_MAX ((size_t)1 << 28)

static const struct pack_field shop_fields[] = {
    PACK(struct detect_shop, invoices, PACK_F64, 0, 1e15),
    PACK(struct detect_shop, lines, PACK_F64, 0, 1e18),
    MOMENT_FIELDS(struct detect_shop, quantities.all),
    MOMENT_FIELDS(struct detect_shop, quantities.within),
    PACK(struct detect_shop, free, PACK_F64, 1e-3, 1e15),
    PACK(struct detect_shop, odd, PACK_F64, 1e-3, 1e15),
    PACK(struct detect_shop, reopened, PACK_F64, 1e-3, 1e15),
    PACK(struct detect_shop, moved, PACK_F64, 1e-3, 1e15),
    PACK(struct detect_shop, letter, PACK_F64, 0, 1e15),
    PACK(struct detect_shop, watermark_ms, PACK_I64, -1e19, 1e19),
    PACK(struct detect_shop, highest, PACK_U64, 0, 2e19),
};

static const struct pack_table shop_table = {shop_fields, countof(shop_fields)};

/* The tables that make up the part "shop", and what each is about. */
struct shop_piece {
    const struct pack_table *table;
    void *record;
};

#define SHOP_PIECES 9

static void shop_pieces(struct detect *d, struct shop_piece piece[SHOP_PIECES])
{
    const struct shop_piece all[SHOP_PIECES] = {
        {&shop_table, &d->shop},
        {&habits_base_table, &d->shop.habits},
        {&hours_table, &d->shop.hours},
        {&bursts_table, &d->shop.bursts[0]},
        {&bursts_table, &d->shop.bursts[1]},
        {&bursts_table, &d->shop.bursts[2]},
        {&echo_table, &d->echo},
        {&alert_table, &d->alert},
        {&tails_one_table, &d->alert.scores},
    };

    memcpy(piece, all, sizeof(all));
}

static enum err save_shop(struct detect *d, struct parcel *out)
{
    struct shop_piece piece[SHOP_PIECES];
    struct buf b;
    enum err e = ERR_OK;

    buf_init(&b, PART_MAX);
    shop_pieces(d, piece);
    for (int i = 0; !e && i < SHOP_PIECES; i++)
        e = pack_write(&b, *piece[i].table, piece[i].record);
    if (!e)
        e = parcel_state(out, "models/detect/shop", STATE_VERSION, &b);
    buf_clear(&b);
    return e;
}

static enum err save_open(const struct detect *d, struct parcel *out)
{
    struct buf b;
    enum err e;

    buf_init(&b, PART_MAX);
    e = openings_save(&d->open, &b);
    if (!e)
        e = parcel_state(out, "models/detect/open", STATE_VERSION, &b);
    buf_clear(&b);
    return e;
}

static enum err save_tails(const struct detect *d, int k, struct parcel *out)
{
    const struct tails *t = &d->tails[k];
    struct buf b;
    char name[48];
    enum err e = ERR_OK;

    buf_init(&b, PART_MAX);
    (void)snprintf(name, sizeof(name), "models/detect/tails/%02d", k);
    for (int i = 0; !e && i < TAIL_CLASSES; i++)
        e = pack_write(&b, tails_one_table, &t->class[i]);
    if (!e)
        e = pack_write(&b, tails_one_table, &t->all);
    if (!e)
        e = parcel_state(out, name, STATE_VERSION, &b);
    buf_clear(&b);
    return e;
}

static struct keyed *const *tables(struct detect *d, struct keyed *list[6])
{
    list[0] = &d->codes;
    list[1] = &d->customers;
    list[2] = &d->countries;
    list[3] = &d->echo.seen;
    list[4] = &d->echo.sales;
    list[5] = &d->lessons.table;
    return list;
}

enum err detect_save(struct detect *d, struct parcel *out)
{
    struct keyed *list[6];
    enum err e = ERR_OK;

    (void)tables(d, list);
    for (size_t i = 0; !e && i < countof(list); i++)
        e = keyed_save(list[i], out);
    if (!e)
        e = bought_save(&d->bought, out);
    if (e || !d->shop_changed)
        return e;
    e = save_shop(d, out);
    if (!e)
        e = save_open(d, out);
    for (int k = 0; !e && k < TAILS; k++)
        e = save_tails(d, k, out);
    if (!e)
        d->shop_changed = false;
    return e;
}

static enum err load_shop(struct detect *d, struct reader *r)
{
    struct shop_piece piece[SHOP_PIECES];

    shop_pieces(d, piece);
    for (int i = 0; i < SHOP_PIECES; i++)
        pack_read(r, *piece[i].table, piece[i].record);
    return ERR_OK;
}

static enum err load_tails(struct detect *d, struct str name, struct reader *r)
{
    const size_t at = sizeof("models/detect/tails/") - 1;
    int k = name.n == at + 2 ? (name.p[at] - '0') * 10 + name.p[at + 1] - '0' : -1;

    if (k < 0 || k >= TAILS)
        return ERR_DAMAGED;
    for (int i = 0; i < TAIL_CLASSES; i++)
        pack_read(r, tails_one_table, &d->tails[k].class[i]);
    pack_read(r, tails_one_table, &d->tails[k].all);
    return ERR_OK;
}

static enum err load_part(struct detect *d, struct str name, struct str data)
{
    const struct str tails = STR("models/detect/tails/");
    struct reader r = reader_of(data.p, data.n);
    struct keyed *list[6];
    enum err e = ERR_DAMAGED;

    (void)tables(d, list);
    for (size_t i = 0; i < countof(list); i++) {
        if (keyed_load(list[i], name, data, &e))
            return e;
    }
    if (bought_load(&d->bought, name, data, &e))
        return e;
    if (str_eq(name, STR("models/detect/shop")))
        e = load_shop(d, &r);
    else if (str_eq(name, STR("models/detect/open")))
        e = openings_load(&d->open, &r);
    else if (name.n > tails.n && !memcmp(name.p, tails.p, tails.n))
        e = load_tails(d, name, &r);
    return !e && (r.bad || r.p != r.end) ? ERR_DAMAGED : e;
}

enum err detect_load(struct detect *d, struct str name, uint32_t version, struct str data,
                     struct why *why)
{
    enum err e = ERR_OK;

    if (version > STATE_VERSION)
        return why_set(why, ERR_NEWER,
                       "state part \"%.*s\" has version %u, this program knows %d: use a newer "
                       "tillstream",
                       (int)name.n, name.p, version, STATE_VERSION);
    e = load_part(d, name, data);
    if (e == ERR_DAMAGED)
        return why_set(why, e,
                       "state part \"%.*s\" can't be restored (%s): restore the database from a "
                       "copy, or start with a new one",
                       (int)name.n, name.p, err_text(e));
    return e ? why_set(why, e, "state part \"%.*s\" can't be restored: %s", (int)name.n, name.p,
                       err_text(e))
             : ERR_OK;
}

enum err detect_loaded(struct detect *d, struct why *why)
{
    (void)why;
    d->shop_changed = false;
    return ERR_OK;
}
