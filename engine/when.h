/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * when: dates, durations and time zones. No function here reads a clock.
 *
 * Times are int64 milliseconds since 1970-01-01 UTC (proleptic Gregorian, no leap
 * seconds). Accepted years: 1900 to 2199; another is ERR_LIMIT.
 */
#ifndef TILLSTREAM_ENGINE_WHEN_H
#define TILLSTREAM_ENGINE_WHEN_H

#include "engine/err.h"
#include "engine/str.h"

#define WHEN_NONE INT64_MIN /* "no time": before everything */
#define WHEN_SECOND INT64_C(1000)
#define WHEN_MINUTE (60 * WHEN_SECOND)
#define WHEN_HOUR (60 * WHEN_MINUTE)
#define WHEN_DAY (24 * WHEN_HOUR)

enum when_order { WHEN_MDY, WHEN_DMY };

struct zone; /* an IANA time zone read from the system's TZif files (RFC 8536) */

/* "UTC" needs no file. ERR_NOT_FOUND with the places looked at in `why`. Version 2+ files
 * with the POSIX footer rule are understood, so that dates beyond the table work.
 * TZDIR overrides /usr/share/zoneinfo. Names with ".." or a leading "/" are refused. */
enum err zone_open(const char *name, struct zone **out, struct why *why) MUST_CHECK;
void zone_close(struct zone *z);
bool zone_is_utc(const struct zone *z);
/* Local wall clock (as if it were UTC) to UTC: of an ambiguous time the first, a missing
 * one moves forward by the length of the gap. */
int64_t zone_to_utc(const struct zone *z, int64_t local_ms);
/* UTC to local wall clock as if it were UTC. */
int64_t zone_to_local(const struct zone *z, int64_t utc_ms);

/* Days since 1970-01-01 of a civil date, and back. Month 1..12, day 1..31. */
int64_t when_days(int year, int month, int day);
void when_civil(int64_t days, int *year, int *month, int *day);

/* How a record's date is read. `zone` NULL is UTC. */
struct when_rules {
    enum when_order order;
    const struct zone *zone;
};

/* Any of: M/D/YYYY H:MM[:SS] (unpadded or padded; by `order`; two-digit years are 20xx;
 * the time may be missing: midnight), YYYY-MM-DD[ T]HH:MM[:SS[.fff]][Z|+HH:MM|+HHMM|+HH],
 * YYYY-MM-DD, and epoch seconds (up to 11 digits with optional sign and fraction) or
 * milliseconds (12 digits or more). Every field is range-checked (no 2/30, no 24:00).
 * ERR_INVALID or ERR_LIMIT leave `*ms` untouched. */
enum err when_parse(struct str text, const struct when_rules *rules, int64_t *ms) MUST_CHECK;

/* "2010-12-01T08:26:00Z" and NUL into `out` (at least WHEN_TEXT bytes), rounded down to
 * the second. WHEN_NONE gives "". Returns the length. */
#define WHEN_TEXT 32
size_t when_format(int64_t ms, char *out);

/* "50ms", "90s", "5m", "24h", "7d", "1w", "1mo". `*months` is set for "mo" (and *ms is 0),
 * else 0; pass NULL to refuse months. A number without unit, a negative one, or an
 * overflow is ERR_INVALID. "0s" is fine. */
enum err when_duration(struct str text, int64_t *ms, int64_t *months) MUST_CHECK;
/* The shortest text that when_duration reads back, e.g. "90s", "1d". Returns the length. */
size_t when_duration_format(int64_t ms, char *out);

#endif
