/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* May the sender of a method call do this? root may; others are asked about with polkit. */

#include <systemd/sd-bus.h>

#define POLKIT_ACTION_MANAGE "org.xsavesd1.manage"

/* Carries the call out and replies to it, now or later. Returns as a method handler does: positive, or a negative
 * errno, which is replied as an error. */
typedef int (*polkit_continuation)(sd_bus_message *call, void *userdata);

/*
 * Find out, and then either call `granted` (at once for root, else when polkit has answered) or reply with
 * org.freedesktop.DBus.Error.AccessDenied. Where polkit does not run, only root may. Whoever is not root has to have
 * little waiting, else the error is LimitsExceeded. For use as the result of a method handler.
 */
int polkit_check(sd_bus_message *call, const char *action, polkit_continuation granted,
                 void *userdata, sd_bus_error *error);

/* Is the sender root? Negative errno: its credentials are not to be had, so it is not. */
int sender_is_root(sd_bus_message *call);
/* Whoever had that unique name is gone from the bus: so is what is waited for on its behalf. */
void polkit_forget_sender(const char *name);
/* To be called before the first call of another connection to a bus, and after the last. */
void polkit_forget_all(void);
