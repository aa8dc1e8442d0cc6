/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Guests that were refused for drift while libvirtd itself was starting them with the host, and nobody else was told:
 * libvirtd takes no client before it is done with them (qemuStateInitialize(), daemonRunStateInit()), so the daemon could
 * not bring their definitions in line before. Each is started once, and no other guest ever is.
 */

#include <stddef.h>

#include "virt_libvirt.h"

struct agent;

struct autostarts {
        char (*uuids)
                [VIR_UUID_STRING_BUFLEN]; /* of guests that were refused; a lost connection changes nothing here */
        size_t count;
};

/* Its start was refused. Returns 0 or -ENOMEM. */
int autostarts_add(struct autostarts *autostarts, const char *uuid);
void autostarts_clear(struct autostarts *autostarts);

/* Only when all domains have been converged. */
bool autostarts_are_due(const struct agent *agent);
/* Handle the first of them: start it, if it has the autostart flag, is still off, and is in line. Returns 0,
 * VIRT_REFUSED (the connection is lost) or -ENOMEM. */
int autostarts_step(struct agent *agent);
