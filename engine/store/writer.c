/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * writer: a bounded queue of jobs and the thread that works it off.
 *
 * The pipeline's thread puts jobs in, the helper takes them out in order; a full queue makes
 * the pipeline wait, which is the back-pressure. Applied parcels are emptied and kept for the
 * pipeline to fill again. Without a helper (or where no thread can be had) a job is applied
 * at once by its sender: the same jobs in the same order, so the same database.
 *
 * Threads: `lock` guards everything but apply, which belongs to the helper while it runs and
 * to the sender otherwise. `changed` is signalled at every change of the queue.
 *
 * Invariants:
 *  1. n <= QUEUE jobs are queued, the oldest at `first`.
 *  2. `error` never goes back to ERR_OK; once set, jobs are dropped instead of applied.
 *  3. `commits` counts parcels whose transaction is durable.
 */
#include "engine/store/writer.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#define QUEUE 4
#define SPARE_BYTES ((size_t)2 << 20) /* a parcel that grew past this is not kept */

/* A parcel, or a text for the table meta (one block: name, NUL, value). */
struct job {
    struct parcel *parcel;
    char *meta;
    size_t value_n;
};

struct writer {
    struct apply *apply;
    bool helper;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct job queue[QUEUE];
    size_t first, n;
    bool busy, stop;
    struct parcel *spare[QUEUE];
    size_t n_spare;
    enum err error;
    struct why why;
    uint64_t commits;
};

/* ---- jobs ---- */

static enum err job_apply(struct apply *apply, const struct job *job, struct why *why)
{
    struct str name;

    if (job->parcel)
        return apply_parcel(apply, job->parcel, why);
    assert(job->meta);
    name = str_of(job->meta);
    return apply_meta(apply, name, (struct str){job->meta + name.n + 1, job->value_n}, why);
}

static void job_clear(struct job *job)
{
    parcel_close(job->parcel);
    free(job->meta);
    *job = (struct job){.parcel = NULL};
}

/* Keeps an applied parcel's memory for the next one. Lock held. */
static void keep_spare(struct writer *w, struct job *job)
{
    if (job->parcel && w->n_spare < QUEUE && parcel_memory(job->parcel) <= SPARE_BYTES) {
        parcel_reset(job->parcel);
        w->spare[w->n_spare++] = job->parcel;
        job->parcel = NULL;
    }
}

/* Notes how a job ended. Lock held. */
static void job_done(struct writer *w, const struct job *job, enum err e, const struct why *why)
{
    if (!e && job->parcel && job->parcel->commit)
        w->commits++;
    if (e && !w->error) {
        w->error = e;
        w->why = *why;
    }
}

static enum err stuck(struct writer *w, struct why *why)
{
    return w->error ? why_set(why, w->error, "%s", w->why.text) : ERR_OK;
}

/* ---- the helper ---- */

/* Takes the oldest job; false: there is none and there will be none. Lock held. */
static bool next_job(struct writer *w, struct job *out)
{
    while (w->n == 0 && !w->stop)
        (void)pthread_cond_wait(&w->changed, &w->lock);
    if (w->n == 0)
        return false;
    *out = w->queue[w->first];
    w->first = (w->first + 1) % QUEUE;
    w->n--;
    return true;
}

static void *work(void *arg)
{
    struct writer *w = arg;
    struct job job = {.parcel = NULL};

    (void)pthread_mutex_lock(&w->lock);
    while (next_job(w, &job)) {
        bool dead = w->error != ERR_OK;
        struct why why = {.text = ""};
        enum err e = ERR_OK;

        w->busy = true;
        (void)pthread_cond_broadcast(&w->changed);
        (void)pthread_mutex_unlock(&w->lock);
        if (!dead)
            e = job_apply(w->apply, &job, &why);
        if (e)
            apply_rollback(w->apply);
        (void)pthread_mutex_lock(&w->lock);
        job_done(w, &job, dead ? w->error : e, &why);
        keep_spare(w, &job);
        w->busy = false;
        (void)pthread_cond_broadcast(&w->changed);
        job_clear(&job);
    }
    (void)pthread_mutex_unlock(&w->lock);
    return NULL;
}

/* Signals are for the main thread. */
static bool start(struct writer *w)
{
    sigset_t all;
    sigset_t before;
    bool started;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    started = pthread_create(&w->thread, NULL, work, w) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started;
}

/* ---- the sender ---- */

enum err writer_open(struct apply *apply, bool helper, struct writer **out, struct why *why)
{
    struct writer *w = calloc(1, sizeof(*w));

    if (!w) {
        apply_close(apply);
        return why_set(why, ERR_NOMEM, "out of memory opening the database");
    }
    w->apply = apply;
    (void)pthread_mutex_init(&w->lock, NULL);
    (void)pthread_cond_init(&w->changed, NULL);
    w->helper = helper && start(w);
    *out = w;
    return ERR_OK;
}

void writer_close(struct writer *w)
{
    if (!w)
        return;
    if (w->helper) {
        (void)pthread_mutex_lock(&w->lock);
        w->stop = true;
        (void)pthread_cond_broadcast(&w->changed);
        (void)pthread_mutex_unlock(&w->lock);
        (void)pthread_join(w->thread, NULL);
    }
    while (w->n_spare > 0)
        parcel_close(w->spare[--w->n_spare]);
    apply_close(w->apply);
    (void)pthread_cond_destroy(&w->changed);
    (void)pthread_mutex_destroy(&w->lock);
    free(w);
}

/* Waits for room and queues the job; *empty: a spare parcel if there is one. */
static enum err enqueue(struct writer *w, const struct job *job, struct parcel **empty,
                        struct why *why)
{
    enum err e;

    (void)pthread_mutex_lock(&w->lock);
    while (w->n == QUEUE && !w->error)
        (void)pthread_cond_wait(&w->changed, &w->lock);
    e = stuck(w, why);
    if (!e) {
        w->queue[(w->first + w->n) % QUEUE] = *job;
        w->n++;
        if (empty)
            *empty = w->n_spare ? w->spare[--w->n_spare] : NULL;
        (void)pthread_cond_broadcast(&w->changed);
    }
    (void)pthread_mutex_unlock(&w->lock);
    return e;
}

static enum err apply_now(struct writer *w, const struct job *job, struct why *why)
{
    struct why now = {.text = ""};
    enum err e;

    if (w->error)
        return stuck(w, why);
    e = job_apply(w->apply, job, &now);
    if (e)
        apply_rollback(w->apply);
    job_done(w, job, e, &now);
    return stuck(w, why);
}

enum err writer_send(struct writer *w, struct parcel **p, struct why *why)
{
    struct job job = {.parcel = *p};
    enum err e;

    if (w->helper)
        return enqueue(w, &job, p, why);
    e = apply_now(w, &job, why);
    if (!e)
        parcel_reset(*p);
    return e;
}

enum err writer_meta(struct writer *w, const char *name, struct str value, struct why *why)
{
    size_t n = strlen(name) + 1;
    bool helper = w->helper;
    struct job job = {.meta = malloc(n + value.n + 1), .value_n = value.n};
    enum err e;

    if (!job.meta)
        return why_set(why, ERR_NOMEM, "out of memory writing to the database");
    memcpy(job.meta, name, n);
    if (value.n)
        memcpy(job.meta + n, value.p, value.n);
    e = helper ? enqueue(w, &job, NULL, why) : apply_now(w, &job, why);
    if (e || !helper)
        job_clear(&job);
    return e;
}

enum err writer_wait(struct writer *w, struct why *why)
{
    enum err e;

    (void)pthread_mutex_lock(&w->lock);
    while ((w->n > 0 || w->busy) && !w->error)
        (void)pthread_cond_wait(&w->changed, &w->lock);
    e = stuck(w, why);
    (void)pthread_mutex_unlock(&w->lock);
    return e;
}

uint64_t writer_commits(struct writer *w)
{
    uint64_t n;

    (void)pthread_mutex_lock(&w->lock);
    n = w->commits;
    (void)pthread_mutex_unlock(&w->lock);
    return n;
}
