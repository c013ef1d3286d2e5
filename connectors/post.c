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

#include "engine/buf.h"
#include "engine/version.h"

#include <curl/curl.h>
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
    CURLU *parts = curl_url();
    char *host = NULL;
    bool found = parts && curl_url_set(parts, CURLUPART_URL, p->url, 0) == CURLUE_OK &&
                 curl_url_get(parts, CURLUPART_HOST, &host, 0) == CURLUE_OK && host && host[0] &&
                 strlen(host) < sizeof(p->host);

    if (found)
        memcpy(p->host, host, strlen(host) + 1);
    curl_free(host);
    curl_url_cleanup(parts);
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
    CURLcode rc = curl_easy_setopt(p->easy, CURLOPT_URL, p->url);

    if (!rc)
        rc = curl_easy_setopt(p->easy, CURLOPT_NOSIGNAL, 1L);
    if (!rc)
        rc = curl_easy_setopt(p->easy, QUICK_EXIT, 1L);
    if (!rc)
        rc = curl_easy_setopt(p->easy, CURLOPT_POST, 1L);
    if (!rc)
        rc = curl_easy_setopt(p->easy, CURLOPT_FOLLOWLOCATION, 0L);
    if (!rc)
        rc = curl_easy_setopt(p->easy, CURLOPT_SSL_VERIFYPEER, 1L);
    if (!rc)
        rc = curl_easy_setopt(p->easy, CURLOPT_SSL_VERIFYHOST, 2L);
    if (!rc && authorities)
        rc = curl_easy_setopt(p->easy, CURLOPT_CAINFO, authorities);
    if (!rc)
        rc = curl_easy_setopt(p->easy, CURLOPT_WRITEFUNCTION, throw_away);
    if (!rc)
        rc = curl_easy_setopt(p->easy, CURLOPT_USERAGENT, "tillstream/" VERSION_TEXT);
    return rc ? out_of_memory(why) : ERR_OK;
}

enum err post_open(const char *url, struct post **out, struct why *why)
{
    struct post *p = calloc(1, sizeof(*p));

    if (!p || curl_global_init(CURL_GLOBAL_DEFAULT)) {
        free(p);
        return out_of_memory(why);
    }
    p->url = malloc(strlen(url) + 1);
    if (p->url)
        memcpy(p->url, url, strlen(url) + 1);
    p->multi = curl_multi_init();
    p->easy = curl_easy_init();
    enum err e = p->url && p->multi && p->easy ? find_host(p, why) : out_of_memory(why);
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
    curl_easy_cleanup(p->easy);
    (void)curl_multi_cleanup(p->multi);
    free(p->url);
    free(p);
    curl_global_cleanup();
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

static enum err add_header(struct curl_slist **headers, const char *line)
{
    struct curl_slist *more = curl_slist_append(*headers, line);

    if (more)
        *headers = more;
    return more ? ERR_OK : ERR_NOMEM;
}

static enum err make_headers(const char *key, struct curl_slist **out)
{
    struct buf line;

    buf_init(&line, KEY_MAX);
    enum err e = key_header(key, &line);
    if (!e)
        e = add_header(out, line.p);
    if (!e)
        e = add_header(out, "Content-Type: application/json");
    if (!e)
        e = add_header(out, "Expect:");
    buf_clear(&line);
    return e;
}

static CURLcode result_of(struct post *p)
{
    int left = 0;
    CURLMsg *m = curl_multi_info_read(p->multi, &left);

    return m && m->msg == CURLMSG_DONE ? m->data.result : CURLE_SEND_ERROR;
}

static enum err transfer(struct post *p, const struct post_letter *letter, CURLcode *result)
{
    int running = 1;
    CURLMcode rc = curl_multi_add_handle(p->multi, p->easy);

    if (rc)
        return ERR_NOMEM;
    while (!rc && running && !atomic_load(letter->stop)) {
        rc = curl_multi_perform(p->multi, &running);
        if (!rc && running)
            rc = curl_multi_poll(p->multi, NULL, 0, TURN_MS, NULL);
    }
    *result = result_of(p);
    (void)curl_multi_remove_handle(p->multi, p->easy);
    if (!rc && running)
        return ERR_STOPPED;
    return rc ? ERR_NOMEM : ERR_OK;
}

static enum err judge(struct post *p, int64_t *wait_ms, struct why *why)
{
    curl_off_t wait_s = 0;
    long code = 0;

    (void)curl_easy_getinfo(p->easy, CURLINFO_RESPONSE_CODE, &code);
    (void)curl_easy_getinfo(p->easy, CURLINFO_RETRY_AFTER, &wait_s);
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
        return why_set(why, ERR_AGAIN, "%s: %s", p->host, curl_easy_strerror(rc));
    return judge(p, wait_ms, why);
}

enum err post_send(struct post *p, const struct post_letter *letter, int64_t *wait_ms,
                   struct why *why)
{
    struct curl_slist *headers = NULL;
    enum err e = make_headers(letter->key, &headers);
    CURLcode rc = CURLE_OK;

    *wait_ms = 0;
    if (!e) {
        rc = curl_easy_setopt(p->easy, CURLOPT_HTTPHEADER, headers);
        if (!rc)
            rc = curl_easy_setopt(p->easy, CURLOPT_TIMEOUT_MS, (long)letter->timeout_ms);
        if (!rc)
            rc = curl_easy_setopt(p->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)letter->body.n);
        if (!rc)
            rc = curl_easy_setopt(p->easy, CURLOPT_POSTFIELDS, letter->body.p);
    }
    e = e || rc ? out_of_memory(why) : send_with(p, letter, wait_ms, why);
    (void)curl_easy_setopt(p->easy, CURLOPT_HTTPHEADER, NULL);
    curl_slist_free_all(headers);
    return e;
}
