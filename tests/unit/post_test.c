/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * post: what it says of an address, and receivers that are not there or say nothing. Those that
 * answer are in tests/e2e/test_alerts.py.
 */
#include "connectors/post.h"

#include "tests/support/t.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void has_host(const char *url, const char *host)
{
    struct post *p = NULL;

    ok_err(post_open(url, &p, NULL));
    eq_str(post_host(p), host);
    post_close(p);
}

T(only_the_host_of_an_address_is_named)
{
    has_host("https://hooks.example/services/T0/secret?token=secret#secret", "hooks.example");
    has_host("https://user:secret@hooks.example:8443/x", "hooks.example");
    has_host("https://user:se%40cret@hooks.example", "hooks.example");
    has_host("http://secret@127.0.0.1:80?secret", "127.0.0.1");
    has_host("http://user:secret@[::1]:8080/", "[::1]");
}

static void is_refused(const char *url)
{
    struct post *p = NULL;
    struct why why = {""};

    eq_err(post_open(url, &p, &why), ERR_INVALID);
    ok(p == NULL);
    ok(strstr(why.text, "https://host.example/path") != NULL);
    ok(strstr(why.text, "secret") == NULL);
}

T(an_address_without_a_host_is_refused_and_not_shown)
{
    is_refused("https://");
    is_refused("https://user:secret@/path");
    is_refused("http://host:secret/");
    is_refused("https://user:sec/ret@secret host/");
}

/* A socket of this machine; with a port that nobody listens at until `listens`. */
static int local_socket(bool listens, char *url, size_t size)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    ok(fd >= 0);
    ok(bind(fd, (const struct sockaddr *)&at, n) == 0);
    ok(!listens || listen(fd, 8) == 0);
    ok(getsockname(fd, (struct sockaddr *)&at, &n) == 0);
    (void)snprintf(url, size, "http://user:secret@127.0.0.1:%d/secret", ntohs(at.sin_port));
    return fd;
}

static enum err send_to(const char *url, bool stop, struct why *why)
{
    atomic_bool flag = stop;
    const struct post_letter letter = {
        .body = STR("{}"), .key = "invoice:1\r\nX: y", .timeout_ms = 200, .stop = &flag};
    struct post *p = NULL;
    int64_t wait_ms = 7;

    ok_err(post_open(url, &p, why));
    enum err e = post_send(p, &letter, &wait_ms, why);
    eq_int(wait_ms, 0);
    post_close(p);
    return e;
}

T(a_receiver_that_is_not_there_is_tried_again)
{
    char url[100];
    struct why why = {""};
    int fd = local_socket(false, url, sizeof(url));

    eq_err(send_to(url, false, &why), ERR_AGAIN);
    ok(strncmp(why.text, "127.0.0.1: ", 11) == 0);
    ok(strstr(why.text, "secret") == NULL);
    (void)close(fd);
}

T(a_receiver_that_says_nothing_is_waited_for_until_the_time_is_up)
{
    char url[100];
    struct why why = {""};
    int fd = local_socket(true, url, sizeof(url));

    eq_err(send_to(url, false, &why), ERR_AGAIN);
    ok(strncmp(why.text, "127.0.0.1: ", 11) == 0);
    (void)close(fd);
}

T(a_stop_ends_the_wait_for_a_receiver)
{
    char url[100];
    struct why why = {""};
    int fd = local_socket(true, url, sizeof(url));

    eq_err(send_to(url, true, &why), ERR_STOPPED);
    (void)close(fd);
}

T_OOM(sending_survives_lack_of_memory)
{
    const atomic_bool stop = false;
    const struct post_letter letter = {
        .body = STR("{}"), .key = "invoice:1", .timeout_ms = 1000, .stop = &stop};
    struct post *p = NULL;
    int64_t wait_ms = 0;
    enum err e = post_open("http://127.0.0.1:1/", &p, NULL);

    if (!e)
        e = post_send(p, &letter, &wait_ms, NULL);
    post_close(p);
    return e == ERR_AGAIN ? ERR_OK : e; /* nobody listens there */
}
