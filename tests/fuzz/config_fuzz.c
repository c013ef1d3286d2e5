/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * config: any bytes as a configuration file, and as the text of --set.
 *
 * 1. json_open never says "out of memory": its own scanner accepts only what cJSON accepts.
 * 2. What was refused changed nothing and says why.
 * 3. Settings that pass settings_check are printed, read back and printed the same.
 */
#include "engine/settings.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds, const char *what, const struct why *why)
{
    if (holds)
        return;
    (void)fprintf(stderr, "not so: %s: %s\n", what, why->text);
    abort();
}

static void print(const struct settings *s, struct buf *out)
{
    struct why why = {""};

    buf_init(out, 4 << 20);
    require(settings_print(s, out) == ERR_OK, "settings can be printed", &why);
}

static void again(const struct settings *s)
{
    struct settings other;
    struct why why = {""};
    struct buf first, second;

    print(s, &first);
    require(settings_init(&other) == ERR_OK, "there is memory", &why);
    require(settings_json(&other, (struct str){first.p, first.n}, "printed", &why) == ERR_OK,
            "what is printed is read", &why);
    require(settings_check(&other, &why) == ERR_OK, "what is printed is right", &why);
    print(&other, &second);
    require(str_eq((struct str){first.p, first.n}, (struct str){second.p, second.n}),
            "it is the same", &why);
    settings_clear(&other);
    buf_clear(&first);
    buf_clear(&second);
}

/* "name=value" needs a NUL at its end. */
static enum err set(struct settings *s, const uint8_t *data, size_t size, struct why *why)
{
    char *text = malloc(size + 1);
    enum err e;

    require(text != NULL, "there is memory", why);
    memcpy(text, data, size);
    text[size] = '\0';
    e = settings_set(s, text, why);
    free(text);
    return e;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct settings s;
    struct why why = {""};
    struct buf before, after;
    bool is_assignment = size > 0 && data[0] != '{' && memchr(data, '=', size);
    enum err e;

    require(settings_init(&s) == ERR_OK, "there is memory", &why);
    print(&s, &before);
    if (is_assignment)
        e = set(&s, data, size, &why);
    else
        e = settings_json(&s, (struct str){(const char *)data, size}, "fuzz", &why);
    require(e != ERR_NOMEM, "cJSON accepts what the scanner accepts", &why);
    print(&s, &after);
    if (e) {
        require(why.text[0] != '\0', "an error says why", &why);
        require(str_eq((struct str){before.p, before.n}, (struct str){after.p, after.n}),
                "a refused source changes nothing", &why);
    } else if (settings_check(&s, &why) == ERR_OK) {
        again(&s);
    }
    buf_clear(&before);
    buf_clear(&after);
    settings_clear(&s);
    return 0;
}
