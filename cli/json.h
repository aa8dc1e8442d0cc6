/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <jansson.h>

#include "core/util.h"

static inline void json_decref_p(json_t **json) {
        json_decref(*json);
}
#define AUTO_JSON CLEANUP(json_decref_p)

/* What stands in an object, or what is said where it does not. */
const char *json_text(const json_t *object, const char *key); /* "" */
bool json_flag(const json_t *object, const char *key);        /* false */

/* A path, whose bytes are not always UTF-8: each that is not is shown as '?'. NULL gives null. */
json_t *json_path(const char *path);

/* What has nothing to say is null: of these keys those that are missing, or an empty text. Returns 0 or -ENOMEM. */
int json_complete(json_t *object, const char *const *keys);
