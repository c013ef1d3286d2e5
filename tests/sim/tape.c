/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * tape: the source of a simulated world: see the header.
 *
 * Invariants:
 *  (1) bytes from .. to of the generation were given and not consumed; from <= to <= arrived.
 *  (2) each stretch lies in memory of exactly its size, freed by the next call.
 *  (3) `last` is only said when nothing more will come of this generation.
 */
#include "tests/sim/tape.h"

#include <stdio.h>
#include <stdlib.h>

struct source {
    struct sim_env *w;
    struct tape *tape;
    bool follow;
    int gen; /* -1: it was not there yet */
    bool named;
    uint64_t from, to;
    bool last, last_given, consumed;
    char *bytes;
};

/* ---- the clock ---- */

static int64_t wall_ms(struct env *env)
{
    return ((struct sim_env *)env)->wall_ms;
}

static int64_t mono_ns(struct env *env)
{
    return ((struct sim_env *)env)->mono_ns;
}

static uint64_t draw(struct env *env)
{
    return choice_below(&((struct sim_env *)env)->random, UINT64_MAX);
}

static void note_line(struct env *env, enum log_level level, const char *line)
{
    trail_note(((struct sim_env *)env)->trail, "log %d %s", (int)level, line);
}

void sim_env_init(struct sim_env *w, struct trail *t)
{
    memset(w, 0, sizeof(*w));
    w->env = (struct env){.wall_ms = wall_ms,
                          .mono_ns = mono_ns,
                          .random = draw,
                          .log = note_line,
                          .level = LOG_DEBUG};
    w->trail = t;
    w->clock = trail_choice(t, "clock");
    w->random = trail_choice(t, "random");
    w->cut = trail_choice(t, "cut");
    w->fault = trail_choice(t, "fault");
    w->wall_ms = INT64_C(1700000000000) + (int64_t)choice_below(&w->clock, 1u << 30);
    w->mono_ns = (int64_t)choice_below(&w->clock, UINT64_C(1) << 40);
}

void sim_env_clear(struct sim_env *w)
{
    for (int i = 0; i < w->n_tapes; i++) {
        for (int k = 0; k < w->tape[i].n_gens; k++) {
            buf_clear(&w->tape[i].gen[k].text);
            sales_clear(&w->tape[i].gen[k].sales);
        }
    }
}

/* Time passes; now and then somebody sets the wall clock. */
void sim_env_pass(struct sim_env *w, int64_t ns)
{
    w->mono_ns += ns;
    w->wall_ms += ns / 1000000;
    if (trail_one_in(&w->clock, 40))
        w->wall_ms += (int64_t)choice_below(&w->clock, 1u << 28) - (1 << 27);
}

/* ---- what happens to a tape ---- */

static struct generation *newest(struct tape *t)
{
    return &t->gen[t->now];
}

bool tape_is_whole(const struct tape *t)
{
    return t->gen[t->now].arrived == t->gen[t->now].text.n;
}

void tape_rotate(struct tape *t)
{
    t->now++;
    newest(t)->arrived = TAPE_MARK;
}

void tape_settle(struct tape *t, struct choice *c)
{
    struct generation *g = newest(t);
    size_t i = 0;

    while (i + 1 < g->n_stops && g->stop[i] < g->arrived)
        i++;
    i += choice_below(c, g->n_stops - i);
    g->arrived = g->stop[i];
    t->there = true;
}

/* The next event of a followed tape: it appears, grows, or is replaced. */
static void happen(struct sim_env *w, struct tape *t, int reading)
{
    static const int64_t pauses_ms[] = {0, 1, 5, 40, 900, 20000};
    struct generation *g = newest(t);

    t->next_ns =
        w->mono_ns + pauses_ms[choice_below(&w->cut, countof(pauses_ms))] * INT64_C(1000000);
    if (!t->there) {
        t->there = true;
        g->arrived = TAPE_MARK;
        return;
    }
    if (g->arrived < g->text.n)
        g->arrived += 1 + choice_below(&w->cut, g->text.n - g->arrived);
    else if (!t->pipe && t->now + 1 < t->n_gens && t->now == reading)
        tape_rotate(t);
    else
        t->next_ns = INT64_MAX;
}

/* Waits for the next event, at most so long; false: nothing happened. */
static bool wait_for_more(struct source *s, int wait_ms)
{
    struct sim_env *w = s->w;
    int64_t until = w->mono_ns + wait_ms * INT64_C(1000000);

    if (s->tape->next_ns > until) {
        sim_env_pass(w, until - w->mono_ns);
        return false;
    }
    if (s->tape->next_ns > w->mono_ns)
        sim_env_pass(w, s->tape->next_ns - w->mono_ns);
    happen(w, s->tape, s->gen);
    return true;
}

/* ---- the source ---- */

static bool strikes(struct sim_env *w)
{
    return trail_one_in(&w->fault, w->fault_every);
}

static enum err tape_open(struct env *env, const struct settings *settings, const char *locator,
                          bool follow, struct source **out, struct why *why)
{
    struct sim_env *w = (struct sim_env *)env;
    struct source *s = calloc(1, sizeof(*s));

    (void)settings;
    if (!s)
        abort();
    if (strikes(w)) {
        free(s);
        return why_set(why, ERR_IO, "simulated: opening failed");
    }
    s->w = w;
    s->tape = &w->tape[atoi(locator)];
    s->follow = follow && !s->tape->pipe;
    s->gen = s->tape->there ? s->tape->now : -1;
    *out = s;
    return ERR_OK;
}

static void tape_close(struct source *s)
{
    if (s)
        free(s->bytes);
    free(s);
}

static enum err tape_identity(struct source *s, struct source_identity *out, struct why *why)
{
    if (s->gen < 0 && !s->tape->there)
        return ERR_AGAIN;
    if (strikes(s->w))
        return why_set(why, ERR_IO, "simulated: no identity");
    if (s->gen < 0)
        s->gen = s->tape->now;
    s->named = true;
    const struct generation *g = &s->tape->gen[s->gen];
    *out = (struct source_identity){.resumable = !s->tape->pipe};
    memcpy(out->path, s->tape->path, sizeof(s->tape->path));
    out->head_len = s->tape->pipe ? 0 : (uint32_t)(g->arrived < 4096 ? g->arrived : 4096);
    out->head_hash = str_hash((struct str){g->text.p, out->head_len});
    return ERR_OK;
}

static enum err tape_head(struct source *s, uint32_t len, uint64_t *hash)
{
    const struct generation *g = &s->tape->gen[s->gen];

    if (s->tape->pipe || g->arrived < len)
        return ERR_NOT_FOUND;
    *hash = str_hash((struct str){g->text.p, len});
    return ERR_OK;
}

static enum err tape_seek(struct source *s, uint64_t offset, struct why *why)
{
    if (s->tape->pipe && offset)
        return why_set(why, ERR_USAGE, "simulated: a pipe has no byte %d", (int)offset);
    if (offset > s->tape->gen[s->gen].arrived)
        return why_set(why, ERR_DAMAGED, "simulated: shorter than %d", (int)offset);
    s->from = s->to = s->tape->at = offset;
    s->tape->reading = s->gen;
    s->tape->seen.named = true;
    return ERR_OK;
}

static enum err give(struct source *s, struct stretch *out)
{
    const struct generation *g = &s->tape->gen[s->gen];
    size_t n = (size_t)(s->to - s->from);

    free(s->bytes);
    s->bytes = malloc(n + !n);
    if (!s->bytes)
        abort();
    if (n)
        memcpy(s->bytes, g->text.p + s->from, n);
    *out = (struct stretch){.bytes = {s->bytes, n}, .offset = s->from, .last = s->last};
    s->last_given = s->last;
    s->consumed = false;
    return ERR_OK;
}

/* Nothing more will come of this generation. */
static bool is_over(const struct source *s)
{
    const struct generation *g = &s->tape->gen[s->gen];

    if (s->to < g->arrived)
        return false;
    return s->follow ? s->gen < s->tape->now : !s->tape->pipe || s->to == g->text.n;
}

static size_t fresh_bytes(struct source *s, size_t max_bytes)
{
    const struct generation *g = &s->tape->gen[s->gen];
    size_t n = g->arrived - (size_t)s->to;
    size_t cut = 1 + choice_below(&s->w->cut, s->w->cut_max);

    n = n < max_bytes ? n : max_bytes;
    return n < cut ? n : cut;
}

static enum err end_of_generation(struct source *s)
{
    if (!s->follow) {
        s->tape->seen.ended = true;
        return ERR_END;
    }
    s->gen++;
    s->from = s->to = 0;
    s->last = s->last_given = s->consumed = s->named = false;
    s->tape->seen.not_found = true;
    return ERR_NOT_FOUND;
}

static enum err tape_read(struct source *s, size_t max_bytes, int wait_ms, struct stretch *out,
                          struct why *why)
{
    bool again = s->consumed && s->to > s->from;

    if (strikes(s->w))
        return why_set(why, ERR_IO, "simulated: reading failed");
    if (s->last_given && s->from == s->to)
        return end_of_generation(s);
    if (!s->named) {
        (void)wait_for_more(s, wait_ms);
        return ERR_AGAIN;
    }
    if (!again && (s->follow || s->tape->pipe) && trail_one_in(&s->w->cut, 12)) {
        sim_env_pass(s->w, wait_ms * INT64_C(1000000));
        return ERR_AGAIN;
    }
    while (!again && s->to == s->tape->gen[s->gen].arrived && !is_over(s)) {
        if (!wait_for_more(s, wait_ms))
            return ERR_AGAIN;
    }
    bool only_rest = again && trail_one_in(&s->w->cut, 3);
    s->to += only_rest ? 0 : fresh_bytes(s, max_bytes);
    s->last = s->last || (is_over(s) && !trail_one_in(&s->w->cut, 3));
    return give(s, out);
}

static void tape_consume(struct source *s, size_t n)
{
    if (n > s->to - s->from)
        abort();
    s->from += n;
    s->tape->at = s->from;
    s->consumed = s->consumed || n > 0;
}

const struct codec_kind *tape_codec_for(const char *locator, struct str head)
{
    (void)locator;
    return head.n && head.p[0] == 'x' ? &codec_csv : &codec_json;
}

const struct source_kind tape_source = {
    .name = "tape",
    .open = tape_open,
    .close = tape_close,
    .identity = tape_identity,
    .head = tape_head,
    .seek = tape_seek,
    .read = tape_read,
    .consume = tape_consume,
};
