/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the configured windows need: levels of slices and panes that they share, and the
 * numbers under which the store keeps their rows.
 */
#include "windows/state.h"

#include "engine/store/store.h"

/* The level whose grid is the window's, made when there is none yet. */
static int level_for(struct fold *f, const struct grid *g)
{
    for (int i = 1; i < f->n_levels; i++) {
        if (grid_same(&f->grid[i], g))
            return i;
    }
    f->grid[f->n_levels] = *g;
    f->level[f->n_levels].built_until = WHEN_NONE;
    return f->n_levels++;
}

/* When one grid refines all others, level 0 is that grid itself and its windows read it
 * directly; else level 0 is cut by all of them and each has panes. */
static void choose_base(struct fold *f)
{
    int base = 0;

    for (int i = 1; i < f->n_levels && !base; i++) {
        bool finest = true;
        for (int k = 1; k < f->n_levels; k++)
            finest = finest && grid_nests(&f->grid[i], &f->grid[k]);
        base = finest ? i : 0;
    }
    f->overlay = base == 0;
    if (f->overlay)
        return;
    f->grid[0] = f->grid[base];
    for (int k = base; k + 1 < f->n_levels; k++)
        f->grid[k] = f->grid[k + 1];
    f->n_levels--;
    for (int i = 0; i < f->n_windows; i++) {
        struct window *w = &f->window[i];
        w->level = w->level == base ? 0 : w->level - (w->level > base);
    }
}

void plan_levels(struct fold *f)
{
    f->n_levels = 1;
    for (int i = 0; i < f->n_windows; i++) {
        struct window *w = &f->window[i];
        if (w->setting->type == WINDOW_SESSION)
            continue;
        shape_of(w->setting, f->zone, &w->shape);
        w->level = level_for(f, &w->shape.panes);
    }
    if (f->n_levels == 1) /* only sessions: late sales still want a slice start */
        level_for(f, &(struct grid){.period_ms = WHEN_HOUR});
    choose_base(f);
    for (int i = 0; i < f->n_windows; i++)
        f->level[f->window[i].level].dimensions |= f->window[i].setting->dimensions;
    f->level[0].dimensions = 0;
    for (int i = 0; i < f->n_windows; i++) {
        if (f->window[i].setting->type != WINDOW_SESSION)
            f->level[0].dimensions |= f->window[i].setting->dimensions;
    }
}

static enum err open_sessions(struct window *w, int n_dimensions)
{
    enum err e = ERR_OK;

    for (int d = 0; !e && d < n_dimensions; d++) {
        if (w->series[d])
            e = sessions_open(w->series[d], w->setting->gap_ms, &w->sessions[d]);
    }
    return e;
}

struct series_search {
    struct fold *f;
    uint16_t highest;
};

static enum err match_series(void *arg, const struct stored_series *stored)
{
    struct series_search *search = arg;
    struct fold *f = search->f;

    if (stored->id > search->highest)
        search->highest = stored->id;
    for (int i = 0; i < f->n_windows; i++) {
        if (!str_eq(str_of(f->window[i].setting->name), stored->window))
            continue;
        for (int d = 0; d < f->settings->n_dimensions; d++) {
            if (str_eq(str_of(f->settings->dimension[d].name), stored->dimension))
                f->window[i].series[d] = stored->id;
        }
    }
    return ERR_OK;
}

/* Numbers of the series: those the database knows, new ones after the highest. */
enum err plan_series(struct fold *f)
{
    struct series_search search = {.f = f};
    enum err e = f->store ? store_each_series(f->store, match_series, &search) : ERR_OK;

    for (int i = 0; !e && i < f->n_windows; i++) {
        struct window *w = &f->window[i];
        for (int d = 0; d < f->settings->n_dimensions; d++) {
            if (!(w->setting->dimensions & 1u << d))
                w->series[d] = 0;
            else if (!w->series[d])
                w->series[d] = ++search.highest;
        }
        if (w->setting->type == WINDOW_SESSION)
            e = open_sessions(w, f->settings->n_dimensions);
    }
    return e;
}
