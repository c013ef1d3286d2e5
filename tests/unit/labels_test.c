/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "commands/labels.h"
#include "tests/support/t.h"

#include <stdio.h>

static const char *text_of(const struct labels *l, const char *invoice)
{
    static char text[200];
    const struct label *found = labels_find(l, str_of(invoice));
    struct str type = found ? labels_str(found, found->type) : STR("none");
    struct str event = found ? labels_str(found, found->event) : STR("");

    (void)snprintf(text, sizeof(text), "%.*s|%.*s", (int)type.n, type.p, (int)event.n, event.p);
    return text;
}

T(columns_are_found_by_name_and_each_invoice_is_there_once)
{
    struct labels l;

    labels_init(&l);
    ok_err(labels_csv(&l,
                      STR("\xEF\xBB\xBF"
                          "detail,type,InvoiceNo,event\r\n"
                          "a,night,544357,e1\r\n"
                          "\"a, \"\"b\"\"\nc\",\"x, \"\"y\"\"\",2,\r\n"
                          ",again,544357,e2\r\n"
                          "\r\n"
                          ",last,C9,e3"),
                      "labels", NULL));
    ok_err(labels_csv(&l, STR("Invoice\n7\n7\n\n8\n"), "more", NULL));
    labels_sort(&l);
    eq_int(l.list.n, 5);
    eq_str(text_of(&l, "544357"), "night|e1");
    eq_str(text_of(&l, "2"), "x, \"y\"|");
    eq_str(text_of(&l, "C9"), "last|e3");
    eq_str(text_of(&l, "8"), "|");
    eq_str(text_of(&l, "5"), "none|");
    eq_str(text_of(&l, ""), "none|");
    labels_clear(&l);
}

T(a_file_without_the_column_or_without_anything_is_refused)
{
    const char *bad[] = {"", "\n", "number,type\n1,night\n", "\"InvoiceNo"};
    struct why why;
    struct labels l;

    labels_init(&l);
    for (size_t i = 0; i + 1 < countof(bad); i++) {
        eq_err(labels_csv(&l, str_of(bad[i]), "file.csv", &why), ERR_INVALID);
        eq_int(strncmp(why.text, "file.csv: ", 10), 0);
    }
    /* A quote that is not closed ends with the file. */
    ok_err(labels_csv(&l, str_of(bad[3]), "file.csv", &why));
    eq_err(labels_file(&l, "/nowhere/labels.csv", &why), ERR_NOT_FOUND);
    eq_int(l.list.n, 0);
    labels_sort(&l);
    ok(!labels_find(&l, STR("1")));
    labels_clear(&l);
}

T(a_large_file_is_read_whole)
{
    const char *path = tmp_path("large.csv");
    FILE *file = fopen(path, "wb");
    struct labels l;

    ok(file != NULL);
    (void)fprintf(file, "InvoiceNo,type\n");
    for (int i = 0; i < 30000; i++)
        (void)fprintf(file, "%d,type %d\n", i * 7919 % 30000, i * 7919 % 30000);
    (void)fclose(file);
    labels_init(&l);
    ok_err(labels_file(&l, path, NULL));
    labels_sort(&l);
    eq_int(l.list.n, 30000);
    eq_str(text_of(&l, "29999"), "type 29999|");
    labels_clear(&l);
}

T_OOM(labels_survive_lack_of_memory)
{
    struct labels l;
    enum err e;

    labels_init(&l);
    e = labels_csv(&l, STR("InvoiceNo,type\n1,a\n2,b\n"), "labels", NULL);
    memory_again();
    if (!e)
        eq_int(l.list.n, 2);
    labels_clear(&l);
    return e;
}
