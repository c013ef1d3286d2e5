/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * pen: sales of one shard that are too far ahead to be believed yet, as copies, in order
 * of arrival. Bounded by PEN_MAX: a full pen is a real gap.
 */
#ifndef TILLSTREAM_ENGINE_PEN_H
#define TILLSTREAM_ENGINE_PEN_H

#include "engine/buf.h"
#include "engine/sale.h"

#define PEN_MAX 4096

struct pen {
    struct sale *sale; /* texts are owned by the pen */
    size_t n, cap;
    size_t bytes; /* of texts */
};

void pen_clear(struct pen *p);
enum err pen_add(struct pen *p, const struct sale *s) MUST_CHECK;
/* Different invoices among the penned, counted up to `enough`. */
size_t pen_invoices(const struct pen *p, size_t enough);
int64_t pen_earliest(const struct pen *p); /* n > 0 */
enum err pen_save(const struct pen *p, struct buf *out) MUST_CHECK;
enum err pen_load(struct pen *p, struct reader *in) MUST_CHECK;

#endif
