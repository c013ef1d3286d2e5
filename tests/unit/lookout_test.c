/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * lookout: an hour unlike the past is told, once; a saved one goes on as if it had not stopped;
 * damaged state is refused.
 */
#include "models/lookout.h"

#include "engine/when.h"
#include "tests/support/t.h"

#include <string.h>

static struct model_line line_at(int64_t hour, uint32_t customer, int64_t quantity)
{
    return (struct model_line){.time_ms = hour * WHEN_HOUR + 5 * WHEN_MINUTE,
                               .watermark_ms = hour * WHEN_HOUR,
                               .quantity = quantity,
                               .customer = customer};
}

/* n lines in an hour, every 10th unnamed, or all of them. */
static void sell(struct lookout *w, struct parcel *out, int64_t hour, int n, bool unnamed)
{
    for (int i = 0; i < n; i++) {
        struct model_line line = line_at(hour, unnamed || i % 10 == 0 ? 0 : 7, 1);
        ok_err(lookout_line(w, &line, out));
    }
}

static int usual(int64_t hour)
{
    return 40 + (int)(hour * 7 % 23);
}

static void restore(struct lookout *w, const struct parcel *from)
{
    struct why why;

    for (size_t i = 0; i < from->states.n; i++) {
        const struct state_row *row = list_at(&from->states, i);
        ok_err(lookout_load(w, parcel_str(from, row->name), row->version,
                            parcel_str(from, row->data), &why));
    }
}

T(an_hour_in_which_nobody_has_a_name_is_told_with_figures)
{
    struct lookout *w;
    struct parcel *out = parcel_open();

    ok_err(lookout_open(NULL, &w));
    for (int64_t hour = 0; hour < 500; hour++)
        sell(w, out, hour, usual(hour), hour == 450);
    eq_u64(out->anomalies.n, 1);
    const struct anomaly_row *row = list_at(&out->anomalies, 0);
    eq_int(row->time_ms, 450 * WHEN_HOUR);
    struct str text = parcel_str(out, row->text), id = parcel_str(out, row->id);
    ok(text.n > 40 && memcmp(text.p, "share of lines without a customer: ", 35) == 0);
    ok(id.n > 20 && memcmp(id.p, "series:share of lines", 21) == 0);
    eq_int(row->state, ANOMALY_FINAL);
    lookout_close(w);
    parcel_close(out);
}

T(a_year_without_sales_and_late_lines_are_no_news)
{
    struct lookout *w;
    struct parcel *out = parcel_open();

    ok_err(lookout_open(NULL, &w));
    for (int64_t hour = 0; hour < 400; hour++)
        sell(w, out, hour, 50, false);
    for (int64_t hour = 9000; hour < 9300; hour++) {
        struct model_line late = line_at(399, 7, 1);
        sell(w, out, hour, 50, false);
        late.watermark_ms = hour * WHEN_HOUR;
        ok_err(lookout_line(w, &late, out));
    }
    eq_u64(out->anomalies.n, 0);
    lookout_close(w);
    parcel_close(out);
}

T(a_saved_lookout_goes_on_to_the_same_state)
{
    struct lookout *whole, *parts = NULL;
    struct parcel *out = parcel_open(), *last = parcel_open(), *again = parcel_open();

    ok_err(lookout_open(NULL, &whole));
    for (int64_t hour = 0; hour < 400; hour++)
        sell(whole, out, hour, usual(hour), false);
    ok_err(lookout_open(NULL, &parts));
    ok_err(lookout_save(whole, last));
    restore(parts, last);
    parcel_reset(last);
    for (int64_t hour = 400; hour < 600; hour++) {
        sell(whole, out, hour, usual(hour), hour % 91 == 0);
        sell(parts, again, hour, usual(hour), hour % 91 == 0);
    }
    ok(again->anomalies.n > 0);
    eq_u64(out->anomalies.n, again->anomalies.n);
    parcel_reset(again);
    ok_err(lookout_save(whole, last));
    ok_err(lookout_save(parts, again));
    eq_bytes(last->text.p, last->text.n, again->text.p, again->text.n);
    lookout_close(whole);
    lookout_close(parts);
    parcel_close(out);
    parcel_close(last);
    parcel_close(again);
}

T(damaged_parts_are_refused)
{
    struct lookout *w;
    struct parcel *saved = parcel_open();
    uint64_t state = seed();
    struct why why;

    ok_err(lookout_open(NULL, &w));
    for (int64_t hour = 0; hour < 350; hour++)
        sell(w, saved, hour, usual(hour), false);
    ok_err(lookout_save(w, saved));
    lookout_close(w);
    for (int n = 0; n < 3000; n++) {
        const struct state_row *row = list_at(&saved->states, rnd_below(&state, saved->states.n));
        char *data = saved->text.p + row->data.at + rnd_below(&state, row->data.n);
        char before = *data;
        *data = (char)(before ^ (1 << rnd_below(&state, 8)));
        ok_err(lookout_open(NULL, &w));
        enum err e = lookout_load(w, parcel_str(saved, row->name), row->version,
                                  parcel_str(saved, row->data), &why);
        ok(e == ERR_OK || e == ERR_DAMAGED); /* a changed value may be as good as another */
        lookout_close(w);
        *data = before;
    }
    parcel_close(saved);
}
