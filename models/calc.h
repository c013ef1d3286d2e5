/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * calc: logarithm and exponential that give the same bits on every machine.
 */
#ifndef TILLSTREAM_MODELS_CALC_H
#define TILLSTREAM_MODELS_CALC_H

/* Natural logarithm; x > 0 and finite, else 0. Within 2 units in the last place. */
double calc_ln(double x);
double calc_log10(double x);
/* e to the x; x is held within +-700. */
double calc_exp(double x);
/* -log10 of a probability, which is held within [1e-12, 1]. */
double calc_surprise(double p);

#endif
