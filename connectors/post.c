/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * post: one HTTP POST after another with libcurl, over one connection where that lasts.
 *
 * The transfer is driven in turns of TURN_MS, so a stop is seen soon even where the receiver
 * says nothing at all. Certificates are checked (SSL_CERT_FILE names other authorities than the
 * system's). Redirects are not followed, since they could
 * hand the text to another host: the address of the real one is to be configured.
 *
 *   answer                       what it means
 *   2xx                          done
 *   408, 429, 3xx, 5xx, others   worth another try
 *   another 4xx                  refused: trying again would change nothing
 *   no answer                    worth another try
 *
 * Invariants:
 *  1. No text made here comes from the address, but for the host.
 *  2. What the receiver sends is thrown away.
 */
#include "connectors/post.h"

#include "connectors/curl.h"
#include "engine/buf.h"
#include "engine/version.h"

#include <stdlib.h>

#define TURN_MS 50
#define KEY_MAX ((size_t)4096)
#define HOST_MAX 200

/* A name server that doesn't answer must not hold up the end. */
#if LIBCURL_VERSION_NUM >= 0x075700
#define QUICK_EXIT CURLOPT_QUICK_EXIT
#else
#define QUICK_EXIT CURLOPT_NOSIGNAL
#endif

struct post {
    struct curl_calls curl;
    CURLM *multi;
    CURL *easy;
    char *url;
    char host[HOST_MAX];
};

static enum err out_of_memory(struct why *why)
{
    return why_set(why, ERR_NOMEM, "out of memory");
}

/* The host alone, as libcurl will understand the address. */
static enum err find_host(struct post *p, struct why *why)
{
    CURLU *parts = p->curl.url();
    char *host = NULL;
    bool found = parts && p->curl.url_set(parts, CURLUPART_URL, p->url, 0) == CURLUE_OK &&
                 p->curl.url_get(parts, CURLUPART_HOST, &host, 0) == CURLUE_OK && host && host[0] &&
                 strlen(host) < sizeof(p->host);

    if (found)
        memcpy(p->host, host, strlen(host) + 1);
    p->curl.free(host);
    p->curl.url_cleanup(parts);
    if (!parts)
        return out_of_memory(why);
    return found
               ? ERR_OK
               : why_set(why, ERR_INVALID,
                         "the address of `alert` is not one of a host: write it like "
                         "https://host.example/path (it is not shown, as it may hold a password)");
}

static size_t throw_away(char *p, size_t size, size_t n, void *arg)
{
    (void)p;
    (void)arg;
    return size * n;
}

static enum err prepare(struct post *p, struct why *why)
{
    const char *authorities = getenv("SSL_CERT_FILE"); /* as curl does: instead of the system's */
    CURLcode rc = p->curl.easy_setopt(p->easy, CURLOPT_URL, p->url);

    if (!rc)
        rc = p->curl.easy_setopt(p->easy, CURLOPT_NOSIGNAL, 1L);
    if (!rc)
        rc = p->curl.easy_setopt(p->easy, QUICK_EXIT, 1L);
    if (!rc)
        rc = p->curl.easy_setopt(p->easy, CURLOPT_POST, 1L);
    if (!rc)
        rc = p->curl.easy_setopt(p->easy, CURLOPT_FOLLOWLOCATION, 0L);
    if (!rc)
        rc = p->curl.easy_setopt(p->easy, CURLOPT_SSL_VERIFYPEER, 1L);
    if (!rc)
        rc = p->curl.easy_setopt(p->easy, CURLOPT_SSL_VERIFYHOST, 2L);
    if (!rc && authorities)
        rc = p->curl.easy_setopt(p->easy, CURLOPT_CAINFO, authorities);
    if (!rc)
        rc = p->curl.easy_setopt(p->easy, CURLOPT_WRITEFUNCTION, throw_away);
    if (!rc)
        rc = p->curl.easy_setopt(p->easy, CURLOPT_USERAGENT, "tillstream/" VERSION_TEXT);
    return rc ? out_of_memory(why) : ERR_OK;
}

enum err post_open(const char *url, struct post **out, struct why *why)
{
    struct post *p = calloc(1, sizeof(*p));

    if (!p)
        return out_of_memory(why);
    enum err e = curl_load(&p->curl, why);
    if (!e && p->curl.global_init(CURL_GLOBAL_DEFAULT))
        e = out_of_memory(why);
    if (e) {
        free(p);
        return e;
    }
    p->url = malloc(strlen(url) + 1);
    if (p->url)
        memcpy(p->url, url, strlen(url) + 1);
    p->multi = p->curl.multi_init();
    p->easy = p->curl.easy_init();
    e = p->url && p->multi && p->easy ? find_host(p, why) : out_of_memory(why);
    if (!e)
        e = prepare(p, why);
    if (e)
        post_close(p);
    else
        *out = p;
    return e;
}

void post_close(struct post *p)
{
    if (!p)
        return;
    p->curl.easy_cleanup(p->easy);
    (void)p->curl.multi_cleanup(p->multi);
    p->curl.global_cleanup();
    free(p->url);
    free(p);
}

const char *post_host(const struct post *p)
{
    return p->host;
}

/* ---- sending ---- */

/* A key comes from data: only what may stand in a header, the rest as %XX. */
static enum err key_header(const char *key, struct buf *out)
{
    enum err e = buf_text(out, "Idempotency-Key: ");

    for (; !e && *key; key++) {
        unsigned char c = (unsigned char)*key;

        e = c > 0x20 && c < 0x7f && c != '%' ? buf_u8(out, c) : buf_printf(out, "%%%02X", c);
    }
    return e ? e : buf_u8(out, 0);
}

static enum err add_header(const struct post *p, struct curl_slist **headers, const char *line)
{
    struct curl_slist *more = p->curl.slist_append(*headers, line);

    if (more)
        *headers = more;
    return more ? ERR_OK : ERR_NOMEM;
}

static enum err make_headers(const struct post *p, const char *key, struct curl_slist **out)
{
    struct buf line;

    buf_init(&line, KEY_MAX);
    enum err e = key_header(key, &line);
    if (!e)
        e = add_header(p, out, line.p);
    if (!e)
        e = add_header(p, out, "Content-Type: application/json");
    if (!e)
        e = add_header(p, out, "Expect:");
    buf_clear(&line);
    return e;
}

static CURLcode result_of(struct post *p)
{
    int left = 0;
    CURLMsg *m = p->curl.multi_info_read(p->multi, &left);

    return m && m->msg == CURLMSG_DONE ? m->data.result : CURLE_SEND_ERROR;
}

static enum err transfer(struct post *p, const struct post_letter *letter, CURLcode *result)
{
    int running = 1;
    CURLMcode rc = p->curl.multi_add_handle(p->multi, p->easy);

    if (rc)
        return ERR_NOMEM;
    while (!rc && running && !atomic_load(letter->stop)) {
        rc = p->curl.multi_perform(p->multi, &running);
        if (!rc && running)
            rc = p->curl.multi_poll(p->multi, NULL, 0, TURN_MS, NULL);
    }
    *result = result_of(p);
    (void)p->curl.multi_remove_handle(p->multi, p->easy);
    if (!rc && running)
        return ERR_STOPPED;
    return rc ? ERR_NOMEM : ERR_OK;
}

static enum err judge(struct post *p, int64_t *wait_ms, struct why *why)
{
    curl_off_t wait_s = 0;
    long code = 0;

    (void)p->curl.easy_getinfo(p->easy, CURLINFO_RESPONSE_CODE, &code);
    (void)p->curl.easy_getinfo(p->easy, CURLINFO_RETRY_AFTER, &wait_s);
    *wait_ms = wait_s > 0 && wait_s < 1000000 ? (int64_t)wait_s * 1000 : 0;
    if (code >= 200 && code < 300)
        return ERR_OK;
    bool refused = code >= 400 && code < 500 && code != 408 && code != 429;
    return why_set(why, refused ? ERR_INVALID : ERR_AGAIN, "%s answered %ld%s", p->host, code,
                   code >= 300 && code < 400 ? " (redirects are not followed)" : "");
}

static enum err send_with(struct post *p, const struct post_letter *letter, int64_t *wait_ms,
                          struct why *why)
{
    CURLcode rc = CURLE_OK;
    enum err e = transfer(p, letter, &rc);

    if (e == ERR_STOPPED)
        return e;
    if (e || rc == CURLE_OUT_OF_MEMORY)
        return out_of_memory(why);
    if (rc)
        return why_set(why, ERR_AGAIN, "%s: %s", p->host, p->curl.easy_strerror(rc));
    return judge(p, wait_ms, why);
}

enum err post_send(struct post *p, const struct post_letter *letter, int64_t *wait_ms,
                   struct why *why)
{
    struct curl_slist *headers = NULL;
    enum err e = make_headers(p, letter->key, &headers);
    CURLcode rc = CURLE_OK;

    *wait_ms = 0;
    if (!e) {
        rc = p->curl.easy_setopt(p->easy, CURLOPT_HTTPHEADER, headers);
        if (!rc)
            rc = p->curl.easy_setopt(p->easy, CURLOPT_TIMEOUT_MS, (long)letter->timeout_ms);
        if (!rc)
            rc = p->curl.easy_setopt(p->easy, CURLOPT_POSTFIELDSIZE_LARGE,
                                     (curl_off_t)letter->body.n);
        if (!rc)
            rc = p->curl.easy_setopt(p->easy, CURLOPT_POSTFIELDS, letter->body.p);
    }
    e = e || rc ? out_of_memory(why) : send_with(p, letter, wait_ms, why);
    (void)p->curl.easy_setopt(p->easy, CURLOPT_HTTPHEADER, NULL);
    p->curl.slist_free_all(headers);
    return e;
}
