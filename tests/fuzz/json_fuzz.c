/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * json_fuzz: any bytes as a JSON source. However they are cut into stretches, wherever the
 * codec is stored and loaded, the same sales and rejects must come out, at their offsets; and
 * what is neither sale nor reject is white space, commas and brackets of lists.
 *
 * Byte 0 chooses settings, byte 1 the size of the pieces; the rest is the source.
 */
#include "tests/support/decoded.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define SOURCE_MAX 512 /* it is decoded in up to as many pieces */

static void demand(bool holds, const char *what, const char *text)
{
    if (!holds) {
        (void)fprintf(stderr, "%s: %s\n", what, text);
        abort();
    }
}

static enum err run(const struct settings *s, struct str text, struct decoded_way way,
                    struct buf *out)
{
    struct why why = {""};
    buf_init(out, (size_t)1 << 26);
    enum err e = decoded(&codec_json, s, text, way, out, &why);
    demand(!e || (e == ERR_INVALID && strstr(why.text, "UTF-16")), "decoding failed", why.text);
    demand(!buf_u8(out, 0), "out of memory", "");
    return e;
}

/* Every byte that means something is in a sale or a reject. */
static void nothing_is_dropped(const char *lines, struct str text)
{
    size_t at = text.n >= 3 && memcmp(text.p, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    while (*lines) {
        char *end;
        size_t offset = strtoull(lines, &end, 10);
        size_t length = end[0] == '+' ? strtoull(end + 1, NULL, 10) : 0;
        const char *line_end = strchr(lines, '\n');
        demand(line_end && length, "a line without a place", lines);
        for (; at < offset; at++) {
            demand(memchr(" \t\r\n,[]", text.p[at], 8), "a byte was dropped", lines);
        }
        at = offset + length;
        lines = line_end + 1;
    }
    for (; at < text.n; at++) {
        demand(memchr(" \t\r\n,[]", text.p[at], 8), "a byte was dropped at the end", "");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct settings s; /* made once, for speed */
    if (n < 2 || n > SOURCE_MAX || (!s.db && settings_init(&s))) {
        return 0;
    }
    struct str text = {(const char *)data + 2, n - 2};
    bool small = data[0] & 1;
    s.max_record = small ? 64 : 1 << 20;
    s.encoding = data[0] & 2 ? ENCODING_LATIN1 : ENCODING_UTF8;
    s.date_order = data[0] & 4 ? WHEN_DMY : WHEN_MDY;
    s.decimal_point[0] = data[0] & 8 ? ',' : '.';
    struct buf whole, pieces;
    enum err e = run(&s, text, (struct decoded_way){0}, &whole);
    /* A line of a value or a key that itself holds a line break is no line of ours. */
    bool lines = !memchr(text.p, '\\', text.n);
    if (!e && !small && lines) {
        nothing_is_dropped(whole.p, text);
    }
    for (int reopen = 0; reopen < 2; reopen++) {
        size_t step = (size_t)data[1] % 40 + 1 + 5 * (size_t)reopen;
        struct decoded_way way = {step, data[1] / 40, reopen, false};
        enum err again = run(&s, text, way, &pieces);
        demand(e == again, "pieces end otherwise", err_text(again));
        demand(e || strcmp(whole.p, pieces.p) == 0, whole.p, pieces.p);
        buf_clear(&pieces);
    }
    buf_clear(&whole);
    return 0;
}
