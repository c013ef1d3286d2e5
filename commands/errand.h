/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * errand: has a database changed: by the run that holds it or, where there is none, here.
 */
#ifndef TILLSTREAM_COMMANDS_ERRAND_H
#define TILLSTREAM_COMMANDS_ERRAND_H

#include "engine/env.h"
#include "engine/store/reader.h"
#include "engine/store/request.h"

struct errand {
    struct env *env;
    const char *db;
    struct reader_db *reader; /* of db */
    struct request request;
    const char *about;  /* what the answer begins with, "invoice 536365: "; may be "" */
    bool quiet;         /* prints no answer */
    const char *failed; /* the beginning of a sentence: "late sales could not be counted" */
};

/* Prints the answer. An answer that it was not done is an error: ERR_NOT_FOUND. */
enum err errand_run(const struct errand *errand, struct why *why) MUST_CHECK;

#endif
