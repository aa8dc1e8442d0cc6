/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "json.h"

const char *json_text(const json_t *object, const char *key) {
        const char *text = json_string_value(json_object_get(object, key));

        return text ? text : "";
}

bool json_flag(const json_t *object, const char *key) {
        return json_is_true(json_object_get(object, key));
}
