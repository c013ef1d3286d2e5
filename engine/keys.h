/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * keys: every customer, country, stock code and pair as a small number.
 *
 * Ids count up from 0 ("" is always 0) and never change: the database remembers them. One
 * numbering serves all dimensions: equal texts share an id.
 */
#ifndef TILLSTREAM_ENGINE_KEYS_H
#define TILLSTREAM_ENGINE_KEYS_H

#include "engine/parcel.h"

struct keys;

enum err keys_open(struct keys **out) MUST_CHECK;
void keys_close(struct keys *k);
/* The id of `text`, a new one if it was never seen. ERR_NOMEM; ERR_LIMIT past 2^30 - 1 keys. */
enum err keys_id(struct keys *k, struct str text, uint32_t *id) MUST_CHECK;
/* The id of "a+b"; '+' and '%' inside a part become %2B and %25, so pairs are unambiguous. */
enum err keys_pair(struct keys *k, uint32_t a, uint32_t b, uint32_t *id) MUST_CHECK;
struct str keys_text(const struct keys *k, uint32_t id); /* valid as long as `k` */
uint32_t keys_count(const struct keys *k);
size_t keys_memory(const struct keys *k);
/* Where the hashes by id are; the array moves when keys are added. */
const uint64_t *keys_hashes(const struct keys *k);
/* Restores a stored key; ids must come in order without gaps, from 1. ERR_DAMAGED. */
enum err keys_load(struct keys *k, uint32_t id, struct str text) MUST_CHECK;
/* Adds the keys that are new since the last call to the parcel. */
enum err keys_deliver(struct keys *k, struct parcel *p) MUST_CHECK;

#endif
