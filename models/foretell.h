/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * foretell: the forecasts (models/forecast.h) as rows of a parcel, for a shop: fed by lines,
 * blind to codes that are no merchandise (postage, fees, adjustments).
 */
#ifndef TILLSTREAM_MODELS_FORETELL_H
#define TILLSTREAM_MODELS_FORETELL_H

#include "engine/model.h"
#include "models/line.h"

struct foretell;
struct lookout;

/* `setup` must outlive it. `lookout` is told what each series came to in an hour. ERR_INVALID:
 * the setting `forecast` makes no sense. */
enum err foretell_open(const struct model_setup *setup, struct lookout *lookout,
                       struct foretell **out, struct why *why) MUST_CHECK;
void foretell_close(struct foretell *f);
enum err foretell_line(struct foretell *f, const struct model_line *line,
                       struct parcel *out) MUST_CHECK;
enum err foretell_save(struct foretell *f, struct parcel *out) MUST_CHECK;
/* Whether a part of the state is its. */
bool foretell_owns(struct str name);
enum err foretell_load(struct foretell *f, struct str name, uint32_t version, struct str data,
                       struct why *why) MUST_CHECK;
size_t foretell_memory(const struct foretell *f);

#endif
