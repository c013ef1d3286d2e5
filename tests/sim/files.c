/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * files: see the header.
 */
#include "tests/sim/files.h"

#include "engine/err.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { NAME_MAX_BYTES = 320 };

static const char *const kept[] = {"", "-wal"};
static const char *const all[] = {"", "-wal", "-shm", "-lock", ".copy", "-wal.copy"};

static void name(char *out, const char *path, const char *ending, const char *copy)
{
    (void)snprintf(out, NAME_MAX_BYTES, "%s%s%s", path, ending, copy);
}

static void copy_file(const char *from, const char *to)
{
    static char bytes[1 << 16];
    int in = open(from, O_RDONLY | O_CLOEXEC);
    int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ssize_t n = in < 0 ? 0 : read(in, bytes, sizeof(bytes));

    while (n > 0 && write(out, bytes, (size_t)n) == n)
        n = read(in, bytes, sizeof(bytes));
    if (n != 0 || out < 0 || (in >= 0 && close(in)) || close(out))
        abort();
}

void files_remember(const char *path)
{
    char from[NAME_MAX_BYTES], to[NAME_MAX_BYTES];

    for (size_t i = 0; i < countof(kept); i++) {
        name(from, path, kept[i], "");
        name(to, path, kept[i], ".copy");
        copy_file(from, to);
    }
}

void files_bring_back(const char *path)
{
    char from[NAME_MAX_BYTES], to[NAME_MAX_BYTES];

    for (size_t i = 0; i < countof(kept); i++) {
        name(from, path, kept[i], ".copy");
        name(to, path, kept[i], "");
        if (rename(from, to))
            abort();
    }
    name(to, path, "-shm", "");
    (void)unlink(to);
}

void files_remove(const char *path)
{
    char file[NAME_MAX_BYTES];

    for (size_t i = 0; i < countof(all); i++) {
        name(file, path, all[i], "");
        (void)unlink(file);
    }
}
