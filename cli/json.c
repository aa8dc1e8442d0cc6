/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "json.h"

#include <errno.h>
#include <string.h>

const char *json_text(const json_t *object, const char *key) {
        const char *text = json_string_value(json_object_get(object, key));

        return text ? text : "";
}

bool json_flag(const json_t *object, const char *key) {
        return json_is_true(json_object_get(object, key));
}

json_t *json_path(const char *path) {
        AUTO_FREE char *text = NULL;

        if (!path)
                return json_null();
        if (utf8_valid(path, strlen(path)))
                return json_string(path);
        text = strdup(path);
        if (!text)
                return NULL;
        make_one_line(text);
        return json_string(text);
}

int json_complete(json_t *object, const char *const *keys) {
        for (; *keys; keys++) {
                const json_t *value = json_object_get(object, *keys);

                if ((!value || (json_is_string(value) && !*json_string_value(value))) &&
                    json_object_set_new(object, *keys, json_null()) < 0)
                        return -ENOMEM;
        }
        return 0;
}
