/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * lines: LF, CR LF and CR, also where a CR LF is cut by two stretches.
 */
#include "engine/lines.h"

#include "tests/support/t.h"

#include <stdio.h>

static int64_t line_of(const char *text, uint64_t offset, int64_t batch)
{
    const char *path = tmp_path("lines.csv");
    FILE *file = fopen(path, "wb");
    struct settings settings;

    ok(file && fputs(text, file) >= 0 && fclose(file) == 0);
    ok_err(settings_init(&settings));
    settings.batch_bytes = batch;
    int64_t line =
        lines_at(&(struct lines_source){env_real(), &settings, &source_file, path}, offset);
    settings_clear(&settings);
    return line;
}

T(a_position_is_on_the_line_an_editor_shows)
{
    static const int64_t batches[] = {1 << 20, 1, 2, 3};

    for (size_t i = 0; i < countof(batches); i++) {
        eq_int(line_of("a\nb\nc\n", 0, batches[i]), 1);
        eq_int(line_of("a\nb\nc\n", 4, batches[i]), 3);
        eq_int(line_of("a\r\nb\r\nc\r\n", 6, batches[i]), 3);
        eq_int(line_of("a\rb\rc\r", 4, batches[i]), 3);
        eq_int(line_of("a\r\nb\r\nc\r\n", 4, batches[i]), 2);
    }
}

T(a_pipe_has_no_lines_to_go_back_to)
{
    struct settings settings;

    ok_err(settings_init(&settings));
    eq_int(
        lines_at(&(struct lines_source){env_real(), &settings, &source_file, "/nowhere/at/all.csv"},
                 5),
        0);
    settings_clear(&settings);
}
