/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The daemon on the bus: org.xsavesd1, /org/xsavesd1, org.xsavesd1.Manager (see org.xsavesd1(5)). */

#include "manager.h"

#define BUS_NAME "org.xsavesd1"
#define BUS_PATH "/org/xsavesd1"
#define BUS_INTERFACE "org.xsavesd1.Manager"

struct bus;

/* Connect to `address` (NULL: the system bus), own the name, answer calls from the manager's event loop.
 * When the connection breaks it is made again, once a second. Returns 0 or a negative errno. */
int bus_new(const char *address, struct manager *manager, struct bus **ret);
struct bus *bus_free(struct bus *bus);
DEFINE_CLEANUP(struct bus *, bus_free);
