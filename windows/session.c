/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Sessions in one array with a free list; per key a chain of them (seldom more than two
 * are alive at once). Ends wait in a binary heap that is lazy: an entry whose session
 * meanwhile ended later, was joined or is gone is pushed again or dropped when it comes up.
 *
 * Invariants:
 *  (1) sessions of a key lie at least `gap` apart: later.first - earlier.last >= gap.
 *  (2) every session that has not fired has a heap entry with end <= its end.
 *  (3) row_start is where the store has (or will have) its row; NO_ROW: nowhere.
 */
#include "windows/session.h"

#include "engine/when.h"
#include "windows/state.h"

#include <stdlib.h>

#define NO_ROW INT64_MIN

struct session {
    struct cell cell; /* cell.key is the key */
    int64_t first_ms, last_ms;
    int64_t row_start;
    uint32_t version;
    uint32_t next; /* of the same key, or free: place + 1 */
    bool live, fired, changed;
};

struct deadline {
    int64_t end;
    uint32_t place;
};

struct sessions {
    uint16_t series;
    int64_t gap_ms;
    struct session *session;
    uint32_t n, cap, live, free1;
    uint32_t *first; /* by key id: place + 1 */
    uint32_t cap_first;
    struct deadline *heap;
    size_t n_heap, cap_heap;
    bool unsaved;
};

enum err sessions_open(uint16_t series, int64_t gap_ms, struct sessions **out)
{
    struct sessions *s = calloc(1, sizeof(*s));

    if (!s)
        return ERR_NOMEM;
    s->series = series;
    s->gap_ms = gap_ms;
    *out = s;
    return ERR_OK;
}

void sessions_close(struct sessions *s)
{
    if (!s)
        return;
    for (uint32_t i = 0; i < s->n; i++) {
        if (s->session[i].live)
            cell_clear(&s->session[i].cell);
    }
    free(s->session);
    free(s->first);
    free(s->heap);
    free(s);
}

static enum err push(struct sessions *s, int64_t end, uint32_t place)
{
    if (s->n_heap == s->cap_heap) {
        size_t cap = s->cap_heap ? s->cap_heap * 2 : 256;
        struct deadline *heap = realloc(s->heap, cap * sizeof(*heap));
        if (!heap)
            return ERR_NOMEM;
        s->heap = heap;
        s->cap_heap = cap;
    }
    size_t i = s->n_heap++;
    while (i > 0 && s->heap[(i - 1) / 2].end > end) {
        s->heap[i] = s->heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    s->heap[i] = (struct deadline){end, place};
    return ERR_OK;
}

static struct deadline pop(struct sessions *s)
{
    struct deadline top = s->heap[0], moved = s->heap[--s->n_heap];
    size_t i = 0;

    for (size_t child = 1; child < s->n_heap; child = 2 * i + 1) {
        if (child + 1 < s->n_heap && s->heap[child + 1].end < s->heap[child].end)
            child++;
        if (s->heap[child].end >= moved.end)
            break;
        s->heap[i] = s->heap[child];
        i = child;
    }
    if (s->n_heap)
        s->heap[i] = moved;
    return top;
}

static enum err room_for_key(struct sessions *s, uint32_t key)
{
    if (key < s->cap_first)
        return ERR_OK;
    uint32_t cap = s->cap_first ? s->cap_first : 1024;
    while (cap <= key)
        cap *= 2;
    uint32_t *first = realloc(s->first, cap * sizeof(*first));
    if (!first)
        return ERR_NOMEM;
    memset(first + s->cap_first, 0, (cap - s->cap_first) * sizeof(*first));
    s->first = first;
    s->cap_first = cap;
    return ERR_OK;
}

static enum err new_session(struct sessions *s, uint32_t key, uint32_t *place)
{
    if (!s->free1 && s->n == s->cap) {
        uint32_t cap = s->cap ? s->cap * 2 : 64;
        struct session *session = realloc(s->session, cap * sizeof(*session));
        if (!session)
            return ERR_NOMEM;
        s->session = session;
        s->cap = cap;
    }
    uint32_t i = s->free1 ? s->free1 - 1 : s->n++;
    if (s->free1)
        s->free1 = s->session[i].next;
    s->session[i] = (struct session){.row_start = NO_ROW, .live = true, .next = s->first[key]};
    cell_init(&s->session[i].cell, key);
    s->first[key] = i + 1;
    s->live++;
    *place = i;
    return ERR_OK;
}

static void unlink_session(struct sessions *s, uint32_t place)
{
    struct session *gone = &s->session[place];
    uint32_t *from = &s->first[gone->cell.key];

    while (*from != place + 1)
        from = &s->session[*from - 1].next;
    *from = gone->next;
    cell_clear(&gone->cell);
    *gone = (struct session){.next = s->free1};
    s->free1 = place + 1;
    s->live--;
}

static enum err delete_row(struct sessions *s, struct session *x, struct parcel *out)
{
    if (x->row_start == NO_ROW)
        return ERR_OK;
    struct agg_row *row = list_add(&out->rows);
    if (!row)
        return ERR_NOMEM;
    row->series = s->series;
    row->op = ROW_DELETE;
    row->key = x->cell.key;
    row->start_s = x->row_start;
    x->row_start = NO_ROW;
    return ERR_OK;
}

static int64_t seconds(int64_t ms)
{
    return ms >= 0 ? ms / WHEN_SECOND : -((WHEN_SECOND - 1 - ms) / WHEN_SECOND);
}

static enum err put_row(struct sessions *s, struct session *x, struct parcel *out)
{
    int64_t start = seconds(x->first_ms);
    enum err e = x->row_start != start ? delete_row(s, x, out) : ERR_OK;

    if (e)
        return e;
    struct agg_row *row = list_add(&out->rows);
    if (!row)
        return ERR_NOMEM;
    row->series = s->series;
    row->op = ROW_PUT;
    row->start_s = start;
    row->end_s = seconds(x->last_ms + s->gap_ms);
    row->final = x->fired;
    row->version = x->version;
    emit_row(row, &x->cell);
    x->row_start = start;
    x->changed = false;
    return ERR_OK;
}

/* Joins `from` into `into`. */
static enum err join(struct sessions *s, uint32_t into, uint32_t from, const struct hashes *h,
                     struct parcel *out)
{
    struct session *a = &s->session[into], *b = &s->session[from];
    enum err e = cell_merge(&a->cell, &b->cell, h);

    if (!e)
        e = delete_row(s, b, out);
    if (e)
        return e;
    a->first_ms = b->first_ms < a->first_ms ? b->first_ms : a->first_ms;
    a->last_ms = b->last_ms > a->last_ms ? b->last_ms : a->last_ms;
    a->version = b->version > a->version ? b->version : a->version;
    unlink_session(s, from);
    return ERR_OK;
}

/* The session that takes a sale at t: found, joined from two, or new. */
static enum err place_for(struct sessions *s, uint32_t key, const struct fact *f,
                          const struct hashes *h, uint32_t *place, struct parcel *out)
{
    uint32_t found = UINT32_MAX, next;
    enum err e = ERR_OK;

    for (uint32_t i = s->first[key]; !e && i; i = next) {
        const struct session *x = &s->session[i - 1];
        next = x->next;
        if (f->time_ms - x->last_ms >= s->gap_ms || x->first_ms - f->time_ms >= s->gap_ms)
            continue;
        if (found == UINT32_MAX)
            found = i - 1;
        else
            e = join(s, found, i - 1, h, out);
    }
    if (!e && found == UINT32_MAX) {
        e = new_session(s, key, &found);
        if (!e)
            s->session[found].first_ms = s->session[found].last_ms = f->time_ms;
    }
    *place = found;
    return e;
}

enum err sessions_add(struct sessions *s, uint32_t key, const struct fact *f,
                      const struct hashes *h, struct parcel *out)
{
    uint32_t place = 0;
    enum err e = room_for_key(s, key);

    if (!e)
        e = place_for(s, key, f, h, &place, out);
    if (e)
        return e;
    struct session *x = &s->session[place];
    bool waits = x->cell.lines > 0 && !x->fired;
    x->first_ms = f->time_ms < x->first_ms ? f->time_ms : x->first_ms;
    x->last_ms = f->time_ms > x->last_ms ? f->time_ms : x->last_ms;
    x->fired = false;
    x->changed = true;
    s->unsaved = true;
    e = cell_add(&x->cell, f, h);
    return e || waits ? e : push(s, x->last_ms + s->gap_ms, place);
}

static enum err fire_session(struct sessions *s, struct session *x, struct parcel *out)
{
    x->fired = true;
    x->version++;
    s->unsaved = true;
    return put_row(s, x, out);
}

/* Fired sessions stay until no accepted sale can reach them. */
static void forget(struct sessions *s, int64_t forget_ms)
{
    for (uint32_t i = 0; i < s->n; i++) {
        const struct session *x = &s->session[i];
        if (x->live && x->fired && x->last_ms + s->gap_ms <= forget_ms)
            unlink_session(s, i);
    }
}

enum err sessions_advance(struct sessions *s, int64_t watermark_ms, int64_t forget_ms,
                          struct parcel *out)
{
    enum err e = ERR_OK;
    bool fired = false;

    while (!e && s->n_heap && s->heap[0].end <= watermark_ms) {
        uint32_t place = pop(s).place;
        struct session *x = &s->session[place];
        if (!x->live || x->fired)
            continue;
        int64_t end = x->last_ms + s->gap_ms;
        if (end > watermark_ms)
            e = push(s, end, place);
        else
            e = fire_session(s, x, out);
        fired = true;
    }
    if (!e && fired)
        forget(s, forget_ms);
    return e;
}

enum err sessions_finish(struct sessions *s, struct parcel *out)
{
    enum err e = ERR_OK;

    for (uint32_t i = 0; !e && i < s->n; i++) {
        if (s->session[i].live && !s->session[i].fired)
            e = fire_session(s, &s->session[i], out);
    }
    s->n_heap = 0;
    return e;
}

enum err sessions_snapshot(struct sessions *s, struct parcel *out)
{
    enum err e = ERR_OK;

    for (uint32_t i = 0; !e && i < s->n; i++) {
        if (s->session[i].live && s->session[i].changed)
            e = put_row(s, &s->session[i], out);
    }
    return e;
}

bool sessions_take(struct sessions *s, uint32_t key, int64_t first_ms, int64_t last_ms,
                   uint32_t *version, bool *fired)
{
    for (uint32_t i = key < s->cap_first ? s->first[key] : 0; i; i = s->session[i - 1].next) {
        const struct session *x = &s->session[i - 1];
        if (x->first_ms < first_ms || x->last_ms > last_ms)
            continue;
        *version = x->version;
        *fired = x->fired;
        unlink_session(s, i - 1);
        s->unsaved = true;
        return true;
    }
    return false;
}

enum err sessions_put(struct sessions *s, struct cell *cell, const struct session_put *put)
{
    uint32_t place = 0;
    enum err e = room_for_key(s, cell->key);

    if (!e)
        e = new_session(s, cell->key, &place);
    if (e)
        return e;
    struct session *x = &s->session[place];
    x->cell = *cell;
    cell_init(cell, x->cell.key);
    x->first_ms = put->first_ms;
    x->last_ms = put->last_ms;
    x->version = put->version;
    x->fired = put->fired;
    x->changed = true;
    s->unsaved = true;
    return x->fired ? ERR_OK : push(s, x->last_ms + s->gap_ms, place);
}

int64_t sessions_next_end(const struct sessions *s)
{
    return s->n_heap ? s->heap[0].end : INT64_MAX;
}

int64_t sessions_oldest(const struct sessions *s)
{
    int64_t oldest = INT64_MAX;

    for (uint32_t i = 0; i < s->n; i++) {
        const struct session *x = &s->session[i];
        if (x->live && x->first_ms < oldest)
            oldest = x->first_ms;
    }
    return oldest;
}

size_t sessions_count(const struct sessions *s)
{
    return s->live;
}

size_t sessions_memory(const struct sessions *s)
{
    size_t bytes = sizeof(*s) + s->cap * sizeof(*s->session) + s->cap_heap * sizeof(*s->heap) +
                   s->cap_first * sizeof(*s->first);

    for (uint32_t i = 0; i < s->n; i++) {
        if (s->session[i].live)
            bytes += cell_memory(&s->session[i].cell);
    }
    return bytes;
}

bool sessions_unsaved(const struct sessions *s)
{
    return s->unsaved;
}

enum err sessions_save(struct sessions *s, struct buf *out, const struct cell_names *names)
{
    enum err e = buf_varint(out, s->live);

    for (uint32_t i = 0; !e && i < s->n; i++) {
        const struct session *x = &s->session[i];
        if (!x->live)
            continue;
        e = buf_zigzag(out, x->first_ms);
        if (!e)
            e = buf_zigzag(out, x->last_ms);
        if (!e)
            e = buf_zigzag(out, x->row_start);
        if (!e)
            e = buf_varint(out, x->version);
        if (!e)
            e = buf_u8(out, x->fired);
        if (!e)
            e = cell_save(&x->cell, out, names);
    }
    s->unsaved = s->unsaved && e;
    return e;
}

/* Whether a session of this key lies too near: invariant (1). */
static bool touches(const struct sessions *s, uint32_t key, const struct session *x)
{
    for (uint32_t i = s->first[key]; i; i = s->session[i - 1].next) {
        const struct session *y = &s->session[i - 1];
        if (x->first_ms - y->last_ms < s->gap_ms && y->first_ms - x->last_ms < s->gap_ms)
            return true;
    }
    return false;
}

static enum err load_one(struct sessions *s, struct reader *in, const struct cell_names *names,
                         const struct hashes *h)
{
    struct cell cell;
    struct session x = {.live = true, .first_ms = read_zigzag(in)};
    uint32_t place;

    x.last_ms = read_zigzag(in);
    x.row_start = read_zigzag(in);
    x.version = (uint32_t)read_count(in, UINT32_MAX);
    x.fired = read_u8(in) != 0;
    cell_init(&cell, 0);
    enum err e = cell_load(&cell, in, names, h);
    bool good = state_time(x.first_ms) && state_time(x.last_ms) && x.first_ms <= x.last_ms &&
                (x.row_start == NO_ROW || state_time(x.row_start));
    if (!e && (in->bad || !good || cell.lines == 0))
        e = ERR_DAMAGED;
    if (!e)
        e = room_for_key(s, cell.key);
    if (!e && touches(s, cell.key, &x))
        e = ERR_DAMAGED;
    if (!e)
        e = new_session(s, cell.key, &place);
    if (e) {
        cell_clear(&cell);
        return e;
    }
    x.next = s->session[place].next;
    x.cell = cell;
    s->session[place] = x;
    return x.fired ? ERR_OK : push(s, x.last_ms + s->gap_ms, place);
}

enum err sessions_load(struct sessions *s, struct reader *in, const struct cell_names *names,
                       const struct hashes *h)
{
    uint64_t n = read_count(in, UINT32_MAX);
    enum err e = ERR_OK;

    for (uint64_t i = 0; !e && i < n; i++)
        e = load_one(s, in, names, h);
    return e;
}
