/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * errand: a request (engine/store/request.h) is written into the database. Where a run holds
 * the lock, that run applies it and the answer is waited for; else the lock is taken here and
 * the request applied by the settings of the last run, which the database remembers. The lock
 * is tried again while waiting: a run may end before it looks.
 */
#include "commands/errand.h"

#include "engine/pipeline.h"

#include <stdio.h>
#include <time.h>

#define ANSWER_MS 10000 /* how long a run may take to answer */
#define POLL_MS 50
#define TEXT_BYTES_MAX (1u << 20)
#define ANSWER_MAX 1024

/* ---- here ---- */

static enum err remembered(struct settings *out, struct str text, const char *db, struct why *why)
{
    struct why complaint = {""};
    enum err e = settings_json(out, text, "the settings of the last run", &complaint);

    return e ? why_set(why, e, "%.300s: start a run on %s once, which writes them anew",
                       complaint.text, db)
             : ERR_OK;
}

/* The settings that the last run on this database had. */
static enum err run_settings(struct store *store, const char *db, struct settings *out,
                             struct why *why)
{
    struct buf text;
    enum err e;

    buf_init(&text, TEXT_BYTES_MAX);
    e = store_meta(store, "settings", &text);
    if (e == ERR_NOT_FOUND)
        e = why_set(why, e, "%s does not tell the settings of its last run: start a run on it once",
                    db);
    if (!e)
        e = remembered(out, (struct str){text.p, text.n}, db, why);
    if (!e)
        e = settings_put(out, "db", db, "--db", why);
    if (!e)
        e = settings_check(out, why);
    buf_clear(&text);
    return e;
}

static enum err apply_with(const struct errand *d, struct store *store, struct settings *settings,
                           struct why *why)
{
    struct pipeline_setup setup = {
        .env = d->env, .settings = settings, .store = store, .fold = &fold_windows};
    struct pipeline *pipeline = NULL;
    enum err e = run_settings(store, d->db, settings, why);

    setup.model = settings->models ? &model_shop : NULL;
    if (!e)
        e = pipeline_open(&setup, &pipeline, why);
    if (!e)
        e = pipeline_requests(pipeline, why);
    pipeline_close(pipeline);
    return e;
}

/* With the lock; ERR_BUSY: a run has it. */
static enum err apply_here(const struct errand *d, int64_t id, struct why *why)
{
    const struct store_options options = {.path = d->db, .env = d->env};
    struct settings settings;
    struct store *store = NULL;
    enum err e = store_open(&options, &store, why);

    if (e == ERR_BUSY)
        return e;
    if (!e)
        e = settings_init(&settings);
    if (!e) {
        e = apply_with(d, store, &settings, why);
        settings_clear(&settings);
    }
    if (e && store)
        (void)store_explain(store, e, why);
    store_close(store); /* ends its transaction */
    if (e && !why->text[0])
        (void)why_set(why, e, "%s: %s", d->failed, err_text(e));
    /* What could not be begun must not surprise a later run. */
    if (e)
        request_fail(d->db, id, why->text);
    return e;
}

/* ---- by the run ---- */

struct answer {
    char text[ANSWER_MAX];
    bool given;
};

static enum err take_answer(void *arg, int n, const char *const *names, const struct value *v)
{
    struct answer *a = arg;
    size_t length = v[0].kind == VALUE_TEXT ? v[0].text.n : 0;

    (void)n;
    (void)names;
    length = length < ANSWER_MAX ? length : ANSWER_MAX - 1;
    memcpy(a->text, length ? v[0].text.p : "", length);
    a->text[length] = '\0';
    a->given = v[0].kind == VALUE_TEXT;
    return ERR_OK;
}

static enum err look(const struct errand *d, int64_t request, struct answer *a, struct why *why)
{
    const struct value id = {.kind = VALUE_WHOLE, .whole = request};
    const struct question ask = {
        .sql = "SELECT result FROM requests WHERE id = ?", .parameters = &id, .n_parameters = 1};

    return reader_db_ask(d->reader, &ask, take_answer, a, why);
}

static void nap(void)
{
    const struct timespec t = {.tv_nsec = POLL_MS * 1000000L};

    (void)nanosleep(&t, NULL);
}

/* Until the answer is there: here as soon as nobody holds the lock, else by the run. */
static enum err wait_for(const struct errand *d, int64_t id, struct answer *a, struct why *why)
{
    int64_t until_ns = d->env->mono_ns(d->env) + ANSWER_MS * INT64_C(1000000);
    struct why busy = {.text = ""};
    enum err e = ERR_OK;

    while (!e && !a->given) {
        e = apply_here(d, id, &busy);
        if (e && e != ERR_BUSY)
            return why_set(why, e, "%s", busy.text);
        e = look(d, id, a, why);
        if (e || a->given)
            break;
        if (d->env->stop || d->env->mono_ns(d->env) > until_ns)
            return why_set(why, ERR_BUSY,
                           "the run that writes %s has not answered yet; it will do it when it "
                           "goes on (request %lld in the table `requests`)",
                           d->db, (long long)id);
        nap();
    }
    return e;
}

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

enum err errand_run(const struct errand *errand, struct why *why)
{
    struct answer a = {.text = ""};
    int64_t id = 0;
    enum err e = request_make(errand->env, errand->db, &errand->request, &id, why);
    const char *said = a.text;

    if (!e)
        e = wait_for(errand, id, &a, why);
    if (e)
        return e;
    if (begins(said, "failed: "))
        return why_set(why, ERR_IO, "%s", a.text);
    said += begins(said, errand->about) ? strlen(errand->about) : 0;
    if (begins(said, "not done: "))
        return why_set(why, ERR_NOT_FOUND, "%s", a.text);
    if (!errand->quiet)
        (void)printf("%s\n", a.text);
    return ERR_OK;
}
