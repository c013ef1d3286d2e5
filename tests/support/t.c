/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * t: main() of the test program, and the assertions. Check (libcheck) forks, times and
 * collects; nothing outside this file knows of it.
 *
 * 1. Every test is a Check case of its own, so that a result knows the test's name.
 * 2. Temporary directories lie in one root that the parent removes whatever became of the
 *    children; a child removes its own as soon as it ends in good order.
 * 3. A skipped test writes its name into a file shared by parent and children, for Check
 *    knows only passed and failed.
 */
#define _XOPEN_SOURCE 700 /* nftw */

#include "tests/support/t.h"

#include <check.h>
#include <ftw.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SEED_DEFAULT UINT64_C(20101201)
#define PATH_BYTES 4096

static struct t_case *first, *last;
static char root[PATH_BYTES / 4]; /* of all temporary directories */
static char own[PATH_BYTES / 2];  /* this test's; "" until asked for */
static int skips = -1;            /* an unlinked file: one byte a skipped test */

void t_register(struct t_case *c)
{
    if (last)
        last->next = c;
    else
        first = c;
    last = c;
}

/* ---- assertions ---- */

void t_fail(struct t_here here, const char *format, ...)
{
    char text[2048];
    va_list args;

    memory_again(); /* Check allocates */
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    _ck_assert_failed(here.file, here.line, "", "%s%s", text, t_fault_text());
}

void t_ok(struct t_here here, const char *text, bool holds)
{
    if (!holds)
        t_fail(here, "not so: %s", text);
}

void t_eq_int(struct t_here here, const char *at, const char *bt, intmax_t a, intmax_t b)
{
    if (a != b)
        t_fail(here, "%s is %" PRIdMAX ", not %s, which is %" PRIdMAX, at, a, bt, b);
}

void t_eq_u64(struct t_here here, const char *at, const char *bt, uint64_t a, uint64_t b)
{
    if (a != b)
        t_fail(here, "%s is %" PRIu64 ", not %s, which is %" PRIu64, at, a, bt, b);
}

void t_eq_str(struct t_here here, const char *at, const char *bt, const char *a, const char *b)
{
    bool same = a && b ? strcmp(a, b) == 0 : a == b;

    if (!same)
        t_fail(here, "%s is \"%s\", not %s, which is \"%s\"", at, a ? a : "(NULL)", bt,
               b ? b : "(NULL)");
}

/* Up to eight bytes from `at`, as hex. */
static const char *hex(char out[32], const unsigned char *p, size_t n, size_t at)
{
    size_t used = 0;

    out[0] = '\0';
    for (size_t i = at; i < n && i < at + 8; i++, used += 3)
        (void)snprintf(out + used, 32 - used, " %02x", p[i]);
    return out;
}

void t_eq_bytes(struct t_here here, const char *pt, const char *qt, const void *p, size_t n,
                const void *q, size_t m)
{
    const unsigned char *a = p, *b = q;
    char ha[32], hb[32];
    size_t i = 0;

    while (i < n && i < m && a[i] == b[i])
        i++;
    if (i < n || i < m)
        t_fail(here, "%s (%zu bytes) and %s (%zu bytes) part at byte %zu:%s |%s", pt, n, qt, m, i,
               hex(ha, a, n, i), hex(hb, b, m, i));
}

void t_eq_err(struct t_here here, const char *text, enum err got, enum err wanted)
{
    if (got != wanted)
        t_fail(here, "%s: \"%s\" (%d), not \"%s\" (%d)", text, err_text(got), (int)got,
               err_text(wanted), (int)wanted);
}

void t_near(struct t_here here, const char *at, const char *bt, double a, double b, double tol)
{
    bool same = !(a < b) && !(a > b) && !isnan(a) && !isnan(b); /* equal infinities */

    if (!same && !(fabs(a - b) <= tol))
        t_fail(here, "%s is %.17g, not within %g of %s, which is %.17g", at, a, tol, bt, b);
}

void skip(const char *reason)
{
    ssize_t put = write(skips, "s", 1);

    (void)put;
    (void)fprintf(stderr, "skipped: %s\n", reason);
    exit(EXIT_SUCCESS);
}

/* ---- numbers ---- */

uint64_t seed(void)
{
    const char *text = getenv("SEED");

    return text && *text ? strtoull(text, NULL, 0) : SEED_DEFAULT;
}

uint64_t rnd(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

uint64_t rnd_below(uint64_t *state, uint64_t n)
{
    return rnd(state) % n; /* the bias, n / 2^64, is nothing to a test */
}

/* ---- files ---- */

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

static void remove_tree(const char *path)
{
    (void)nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void remove_own(void)
{
    remove_tree(own);
}

const char *tmp_dir(void)
{
    if (own[0])
        return own;
    (void)snprintf(own, sizeof(own), "%s/XXXXXX", root);
    ok(mkdtemp(own) == own);
    ok(atexit(remove_own) == 0);
    return own;
}

const char *tmp_path(const char *name)
{
    static char paths[8][PATH_BYTES];
    static unsigned turn;
    char *path = paths[turn++ % countof(paths)];
    int n = snprintf(path, PATH_BYTES, "%s/%s", tmp_dir(), name);

    ok(n > 0 && n < PATH_BYTES);
    return path;
}

const char *tmp_write(const char *name, const void *p, size_t n)
{
    const char *path = tmp_path(name);
    FILE *f = fopen(path, "wb");

    ok(f != NULL);
    ok(fwrite(p, 1, n, f) == n);
    ok(fclose(f) == 0);
    return path;
}

/* ---- the run ---- */

static void blanks_for_underscores(char *p)
{
    for (; *p; p++)
        *p = (char)(*p == '_' ? ' ' : *p);
}

/* "tests/unit/money_test.c" and "sums_are_exact" make "money_test: sums are exact". */
static void entitle(struct t_case *c)
{
    const char *slash = strrchr(c->file, '/');
    const char *stem = slash ? slash + 1 : c->file;
    int n = (int)strcspn(stem, ".");

    (void)snprintf(c->title, sizeof(c->title), "%.*s: %s", n, stem, c->name);
    blanks_for_underscores(c->title + n);
}

/* T may be part of a title, with blanks or with underscores, or of the file's path. */
static bool wanted(const struct t_case *c)
{
    const char *part = getenv("T");
    char a[sizeof(c->title)], b[sizeof(c->title)];

    if (!part)
        return true;
    (void)snprintf(a, sizeof(a), "%s", c->title);
    (void)snprintf(b, sizeof(b), "%s", part);
    blanks_for_underscores(a);
    blanks_for_underscores(b);
    return strstr(a, b) != NULL || strstr(c->file, part) != NULL;
}

static const struct t_case *nth(int i)
{
    const struct t_case *c = first;

    for (; c && i > 0; i--)
        c = c->next;
    return c;
}

static void run_one(int i)
{
    const struct t_case *c = nth(i);

    if (c && c->run)
        c->run();
    else if (c)
        t_scenario(c->scenario);
}

/* All wanted tests as cases of one suite; returns how many. The loop variable tells
 * run_one which test it is. */
static int gather(Suite *suite)
{
    static const TTest body = {"test", run_one, __FILE__, __LINE__};
    const char *limit = getenv("T_TIMEOUT");
    double seconds = limit ? strtod(limit, NULL) : 20;
    int i = 0, n = 0;

    for (struct t_case *c = first; c; c = c->next, i++) {
        entitle(c);
        if ((t_faults && !c->scenario) || !wanted(c))
            continue;
        TCase *tcase = tcase_create(c->title); /* keeps the pointer */
        tcase_set_timeout(tcase, seconds);
        tcase_add_loop_test(tcase, &body, i, i + 1);
        suite_add_tcase(suite, tcase);
        n++;
    }
    return n;
}

static void report(SRunner *runner)
{
    int failed = srunner_ntests_failed(runner), run = srunner_ntests_run(runner);
    int skipped = (int)lseek(skips, 0, SEEK_END);
    TestResult **results = srunner_failures(runner);

    for (int i = 0; results && i < failed; i++)
        (void)printf("FAILED %s\n       %s:%d: %s\n", tr_tcname(results[i]), tr_lfile(results[i]),
                     tr_lno(results[i]), tr_msg(results[i]));
    free(results);
    if (failed > 0)
        (void)printf("replay with SEED=%" PRIu64 "\n", seed());
    (void)printf("%s: %d passed, %d failed, %d skipped\n", t_faults ? "fault loop" : "unit tests",
                 run - failed - skipped, failed, skipped);
}

static bool prepare(void)
{
    const char *base = getenv("TMPDIR");
    int n =
        snprintf(root, sizeof(root), "%s/tillstream-test-XXXXXX", base && *base ? base : "/tmp");

    if (n < 0 || (size_t)n >= sizeof(root) || !mkdtemp(root))
        return false;
    (void)snprintf(own, sizeof(own), "%s/skips-XXXXXX", root);
    skips = mkstemp(own);
    own[0] = '\0';
    return skips >= 0;
}

int main(void)
{
    Suite *suite = suite_create("tillstream");
    SRunner *runner = srunner_create(suite);
    bool good = prepare();

    if (!good)
        (void)fprintf(stderr, "cannot make a temporary directory in TMPDIR\n");
    if (good && gather(suite) == 0)
        (void)fprintf(stderr, "no test is named like that\n");
    if (good) {
        (void)fflush(stdout);
        srunner_run_all(runner, CK_SILENT);
        report(runner);
        good = srunner_ntests_failed(runner) == 0 && srunner_ntests_run(runner) > 0;
        remove_tree(root);
    }
    srunner_free(runner);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
