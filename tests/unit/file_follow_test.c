/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The followed files of connectors/file.c. */
#include "tests/support/files.h"

#include <dirent.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

static void expect_new_file(struct source *s, const char *path)
{
    struct source_identity id;

    eq_err(peek(s, 0), ERR_NOT_FOUND);
    eq_err(peek(s, WAIT_MS), ERR_AGAIN); /* nothing before its identity was asked for */
    ok_err(kind->identity(s, &id, NULL));
    eq_str(id.path + strlen("file:"), path);
}

static int count_fds(void)
{
    DIR *d = opendir("/proc/self/fd");
    int n = 0;

    while (readdir(d))
        n++;
    ok(closedir(d) == 0);
    return n;
}

/* ---- following ---- */

T(a_followed_file_gives_what_is_appended_and_never_ends)
{
    const char *path = tmp_write("log", "a\n", 2);
    struct source *s = open_file(path, true);

    expect(s, 0, "a\n", false);
    eq_err(peek(s, 0), ERR_AGAIN);
    append(path, "b\nc");
    expect(s, 2, "b\nc", false);
    eq_err(peek(s, 3), ERR_AGAIN);
    append(path, "\n");
    expect(s, 5, "\n", false);
    kind->close(s);
}

T(what_a_consume_has_left_is_given_again_before_waiting)
{
    const char *path = tmp_write("log", "ab", 2);
    struct source *s = open_file(path, true);
    struct stretch st;

    ok_err(kind->read(s, 100, WAIT_MS, &st, NULL));
    kind->consume(s, 1);
    ok_err(kind->read(s, 100, WAIT_MS, &st, NULL));
    eq_bytes(st.bytes.p, st.bytes.n, "b", 1);
    eq_err(peek(s, 1), ERR_AGAIN);
    append(path, "c");
    expect(s, 1, "bc", false);
    kind->close(s);
}

T(a_followed_file_goes_on_where_it_was_left)
{
    const char *path = tmp_write("log", "abcdef", 6);
    struct source *s = open_file(path, true);
    struct why why;

    ok_err(kind->seek(s, 4, NULL));
    expect(s, 4, "ef", false);
    kind->close(s);
    s = open_file(path, true);
    eq_err(kind->seek(s, 7, &why), ERR_DAMAGED);
    kind->close(s);
}

T(a_file_that_does_not_exist_yet_is_waited_for)
{
    const char *path = tmp_path("later");
    struct source *s = open_file(path, true);
    struct source_identity id;

    ok(strstr(logged, "waiting for") && strstr(logged, path));
    eq_err(kind->identity(s, &id, NULL), ERR_AGAIN);
    eq_err(peek(s, 3), ERR_AGAIN);
    append(path, "a\n");
    eq_err(peek(s, WAIT_MS), ERR_AGAIN); /* at once: its identity comes first */
    ok_err(kind->identity(s, &id, NULL));
    eq_str(id.path + strlen("file:"), path);
    eq_u64(id.head_len, 2);
    ok(id.resumable);
    expect(s, 0, "a\n", false);
    kind->close(s);
}

T(a_file_in_a_folder_that_does_not_exist_yet_is_waited_for)
{
    char path[4096];
    struct source *s;
    struct source_identity id;

    (void)snprintf(path, sizeof(path), "%s/deep", tmp_dir());
    ok(strlen(path) + 10 < sizeof(path));
    (void)strcat(path, "/log");
    s = open_file(path, true);
    eq_err(peek(s, 5), ERR_AGAIN);
    ok(mkdir(tmp_path("deep"), 0700) == 0);
    append(path, "a\n");
    ok_err(kind->identity(s, &id, NULL));
    expect(s, 0, "a\n", false);
    kind->close(s);
}

T(a_renamed_file_is_finished_then_the_new_one_begins_at_0)
{
    const char *path = tmp_write("log", "a\nb", 3), *old = tmp_path("log.1");
    struct source *s = open_file(path, true);
    struct stretch st;

    ok_err(kind->read(s, 100, 0, &st, NULL));
    kind->consume(s, 2);
    ok(rename(path, old) == 0);
    ok_err(kind->read(s, 100, 0, &st, NULL)); /* "b" */
    eq_err(peek(s, 2), ERR_AGAIN);
    append(old, "c\nd"); /* the writer has not reopened yet */
    expect(s, 2, "bc\nd", false);
    append(old, "e");
    append(path, "new\n");
    expect(s, 6, "e", false);
    expect(s, 7, "", true);
    expect_new_file(s, path);
    expect(s, 0, "new\n", false);
    append(path, "er\n");
    expect(s, 4, "er\n", false);
    kind->close(s);
}

T(an_unfinished_line_ends_with_its_file)
{
    const char *path = tmp_write("log", "a\nb", 3);
    struct source *s = open_file(path, true);
    struct stretch st;

    ok_err(kind->read(s, 100, 0, &st, NULL));
    kind->consume(s, 2);
    ok(rename(path, tmp_path("log.1")) == 0);
    append(path, "n");
    ok_err(kind->read(s, 100, 0, &st, NULL));
    ok_err(st.last ? ERR_OK : kind->read(s, 100, 0, &st, NULL));
    ok(st.last);
    eq_bytes(st.bytes.p, st.bytes.n, "b", 1);
    eq_u64(st.offset, 2);
    kind->consume(s, 1);
    expect_new_file(s, path);
    expect(s, 0, "n", false);
    kind->close(s);
}

T(an_empty_new_file_does_not_end_the_old_one)
{
    const char *path = tmp_write("log", "a\n", 2), *old = tmp_path("log.1");
    struct source *s = open_file(path, true);

    expect(s, 0, "a\n", false);
    ok(rename(path, old) == 0);
    append(path, "");
    eq_err(peek(s, 0), ERR_AGAIN);
    append(old, "b\n");
    expect(s, 2, "b\n", false);
    append(path, "c\n");
    expect(s, 4, "", true);
    expect_new_file(s, path);
    expect(s, 0, "c\n", false);
    kind->close(s);
}

T(a_deleted_and_a_relinked_file_are_replaced_too)
{
    const char *path = tmp_write("log", "a\n", 2), *link = tmp_path("link");
    const char *second = tmp_write("second", "second\n", 7);
    struct source *s;

    ok(symlink(path, link) == 0);
    s = open_file(link, true);
    expect(s, 0, "a\n", false);
    ok(unlink(path) == 0);
    eq_err(peek(s, 0), ERR_AGAIN);
    append(path, "b\n");
    expect(s, 2, "", true);
    expect_new_file(s, path);
    expect(s, 0, "b\n", false);
    ok(unlink(link) == 0 && symlink(second, link) == 0);
    expect(s, 2, "", true);
    expect_new_file(s, second);
    expect(s, 0, "second\n", false);
    kind->close(s);
}

T(a_truncated_file_begins_again_at_0)
{
    const char *path = tmp_write("log", "a\nb\n", 4);
    struct source *s = open_file(path, true);

    expect(s, 0, "a\nb\n", false);
    ok(truncate(path, 0) == 0);
    expect(s, 4, "", true);
    ok(strstr(logged, "was truncated"));
    expect_new_file(s, path);
    eq_err(peek(s, 0), ERR_AGAIN);
    append(path, "c\n");
    expect(s, 0, "c\n", false);
    kind->close(s);
}

T(a_truncated_file_that_has_grown_past_us_since_begins_again_at_0)
{
    static const char *const grown[] = {"x\n", "x\ny\n", "x\ny\nz and more\n"};

    for (size_t i = 0; i < countof(grown); i++) {
        const char *path = tmp_write("log", "a\nb\n", 4);
        struct source *s = open_file(path, true);
        struct timespec later[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = 2000000000}};
        expect(s, 0, "a\nb\n", false);
        append(path, "c"); /* not consumed when it happens */
        eq_err(peek(s, 0), ERR_OK);
        ok(truncate(path, 0) == 0);
        append(path, grown[i]);
        ok(utimensat(AT_FDCWD, path, later, 0) == 0); /* a tick of its clock has passed */
        expect(s, 4, "c", true);
        expect_new_file(s, path);
        expect(s, 0, grown[i], false);
        kind->close(s);
    }
}

T(a_grown_file_with_the_same_head_is_the_same_file)
{
    static struct blob text, out;
    const char *path;
    struct source *s;
    size_t n = 0;

    make_text(&text, 20000);
    path = tmp_write("log", "", 0);
    s = open_file(path, true);
    for (out.n = 0; out.n < text.n;) {
        struct stretch st;
        char more[1000];
        size_t len = text.n - n < 777 ? text.n - n : 777;
        memcpy(more, text.p + n, len);
        more[len] = '\0';
        n += len;
        append(path, more);
        ok_err(kind->read(s, 1000, 0, &st, NULL));
        ok(!st.last);
        memcpy(out.p + out.n, st.bytes.p, st.bytes.n);
        out.n += st.bytes.n;
        kind->consume(s, st.bytes.n);
    }
    eq_bytes(out.p, out.n, text.p, text.n);
    kind->close(s);
}

T(a_compressed_file_cannot_be_followed)
{
    static struct blob text;
    struct source *s = NULL;
    struct why why;
    const char *path;

    make_text(&text, 300);
    for (size_t i = 1; i < countof(packs); i++) {
        path = write_packed(i, &text);
        eq_err(kind->open(&env, &settings, path, true, &s, &why), ERR_INVALID);
        ok(strstr(why.text, path) && strstr(why.text, "without --follow"));
    }
    path = tmp_write("grows", "", 0);
    s = open_file(path, true);
    eq_err(peek(s, 0), ERR_AGAIN);
    append(path, "\x1f\x8b\x08");
    eq_err(peek(s, 0), ERR_INVALID);
    kind->close(s);
}

T(a_path_that_becomes_a_folder_is_an_error)
{
    const char *path = tmp_write("log", "a\n", 2);
    struct source *s = open_file(path, true);
    struct stretch st;
    struct why why;

    expect(s, 0, "a\n", false);
    ok(unlink(path) == 0 && mkdir(path, 0700) == 0);
    eq_err(kind->read(s, 100, 0, &st, &why), ERR_IO);
    ok(strstr(why.text, "name a file in it"));
    kind->close(s);
}

/* ---- waiting ---- */

static int64_t now_ns(void)
{
    struct timespec t;

    ok(clock_gettime(CLOCK_MONOTONIC, &t) == 0);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void nap_ms(long ms)
{
    const struct timespec t = {.tv_nsec = ms * 1000000};

    (void)nanosleep(&t, NULL);
}

/* A child appends the time in a moment; the parent waits for it in read. Returns how long
 * the line took. */
static int64_t line_takes_ns(struct source *s, const char *path)
{
    struct stretch st = {0};
    enum err e = ERR_AGAIN;
    int64_t sent, seen;
    int fd = open(path, O_WRONLY | O_APPEND);
    pid_t child = fork();

    if (child == 0) {
        nap_ms(15);
        int64_t at = now_ns();
        _exit(write(fd, &at, sizeof(at)) == (ssize_t)sizeof(at) ? 0 : 1);
    }
    for (int i = 0; i < 10 && e == ERR_AGAIN; i++)
        e = kind->read(s, 1000, WAIT_MS, &st, NULL);
    seen = now_ns();
    ok_err(e);
    eq_u64(st.bytes.n, sizeof(sent));
    memcpy(&sent, st.bytes.p, sizeof(sent));
    kind->consume(s, st.bytes.n);
    ok(waitpid(child, NULL, 0) == child && close(fd) == 0);
    return seen - sent;
}

/* The machine may be busy: the best of some lines counts. */
static int64_t best_line_ns(struct source *s, const char *path)
{
    int64_t best = INT64_MAX;

    for (int i = 0; i < 10; i++) {
        int64_t took = line_takes_ns(s, path);
        best = took < best ? took : best;
    }
    return best;
}

T(an_appended_line_is_read_within_2_ms)
{
    const char *path = tmp_write("log", "", 0);
    struct source *s = open_file(path, true);

    ok(best_line_ns(s, path) < 2000000);
    kind->close(s);
}

T(without_inotify_an_appended_line_is_read_within_4_ms)
{
    const char *path = tmp_write("log", "", 0);
    struct source *s = open_file(path, true);
    struct rlimit whole, tight;

    ok(getrlimit(RLIMIT_NOFILE, &whole) == 0);
    int next = dup(STDIN_FILENO); /* the lowest free number, and the writer's */
    ok(next >= 0 && close(next) == 0);
    tight = (struct rlimit){(rlim_t)next + 1, whole.rlim_max};
    ok(setrlimit(RLIMIT_NOFILE, &tight) == 0);
    int64_t best = best_line_ns(s, path);
    ok(setrlimit(RLIMIT_NOFILE, &whole) == 0);
    ok(best < 4000000);
    kind->close(s);
}

T(waiting_takes_its_time_and_no_cpu)
{
    const char *path = tmp_write("log", "a\n", 2);
    struct source *s = open_file(path, true);
    struct rusage before, after;
    int64_t start = now_ns();

    expect(s, 0, "a\n", false);
    ok(getrusage(RUSAGE_SELF, &before) == 0);
    eq_err(peek(s, 200), ERR_AGAIN);
    ok(getrusage(RUSAGE_SELF, &after) == 0);
    ok(now_ns() - start >= 190 * 1000000);
    ok(after.ru_nvcsw - before.ru_nvcsw < 10); /* it slept once */
    kind->close(s);
}

/* ---- resources ---- */

T(no_file_stays_open)
{
    int before = count_fds();

    for (int i = 0; i < 3; i++) {
        const char *path = tmp_write("log", "a\n", 2);
        struct source *s = open_file(path, true);
        expect(s, 0, "a\n", false);
        eq_err(peek(s, 1), ERR_AGAIN);
        ok(unlink(path) == 0);
        append(path, "b\n");
        expect(s, 2, "", true);
        expect_new_file(s, path);
        eq_err(peek(s, 1), ERR_OK);
        ok(unlink(path) == 0);
        append(path, "c\n");
        if (i == 0) { /* closed while the next file is open already */
            struct stretch st;
            ok_err(kind->read(s, 1, 0, &st, NULL));
        }
        kind->close(s);
        eq_err(kind->open(&env, &settings, tmp_dir(), true, &s, NULL), ERR_IO);
        eq_int(count_fds(), before);
        ok(unlink(path) == 0);
    }
    kind->close(NULL);
}
