/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "remote.h"

#include <errno.h>
#include <string.h>

#include "message.h"
#include "remote_json.h"

#define ERRORS "org.xsavesd1.Error."

/* The first is D-Bus' usual one; the second for what waits for libvirt, and libvirt waits for hooks. */
#define ANSWER_USEC (UINT64_C(25) * 1000 * 1000)
#define LONG_ANSWER_USEC (UINT64_C(30) * 60 * 1000 * 1000)
#define WAIT_USEC (UINT64_C(200) * 1000)

/* --- the connection --- */

int remote_try_open(const struct cli *cli, sd_bus **ret) {
        AUTO_BUS sd_bus *bus = NULL;
        int r;

        if (!cli->bus)
                return sd_bus_open_system_with_description(ret, "xsavesctl");
        r = sd_bus_new(&bus);
        if (r >= 0)
                r = sd_bus_set_address(bus, cli->bus);
        if (r >= 0)
                r = sd_bus_set_bus_client(bus, true);
        if (r >= 0)
                r = sd_bus_start(bus);
        if (r < 0)
                return r;
        *ret = STEAL(bus);
        return 0;
}

static int unreachable(const char *why) {
        return no_daemon(
                "the daemon cannot be reached: %s; start it with `systemctl start xsavesd`", why);
}

int remote_open(const struct cli *cli, sd_bus **ret) {
        int r;

        r = remote_try_open(cli, ret);
        if (r == -ENOMEM)
                return r;
        return r < 0 ? unreachable(strerror(-r)) : STATUS_OK;
}

/* --- errors --- */

static int say_lines(const char *text) {
        AUTO_FREE char *copy = NULL;
        char *rest, *line;
        int r;

        r = strdup_to(&copy, text);
        if (r < 0)
                return r;
        for (line = strtok_r(copy, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
                say("%s", line);
        return 0;
}

static bool is_outage(const char *error) {
        static const char *const outages[] = {
                SD_BUS_ERROR_SERVICE_UNKNOWN,
                SD_BUS_ERROR_NAME_HAS_NO_OWNER,
                SD_BUS_ERROR_NO_REPLY,
                SD_BUS_ERROR_TIMEOUT,
                SD_BUS_ERROR_DISCONNECTED,
                SD_BUS_ERROR_NO_SERVER,
                "org.freedesktop.DBus.Error.TimedOut", /* the bus's, of an activation */
        };

        for (size_t i = 0; i < ELEMENTS_OF(outages); i++)
                if (streq(error, outages[i]))
                        return true;
        /* systemd's own, of the unit that was to be activated: masked, not found, not loaded. */
        return strncmp(error, "org.freedesktop.DBus.Error.Spawn.", 33) == 0 ||
               strncmp(error, "org.freedesktop.systemd1.", 25) == 0;
}

/* The daemon says what it takes. The bus, which keeps strangers from it, quotes its own rules. */
static int not_allowed(const char *text) {
        if (strncmp(text, "Not authorized", 14) == 0)
                return failed("%s; try sudo", text);
        return failed("only root and members of group libvirt may ask the daemon; try sudo");
}

/* An error of the daemon, or of the bus in its place. */
static int explain_error(int r, const sd_bus_error *error) {
        const char *text = error->message ? error->message : strerror(-r);

        if (!error->name)
                return r == -ENOMEM ? r : unreachable(text);
        if (is_outage(error->name))
                return unreachable(text);
        if (streq(error->name, SD_BUS_ERROR_ACCESS_DENIED) ||
            streq(error->name, SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED))
                return not_allowed(text);
        if (streq(error->name, ERRORS "InvalidXml"))
                return bad_input("%s", text);
        if (streq(error->name, ERRORS "PolicyRefused")) {
                r = say_lines(text);
                return r < 0 ? r : STATUS_BAD_INPUT;
        }
        if (streq(error->name, ERRORS "NoSuchGuest"))
                return failed("%s; `xsavesctl list` shows all that are", text);
        if (streq(error->name, ERRORS "NoLibvirt"))
                return failed("%s; `xsavesctl status` says why", text);
        return failed("%s", text);
}

/* --- calls --- */

/* *ret may be NULL. */
static int read_reply(sd_bus_message *reply, json_t **ret) {
        AUTO_JSON json_t *values = NULL;
        int r;

        r = message_to_json(reply, &values);
        if (r == -ENOMEM)
                return r;
        if (r < 0)
                return failed("the daemon's answer cannot be read: %s", strerror(-r));
        if (!ret)
                return STATUS_OK;
        *ret = json_array_size(values) == 1 ? json_incref(json_array_get(values, 0))
                                            : STEAL(values);
        return STATUS_OK;
}

static int call(sd_bus *bus, sd_bus_message *message, json_t **ret) {
        CLEANUP(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        AUTO_MESSAGE sd_bus_message *reply = NULL;
        int r;

        r = sd_bus_call(bus, message, ANSWER_USEC, &error, &reply);
        return r < 0 ? explain_error(r, &error) : read_reply(reply, ret);
}

static int on_reply(sd_bus_message *reply, void *userdata, sd_bus_error *error UNUSED) {
        sd_bus_message **ret = userdata;

        *ret = sd_bus_message_ref(reply);
        return 0;
}

static int call_long(sd_bus *bus, sd_bus_message *message, void (*waiting)(void *userdata),
                     void *userdata, json_t **ret) {
        AUTO_MESSAGE sd_bus_message *reply = NULL;
        int r;

        r = sd_bus_call_async(bus, NULL, message, on_reply, &reply, LONG_ANSWER_USEC);
        while (r >= 0 && !reply) {
                r = sd_bus_process(bus, NULL);
                if (r == 0)
                        r = sd_bus_wait(bus, WAIT_USEC);
                waiting(userdata);
        }
        if (r < 0)
                return explain_error(r, &SD_BUS_ERROR_NULL);
        if (sd_bus_message_is_method_error(reply, NULL))
                return explain_error(-sd_bus_message_get_errno(reply),
                                     sd_bus_message_get_error(reply));
        return read_reply(reply, ret);
}

static int new_call(sd_bus *bus, const char *method, sd_bus_message **ret, const char *types,
                    va_list arguments) {
        AUTO_MESSAGE sd_bus_message *message = NULL;
        int r;

        r = sd_bus_message_new_method_call(bus, &message, REMOTE_NAME, REMOTE_PATH,
                                           REMOTE_INTERFACE, method);
        if (r >= 0)
                r = sd_bus_message_set_allow_interactive_authorization(message, true);
        if (r >= 0)
                r = sd_bus_message_appendv(message, types, arguments);
        if (r < 0)
                return r;
        *ret = STEAL(message);
        return 0;
}

int remote_call(sd_bus *bus, const char *method, json_t **ret, const char *types, ...) {
        AUTO_MESSAGE sd_bus_message *message = NULL;
        va_list arguments;
        int r;

        va_start(arguments, types);
        r = new_call(bus, method, &message, types, arguments);
        va_end(arguments);
        return r < 0 ? r : call(bus, message, ret);
}

int remote_call_long(sd_bus *bus, const char *method, char *const *guests,
                     void (*waiting)(void *userdata), void *userdata, json_t **ret,
                     const char *types, ...) {
        AUTO_MESSAGE sd_bus_message *message = NULL;
        va_list arguments;
        int r;

        va_start(arguments, types);
        r = new_call(bus, method, &message, types, arguments);
        va_end(arguments);
        if (r >= 0)
                r = sd_bus_message_append_strv(message, (char **)guests);
        return r < 0 ? r : call_long(bus, message, waiting, userdata, ret);
}

static int new_property_call(sd_bus *bus, const char *method, sd_bus_message **ret) {
        AUTO_MESSAGE sd_bus_message *message = NULL;
        int r;

        r = sd_bus_message_new_method_call(bus, &message, REMOTE_NAME, REMOTE_PATH,
                                           "org.freedesktop.DBus.Properties", method);
        if (r >= 0)
                r = sd_bus_message_set_auto_start(message, false);
        if (r >= 0)
                r = sd_bus_message_append(message, "s", REMOTE_INTERFACE);
        if (r < 0)
                return r;
        *ret = STEAL(message);
        return 0;
}

int remote_properties(sd_bus *bus, json_t **ret) {
        AUTO_MESSAGE sd_bus_message *message = NULL;
        int r;

        r = new_property_call(bus, "GetAll", &message);
        return r < 0 ? r : call(bus, message, ret);
}

int remote_try_host(sd_bus *bus, json_t **ret) {
        AUTO_MESSAGE sd_bus_message *message = NULL, *reply = NULL;
        AUTO_JSON json_t *values = NULL;
        int r;

        r = new_property_call(bus, "Get", &message);
        if (r >= 0)
                r = sd_bus_message_append(message, "s", "Host");
        if (r >= 0)
                r = sd_bus_call(bus, message, ANSWER_USEC, NULL, &reply);
        if (r >= 0)
                r = message_to_json(reply, &values);
        if (r < 0)
                return r;
        *ret = json_incref(json_array_get(values, 0));
        return 0;
}

int remote_tell_outage(sd_bus *bus) {
        AUTO_JSON json_t *properties = NULL;
        int r;

        r = remote_properties(bus, &properties);
        if (r == 0 && !json_flag(properties, "LibvirtConnected"))
                say("the daemon has no connection to libvirt: this is what it knew last");
        return r;
}

int remote_list_guests(sd_bus *bus, json_t **ret) {
        return remote_call(bus, "ListGuests", ret, "");
}

int remote_state(struct cli *cli, json_t **ret_properties, json_t **ret_guests) {
        AUTO_BUS sd_bus *bus = NULL;
        int r;

        r = remote_open(cli, &bus);
        if (r == 0)
                r = remote_properties(bus, ret_properties);
        return r == 0 ? remote_list_guests(bus, ret_guests) : r;
}
