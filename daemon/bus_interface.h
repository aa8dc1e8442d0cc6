/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The methods, properties and signals of org.xsavesd1.Manager. */

#include <systemd/sd-bus.h>

#include "manager.h"

/* Its userdata is the struct manager. */
extern const sd_bus_vtable bus_interface_vtable[];

/* Whoever had that unique name is gone from the bus: what is done for its calls goes on, and is answered to nobody. */
void bus_interface_forget_caller(const char *name);

/* Signals. */
int bus_interface_emit_policy(sd_bus *bus, const struct manager *manager);
int bus_interface_emit_host(sd_bus *bus);
int bus_interface_emit_libvirt(sd_bus *bus);
