/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* holder URI ADDRESS: holds a connection to libvirt and one to a bus, and does nothing; says "ready" when it does. */

#include <libvirt/libvirt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

int main(int argc, char **argv) {
        sd_bus *bus = NULL;

        if (argc != 3 || virInitialize() < 0 || virEventRegisterDefaultImpl() < 0 ||
            !virConnectOpen(argv[1]) || sd_bus_new(&bus) < 0 ||
            sd_bus_set_address(bus, argv[2]) < 0 || sd_bus_set_bus_client(bus, true) < 0 ||
            sd_bus_start(bus) < 0 ||
            sd_bus_call_method(bus, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                               "org.freedesktop.DBus", "GetId", NULL, NULL, NULL) < 0)
                return EXIT_FAILURE;
        puts("ready");
        fflush(stdout);
        pause();
        return EXIT_SUCCESS;
}
