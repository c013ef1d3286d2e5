/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/model_file.h"

#include "tests/support/t.h"

#include <stdio.h>

static const struct model_file made = {
    .ledger_seq = 7, .n_keys = 3, .keys_hash = 0x123456789abcdef0, .n_parts = 2};

static enum err write_two(struct buf *b, const char *first, const char *second)
{
    enum err e = model_file_begin(b, &made);

    if (!e)
        e = model_file_part(b, str_of(first), 1, STR("what\0was"));
    if (!e)
        e = model_file_part(b, str_of(second), 2, STR(""));
    return e ? e : model_file_end(b);
}

struct seen {
    int n;
    char text[200];
};

static enum err see(void *arg, struct str name, uint32_t version, struct str data)
{
    struct seen *s = arg;
    size_t at = strlen(s->text);

    s->n++;
    (void)snprintf(s->text + at, sizeof(s->text) - at, "%.*s %u %zu;", (int)name.n, name.p, version,
                   data.n);
    return ERR_OK;
}

static enum err read_back(const struct buf *b, size_t n, struct seen *s)
{
    struct model_file head;

    *s = (struct seen){.n = 0};
    return model_file_read((struct str){b->p, n}, &head, see, s);
}

T(what_was_written_is_read_back)
{
    struct model_file head;
    struct seen s;
    struct buf b;

    buf_init(&b, MODEL_FILE_MAX);
    ok_err(write_two(&b, "models/a", "models/a/0"));
    ok_err(read_back(&b, b.n, &s));
    eq_str(s.text, "models/a 1 8;models/a/0 2 0;");
    ok_err(model_file_read((struct str){b.p, b.n}, &head, NULL, NULL));
    eq_u64(head.ledger_seq, made.ledger_seq);
    eq_int(head.n_keys, made.n_keys);
    eq_u64(head.keys_hash, made.keys_hash);
    eq_int(head.n_parts, 2);
    buf_clear(&b);
}

T(no_cut_and_no_changed_byte_goes_unnoticed)
{
    struct seen s;
    struct buf b;

    buf_init(&b, MODEL_FILE_MAX);
    ok_err(write_two(&b, "models/a", "models/b"));
    for (size_t n = 0; n < b.n; n++) {
        eq_err(read_back(&b, n, &s), ERR_DAMAGED);
        eq_int(s.n, 0);
    }
    for (size_t i = 0; i < b.n; i++) {
        b.p[i] ^= 0x10;
        enum err e = read_back(&b, b.n, &s);
        ok(e == ERR_DAMAGED || e == ERR_NEWER);
        eq_int(s.n, 0);
        b.p[i] ^= 0x10;
    }
    ok_err(read_back(&b, b.n, &s));
    buf_clear(&b);
}

T(names_that_are_no_parts_of_models_or_do_not_rise_are_refused)
{
    static const char *const bad[][2] = {{"models/b", "models/a"}, {"models/a", "models/a"},
                                         {"judge", "models/a"},    {"models/", "models/a"},
                                         {"models/a", "windows"},  {"models/a", ""}};
    struct seen s;
    struct buf b;

    for (size_t i = 0; i < countof(bad); i++) {
        buf_init(&b, MODEL_FILE_MAX);
        ok_err(write_two(&b, bad[i][0], bad[i][1]));
        eq_err(read_back(&b, b.n, &s), ERR_DAMAGED);
        buf_clear(&b);
    }
}

T(the_hash_of_keys_depends_on_their_order)
{
    uint64_t ab = model_file_key(model_file_key(0, 1), 2);

    ok(ab != model_file_key(model_file_key(0, 2), 1));
    ok(ab != model_file_key(0, 1));
}

T_OOM(a_file_survives_lack_of_memory)
{
    struct buf b;
    enum err e;

    buf_init(&b, MODEL_FILE_MAX);
    e = write_two(&b, "models/a", "models/b");
    buf_clear(&b);
    return e;
}
