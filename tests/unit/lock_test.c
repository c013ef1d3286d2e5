/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/store/lock.h"
#include "tests/support/parcels.h"
#include "tests/support/t.h"

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

T(a_second_writer_is_refused_with_the_pid_of_the_first)
{
    const char *path = tmp_path("one.db");
    static struct store *s; /* in sight of a leak checker in the child, too */
    char pid[24];
    int status = 0;
    pid_t child;

    s = parcels_store(path, false);
    (void)snprintf(pid, sizeof(pid), "process %ld:", (long)getpid());
    child = fork();
    if (child == 0) {
        struct why why = {.text = ""};
        enum err e = parcels_open_error(path, &why);

        _exit(e == ERR_BUSY && strstr(why.text, pid) && strstr(why.text, path) ? 0 : 1);
    }
    ok(waitpid(child, &status, 0) == child);
    eq_int(status, 0);
    store_close(s);
    s = parcels_store(path, false);
    store_close(s);
}

T(two_names_of_one_database_share_its_lock)
{
    const char *path = tmp_path("real.db");
    const char *link = tmp_path("link.db");
    static struct store *s; /* as above */
    int status = 0;
    pid_t child;

    s = parcels_store(path, false);
    ok(symlink(path, link) == 0);
    child = fork();
    if (child == 0)
        _exit(parcels_open_error(link, NULL) == ERR_BUSY ? 0 : 1);
    ok(waitpid(child, &status, 0) == child);
    eq_int(status, 0);
    store_close(s);
}
