/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * powercut_vfs: a layer over SQLite's file system that knows what a power cut would leave.
 *
 * Files are read and written as usual. Beside them the layer keeps what is surely on the disk
 * (the bytes of the last sync) and every write and truncation since then. At the cut each of
 * those survives, is lost, or survives in part, by a seed; a file that was never synced may be
 * gone, one that was deleted without a sync may be back.
 */
#ifndef TILLSTREAM_TESTS_FAULT_POWERCUT_VFS_H
#define TILLSTREAM_TESTS_FAULT_POWERCUT_VFS_H

#include <stdbool.h>
#include <stdint.h>

/* Becomes SQLite's default file system, until powercut_end. The n-th write, truncation, sync or
 * deletion from now on finds the power cut: it and all that follow fail. n = 0: never. */
void powercut_begin(uint64_t n);
/* Such calls so far. */
uint64_t powercut_seen(void);
/* Is called when a sync is about to succeed: what is behind `path` is now on the disk. */
void powercut_on_sync(void (*told)(void *arg, const char *path), void *arg);
/* The usual file system again; returns whether the power was cut. Close all databases first. */
bool powercut_end(void);
/* After the end: writes the files as the disk has them. `keep` of 256 unsynced changes survive. */
void powercut_restart(uint64_t seed, unsigned keep);

#endif
