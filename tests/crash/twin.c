/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * twin: a program that is broken on purpose, to show that the kill loop would notice.
 *
 * The linker puts __wrap_apply_parcel in the place of apply_parcel (--wrap). It applies the
 * results of a parcel and its positions and state one after the other, and where the parcel
 * says `commit`, each gets a transaction of its own. Keys and invoices are in both: the state
 * names them, and a run that misses them stops at once. twin_twice commits results first, so a
 * kill between the two counts sales again; twin_lost commits positions first, so it loses
 * them. Undisturbed, both write the same database as the program.
 */
#include "tests/crash/twin.h"

#include "engine/store/apply.h"

enum err __real_apply_parcel(struct apply *a, const struct parcel *p, struct why *why);
enum err __wrap_apply_parcel(struct apply *a, const struct parcel *p, struct why *why);

static struct parcel results_of(const struct parcel *p)
{
    struct parcel part = *p;

    part.sources.n = part.progress.n = part.ledger.n = part.dedup.n = part.states.n = 0;
    part.dedup_before = 0;
    return part;
}

static struct parcel positions_of(const struct parcel *p)
{
    struct parcel part = *p;

    part.series.n = part.rows.n = part.customers.n = part.rejects.n = part.late.n = 0;
    return part;
}

enum err __wrap_apply_parcel(struct apply *a, const struct parcel *p, struct why *why)
{
    struct parcel results = results_of(p), positions = positions_of(p);
    enum err e = __real_apply_parcel(a, twin_results_first ? &results : &positions, why);

    return e ? e : __real_apply_parcel(a, twin_results_first ? &positions : &results, why);
}
