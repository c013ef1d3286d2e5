/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a person says of an invoice teaches the model and is kept with who said it and when.
 * The model's state is saved in the same transaction: it can't be folded again from the ledger.
 */
#include "engine/pipeline_parts.h"

#include "engine/when.h"

#include <inttypes.h>

#define RESULT_MAX 1024

struct said {
    struct str invoice, by;
    enum feedback before, now;
};

static const char *word(enum feedback f)
{
    static const char *const words[] = {
        [FEEDBACK_OK] = "ok", [FEEDBACK_FLAG] = "flag", [FEEDBACK_UNDO] = ""};

    return words[f];
}

static enum feedback of_word(struct str said)
{
    if (str_eq(said, STR("ok")))
        return FEEDBACK_OK;
    return str_eq(said, STR("flag")) ? FEEDBACK_FLAG : FEEDBACK_UNDO;
}

static enum err note(struct pipeline *p, uint64_t invoice, const struct said *s)
{
    struct feedback_row row = {.invoice = invoice, .at_ms = p->setup.env->wall_ms(p->setup.env)};
    enum err e = parcel_text(p->parcel, str_of(word(s->now)), &row.said);

    if (!e)
        e = parcel_text(p->parcel, s->by, &row.by);
    if (!e && !list_put(&p->parcel->feedback, &row))
        e = ERR_NOMEM;
    p->save_now = true;
    return e;
}

static enum err answer(struct pipeline *p, int64_t id, const struct said *s, const char *what)
{
    struct buf text;
    enum err e;

    buf_init(&text, RESULT_MAX);
    e = buf_printf(&text, "invoice %.*s: %s", (int)s->invoice.n, s->invoice.p, what);
    if (!e)
        e = requests_answer(p, id, (struct str){text.p, text.n});
    buf_clear(&text);
    return e;
}

static const char *outcome(const struct said *s)
{
    if (s->now == s->before)
        return s->now == FEEDBACK_UNDO ? "nothing was said of it" : "that was said already";
    if (s->now == FEEDBACK_UNDO)
        return "taken back";
    return s->now == FEEDBACK_OK ? "noted as fine" : "noted as not fine";
}

static enum err say(struct pipeline *p, int64_t id, struct said *s)
{
    struct stored_invoice invoice;
    struct stored_verdict verdict;
    enum err e = store_invoice(p->setup.store, s->invoice, &invoice);

    if (e == ERR_NOT_FOUND)
        return answer(p, id, s, "not done: there is no such invoice");
    if (e)
        return e;
    uint64_t number = invoice.id;
    e = store_verdict(p->setup.store, number, &verdict);
    if (e == ERR_NOT_FOUND || (!e && !p->model))
        return answer(p, id, s, "not done: it was not judged yet");
    if (e)
        return e;
    s->before = of_word(verdict.said);
    if (s->before == s->now)
        return answer(p, id, s, outcome(s));
    e = p->setup.model->feedback(p->model, verdict.data, s->before, s->now);
    if (!e)
        e = note(p, number, s);
    return e ? e : answer(p, id, s, outcome(s));
}

enum err feedback_request(struct pipeline *p, int64_t id, enum feedback now, struct str argument,
                          struct why *why)
{
    const char *end = argument.n ? memchr(argument.p, '\n', argument.n) : NULL;
    size_t n = end ? (size_t)(end - argument.p) : argument.n;
    struct said s = {.invoice = {argument.p, n}, .now = now};
    struct buf copy; /* the argument borrows from the store, which is asked more */
    enum err e;

    buf_init(&copy, RESULT_MAX);
    e = buf_str(&copy, argument);
    if (!e) {
        s.invoice = (struct str){copy.p, n};
        s.by = (struct str){copy.p + (end ? n + 1 : n), end ? argument.n - n - 1 : 0};
        e = say(p, id, &s);
    }
    buf_clear(&copy);
    return e ? store_explain(p->setup.store, e, why) : ERR_OK;
}

static enum err say_again(void *arg, const struct stored_verdict *v)
{
    struct pipeline *p = arg;
    enum err e = p->setup.model->feedback(p->model, v->data, FEEDBACK_UNDO, of_word(v->said));

    return e == ERR_DAMAGED ? ERR_OK : e; /* one lesson less */
}

enum err feedback_again(struct pipeline *p)
{
    return store_each_feedback(p->setup.store, say_again, p);
}
