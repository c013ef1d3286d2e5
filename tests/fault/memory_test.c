/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * memory_test: the program run with allocation 1, 2, 3, ... failing, alone and with all that
 * follow it: opening, counting, checkpoints, restoring and asking.
 */
#include "tests/fault/deeds.h"

static void fail_all(const struct rig_deed *d)
{
    rig_fail_everywhere(d, FAULT_MEMORY, false);
    rig_fail_everywhere(d, FAULT_MEMORY, true);
}

T(a_run_of_json_survives_lack_of_memory)
{
    fail_all(deeds_run(RIG_JSON, "0"));
}

T(a_run_of_csv_survives_lack_of_memory)
{
    fail_all(deeds_run(RIG_CSV, "0"));
}

T(a_run_with_a_helper_thread_survives_lack_of_memory)
{
    fail_all(deeds_run(RIG_JSON, "1"));
}

T(a_run_that_goes_on_survives_lack_of_memory)
{
    fail_all(deeds_resume(RIG_JSON));
    fail_all(deeds_resume(RIG_CSV));
}

T(questions_survive_lack_of_memory)
{
    for (int i = 0; i < DEEDS_QUESTIONS; i++)
        fail_all(deeds_question(i));
}

T(merging_late_sales_survives_lack_of_memory)
{
    fail_all(deeds_merge());
}
