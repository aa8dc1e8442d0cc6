/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* hook-gate.so: asks the daemon whether the guest may start. */

#include <errno.h>
#include <string.h>
#include <systemd/sd-bus.h>

#include "core/util.h"
#include "hook.h"

#define NAME "org.xsavesd1"
#define PATH "/org/xsavesd1"
#define INTERFACE "org.xsavesd1.Manager"
#define ERRORS "org.xsavesd1.Error."

static void bus_p(sd_bus **bus) {
        sd_bus_close_unref(*bus);
}

static void message_p(sd_bus_message **message) {
        sd_bus_message_unref(*message);
}

/* Reads and writes what there is, or waits until there is something. */
static int go_on(sd_bus *bus, uint64_t deadline) {
        uint64_t left;
        int r;

        r = time_left(deadline, &left);
        if (r < 0)
                return r;
        r = sd_bus_process(bus, NULL);
        return r != 0 ? r : sd_bus_wait(bus, left);
}

/* sd_bus_call() would wait by limits of its own for a bus that takes the connection and says nothing. */
static int wait_until_ready(sd_bus *bus, uint64_t deadline) {
        int r;

        while ((r = sd_bus_is_ready(bus)) == 0) {
                r = go_on(bus, deadline);
                if (r < 0)
                        return r;
        }
        return r < 0 ? r : 0;
}

/* sd_bus_flush() has no limit. */
static int flush(sd_bus *bus, uint64_t deadline) {
        uint64_t n_left;
        int r;

        for (;;) {
                r = sd_bus_get_n_queued_write(bus, &n_left);
                if (r < 0 || n_left == 0)
                        return r;
                r = go_on(bus, deadline);
                if (r < 0)
                        return r;
        }
}

static int make_message(sd_bus *bus, const struct hook_call *call, sd_bus_message **ret) {
        CLEANUP(message_p) sd_bus_message *message = NULL;
        int r;

        r = sd_bus_message_new_method_call(bus, &message, NAME, PATH, INTERFACE, "Gate");
        if (r >= 0)
                r = sd_bus_message_append(message, "sss", call->operation, call->sub_operation,
                                          call->xml);
        if (r < 0)
                return r;
        *ret = STEAL(message);
        return 0;
}

/*
 * That a guest runs: nothing is refused here, so that no answer is waited for. Nor is a daemon started to hear
 * of it: what runs can be told from the guest later on.
 */
static int tell_daemon(sd_bus *bus, const struct hook_call *call) {
        CLEANUP(message_p) sd_bus_message *message = NULL;
        int r;

        r = make_message(bus, call, &message);
        if (r >= 0)
                r = sd_bus_message_set_auto_start(message, false);
        if (r >= 0)
                r = sd_bus_message_set_expect_reply(message, false);
        if (r >= 0)
                r = wait_until_ready(bus, call->deadline);
        if (r >= 0)
                r = sd_bus_send(bus, message, NULL);
        return r < 0 ? r : flush(bus, call->deadline);
}

static int ask_daemon(sd_bus *bus, const struct hook_call *call, sd_bus_error *error,
                      sd_bus_message **ret) {
        CLEANUP(message_p) sd_bus_message *message = NULL;
        uint64_t left;
        int r;

        r = make_message(bus, call, &message);
        if (r >= 0)
                r = wait_until_ready(bus, call->deadline);
        if (r >= 0)
                r = time_left(call->deadline, &left);
        return r < 0 ? r : sd_bus_call(bus, message, left, error, ret);
}

static enum hook_answer outage(const char *why, char **ret_message) {
        AUTO_FREE char *message = NULL;

        if (strdup_to(&message, why) == 0)
                *ret_message = STEAL(message);
        return HOOK_OUTAGE;
}

static enum hook_answer on_error(const struct hook_call *call, int r, const sd_bus_error *error,
                                 char **ret_message) {
        if (!error->name)
                return outage(strerror(-r), ret_message);
        /* Any other error is not the daemon's own word on this guest: the bus made it, or the daemon broke. */
        if (strncmp(error->name, ERRORS, strlen(ERRORS)) != 0)
                return outage(error->message ? error->message : error->name, ret_message);

        format_to(ret_message, "domain '%s': %s: %s", call->guest,
                  streq(error->name, ERRORS "InvalidXml") ? "invalid-xml" : error->name,
                  error->message ? error->message : "refused");
        return HOOK_REFUSE;
}

static enum hook_answer on_reply(sd_bus_message *reply, char **ret_message) {
        const char *verdict, *reason, *text;
        int accept, r;

        r = sd_bus_message_read(reply, "bsss", &accept, &verdict, &reason, &text);
        if (r < 0)
                return outage("it gave an answer of another kind", ret_message);
        if (accept)
                return HOOK_ACCEPT;
        if (*text)
                strdup_to(ret_message, text);
        else
                format_to(ret_message, "refused: %s", reason);
        return HOOK_REFUSE;
}

HOOK_EXPORT enum hook_answer hook_ask(const struct hook_call *call, char **ret_message) {
        CLEANUP(bus_p) sd_bus *bus = NULL;
        CLEANUP(message_p) sd_bus_message *reply = NULL;
        CLEANUP(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        bool is_told = streq(call->operation, HOOK_STARTED);
        int r;

        /* A D-Bus string is UTF-8; so is the XML of libvirt, which is the only one to call us. */
        if (!utf8_valid(call->xml, call->length)) {
                format_to(ret_message, "domain '%s': invalid-xml: its XML is not UTF-8",
                          call->guest);
                return HOOK_REFUSE;
        }
        r = sd_bus_open_system(&bus);
        if (r >= 0)
                r = is_told ? tell_daemon(bus, call) : ask_daemon(bus, call, &error, &reply);
        if (r < 0)
                return on_error(call, r, &error, ret_message);
        return is_told ? HOOK_ACCEPT : on_reply(reply, ret_message);
}
