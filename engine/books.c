/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The live invoices in an array of slots with an open-addressing index over their texts,
 * and this commit's additions to customers in a list indexed by key id.
 *
 * Invariants:
 *  (1) every invoice in `slot` with name != 0 is in the index; free slots are chained.
 *  (2) an invoice is forgotten only when its row is durable, so a lookup finds it again.
 *  (3) until something was forgotten or the store held invoices at the start, an unknown
 *      text is a new invoice and the store is not asked (`ask`).
 *  (4) a slot in a window's distinct set is never reused: the windows' oldest slice bounds
 *      what books_forget frees.
 */
#include "engine/books.h"

#include "engine/store/store.h"
#include "engine/when.h"

#include <stdlib.h>

#define FORGET_FLOOR 8192 /* live invoices below which nothing is forgotten */
#define TEXT_INLINE 16

struct others { /* further customers and countries of one invoice: rare */
    uint32_t n, cap;
    struct other {
        uint32_t key;
        bool country;
    } item[];
};

struct invoice {
    uint64_t name;   /* 0: free slot */
    uint64_t commit; /* number of the commit that holds its row */
    char *text;      /* NULL: in `inline_text` */
    char inline_text[TEXT_INLINE];
    uint32_t text_n;
    uint32_t next_free; /* slot + 1 */
    uint32_t customer, country, n_customers, n_countries;
    int64_t first_ms, last_ms, touch_ms;
    int64_t lines, units, revenue;
    struct others *others;
    bool changed;
};

struct books {
    struct store *store;
    struct invoice *slot;
    uint64_t *hash; /* by slot */
    uint32_t count, cap, live;
    uint32_t free1;  /* first free slot + 1 */
    uint32_t *index; /* slot + 1 by hash; as many more: by name */
    uint32_t mask;
    uint64_t last_name;
    uint32_t recent; /* the slot asked for last */
    bool ask;
    uint32_t forget_at; /* live count that triggers books_forget */
    uint32_t *changed;  /* slots changed since the last delivery */
    size_t n_changed, cap_changed;
    struct list customers; /* struct customer_row */
    uint32_t *customer_at; /* by key id: place in customers + 1 */
    uint32_t cap_customer_at;
};

enum err books_open(struct store *store, struct books **out)
{
    struct books *b = calloc(1, sizeof(*b));
    enum err e;

    if (!b)
        return ERR_NOMEM;
    b->store = store;
    e = store ? store_last_invoice(store, &b->last_name) : ERR_OK;
    b->ask = b->last_name > 0;
    b->forget_at = FORGET_FLOOR;
    b->mask = 4095;
    b->index = calloc(2 * ((size_t)b->mask + 1), sizeof(*b->index));
    list_init(&b->customers, sizeof(struct customer_row));
    if (!e && !b->index)
        e = ERR_NOMEM;
    if (e) {
        books_close(b);
        return e;
    }
    *out = b;
    return ERR_OK;
}

static void free_invoice(struct invoice *v)
{
    free(v->text);
    free(v->others);
    *v = (struct invoice){0};
}

void books_close(struct books *b)
{
    if (!b)
        return;
    for (uint32_t i = 0; i < b->count; i++)
        free_invoice(&b->slot[i]);
    free(b->slot);
    free(b->hash);
    free(b->index);
    free(b->changed);
    free(b->customer_at);
    list_clear(&b->customers);
    free(b);
}

static struct str text_of(const struct invoice *v)
{
    return (struct str){v->text ? v->text : v->inline_text, v->text_n};
}

static uint32_t *by_name(const struct books *b)
{
    return b->index + b->mask + 1;
}

static uint32_t name_home(const struct books *b, uint64_t name)
{
    return (uint32_t)((name * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & b->mask;
}

static void put_index(struct books *b, uint32_t slot)
{
    uint32_t i = (uint32_t)b->hash[slot] & b->mask;

    while (b->index[i])
        i = (i + 1) & b->mask;
    b->index[i] = slot + 1;
    i = name_home(b, b->slot[slot].name);
    while (by_name(b)[i])
        i = (i + 1) & b->mask;
    by_name(b)[i] = slot + 1;
}

static void fill_index(struct books *b)
{
    for (uint32_t i = 0; i < b->count; i++) {
        if (b->slot[i].name)
            put_index(b, i);
    }
}

static enum err rebuild_index(struct books *b, uint32_t size)
{
    uint32_t *index = calloc(2 * (size_t)size, sizeof(*index));

    if (!index)
        return ERR_NOMEM;
    free(b->index);
    b->index = index;
    b->mask = size - 1;
    fill_index(b);
    return ERR_OK;
}

static enum err grow_slots(struct books *b)
{
    uint32_t cap = b->cap ? b->cap * 2 : 1024;
    struct invoice *slot = realloc(b->slot, cap * sizeof(*slot));

    if (!slot)
        return ERR_NOMEM;
    b->slot = slot;
    uint64_t *hash = realloc(b->hash, cap * sizeof(*hash));
    if (!hash)
        return ERR_NOMEM;
    b->hash = hash;
    b->cap = cap;
    return ERR_OK;
}

/* A free slot holding the text, not yet in the index. */
static enum err take_slot(struct books *b, struct str text, uint64_t hash, uint32_t *slot)
{
    char *copy = NULL;
    enum err e = ERR_OK;

    if (!b->free1 && b->count == b->cap)
        e = grow_slots(b);
    if (!e && b->live + b->live / 2 >= b->mask)
        e = rebuild_index(b, (b->mask + 1) * 2);
    if (!e && text.n > TEXT_INLINE) {
        copy = malloc(text.n);
        e = copy ? ERR_OK : ERR_NOMEM;
    }
    if (e)
        return e;
    uint32_t i = b->free1 ? b->free1 - 1 : b->count++;
    if (b->free1)
        b->free1 = b->slot[i].next_free;
    struct invoice *v = &b->slot[i];
    *v = (struct invoice){.text = copy, .text_n = (uint32_t)text.n, .touch_ms = WHEN_NONE};
    memcpy(copy ? copy : v->inline_text, text.p, text.n);
    b->hash[i] = hash;
    b->live++;
    *slot = i;
    return ERR_OK;
}

static enum err read_others(struct invoice *v, struct str stored)
{
    struct reader in = reader_of(stored.p, stored.n);
    uint32_t n = (uint32_t)read_count(&in, stored.n);
    struct others *o = malloc(sizeof(*o) + n * sizeof(o->item[0]));

    if (!o)
        return ERR_NOMEM;
    *o = (struct others){.n = n, .cap = n};
    for (uint32_t i = 0; i < n; i++) {
        uint64_t item = read_varint(&in);
        o->item[i] = (struct other){(uint32_t)(item >> 1), item & 1};
    }
    v->others = o;
    return in.bad ? ERR_DAMAGED : ERR_OK;
}

static enum err adopt(struct books *b, const struct stored_invoice *s, uint32_t *slot)
{
    enum err e = take_slot(b, s->text, str_hash(s->text), slot);

    if (e)
        return e;
    struct invoice *v = &b->slot[*slot];
    v->name = s->id;
    v->customer = s->customer;
    v->country = s->country;
    v->n_customers = s->n_customers;
    v->n_countries = s->n_countries;
    v->first_ms = s->first_ms;
    v->last_ms = s->last_ms;
    v->lines = s->lines;
    v->units = s->units;
    v->revenue = s->revenue;
    put_index(b, *slot);
    return s->others.n ? read_others(v, s->others) : ERR_OK;
}

static enum err find_or_add(struct books *b, struct str invoice, uint32_t *slot)
{
    uint64_t hash = str_hash(invoice);
    struct stored_invoice stored;

    for (uint32_t i = (uint32_t)hash & b->mask; b->index[i]; i = (i + 1) & b->mask) {
        uint32_t found = b->index[i] - 1;
        if (b->hash[found] == hash && str_eq(text_of(&b->slot[found]), invoice)) {
            *slot = found;
            return ERR_OK;
        }
    }
    enum err e = b->ask ? store_invoice(b->store, invoice, &stored) : ERR_NOT_FOUND;
    if (!e)
        return adopt(b, &stored, slot);
    if (e != ERR_NOT_FOUND)
        return e;
    e = take_slot(b, invoice, hash, slot);
    if (e)
        return e;
    b->slot[*slot].name = ++b->last_name;
    put_index(b, *slot);
    return ERR_OK;
}

/* Lines of an invoice follow each other. */
static bool is_recent(const struct books *b, struct str invoice)
{
    return b->recent < b->count && b->slot[b->recent].name &&
           str_eq(text_of(&b->slot[b->recent]), invoice);
}

enum err books_slot(struct books *b, struct str invoice, uint32_t *slot)
{
    enum err e = is_recent(b, invoice) ? ERR_OK : find_or_add(b, invoice, &b->recent);

    *slot = b->recent;
    return e;
}

/* Whether the invoice was seen with this customer (or country) before; notes it if not. */
static enum err note_other(struct invoice *v, uint32_t key, bool country, bool *known)
{
    struct others *o = v->others;

    *known = true;
    for (uint32_t i = 0; o && i < o->n; i++) {
        if (o->item[i].key == key && o->item[i].country == country)
            return ERR_OK;
    }
    if (!o || o->n == o->cap) {
        uint32_t n = o ? o->n : 0, cap = n ? n * 2 : 4;
        o = realloc(o, sizeof(*o) + cap * sizeof(o->item[0]));
        if (!o)
            return ERR_NOMEM;
        o->n = n;
        o->cap = cap;
        v->others = o;
    }
    o->item[o->n++] = (struct other){key, country};
    *known = false;
    return ERR_OK;
}

static enum err mark_changed(struct books *b, uint32_t slot)
{
    if (b->slot[slot].changed)
        return ERR_OK;
    if (b->n_changed == b->cap_changed) {
        size_t cap = b->cap_changed ? b->cap_changed * 2 : 1024;
        uint32_t *changed = realloc(b->changed, cap * sizeof(*changed));
        if (!changed)
            return ERR_NOMEM;
        b->changed = changed;
        b->cap_changed = cap;
    }
    b->changed[b->n_changed++] = slot;
    b->slot[slot].changed = true;
    return ERR_OK;
}

/* *fresh: the first sale of this invoice with this customer. */
static enum err add_to_invoice(struct invoice *v, const struct fact *f, bool *fresh)
{
    bool known_customer = v->lines > 0 && v->customer == f->customer;
    bool known_country = v->lines > 0 && v->country == f->country;
    enum err e = ERR_OK;

    if (v->lines == 0) {
        v->first_ms = v->last_ms = f->time_ms;
        v->customer = f->customer;
        v->country = f->country;
    } else {
        if (!known_customer)
            e = note_other(v, f->customer, false, &known_customer);
        if (!e && !known_country)
            e = note_other(v, f->country, true, &known_country);
    }
    if (e)
        return e;
    v->n_customers += known_customer ? 0 : 1;
    v->n_countries += known_country ? 0 : 1;
    v->lines++;
    v->units += f->quantity;
    v->revenue += f->value;
    v->first_ms = f->time_ms < v->first_ms ? f->time_ms : v->first_ms;
    v->last_ms = f->time_ms > v->last_ms ? f->time_ms : v->last_ms;
    v->touch_ms = f->time_ms > v->touch_ms ? f->time_ms : v->touch_ms;
    *fresh = !known_customer;
    return ERR_OK;
}

static struct customer_row *customer_row(struct books *b, const struct fact *f)
{
    if (f->customer >= b->cap_customer_at) {
        uint32_t cap = b->cap_customer_at ? b->cap_customer_at : 4096;
        while (cap <= f->customer)
            cap *= 2;
        uint32_t *at = realloc(b->customer_at, cap * sizeof(*at));
        if (!at)
            return NULL;
        memset(at + b->cap_customer_at, 0, (cap - b->cap_customer_at) * sizeof(*at));
        b->customer_at = at;
        b->cap_customer_at = cap;
    }
    if (b->customer_at[f->customer])
        return list_at(&b->customers, b->customer_at[f->customer] - 1);
    struct customer_row *row = list_add(&b->customers);
    if (!row)
        return NULL;
    *row = (struct customer_row){.key = f->customer, .first_ms = f->time_ms, .last_ms = f->time_ms};
    b->customer_at[f->customer] = (uint32_t)b->customers.n;
    return row;
}

static enum err add_to_customer(struct books *b, const struct fact *f, bool fresh)
{
    struct customer_row *row = customer_row(b, f);

    if (!row)
        return ERR_NOMEM;
    row->lines++;
    row->invoices += fresh;
    row->units += f->quantity;
    row->revenue += f->value;
    if (f->quantity < 0)
        row->return_revenue += f->value;
    if (f->time_ms < row->first_ms)
        row->first_ms = f->time_ms;
    if (f->time_ms >= row->last_ms) {
        row->last_ms = f->time_ms;
        row->country = f->country;
    }
    return ERR_OK;
}

enum err books_add(struct books *b, const struct fact *f)
{
    struct invoice *v = &b->slot[f->invoice];
    bool fresh = false;
    enum err e = mark_changed(b, f->invoice);

    if (!e)
        e = add_to_invoice(v, f, &fresh);
    if (!e && f->customer)
        e = add_to_customer(b, f, fresh);
    return e;
}

uint64_t books_name(const struct books *b, uint32_t slot)
{
    return b->slot[slot].name;
}

struct str books_text(const struct books *b, uint32_t slot)
{
    return text_of(&b->slot[slot]);
}

enum err books_find(struct books *b, uint64_t name, uint32_t *slot)
{
    struct stored_invoice stored;
    enum err e;

    for (uint32_t i = name_home(b, name); by_name(b)[i]; i = (i + 1) & b->mask) {
        *slot = by_name(b)[i] - 1;
        if (b->slot[*slot].name == name)
            return ERR_OK;
    }
    e = b->store ? store_invoice_by_id(b->store, name, &stored) : ERR_NOT_FOUND;

    return e ? e : books_slot(b, stored.text, slot);
}

void books_touch(struct books *b, uint32_t slot, int64_t time_ms)
{
    struct invoice *v = &b->slot[slot];

    v->touch_ms = time_ms > v->touch_ms ? time_ms : v->touch_ms;
}

const uint64_t *books_hashes(const struct books *b)
{
    return b->hash;
}

static enum err write_others(const struct others *o, struct parcel *p, struct span *out)
{
    struct buf bytes;
    enum err e;

    buf_init(&bytes, 16u << 20);
    e = buf_varint(&bytes, o->n);
    for (uint32_t i = 0; !e && i < o->n; i++)
        e = buf_varint(&bytes, (uint64_t)o->item[i].key << 1 | o->item[i].country);
    if (!e)
        e = parcel_text(p, (struct str){bytes.p, bytes.n}, out);
    buf_clear(&bytes);
    return e;
}

static enum err deliver_invoice(const struct invoice *v, struct parcel *p)
{
    struct span text, others = {0};
    enum err e = parcel_text(p, text_of(v), &text);

    if (!e && v->others)
        e = write_others(v->others, p, &others);
    if (e)
        return e;
    struct invoice_row *row = list_add(&p->invoices);
    if (!row)
        return ERR_NOMEM;
    *row = (struct invoice_row){.id = v->name,
                                .text = text,
                                .customer = v->customer,
                                .country = v->country,
                                .first_ms = v->first_ms,
                                .last_ms = v->last_ms,
                                .lines = v->lines,
                                .units = v->units,
                                .revenue = v->revenue,
                                .n_customers = v->n_customers,
                                .n_countries = v->n_countries,
                                .others = others};
    return ERR_OK;
}

enum err books_deliver(struct books *b, struct parcel *p, uint64_t commit)
{
    enum err e = ERR_OK;

    for (size_t i = 0; !e && i < b->n_changed; i++) {
        struct invoice *v = &b->slot[b->changed[i]];
        e = deliver_invoice(v, p);
        v->changed = false;
        v->commit = commit;
    }
    b->n_changed = 0;
    for (size_t i = 0; !e && i < b->customers.n; i++) {
        const struct customer_row *from = list_at(&b->customers, i);
        struct customer_row *row = list_add(&p->customers);
        if (!row)
            return ERR_NOMEM;
        *row = *from;
        b->customer_at[from->key] = 0;
    }
    if (!e)
        b->customers.n = 0;
    return e;
}

void books_forget(struct books *b, int64_t oldest_ms, uint64_t durable)
{
    if (b->live < b->forget_at)
        return;
    for (uint32_t i = 0; i < b->count; i++) {
        struct invoice *v = &b->slot[i];
        if (!v->name || v->changed || v->commit > durable || v->touch_ms >= oldest_ms)
            continue;
        free_invoice(v);
        v->next_free = b->free1;
        b->free1 = i + 1;
        b->live--;
        b->ask = b->store != NULL;
    }
    /* Rebuilt whole rather than with tombstones, and in place: forgetting can't fail. */
    memset(b->index, 0, 2 * ((size_t)b->mask + 1) * sizeof(*b->index));
    fill_index(b);
    b->forget_at = b->live * 2 > FORGET_FLOOR ? b->live * 2 : FORGET_FLOOR;
}

size_t books_memory(const struct books *b)
{
    return b->cap * (sizeof(*b->slot) + sizeof(*b->hash)) +
           2 * ((size_t)b->mask + 1) * sizeof(*b->index) + b->cap_changed * sizeof(*b->changed) +
           b->customers.cap * sizeof(struct customer_row) +
           b->cap_customer_at * sizeof(*b->customer_at);
}

size_t books_live(const struct books *b)
{
    return b->live;
}
