/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Windows with keep = newest hold one row per key: that of the instance whose end is the
 * first after the watermark. Rows are written before a commit, not at each slide: only keys
 * whose sales entered, left or grew since the last commit are touched.
 */
#include "windows/state.h"

#include <stdlib.h>

static enum err touch_slice(struct keyset *touched, const struct slice *s, int d)
{
    uint32_t last = UINT32_MAX;
    enum err e = ERR_OK;

    for (uint32_t k = 0; !e && k < s->set[d].n; k++)
        e = keyset_add(touched, s->set[d].cell[k].key);
    for (uint32_t i = 0; !e && i < s->waiting.n; i++) {
        uint32_t key = waiting_at(&s->waiting, i)->key[d];
        e = key == last ? ERR_OK : keyset_add(touched, key);
        last = key;
    }
    return e;
}

static enum err touch_range(struct fold *f, struct window *w, struct window_span span)
{
    enum err e = span.start < span.end ? emit_pieces(f, w, span) : ERR_OK;

    for (int d = 0; !e && span.start < span.end && d < f->settings->n_dimensions; d++) {
        for (size_t i = 0; !e && w->series[d] && i < f->bench.n_pieces; i++)
            e = touch_slice(&w->touched[d], f->bench.piece[i], d);
    }
    return e;
}

static bool of_window(void *arg, const struct reopened_row *row)
{
    return row->window == *(const int *)arg;
}

enum err newest_move(struct fold *f, struct window *w)
{
    struct window_span old = w->current;
    struct window_span new = shape_ending_after(&w->shape, f->watermark_ms);
    int place = (int)(w - f->window);
    enum err e = ERR_OK;

    /* Rows are told apart by the start of their instance: those of a cumulative window
     * that had fired must be written again, for they are open now. */
    if (old.end == WHEN_NONE || (old.start == new.start &&old.end == w->fired_end)) {
        e = touch_range(f, w, new);
    } else {
        struct window_span left = {old.start, old.end < new.start ? old.end : new.start};
        struct window_span came = {old.end > new.start ? old.end : new.start, new.end};
        e = touch_range(f, w, left);
        if (!e)
            e = touch_range(f, w, came);
    }
    w->current = new;
    w->moved = true;
    reopened_forget(&f->reopened, of_window, &place);
    return e;
}

static enum err write_touched(struct fold *f, struct window *w, struct parcel *out)
{
    enum err e = ERR_OK;

    for (int d = 0; !e && d < f->settings->n_dimensions; d++) {
        if (w->touched[d].n)
            e = emit_keys(f, w, d, w->current, &w->touched[d], out);
        if (!e)
            keyset_reset(&w->touched[d]);
    }
    return e;
}

/* Tells the store which instance the rows are of. */
static enum err write_instance(struct fold *f, struct window *w, struct parcel *out)
{
    enum err e = ERR_OK;

    for (int d = 0; !e && w->moved && d < f->settings->n_dimensions; d++) {
        if (w->series[d])
            e = emit_series(f, w, d, INT64_MIN, out);
    }
    if (!e)
        w->moved = false;
    return e;
}

/* The keys that changed in a level's slices within the window's instance. */
static enum err touch_changed(struct window *w, const struct level *l, int n_dimensions)
{
    enum err e = ERR_OK;

    for (size_t i = level_from(l, w->current.start);
         !e && i < l->n && l->slice[i]->start < w->current.end; i++) {
        for (int d = 0; !e && d < n_dimensions; d++) {
            const struct cellset *set = &l->slice[i]->set[d];
            for (uint32_t k = 0; !e && w->series[d] && k < set->n_changed; k++)
                e = keyset_add(&w->touched[d], set->cell[set->changed[k]].key);
        }
    }
    return e;
}

enum err newest_snapshot(struct fold *f, struct window *w, struct parcel *out)
{
    enum err e = write_instance(f, w, out);

    if (!e)
        e = touch_changed(w, &f->level[0], f->settings->n_dimensions);
    if (!e && w->level > 0)
        e = touch_changed(w, &f->level[w->level], f->settings->n_dimensions);
    return e ? e : write_touched(f, w, out);
}

/* Only the first time an instance ends are all its rows written; later, those that were
 * touched again (fold.c refires them). */
enum err newest_finish(struct fold *f, struct window *w, struct parcel *out)
{
    enum err e = newest_snapshot(f, w, out);

    if (e || w->fired_end == w->current.end || w->current.end == WHEN_NONE)
        return e;
    w->fired_end = w->current.end;
    return emit_all(f, w, w->current, out);
}
