/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * cellset: the cells of one slice and one dimension, by key id.
 *
 * Cells lie in one array in order of first appearance and may move when one is added.
 * `changed` lists the places of cells touched since cellset_settle.
 */
#ifndef TILLSTREAM_WINDOWS_CELLSET_H
#define TILLSTREAM_WINDOWS_CELLSET_H

#include "windows/cell.h"

struct cellset {
    struct cell *cell;
    uint32_t n, cap;
    uint32_t *index; /* open addressing by key: place + 1 */
    uint32_t mask;
    uint32_t *changed;
    uint32_t n_changed, cap_changed;
};

void cellset_clear(struct cellset *s);
struct cell *cellset_find(const struct cellset *s, uint32_t key); /* NULL: none */
/* The cell of `key`, made if there is none, and marked changed. NULL: out of memory. */
struct cell *cellset_touch(struct cellset *s, uint32_t key);
struct cell *cellset_cell(struct cellset *s, uint32_t key); /* the same, not marked */
bool cellset_changed(const struct cell *c);
void cellset_settle(struct cellset *s); /* nothing counts as changed any more */
size_t cellset_memory(const struct cellset *s);

#endif
