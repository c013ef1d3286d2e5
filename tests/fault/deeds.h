/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * deeds: what the fault loops try: runs from nothing, runs that go on, questions, late sales
 * counted after all.
 */
#ifndef TILLSTREAM_TESTS_FAULT_DEEDS_H
#define TILLSTREAM_TESTS_FAULT_DEEDS_H

#include "tests/fault/rig.h"

enum { DEEDS_QUESTIONS = 6 };

/* Each makes what it needs, and lasts until the next call. */
const struct rig_deed *deeds_run(const char *source, const char *threads);
/* From a database of half the source: saved parts, the ledger after them, the rest. */
const struct rig_deed *deeds_resume(const char *source);
const struct rig_deed *deeds_question(int i);
/* Counts what was late after all. */
const struct rig_deed *deeds_merge(void);

#endif
