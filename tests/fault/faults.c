/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * faults: see the header.
 *
 * The program of fault tests links with -Wl,--wrap=malloc and so on, which leads every call in
 * our objects and in static libraries to the functions below. A shared library keeps its own way:
 * cJSON is lent our memory through its hooks (rig.c).
 *
 * 1. Nothing fails while nothing is armed.
 * 2. fsync and fdatasync never reach the disk: nobody pulls the plug here, and it takes long.
 * 3. Counts are atomic: the store's helper is a thread.
 * 4. This file takes the place of tests/support/alloc_plain.c, so t.h's tests run as they are.
 */
#define _GNU_SOURCE /* the calls with 64 in their names, reallocarray */

#include "tests/fault/faults.h"
#include "tests/support/t.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { INTERRUPTIONS = 5 };

static struct {
    atomic_bool armed;
    enum fault kind;
    uint64_t failing; /* which call fails, counted from 1 */
    bool onwards;
    atomic_uint_fast64_t seen;
    atomic_bool met;
    const char *_Atomic struck;
    atomic_int_fast64_t slept_ns;
} plan;

void fault_arm(enum fault kind, uint64_t n, bool onwards)
{
    plan.kind = kind;
    plan.failing = n;
    plan.onwards = onwards;
    plan.seen = 0;
    plan.met = false;
    plan.struck = NULL;
    plan.armed = true;
}

bool fault_disarm(void)
{
    plan.armed = false;
    return plan.met;
}

uint64_t fault_seen(void)
{
    return plan.seen;
}

const char *fault_name(enum fault kind)
{
    static const char *const names[FAULT_COUNT] = {
        [FAULT_MEMORY] = "memory", [FAULT_INTERRUPT] = "EINTR", [FAULT_SHORT] = "short",
        [FAULT_BROKEN] = "EIO",    [FAULT_FULL] = "ENOSPC",     [FAULT_FORBIDDEN] = "EROFS",
    };

    return names[kind];
}

const char *fault_struck(void)
{
    static char text[80];
    const char *name = plan.struck;

    (void)snprintf(text, sizeof(text), "%s, %s %llu%s", name ? name : "nothing",
                   fault_name(plan.kind), (unsigned long long)plan.failing,
                   plan.onwards ? " and those after it" : "");
    return text;
}

/* Whether this call, one that faults of this kind can strike, fails. */
static bool strikes(enum fault kind, const char *name)
{
    uint64_t n, past;

    if (!plan.armed || plan.kind != kind)
        return false;
    n = atomic_fetch_add(&plan.seen, 1) + 1;
    if (plan.failing == 0 || n < plan.failing || (n > plan.failing && !plan.onwards))
        return false;
    past = n - plan.failing;
    if (kind == FAULT_INTERRUPT && past >= INTERRUPTIONS)
        return false;
    if (!plan.met)
        plan.struck = name;
    plan.met = true;
    return true;
}

static bool errs(enum fault kind, int number, const char *name)
{
    if (!strikes(kind, name))
        return false;
    errno = number;
    return true;
}

/* ---- what t.c asks of the file whose place this takes ---- */

const bool t_faults = false;

void memory_again(void)
{
    plan.armed = false;
}

const char *t_fault_text(void)
{
    static char text[120];

    if (!plan.met)
        return "";
    (void)snprintf(text, sizeof(text), " (%s)", fault_struck());
    return text;
}

void t_scenario(enum err (*scenario)(void))
{
    ok_err(scenario());
}

/* ---- memory ---- */

/* The linker makes these names; there is no header for them. */
#define WRAP(type, name, parameters)                                                               \
    type __real_##name parameters;                                                                 \
    type __wrap_##name parameters;                                                                 \
    type __wrap_##name parameters

WRAP(void *, malloc, (size_t size))
{
    return strikes(FAULT_MEMORY, "malloc") ? NULL : __real_malloc(size);
}

WRAP(void *, calloc, (size_t n, size_t size))
{
    return strikes(FAULT_MEMORY, "calloc") ? NULL : __real_calloc(n, size);
}

WRAP(void *, realloc, (void *p, size_t size))
{
    return strikes(FAULT_MEMORY, "realloc") ? NULL : __real_realloc(p, size);
}

WRAP(void *, reallocarray, (void *p, size_t n, size_t size))
{
    return strikes(FAULT_MEMORY, "reallocarray") ? NULL : __real_reallocarray(p, n, size);
}

WRAP(void *, aligned_alloc, (size_t align, size_t size))
{
    return strikes(FAULT_MEMORY, "aligned_alloc") ? NULL : __real_aligned_alloc(align, size);
}

WRAP(int, posix_memalign, (void **out, size_t align, size_t size))
{
    return strikes(FAULT_MEMORY, "posix_memalign") ? ENOMEM
                                                   : __real_posix_memalign(out, align, size);
}

WRAP(char *, strdup, (const char *s))
{
    return errs(FAULT_MEMORY, ENOMEM, "strdup") ? NULL : __real_strdup(s);
}

WRAP(char *, strndup, (const char *s, size_t n))
{
    return errs(FAULT_MEMORY, ENOMEM, "strndup") ? NULL : __real_strndup(s, n);
}

WRAP(char *, realpath, (const char *path, char *out))
{
    return errs(FAULT_MEMORY, ENOMEM, "realpath") ? NULL : __real_realpath(path, out);
}

WRAP(FILE *, fopen, (const char *path, const char *mode))
{
    if (errs(FAULT_MEMORY, ENOMEM, "fopen") || errs(FAULT_BROKEN, EIO, "fopen"))
        return NULL;
    return __real_fopen(path, mode);
}

WRAP(void *, mmap64, (void *at, size_t n, int access, int flags, int fd, off64_t offset))
{
    if (errs(FAULT_MEMORY, ENOMEM, "mmap"))
        return MAP_FAILED;
    return __real_mmap64(at, n, access, flags, fd, offset);
}

/* ---- time ---- */

/* Nobody waits while a fault is armed: what a caller would have slept is added up instead. */
static bool skips_sleep(int64_t ns)
{
    if (plan.armed)
        plan.slept_ns += ns;
    return plan.armed;
}

int64_t fault_slept_ns(void)
{
    return plan.slept_ns;
}

WRAP(int, usleep, (useconds_t us))
{
    return skips_sleep((int64_t)us * 1000) ? 0 : __real_usleep(us);
}

WRAP(int, nanosleep, (const struct timespec *t, struct timespec *rest))
{
    return skips_sleep((int64_t)t->tv_sec * 1000000000 + t->tv_nsec) ? 0
                                                                     : __real_nanosleep(t, rest);
}

WRAP(int, pthread_create, (pthread_t * t, const pthread_attr_t *a, void *(*run)(void *), void *arg))
{
    return strikes(FAULT_MEMORY, "pthread_create") ? EAGAIN : __real_pthread_create(t, a, run, arg);
}

/* ---- files ---- */

static bool no_open(int flags, const char *name)
{
    bool writes = (flags & (O_CREAT | O_WRONLY | O_RDWR)) != 0;

    return errs(FAULT_INTERRUPT, EINTR, name) || errs(FAULT_BROKEN, EIO, name) ||
           ((flags & O_CREAT) && errs(FAULT_FULL, ENOSPC, name)) ||
           (writes && errs(FAULT_FORBIDDEN, EROFS, name));
}

static int mode_of(int flags, va_list args)
{
    return flags & O_CREAT ? va_arg(args, int) : 0;
}

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...)
{
    va_list args;

    va_start(args, flags);
    int mode = mode_of(flags, args);
    va_end(args);
    return no_open(flags, "open") ? -1 : __real_open(path, flags, mode);
}

int __real_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...)
{
    va_list args;

    va_start(args, flags);
    int mode = mode_of(flags, args);
    va_end(args);
    return no_open(flags, "open64") ? -1 : __real_open64(path, flags, mode);
}

static bool no_read(size_t *n, const char *name)
{
    if (*n > 1 && strikes(FAULT_SHORT, name))
        *n /= 2;
    return errs(FAULT_INTERRUPT, EINTR, name) || errs(FAULT_BROKEN, EIO, name);
}

static bool no_write(size_t *n, const char *name)
{
    return no_read(n, name) || errs(FAULT_FULL, ENOSPC, name);
}

WRAP(ssize_t, read, (int fd, void *p, size_t n))
{
    return no_read(&n, "read") ? -1 : __real_read(fd, p, n);
}

WRAP(ssize_t, pread, (int fd, void *p, size_t n, off_t at))
{
    return no_read(&n, "pread") ? -1 : __real_pread(fd, p, n, at);
}

WRAP(ssize_t, pread64, (int fd, void *p, size_t n, off64_t at))
{
    return no_read(&n, "pread64") ? -1 : __real_pread64(fd, p, n, at);
}

WRAP(ssize_t, write, (int fd, const void *p, size_t n))
{
    return no_write(&n, "write") ? -1 : __real_write(fd, p, n);
}

WRAP(ssize_t, pwrite, (int fd, const void *p, size_t n, off_t at))
{
    return no_write(&n, "pwrite") ? -1 : __real_pwrite(fd, p, n, at);
}

WRAP(ssize_t, pwrite64, (int fd, const void *p, size_t n, off64_t at))
{
    return no_write(&n, "pwrite64") ? -1 : __real_pwrite64(fd, p, n, at);
}

static int sync_fails(const char *name)
{
    return errs(FAULT_INTERRUPT, EINTR, name) || errs(FAULT_BROKEN, EIO, name) ||
                   errs(FAULT_FULL, ENOSPC, name)
               ? -1
               : 0;
}

int __wrap_fsync(int fd);
int __wrap_fsync(int fd)
{
    (void)fd;
    return sync_fails("fsync");
}

int __wrap_fdatasync(int fd);
int __wrap_fdatasync(int fd)
{
    (void)fd;
    return sync_fails("fdatasync");
}

WRAP(int, ftruncate, (int fd, off_t n))
{
    return sync_fails("ftruncate") ? -1 : __real_ftruncate(fd, n);
}

WRAP(int, ftruncate64, (int fd, off64_t n))
{
    return sync_fails("ftruncate64") ? -1 : __real_ftruncate64(fd, n);
}

WRAP(int, rename, (const char *from, const char *to))
{
    if (errs(FAULT_BROKEN, EIO, "rename") || errs(FAULT_FULL, ENOSPC, "rename") ||
        errs(FAULT_FORBIDDEN, EROFS, "rename"))
        return -1;
    return __real_rename(from, to);
}

WRAP(int, unlink, (const char *path))
{
    if (errs(FAULT_BROKEN, EIO, "unlink") || errs(FAULT_FORBIDDEN, EROFS, "unlink"))
        return -1;
    return __real_unlink(path);
}

WRAP(int, stat, (const char *path, struct stat *out))
{
    return errs(FAULT_BROKEN, EIO, "stat") ? -1 : __real_stat(path, out);
}

WRAP(int, stat64, (const char *path, struct stat64 *out))
{
    return errs(FAULT_BROKEN, EIO, "stat64") ? -1 : __real_stat64(path, out);
}

WRAP(int, fstat, (int fd, struct stat *out))
{
    return errs(FAULT_BROKEN, EIO, "fstat") ? -1 : __real_fstat(fd, out);
}

WRAP(int, fstat64, (int fd, struct stat64 *out))
{
    return errs(FAULT_BROKEN, EIO, "fstat64") ? -1 : __real_fstat64(fd, out);
}

/* Locks are fcntl calls; their third argument is a pointer or an int. */
int __real_fcntl(int fd, int command, ...);
int __wrap_fcntl(int fd, int command, ...);
int __wrap_fcntl(int fd, int command, ...)
{
    va_list args;

    va_start(args, command);
    void *arg = va_arg(args, void *);
    va_end(args);
    return errs(FAULT_BROKEN, EIO, "fcntl") ? -1 : __real_fcntl(fd, command, arg);
}

int __real_fcntl64(int fd, int command, ...);
int __wrap_fcntl64(int fd, int command, ...);
int __wrap_fcntl64(int fd, int command, ...)
{
    va_list args;

    va_start(args, command);
    void *arg = va_arg(args, void *);
    va_end(args);
    return errs(FAULT_BROKEN, EIO, "fcntl64") ? -1 : __real_fcntl64(fd, command, arg);
}
