/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "remote_json.h"

#include <errno.h>

static int read_value(sd_bus_message *message, char type, const char *contents, json_t **ret);

static int read_basic(sd_bus_message *message, char type, json_t **ret) {
        union {
                const char *text;
                int flag; /* of type 'b' */
                uint32_t u;
                uint64_t t;
                int32_t i;
                int64_t x;
        } value;
        int r;

        r = sd_bus_message_read_basic(message, type, &value);
        if (r < 0)
                return r;
        switch (type) {
        case SD_BUS_TYPE_STRING:
        case SD_BUS_TYPE_OBJECT_PATH:
                *ret = json_string(value.text);
                break;
        case SD_BUS_TYPE_BOOLEAN:
                *ret = json_boolean(value.flag);
                break;
        case SD_BUS_TYPE_UINT32:
                *ret = json_integer(value.u);
                break;
        case SD_BUS_TYPE_UINT64:
                *ret = json_integer((json_int_t)value.t);
                break;
        case SD_BUS_TYPE_INT32:
                *ret = json_integer(value.i);
                break;
        case SD_BUS_TYPE_INT64:
                *ret = json_integer(value.x);
                break;
        default:
                return -EBADMSG; /* not of this interface */
        }
        return *ret ? 0 : -ENOMEM;
}

/* Every value up to the end of the container that is open, into an array; entries of a dict into an object. */
static int read_values(sd_bus_message *message, json_t *array, json_t *object) {
        for (;;) {
                AUTO_JSON json_t *value = NULL;
                const char *contents, *key;
                char type;
                int r;

                r = sd_bus_message_peek_type(message, &type, &contents);
                if (r <= 0)
                        return r;
                if (type == SD_BUS_TYPE_DICT_ENTRY) {
                        r = sd_bus_message_enter_container(message, type, contents);
                        if (r >= 0)
                                r = sd_bus_message_read_basic(message, SD_BUS_TYPE_STRING, &key);
                        if (r >= 0)
                                r = sd_bus_message_peek_type(message, &type, &contents);
                        if (r >= 0)
                                r = read_value(message, type, contents, &value);
                        if (r >= 0)
                                r = sd_bus_message_exit_container(message);
                        if (r >= 0 && json_object_set(object, key, value) < 0)
                                r = -ENOMEM;
                } else {
                        r = read_value(message, type, contents, &value);
                        if (r >= 0 && json_array_append(array, value) < 0)
                                r = -ENOMEM;
                }
                if (r < 0)
                        return r;
        }
}

static int read_container(sd_bus_message *message, char type, const char *contents, json_t **ret) {
        AUTO_JSON json_t *array = json_array(), *object = json_object();
        bool is_dict =
                contents[0] == SD_BUS_TYPE_DICT_ENTRY_BEGIN; /* it lives until the next peek */
        int r;

        if (!array || !object)
                return -ENOMEM;
        r = sd_bus_message_enter_container(message, type, contents);
        if (r >= 0)
                r = read_values(message, array, object);
        if (r >= 0)
                r = sd_bus_message_exit_container(message);
        if (r < 0)
                return r;

        if (type == SD_BUS_TYPE_VARIANT)
                *ret = json_incref(json_array_get(array, 0));
        else if (is_dict)
                *ret = STEAL(object);
        else
                *ret = STEAL(array);
        return 0;
}

static int read_value(sd_bus_message *message, char type, const char *contents, json_t **ret) {
        if (type == SD_BUS_TYPE_ARRAY || type == SD_BUS_TYPE_VARIANT)
                return read_container(message, type, contents, ret);
        return read_basic(message, type, ret);
}

int message_to_json(sd_bus_message *message, json_t **ret) {
        AUTO_JSON json_t *array = json_array();
        int r;

        if (!array)
                return -ENOMEM;
        r = read_values(message, array, NULL);
        if (r < 0)
                return r;
        *ret = STEAL(array);
        return 0;
}
