/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * str: a view of bytes somebody else owns. Not NUL-terminated; may hold any byte.
 */
#ifndef TILLSTREAM_ENGINE_STR_H
#define TILLSTREAM_ENGINE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
    const char *p;
    size_t n;
};

#define STR(literal) ((struct str){(literal), sizeof(literal) - 1})

static inline struct str str_of(const char *text)
{
    return (struct str){text, strlen(text)};
}

static inline bool str_eq(struct str a, struct str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* Byte order, a shorter prefix first. Returns < 0, 0, > 0. */
static inline int str_cmp(struct str a, struct str b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int c = n ? memcmp(a.p, b.p, n) : 0;
    return c ? c : (a.n > b.n) - (a.n < b.n);
}

/* A 64-bit hash of the bytes, the same on every machine and in every run (it is
 * part of stored sketches). Not for adversaries: tables that outsiders fill must
 * stay correct, if slower, when hashes collide. */
uint64_t str_hash(struct str s);

#endif
