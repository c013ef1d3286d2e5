/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * version: which tillstream this is. VERSION_DATE stands on the man page.
 */
#ifndef TILLSTREAM_ENGINE_VERSION_H
#define TILLSTREAM_ENGINE_VERSION_H

#define VERSION_TEXT "0.1.0"
#define VERSION_DATE "November 23, 2026"

#endif
