/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/files.h"

#include <sys/stat.h>

/* Reads to the end, consuming `piece` bytes of each stretch (0: a varying number). */
static enum err read_all(struct source *s, size_t max, size_t piece, struct blob *to,
                         struct why *why)
{
    struct stretch st;
    uint64_t start = UINT64_MAX, r = seed();
    bool last = false;
    enum err e;

    to->n = 0;
    for (;;) {
        e = kind->read(s, max, WAIT_MS, &st, why);
        if (e)
            break;
        start = start == UINT64_MAX ? st.offset : start;
        eq_u64(st.offset, start + to->n);
        ok(!last || st.last);
        last = st.last;
        size_t n = piece > 0 ? piece : 1 + (size_t)rnd_below(&r, 3 * max);
        n = n < st.bytes.n ? n : st.bytes.n;
        ok(to->n + n <= ROOM);
        memcpy(to->p + to->n, st.bytes.p, n);
        to->n += n;
        kind->consume(s, n);
    }
    ok(e != ERR_END || last);
    return e;
}

/* ---- files read once ---- */

T(every_file_is_given_whole_whatever_the_pieces)
{
    static const size_t max[] = {1, 7, 4096, ROOM}, piece[] = {1, 3, 1000, ROOM, 0};
    static struct blob text, out;
    struct why why;

    make_text(&text, 5000);
    for (size_t i = 0; i < countof(packs); i++) {
        const char *path = write_packed(i, &text);
        for (size_t k = 0; k < countof(max) * countof(piece); k++) {
            struct source *s = open_file(path, false);
            eq_err(read_all(s, max[k % 4], piece[k / 4], &out, &why), ERR_END);
            eq_bytes(out.p, out.n, text.p, text.n);
            eq_err(peek(s, 0), ERR_END); /* and stays so */
            kind->close(s);
        }
    }
}

T(a_file_larger_than_every_buffer_is_given_whole)
{
    static struct blob text, out;
    const char *path = tmp_path("long.csv");
    struct source *s;
    struct why why;

    make_text(&text, 60000);
    FILE *f = fopen(path, "w");
    for (int i = 0; i < 30; i++)
        ok(fwrite(text.p, 1, text.n, f) == text.n);
    ok(fclose(f) == 0);
    s = open_file(path, false);
    ok_err(kind->seek(s, 29 * 60000, &why));
    eq_err(read_all(s, 10000, 10000, &out, &why), ERR_END);
    eq_bytes(out.p, out.n, text.p, text.n);
    kind->close(s);
    s = open_file(path, false);
    struct stretch st;
    for (size_t done = 0; done < 30 * 60000; done += st.bytes.n) {
        ok_err(kind->read(s, 12345, 0, &st, &why));
        eq_u64(st.offset, done);
        for (size_t i = 0; i < st.bytes.n; i++)
            ok(st.bytes.p[i] == text.p[(done + i) % 60000]);
        kind->consume(s, st.bytes.n);
    }
    kind->close(s);
}

T(an_empty_file_ends_at_once)
{
    struct source *s = open_file(tmp_write("empty", "", 0), false);
    struct source_identity id;

    ok_err(kind->identity(s, &id, NULL));
    eq_u64(id.head_len, 0);
    expect(s, 0, "", true);
    eq_err(peek(s, 0), ERR_END);
    kind->close(s);
}

T(a_full_buffer_is_given_again_and_what_is_consumed_makes_room)
{
    static struct blob text;
    struct source *s;
    struct stretch st;
    size_t full = 65536 + 65536 + 4096;

    make_text(&text, ROOM);
    s = open_file(tmp_write("wide", text.p, text.n), false);
    for (int i = 0; i < 5; i++)
        ok_err(kind->read(s, 50000, 0, &st, NULL));
    eq_u64(st.bytes.n, full);
    kind->consume(s, 1000);
    ok_err(kind->read(s, 50000, 0, &st, NULL));
    eq_bytes(st.bytes.p, st.bytes.n, text.p + 1000, full);
    eq_u64(st.offset, 1000);
    ok_err(kind->read(s, 0, 0, &st, NULL));
    eq_u64(st.bytes.n, full);
    kind->close(s);
}

T(the_last_stretch_is_given_until_it_is_consumed)
{
    struct source *s = open_file(tmp_write("x", "abc", 3), false);
    struct stretch st;

    for (int i = 0; i < 3; i++) {
        ok_err(kind->read(s, 10, 0, &st, NULL));
        ok(st.last && st.bytes.n == 3);
    }
    kind->consume(s, 1);
    expect(s, 1, "bc", true);
    eq_err(peek(s, 0), ERR_END);
    kind->close(s);
}

T(seek_goes_on_at_any_byte_of_any_format)
{
    static const uint64_t to[] = {0, 1, 1665, 1666, 1667, 4999, 5000};
    static struct blob text, out;
    struct why why;

    make_text(&text, 5000);
    for (size_t i = 0; i < countof(packs); i++) {
        const char *path = write_packed(i, &text);
        for (size_t k = 0; k < countof(to); k++) {
            struct source *s = open_file(path, false);
            struct stretch st;
            ok_err(kind->seek(s, to[k], &why));
            if (to[k] < text.n) {
                ok_err(kind->read(s, 1, 0, &st, &why));
                eq_u64(st.offset, to[k]);
            }
            eq_err(read_all(s, 700, 0, &out, &why), ERR_END);
            eq_bytes(out.p, out.n, text.p + to[k], text.n - to[k]);
            kind->close(s);
        }
        struct source *s = open_file(path, false);
        eq_err(kind->seek(s, 5001, &why), ERR_DAMAGED);
        ok(strstr(why.text, "truncated") && strstr(why.text, path));
        kind->close(s);
    }
}

T(a_seek_through_an_archive_can_be_stopped)
{
    static struct blob text;
    struct source *s;

    make_text(&text, 5000);
    s = open_file(write_packed(1, &text), false);
    env.stop = 1;
    eq_err(kind->seek(s, 3000, NULL), ERR_STOPPED);
    env.stop = 0;
    kind->close(s);
}

T(an_archive_cut_short_gives_what_it_has_then_names_file_and_byte)
{
    static struct blob text, out, archive;
    struct why why;
    char byte[32];

    make_text(&text, 400);
    for (size_t i = 1; i < countof(packs); i++) {
        archive.n = 0;
        packs[i](text.p, text.n, &archive);
        for (size_t n = 2; n < archive.n; n++) {
            const char *path = fresh("cut.gz", &archive, n);
            struct source *s = open_file(path, false);
            eq_err(read_all(s, n % 2 ? 3 : 1000, n % 3, &out, &why), ERR_DAMAGED);
            ok(memcmp(out.p, text.p, out.n) == 0);
            (void)snprintf(byte, sizeof(byte), "byte %zu;", n);
            ok(strstr(why.text, path) && strstr(why.text, byte));
            eq_err(peek(s, 0), ERR_DAMAGED);
            kind->close(s);
        }
    }
}

T(what_was_decoded_before_the_damage_can_be_consumed_in_pieces)
{
    static struct blob text, out, archive;
    struct why why;

    make_text(&text, 4000);
    archive.n = 0;
    pack_gzip(text.p, text.n, &archive);
    archive.p[archive.n - 5] = (char)~archive.p[archive.n - 5]; /* its checksum */
    for (size_t piece = 1; piece < 5000; piece *= 4) {
        struct source *s = open_file(fresh("bad", &archive, archive.n), false);
        eq_err(read_all(s, 5000, piece, &out, &why), ERR_DAMAGED);
        eq_bytes(out.p, out.n, text.p, text.n);
        kind->close(s);
    }
}

T(no_flipped_bit_does_harm)
{
    static struct blob text, out, archive;
    struct why why;

    make_text(&text, 60);
    for (size_t i = 1; i < countof(packs); i++) {
        archive.n = 0;
        packs[i](text.p, text.n, &archive);
        for (size_t bit = 0; bit < 8 * archive.n; bit++) {
            archive.p[bit / 8] = (char)(archive.p[bit / 8] ^ (1 << bit % 8));
            struct source *s = open_file(fresh("flip", &archive, archive.n), false);
            enum err e = read_all(s, 100, 0, &out, &why);
            ok(e == ERR_END || e == ERR_DAMAGED || e == ERR_LIMIT);
            kind->close(s);
            archive.p[bit / 8] = (char)(archive.p[bit / 8] ^ (1 << bit % 8));
        }
    }
}

T(what_cannot_be_read_is_said_with_name_reason_and_remedy)
{
    const char *gone = tmp_path("gone.csv");
    struct source *s = NULL;
    struct stretch st;
    struct why why;

    eq_err(kind->open(&env, &settings, gone, false, &s, &why), ERR_NOT_FOUND);
    ok(strstr(why.text, gone) && strstr(why.text, "No such file") && strstr(why.text, "--follow"));
    eq_err(kind->open(&env, &settings, tmp_dir(), false, &s, &why), ERR_IO);
    ok(strstr(why.text, "name a file in it"));
    eq_err(kind->open(&env, &settings, tmp_dir(), true, &s, &why), ERR_IO);
    ok(s == NULL);
    s = open_file("/proc/self/mem", false); /* reading at 0 gives EIO */
    eq_err(kind->read(s, 100, 0, &st, &why), ERR_IO);
    ok(strstr(why.text, "/proc/self/mem") && strstr(why.text, "goes on where it stopped"));
    eq_err(kind->read(s, 100, 0, &st, NULL), ERR_IO);
    kind->close(s);
}

T(the_identity_is_the_real_path_and_the_first_bytes_as_stored)
{
    static struct blob text;
    struct source_identity id, other;
    const char *path, *link = tmp_path("link");
    uint64_t hash;
    struct source *s;

    make_text(&text, 5000);
    path = tmp_write("real.csv", text.p, text.n);
    ok(symlink(path, link) == 0);
    s = open_file(link, false);
    ok_err(kind->identity(s, &id, NULL));
    ok(strncmp(id.path, "file:", 5) == 0 && id.resumable);
    eq_str(id.path + 5, path);
    eq_u64(id.head_len, 4096);
    eq_u64(id.head_hash, str_hash((struct str){text.p, 4096}));
    ok_err(kind->head(s, 4096, &hash));
    eq_u64(hash, id.head_hash);
    ok_err(kind->head(s, 10, &hash));
    eq_u64(hash, str_hash((struct str){text.p, 10}));
    eq_err(kind->head(s, 4097, &hash), ERR_USAGE);
    kind->close(s);
    path = tmp_write("short.csv", text.p, 10);
    s = open_file(path, false);
    ok_err(kind->identity(s, &other, NULL));
    eq_u64(other.head_len, 10);
    eq_u64(other.head_hash, hash);
    eq_err(kind->head(s, 11, &hash), ERR_NOT_FOUND);
    append(path, "x");
    ok_err(kind->head(s, 11, &hash));
    kind->close(s);
}

/* ---- stdin and pipes ---- */

/* Makes stdin the reading end of a pipe; returns the other one. */
static int pipe_to_stdin(void)
{
    int ends[2];

    ok(pipe(ends) == 0 && dup2(ends[0], STDIN_FILENO) == STDIN_FILENO && close(ends[0]) == 0);
    return ends[1];
}

T(stdin_gives_what_is_there_without_waiting_for_more)
{
    int fd = pipe_to_stdin();
    struct source *s = open_file("-", false);
    struct source_identity id;

    ok_err(kind->identity(s, &id, NULL));
    eq_str(id.path, "stdin");
    ok(!id.resumable && id.head_len == 0);
    ok_err(kind->seek(s, 0, NULL));
    eq_err(kind->seek(s, 1, NULL), ERR_USAGE);
    eq_err(kind->head(s, 0, &id.head_hash), ERR_NOT_FOUND);
    eq_err(peek(s, 0), ERR_AGAIN);
    eq_err(peek(s, 5), ERR_AGAIN);
    ok(write(fd, "one\n", 4) == 4);
    expect(s, 0, "one\n", false);
    eq_err(peek(s, 1), ERR_AGAIN);
    ok(write(fd, "two\nthr", 7) == 7);
    expect(s, 4, "two\nthr", false);
    ok(close(fd) == 0);
    expect(s, 11, "", true);
    eq_err(peek(s, 0), ERR_END);
    kind->close(s);
    ok(fcntl(STDIN_FILENO, F_GETFD) >= 0); /* it is not ours to close */
}

T(stdin_is_unpacked_as_the_bytes_come)
{
    static struct blob text, archive, out;
    struct why why;

    make_text(&text, 1000);
    for (size_t i = 0; i < countof(packs); i++) {
        int fd = pipe_to_stdin();
        struct source *s = open_file("-", true);
        archive.n = 0;
        packs[i](text.p, text.n, &archive);
        for (size_t k = 0; k < 5; k++) {
            ok(write(fd, archive.p + k, 1) == 1);
            enum err e = peek(s, 0);
            ok(e == ERR_AGAIN || (i == 0 && !e));
        }
        ok(write(fd, archive.p + 5, archive.n - 5) == (ssize_t)archive.n - 5);
        ok(close(fd) == 0);
        eq_err(read_all(s, 100, 0, &out, &why), ERR_END);
        eq_bytes(out.p, out.n, text.p, text.n);
        kind->close(s);
    }
}

T(what_gzip_has_flushed_is_given_at_once)
{
    int fd = pipe_to_stdin();
    struct source *s = open_file("-", false);
    z_stream z = {0};
    unsigned char out[1000];

    ok(deflateInit2(&z, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    for (uint64_t i = 0; i < 5; i++) {
        z.next_in = (Bytef *)(uintptr_t) "line\n";
        z.avail_in = 5;
        z.next_out = out;
        z.avail_out = sizeof(out);
        ok(deflate(&z, Z_SYNC_FLUSH) == Z_OK);
        ok(write(fd, out, sizeof(out) - z.avail_out) > 0);
        expect(s, 5 * i, "line\n", false);
        eq_err(peek(s, 0), ERR_AGAIN);
    }
    ok(deflateEnd(&z) == Z_DATA_ERROR);
    ok(close(fd) == 0);
    eq_err(peek(s, 0), ERR_DAMAGED);
    kind->close(s);
}

T(a_closed_stdin_is_an_error_not_an_empty_source)
{
    struct source *s = open_file("-", false);

    ok(close(STDIN_FILENO) == 0);
    eq_err(peek(s, 0), ERR_IO);
    kind->close(s);
}

T(a_fifo_is_waited_for_and_ends_with_its_writer)
{
    const char *path = tmp_path("fifo");
    struct source_identity id;
    struct source *s;
    int fd;

    ok(mkfifo(path, 0600) == 0);
    s = open_file(path, false); /* does not wait for a writer */
    ok_err(kind->identity(s, &id, NULL));
    eq_str(id.path + strlen("file:"), path);
    ok(!id.resumable);
    eq_err(peek(s, 2), ERR_AGAIN);
    fd = open(path, O_WRONLY);
    ok(fd >= 0 && write(fd, "a\n", 2) == 2);
    expect(s, 0, "a\n", false);
    ok(close(fd) == 0);
    expect(s, 2, "", true);
    eq_err(peek(s, 0), ERR_END);
    kind->close(s);
}

T(a_followed_fifo_outlives_its_writers)
{
    const char *path = tmp_path("fifo");
    struct source *s;

    ok(mkfifo(path, 0600) == 0);
    s = open_file(path, true);
    for (uint64_t i = 0; i < 3; i++) {
        int fd = open(path, O_WRONLY);
        ok(fd >= 0 && write(fd, "a\n", 2) == 2 && close(fd) == 0);
        expect(s, 2 * i, "a\n", false);
        eq_err(peek(s, 2), ERR_AGAIN);
    }
    kind->close(s);
}

/* ---- resources ---- */

static enum err read_once(const char *path, bool *whole)
{
    static struct blob out;
    struct source *s = NULL;
    struct stretch st;
    enum err e = kind->open(&env, &settings, path, false, &s, NULL);

    for (out.n = 0; !e;) {
        e = kind->read(s, 100, 0, &st, NULL);
        if (!e) {
            memcpy(out.p + out.n, st.bytes.p, st.bytes.n);
            out.n += st.bytes.n;
            kind->consume(s, st.bytes.n);
        }
    }
    kind->close(s);
    *whole = out.n == 1000;
    return e == ERR_END ? ERR_OK : e;
}

T_OOM(reading_survives_lack_of_memory)
{
    static struct blob text;
    bool whole;
    enum err e;

    make_text(&text, 1000);
    e = read_once(write_packed(1, &text), &whole);
    memory_again();
    ok(e || whole);
    return e;
}
