/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * twin_twice: the twin that counts what was between its two transactions twice.
 */
#include "tests/crash/twin.h"

const bool twin_results_first = true;
