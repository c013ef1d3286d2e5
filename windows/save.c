/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Saved state, in parts so that a save writes only what changed:
 *   windows/0                  what has fired and how far; reopened rows; how many slices
 *                              and sessions the other parts hold, so that none gets lost
 *   windows/session/W/D        all sessions of window W and dimension D
 *   windows/slice/L/START      one slice or pane: its cells by dimension
 * Integers as in engine/buf.h; each part carries version and checksum in the store. The
 * pipeline loads parts only when the configured windows are those that saved them, so
 * windows, dimensions and levels are named by their places.
 */
#include "windows/state.h"

#include "engine/store/store.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define STATE_VERSION 1
#define PART_MAX (1u << 30)

struct naming {
    struct fold *fold;
    int64_t time_ms; /* invoices loaded with a slice were last seen before this */
    enum err failed; /* why an invoice could not be looked up */
};

static uint64_t invoice_name(void *arg, uint32_t slot)
{
    return books_name(((struct naming *)arg)->fold->books, slot);
}

static uint32_t invoice_slot(void *arg, uint64_t name)
{
    struct naming *n = arg;
    uint32_t slot;
    enum err e = books_find(n->fold->books, name, &slot);

    if (e && e != ERR_NOT_FOUND)
        n->failed = e;
    if (e)
        slot = UINT32_MAX;
    else
        books_touch(n->fold->books, slot, n->time_ms);
    n->fold->hashes.invoice = books_hashes(n->fold->books);
    return slot;
}

static struct cell_names names_of(struct naming *n)
{
    return (struct cell_names){invoice_name, invoice_slot, n, keys_count(n->fold->keys)};
}

static enum err write_reopened(const struct reopened *r, struct buf *b)
{
    enum err e = buf_varint(b, r->n);

    for (uint32_t i = 0; !e && i < r->n; i++) {
        const struct reopened_row *row = &r->row[i];
        e = buf_u8(b, (uint8_t)row->window);
        if (!e)
            e = buf_u8(b, (uint8_t)row->dimension);
        if (!e)
            e = buf_varint(b, row->key);
        if (!e)
            e = buf_zigzag(b, row->span.start);
        if (!e)
            e = buf_zigzag(b, row->span.end);
        if (!e)
            e = buf_varint(b, row->version);
        if (!e)
            e = buf_u8(b, row->pending);
    }
    return e;
}

/* Of the other parts, as they will be after this save. */
static enum err write_counts(const struct fold *f, struct buf *b)
{
    enum err e = ERR_OK;

    for (int k = 0; !e && k < f->n_levels; k++)
        e = buf_varint(b, f->level[k].n);
    for (int i = 0; !e && i < f->n_windows; i++) {
        for (int d = 0; !e && d < f->settings->n_dimensions; d++) {
            if (f->window[i].sessions[d])
                e = buf_varint(b, sessions_count(f->window[i].sessions[d]));
        }
    }
    return e;
}

static void read_counts(struct fold *f, struct reader *in)
{
    for (int k = 0; k < f->n_levels; k++)
        f->saved_slices[k] = read_varint(in);
    for (int i = 0; i < f->n_windows; i++) {
        for (int d = 0; d < f->settings->n_dimensions; d++) {
            if (f->window[i].sessions[d])
                f->window[i].saved_sessions[d] = read_varint(in);
        }
    }
}

enum err fold_loaded(const struct fold *f, struct why *why)
{
    bool all = true;

    for (int k = 0; k < f->n_levels; k++)
        all = all && f->level[k].n == f->saved_slices[k];
    for (int i = 0; i < f->n_windows; i++) {
        const struct window *w = &f->window[i];
        for (int d = 0; d < f->settings->n_dimensions; d++)
            all =
                all && (!w->sessions[d] || sessions_count(w->sessions[d]) == w->saved_sessions[d]);
    }
    return all ? ERR_OK
               : why_set(why, ERR_DAMAGED,
                         "a part of the saved windows is missing: restore a copy of the database, "
                         "or move it away and run the source again");
}

static enum err save_progress(struct fold *f, struct parcel *out)
{
    const int64_t marks[] = {f->watermark_ms, f->highest_ms, f->end_mark_ms, f->end_horizon_ms};
    struct buf b;
    enum err e = ERR_OK;

    buf_init(&b, PART_MAX);
    for (size_t i = 0; !e && i < countof(marks); i++)
        e = buf_zigzag(&b, marks[i]);
    for (int i = 0; !e && i < f->n_windows; i++) {
        const struct window *w = &f->window[i];
        e = buf_zigzag(&b, w->next_end);
        if (!e)
            e = buf_zigzag(&b, w->current.start);
        if (!e)
            e = buf_zigzag(&b, w->current.end);
        if (!e)
            e = buf_zigzag(&b, w->fired_end);
    }
    for (int k = 0; !e && k < f->n_levels; k++)
        e = buf_zigzag(&b, f->level[k].built_until);
    if (!e)
        e = write_counts(f, &b);
    if (!e)
        e = write_reopened(&f->reopened, &b);
    if (!e)
        e = parcel_state(out, "windows/0", STATE_VERSION, &b);
    buf_clear(&b);
    return e;
}

static enum err save_sessions(struct fold *f, struct parcel *out)
{
    struct naming naming = {.fold = f};
    const struct cell_names names = names_of(&naming);
    enum err e = ERR_OK;
    char name[64];

    for (int i = 0; !e && i < f->n_windows; i++) {
        for (int d = 0; !e && d < f->settings->n_dimensions; d++) {
            struct sessions *s = f->window[i].sessions[d];
            if (!s || !sessions_unsaved(s))
                continue;
            struct buf b;
            buf_init(&b, PART_MAX);
            (void)snprintf(name, sizeof(name), "windows/session/%02d/%02d", i, d);
            e = sessions_save(s, &b, &names);
            if (!e)
                e = parcel_state(out, name, STATE_VERSION, &b);
            buf_clear(&b);
        }
    }
    return e;
}

static void slice_name(char *name, size_t size, int level, int64_t start)
{
    (void)snprintf(name, size, "windows/slice/%02d/%" PRId64, level, start);
}

static enum err save_slice(struct fold *f, int level, struct slice *s, struct parcel *out)
{
    struct naming naming = {.fold = f};
    const struct cell_names names = names_of(&naming);
    struct buf b;
    char name[64];
    enum err e;

    buf_init(&b, PART_MAX);
    e = buf_varint(&b, (uint64_t)level);
    if (!e)
        e = buf_zigzag(&b, s->start);
    if (!e)
        e = buf_zigzag(&b, s->end);
    for (int d = 0; !e && d < s->n_sets; d++) {
        e = buf_varint(&b, s->set[d].n);
        for (uint32_t i = 0; !e && i < s->set[d].n; i++)
            e = cell_save(&s->set[d].cell[i], &b, &names);
    }
    slice_name(name, sizeof(name), level, s->start);
    if (!e)
        e = parcel_state(out, name, STATE_VERSION, &b);
    buf_clear(&b);
    if (!e) {
        s->unsaved = false;
        s->saved = true;
    }
    return e;
}

enum err fold_note_dropped(struct fold *f, int level, const struct slice *s)
{
    if (!s->saved)
        return ERR_OK;
    struct dropped *d = list_add(&f->dropped);
    if (!d)
        return ERR_NOMEM;
    *d = (struct dropped){level, s->start};
    return ERR_OK;
}

enum err fold_save(struct fold *f, struct parcel *out)
{
    enum err e = save_progress(f, out);
    char name[64];

    if (!e)
        e = save_sessions(f, out);
    for (size_t i = 0; !e && i < f->dropped.n; i++) {
        const struct dropped *d = list_at(&f->dropped, i);
        slice_name(name, sizeof(name), d->level, d->start);
        e = parcel_state(out, name, STATE_VERSION, NULL);
    }
    if (!e)
        f->dropped.n = 0;
    for (int k = 0; !e && k < f->n_levels; k++) {
        struct level *l = &f->level[k];
        for (size_t i = 0; !e && i < l->n; i++) {
            if (!l->slice[i]->unsaved)
                continue;
            e = fold_catch_up(f, l->slice[i]);
            if (!e)
                e = save_slice(f, k, l->slice[i], out);
        }
    }
    return e;
}

/* Whether the span is an instance of the window, and the row not there yet. */
static bool reopened_sound(const struct fold *f, const struct reopened_row *row)
{
    if (row->window >= f->n_windows || row->dimension >= f->settings->n_dimensions ||
        row->key >= keys_count(f->keys) || !state_time(row->span.end))
        return false;
    const struct window *w = &f->window[row->window];
    if (w->setting->type == WINDOW_SESSION || !w->series[row->dimension])
        return false;
    struct window_span span = shape_ending_after(&w->shape, row->span.end - 1);
    return span.start == row->span.start && span.end == row->span.end &&
           !reopened_find(&f->reopened, row->window, row->dimension, row->key, span.end);
}

static enum err load_reopened(struct fold *f, struct reader *in)
{
    uint64_t n = read_count(in, UINT32_MAX);
    enum err e = ERR_OK;

    for (uint64_t i = 0; !e && i < n; i++) {
        struct reopened_row row = {.window = read_u8(in), .dimension = read_u8(in)};
        row.key = (uint32_t)read_count(in, INT32_MAX);
        row.span.start = read_zigzag(in);
        row.span.end = read_zigzag(in);
        row.version = (uint32_t)read_count(in, UINT32_MAX);
        row.pending = read_u8(in) != 0;
        e = in->bad || !reopened_sound(f, &row) ? ERR_DAMAGED : reopened_add(&f->reopened, &row);
    }
    return e;
}

static bool mark_sound(int64_t ms)
{
    return ms == WHEN_NONE || state_time(ms);
}

/* What a window waits for follows from the watermark. */
static bool window_sound(const struct fold *f, const struct window *w)
{
    struct window_span next = {WHEN_NONE, WHEN_NONE};

    if (f->watermark_ms != WHEN_NONE && w->setting->type != WINDOW_SESSION)
        next = shape_ending_after(&w->shape, f->watermark_ms);
    if (w->setting->keep == KEEP_NEWEST)
        return w->current.start == next.start && w->current.end == next.end &&
               w->next_end == WHEN_NONE && mark_sound(w->fired_end);
    return w->next_end == next.end && w->current.end == WHEN_NONE && w->fired_end == WHEN_NONE;
}

static bool level_sound(const struct fold *f, int k)
{
    int64_t built = f->level[k].built_until;

    if (k == 0 || built == WHEN_NONE)
        return true;
    return built <= f->watermark_ms && state_time(built) && grid_floor(&f->grid[k], built) == built;
}

static enum err load_progress(struct fold *f, struct reader *in)
{
    int64_t *const mark[] = {&f->watermark_ms, &f->highest_ms, &f->end_mark_ms, &f->end_horizon_ms};
    bool good = true;

    for (size_t i = 0; i < countof(mark); i++) {
        *mark[i] = read_zigzag(in);
        good = good && mark_sound(*mark[i]);
    }
    for (int i = 0; good && i < f->n_windows; i++) {
        struct window *w = &f->window[i];
        w->next_end = read_zigzag(in);
        w->current.start = read_zigzag(in);
        w->current.end = read_zigzag(in);
        w->fired_end = read_zigzag(in);
        good = window_sound(f, w);
    }
    for (int k = 0; good && k < f->n_levels; k++) {
        f->level[k].built_until = read_zigzag(in);
        good = level_sound(f, k);
    }
    read_counts(f, in);
    return good ? load_reopened(f, in) : ERR_DAMAGED;
}

/* Takes the loaded cell over into the set. */
static enum err adopt_cell(const struct fold *f, struct cellset *set, struct cell *loaded)
{
    if (!loaded->lines || loaded->key >= keys_count(f->keys) || cellset_find(set, loaded->key))
        return ERR_DAMAGED;
    struct cell *c = cellset_touch(set, loaded->key);
    if (!c)
        return ERR_NOMEM;
    loaded->flags = c->flags;
    cell_clear(c);
    *c = *loaded;
    return ERR_OK;
}

static enum err load_cells(struct fold *f, struct cellset *set, struct reader *in, int64_t end)
{
    struct naming naming = {.fold = f, .time_ms = end};
    const struct cell_names names = names_of(&naming);
    uint64_t n = read_count(in, UINT32_MAX);
    enum err e = ERR_OK;

    for (uint64_t i = 0; !e && i < n; i++) {
        struct cell loaded;
        cell_init(&loaded, 0);
        e = cell_load(&loaded, in, &names, &f->hashes);
        if (naming.failed)
            e = naming.failed;
        if (!e)
            e = adopt_cell(f, set, &loaded);
        if (e)
            cell_clear(&loaded);
    }
    return e;
}

static bool slice_fits(const struct fold *f, int level, int64_t start, int64_t end)
{
    if (level)
        return grid_floor(&f->grid[level], start) == start &&
               grid_next(&f->grid[level], start) == end;
    return fold_slice_start(f, start) == start && fold_slice_end(f, start) == end;
}

static enum err load_slice(struct fold *f, struct reader *in)
{
    uint64_t level = read_count(in, (uint64_t)f->n_levels - 1);
    int64_t start = read_zigzag(in), end = read_zigzag(in);
    bool made = false;
    enum err e = ERR_OK;

    if (in->bad || !state_time(start) || !slice_fits(f, (int)level, start, end))
        return ERR_DAMAGED;
    fold_hashes(f);
    struct level *l = &f->level[level];
    struct slice *s = level_slice(l, start, end, f->settings->n_dimensions, &made);
    if (!s || !made)
        return s ? ERR_DAMAGED : ERR_NOMEM;
    s->needed_until = fold_needed_until(f, (int)level, start);
    s->saved = true;
    for (int d = 0; !e && d < s->n_sets; d++) {
        e = load_cells(f, &s->set[d], in, end);
        if (!e && s->set[d].n && !(l->dimensions >> d & 1))
            e = ERR_DAMAGED;
    }
    for (int d = 0; d < s->n_sets; d++)
        cellset_settle(&s->set[d]);
    return e;
}

static int two_digits(const char *p)
{
    bool digits = p[0] >= '0' && p[0] <= '9' && p[1] >= '0' && p[1] <= '9';

    return digits ? (p[0] - '0') * 10 + p[1] - '0' : -1;
}

static enum err load_sessions(struct fold *f, struct str name, struct reader *in)
{
    const size_t at = sizeof("windows/session/") - 1;
    bool whole = name.n == at + 5; /* WW/DD */
    int w = whole ? two_digits(name.p + at) : -1, d = whole ? two_digits(name.p + at + 3) : -1;

    if (w < 0 || w >= f->n_windows || d < 0 || d >= f->settings->n_dimensions ||
        !f->window[w].sessions[d])
        return ERR_DAMAGED;
    struct naming naming = {.fold = f, .time_ms = f->highest_ms};
    fold_hashes(f);
    const struct cell_names names = names_of(&naming);
    enum err e = sessions_load(f->window[w].sessions[d], in, &names, &f->hashes);
    return naming.failed ? naming.failed : e;
}

enum err fold_load(struct fold *f, struct str name, uint32_t version, struct str data,
                   struct why *why)
{
    const struct str session = STR("windows/session/");
    struct reader in = reader_of(data.p, data.n);
    enum err e;

    if (version > STATE_VERSION)
        return why_set(why, ERR_NEWER,
                       "state part \"%.*s\" has version %u, this program knows %d: use a newer "
                       "tillstream",
                       (int)name.n, name.p, version, STATE_VERSION);
    if (str_eq(name, STR("windows/0")))
        e = load_progress(f, &in);
    else if (name.n > session.n && !memcmp(name.p, session.p, session.n))
        e = load_sessions(f, name, &in);
    else
        e = load_slice(f, &in);
    if (!e && (in.bad || in.p != in.end))
        e = ERR_DAMAGED;
    if (e && e != ERR_DAMAGED && f->store)
        (void)store_explain(f->store, e, why);
    if (e && !(why && why->text[0]))
        (void)why_set(
            why, e, "state part \"%.*s\" can't be restored (%s)%s", (int)name.n, name.p,
            err_text(e),
            e == ERR_DAMAGED ? ": restore the database from a copy, or start with a new one" : "");
    return e;
}
