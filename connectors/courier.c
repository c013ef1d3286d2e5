/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * courier: the thread that empties the outbox.
 *
 *   outbox (committed) ─► pick ─► post or shell ─► results ─► parcel ─► outbox
 *            the thread                              │         the pipeline
 *
 * A result stays in memory from the attempt until the thread sees it in the database: so long
 * its alert is not picked again. After a failure two things wait, both by full jitter: the
 * alert by its number of tries, so that one that its receiver can't take lets others pass; and
 * all of them by the number of failures in a row, so that a receiver that is down is not
 * bothered with each in turn.
 *
 * Threads: `lock` guards `ending`, `ended` and the results. Only the thread adds and removes
 * results, so it reads them without; others read them and set `taken` under the lock. Nobody
 * holds the lock while something is read, written or sent.
 *
 * Invariants:
 *  1. What was not committed is never sent.
 *  2. At most RESULTS attempts are not yet in the database; then nothing is sent.
 *  3. Messages name the host of the receiver, never its address or the command.
 */
#include "connectors/courier.h"
#include "connectors/pace.h"
#include "connectors/post.h"
#include "connectors/shell.h"
#include "engine/store/outbox.h"

#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#define RESULTS 256
#define POST_MS 10000
#define COMMAND_MS 30000
#define LOOK_NS INT64_C(200000000) /* how often the outbox is looked at */
#define TROUBLE_NS INT64_C(1000000000)
#define TELL_NS INT64_C(60000000000)
#define COMMIT_NS INT64_C(50000000) /* how often results are committed at the end */
#define PATIENCE_NS INT64_C(10000000000)
#define HASTE_NS INT64_C(1000000000) /* ... when the user asked to end */
#define GIVE_UP_MS WHEN_DAY          /* after the first try */
#define GIVE_UP_TRIES 8              /* ... and so many tries: we may have been off that day */
#define ALERT_BYTES ((size_t)4 << 20)
#define NEVER INT64_MAX

struct result {
    char *id;
    int64_t at_ms, next_ms;
    uint32_t tries;
    bool done;
    bool taken; /* by the pipeline, for its next commit */
    char error[160];
};

/* What is to be sent next. */
struct pick {
    struct courier *courier;
    bool found;
    uint32_t tries;
    int64_t next_ms, since_ms;
};

struct courier {
    struct env *env;
    const char *command; /* NULL: posted */
    struct post *post;
    struct outbox *outbox;
    struct pace pace;
    int64_t failures; /* in a row */
    int64_t pause_ns; /* nothing is sent before */
    int64_t told_ns;  /* the last message; 0: none yet */
    struct buf id;    /* of the pick, with a NUL */
    struct buf json, text;
    atomic_bool stop;
    pthread_t thread;
    bool started;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int64_t until_ns; /* when the thread is to end if it can; 0: it is not */
    bool last_look;   /* the outbox was looked at since */
    bool ended;
    struct result result[RESULTS];
    size_t n;
};

/* ---- messages ---- */

/* One a minute at most. */
static void tell(struct courier *a, const char *what, const char *why)
{
    int64_t now = a->env->mono_ns(a->env);

    if (a->told_ns && now - a->told_ns < TELL_NS)
        return;
    a->told_ns = now;
    env_log(a->env, LOG_WARN, "%s: %s", what, why);
}

/* ---- results ---- */

static struct result *result_of(struct courier *a, struct str id)
{
    for (size_t i = 0; i < a->n; i++)
        if (str_eq(str_of(a->result[i].id), id))
            return &a->result[i];
    return NULL;
}

static void add_result(struct courier *a, const struct result *r)
{
    (void)pthread_mutex_lock(&a->lock);
    a->result[a->n++] = *r;
    (void)pthread_mutex_unlock(&a->lock);
}

static void remove_result(struct courier *a, size_t i)
{
    (void)pthread_mutex_lock(&a->lock);
    free(a->result[i].id);
    a->result[i] = a->result[--a->n];
    (void)pthread_mutex_unlock(&a->lock);
}

static bool is_taken(struct courier *a, size_t i)
{
    (void)pthread_mutex_lock(&a->lock);
    bool taken = a->result[i].taken;
    (void)pthread_mutex_unlock(&a->lock);
    return taken;
}

/* Forgets what the database knows by now. */
static enum err forget_committed(struct courier *a, struct why *why)
{
    enum err e = ERR_OK;

    for (size_t i = a->n; !e && i-- > 0;) {
        const struct result *r = &a->result[i];
        uint32_t tries = 0;

        if (!is_taken(a, i))
            continue;
        e = outbox_tries(a->outbox, str_of(r->id), &tries, why);
        if (e == ERR_NOT_FOUND || (!e && tries >= r->tries)) {
            remove_result(a, i);
            e = ERR_OK;
        }
    }
    return e;
}

static enum err put_result(const struct result *r, struct parcel *out)
{
    struct sent_row row = {
        .at_ms = r->at_ms, .next_ms = r->next_ms, .tries = r->tries, .done = r->done};
    enum err e = parcel_text(out, str_of(r->id), &row.id);

    if (!e && r->error[0])
        e = parcel_text(out, str_of(r->error), &row.error);
    if (e)
        return e;
    return list_put(&out->sent, &row) ? ERR_OK : ERR_NOMEM;
}

enum err courier_results(void *courier, struct parcel *out)
{
    struct courier *a = courier;
    enum err e = ERR_OK;

    (void)pthread_mutex_lock(&a->lock);
    for (size_t i = 0; !e && i < a->n; i++) {
        struct result *r = &a->result[i];

        if (r->taken)
            continue;
        e = put_result(r, out);
        r->taken = !e;
    }
    (void)pthread_mutex_unlock(&a->lock);
    return e;
}

/* ---- sending ---- */

static enum err run_command(struct courier *a, struct why *why)
{
    static const char id_name[] = "TILLSTREAM_ALERT_ID=", text_name[] = "TILLSTREAM_ALERT_TEXT=";
    struct why what = {""};
    struct buf id, text;

    buf_init(&id, ALERT_BYTES);
    buf_init(&text, ALERT_BYTES);
    enum err e = buf_u8(&a->json, '\n');
    if (!e)
        e = buf_printf(&id, "%s%s", id_name, a->id.p);
    if (!e)
        e = buf_printf(&text, "%s%s", text_name, a->text.p);
    if (!e) {
        const char *const variable[] = {id.p, text.p, NULL};
        const struct shell_call call = {.command = a->command,
                                        .variable = variable,
                                        .input = {a->json.p, a->json.n},
                                        .timeout_ms = COMMAND_MS,
                                        .stop = &a->stop};
        e = shell_run(&call, &what);
    }
    buf_clear(&id);
    buf_clear(&text);
    return e ? why_set(why, e, "the command %s", what.text) : e;
}

static enum err send_now(struct courier *a, int64_t *wait_ms, struct why *why)
{
    const struct post_letter letter = {
        .body = {a->json.p, a->json.n}, .key = a->id.p, .timeout_ms = POST_MS, .stop = &a->stop};

    *wait_ms = 0;
    return a->post ? post_send(a->post, &letter, wait_ms, why) : run_command(a, why);
}

static int64_t longer(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static void after_failure(struct courier *a, const struct pick *pick, int64_t wait_ms,
                          struct result *r)
{
    int64_t alone_ms = pace_backoff(r->tries, a->env->random(a->env));
    int64_t all_ms = pace_backoff(++a->failures, a->env->random(a->env));

    if (wait_ms > PACE_LONGEST_MS)
        wait_ms = PACE_LONGEST_MS;
    a->pause_ns = a->env->mono_ns(a->env) + longer(all_ms, wait_ms) * 1000000;
    r->next_ms = r->at_ms + longer(alone_ms, wait_ms);
    r->done = r->tries >= GIVE_UP_TRIES && pick->since_ms && r->at_ms - pick->since_ms > GIVE_UP_MS;
}

static void judge(struct courier *a, const struct pick *pick, enum err e, const struct why *why,
                  int64_t wait_ms, struct result *r)
{
    r->at_ms = a->env->wall_ms(a->env);
    r->tries = pick->tries + 1;
    r->done = e == ERR_OK || e == ERR_INVALID;
    (void)snprintf(r->error, sizeof(r->error), "%.159s", e ? why->text : "");
    if (r->done)
        a->failures = 0;
    else
        after_failure(a, pick, wait_ms, r);
    if (e)
        tell(a, r->done ? "an alert is given up" : "an alert could not be sent and waits",
             r->error);
}

static enum err deliver(struct courier *a, const struct pick *pick, struct why *why)
{
    struct result r = {.id = malloc(a->id.n)};
    struct why what = {""};
    int64_t wait_ms = 0;

    if (!r.id)
        return why_set(why, ERR_NOMEM, "out of memory");
    memcpy(r.id, a->id.p, a->id.n);
    a->json.n = a->text.n = 0;
    enum err e =
        outbox_alert(a->outbox, (struct str){a->id.p, a->id.n - 1}, &a->json, &a->text, why);
    if (!e)
        e = buf_u8(&a->text, 0);
    if (e) {
        free(r.id);
        return e;
    }
    pace_take(&a->pace);
    e = send_now(a, &wait_ms, &what);
    if (e == ERR_STOPPED) {
        free(r.id);
        return e;
    }
    judge(a, pick, e, &what, wait_ms, &r);
    add_result(a, &r);
    return ERR_OK;
}

/* ---- choosing ---- */

static enum err pick_row(void *arg, const struct outbox_row *row)
{
    struct pick *pick = arg;
    struct courier *a = pick->courier;

    if (result_of(a, row->id))
        return ERR_OK;
    a->id.n = 0;
    enum err e = buf_str(&a->id, row->id);
    if (!e)
        e = buf_u8(&a->id, 0);
    pick->found = !e;
    pick->tries = row->tries;
    pick->next_ms = row->next_ms;
    pick->since_ms = row->since_ms;
    return e ? e : ERR_END;
}

/* Nanoseconds until it can be sent. One that is to wait longer than any does was put off by
 * another clock. */
static int64_t wait_for(struct courier *a, const struct pick *pick)
{
    int64_t now = a->env->mono_ns(a->env);
    int64_t due_ms = pick->next_ms - a->env->wall_ms(a->env);
    int64_t wait = due_ms > PACE_LONGEST_MS ? 0 : due_ms * 1000000;

    wait = longer(wait, a->pause_ns - now);
    return longer(longer(wait, pace_wait(&a->pace, now)), 0);
}

/* Until the first of the failures that are not in the database yet may be tried again. */
static int64_t wait_for_results(struct courier *a)
{
    int64_t now_ms = a->env->wall_ms(a->env);
    int64_t wait = NEVER;

    for (size_t i = 0; i < a->n; i++) {
        int64_t due = longer(a->result[i].next_ms - now_ms, 0) * 1000000;

        if (!a->result[i].done && due < wait)
            wait = due;
    }
    return wait > LOOK_NS ? wait : LOOK_NS;
}

/* Sends one alert, or says after how many nanoseconds there may be one. */
static enum err turn(struct courier *a, int64_t *wait, struct why *why)
{
    struct pick pick = {.courier = a};
    enum err e = forget_committed(a, why);

    *wait = LOOK_NS;
    if (e || a->n == RESULTS)
        return e;
    e = outbox_each(a->outbox, RESULTS + 1, pick_row, &pick, why);
    if (e)
        return e;
    *wait = pick.found ? wait_for(a, &pick) : wait_for_results(a);
    return *wait ? e : deliver(a, &pick, why);
}

/* ---- the thread ---- */

static struct timespec moment(int64_t ns)
{
    return (struct timespec){.tv_sec = (time_t)(ns / 1000000000),
                             .tv_nsec = (long)(ns % 1000000000)};
}

/* Sleeps; false: it is time to end, or nothing can be done any more before. Lock held. */
static bool rest_locked(struct courier *a, int64_t wait)
{
    int64_t now = a->env->mono_ns(a->env);
    struct timespec until = moment(now + (wait < LOOK_NS ? wait : LOOK_NS));
    bool again = a->until_ns && !a->last_look; /* the last commit may have come meanwhile */

    a->last_look = again || a->last_look;
    if (again)
        return !atomic_load(&a->stop);
    if (a->until_ns && wait > a->until_ns - now)
        return false;
    if (wait && !atomic_load(&a->stop))
        (void)pthread_cond_timedwait(&a->changed, &a->lock, &until);
    return !atomic_load(&a->stop);
}

static bool rest(struct courier *a, int64_t wait)
{
    (void)pthread_mutex_lock(&a->lock);
    bool on = rest_locked(a, wait);
    (void)pthread_mutex_unlock(&a->lock);
    return on;
}

static void *work(void *arg)
{
    struct courier *a = arg;
    bool on = true;

    while (on) {
        struct why why = {""};
        int64_t wait = 0;
        enum err e = turn(a, &wait, &why);

        if (e && e != ERR_STOPPED) {
            tell(a, "alerts can't be sent right now", why.text[0] ? why.text : err_text(e));
            wait = TROUBLE_NS;
        }
        on = rest(a, wait);
    }
    (void)pthread_mutex_lock(&a->lock);
    a->ended = true;
    (void)pthread_cond_broadcast(&a->changed);
    (void)pthread_mutex_unlock(&a->lock);
    return NULL;
}

/* Signals are for the main thread. */
static enum err start(struct courier *a, struct why *why)
{
    sigset_t all, before;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    a->started = pthread_create(&a->thread, NULL, work, a) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return a->started ? ERR_OK : why_set(why, ERR_NOMEM, "the system has no thread for `alert`");
}

static void end_thread(struct courier *a)
{
    if (!a->started)
        return;
    (void)pthread_mutex_lock(&a->lock);
    atomic_store(&a->stop, true);
    (void)pthread_cond_broadcast(&a->changed);
    (void)pthread_mutex_unlock(&a->lock);
    (void)pthread_join(a->thread, NULL);
    a->started = false;
}

/* ---- opening and ending ---- */

static void make_lock(struct courier *a)
{
    pthread_condattr_t clock;

    (void)pthread_condattr_init(&clock);
    (void)pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&a->changed, &clock);
    (void)pthread_condattr_destroy(&clock);
    (void)pthread_mutex_init(&a->lock, NULL);
}

enum err courier_open(struct env *env, const struct settings *settings, struct courier **out,
                      struct why *why)
{
    static const char exec[] = "exec:";
    struct courier *a = calloc(1, sizeof(*a));
    enum err e = ERR_OK;

    if (!a)
        return why_set(why, ERR_NOMEM, "out of memory");
    a->env = env;
    buf_init(&a->id, ALERT_BYTES);
    buf_init(&a->json, ALERT_BYTES);
    buf_init(&a->text, ALERT_BYTES);
    make_lock(a);
    pace_init(&a->pace, settings->alert_per_minute, env->mono_ns(env));
    if (strncmp(settings->alert, exec, sizeof(exec) - 1) == 0)
        a->command = settings->alert + sizeof(exec) - 1;
    else
        e = post_open(settings->alert, &a->post, why);
    if (!e)
        e = outbox_open(settings->db, &a->outbox, why);
    if (!e)
        e = start(a, why);
    if (e)
        courier_close(a);
    else
        *out = a;
    return e;
}

void courier_close(struct courier *a)
{
    if (!a)
        return;
    end_thread(a);
    for (size_t i = 0; i < a->n; i++)
        free(a->result[i].id);
    outbox_close(a->outbox);
    post_close(a->post);
    buf_clear(&a->id);
    buf_clear(&a->json);
    buf_clear(&a->text);
    (void)pthread_cond_destroy(&a->changed);
    (void)pthread_mutex_destroy(&a->lock);
    free(a);
}

/* Whether the thread ended, after a short wait for that. */
static bool has_ended(struct courier *a)
{
    struct timespec until = moment(a->env->mono_ns(a->env) + COMMIT_NS);

    (void)pthread_mutex_lock(&a->lock);
    if (!a->ended)
        (void)pthread_cond_timedwait(&a->changed, &a->lock, &until);
    bool ended = a->ended;
    (void)pthread_mutex_unlock(&a->lock);
    return ended;
}

static enum err say_left(struct courier *a, struct why *why)
{
    int64_t left = 0;
    enum err e = outbox_waiting(a->outbox, &left, why);

    if (!e && left)
        env_log(a->env, LOG_INFO,
                "%" PRId64 " alert%s not sent yet; the next run with `alert` set goes on", left,
                left == 1 ? " is" : "s are");
    return e;
}

enum err courier_finish(struct courier *a, struct pipeline *p, struct why *why)
{
    bool hurried = a->env->stop != 0;
    int64_t until = a->env->mono_ns(a->env) + (hurried ? HASTE_NS : PATIENCE_NS);
    enum err e = ERR_OK;

    (void)pthread_mutex_lock(&a->lock);
    a->until_ns = until;
    (void)pthread_cond_broadcast(&a->changed);
    (void)pthread_mutex_unlock(&a->lock);
    while (!e && !has_ended(a) && a->env->mono_ns(a->env) < until && (hurried || !a->env->stop))
        e = pipeline_commit(p, why);
    end_thread(a);
    if (!e)
        e = pipeline_commit(p, why);
    return e ? e : say_left(a, why);
}
