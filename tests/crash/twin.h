/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * twin: which of the two transactions a broken twin of the program makes durable first.
 */
#ifndef TILLSTREAM_TESTS_CRASH_TWIN_H
#define TILLSTREAM_TESTS_CRASH_TWIN_H

#include <stdbool.h>

extern const bool twin_results_first;

#endif
