/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * keyed: records of one size by a 64-bit key, in order of arrival, saved in parts.
 *
 * A record begins with a struct keyed_head and stays where it is in memory until it is
 * forgotten. At most `max` records are held: then a new key takes the place of one that was
 * not touched for long (CLOCK: a hand goes round and spares whom it meets touched).
 */
#ifndef TILLSTREAM_MODELS_KEYED_H
#define TILLSTREAM_MODELS_KEYED_H

#include "models/pack.h"

struct keyed_head {
    uint64_t key;
    uint32_t place; /* in the order of arrival; changes when others are forgotten */
    uint32_t recent;
};

/* What a kind of record is: the fields behind the head. */
struct keyed_kind {
    const char *name; /* parts are called models/<name>/<number> */
    uint32_t version;
    size_t size; /* of a record, head included */
    uint32_t max;
    struct pack_table table;
    bool (*sound)(const void *record); /* NULL: the table's ranges are enough */
};

struct keyed {
    const struct keyed_kind *kind;
    uint32_t n, chunk_records;
    char **chunk;
    uint8_t *changed; /* by chunk */
    uint32_t chunks;  /* allocated */
    uint32_t saved;   /* chunks that are stored */
    uint32_t *index;  /* place + 1 */
    uint32_t index_size;
    uint32_t hand;
    bool hand_moved;
};

void keyed_init(struct keyed *k, const struct keyed_kind *kind);
void keyed_clear(struct keyed *k);
void *keyed_find(const struct keyed *k, uint64_t key); /* NULL: not there */
/* The record of a key, a zeroed one if it was not there; counts as changed. */
enum err keyed_touch(struct keyed *k, uint64_t key, void **record) MUST_CHECK;
void keyed_change(struct keyed *k, const void *record); /* it will be saved again */
void *keyed_at(const struct keyed *k, uint32_t place);  /* place < n */
/* The last record takes its place. */
void keyed_forget(struct keyed *k, void *record);
/* The next record in turn, round and round; NULL when there are none. */
void *keyed_turn(struct keyed *k);
size_t keyed_memory(const struct keyed *k);

/* Parts changed since the last save. */
enum err keyed_save(struct keyed *k, struct parcel *out) MUST_CHECK;
/* True when the part is of this table; then *e says how loading it went. Parts must come in
 * order of their names into an empty table. */
bool keyed_load(struct keyed *k, struct str name, struct str data, enum err *e);

#endif
