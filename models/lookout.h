/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * lookout: looks after the stream itself: hour by hour, the number of lines, the share of them
 * without a customer, the share that is returns, and the sales of whatever is foretold. An hour
 * unlike the past (models/rarity.h) becomes an anomaly of kind "series".
 *
 * Hours without a line are no news and are left out.
 */
#ifndef TILLSTREAM_MODELS_LOOKOUT_H
#define TILLSTREAM_MODELS_LOOKOUT_H

#include "engine/model.h"
#include "models/line.h"

struct lookout;

enum err lookout_open(const struct model_setup *setup, struct lookout **out) MUST_CHECK;
void lookout_close(struct lookout *w);
enum err lookout_line(struct lookout *w, const struct model_line *line,
                      struct parcel *out) MUST_CHECK;
/* What a named series came to in the hour from start_ms: "sales of country Germany". */
enum err lookout_value(struct lookout *w, const char *name, int64_t start_ms, double value,
                       struct parcel *out) MUST_CHECK;

/* State: one part a series, "models/lookout/...", and one for the hours that are open. */
enum err lookout_save(struct lookout *w, struct parcel *out) MUST_CHECK;
bool lookout_owns(struct str name);
enum err lookout_load(struct lookout *w, struct str name, uint32_t version, struct str data,
                      struct why *why) MUST_CHECK;
size_t lookout_memory(const struct lookout *w);

#endif
