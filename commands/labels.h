/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * labels: invoices that somebody has looked at, from CSV files with a header: a column
 * InvoiceNo (or Invoice, invoice), and where there are any `type` and `event` (several
 * invoices may be one event).
 */
#ifndef TILLSTREAM_COMMANDS_LABELS_H
#define TILLSTREAM_COMMANDS_LABELS_H

#include "engine/parcel.h"

struct label {
    const struct buf *text; /* what the texts lie in */
    struct span invoice, type, event;
};

struct labels {
    struct list list; /* struct label */
    struct buf text;
};

void labels_init(struct labels *l);
void labels_clear(struct labels *l);
/* Adds those of a file; names file and line in errors. */
enum err labels_file(struct labels *l, const char *path, struct why *why) MUST_CHECK;
/* The same from text. */
enum err labels_csv(struct labels *l, struct str csv, const char *origin,
                    struct why *why) MUST_CHECK;
/* By invoice, each once: the first that was added. To be called before labels_find. */
void labels_sort(struct labels *l);
/* NULL: not among them. */
const struct label *labels_find(const struct labels *l, struct str invoice);
struct str labels_str(const struct label *l, struct span at);

#endif
