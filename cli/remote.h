/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The daemon, over D-Bus. What it answers comes as JSON: the bus' types map onto it one by one. */

#include <systemd/sd-bus.h>

#include "cli.h"
#include "json.h"

#define REMOTE_NAME "org.xsavesd1"
#define REMOTE_PATH "/org/xsavesd1"
#define REMOTE_INTERFACE "org.xsavesd1.Manager"

static inline void bus_close_p(sd_bus **bus) {
        sd_bus_flush_close_unref(*bus);
}
#define AUTO_BUS CLEANUP(bus_close_p)

static inline void message_unref_p(sd_bus_message **message) {
        sd_bus_message_unref(*message);
}
#define AUTO_MESSAGE CLEANUP(message_unref_p)

/* Returns STATUS_OK, STATUS_NO_DAEMON or -ENOMEM. */
int remote_open(const struct cli *cli, sd_bus **ret);

/* The same without a word on stderr: 0 or a negative errno. */
int remote_try_open(const struct cli *cli, sd_bus **ret);

/*
 * Call a method of the daemon with arguments as of sd_bus_message_append(). The daemon is started if need be. *ret
 * (may be NULL) is the first value of the answer, or an array of all where there are several. Returns an enum
 * status or -ENOMEM.
 */
int remote_call(sd_bus *bus, const char *method, json_t **ret, const char *types, ...);

/*
 * The same for one that goes over these guests (its last argument, an `as`), and may take as long as libvirt and its
 * hooks do. `waiting` is called several times a second meanwhile.
 */
int remote_call_long(sd_bus *bus, const char *method, char *const *guests,
                     void (*waiting)(void *userdata), void *userdata, json_t **ret,
                     const char *types, ...);

/* All properties as an object. The daemon is not started for it. */
int remote_properties(sd_bus *bus, json_t **ret);

/* The property Host, quietly: 0 or a negative errno. The daemon is not started for it. */
int remote_try_host(sd_bus *bus, json_t **ret);

/* Says on stderr that what the daemon knows of guests may be old, where it is. */
int remote_tell_outage(sd_bus *bus);

/* Every guest that the daemon knows: an array of objects, sorted by name. */
int remote_list_guests(sd_bus *bus, json_t **ret);

/* All that the daemon tells without being asked for more: its properties and its guests. Owned, also where it fails. */
int remote_state(struct cli *cli, json_t **ret_properties, json_t **ret_guests);
