/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* xsavesctl monitor: decisions as they happen, until it is interrupted. */

#include <errno.h>
#include <string.h>
#include <time.h>

#include "message.h"
#include "output.h"
#include "remote.h"
#include "remote_json.h"

static const char *const decided_keys[] = {"guest",   "uuid",   "operation", "accept",
                                           "verdict", "reason", "message",   NULL};
static const char *const policy_keys[] = {"generation", "error", NULL};

/* The arguments of a signal, named. */
static json_t *name_arguments(const char *signal, const char *const *keys, json_t *values) {
        static const char *const of_a_guest[] = {"guest", "uuid", "message", NULL};
        static const char *const of_a_policy[] = {"error", NULL};
        json_t *event = json_pack("{s:s}", "event", signal);

        for (size_t i = 0; keys[i]; i++)
                json_object_set(event, keys[i], json_array_get(values, i));
        (void)json_complete(event, keys == policy_keys ? of_a_policy : of_a_guest);
        return event;
}

static void print_time(void) {
        char text[sizeof("23:59:60")];
        time_t now = time(NULL);
        struct tm local;

        if (localtime_r(&now, &local) && strftime(text, sizeof(text), "%H:%M:%S", &local) > 0)
                printf("%s  ", text);
}

static void print_decided(const struct cli *cli, const json_t *event) {
        bool accept = json_flag(event, "accept");
        const char *message = json_text(event, "message");
        enum style style = accept ? STYLE_NONE : STYLE_RED;

        printf("%-8s %s%-8s%s ", json_text(event, "operation"), style_on(cli, style),
               accept ? "accepted" : "refused", style_off(cli, style));
        print_clean(stdout, json_text(event, "guest"));
        printf(": %s: %s%s", json_text(event, "verdict"), json_text(event, "reason"),
               *message ? ": " : "");
        print_clean(stdout, message);
        putchar('\n');
}

static void print_policy(const json_t *event) {
        const char *error = json_text(event, "error");
        json_int_t generation = json_integer_value(json_object_get(event, "generation"));

        if (*error) {
                printf("policy   refused, number %" JSON_INTEGER_FORMAT " stays in force: ",
                       generation);
                print_clean(stdout, error);
                putchar('\n');
        } else {
                printf("policy   number %" JSON_INTEGER_FORMAT " is in force\n", generation);
        }
}

static int on_signal(sd_bus_message *message, void *userdata, sd_bus_error *error UNUSED) {
        const struct cli *cli = userdata;
        const char *name = sd_bus_message_get_member(message);
        bool decided = streq(name, "Decided");
        AUTO_JSON json_t *values = NULL, *event = NULL;
        int r;

        if (!decided && !streq(name, "PolicyLoaded"))
                return 0;
        r = message_to_json(message, &values);
        if (r < 0)
                return r;
        event = name_arguments(name, decided ? decided_keys : policy_keys, values);
        if (cli_has(cli, OPTION_JSON)) {
                json_dumpf(event, stdout, JSON_COMPACT);
                putchar('\n');
        } else {
                print_time();
                if (decided)
                        print_decided(cli, event);
                else
                        print_policy(event);
        }
        /* Whoever reads it has gone. */
        return fflush(stdout) != 0 ? -EPIPE : 0;
}

static int on_owner(sd_bus_message *message, void *userdata UNUSED, sd_bus_error *error UNUSED) {
        const char *name, *before, *after;
        int r;

        r = sd_bus_message_read(message, "sss", &name, &before, &after);
        if (r >= 0)
                say(*after ? "the daemon is there" : "the daemon has gone, waiting for it");
        return r < 0 ? r : 0;
}

static int watch(const struct cli *cli, sd_bus *bus) {
        int r;

        r = sd_bus_match_signal(bus, NULL, REMOTE_NAME, REMOTE_PATH, REMOTE_INTERFACE, NULL,
                                on_signal, (void *)cli);
        if (r >= 0)
                r = sd_bus_add_match(bus, NULL,
                                     "type='signal',sender='org.freedesktop.DBus',"
                                     "member='NameOwnerChanged',arg0='" REMOTE_NAME "'",
                                     on_owner, NULL);
        while (r >= 0) {
                r = sd_bus_process(bus, NULL);
                if (r == 0)
                        r = sd_bus_wait(bus, UINT64_MAX);
        }
        return r;
}

int verb_monitor(struct cli *cli) {
        AUTO_BUS sd_bus *bus = NULL;
        AUTO_JSON json_t *properties = NULL;
        int r;

        r = remote_open(cli, &bus);
        if (r == 0)
                r = remote_properties(bus, &properties);
        if (r != 0)
                return r;
        r = watch(cli, bus);
        if (r == -EPIPE || r == -ENOMEM)
                return r;
        return no_daemon("the connection to the bus broke: %s", strerror(-r));
}
