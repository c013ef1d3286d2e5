/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Opening a pipeline and taking up where an earlier one stopped.
 *
 * State is: keys and books (tables), part "judge", the windows' parts as of ledger chunk N,
 * and the ledger up to chunk M (part "pipeline" says N and M): chunks after N are folded again,
 * with the watermarks they were folded with, so the windows come out as they were. The rows this
 * gives are in the database already and are thrown away. When the configured windows are
 * not those that saved the parts, or allowed_lateness has grown, the whole ledger is folded
 * anew: windows that stay keep their content, added ones start with what is open now.
 */
#include "engine/meaning.h"
#include "engine/pipeline_parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define STATE_VERSION 1
#define STATE_VERSION_MERGED 2 /* the ledger holds LEDGER_MERGED */

static const char what_to_do[] =
    ": restore a copy of the database, or move it away and run the source again";

static const char *advice(enum err e)
{
    return e == ERR_DAMAGED ? what_to_do : "";
}

static enum err load_key(void *arg, uint32_t id, struct str text)
{
    return id ? keys_load(((struct pipeline *)arg)->keys, id, text) : ERR_OK; /* 0: "" */
}

static enum err load_dedup(void *arg, uint64_t seq, const uint64_t hash[2], int64_t expires_ms)
{
    return judge_load_dedup(((struct pipeline *)arg)->judge, seq, hash, expires_ms);
}

struct loading {
    struct pipeline *p;
    struct why *why;
    struct parcel *waste;         /* rows that are in the database already */
    uint64_t seq;                 /* of the chunk being folded */
    uint64_t fold_seq, model_seq; /* chunks up to these are in the loaded state */
    bool fold, model;             /* who has not seen the chunk at hand */
    struct parcel *found;         /* what the model finds in it */
    uint64_t last_seq;            /* of the last chunk there must be */
    bool judge, windows;          /* such parts are there */
};

static enum err missing(struct why *why, const char *what)
{
    return why_set(why, ERR_DAMAGED, "%s is missing%s", what, what_to_do);
}

static bool begins(struct str s, struct str with)
{
    return s.n >= with.n && memcmp(s.p, with.p, with.n) == 0;
}

/* The checksum fits, or it had not come here: is it a part of ours? */
static enum err check_part(void *arg, struct str name, uint32_t version, struct str data)
{
    struct loading *l = arg;
    bool judge = str_eq(name, STR("judge")), mark = str_eq(name, STR("pipeline"));
    bool window = begins(name, STR("windows/")), model = begins(name, STR("models/"));

    (void)version;
    (void)data;
    if (!judge && !mark && !window && !model)
        return why_set(l->why, ERR_NEWER,
                       "state part \"%.*s\" is unknown here: use a newer tillstream, or restore a "
                       "copy of the database",
                       (int)name.n, name.p);
    l->judge = l->judge || judge;
    l->windows = l->windows || window;
    l->p->marked = l->p->marked || mark;
    return ERR_OK;
}

/* Each part has a checksum; that none is missing, and none is there that would be passed over,
 * is seen here, by fold->loaded, and where the ledger's chunks are counted. */
static enum err check_parts(struct loading *l)
{
    enum err e = store_each_state(l->p->setup.store, "", check_part, l, l->why);

    if (!e && l->judge && !l->p->marked)
        e = missing(l->why, "state part \"pipeline\"");
    if (!e && l->windows && !l->p->marked)
        e = missing(l->why, "state part \"pipeline\"");
    if (!e && l->p->marked && !l->judge)
        e = missing(l->why, "state part \"judge\"");
    return e;
}

static enum err load_judge(void *arg, struct str name, uint32_t version, struct str data)
{
    struct loading *l = arg;

    (void)name;
    return judge_load(l->p->judge, version, data, l->why);
}

static enum err load_mark(void *arg, struct str name, uint32_t version, struct str data)
{
    struct loading *l = arg;
    struct reader in = reader_of(data.p, data.n);

    (void)name;
    l->p->saved_seq = read_u64(&in);
    l->last_seq = read_u64(&in);
    l->p->merged = version >= STATE_VERSION_MERGED;
    if (version > STATE_VERSION_MERGED || in.bad)
        return why_set(l->why, ERR_NEWER,
                       "state part \"pipeline\" is of another version of tillstream: use a newer "
                       "one, or restore a copy of the database");
    return ERR_OK;
}

static enum err load_window(void *arg, struct str name, uint32_t version, struct str data)
{
    struct loading *l = arg;

    return l->p->setup.fold->load(l->p->fold, name, version, data, l->why);
}

/* A part of windows that are not configured so any more, or of models that were out of use: the
 * next commit writes all anew. */
static enum err drop_part(void *arg, struct str name, uint32_t version, struct str data)
{
    struct pipeline *p = ((struct loading *)arg)->p;
    struct span at = {0};
    enum err e = parcel_text(p->parcel, name, &at);

    (void)version;
    (void)data;
    struct state_row *row = e ? NULL : list_add(&p->parcel->states);
    if (!row)
        return e ? e : ERR_NOMEM;
    *row = (struct state_row){.name = at, .gone = true};
    p->save_now = true;
    return ERR_OK;
}

/* Late sales that follow each other were merged together. */
static enum err merge_gathered(struct loading *l)
{
    struct pipeline *p = l->p;
    enum err e = ERR_OK;

    if (l->fold)
        e = p->setup.fold->merge(p->fold, (const struct fact *)(const void *)p->facts.p, p->facts.n,
                                 l->seq, l->waste);
    p->facts.n = 0;
    return e;
}

static enum err replay_finish(struct loading *l)
{
    struct pipeline *p = l->p;
    enum err e = l->fold ? p->setup.fold->finish(p->fold, l->waste) : ERR_OK;

    return e || !l->model ? e : p->setup.model->finish(p->model, l->found);
}

static enum err replay_fact(struct loading *l, const struct fact *f)
{
    struct pipeline *p = l->p;
    enum err e = l->fold ? p->setup.fold->add(p->fold, f, 1, l->waste) : ERR_OK;

    return e || !l->model ? e : p->setup.model->add(p->model, f, 1, l->found);
}

static enum err replay_entry(void *arg, const struct ledger_entry *entry)
{
    struct loading *l = arg;
    struct pipeline *p = l->p;
    struct fact f = entry->fact;
    enum err e;

    if (entry->kind != LEDGER_MERGED) {
        e = merge_gathered(l);
        if (e)
            return e;
    }
    if (entry->kind == LEDGER_FINISH)
        return replay_finish(l);
    uint32_t keys = keys_count(p->keys);
    if (f.customer >= keys || f.country >= keys || f.stock >= keys)
        return ERR_DAMAGED;
    e = books_find(p->books, entry->invoice, &f.invoice);
    if (e)
        return e == ERR_NOT_FOUND ? ERR_DAMAGED : e;
    books_touch(p->books, f.invoice, f.time_ms);
    if (entry->kind != LEDGER_MERGED)
        return replay_fact(l, &f);
    struct fact *gathered = list_add(&p->facts);
    if (!gathered)
        return ERR_NOMEM;
    *gathered = f;
    return ERR_OK;
}

static enum err replay_chunk(void *arg, uint64_t seq, uint32_t sales, struct str data)
{
    struct loading *l = arg;
    enum err e;

    (void)sales;
    if (seq != l->p->ledger_seq + 1)
        return missing(l->why, "a chunk of the ledger");
    l->seq = seq;
    l->fold = seq > l->fold_seq;
    l->model = l->p->model && seq > l->model_seq;
    e = ledger_each(data, replay_entry, l);
    if (!e)
        e = merge_gathered(l);
    l->p->ledger_seq = seq;
    l->p->unsaved_bytes += data.n;
    parcel_reset(l->waste);
    (void)store_explain(l->p->setup.store, e, l->why);
    if (e && !(l->why && l->why->text[0]))
        (void)why_set(l->why, e, "ledger chunk %" PRIu64 " can't be restored: %s%s", seq,
                      err_text(e), advice(e));
    return e;
}

typedef enum err (*agree_fn)(struct str stored, struct str now, const char *db, struct why *why);

/* A text that the database remembers: compared by `agree` (NULL: any will do), and set. */
static enum err remember(struct pipeline *p, const char *name, struct str now, agree_fn agree,
                         bool *same, struct why *why)
{
    struct buf stored;
    enum err e;

    buf_init(&stored, 1u << 20);
    e = store_meta(p->setup.store, name, &stored);
    struct str old = {stored.p, stored.n};
    *same = !e && str_eq(old, now);
    if (!e && !*same && agree)
        e = agree(old, now, p->setup.settings->db, why);
    bool set = (e == ERR_OK || e == ERR_NOT_FOUND) && !*same;
    buf_clear(&stored);
    if (!set)
        return e;
    p->dirty = true; /* so that an idle run commits it and frees the database */
    return store_meta_set(p->setup.store, name, now, why);
}

static enum err check_meaning(struct pipeline *p, struct why *why)
{
    struct buf now;
    bool same;
    enum err e;

    buf_init(&now, 1u << 20);
    e = settings_meaning(p->setup.settings, &now);
    if (!e)
        e = remember(p, "meaning", (struct str){now.p, now.n}, meaning_check, &same, why);
    buf_clear(&now);
    return e;
}

/* The most that allowed_lateness has been: sales that were accepted by it are in the ledger. */
static enum err most_lateness(struct pipeline *p, int64_t *ms)
{
    struct buf stored;
    enum err e;

    buf_init(&stored, 64);
    e = store_meta(p->setup.store, "lateness", &stored);
    if (!e)
        e = buf_u8(&stored, '\0');
    *ms = e ? 0 : strtoll(stored.p, NULL, 10);
    buf_clear(&stored);
    if (*ms < p->setup.settings->allowed_lateness_ms)
        *ms = p->setup.settings->allowed_lateness_ms;
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

/* When it grows, slices are needed again that were let go: *same becomes false. */
static enum err keep_lateness(struct pipeline *p, bool *same, struct why *why)
{
    char text[32];
    int64_t ms = 0;
    bool as_before = false;
    enum err e = most_lateness(p, &ms);

    (void)snprintf(text, sizeof(text), "%" PRId64, ms);
    if (!e)
        e = remember(p, "lateness", str_of(text), NULL, &as_before, why);
    *same = *same && as_before;
    return e;
}

static enum err check_windows(struct pipeline *p, bool *same, struct why *why)
{
    struct buf now;
    enum err e;

    buf_init(&now, 1u << 20);
    e = meaning_windows(p->setup.settings, &now);
    if (!e)
        e = remember(p, "windows", (struct str){now.p, now.n}, meaning_check_windows, same, why);
    buf_clear(&now);
    return e;
}

/* What a command without the run's configuration goes by: tillstream late --merge. */
static enum err keep_settings(struct pipeline *p, struct why *why)
{
    struct buf now;
    bool same;
    enum err e;

    buf_init(&now, 1u << 20);
    e = settings_keep(p->setup.settings, &now);
    if (!e)
        e = remember(p, "settings", (struct str){now.p, now.n}, NULL, &same, why);
    buf_clear(&now);
    return e;
}

static enum err load_windows(struct pipeline *p, bool same_windows, struct loading *l)
{
    enum err e;

    if (same_windows)
        e = store_each_state(p->setup.store, "windows/", load_window, l, l->why);
    else
        e = store_each_state(p->setup.store, "windows/", drop_part, l, l->why);
    if (!e && same_windows && p->saved_seq && !l->windows)
        e = missing(l->why, "what was saved of the windows");
    l->fold_seq = same_windows ? p->saved_seq : 0;
    return e ? e : p->setup.fold->loaded(p->fold, l->why);
}

static enum err load_model(void *arg, struct str name, uint32_t version, struct str data)
{
    struct loading *l = arg;

    return l->p->setup.model->load(l->p->model, name, version, data, l->why);
}

/* A model that is to foretell something else begins anew as well. */
static enum err remember_models(struct pipeline *p, bool *same, struct why *why)
{
    struct buf now;
    enum err e;

    buf_init(&now, 1u << 16);
    e = buf_printf(&now, "%s\n%s", p->model ? "on" : "off", p->setup.settings->forecast);
    if (!e)
        e = remember(p, "models", (struct str){now.p, now.n}, NULL, same, why);
    buf_clear(&now);
    return e;
}

/* A model that did not see all that was sold so far learns from it now: what it finds is not
 * in the database yet. */
static enum err load_models(struct pipeline *p, struct loading *l)
{
    bool same = false;
    enum err e = remember_models(p, &same, l->why);
    bool known = p->model && same;

    l->model_seq = known || !p->model ? p->saved_seq : 0;
    l->found = known ? l->waste : p->parcel;
    if (e && e != ERR_NOT_FOUND)
        return e;
    if (known)
        e = store_each_state(p->setup.store, "models/", load_model, l, l->why);
    else
        e = store_each_state(p->setup.store, "models/", drop_part, l, l->why);
    return e || !p->model ? e : p->setup.model->loaded(p->model, l->why);
}

static enum err replay(struct pipeline *p, bool same_windows, struct loading *l)
{
    uint64_t from;
    enum err e = load_windows(p, same_windows, l);

    if (!e)
        e = load_models(p, l);
    from = l->model_seq < l->fold_seq ? l->model_seq : l->fold_seq;
    /* What is stored of one of them is of no use then: the next commit saves both. */
    p->save_now = p->save_now || p->saved_seq != from;
    p->saved_seq = p->ledger_seq = from;
    if (!e)
        e = store_each_ledger(p->setup.store, from, replay_chunk, l);
    if (!e && p->ledger_seq != l->last_seq)
        e = missing(l->why, "a chunk of the ledger");
    if (!e && l->found == p->parcel && p->model)
        e = feedback_again(p);
    if (!e && same_windows)
        e = p->setup.fold->snapshot(p->fold, l->waste);
    return e;
}

enum err resume_state(struct pipeline *p, struct why *why)
{
    struct store *store = p->setup.store;
    struct loading l = {.p = p, .why = why, .waste = parcel_open()};
    bool same = false;
    enum err e = l.waste ? check_meaning(p, why) : ERR_NOMEM;

    if (!e)
        e = check_windows(p, &same, why);
    if (!e)
        e = keep_lateness(p, &same, why);
    if (!e)
        e = keep_settings(p, why);
    if (!e)
        e = store_each_key(store, load_key, p);
    if (!e)
        e = check_parts(&l);
    if (!e)
        e = store_each_state(store, "judge", load_judge, &l, why);
    if (!e)
        e = store_each_dedup(store, load_dedup, p);
    if (!e)
        e = store_each_state(store, "pipeline", load_mark, &l, why);
    if (!e)
        e = replay(p, same, &l);
    parcel_close(l.waste);
    return e;
}

struct source_search {
    struct pipeline *p;
    int64_t found;
    struct list earlier; /* int64_t: other sources under the same path */
    struct buf codec;
};

static enum err note_earlier(struct source_search *search, int64_t id)
{
    int64_t *to = list_add(&search->earlier);

    if (!to)
        return ERR_NOMEM;
    *to = id;
    return ERR_OK;
}

/* A file that was replaced is gone, and so is what came through a pipe: nothing more comes of
 * them, whatever stopped the run that read them. Else they held the watermark back for ever. */
static enum err end_earlier(void *arg, const struct stored_progress *g)
{
    struct source_search *search = arg;

    for (size_t i = 0; i < search->earlier.n; i++) {
        if (*(int64_t *)list_at(&search->earlier, i) == g->source)
            return pipeline_retire(search->p, g);
    }
    return ERR_OK;
}

/* Whether the file begins as the one that was read then: ERR_OK or ERR_NOT_FOUND. If that can't
 * be known it must not be taken for another file: all of it would be counted again. */
static enum err same_head(struct pipeline *p, const struct stored_source *s)
{
    uint64_t hash;
    enum err e;

    if (!p->identity.resumable)
        return ERR_NOT_FOUND;
    if (s->head_len == 0)
        return ERR_OK;
    e = p->setup.source->head(p->source, s->head_len, &hash);
    return !e && hash != s->head_hash ? ERR_NOT_FOUND : e;
}

static enum err match_source(void *arg, const struct stored_source *s)
{
    struct source_search *search = arg;
    struct pipeline *p = search->p;
    enum err e;

    if (s->id > p->last_source_id)
        p->last_source_id = s->id;
    if (!str_eq(s->path, str_of(p->identity.path)))
        return ERR_OK;
    e = same_head(p, s);
    if (e)
        return e == ERR_NOT_FOUND ? note_earlier(search, s->id) : e;
    e = search->found ? note_earlier(search, search->found) : ERR_OK;
    if (e)
        return e;
    search->found = s->id;
    search->codec.n = 0;
    return buf_str(&search->codec, s->codec);
}

static enum err match_progress(void *arg, const struct stored_progress *g)
{
    struct pipeline *p = arg;

    if (g->source != p->source_id)
        return ERR_OK;
    p->position = 0;
    for (size_t i = 0; i < g->position.n; i++) {
        unsigned digit = (unsigned)(unsigned char)g->position.p[i] - (unsigned)'0';
        if (digit > 9 || p->position > UINT64_MAX / 20)
            return ERR_DAMAGED;
        p->position = p->position * 10 + digit;
    }
    p->resumed = true;
    return p->marked ? ERR_OK : ERR_DAMAGED;
}

static void tell_of_replaced(const struct source_search *search)
{
    const struct pipeline *p = search->p;

    if (!search->found && search->earlier.n && p->identity.resumable)
        env_log(p->setup.env, LOG_WARN,
                "%s begins otherwise than when it was read before: counted as a new source",
                p->identity.path);
}

/* Tells of another source in the middle of which a run was stopped. */
static enum err tell_of_waiting(void *arg, const struct stored_source *s)
{
    struct pipeline *p = arg;

    if (s->id != judge_waits_for(p->judge, p->shard))
        return ERR_OK;
    env_log(
        p->setup.env, LOG_WARN,
        "%.*s was not read to its end: windows stay open until it is. Run it on, or, if nothing "
        "more will come of it, put an empty file in its place and run that",
        (int)s->path.n, s->path.p);
    return ERR_END;
}

static void forget_codec(struct pipeline *p)
{
    if (p->codec)
        p->codec_kind->close(p->codec);
    p->codec = NULL;
    p->codec_kind = NULL;
    p->codec_state.n = 0;
}

enum err resume_source(struct pipeline *p, struct why *why)
{
    struct source_search search = {.p = p};
    enum err e = p->setup.source->identity(p->source, &p->identity, why);

    if (e)
        return e;
    forget_codec(p);
    buf_init(&search.codec, 1u << 20);
    list_init(&search.earlier, sizeof(int64_t));
    e = store_wait(p->setup.store, why);
    if (!e)
        e = store_each_source(p->setup.store, match_source, &search);
    if (!e && search.earlier.n)
        e = store_each_progress(p->setup.store, end_earlier, &search);
    p->position = 0;
    p->resumed = false;
    if (!e)
        tell_of_replaced(&search);
    p->source_id = search.found ? search.found : ++p->last_source_id;
    if (!e && search.found)
        e = store_each_progress(p->setup.store, match_progress, p);
    if (!e)
        e = buf_add(&p->codec_state, search.codec.p, search.codec.n);
    if (!e)
        e = judge_shard(p->judge, p->source_id, STR("0"), &p->shard);
    if (!e)
        e = store_each_source(p->setup.store, tell_of_waiting, p);
    if (!e)
        e = p->setup.source->seek(p->source, p->position, why);
    list_clear(&search.earlier);
    buf_clear(&search.codec);
    (void)store_explain(p->setup.store, e, why);
    if (e && why && !why->text[0])
        (void)why_set(why, e, "%s can't be taken up where it was left: %s%s", p->identity.path,
                      err_text(e), advice(e));
    return e;
}

/* Saved as: name of the codec, then what it saved. Empty: none was opened yet. */
enum err resume_codec_save(struct pipeline *p, struct span *out)
{
    struct buf b;
    enum err e = ERR_OK;

    *out = (struct span){0};
    if (!p->codec)
        return ERR_OK;
    buf_init(&b, 1u << 20);
    e = buf_bytes(&b, str_of(p->codec_kind->name));
    if (!e)
        e = p->codec_kind->save(p->codec, &b);
    if (!e)
        e = parcel_text(p->parcel, (struct str){b.p, b.n}, out);
    buf_clear(&b);
    return e;
}

enum err resume_codec_open(struct pipeline *p, struct str head, struct why *why)
{
    struct reader saved = reader_of(p->codec_state.p, p->codec_state.n);
    struct str name = read_bytes(&saved);
    enum err e;

    p->codec_kind = NULL;
    for (size_t i = 0; p->position > 0 && name.n && p->setup.codecs[i]; i++) {
        if (str_eq(str_of(p->setup.codecs[i]->name), name))
            p->codec_kind = p->setup.codecs[i];
    }
    bool go_on = p->codec_kind != NULL;
    if (!go_on)
        p->codec_kind = p->setup.codec_for(p->setup.locator, head);
    e = p->codec_kind->open(p->setup.settings, &p->codec, why);
    if (!e && go_on)
        e = p->codec_kind->load(p->codec, &saved, why);
    return e;
}

enum err resume_codec_keep(struct pipeline *p)
{
    p->codec_state.n = 0;
    return p->codec_kind->save(p->codec, &p->codec_state);
}

enum err resume_codec_again(struct pipeline *p, struct why *why)
{
    struct reader kept = reader_of(p->codec_state.p, p->codec_state.n);
    enum err e;

    p->codec_kind->close(p->codec);
    p->codec = NULL;
    e = p->codec_kind->open(p->setup.settings, &p->codec, why);
    return e ? e : p->codec_kind->load(p->codec, &kept, why);
}

enum err resume_mark(struct pipeline *p)
{
    struct buf b;
    struct span name = {0}, data = {0};
    enum err e;

    buf_init(&b, 64);
    e = buf_u64(&b, p->saved_seq);
    if (!e)
        e = buf_u64(&b, p->ledger_seq);
    if (!e)
        e = parcel_text(p->parcel, STR("pipeline"), &name);
    if (!e)
        e = parcel_text(p->parcel, (struct str){b.p, b.n}, &data);
    buf_clear(&b);
    if (e)
        return e;
    struct state_row *row = list_add(&p->parcel->states);
    if (!row)
        return ERR_NOMEM;
    *row = (struct state_row){
        .name = name, .version = p->merged ? STATE_VERSION_MERGED : STATE_VERSION, .data = data};
    p->marked = true;
    return ERR_OK;
}

static enum err open_parts(struct pipeline *p, struct why *why)
{
    const struct pipeline_setup *s = &p->setup;
    struct fold_setup fold = {.settings = s->settings, .store = s->store};
    enum err e = zone_open(s->settings->timezone, &p->zone, why);

    if (!e)
        e = most_lateness(p, &fold.lateness_ms);

    if (!e)
        e = keys_open(&p->keys);
    if (!e)
        e = books_open(s->store, &p->books);
    if (!e)
        e = judge_open(s->settings, &p->judge);
    const struct model_setup model = {s->settings, p->zone, p->keys, p->books};
    fold.zone = p->zone;
    fold.keys = p->keys;
    fold.books = p->books;
    if (!e)
        e = s->fold->open(&fold, &p->fold, why);
    if (!e && s->model)
        e = s->model->open(&model, &p->model, why);
    if (!e) {
        p->parcel = parcel_open();
        e = p->parcel ? ERR_OK : ERR_NOMEM;
    }
    if (!e && s->source)
        e = s->source->open(s->env, s->settings, s->locator, s->follow, &p->source, why);
    return e;
}

enum err pipeline_open(const struct pipeline_setup *setup, struct pipeline **out, struct why *why)
{
    struct pipeline *p = calloc(1, sizeof(*p));
    enum err e;

    if (why)
        why->text[0] = '\0';
    if (!p)
        return why_set(why, ERR_NOMEM, "out of memory");
    p->setup = *setup;
    sales_init(&p->sales);
    list_init(&p->facts, sizeof(struct fact));
    ledger_init(&p->ledger);
    buf_init(&p->codec_state, 1u << 20);
    p->last_commit_ns = setup->env->mono_ns(setup->env);
    e = open_parts(p, why);
    if (!e)
        e = resume_state(p, why);
    if (!e)
        e = setup->fold->announce(p->fold, p->parcel);
    if (e) {
        pipeline_close(p);
        (void)store_explain(setup->store, e, why);
        if (why && !why->text[0])
            (void)why_set(why, e, "the run could not start: %s%s", err_text(e), advice(e));
        return e;
    }
    *out = p;
    return ERR_OK;
}

void pipeline_close(struct pipeline *p)
{
    if (!p)
        return;
    forget_codec(p);
    if (p->source)
        p->setup.source->close(p->source);
    if (p->fold)
        p->setup.fold->close(p->fold);
    if (p->model)
        p->setup.model->close(p->model);
    judge_close(p->judge);
    books_close(p->books);
    keys_close(p->keys);
    zone_close(p->zone);
    parcel_close(p->parcel);
    list_clear(&p->facts);
    ledger_clear(&p->ledger);
    buf_clear(&p->codec_state);
    sales_clear(&p->sales);
    free(p);
}
