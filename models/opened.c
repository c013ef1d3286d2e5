/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A keyed table of invoices and a binary heap of times. An invoice's time moves back with each
 * line; its entry in the heap is corrected only when it comes up.
 *
 * Invariants:
 *  (1) every invoice of the table has exactly one entry in the heap, whose time is at most
 *      due_ms: so nothing is due before the smallest entry.
 *  (2) the heap's order is total (time, then number): what happens next depends on what is
 *      held, not on how it came there.
 */
#include "models/opened.h"

#include <stdlib.h>

static const struct pack_field fields[] = {
    PACK(struct opened, time_ms, PACK_I64, -1e16, 1e16),
    PACK(struct opened, local_ms, PACK_I64, -1e16, 1e16),
    PACK(struct opened, last_ms, PACK_I64, -1e16, 1e16),
    PACK(struct opened, due_ms, PACK_I64, -1e16, 1e16),
    PACK(struct opened, customer, PACK_U32, 0, 1 << 30),
    PACK(struct opened, country, PACK_U32, 0, 1 << 30),
    PACK(struct opened, letter, PACK_U8, 0, 255),
    PACK(struct opened, closed, PACK_U8, 0, 1),
    PACK(struct opened, learned, PACK_U8, 0, 1),
    PACK(struct opened, reopened, PACK_U8, 0, 255),
    PACK(struct opened, lines, PACK_I64, 0, 1e15),
    PACK(struct opened, units, PACK_I64, -1e19, 1e19),
    PACK(struct opened, revenue, PACK_I64, -1e19, 1e19),
    PACK(struct opened, free, PACK_I64, 0, 1e15),
    PACK(struct opened, odd, PACK_I64, 0, 1e15),
    PACK(struct opened, top_value, PACK_I64, 0, 1e19),
    PACK(struct opened, top_units, PACK_I64, 0, 1e19),
    PACK(struct opened, top_value_stock, PACK_U32, 0, 1 << 30),
    PACK(struct opened, top_units_stock, PACK_U32, 0, 1 << 30),
    PACK(struct opened, content, PACK_U64, 0, 2e19),
    PACK(struct opened, told, PACK_F64, 0, 1e6),
    PACK(struct opened, decades, PACK_F64, 0, 1e3),
    PACK(struct opened, returned, PACK_I64, 0, 1e15),
    PACK(struct opened, unknown, PACK_I64, 0, 1e15),
    PACK(struct opened, crowd_before, PACK_F64, 0, 1e6),
};
static const struct keyed_kind kind = {.name = "detect/open",
                                       .version = 1,
                                       .size = sizeof(struct opened),
                                       .max = OPENED_MAX + 1,
                                       .table = {fields, countof(fields)}};
static const struct pack_field line_fields[] = {
    PACK(struct opened_line, same, PACK_U64, 0, 2e19),
    PACK(struct opened_line, stock, PACK_U32, 0, 1 << 30),
    PACK(struct opened_line, ln_price, PACK_F32, -1e3, 1e3),
    PACK(struct opened_line, ln_quantity, PACK_F32, -1e3, 1e3),
    PACK(struct opened_line, price_x, PACK_F32, -1e10, 1e10),
    PACK(struct opened_line, quantity_x, PACK_F32, 0, 1e10),
    PACK(struct opened_line, priced, PACK_U8, 0, 1),
};

void openings_init(struct openings *o)
{
    *o = (struct openings){.n = 0};
    keyed_init(&o->table, &kind);
}

void openings_clear(struct openings *o)
{
    for (uint32_t i = 0; i < o->table.n; i++)
        free(((struct opened *)keyed_at(&o->table, i))->line);
    keyed_clear(&o->table);
    free(o->heap);
    openings_init(o);
}

struct opened *openings_find(const struct openings *o, uint64_t invoice)
{
    return keyed_find(&o->table, invoice);
}

/* ---- the heap ---- */

static bool before(const struct due *a, const struct due *b)
{
    return a->ms != b->ms ? a->ms < b->ms : a->invoice < b->invoice;
}

static void rise(struct openings *o, size_t at)
{
    struct due item = o->heap[at];

    while (at > 0 && before(&item, &o->heap[(at - 1) / 2])) {
        o->heap[at] = o->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    o->heap[at] = item;
}

/* Puts `item` where the first one was. */
static void sink(struct openings *o, struct due item)
{
    size_t at = 0, child = 1;

    while (child < o->n) {
        if (child + 1 < o->n && before(&o->heap[child + 1], &o->heap[child]))
            child++;
        if (!before(&o->heap[child], &item))
            break;
        o->heap[at] = o->heap[child];
        at = child;
        child = 2 * at + 1;
    }
    o->heap[at] = item;
}

static enum err reserve(struct openings *o)
{
    if (o->n < o->cap)
        return ERR_OK;
    size_t cap = o->cap ? o->cap * 2 : 64;
    struct due *heap = realloc(o->heap, cap * sizeof(*heap));
    if (!heap)
        return ERR_NOMEM;
    o->heap = heap;
    o->cap = cap;
    return ERR_OK;
}

static void push(struct openings *o, struct due item)
{
    o->heap[o->n] = item;
    rise(o, o->n++);
}

/* ---- invoices ---- */

enum err openings_add(struct openings *o, const struct model_line *line, int64_t due_ms,
                      struct opened **out)
{
    void *record = NULL;
    enum err e = reserve(o);

    if (!e)
        e = keyed_touch(&o->table, line->invoice, &record);
    if (e)
        return e;
    struct opened *i = record;
    i->time_ms = i->last_ms = line->time_ms;
    i->local_ms = line->local_ms;
    i->due_ms = due_ms;
    i->customer = line->customer;
    i->country = line->country;
    i->letter = line->letter;
    i->echo_bucket = -1;
    push(o, (struct due){due_ms, line->invoice});
    *out = i;
    return ERR_OK;
}

enum err opened_add(struct opened *i, struct opened_line **out)
{
    *out = NULL;
    if (i->n_line == OPENED_LINES_MAX)
        return ERR_OK;
    if (i->n_line == i->cap_line) {
        uint32_t cap = i->cap_line ? i->cap_line * 2 : 8;
        struct opened_line *line = realloc(i->line, cap * sizeof(*line));
        if (!line)
            return ERR_NOMEM;
        i->line = line;
        i->cap_line = cap;
    }
    *out = &i->line[i->n_line++];
    return ERR_OK;
}

void opened_drop_lines(struct opened *i)
{
    free(i->line);
    i->line = NULL;
    i->n_line = i->cap_line = 0;
}

struct opened *openings_due(struct openings *o, int64_t now_ms)
{
    while (o->n && o->heap[0].ms <= now_ms) {
        struct opened *i = keyed_find(&o->table, o->heap[0].invoice);
        if (i && i->due_ms <= o->heap[0].ms)
            return i;
        if (i)
            sink(o, (struct due){i->due_ms, i->head.key});
        else if (--o->n)
            sink(o, o->heap[o->n]);
    }
    return NULL;
}

void openings_again(struct openings *o, const struct opened *i)
{
    sink(o, (struct due){i->due_ms, i->head.key});
}

void openings_remove(struct openings *o, struct opened *i)
{
    opened_drop_lines(i);
    keyed_forget(&o->table, i);
    if (--o->n)
        sink(o, o->heap[o->n]);
}

size_t openings_memory(const struct openings *o)
{
    size_t n = keyed_memory(&o->table) + o->cap * sizeof(*o->heap);

    for (uint32_t i = 0; i < o->table.n; i++)
        n += ((const struct opened *)keyed_at(&o->table, i))->cap_line * sizeof(struct opened_line);
    return n;
}

/* ---- state ---- */

static enum err save_one(const struct opened *i, struct buf *b)
{
    enum err e = buf_varint(b, i->head.key);

    if (!e)
        e = pack_write(b, kind.table, i);
    if (!e)
        e = buf_zigzag(b, i->echo_bucket);
    for (int s = 0; !e && s < STAT_COUNT; s++) {
        bool there = i->found[s].surprise > 0 || i->found[s].value != 0;
        e = buf_u8(b, there);
        if (!e && there)
            e = pack_write(b, evidence_table, &i->found[s]);
    }
    if (!e)
        e = buf_varint(b, i->n_line);
    for (uint32_t k = 0; !e && k < i->n_line; k++)
        e = pack_write(b, PACK_TABLE(line_fields), &i->line[k]);
    return e;
}

enum err openings_save(const struct openings *o, struct buf *b)
{
    enum err e = buf_varint(b, o->table.n);

    for (uint32_t i = 0; !e && i < o->table.n; i++)
        e = save_one(keyed_at(&o->table, i), b);
    return e;
}

static enum err load_lines(struct opened *i, struct reader *r)
{
    uint64_t n = read_count(r, OPENED_LINES_MAX);
    enum err e = ERR_OK;

    for (uint64_t k = 0; !e && !r->bad && k < n; k++) {
        struct opened_line *line;
        e = opened_add(i, &line);
        if (!e)
            pack_read(r, PACK_TABLE(line_fields), line);
    }
    return e;
}

static enum err load_one(struct openings *o, struct reader *r)
{
    struct model_line line = {.invoice = read_varint(r)};
    struct opened loaded = {.n_line = 0}, *i;
    enum err e;

    pack_read(r, kind.table, &loaded);
    int64_t bucket = read_zigzag(r);
    for (int s = 0; !r->bad && s < STAT_COUNT; s++) {
        if (!read_u8(r))
            continue;
        pack_read(r, evidence_table, &loaded.found[s]);
        r->bad = r->bad || loaded.found[s].stat != s;
    }
    if (r->bad || bucket < -1 || bucket >= ECHO_BUCKETS || openings_find(o, line.invoice))
        return ERR_DAMAGED;
    loaded.echo_bucket = (int32_t)bucket;
    e = openings_add(o, &line, loaded.due_ms, &i);
    if (e)
        return e;
    loaded.head = i->head;
    *i = loaded;
    return load_lines(i, r);
}

enum err openings_load(struct openings *o, struct reader *r)
{
    uint64_t n = read_count(r, OPENED_MAX);
    enum err e = ERR_OK;

    for (uint64_t i = 0; !e && !r->bad && i < n; i++)
        e = load_one(o, r);
    return e || !r->bad ? e : ERR_DAMAGED;
}
