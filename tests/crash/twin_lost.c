/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * twin_lost: the twin that loses what was between its two transactions.
 */
#include "tests/crash/twin.h"

const bool twin_results_first = false;
