/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What any hook costs that asks somebody on the system bus: one call to the bus itself, and the end. */

#include <stdlib.h>
#include <systemd/sd-bus.h>

int main(void) {
        sd_bus *bus = NULL;
        int r;

        r = sd_bus_open_system(&bus);
        if (r >= 0)
                r = sd_bus_call_method(bus, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                                       "org.freedesktop.DBus", "GetId", NULL, NULL, NULL);
        sd_bus_flush_close_unref(bus);
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
