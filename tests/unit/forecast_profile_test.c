/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * forecast_profile: what the features say after simple histories.
 */
#include "models/forecast_profile.h"

#include "tests/support/t.h"

#include <math.h>

static struct forecast_moment at(int weekday, int hour)
{
    return (struct forecast_moment){weekday, hour, hour == 8, hour >= 17};
}

/* A day from 8 to 18 with these sales an hour. */
static void day(struct forecast_profile *p, int weekday, double sales)
{
    for (int hour = 8; hour <= 18; hour++) {
        const struct forecast_moment m = at(weekday, hour);
        forecast_profile_learn_hour(p, &m, sales, 4);
    }
    forecast_profile_learn_day(p, weekday);
}

T(names_are_there_and_different)
{
    for (int i = 0; i < FORECAST_FEATURE_COUNT; i++) {
        ok(forecast_features[i].of_hour || forecast_features[i].of_day);
        for (int k = 0; k < i; k++)
            ok(strcmp(forecast_features[i].name, forecast_features[k].name) != 0);
    }
    eq_str(forecast_features[FORECAST_USUAL_PACE].name, "usual_pace");
}

T(an_empty_one_has_finite_features)
{
    struct forecast_profile p;
    struct forecast_hours hours;
    const struct forecast_moment m = at(2, 8);
    double x[FORECAST_FEATURE_COUNT], rest[FORECAST_REST_FEATURES];

    forecast_profile_init(&p);
    forecast_hours_init(&hours);
    forecast_profile_hour(&p, &m, x);
    for (int i = 0; i < FORECAST_FEATURE_COUNT; i++)
        near(x[i], 0, 0);
    forecast_profile_day(&p, 2, x);
    for (int i = 0; i < FORECAST_FEATURE_COUNT; i++)
        near(x[i], 0, 0);
    forecast_profile_rest(&p, &hours, 2, 8, rest);
    for (int i = 0; i < FORECAST_REST_FEATURES; i++)
        near(rest[i], 0, 0);
}

T(a_steady_shop_is_as_usual)
{
    struct forecast_profile p;
    struct forecast_hours hours;
    const struct forecast_moment m = at(3, 12);
    double x[FORECAST_FEATURE_COUNT], rest[FORECAST_REST_FEATURES];

    forecast_profile_init(&p);
    forecast_hours_init(&hours);
    for (int d = 0; d < 28; d++)
        day(&p, d % 7, 100);
    forecast_profile_hour(&p, &m, x);
    near(x[FORECAST_USUAL], 10, 1e-9);
    near(x[FORECAST_WEEK], 10, 1e-9);
    near(x[FORECAST_YESTERDAY], 10, 1e-9);
    near(x[FORECAST_LAST], 10, 1e-9);
    near(x[FORECAST_SHARE], 10, 1e-9);
    near(x[FORECAST_PACE], 0, 1e-9);
    near(x[FORECAST_TREND], 0, 1e-9);
    near(x[FORECAST_RATIO], 0, 1e-9);
    near(x[FORECAST_EVENTS], 10 * log(5), 1e-9);
    near(x[FORECAST_THURSDAY], 10, 1e-9);
    near(x[FORECAST_FRIDAY], 0, 0);
    near(x[FORECAST_MEAN_5], 0, 0); /* of a day only */
    forecast_profile_day(&p, 3, x);
    near(x[FORECAST_USUAL], sqrt(1100), 1e-9);
    near(x[FORECAST_MEAN_5], sqrt(1100), 1e-9);
    near(x[FORECAST_LEVEL], sqrt(1100), 1e-9);
    near(x[FORECAST_THURSDAY], 0.3 * sqrt(1100), 1e-9);
    near(x[FORECAST_PACE], 0, 0); /* of an hour only */
    forecast_profile_rest(&p, &hours, 3, 8, rest);
    near(rest[0], sqrt(1100), 1e-9);
    near(forecast_profile_rest_usual(&p, &hours, 3, 18), 100, 1e-9);
    near(forecast_profile_rest_usual(&p, &hours, 3, 19), 0, 0);
}

T(a_day_that_goes_twice_as_well_shows_in_the_pace)
{
    struct forecast_profile p;
    double x[FORECAST_FEATURE_COUNT];

    forecast_profile_init(&p);
    for (int d = 0; d < 28; d++)
        day(&p, d % 7, 100);
    for (int hour = 8; hour < 12; hour++) {
        const struct forecast_moment m = at(0, hour);
        forecast_profile_learn_hour(&p, &m, 200, 4);
    }
    const struct forecast_moment m = at(0, 12);
    forecast_profile_hour(&p, &m, x);
    near(x[FORECAST_PACE] / x[FORECAST_ONE], log(805.0 / 405), 0.01);
    near(x[FORECAST_LATE_PACE], x[FORECAST_PACE], 0);
    near(forecast_profile_hour_naive(&p, &m), 100, 1e-9);
}

T(one_great_order_hardly_moves_the_usual)
{
    struct forecast_profile p;
    const struct forecast_moment m = at(0, 12);
    double x[FORECAST_FEATURE_COUNT];

    forecast_profile_init(&p);
    for (int d = 0; d < 28; d++)
        day(&p, d % 7, 100);
    forecast_profile_learn_hour(&p, &m, 1e9, 1);
    forecast_profile_hour(&p, &m, x);
    ok(x[FORECAST_WEEK] > 3e4);
    forecast_profile_init(&p);
    for (int d = 0; d < 28; d++)
        day(&p, d % 7, 100);
    forecast_profile_learn_hour(&p, &m, 1e4, 1);
    forecast_profile_hour(&p, &m, x);
    near(x[FORECAST_USUAL], sqrt(100 + 0.15 * (400 + 0.7 * p.mean - 100)), 1e-6);
}

T(losses_count_as_nought_in_features_and_in_full_in_the_day)
{
    struct forecast_profile p;
    const struct forecast_moment m = at(0, 12);

    forecast_profile_init(&p);
    forecast_profile_learn_hour(&p, &m, -50, 1);
    near(p.last, 0, 0);
    near(p.so_far, -50, 0);
    forecast_profile_add(&p, 80);
    forecast_profile_add(&p, (double)NAN);
    forecast_profile_learn_day(&p, 0);
    near(p.recent[0], 30, 0);
    near(p.so_far, 0, 0);
}

T(values_of_any_size_give_finite_features)
{
    struct forecast_profile p;
    uint64_t state = seed();
    double x[FORECAST_FEATURE_COUNT];

    forecast_profile_init(&p);
    for (int i = 0; i < 3000; i++) {
        const struct forecast_moment m = at((int)rnd_below(&state, 7), (int)rnd_below(&state, 24));
        double v =
            ldexp((double)rnd_below(&state, 1000) - 100, (int)rnd_below(&state, 2000) - 1000);
        forecast_profile_hour(&p, &m, x);
        for (int k = 0; k < FORECAST_FEATURE_COUNT; k++)
            ok(isfinite(x[k]));
        forecast_profile_learn_hour(&p, &m, v, (double)rnd_below(&state, 1000));
        if (i % 11 == 10)
            forecast_profile_learn_day(&p, m.weekday);
    }
}
