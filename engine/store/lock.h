/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * lock: one writer per database.
 */
#ifndef TILLSTREAM_ENGINE_STORE_LOCK_H
#define TILLSTREAM_ENGINE_STORE_LOCK_H

#include "engine/err.h"

/* Takes the lock of the database at `path` (a real path; see lock_real_path). ERR_BUSY with
 * the holder's pid in `why`. *fd is to be given to lock_close. */
enum err lock_open(const char *path, int *fd, struct why *why) MUST_CHECK;
void lock_close(int fd);

/* The absolute path behind symbolic links, so that two names of one database share one lock.
 * The file itself may be missing, its directory may not. The caller frees *out. */
enum err lock_real_path(const char *path, char **out, struct why *why) MUST_CHECK;

#endif
