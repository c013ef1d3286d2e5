/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * powercut_vfs: see the header. The idea is that of SQLite's own test6.c.
 *
 * A file on the disk is `durable`, its bytes at the last sync, and the list of what was done to
 * it since. A restart takes the durable bytes, does of the list what the seed lets survive, in
 * order, and writes the outcome where the file was. Of a write that survives in part, any of its
 * sectors may be missing: a page of the database is several sectors. What is not written is
 * never changed (SQLITE_IOCAP_POWERSAFE_OVERWRITE).
 *
 * Shared memory (-shm) is not on the disk at all: it is gone after a restart.
 *
 * One thread only.
 */
#include "tests/fault/powercut_vfs.h"

#include "tests/support/t.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FILES_MAX = 16, SECTOR = 512 };

enum kind { WROTE, TRUNCATED, DELETED };

struct change {
    enum kind kind;
    size_t at, n;
    unsigned char *p;
    struct change *next;
};

struct content {
    unsigned char *p;
    size_t n;
    bool exists;
};

struct disk_file {
    char path[600];
    struct content durable;
    struct change *first, *last; /* since the last sync */
};

struct open_file {
    sqlite3_file base;
    struct disk_file *disk; /* NULL: a temporary file without a name */
    bool directory_too;     /* SQLite syncs the directory with the first sync of this file */
    sqlite3_file *real;
};

static struct {
    sqlite3_vfs vfs;
    sqlite3_vfs *real;
    struct disk_file file[FILES_MAX];
    size_t n_files;
    uint64_t seen, cut_at;
    bool cut;
    void (*told)(void *arg, const char *path);
    void *arg;
} disk;

/* ---- what is on the disk ---- */

static void put(struct content *c, size_t at, const unsigned char *p, size_t n)
{
    if (at + n > c->n) {
        c->p = realloc(c->p, at + n);
        ok(c->p != NULL);
        memset(c->p + c->n, 0, at + n - c->n);
        c->n = at + n;
    }
    if (n)
        memcpy(c->p + at, p, n);
    c->exists = true;
}

static void cut_to(struct content *c, size_t n)
{
    if (n < c->n)
        c->n = n;
    else
        put(c, n, NULL, 0);
}

static void apply(struct content *c, const struct change *what)
{
    if (what->kind == WROTE)
        put(c, what->at, what->p, what->n);
    else
        cut_to(c, what->at);
    c->exists = what->kind != DELETED;
}

static void note(struct disk_file *f, enum kind kind, size_t at, const void *p, size_t n)
{
    struct change *c = calloc(1, sizeof(*c));

    ok(c != NULL);
    *c = (struct change){.kind = kind, .at = at, .n = n};
    if (n) {
        c->p = malloc(n);
        ok(c->p != NULL);
        memcpy(c->p, p, n);
    }
    if (f->last)
        f->last->next = c;
    else
        f->first = c;
    f->last = c;
}

static void drop_changes(struct disk_file *f)
{
    while (f->first) {
        struct change *next = f->first->next;

        free(f->first->p);
        free(f->first);
        f->first = next;
    }
    f->last = NULL;
}

static void sync_file(struct disk_file *f)
{
    for (const struct change *c = f->first; c; c = c->next)
        apply(&f->durable, c);
    f->durable.exists = true;
    drop_changes(f);
}

/* Names made and names deleted so far are on the disk now; what the files hold is not. */
static void sync_directory(void)
{
    for (size_t i = 0; i < disk.n_files; i++) {
        struct disk_file *f = &disk.file[i];
        bool deletes = false;

        for (const struct change *c = f->first; c; c = c->next) {
            f->durable.exists = c->kind != DELETED;
            deletes = deletes || c->kind == DELETED;
        }
        if (deletes) { /* nobody here goes on with a file that was deleted */
            f->durable.n = 0;
            drop_changes(f);
        }
    }
}

/* The file of this name; what it holds when first seen is taken to be on the disk. */
static struct disk_file *find(const char *path)
{
    struct disk_file *f;
    unsigned char block[4096];
    FILE *in;

    for (size_t i = 0; i < disk.n_files; i++) {
        if (strcmp(disk.file[i].path, path) == 0)
            return &disk.file[i];
    }
    ok(disk.n_files < FILES_MAX);
    f = &disk.file[disk.n_files++];
    *f = (struct disk_file){.first = NULL};
    (void)snprintf(f->path, sizeof(f->path), "%s", path);
    in = fopen(path, "rb");
    for (size_t n = 1; in && n > 0;) {
        n = fread(block, 1, sizeof(block), in);
        put(&f->durable, f->durable.n, block, n);
    }
    if (in)
        (void)fclose(in);
    return f;
}

/* Counts a call that would reach the disk; true: the power is gone. */
static bool is_dark(void)
{
    disk.seen++;
    if (disk.cut_at && disk.seen >= disk.cut_at)
        disk.cut = true;
    return disk.cut;
}

/* ---- an open file ---- */

static struct open_file *of(sqlite3_file *file)
{
    return (struct open_file *)(void *)file;
}

static sqlite3_file *real_of(sqlite3_file *file)
{
    return of(file)->real;
}

static int pc_close(sqlite3_file *file)
{
    return real_of(file)->pMethods->xClose(real_of(file));
}

static int pc_read(sqlite3_file *file, void *p, int n, sqlite3_int64 at)
{
    return real_of(file)->pMethods->xRead(real_of(file), p, n, at);
}

static int pc_write(sqlite3_file *file, const void *p, int n, sqlite3_int64 at)
{
    int rc;

    if (is_dark())
        return SQLITE_IOERR_WRITE;
    rc = real_of(file)->pMethods->xWrite(real_of(file), p, n, at);
    if (!rc && of(file)->disk)
        note(of(file)->disk, WROTE, (size_t)at, p, (size_t)n);
    return rc;
}

static int pc_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    int rc;

    if (is_dark())
        return SQLITE_IOERR_TRUNCATE;
    rc = real_of(file)->pMethods->xTruncate(real_of(file), size);
    if (!rc && of(file)->disk)
        note(of(file)->disk, TRUNCATED, (size_t)size, NULL, 0);
    return rc;
}

static int pc_sync(sqlite3_file *file, int flags)
{
    struct disk_file *f = of(file)->disk;

    (void)flags;
    if (is_dark())
        return SQLITE_IOERR_FSYNC;
    if (f)
        sync_file(f);
    if (of(file)->directory_too)
        sync_directory();
    of(file)->directory_too = false;
    if (f && disk.told)
        disk.told(disk.arg, f->path);
    return SQLITE_OK;
}

static int pc_size(sqlite3_file *file, sqlite3_int64 *size)
{
    return real_of(file)->pMethods->xFileSize(real_of(file), size);
}

static int pc_lock(sqlite3_file *file, int lock)
{
    return real_of(file)->pMethods->xLock(real_of(file), lock);
}

static int pc_unlock(sqlite3_file *file, int lock)
{
    return real_of(file)->pMethods->xUnlock(real_of(file), lock);
}

static int pc_check_reserved(sqlite3_file *file, int *out)
{
    return real_of(file)->pMethods->xCheckReservedLock(real_of(file), out);
}

static int pc_control(sqlite3_file *file, int what, void *arg)
{
    return real_of(file)->pMethods->xFileControl(real_of(file), what, arg);
}

static int pc_sector(sqlite3_file *file)
{
    return real_of(file)->pMethods->xSectorSize(real_of(file));
}

static int pc_device(sqlite3_file *file)
{
    return real_of(file)->pMethods->xDeviceCharacteristics(real_of(file));
}

static int pc_shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **out)
{
    return real_of(file)->pMethods->xShmMap(real_of(file), page, size, extend, out);
}

static int pc_shm_lock(sqlite3_file *file, int offset, int n, int flags)
{
    return real_of(file)->pMethods->xShmLock(real_of(file), offset, n, flags);
}

static void pc_shm_barrier(sqlite3_file *file)
{
    real_of(file)->pMethods->xShmBarrier(real_of(file));
}

static int pc_shm_unmap(sqlite3_file *file, int gone)
{
    return real_of(file)->pMethods->xShmUnmap(real_of(file), gone);
}

static const sqlite3_io_methods methods = {
    .iVersion = 2, /* no memory mapping of the database */
    .xClose = pc_close,
    .xRead = pc_read,
    .xWrite = pc_write,
    .xTruncate = pc_truncate,
    .xSync = pc_sync,
    .xFileSize = pc_size,
    .xLock = pc_lock,
    .xUnlock = pc_unlock,
    .xCheckReservedLock = pc_check_reserved,
    .xFileControl = pc_control,
    .xSectorSize = pc_sector,
    .xDeviceCharacteristics = pc_device,
    .xShmMap = pc_shm_map,
    .xShmLock = pc_shm_lock,
    .xShmBarrier = pc_shm_barrier,
    .xShmUnmap = pc_shm_unmap,
};

/* ---- the file system ---- */

static int pc_open(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *file, int flags, int *out)
{
    const int logs = SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL | SQLITE_OPEN_WAL;
    struct open_file *f = of(file);
    int rc;

    (void)vfs;
    f->directory_too = (flags & SQLITE_OPEN_CREATE) && (flags & logs);
    f->base.pMethods = NULL;
    f->disk = name ? find(name) : NULL;
    f->real = (sqlite3_file *)(void *)(f + 1);
    if (disk.cut)
        return SQLITE_CANTOPEN;
    rc = disk.real->xOpen(disk.real, name, f->real, flags, out);
    if (f->real->pMethods)
        f->base.pMethods = &methods;
    return rc;
}

static int pc_delete(sqlite3_vfs *vfs, const char *name, int directory_too)
{
    struct disk_file *f = find(name);
    int rc;

    (void)vfs;
    if (is_dark())
        return SQLITE_IOERR_DELETE;
    rc = disk.real->xDelete(disk.real, name, 0);
    if (rc)
        return rc;
    note(f, DELETED, 0, NULL, 0);
    if (directory_too)
        sync_directory();
    return SQLITE_OK;
}

static void forget_files(void)
{
    for (size_t i = 0; i < disk.n_files; i++) {
        free(disk.file[i].durable.p);
        drop_changes(&disk.file[i]);
    }
    disk.n_files = 0;
}

void powercut_begin(uint64_t n)
{
    sqlite3_vfs *usual = sqlite3_vfs_find("unix");

    ok(usual != NULL);
    forget_files();
    disk.real = usual;
    disk.vfs = *usual; /* the rest of its functions don't look at which one they are given */
    disk.vfs.zName = "powercut";
    disk.vfs.szOsFile = (int)sizeof(struct open_file) + usual->szOsFile;
    disk.vfs.xOpen = pc_open;
    disk.vfs.xDelete = pc_delete;
    disk.vfs.pNext = NULL;
    disk.seen = 0;
    disk.cut_at = n;
    disk.cut = false;
    disk.told = NULL;
    ok(sqlite3_vfs_register(&disk.vfs, 1) == SQLITE_OK);
}

uint64_t powercut_seen(void)
{
    return disk.seen;
}

void powercut_on_sync(void (*told)(void *arg, const char *path), void *arg)
{
    disk.told = told;
    disk.arg = arg;
}

bool powercut_end(void)
{
    ok(sqlite3_vfs_unregister(&disk.vfs) == SQLITE_OK);
    ok(sqlite3_vfs_register(disk.real, 1) == SQLITE_OK);
    return disk.cut;
}

/* ---- after it ---- */

/* A write of which some sectors never arrived. */
static void apply_torn(struct content *c, const struct change *what, uint64_t *random)
{
    for (size_t i = 0; i < what->n; i += SECTOR) {
        size_t n = what->n - i < SECTOR ? what->n - i : SECTOR;

        if (rnd_below(random, 2))
            put(c, what->at + i, what->p + i, n);
    }
}

static void survive(struct disk_file *f, uint64_t *random, unsigned keep)
{
    struct content *c = &f->durable;
    bool entered = c->exists || rnd_below(random, 256) < keep; /* in the directory */

    for (const struct change *what = f->first; what; what = what->next) {
        bool kept = rnd_below(random, 256) < keep;
        bool torn = keep < 256 && rnd_below(random, 4) == 0;

        if (kept && torn && what->kind == WROTE)
            apply_torn(c, what, random);
        else if (kept)
            apply(c, what);
    }
    c->exists = c->exists && entered;
}

void powercut_restart(uint64_t seed, unsigned keep)
{
    char name[700];

    for (size_t i = 0; i < disk.n_files; i++) {
        struct disk_file *f = &disk.file[i];

        survive(f, &seed, keep);
        (void)unlink(f->path);
        (void)snprintf(name, sizeof(name), "%s-shm", f->path);
        (void)unlink(name);
        if (f->durable.exists) {
            FILE *out = fopen(f->path, "wb");

            ok(out && fwrite(f->durable.p, 1, f->durable.n, out) == f->durable.n);
            ok(fclose(out) == 0);
        }
    }
    forget_files();
}
