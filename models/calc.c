/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The C library's log() picks another instruction path on another processor and may differ in
 * the last bit; a score must not. These use additions, multiplications and divisions alone,
 * which IEEE 754 fixes (frexp, ldexp and sqrt are exact too).
 *
 *   ln:   x = f 2^k with f in [sqrt 1/2, sqrt 2); s = (f - 1) / (f + 1), |s| < 0.172;
 *         ln f = 2 (s + s^3/3 + ... + s^21/21), the rest is below 1e-18.
 *   exp:  x = k ln 2 + r, |r| <= 0.347; Taylor to r^13, the rest is below 1e-17.
 */
#include "models/calc.h"

#include <math.h>

#define LN2_HIGH 6.93147180369123816490e-01 /* 32 bits: k times it is exact */
#define LN2_LOW 1.90821492927058770002e-10
#define LN10 2.30258509299404568402

double calc_ln(double x)
{
    static const double odd[] = {1.0 / 21, 1.0 / 19, 1.0 / 17, 1.0 / 15, 1.0 / 13,
                                 1.0 / 11, 1.0 / 9,  1.0 / 7,  1.0 / 5,  1.0 / 3};
    int k;
    double f, s, z, sum = 0;

    if (!(x > 0) || x > 1e308)
        return 0;
    f = frexp(x, &k);
    if (f < 0.70710678118654752440) {
        f *= 2;
        k--;
    }
    s = (f - 1) / (f + 1);
    z = s * s;
    for (int i = 0; i < 10; i++)
        sum = (sum + odd[i]) * z;
    return k * LN2_HIGH + (2 * s + (2 * s * sum + k * LN2_LOW));
}

double calc_log10(double x)
{
    return calc_ln(x) / LN10;
}

double calc_exp(double x)
{
    static const double factorial[] = {6227020800.0, 479001600.0, 39916800.0, 3628800.0, 362880.0,
                                       40320.0,      5040.0,      720.0,      120.0,     24.0,
                                       6.0,          2.0,         1.0};
    double k, r, sum = 0;

    x = x > 700 ? 700 : x > -700 ? x : -700; /* NaN: -700 */
    k = floor(x / (LN2_HIGH + LN2_LOW) + 0.5);
    r = x - k * LN2_HIGH - k * LN2_LOW;
    for (int i = 0; i < 13; i++)
        sum = (sum + 1 / factorial[i]) * r;
    return ldexp(1 + sum, (int)k);
}

double calc_surprise(double p)
{
    if (!(p > 1e-12))
        return 12;
    return p < 1 ? -calc_log10(p) : 0;
}
