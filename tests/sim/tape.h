/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * tape: what a simulated source holds, and the source that plays it.
 *
 * A tape is a path under which one file after another appears (generations), or a pipe that
 * can be read once. Its bytes arrive as the virtual clock goes on; the source gives them cut
 * anywhere, with empty reads, pauses and read errors, within the contract of engine/source.h.
 */
#ifndef TILLSTREAM_TESTS_SIM_TAPE_H
#define TILLSTREAM_TESTS_SIM_TAPE_H

#include "engine/source.h"
#include "tests/sim/trail.h"

/* Bytes at the start of a file in which no two generations are alike. */
enum { TAPE_MARK = 4 };
enum { TAPES_MAX = 4, GENERATIONS_MAX = 8, TAPE_STOPS_MAX = SCENE_SALES_MAX + 32 };

struct generation {
    struct buf text;
    uint64_t stop[TAPE_STOPS_MAX]; /* ends of records: where a file may end for a while */
    size_t n_stops;
    size_t arrived;           /* bytes that were written so far */
    struct sales sales;       /* what the codec makes of the whole text at once */
    int step[TAPE_STOPS_MAX]; /* of the scene, by the sales' order */
    size_t n_steps;
};

/* What the pipeline did with the source since the driver looked last. */
struct tape_seen {
    bool named;     /* asked for the identity and went to the position */
    bool not_found; /* was told that the file was replaced */
    bool ended;     /* was told the end */
};

struct tape {
    char path[24];
    bool pipe, csv;
    struct generation gen[GENERATIONS_MAX];
    int n_gens;
    int now;         /* the one that the path names */
    bool there;      /* it exists */
    int64_t next_ns; /* when more happens to it */
    struct tape_seen seen;
    uint64_t at; /* first byte not consumed, of generation `reading` */
    int reading; /* -1: none */
};

/* The environment of a world. The program holds a pointer to its first member. */
struct sim_env {
    struct env env;
    int64_t wall_ms, mono_ns;
    struct choice clock, random, cut, fault;
    uint64_t fault_every; /* one call in so many fails; 0: none */
    uint64_t cut_max;     /* bytes of a stretch */
    struct tape tape[TAPES_MAX];
    int n_tapes;
    struct trail *trail;
};

void sim_env_init(struct sim_env *w, struct trail *t);
void sim_env_clear(struct sim_env *w);
void sim_env_pass(struct sim_env *w, int64_t ns);

/* Writes the scene's sales, with some bad records, on new tapes. */
void tapes_write(struct sim_env *w, const struct scene *s, struct choice *c);
/* All that is there ends with a whole record. */
void tape_settle(struct tape *t, struct choice *c);
/* The next file takes the place of the one before. */
void tape_rotate(struct tape *t);
bool tape_is_whole(const struct tape *t); /* its last byte was written */

/* CSV begins with the name of a column, "x0_...", JSON does not. */
const struct codec_kind *tape_codec_for(const char *locator, struct str head);
extern const struct source_kind tape_source; /* locator: "0", "1", ... */

#endif
