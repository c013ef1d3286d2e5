/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/t.h"
#include "windows/level.h"

T(slices_stand_in_order_of_time_however_they_come)
{
    static const int64_t starts[] = {30, 10, 50, 20, 40};
    struct level l = {0};
    bool made;

    for (size_t i = 0; i < countof(starts); i++) {
        ok(level_slice(&l, starts[i], starts[i] + 10, 2, &made) != NULL);
        ok(made);
    }
    struct slice *s = level_slice(&l, 20, 30, 2, &made);
    ok(!made && s->start == 20);
    for (size_t i = 0; i < l.n; i++)
        eq_int(l.slice[i]->start, 10 * (int64_t)(i + 1));
    ok(level_at(&l, 29) == s);
    ok(level_at(&l, 9) == NULL && level_at(&l, 60) == NULL);
    eq_u64(level_from(&l, 30), 2);
    level_drop(&l, 3);
    ok(level_at(&l, 29) == NULL);
    eq_int(level_at(&l, 45)->start, 40);
    level_clear(&l);
}

T(a_cell_made_without_a_mark_is_not_changed_until_it_is_touched)
{
    struct cellset set = {0};

    for (uint32_t key = 0; key < 100; key++)
        ok(cellset_cell(&set, key) != NULL);
    eq_u64(set.n, 100);
    eq_u64(set.n_changed, 0);
    ok(cellset_touch(&set, 42) == cellset_find(&set, 42));
    ok(cellset_touch(&set, 42) != NULL);
    eq_u64(set.n_changed, 1);
    ok(cellset_changed(cellset_find(&set, 42)) && !cellset_changed(cellset_find(&set, 41)));
    cellset_settle(&set);
    ok(!cellset_changed(cellset_find(&set, 42)));
    cellset_clear(&set);
}
