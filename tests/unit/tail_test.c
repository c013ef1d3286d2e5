/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "connectors/tail.h"

#include "tests/support/t.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_same(struct tail *t, int fd, uint64_t end, size_t got)
{
    bool same = false;

    ok_err(tail_check(t, fd, end, got, &same));
    return same;
}

static bool is_replaced(struct tail *t, int fd, const char *path)
{
    bool yes = true;

    ok_err(tail_replaced(t, fd, path, &yes));
    return yes;
}

T(a_file_stays_the_same_while_its_head_does)
{
    static char text[10000];
    struct tail t;
    int fd = tail_open(tmp_write("log", text, 10));

    tail_init(&t);
    ok(is_same(&t, fd, 0, 0));
    eq_u64(t.head_len, 10);
    text[5000] = 'x'; /* beyond the head */
    (void)tmp_write("log", text, sizeof(text));
    ok(is_same(&t, fd, 6000, 10));
    eq_u64(t.head_len, TAIL_HEAD_MAX);
    text[0] = 'x';
    (void)tmp_write("log", text, sizeof(text));
    ok(!is_same(&t, fd, 6010, 10));
    tail_clear(&t);
    ok(close(fd) == 0);
}

T(bytes_read_just_before_a_truncation_are_kept)
{
    const char *path = tmp_write("log", "0123456789", 10);
    struct tail t;
    int fd = tail_open(path);

    tail_init(&t);
    ok(is_same(&t, fd, 0, 0));
    ok(truncate(path, 3) == 0);
    ok(is_same(&t, fd, 10, 5));
    ok(!is_same(&t, fd, 10, 0));
    tail_clear(&t);
    ok(close(fd) == 0);
}

T(only_another_file_with_something_in_it_replaces_one)
{
    const char *path = tmp_write("log", "a", 1);
    struct tail t;
    struct stat st;
    int fd = tail_open(path);

    tail_init(&t);
    ok(!is_replaced(&t, fd, path));
    ok(rename(path, tmp_path("log.1")) == 0);
    ok(!is_replaced(&t, fd, path));
    (void)tmp_write("log", "", 0);
    ok(!is_replaced(&t, fd, path));
    ok(t.next_fd < 0);
    (void)tmp_write("log", "bc", 2);
    ok(is_replaced(&t, fd, path));
    fd = tail_next(&t, fd);
    ok(fstat(fd, &st) == 0 && st.st_size == 2);
    ok(t.next_fd < 0 && t.head_len == 0);
    eq_int(tail_next(&t, fd), fd); /* a truncated file is its own next one */
    tail_clear(&t);
    ok(close(fd) == 0);
}

T(a_path_that_names_no_file_any_more_is_an_error)
{
    const char *path = tmp_write("log", "a", 1);
    struct tail t;
    int fd = tail_open(path);
    bool yes;

    tail_init(&t);
    ok(unlink(path) == 0 && mkdir(path, 0700) == 0);
    eq_err(tail_replaced(&t, fd, path, &yes), ERR_IO);
    eq_int(t.code, EISDIR);
    ok(!yes && t.next_fd < 0);
    tail_clear(&t);
    ok(close(fd) == 0);
    eq_err(tail_replaced(&t, fd, path, &yes), ERR_IO);
    eq_int(t.code, EBADF);
    eq_err(tail_check(&t, fd, 0, 0, &yes), ERR_IO);
}

T(the_head_is_as_long_as_the_file_at_most)
{
    char head[10];
    size_t n;
    int fd = tail_open(tmp_write("log", "abc", 3));

    eq_int(tail_read_head(fd, head, sizeof(head), &n), 0);
    eq_bytes(head, n, "abc", 3);
    eq_int(tail_read_head(fd, head, 2, &n), 0);
    eq_u64(n, 2);
    ok(close(fd) == 0);
    eq_int(tail_read_head(fd, head, 2, &n), EBADF);
}
