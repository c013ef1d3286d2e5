/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A byte per key id and a list of the ids that are in.
 */
#include "windows/state.h"

#include <stdlib.h>

enum err keyset_add(struct keyset *s, uint32_t key)
{
    if (key >= s->cap) {
        uint32_t cap = s->cap ? s->cap : 1024;
        while (cap <= key)
            cap *= 2;
        uint8_t *in = realloc(s->in, cap);
        if (!in)
            return ERR_NOMEM;
        memset(in + s->cap, 0, cap - s->cap);
        s->in = in;
        s->cap = cap;
    }
    if (s->in[key])
        return ERR_OK;
    if (s->n == s->cap_key) {
        size_t cap = s->cap_key ? s->cap_key * 2 : 256;
        uint32_t *list = realloc(s->key, cap * sizeof(*list));
        if (!list)
            return ERR_NOMEM;
        s->key = list;
        s->cap_key = cap;
    }
    s->in[key] = 1;
    s->key[s->n++] = key;
    return ERR_OK;
}

void keyset_reset(struct keyset *s)
{
    for (size_t i = 0; i < s->n; i++)
        s->in[s->key[i]] = 0;
    s->n = 0;
}

void keyset_clear(struct keyset *s)
{
    free(s->in);
    free(s->key);
    *s = (struct keyset){0};
}
