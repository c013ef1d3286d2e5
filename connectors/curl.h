/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * curl: libcurl, loaded when it is first needed. With the dozens of libraries that it brings it
 * would make every start of the program five times slower, and most runs never call it.
 */
#ifndef TILLSTREAM_CONNECTORS_CURL_H
#define TILLSTREAM_CONNECTORS_CURL_H

#include "engine/err.h"

#include <curl/curl.h>

/* Its functions, without their prefix. */
struct curl_calls {
    __typeof__(curl_global_init) *global_init;
    __typeof__(curl_global_cleanup) *global_cleanup;
    __typeof__(curl_easy_init) *easy_init;
    __typeof__(curl_easy_setopt) *easy_setopt;
    __typeof__(curl_easy_getinfo) *easy_getinfo;
    __typeof__(curl_easy_strerror) *easy_strerror;
    __typeof__(curl_easy_cleanup) *easy_cleanup;
    __typeof__(curl_multi_init) *multi_init;
    __typeof__(curl_multi_add_handle) *multi_add_handle;
    __typeof__(curl_multi_perform) *multi_perform;
    __typeof__(curl_multi_poll) *multi_poll;
    __typeof__(curl_multi_info_read) *multi_info_read;
    __typeof__(curl_multi_remove_handle) *multi_remove_handle;
    __typeof__(curl_multi_cleanup) *multi_cleanup;
    __typeof__(curl_slist_append) *slist_append;
    __typeof__(curl_slist_free_all) *slist_free_all;
    __typeof__(curl_url) *url;
    __typeof__(curl_url_set) *url_set;
    __typeof__(curl_url_get) *url_get;
    __typeof__(curl_url_cleanup) *url_cleanup;
    __typeof__(curl_free) *free;
};

/* ERR_NOT_FOUND: the library or a function is not there; the sentence says what to install. It
 * stays loaded until the program ends. */
enum err curl_load(struct curl_calls *out, struct why *why) MUST_CHECK;

#endif
