/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * crash: the named places where a test may end the process as kill -9 would.
 *
 * The program has no such place: crash.c is empty. Builds made for it (VARIANT=crash, fault)
 * link tests/crash/crash_at.c in its stead, which obeys CRASH_AT=name:nth.
 */
#ifndef TILLSTREAM_ENGINE_CRASH_H
#define TILLSTREAM_ENGINE_CRASH_H

/* Called by the pipeline's thread and by the store's helper. */
void crash_point(const char *name);

#endif
