/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The requests "model-save" (what is stored of the models becomes what they know now),
 * "model-reset" (they start anew) and "model-import" (they become those of a file,
 * engine/model_file.h; the argument is its path).
 *
 * The new models are made beside the old ones, which stay in force if anything is wrong. All
 * stored parts go and the new ones come with the answer, in one transaction; what was found
 * and said so far stays. What was sold between the making of a file and now is not learned
 * again.
 */
#include "engine/pipeline_parts.h"

#include "engine/model_file.h"

#include <stdio.h>
#include <sys/stat.h>

#define CHUNK 65536
#define PATH_BYTES_MAX 4097
#define RESULT_MAX (PATH_BYTES_MAX + 256)

static enum err refuse(struct pipeline *p, int64_t id)
{
    return requests_answer(p, id,
                           STR("not done: there are no models in this run (setting models)"));
}

/* ---- exchanging ---- */

static enum err put_part(struct pipeline *p, struct str name, uint32_t version, struct str data,
                         bool gone)
{
    struct state_row row = {.version = version, .gone = gone};
    enum err e = parcel_text(p->parcel, name, &row.name);

    if (!e)
        e = parcel_text(p->parcel, data, &row.data);
    if (!e && !list_put(&p->parcel->states, &row))
        e = ERR_NOMEM;
    return e;
}

static enum err drop_part(void *arg, struct str name, uint32_t version, struct str data)
{
    (void)version;
    (void)data;
    return put_part(arg, name, 0, STR(""), true);
}

/* What is stored goes with the next commit, which saves all there is. */
static enum err exchange(struct pipeline *p, struct model *fresh, struct why *why)
{
    enum err e = store_each_state(p->setup.store, "models/", drop_part, p, why);

    if (e)
        return e;
    p->setup.model->close(p->model);
    p->model = fresh;
    p->save_now = true;
    return ERR_OK;
}

static enum err open_fresh(struct pipeline *p, struct model **out, struct why *why)
{
    const struct model_setup setup = {p->setup.settings, p->zone, p->keys, p->books};

    return p->setup.model->open(&setup, out, why);
}

enum err model_request_save(struct pipeline *p, int64_t id)
{
    if (!p->model)
        return refuse(p, id);
    p->save_now = true;
    return requests_answer(p, id, STR("saved"));
}

enum err model_request_reset(struct pipeline *p, int64_t id, struct why *why)
{
    struct model *fresh = NULL;
    enum err e;

    if (!p->model)
        return refuse(p, id);
    e = pipeline_commit(p, why);
    if (!e)
        e = open_fresh(p, &fresh, why);
    if (!e)
        e = p->setup.model->loaded(fresh, why);
    if (!e)
        e = exchange(p, fresh, why);
    if (e && fresh)
        p->setup.model->close(fresh);
    return e ? e : requests_answer(p, id, STR("the models start anew"));
}

/* ---- importing ---- */

struct import {
    struct pipeline *p;
    struct model *fresh;
    struct why *why;
};

static enum err load_part(void *arg, struct str name, uint32_t version, struct str data)
{
    struct import *i = arg;

    return i->p->setup.model->load(i->fresh, name, version, data, i->why);
}

static enum err keep_part(void *arg, struct str name, uint32_t version, struct str data)
{
    return put_part(((struct import *)arg)->p, name, version, data, false);
}

static enum err say(struct pipeline *p, int64_t id, const char *what, const char *about)
{
    struct buf text;
    enum err e;

    buf_init(&text, RESULT_MAX);
    e = buf_text(&text, what);
    if (!e)
        e = buf_text(&text, about);
    if (!e)
        e = requests_answer(p, id, (struct str){text.p, text.n});
    buf_clear(&text);
    return e;
}

/* Whether the file's numbers mean the same here. */
static bool fits(const struct pipeline *p, const struct model_file *head)
{
    const uint64_t *hashes = keys_hashes(p->keys);
    uint64_t hash = 0;

    if (head->ledger_seq > p->ledger_seq || head->n_keys > keys_count(p->keys))
        return false;
    for (uint32_t k = 0; k < head->n_keys; k++)
        hash = model_file_key(hash, hashes[k]);
    return hash == head->keys_hash;
}

static enum err read_all(const char *path, struct buf *out)
{
    struct stat about;
    bool plain = stat(path, &about) == 0 && S_ISREG(about.st_mode); /* else opening may wait */
    FILE *file = plain ? fopen(path, "rb") : NULL;
    size_t n = 1;
    enum err e = file ? ERR_OK : ERR_IO;

    while (!e && n > 0) {
        e = buf_reserve(out, CHUNK);
        n = e ? 0 : fread(out->p + out->n, 1, CHUNK, file);
        out->n += n;
    }
    if (!e && ferror(file))
        e = ERR_IO;
    if (file)
        (void)fclose(file);
    return e;
}

/* Makes the models of a file; an error's sentence is in i->why. */
static enum err make(struct import *i, const char *path, struct str file)
{
    struct model_file head;
    enum err e = model_file_read(file, &head, NULL, NULL);

    if (e)
        return why_set(i->why, e, "%.300s is %s", path,
                       e == ERR_NEWER ? "of a newer tillstream" : "no exported model, or damaged");
    if (!fits(i->p, &head))
        return why_set(i->why, ERR_INVALID,
                       "%.300s is of another database, or of a later state of this one", path);
    e = open_fresh(i->p, &i->fresh, i->why);
    if (!e)
        e = model_file_read(file, &head, load_part, i);
    if (!e)
        e = i->p->setup.model->loaded(i->fresh, i->why);
    if (e && !i->why->text[0])
        (void)why_set(i->why, e, "%.300s: %s", path, err_text(e));
    return e;
}

static enum err import(struct pipeline *p, int64_t id, const char *path, struct str file,
                       struct why *why)
{
    struct why wrong = {.text = ""};
    struct import i = {.p = p, .why = &wrong};
    struct model_file head;
    enum err e = make(&i, path, file);

    if (e && e != ERR_NOMEM) {
        p->setup.model->close(i.fresh);
        return say(p, id, "not done: ", wrong.text);
    }
    if (!e)
        e = exchange(p, i.fresh, why);
    if (e) {
        p->setup.model->close(i.fresh);
        return e;
    }
    e = model_file_read(file, &head, keep_part, &i);
    return e ? e : say(p, id, "the models are now those of ", path);
}

static enum err import_from(struct pipeline *p, int64_t id, const char *path, struct why *why)
{
    struct buf file;
    enum err e;

    buf_init(&file, MODEL_FILE_MAX);
    e = read_all(path, &file);
    if (e == ERR_IO || e == ERR_LIMIT)
        e = say(p, id, "not done: this file can't be read: ", path);
    else if (!e)
        e = import(p, id, path, (struct str){file.p, file.n}, why);
    buf_clear(&file);
    return e;
}

enum err model_request_import(struct pipeline *p, int64_t id, struct str path, struct why *why)
{
    struct buf copy; /* the path borrows from the store, which is asked more */
    enum err e;

    if (!p->model)
        return refuse(p, id);
    if (path.n >= PATH_BYTES_MAX)
        return requests_answer(p, id, STR("not done: the path is too long"));
    buf_init(&copy, PATH_BYTES_MAX);
    e = buf_str(&copy, path);
    if (!e)
        e = buf_u8(&copy, 0);
    if (!e)
        e = pipeline_commit(p, why);
    if (!e)
        e = import_from(p, id, copy.p, why);
    buf_clear(&copy);
    return e;
}
