/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * err: one list of error codes for the whole program.
 *
 * Functions that can fail return an `enum err`; the caller must look at it.
 * Where a person caused the failure (an option, a file, a record), the function
 * also takes a `struct why *` and writes one sentence into it: what (file, line,
 * field, value), why, and what to do. `why` may be NULL. No allocation, no errno,
 * no thread-local state.
 */
#ifndef TILLSTREAM_ENGINE_ERR_H
#define TILLSTREAM_ENGINE_ERR_H

#define ERR_LIST(X)                                                                                \
    X(OK, "ok")                                                                                    \
    X(AGAIN, "nothing to do right now")                                                            \
    X(END, "end of input")                                                                         \
    X(NOMEM, "out of memory")                                                                      \
    X(LIMIT, "over a declared limit")                                                              \
    X(INVALID, "invalid input")                                                                    \
    X(USAGE, "called wrongly")                                                                     \
    X(IO, "input or output failed")                                                                \
    X(NOT_FOUND, "not found")                                                                      \
    X(BUSY, "held by another process")                                                             \
    X(DAMAGED, "stored data is damaged")                                                           \
    X(NEWER, "stored data is of a newer version")                                                  \
    X(STOPPED, "stopped on request")

enum err {
#define ERR_ENUM(name, text) ERR_##name,
    ERR_LIST(ERR_ENUM)
#undef ERR_ENUM
};

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
#define countof(array) (sizeof(array) / sizeof((array)[0]))

/* A sentence for the person who can mend it. Always NUL-terminated. */
struct why {
    char text[512];
};

/* A short English name, e.g. "out of memory". Never NULL. */
const char *err_text(enum err e);

/* Formats into `why` (which may be NULL) and returns `e`, so that
 * `return why_set(why, ERR_INVALID, "...")` reads as one line. Overlong text is cut. */
enum err why_set(struct why *why, enum err e, const char *format, ...) PRINTF_LIKE(3, 4);

#endif
