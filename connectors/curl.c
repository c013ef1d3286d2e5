/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Functions by name from the library's first ABI, which has been the same since 2006.
 */
#include "connectors/curl.h"

#include <dlfcn.h>
#include <stddef.h>
#include <string.h>

#define LIBRARY "libcurl.so.4"

static const struct {
    const char *name;
    size_t at;
} functions[] = {
    {"curl_global_init", offsetof(struct curl_calls, global_init)},
    {"curl_global_cleanup", offsetof(struct curl_calls, global_cleanup)},
    {"curl_easy_init", offsetof(struct curl_calls, easy_init)},
    {"curl_easy_setopt", offsetof(struct curl_calls, easy_setopt)},
    {"curl_easy_getinfo", offsetof(struct curl_calls, easy_getinfo)},
    {"curl_easy_strerror", offsetof(struct curl_calls, easy_strerror)},
    {"curl_easy_cleanup", offsetof(struct curl_calls, easy_cleanup)},
    {"curl_multi_init", offsetof(struct curl_calls, multi_init)},
    {"curl_multi_add_handle", offsetof(struct curl_calls, multi_add_handle)},
    {"curl_multi_perform", offsetof(struct curl_calls, multi_perform)},
    {"curl_multi_poll", offsetof(struct curl_calls, multi_poll)},
    {"curl_multi_info_read", offsetof(struct curl_calls, multi_info_read)},
    {"curl_multi_remove_handle", offsetof(struct curl_calls, multi_remove_handle)},
    {"curl_multi_cleanup", offsetof(struct curl_calls, multi_cleanup)},
    {"curl_slist_append", offsetof(struct curl_calls, slist_append)},
    {"curl_slist_free_all", offsetof(struct curl_calls, slist_free_all)},
    {"curl_url", offsetof(struct curl_calls, url)},
    {"curl_url_set", offsetof(struct curl_calls, url_set)},
    {"curl_url_get", offsetof(struct curl_calls, url_get)},
    {"curl_url_cleanup", offsetof(struct curl_calls, url_cleanup)},
    {"curl_free", offsetof(struct curl_calls, free)},
};

enum err curl_load(struct curl_calls *out, struct why *why)
{
    void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);

    if (!library)
        return why_set(why, ERR_NOT_FOUND,
                       LIBRARY " can't be loaded, without which nothing is sent: install libcurl "
                               "(on Debian and Ubuntu the package libcurl4)");
    for (size_t i = 0; i < countof(functions); i++) {
        void *found = dlsym(library, functions[i].name);
        if (!found)
            return why_set(why, ERR_NOT_FOUND, LIBRARY " has no %s: install a newer libcurl",
                           functions[i].name);
        memcpy((char *)out + functions[i].at, &found, sizeof(found));
    }
    return ERR_OK;
}
