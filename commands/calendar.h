/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * calendar: when people come to the synthetic shop.
 */
#ifndef TILLSTREAM_COMMANDS_CALENDAR_H
#define TILLSTREAM_COMMANDS_CALENDAR_H

#include <stdint.h>

/* How busy a day (since 1970-01-01) is: about 1000 on average, 0 when the shop is closed. */
int64_t calendar_weight(uint64_t seed, int64_t day);
/* The share of the day's invoices that fall into an hour 0..23, in thousandths. */
int64_t calendar_hour(int64_t day, int hour);

#endif
