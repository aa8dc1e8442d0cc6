/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus.h"

#include <errno.h>
#include <string.h>
#include <systemd/sd-bus.h>

#include "bus_interface.h"
#include "log.h"
#include "polkit.h"

#define RETRY_USEC (UINT64_C(1000) * 1000)

struct bus {
        struct manager *manager;
        char *address; /* NULL: the system bus */
        sd_bus *connection;
        sd_event_source *retry;
};

static void connection_unref_p(sd_bus **connection) {
        sd_bus_flush_close_unref(*connection);
}

static int open_connection(const char *address, sd_bus **ret) {
        CLEANUP(connection_unref_p) sd_bus *connection = NULL;
        int r;

        if (!address)
                return sd_bus_open_system_with_description(ret, "xsavesd");
        r = sd_bus_new(&connection);
        if (r >= 0)
                r = sd_bus_set_address(connection, address);
        if (r >= 0)
                r = sd_bus_set_bus_client(connection, true);
        if (r >= 0)
                r = sd_bus_start(connection);
        if (r < 0)
                return r;
        *ret = STEAL(connection);
        return 0;
}

static int on_disconnected(sd_bus_message *message UNUSED, void *userdata,
                           sd_bus_error *error UNUSED) {
        struct bus *bus = userdata;

        log_warning("The connection to the bus broke: trying again");
        sd_event_source_set_time_relative(bus->retry, RETRY_USEC);
        sd_event_source_set_enabled(bus->retry, SD_EVENT_ONESHOT);
        return 0;
}

/* Its calls are answered to nobody. */
static int on_name_lost(sd_bus_message *signal, void *userdata UNUSED, sd_bus_error *error UNUSED) {
        const char *name;
        int r;

        r = sd_bus_message_read(signal, "s", &name);
        if (r < 0)
                return r;
        polkit_forget_sender(name);
        bus_interface_forget_caller(name);
        return 0;
}

/* NameOwnerChanged(s name, s old, s new), with nobody as the new owner. */
#define NAME_LOST                                                                                  \
        "type='signal',sender='org.freedesktop.DBus',path='/org/freedesktop/DBus',"                \
        "interface='org.freedesktop.DBus',member='NameOwnerChanged',arg2=''"

/* Everything is in place before the name is: who sees the name gets answers. */
static int connect_bus(struct bus *bus) {
        CLEANUP(connection_unref_p) sd_bus *connection = NULL;
        int r;

        r = open_connection(bus->address, &connection);
        if (r >= 0)
                r = sd_bus_attach_event(connection, bus->manager->event, SD_EVENT_PRIORITY_NORMAL);
        if (r >= 0)
                r = sd_bus_set_exit_on_disconnect(connection, false);
        if (r >= 0)
                r = sd_bus_add_object_vtable(connection, NULL, BUS_PATH, BUS_INTERFACE,
                                             bus_interface_vtable, bus->manager);
        if (r >= 0)
                r = sd_bus_match_signal(connection, NULL, "org.freedesktop.DBus.Local",
                                        "/org/freedesktop/DBus/Local", "org.freedesktop.DBus.Local",
                                        "Disconnected", on_disconnected, bus);
        if (r >= 0)
                r = sd_bus_add_match(connection, NULL, NAME_LOST, on_name_lost, NULL);
        if (r >= 0)
                r = sd_bus_request_name(connection, BUS_NAME, 0);
        if (r < 0)
                return r;

        polkit_forget_all();
        sd_bus_flush_close_unref(bus->connection);
        bus->connection = STEAL(connection);
        return 0;
}

static int on_retry(sd_event_source *source, uint64_t now UNUSED, void *userdata) {
        struct bus *bus = userdata;
        int r;

        r = connect_bus(bus);
        if (r >= 0) {
                log_notice("Back on the bus");
                return 0;
        }
        log_debug("Cannot connect to the bus: %s", strerror(-r));
        sd_event_source_set_time_relative(source, RETRY_USEC);
        return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static void warn(const char *what, int r) {
        if (r < 0 && r != -ENOTCONN)
                log_warning("Cannot signal %s on the bus: %s", what, strerror(-r));
}

static void on_policy(void *userdata) {
        struct bus *bus = userdata;

        warn("the policy", bus_interface_emit_policy(bus->connection, bus->manager));
}

static void on_host(void *userdata) {
        struct bus *bus = userdata;

        warn("the host", bus_interface_emit_host(bus->connection));
}

static void on_libvirt(void *userdata) {
        struct bus *bus = userdata;

        warn("libvirt's state", bus_interface_emit_libvirt(bus->connection));
}

int bus_new(const char *address, struct manager *manager, struct bus **ret) {
        CLEANUP(bus_free_p) struct bus *bus = calloc(1, sizeof(*bus));
        int r;

        if (!bus)
                return -ENOMEM;
        bus->manager = manager;
        r = strdup_to(&bus->address, address);
        if (r >= 0)
                r = sd_event_add_time(manager->event, &bus->retry, CLOCK_MONOTONIC, 0, 0, on_retry,
                                      bus);
        if (r >= 0)
                r = sd_event_source_set_enabled(bus->retry, SD_EVENT_OFF);
        if (r >= 0)
                r = connect_bus(bus);
        if (r < 0)
                return r;

        manager->on_policy = on_policy;
        manager->on_host = on_host;
        manager->on_libvirt = on_libvirt;
        manager->userdata = bus;
        *ret = STEAL(bus);
        return 0;
}

struct bus *bus_free(struct bus *bus) {
        if (!bus)
                return NULL;
        if (bus->manager->userdata == bus) {
                bus->manager->on_policy = NULL;
                bus->manager->on_host = NULL;
                bus->manager->on_libvirt = NULL;
        }
        polkit_forget_all();
        sd_event_source_disable_unref(bus->retry);
        sd_bus_flush_close_unref(bus->connection);
        free(bus->address);
        free(bus);
        return NULL;
}
