/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * engine/json: what is accepted, what is refused, and where an error is said to be.
 */
#include "engine/json.h"

#include "tests/support/t.h"

#include <stdio.h>
#include <stdlib.h>

static enum err open_text(const char *text, struct json_doc **d, struct why *why)
{
    why->text[0] = '\0';
    *d = NULL;
    return json_open(str_of(text), "f", d, why);
}

static void accepts(const char *text)
{
    struct json_doc *d;
    struct why why;

    if (open_text(text, &d, &why))
        fail("refused: %s: %s", text, why.text);
    json_close(d);
}

/* Refused, with `place` ("f:1:2: ") and `words` in the sentence. */
static void refuses(const char *text, const char *place, const char *words)
{
    struct json_doc *d;
    struct why why;
    enum err e = open_text(text, &d, &why);

    json_close(d);
    if (e != ERR_INVALID)
        fail("%s: %s", text, err_text(e));
    if (strncmp(why.text, place, strlen(place)) != 0 || !strstr(why.text, words))
        fail("%s: wanted %s...%s, got %s", text, place, words, why.text);
}

T(plain_json_is_read)
{
    struct json_doc *d;
    struct why why;
    const struct json *v;
    int64_t n = 0;

    ok_err(
        open_text("{\"a\": 12, \"b\": [true, \"x\\u00e9\\ud83d\\ude00\"], \"c\": null}", &d, &why));
    eq_int(json_type(json_root(d)), JSON_OBJECT);
    v = json_first(json_root(d));
    eq_str(json_name(v), "a");
    ok(json_whole(v, &n));
    eq_int(n, 12);
    v = json_next(v);
    eq_int(json_type(v), JSON_LIST);
    ok(json_bool(json_first(v)));
    eq_str(json_text(json_next(json_first(v))), "x\xC3\xA9\xF0\x9F\x98\x80");
    eq_int(json_type(json_next(v)), JSON_NULL);
    ok(!json_next(json_next(v)));
    json_close(d);
}

T(comments_and_last_commas_are_fine)
{
    accepts("// first\n{ /* a */ \"a\": [1, 2, /* b */ ], // end\n}\n// last");
    accepts("\xEF\xBB\xBF{}");
    accepts("{\"url\": \"http://x/*y*/\"}");
    accepts("{\"a\": \"\\\"//\", /**/ }");
    accepts("[[],{},]");
    accepts("\"x\"");
    accepts("[0, -0, 1.5e+3, -12.25E-2]");
}

T(a_slash_inside_text_starts_no_comment)
{
    struct json_doc *d;
    struct why why;

    ok_err(open_text("[\"a//b\", \"c/*d*/e\"]", &d, &why));
    eq_str(json_text(json_first(json_root(d))), "a//b");
    eq_str(json_text(json_next(json_first(json_root(d)))), "c/*d*/e");
    json_close(d);
}

T(what_is_not_json_is_refused_at_its_place)
{
    refuses("", "f:1:1: ", "ends where a value");
    refuses("{\"a\": 1,\n \"b\" 2}", "f:2:6: ", "colon");
    refuses("{\"a\": 1\n \"b\": 2}", "f:2:2: ", "comma or }");
    refuses("[1 2]", "f:1:4: ", "comma or ]");
    refuses("[1,,]", "f:1:4: ", "expected a value");
    refuses("[,]", "f:1:2: ", "expected a value");
    refuses("{,}", "f:1:2: ", "name in double quotes");
    refuses("{a: 1}", "f:1:2: ", "name in double quotes");
    refuses("[1] x", "f:1:5: ", "after the end");
    refuses("{\"a\": tru}", "f:1:7: ", "expected a value");
    refuses("['x']", "f:1:2: ", "expected a value");
    refuses("[1", "f:1:3: ", "comma or ]");
    refuses("{\"a\":", "f:1:6: ", "ends where a value");
    refuses("/* x\n", "f:1:1: ", "comment");
    refuses("{} /", "f:1:4: ", "after the end");
}

T(numbers_are_strict)
{
    refuses("[01]", "f:1:2: ", "not a number");
    refuses("[-]", "f:1:2: ", "not a number");
    refuses("[1.]", "f:1:2: ", "not a number");
    refuses("[.5]", "f:1:2: ", "expected a value");
    refuses("[1e]", "f:1:2: ", "not a number");
    refuses("[+1]", "f:1:2: ", "expected a value");
    refuses("[NaN]", "f:1:2: ", "expected a value");
    refuses("[1111111111111111111111111111111111111111111111111111111111111]", "f:1:2: ", "long");
}

T(strings_are_strict)
{
    refuses("[\"a]", "f:1:2: ", "closing quote");
    refuses("[\"a\n\"]", "f:1:2: ", "closing quote on its line");
    refuses("[\"a\tb\"]", "f:1:4: ", "control");
    refuses("[\"\\x\"]", "f:1:3: ", "escape");
    refuses("[\"\\u00g0\"]", "f:1:3: ", "not a character");
    refuses("[\"\\u0000\"]", "f:1:3: ", "not a character");
    refuses("[\"\\udc00\"]", "f:1:3: ", "not a character");
    refuses("[\"\\ud800x\"]", "f:1:3: ", "half a character");
    refuses("[\"\\ud800\\u0041\"]", "f:1:3: ", "half a character");
    refuses("[\"\\u\x10\x11\x12\x13\"]", "f:1:3: ", "not a character");
    refuses("[\"\\", "f:1:3: ", "escape");
}

T(columns_count_characters_not_bytes)
{
    refuses("{\"gr\xC3\xB6\xC3\x9F"
            "e\": x}",
            "f:1:11: ", "expected a value");
}

T(a_key_twice_is_refused_however_it_is_written)
{
    refuses("{\"a\": 1,\n\"b\": 2,\n\"a\": 3}", "f:3:1: ", "first on line 1");
    refuses("{\"a\": 1, \"\\u0061\": 3}", "f:1:10: ", "twice");
    refuses("[{\"x\": {\"k\": 1, \"k\": 1}}]", "f:1:17: ", "twice");
    accepts("[{\"a\": 1}, {\"a\": 1}, {\"b\": {\"a\": 1}, \"a\": 1}]");
}

T(nesting_is_bounded)
{
    char text[2 * JSON_DEPTH_MAX + 8] = "";

    for (int i = 0; i < JSON_DEPTH_MAX; i++) {
        text[i] = '[';
        text[2 * JSON_DEPTH_MAX - 1 - i] = ']';
    }
    text[2 * JSON_DEPTH_MAX] = '\0';
    accepts(text);
    memmove(text + 1, text, 2 * JSON_DEPTH_MAX + 1);
    refuses(text, "f:1:33: ", "deep");
}

T(values_and_bytes_are_bounded)
{
    size_t n = JSON_BYTES_MAX + 1;
    char *text = malloc(n);
    struct json_doc *d = NULL;
    struct why why;

    ok(text != NULL);
    memset(text, ' ', n);
    eq_err(json_open((struct str){text, n}, "f", &d, &why), ERR_LIMIT);
    text[0] = '[';
    for (size_t i = 0; i < JSON_VALUES_MAX; i++)
        memcpy(text + 1 + 2 * i, "1,", 2);
    eq_err(json_open((struct str){text, n - 1}, "f", &d, &why), ERR_INVALID);
    ok(strstr(why.text, "too many values") != NULL);
    free(text);
}

T(lines_are_those_of_the_text_with_its_comments)
{
    struct json_doc *d;
    struct why why;
    const struct json *v;

    ok_err(open_text("// one\n/* two\nthree */ {\n\"a\": [\n1,\n2],\n\"b\": {\n}}", &d, &why));
    eq_int(json_line(d, json_root(d)), 3);
    v = json_first(json_root(d));
    eq_int(json_line(d, v), 4);
    eq_int(json_line(d, json_first(v)), 5);
    eq_int(json_line(d, json_next(json_first(v))), 6);
    eq_int(json_line(d, json_next(v)), 7);
    json_close(d);
}

T(whole_numbers_have_no_fraction_and_are_exact)
{
    static const struct {
        const char *text;
        bool good;
        int64_t n;
    } cases[] = {
        {"[9007199254740992]", true, INT64_C(9007199254740992)},
        {"[-3]", true, -3},
        {"[3.0]", true, 3},
        {"[1e3]", true, 1000},
        {"[1.5]", false, 0},
        {"[1e300]", false, 0},
        {"[1e999]", false, 0},
        {"[-1e999]", false, 0},
    };

    for (size_t i = 0; i < countof(cases); i++) {
        struct json_doc *d;
        struct why why;
        int64_t n = 0;

        ok_err(open_text(cases[i].text, &d, &why));
        eq_int(json_whole(json_first(json_root(d)), &n), cases[i].good);
        eq_int(n, cases[i].n);
        json_close(d);
    }
}

T(quoted_text_is_read_back)
{
    char bytes[255];
    struct buf out;
    struct json_doc *d = NULL;

    for (int i = 0; i < 255; i++)
        bytes[i] = (char)(i + 1);
    buf_init(&out, 4096);
    ok_err(json_quote(&out, (struct str){bytes, sizeof(bytes)}));
    ok_err(json_open((struct str){out.p, out.n}, "f", &d, NULL));
    eq_bytes(json_text(json_root(d)), strlen(json_text(json_root(d))), bytes, sizeof(bytes));
    json_close(d);
    buf_clear(&out);
}

T_OOM(opening_survives_lack_of_memory)
{
    struct json_doc *d = NULL;
    struct why why = {""};
    enum err e = json_open(STR("{\"a\": [1, \"x\", {\"b\": true}]}"), "f", &d, &why);

    memory_again();
    ok(e ? d == NULL : d != NULL);
    json_close(d);
    return e;
}
