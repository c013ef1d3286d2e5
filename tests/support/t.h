/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * t: the test harness. Each test runs in a process of its own (a crash or a hang fails one
 * test), names are sentences, and a test is written once, where it stands:
 *
 *     T(an_empty_text_is_no_amount)
 *     {
 *         int64_t v = 7;
 *         eq_err(money_parse(str_of(""), '.', &v), ERR_INVALID);
 *         eq_int(v, 7);
 *     }
 *
 *     T_OOM(a_list_survives_lack_of_memory)
 *     {
 *         struct list l;
 *         list_init(&l);
 *         enum err e = list_add(&l, 1);
 *         memory_again();
 *         eq_int(l.n, e ? 0 : 1);
 *         list_clear(&l);
 *         return e;
 *     }
 *
 * Files are tests/unit/<stem>_test.c and tests/diff/<stem>_test.c; all link into one program.
 * Every assertion evaluates its arguments once and ends the test when it does not hold.
 *
 * Environment: T=part of "stem_test: name", or of the path, runs those alone; SEED=n is what seed()
 * returns; T_TIMEOUT=seconds (20); CK_FORK=no runs in one process, for a debugger.
 */
#ifndef TILLSTREAM_TESTS_SUPPORT_T_H
#define TILLSTREAM_TESTS_SUPPORT_T_H

#include "engine/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Defines and registers a test. */
#define T(sentence)                                                                                \
    static void sentence(void);                                                                    \
    T_REGISTER(sentence, .run = sentence)                                                          \
    static void sentence(void)

/* Defines a scenario, `enum err sentence(void)`, that returns OK or ERR_NOMEM, frees what it
 * made either way, and asserts that what it holds is intact. The fault variant runs these
 * alone, with allocation 1, 2, 3, ... failing (once, then from there on) until a run meets
 * no failure, which must return OK. Other variants run it once with all the memory there is. */
#define T_OOM(sentence)                                                                            \
    static enum err sentence(void);                                                                \
    T_REGISTER(sentence, .scenario = sentence)                                                     \
    static enum err sentence(void)

/* Inside a scenario: from here on allocations succeed again. */
void memory_again(void);

#define ok(condition) t_ok(T_HERE, #condition, (condition))
#define eq_int(a, b) t_eq_int(T_HERE, #a, #b, (intmax_t)(a), (intmax_t)(b))
#define eq_u64(a, b) t_eq_u64(T_HERE, #a, #b, (uint64_t)(a), (uint64_t)(b))
#define eq_str(a, b) t_eq_str(T_HERE, #a, #b, (a), (b))
#define eq_bytes(p, n, q, m) t_eq_bytes(T_HERE, #p, #q, (p), (n), (q), (m))
#define eq_err(a, b) t_eq_err(T_HERE, #a, (a), (b))
#define ok_err(call) t_eq_err(T_HERE, #call, (call), ERR_OK)
/* |a - b| <= tolerance; equal infinities are near, NaN is near nothing. */
#define near(a, b, tolerance) t_near(T_HERE, #a, #b, (a), (b), (tolerance))
/* Fails with a message of one's own: printf-like. */
#define fail(...) t_fail(T_HERE, __VA_ARGS__)

/* Ends the test, counted as skipped, with the reason (say, data that is not here). */
__attribute__((noreturn)) void skip(const char *reason);

/* The number a random test starts from: SEED, else a fixed one. Printed when a test fails. */
uint64_t seed(void);
/* The next of 2^64 numbers (splitmix64); the same on every machine. */
uint64_t rnd(uint64_t *state);
/* 0 <= result < n; n > 0. */
uint64_t rnd_below(uint64_t *state, uint64_t n);

/* A directory of this test's own, the same at every call, removed when the test ends. */
const char *tmp_dir(void);
/* "<tmp_dir>/name" in one of eight static buffers, taken in turn. */
const char *tmp_path(const char *name);
/* Writes a file of the test's directory; returns its tmp_path. */
const char *tmp_write(const char *name, const void *p, size_t n);

/* ---- what the macros above are made of ---- */

struct t_here {
    const char *file;
    int line;
};

struct t_case {
    const char *file, *name;
    void (*run)(void);
    enum err (*scenario)(void);
    char title[256];
    struct t_case *next;
};

#define T_HERE ((struct t_here){__FILE__, __LINE__})
#define T_REGISTER(sentence, ...)                                                                  \
    __attribute__((constructor)) static void t_register_##sentence(void)                           \
    {                                                                                              \
        static struct t_case c = {.file = __FILE__, .name = #sentence, __VA_ARGS__};               \
        t_register(&c);                                                                            \
    }

void t_register(struct t_case *c);
/* Defined by alloc_wrap.c (fault variant) or alloc_plain.c (all others). */
extern const bool t_faults;
void t_scenario(enum err (*scenario)(void));
/* Which allocation fails right now, for messages: "" when none does. */
const char *t_fault_text(void);

__attribute__((noreturn)) void t_fail(struct t_here here, const char *format, ...)
    PRINTF_LIKE(2, 3);
void t_ok(struct t_here here, const char *text, bool holds);
void t_eq_int(struct t_here here, const char *at, const char *bt, intmax_t a, intmax_t b);
void t_eq_u64(struct t_here here, const char *at, const char *bt, uint64_t a, uint64_t b);
void t_eq_str(struct t_here here, const char *at, const char *bt, const char *a, const char *b);
void t_eq_bytes(struct t_here here, const char *pt, const char *qt, const void *p, size_t n,
                const void *q, size_t m);
void t_eq_err(struct t_here here, const char *text, enum err got, enum err wanted);
void t_near(struct t_here here, const char *at, const char *bt, double a, double b, double tol);

#endif
