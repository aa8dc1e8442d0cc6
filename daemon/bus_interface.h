/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The methods, properties and signals of org.xsavesd1.Manager. */

#include <systemd/sd-bus.h>

#include "manager.h"

/* Its userdata is the struct manager. */
extern const sd_bus_vtable bus_interface_vtable[];

/* Signals. */
int bus_interface_emit_policy(sd_bus *bus, const struct manager *manager);
int bus_interface_emit_host(sd_bus *bus);
int bus_interface_emit_libvirt(sd_bus *bus);
