/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * alloc_plain: what T_OOM means where no allocation is made to fail: the scenario runs once
 * and must succeed. alloc_wrap.c takes this file's place in the fault variant.
 */
#include "tests/support/t.h"

const bool t_faults = false;

void memory_again(void)
{
}

const char *t_fault_text(void)
{
    return "";
}

void t_scenario(enum err (*scenario)(void))
{
    ok_err(scenario());
}
