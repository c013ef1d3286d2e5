/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * csv_fuzz: any bytes as a CSV source. However they are cut into stretches, wherever the codec
 * is stored and loaded, the same sales and rejects must come out, at their offsets; and what
 * is neither sale nor reject is the header and line ends.
 *
 * Byte 0 chooses settings, byte 1 the size of the pieces; the rest is the source, behind a
 * header unless byte 0 says that it brings its own.
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
    enum err e = decoded(&codec_csv, s, text, way, out, &why);
    demand(!e || e == ERR_INVALID, "decoding failed", why.text);
    demand(!buf_u8(out, 0), "out of memory", "");
    return e;
}

/* Every byte behind the header that means something is in a sale or a reject. */
static void nothing_is_dropped(const char *lines, struct str text, size_t at)
{
    while (*lines) {
        char *end;
        size_t offset = strtoull(lines, &end, 10);
        size_t length = end[0] == '+' ? strtoull(end + 1, NULL, 10) : 0;
        const char *line_end = strchr(lines, '\n');
        demand(line_end && length, "a line without a place", lines);
        for (; at < offset; at++) {
            demand(memchr("\r\n", text.p[at], 2), "a byte was dropped", lines);
        }
        at = offset + length;
        lines = line_end + 1;
    }
    for (; at < text.n; at++) {
        demand(memchr("\r\n", text.p[at], 2), "a byte was dropped at the end", "");
    }
}

static const char header[] = "Invoice,StockCode,Description,Quantity,InvoiceDate,Price,Country\n";
#define HEADER_BYTES (sizeof header - 1)

/* All at once, then in pieces, then in pieces with the codec stored in between. */
static void compare(const struct settings *s, struct str text, size_t header_bytes, uint8_t pieces)
{
    struct buf whole, again;
    enum err e = run(s, text, (struct decoded_way){0}, &whole);
    /* A key that itself holds a line break makes two lines of one. */
    if (!e && header_bytes && s->max_record > 64 && !memchr(text.p, '"', text.n)) {
        nothing_is_dropped(whole.p, text, header_bytes);
    }
    for (int reopen = 0; reopen < 2; reopen++) {
        size_t step = (size_t)pieces % 40 + 1 + 5 * (size_t)reopen;
        struct decoded_way way = {step, pieces / 40, reopen, false};
        enum err other = run(s, text, way, &again);
        demand(e == other, "pieces end otherwise", err_text(other));
        demand(e || strcmp(whole.p, again.p) == 0, whole.p, again.p);
        buf_clear(&again);
    }
    buf_clear(&whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct settings s; /* made once, for speed */
    if (n < 2 || n > SOURCE_MAX || (!s.db && settings_init(&s))) {
        return 0;
    }
    bool small = data[0] & 1, own = data[0] & 16;
    s.max_record = small ? 64 : 1 << 20;
    s.encoding = data[0] & 2 ? ENCODING_LATIN1 : ENCODING_UTF8;
    s.date_order = data[0] & 4 ? WHEN_DMY : WHEN_MDY;
    s.decimal_point[0] = data[0] & 8 ? ',' : '.';
    size_t before = own ? 0 : HEADER_BYTES;
    char *text = malloc(before + n);
    demand(text, "out of memory", "");
    memcpy(text, header, before);
    memcpy(text + before, data + 2, n - 2);
    compare(&s, (struct str){text, before + n - 2}, before, data[1]);
    free(text);
    return 0;
}
