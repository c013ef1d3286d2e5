/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * files: the files of a database as a crash leaves them. A process that is killed closes no
 * connection: what it wrote is in the database and its log, and the log is read at the next
 * opening. So they are copied before the connections close and put back after.
 */
#ifndef TILLSTREAM_TESTS_SIM_FILES_H
#define TILLSTREAM_TESTS_SIM_FILES_H

void files_remember(const char *path);
void files_bring_back(const char *path);
void files_remove(const char *path);

#endif
