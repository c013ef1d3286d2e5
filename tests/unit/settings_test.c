/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * engine/settings: four sources, their order, the checks, and the way out and back in.
 */
#include "engine/settings.h"

#include "tests/support/t.h"

#include <inttypes.h>
#include <stdio.h>

static void set(struct settings *s, const char *assignment)
{
    struct why why = {""};

    if (settings_set(s, assignment, &why))
        fail("%s: %s", assignment, why.text);
}

static void check(struct settings *s)
{
    struct why why = {""};

    if (settings_check(s, &why))
        fail("check: %s", why.text);
}

static void has_words(const char *what, enum err e, const struct why *why, const char *words)
{
    if (e != ERR_INVALID)
        fail("%s: %s", what, err_text(e));
    if (!strstr(why->text, words))
        fail("%s: wanted \"%s\" in: %s", what, words, why->text);
}

/* Refused by settings_set, or else by settings_check. */
static void set_refuses(const char *assignment, const char *words)
{
    struct settings s;
    struct why why = {""};
    enum err e;

    ok_err(settings_init(&s));
    e = settings_set(&s, assignment, &why);
    if (!e)
        e = settings_check(&s, &why);
    settings_clear(&s);
    has_words(assignment, e, &why, words);
}

static void json_refuses(const char *text, const char *words)
{
    struct settings s;
    struct why why = {""};
    enum err e;

    ok_err(settings_init(&s));
    e = settings_json(&s, str_of(text), "shop.json", &why);
    if (!e)
        e = settings_check(&s, &why);
    settings_clear(&s);
    has_words(text, e, &why, words);
}

static void print(const struct settings *s, char *out, size_t n)
{
    struct buf b;

    buf_init(&b, n - 1);
    ok_err(settings_print(s, &b));
    memcpy(out, b.p, b.n);
    out[b.n] = '\0';
    buf_clear(&b);
}

T(defaults_are_those_of_the_manual)
{
    struct settings s;

    ok_err(settings_init(&s));
    check(&s);
    eq_str(s.db, "tillstream.db");
    eq_int(s.n_windows, 4);
    eq_str(s.window[0].name, "hour");
    eq_int(s.window[0].type, WINDOW_TUMBLING);
    eq_int(s.window[0].size_ms, WHEN_HOUR);
    eq_int(s.window[0].keep, KEEP_HISTORY);
    eq_str(s.window[1].name, "day");
    eq_int(s.window[1].size_ms, WHEN_DAY);
    eq_str(s.window[2].name, "last24h");
    eq_int(s.window[2].type, WINDOW_SLIDING);
    eq_int(s.window[2].size_ms, WHEN_DAY);
    eq_int(s.window[2].slide_ms, WHEN_HOUR);
    eq_int(s.window[2].keep, KEEP_NEWEST);
    eq_str(s.window[3].name, "last7d");
    eq_int(s.window[3].slide_ms, WHEN_DAY);
    eq_int(s.window[3].offset_ms, 0);
    eq_int(s.window[3].dimensions, 15);
    eq_int(s.n_dimensions, 4);
    eq_str(s.dimension[0].name, "all");
    eq_int(s.dimension[0].n_fields, 0);
    eq_str(s.dimension[3].name, "stock_code");
    eq_int(s.dimension[3].fields[0], FIELD_STOCK);
    eq_str(s.timezone, "UTC");
    eq_int(s.out_of_order_ms, 5 * WHEN_MINUTE);
    eq_int(s.allowed_lateness_ms, WHEN_HOUR);
    eq_int(s.max_ahead_ms, 7 * WHEN_DAY);
    eq_int(s.pen_sales, 20);
    eq_int(s.pen_invoices, 3);
    eq_int(s.dedup_horizon_ms, WHEN_DAY);
    eq_int(s.dedup_max, 1000000);
    eq_int(s.checkpoint_ms, 1000);
    eq_int(s.checkpoint_records, 0);
    eq_int(s.batch_bytes, 1 << 20);
    eq_int(s.memory_limit, 0);
    eq_int(s.max_record, 1 << 20);
    eq_int(s.threads, 1);
    eq_str(s.fields.invoice, "InvoiceNo");
    eq_str(s.fields.record_id, "RecordID");
    eq_str(s.csv_separator, "auto");
    eq_str(s.decimal_point, ".");
    eq_int(s.date_order, WHEN_MDY);
    eq_int(s.encoding, ENCODING_UTF8);
    ok(!s.strict);
    settings_clear(&s);
}

T(single_values_are_set_by_name)
{
    struct settings s;

    ok_err(settings_init(&s));
    set(&s, "db=my \"shop\".db");
    eq_str(s.db, "my \"shop\".db");
    set(&s, "db=\"quoted\\u0020text\"");
    eq_str(s.db, "quoted text");
    set(&s, "db=[x");
    eq_str(s.db, "[x");
    set(&s, "checkpoint=50ms");
    eq_int(s.checkpoint_ms, 50);
    set(&s, "memory_limit=512MB");
    eq_int(s.memory_limit, 512000000);
    set(&s, "memory_limit=2GiB");
    eq_int(s.memory_limit, INT64_C(2) << 30);
    set(&s, "memory_limit=12");
    eq_int(s.memory_limit, 12);
    set(&s, "strict=true");
    ok(s.strict);
    set(&s, "strict=0");
    ok(!s.strict);
    set(&s, "date_order=dmy");
    eq_int(s.date_order, WHEN_DMY);
    set(&s, "encoding=latin-1");
    eq_int(s.encoding, ENCODING_LATIN1);
    set(&s, "csv_separator=tab");
    eq_str(s.csv_separator, "\t");
    set(&s, "csv_separator=;");
    eq_str(s.csv_separator, ";");
    set(&s, "fields.price=Price");
    eq_str(s.fields.price, "Price");
    set(&s, "fields={\"customer\": \"Customer ID\"}");
    eq_str(s.fields.customer, "Customer ID");
    eq_str(s.fields.price, "Price");
    set(&s, "db=a=b");
    eq_str(s.db, "a=b");
    check(&s);
    settings_clear(&s);
}

T(lists_of_dimensions_are_json_or_plain)
{
    struct settings s;

    ok_err(settings_init(&s));
    set(&s, "dimensions=all,country+stock_code");
    eq_int(s.n_dimensions, 2);
    eq_str(s.dimension[1].name, "country+stock_code");
    eq_int(s.dimension[1].n_fields, 2);
    eq_int(s.dimension[1].fields[0], FIELD_COUNTRY);
    eq_int(s.dimension[1].fields[1], FIELD_STOCK);
    set(&s, "dimensions=[\"customer\", \"all\",]");
    eq_int(s.n_dimensions, 2);
    eq_str(s.dimension[0].name, "customer");
    settings_clear(&s);
}

T(parts_of_windows_are_set_by_number_or_name)
{
    struct settings s;

    ok_err(settings_init(&s));
    set(&s, "windows.0.keep=90d");
    set(&s, "windows.day.offset=-30m");
    set(&s, "windows.last24h.keep=history");
    set(&s, "windows.last24h.dimensions=all,country");
    set(&s, "windows.last7d.type=session");
    set(&s, "windows.last7d.gap=30m");
    set(&s, "windows.4={\"type\": \"cumulative\", \"step\": \"1h\"}");
    set(&s, "windows.4.size=2d");
    check(&s);
    eq_int(s.n_windows, 5);
    eq_int(s.window[0].keep, KEEP_DURATION);
    eq_int(s.window[0].keep_ms, 90 * WHEN_DAY);
    eq_int(s.window[1].offset_ms, -30 * WHEN_MINUTE);
    eq_int(s.window[2].keep, KEEP_HISTORY);
    eq_int(s.window[2].dimensions, 1 | 4);
    eq_int(s.window[3].type, WINDOW_SESSION);
    eq_int(s.window[3].size_ms, 0);
    eq_int(s.window[3].slide_ms, 0);
    eq_int(s.window[3].gap_ms, 30 * WHEN_MINUTE);
    eq_int(s.window[4].slide_ms, WHEN_HOUR);
    eq_int(s.window[4].size_ms, 2 * WHEN_DAY);
    settings_clear(&s);
}

T(a_configuration_replaces_the_default_windows)
{
    struct settings s;
    struct why why = {""};
    const char *text =
        "{\"windows\": [\n"
        "  {\"name\": \"h24\", \"type\": \"hopping\", \"size\": \"24h\", \"slide\": \"1h\",\n"
        "   \"keep\": \"history\", \"dimensions\": [\"country\"]},\n"
        "  {\"type\": \"cumulative\", \"step\": \"1h\"},\n"
        "  {\"type\": \"session\", \"gap\": \"30m\"},\n"
        "  {\"size\": \"1w\", \"type\": \"tumbling\"},\n"
        "  {\"size\": \"7d\", \"type\": \"tumbling\"},\n"
        "  {\"type\": \"tumbling\", \"size\": \"1mo\", \"keep\": \"31d\"}, // months\n"
        "]}";

    ok_err(settings_init(&s));
    ok_err(settings_json(&s, str_of(text), "shop.json", &why));
    check(&s);
    eq_int(s.n_windows, 6);
    eq_int(s.window[0].type, WINDOW_SLIDING);
    eq_int(s.window[0].keep, KEEP_HISTORY);
    eq_int(s.window[0].dimensions, 4);
    eq_str(s.window[1].name, "cumulative-1d-1h");
    eq_int(s.window[1].size_ms, WHEN_DAY);
    eq_int(s.window[1].keep, KEEP_NEWEST);
    eq_str(s.window[2].name, "session-30m");
    eq_int(s.window[2].keep, KEEP_HISTORY);
    eq_str(s.window[3].name, "tumbling-1w");
    eq_int(s.window[3].size_ms, 7 * WHEN_DAY);
    eq_int(s.window[3].offset_ms, when_days(2024, 1, 1) % 7 * WHEN_DAY); /* a Monday */
    eq_str(s.window[4].name, "tumbling-7d");
    eq_int(s.window[4].offset_ms, 0);
    eq_str(s.window[5].name, "tumbling-1mo");
    eq_int(s.window[5].size_months, 1);
    settings_clear(&s);
}

T(later_sources_win)
{
    char *environ_now[] = {
        (char[]){"TILLSTREAM_DB=environment"}, (char[]){"TILLSTREAM_THREADS=0"},
        (char[]){"TILLSTREAM_WINDOWS=[{\"type\": \"tumbling\", \"size\": \"2h\"}]"},
        (char[]){"HOME=x"}, NULL};
    static const char text[] = "{\"db\": \"file\", \"threads\": 1, \"pen_sales\": 7}";
    const char *path = tmp_write("shop.json", text, sizeof(text) - 1);
    struct settings s;
    struct why why = {""};

    ok_err(settings_init(&s));
    ok_err(settings_file(&s, path, &why));
    eq_str(s.db, "file");
    ok_err(settings_environment(&s, environ_now, &why));
    set(&s, "db=line");
    eq_str(s.db, "line");
    eq_int(s.threads, 0);
    eq_int(s.pen_sales, 7);
    eq_int(s.n_windows, 1);
    settings_clear(&s);
}

T(an_alert_goes_to_a_known_place_and_a_wrong_one_is_not_shown)
{
    static const char *const wrong[] = {"alert=ftp://user:secret@host/", "alert=secret",
                                        "alert=https://", "alert=exec:", "alert=HTTP:secret"};
    struct settings s;
    struct buf kept;
    struct why why;

    ok_err(settings_init(&s));
    eq_str(s.alert, "");
    eq_int(s.alert_per_minute, 30);
    set(&s, "alert=https://user:secret@host/path?a=b");
    eq_str(s.alert, "https://user:secret@host/path?a=b");
    set(&s, "alert=exec:mail a@b");
    eq_str(s.alert, "exec:mail a@b");
    buf_init(&kept, 1 << 16);
    ok_err(settings_keep(&s, &kept));
    ok_err(buf_u8(&kept, 0));
    ok(strstr(kept.p, "\"alert_per_minute\": 30") != NULL);
    ok(strstr(kept.p, "mail") == NULL);
    buf_clear(&kept);
    set(&s, "alert=");
    eq_str(s.alert, "");
    for (size_t i = 0; i < countof(wrong); i++) {
        eq_err(settings_set(&s, wrong[i], &why), ERR_INVALID);
        ok(strstr(why.text, "http://HOST/PATH or exec:COMMAND") != NULL);
        ok(strstr(why.text, "secret") == NULL);
    }
    settings_clear(&s);
}

T(wrong_values_are_refused_with_name_value_and_range)
{
    set_refuses("checkpoint=10ms", "checkpoint: \"10ms\" is out of range; give 50ms to 1h");
    set_refuses("checkpoint=5", "a number and a unit");
    set_refuses("alert_rate=1.5", "give 0 to 1");
    set_refuses("alert_rate=x", "not a number of at most 6 decimals");
    set_refuses("threads=2", "give 0 to 1");
    set_refuses("threads=-1", "give 0 to 1");
    set_refuses("threads=1x", "not a whole number");
    set_refuses("threads=", "not a whole number");
    set_refuses("threads=99999999999999999999", "out of range");
    set_refuses("memory_limit=5XB", "not a size");
    set_refuses("memory_limit=9000000TiB", "out of range");
    set_refuses("strict=maybe", "neither true nor false");
    set_refuses("date_order=myd", "mdy or dmy (did you mean mdy?)");
    set_refuses("encoding=utf8", "did you mean utf-8");
    set_refuses("csv_separator=x", "can't separate");
    set_refuses("csv_separator=,,", "can't separate");
    set_refuses("decimal_point=;", "not one of . or ,");
    set_refuses("db=", "is empty");
    set_refuses("timezone=Nowhere/Land", "timezone:");
    set_refuses("dimensions=all,contry", "did you mean country?");
    set_refuses("dimensions=country+country", "two different ones");
    set_refuses("dimensions=all,all", "twice");
    set_refuses("dimensions=", "there is no dimension");
    set_refuses("dimensions=[]", "is empty");
    set_refuses("dimensions=[1]", "names of dimensions, not a number");
}

T(unknown_names_are_refused_with_the_nearest)
{
    set_refuses("checkpont=5s", "did you mean checkpoint?");
    set_refuses("fields.prise=x", "did you mean price?");
    set_refuses("windows.0.sise=1h", "did you mean size?");
    set_refuses("windows.hours.size=1h", "did you mean hour?");
    set_refuses("windows.9.size=1h", "0 to 3");
    set_refuses("windows.4.size=1h", "0 to 3");
    set_refuses("db.x=1", "has no parts");
    set_refuses("nonsense", "name=value");
    set_refuses("=5", "name=value");
    json_refuses("{\n\"checkpont\": \"5s\"}", "shop.json:2: there is no setting \"checkpont\"");
    json_refuses("{\"fields\":\n{\"prise\": \"x\"}}", "shop.json:2: fields: there is no field");
    json_refuses(
        "{\"windows\": [{\"type\": \"session\", \"gap\": \"1h\",\n\"gop\": 1}]}",
        "shop.json:2: windows.0: there is no setting of a window \"gop\" (did you mean gap?)");
}

T(json_values_must_be_of_the_right_type)
{
    json_refuses("[]", "shop.json:1: a configuration is an object");
    json_refuses("{\"db\":\n 5}", "shop.json:1: db: wants text, not a number");
    json_refuses("{\"threads\": \"1\"}", "wants a whole number, not text");
    json_refuses("{\"threads\": 0.5}", "wants a whole number");
    json_refuses("{\"checkpoint\": 5}", "wants a duration, not a number");
    json_refuses("{\"strict\": \"true\"}", "wants true or false, not text");
    json_refuses("{\"strict\": null}", "wants true or false, not null");
    json_refuses("{\"fields\": []}", "wants an object");
    json_refuses("{\"windows\": {}}", "wants a list of windows");
    json_refuses("{\"windows\": []}", "is empty");
    json_refuses("{\"windows\": [1]}", "a window is an object");
    json_refuses("{\"dimensions\": \"all\"}", "wants a list");
}

T(windows_that_make_no_sense_are_refused)
{
    set_refuses("windows=[{\"size\": \"1h\"}]", "needs a type");
    set_refuses("windows=[{\"type\": \"tumbling\"}]", "needs a size");
    set_refuses("windows=[{\"type\": \"sliding\", \"size\": \"1h\"}]", "needs a slide");
    set_refuses("windows=[{\"type\": \"cumulative\"}]", "needs a step");
    set_refuses("windows=[{\"type\": \"session\"}]", "needs a gap");
    set_refuses("windows=[{\"type\": \"session\", \"gap\": \"1h\", \"size\": \"1h\"}]",
                "has no size");
    set_refuses("windows=[{\"type\": \"tumblin\", \"size\": \"1h\"}]", "did you mean tumbling?");
    set_refuses("windows.hour.slide=1h", "a tumbling window has no slide");
    set_refuses("windows.last24h.slide=25h", "give at most 1d");
    set_refuses("windows.last7d.slide=1s", "100000 steps");
    set_refuses("windows.hour.size=1500ms", "whole seconds");
    set_refuses("windows.hour.size=0s", "out of range");
    set_refuses("windows.hour.size=5mo", "1, 2, 3, 4, 6 or 12mo");
    set_refuses("windows.last24h.size=1mo", "for tumbling windows");
    set_refuses("windows.hour.offset=1h", "shorter than the size");
    set_refuses("windows.hour.offset=-60m", "shorter than the size");
    set_refuses("windows.hour.keep=newest", "sliding and cumulative");
    set_refuses("windows.hour.keep=59m", "give at least 1h");
    set_refuses("windows.hour.keep=always", "history, newest, or a duration");
    set_refuses("windows.hour.name=day", "another window has this name");
    set_refuses("windows.hour.name=a#b", "can't name a window");
    set_refuses("windows.hour.dimensions=country+stock_code", "add there: country+stock_code");
    set_refuses("windows.4={\"type\": \"cumulative\", \"step\": \"7h\"}",
                "must divide the size, 1d");
    set_refuses("windows.4=x", "wants an object");
}

T(settings_that_contradict_each_other_are_refused)
{
    struct settings s;
    struct why why;

    ok_err(settings_init(&s));
    set(&s, "csv_separator=,");
    set(&s, "decimal_point=,");
    has_words("separator", settings_check(&s, &why), &why, "csv_separator and decimal_point");
    settings_clear(&s);
    set_refuses("pen_invoices=21", "pen_sales");
    set_refuses("fields.price=Quantity", "fields.quantity and fields.price");
}

T(there_are_at_most_64_windows)
{
    struct settings s;
    struct why why;
    char text[200];

    ok_err(settings_init(&s));
    for (int i = 4; i < SETTINGS_WINDOWS_MAX; i++) {
        (void)snprintf(text, sizeof(text), "windows.%d={\"type\": \"tumbling\", \"size\": \"%ds\"}",
                       i, i);
        set(&s, text);
    }
    check(&s);
    has_words("65",
              settings_set(&s, "windows.64={\"type\": \"tumbling\", \"size\": \"64s\"}", &why),
              &why, "at most 64");
    settings_clear(&s);
}

T(a_failed_source_changes_nothing)
{
    static char before[16384], after[16384];
    char *environ_now[] = {(char[]){"TILLSTREAM_DB=other"}, (char[]){"TILLSTREAM_THREADS=9"}, NULL};
    struct settings s;
    struct why why;

    ok_err(settings_init(&s));
    print(&s, before, sizeof(before));
    eq_err(settings_json(&s,
                         STR("{\"db\": \"x\", \"windows\": [{\"type\": \"session\"}], \"no\": 1}"),
                         "f", &why),
           ERR_INVALID);
    eq_err(settings_environment(&s, environ_now, &why), ERR_INVALID);
    eq_err(settings_set(&s, "windows=[{\"type\": \"session\", \"gap\": \"1h\"}, 1]", &why),
           ERR_INVALID);
    print(&s, after, sizeof(after));
    eq_str(after, before);
    settings_clear(&s);
}

static enum err environment(const char *variable, struct why *why)
{
    char text[200];
    char *variables[] = {text, NULL};
    struct settings s;
    enum err e;

    (void)snprintf(text, sizeof(text), "%s", variable);
    ok_err(settings_init(&s));
    e = settings_environment(&s, variables, why);
    settings_clear(&s);
    return e;
}

T(a_mistyped_variable_is_refused_and_others_are_left_alone)
{
    struct why why = {""};

    has_words("typo", environment("TILLSTREAM_CHEKPOINT=5s", &why), &why, "\"checkpoint\"");
    has_words("typo", environment("TILLSTREAM_TIMEZON=UTC", &why), &why, "\"timezone\"");
    has_words("value", environment("TILLSTREAM_CHECKPOINT=x", &why), &why,
              "environment TILLSTREAM_CHECKPOINT: \"x\" is not a duration");
    has_words("value", environment("TILLSTREAM_DIMENSIONS=[", &why), &why,
              "TILLSTREAM_DIMENSIONS:1:2:");
    ok_err(environment("TILLSTREAM_TOKEN=secret", &why));
    ok_err(environment("TILLSTREAM_DIR=x", &why));
    ok_err(environment("TILLSTREAM=x", &why));
    ok_err(environment("TILLSTREAM_DB", &why));
}

T(a_file_that_is_not_there_or_too_long_is_named)
{
    static char text[(1 << 20) + 1];
    struct settings s;
    struct why why;

    memset(text, ' ', sizeof(text));
    ok_err(settings_init(&s));
    eq_err(settings_file(&s, tmp_path("none.json"), &why), ERR_NOT_FOUND);
    ok(strstr(why.text, "none.json") != NULL);
    eq_err(settings_file(&s, tmp_dir(), &why), ERR_IO);
    eq_err(settings_file(&s, tmp_write("long.json", text, sizeof(text)), &why), ERR_LIMIT);
    settings_clear(&s);
}

T(the_meaning_is_one_line_without_what_may_change)
{
    struct settings s;
    struct buf a, b;

    buf_init(&a, 4096);
    buf_init(&b, 4096);
    ok_err(settings_init(&s));
    ok_err(settings_meaning(&s, &a));
    ok(memchr(a.p, '\n', a.n) == NULL);
    set(&s, "out_of_order=1h");
    set(&s, "windows.0.keep=9d");
    set(&s, "db=other");
    ok_err(settings_meaning(&s, &b));
    eq_bytes(a.p, a.n, b.p, b.n);
    set(&s, "fields.price=Price");
    buf_clear(&b);
    ok_err(settings_meaning(&s, &b));
    ok(!str_eq((struct str){a.p, a.n}, (struct str){b.p, b.n}));
    ok_err(settings_json(&s, (struct str){b.p, b.n}, "meaning", NULL));
    buf_clear(&a);
    buf_clear(&b);
    settings_clear(&s);
}

/* ---- any settings, printed and read back, are the same ---- */

static void random_window(uint64_t *r, struct settings *s, int i)
{
    static const char *const keeps[] = {"", ", \"keep\": \"history\"", ", \"keep\": \"400d\""};
    static const char *const narrow[] = {"", ", \"dimensions\": [\"all\"]"};
    char text[300], name[40] = "";
    int step = 1 + (int)rnd_below(r, 3600);
    const char *keep = keeps[rnd_below(r, 3)], *dimensions = narrow[rnd_below(r, 2)];

    if (rnd_below(r, 2))
        (void)snprintf(name, sizeof(name), "\"name\": \"w_%d\", ", i);
    switch (rnd_below(r, 5)) {
    case 0:
        (void)snprintf(
            text, sizeof(text),
            "windows.%d={%s\"type\": \"tumbling\", \"size\": \"%ds\", \"offset\": \"-%ds\"%s%s}", i,
            name, step, (int)rnd_below(r, (uint64_t)step), keep, dimensions);
        break;
    case 1:
        (void)snprintf(text, sizeof(text),
                       "windows.%d={%s\"type\": \"tumbling\", \"size\": \"%d%s\"%s%s}", i, name,
                       1 + (int)rnd_below(r, 4), rnd_below(r, 2) ? "w" : "mo", keep, dimensions);
        break;
    case 2:
        (void)snprintf(
            text, sizeof(text),
            "windows.%d={%s\"type\": \"sliding\", \"size\": \"%dd\", \"slide\": \"%ds\"%s%s}", i,
            name, 1 + (int)rnd_below(r, 30), step + 60, keep, dimensions);
        break;
    case 3:
        (void)snprintf(
            text, sizeof(text),
            "windows.%d={%s\"type\": \"cumulative\", \"size\": \"%ds\", \"step\": \"%ds\"%s%s}", i,
            name, step * 7, step, keep, dimensions);
        break;
    default:
        (void)snprintf(text, sizeof(text),
                       "windows.%d={%s\"type\": \"session\", \"gap\": \"%ds\"%s%s}", i, name, step,
                       keep, dimensions);
    }
    set(s, text);
}

static void set_number(struct settings *s, const char *name, uint64_t n, const char *unit)
{
    char text[100];

    (void)snprintf(text, sizeof(text), "%s=%" PRIu64 "%s", name, n, unit);
    set(s, text);
}

static void random_settings(uint64_t *r, struct settings *s)
{
    static const char *const dimensions[] = {"dimensions=all",
                                             "dimensions=stock_code+country,all,customer",
                                             "dimensions=customer+country,all"};
    char text[64];
    int n = 1 + (int)rnd_below(r, 6);

    set(s, "windows=[{\"type\": \"session\", \"gap\": \"9h\"}]");
    for (int i = 0; i < n; i++)
        random_window(r, s, i);
    set(s, dimensions[rnd_below(r, 3)]);
    set_number(s, "memory_limit", rnd_below(r, 1 << 30) * rnd_below(r, 5000), "");
    set_number(s, "batch_bytes", 1 + rnd_below(r, 250), rnd_below(r, 2) ? "MiB" : "KB");
    set_number(s, "out_of_order", rnd_below(r, 1000000), "ms");
    set_number(s, "max_ahead", 1 + rnd_below(r, 500), rnd_below(r, 2) ? "w" : "d");
    set_number(s, "dedup_max", rnd_below(r, 1000000), "");
    set(s, rnd_below(r, 2) ? "strict=true" : "encoding=latin-1");
    (void)snprintf(text, sizeof(text), "db=%c%c%c%c", (char)(33 + rnd_below(r, 222)),
                   (char)(1 + rnd_below(r, 255)), (char)(1 + rnd_below(r, 255)), '\\');
    if (text[3] != '"' && text[3] != '[' && text[3] != '{')
        set(s, text);
}

T(what_is_printed_is_read_back_the_same)
{
    static char first[16384], second[16384];
    uint64_t r = seed();

    for (int round = 0; round < 300; round++) {
        struct settings a, b;
        struct why why = {""};

        ok_err(settings_init(&a));
        ok_err(settings_init(&b));
        random_settings(&r, &a);
        /* Two nameless windows may be alike. */
        if (settings_check(&a, &why)) {
            ok(strstr(why.text, "another window has this name") != NULL);
        } else {
            print(&a, first, sizeof(first));
            if (settings_json(&b, str_of(first), "printed", &why))
                fail("%s in:\n%s", why.text, first);
            check(&b);
            print(&b, second, sizeof(second));
            eq_str(second, first);
            eq_int(a.n_windows, b.n_windows);
            for (int i = 0; i < a.n_windows; i++)
                eq_bytes(&a.window[i], sizeof(a.window[i]), &b.window[i], sizeof(b.window[i]));
            eq_str(a.db, b.db);
            eq_int(a.memory_limit, b.memory_limit);
            eq_int(a.batch_bytes, b.batch_bytes);
        }
        settings_clear(&a);
        settings_clear(&b);
    }
}

T(checking_twice_changes_nothing)
{
    struct settings s;
    static char first[16384], second[16384];

    ok_err(settings_init(&s));
    set(&s, "windows.day.size=1w");
    check(&s);
    print(&s, first, sizeof(first));
    check(&s);
    print(&s, second, sizeof(second));
    eq_str(second, first);
    eq_int(s.window[1].offset_ms, 4 * WHEN_DAY);
    settings_clear(&s);
}

static enum err count(void *arg, const char *name, const char *kind, const char *fallback,
                      const char *help)
{
    int *n = arg;

    ok(name[0] && kind[0] && fallback && help[0]);
    ++*n;
    return ERR_OK;
}

T(every_setting_is_in_the_schema_and_the_manual)
{
    struct settings s;
    struct buf schema, markdown;
    int n = 0;

    buf_init(&schema, 1 << 20);
    buf_init(&markdown, 1 << 20);
    ok_err(settings_init(&s));
    ok_err(settings_schema(&schema));
    ok_err(settings_markdown(&markdown));
    ok_err(buf_u8(&schema, 0));
    ok_err(buf_u8(&markdown, 0));
    ok_err(settings_each(count, &n));
    eq_int(n, 32);
    ok(strstr(schema.p, "\"allowed_lateness\": {") != NULL);
    ok(strstr(markdown.p, "| `allowed_lateness` | duration | `1h` |") != NULL);
    buf_clear(&schema);
    buf_clear(&markdown);
    settings_clear(&s);
}

T_OOM(starting_survives_lack_of_memory)
{
    struct settings s;
    enum err e = settings_init(&s);

    memory_again();
    if (!e)
        settings_clear(&s);
    return e;
}

T_OOM(sources_survive_lack_of_memory)
{
    struct settings s;
    struct why why;
    struct buf out;
    enum err e = settings_init(&s);

    if (e)
        return e;
    buf_init(&out, 1 << 16);
    e = settings_json(
        &s, STR("{\"db\": \"x\", \"windows\": [{\"type\": \"session\", \"gap\": \"1h\"}]}"), "f",
        &why);
    if (!e)
        e = settings_set(&s, "fields.price=Price", &why);
    if (!e)
        e = settings_print(&s, &out);
    memory_again();
    ok(s.db && s.timezone && s.fields.price);
    settings_clear(&s);
    buf_clear(&out);
    return e;
}
