/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * meaning: may a run with these settings go on with that database?
 *
 * The database remembers the settings that give its results their meaning (one line of
 * JSON, settings_meaning) and its windows (one line each). A setting that differs, or a
 * window that kept its name and changed, is refused by name; windows may be added and
 * dropped.
 */
#ifndef TILLSTREAM_ENGINE_MEANING_H
#define TILLSTREAM_ENGINE_MEANING_H

#include "engine/settings.h"

/* Both as settings_meaning writes them. ERR_INVALID names the first setting that differs. */
enum err meaning_check(struct str stored, struct str now, const char *db,
                       struct why *why) MUST_CHECK;
/* The configured windows, one line each, and the comparison of two such texts. */
enum err meaning_windows(const struct settings *s, struct buf *out) MUST_CHECK;
enum err meaning_check_windows(struct str stored, struct str now, const char *db,
                               struct why *why) MUST_CHECK;

#endif
