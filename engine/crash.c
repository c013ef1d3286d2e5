/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * crash: nothing happens here. In builds that are killed on purpose the linker gets
 * tests/crash/crash_at.c instead of this file.
 */
#include "engine/crash.h"

void crash_point(const char *name)
{
    (void)name;
}
