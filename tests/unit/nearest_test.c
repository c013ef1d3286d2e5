/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * engine/nearest: distances and suggestions.
 */
#include "engine/nearest.h"

#include "tests/support/t.h"

static int distance(const char *a, const char *b)
{
    int there = nearest_distance(str_of(a), str_of(b));

    eq_int(there, nearest_distance(str_of(b), str_of(a)));
    return there;
}

T(distances_count_edits)
{
    eq_int(distance("", ""), 0);
    eq_int(distance("", "abc"), 3);
    eq_int(distance("abc", "abc"), 0);
    eq_int(distance("abc", "abd"), 1);
    eq_int(distance("abc", "acb"), 1);
    eq_int(distance("kitten", "sitting"), 3);
    eq_int(distance("checkpoint", "chekpiont"), 2);
}

T(capitals_and_dashes_cost_nothing)
{
    eq_int(distance("DATE-ORDER", "date_order"), 0);
}

T(overlong_texts_are_far_from_everything)
{
    char text[NEAREST_BYTES_MAX + 1];

    memset(text, 'a', sizeof(text));
    ok(nearest_distance((struct str){text, sizeof(text)}, STR("a")) >= 1000);
    eq_int(nearest_distance((struct str){text, sizeof(text) - 1}, STR("")), NEAREST_BYTES_MAX);
}

static const char *suggestion(const char *wanted)
{
    static const char *const names[] = {"run", "query", "checkpoint", "country"};
    struct nearest n = nearest_to(str_of(wanted));

    for (size_t i = 0; i < countof(names); i++)
        nearest_offer(&n, names[i]);
    return n.best ? n.best : "";
}

T(near_names_are_suggested_and_far_ones_are_not)
{
    eq_str(suggestion("rum"), "run");
    eq_str(suggestion("qeury"), "query");
    eq_str(suggestion("chckpint"), "checkpoint");
    eq_str(suggestion("check"), "checkpoint");
    eq_str(suggestion("count"), "country");
    eq_str(suggestion("r"), "");
    eq_str(suggestion("zebra"), "");
    eq_str(suggestion(""), "");
}

T(a_hint_is_a_clause_or_nothing)
{
    char hint[NEAREST_HINT];
    struct nearest n = nearest_to(STR("rum"));

    eq_str(nearest_hint(&n, hint), "");
    nearest_offer(&n, "run");
    eq_str(nearest_hint(&n, hint), " (did you mean run?)");
}
