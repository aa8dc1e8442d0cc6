/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The least that asks anything of the system bus: one call, of the bus itself. What the hook is measured by. */

#include <systemd/sd-bus.h>

int main(void) {
        sd_bus *bus = NULL;
        sd_bus_message *reply = NULL;
        int r;

        r = sd_bus_open_system(&bus);
        if (r >= 0)
                r = sd_bus_call_method(bus, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                                       "org.freedesktop.DBus", "GetId", NULL, &reply, "");
        sd_bus_message_unref(reply);
        sd_bus_flush_close_unref(bus);
        return r < 0;
}
