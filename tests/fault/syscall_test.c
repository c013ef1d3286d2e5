/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * syscall_test: the program run with its n-th call to the system failing, for every n: a signal
 * in the middle, half of a read or write, an I/O error, a full disk, a file system gone read-only.
 */
#include "tests/fault/deeds.h"

/* What keeps on: a disk that is broken, full or read-only stays so. */
static void fail_all(const struct rig_deed *d)
{
    static const enum fault kinds[] = {FAULT_INTERRUPT, FAULT_SHORT, FAULT_BROKEN, FAULT_FULL,
                                       FAULT_FORBIDDEN};

    for (size_t i = 0; i < countof(kinds); i++) {
        rig_fail_everywhere(d, kinds[i], false);
        rig_fail_everywhere(d, kinds[i], true);
    }
}

T(a_run_survives_system_calls_that_fail)
{
    fail_all(deeds_run(RIG_JSON, "0"));
}

T(a_run_of_csv_survives_system_calls_that_fail)
{
    fail_all(deeds_run(RIG_CSV, "0"));
}

T(a_run_with_a_helper_thread_survives_system_calls_that_fail)
{
    fail_all(deeds_run(RIG_JSON, "1"));
}

T(a_run_that_goes_on_survives_system_calls_that_fail)
{
    fail_all(deeds_resume(RIG_JSON));
}

T(questions_survive_system_calls_that_fail)
{
    for (int i = 0; i < DEEDS_QUESTIONS; i++) {
        const struct rig_deed *d = deeds_question(i);

        rig_fail_everywhere(d, FAULT_INTERRUPT, false);
        rig_fail_everywhere(d, FAULT_INTERRUPT, true);
        rig_fail_everywhere(d, FAULT_SHORT, false);
        rig_fail_everywhere(d, FAULT_SHORT, true);
        rig_fail_everywhere(d, FAULT_BROKEN, false);
        rig_fail_everywhere(d, FAULT_BROKEN, true);
    }
}

T(merging_late_sales_survives_system_calls_that_fail)
{
    fail_all(deeds_merge());
}
