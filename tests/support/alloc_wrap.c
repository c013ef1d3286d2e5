/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * alloc_wrap: makes the n-th allocation of a scenario fail, for n = 1, 2, 3, ...
 *
 * The fault variant links with -Wl,--wrap=malloc and so on, which leads every call in our
 * objects and in static libraries to the functions below. A shared library keeps its own
 * way to malloc, so cJSON is lent ours through its hooks.
 *
 * 1. Nothing fails while nothing is armed: the harness itself always has memory.
 * 2. A scenario is run until a run meets no failure: every allocation of it has failed
 *    once, both alone and with all that follow it.
 * 3. Leaks are found by the leak sanitizer when the test's process ends.
 */
#include "tests/support/t.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>

enum { ROUNDS_MAX = 100000 };

static struct {
    int round;    /* the n of this run */
    int failing;  /* which allocation fails, counted from 1; 0: none */
    int seen;     /* allocations since it was armed */
    bool onwards; /* all that follow fail too */
    bool met;     /* one has failed */
} fault;

const bool t_faults = true;

/* The linker makes these names; there is no header for them. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void *__real_reallocarray(void *p, size_t n, size_t size);
void *__real_aligned_alloc(size_t align, size_t size);
int __real_posix_memalign(void **out, size_t align, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);
void *__wrap_reallocarray(void *p, size_t n, size_t size);
void *__wrap_aligned_alloc(size_t align, size_t size);
int __wrap_posix_memalign(void **out, size_t align, size_t size);

static bool fails(void)
{
    if (fault.failing == 0)
        return false;
    fault.seen++;
    if (fault.seen < fault.failing || (fault.seen > fault.failing && !fault.onwards))
        return false;
    fault.met = true;
    return true;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t size)
{
    return fails() ? NULL : __real_realloc(p, size);
}

void *__wrap_reallocarray(void *p, size_t n, size_t size)
{
    return fails() ? NULL : __real_reallocarray(p, n, size);
}

void *__wrap_aligned_alloc(size_t align, size_t size)
{
    return fails() ? NULL : __real_aligned_alloc(align, size);
}

int __wrap_posix_memalign(void **out, size_t align, size_t size)
{
    return fails() ? 12 /* ENOMEM */ : __real_posix_memalign(out, align, size);
}

void memory_again(void)
{
    fault.failing = 0;
}

const char *t_fault_text(void)
{
    static char text[80];

    if (!fault.met)
        return "";
    (void)snprintf(text, sizeof(text), " (allocation %d of the scenario failed%s)", fault.round,
                   fault.onwards ? ", and those after it" : "");
    return text;
}

/* Runs the scenario with its n-th allocation failing; false when it made fewer. */
static bool round_of(enum err (*scenario)(void), int n, bool onwards)
{
    fault.round = fault.failing = n;
    fault.seen = 0;
    fault.onwards = onwards;
    fault.met = false;
    enum err e = scenario();
    fault.failing = 0;
    bool met = fault.met;

    if (!met)
        ok_err(e);
    if (e != ERR_OK)
        eq_err(e, ERR_NOMEM);
    fault.met = false;
    return met;
}

void t_scenario(enum err (*scenario)(void))
{
    cJSON_Hooks hooks = {.malloc_fn = __wrap_malloc, .free_fn = free};
    int n = 1;

    cJSON_InitHooks(&hooks);
    for (int onwards = 0; onwards <= 1; onwards++) {
        n = 1;
        while (n < ROUNDS_MAX && round_of(scenario, n, onwards == 1))
            n++;
        ok(n < ROUNDS_MAX);
    }
    if (n == 1)
        fail("the scenario allocates nothing: it shows nothing");
}
