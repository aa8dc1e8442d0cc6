/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The facts of the machine that this runs on. */

#include "core/host.h"

struct probe_paths {
        const char *root; /* put before /proc, /sys, /etc and /dev; NULL: nothing */
};

/*
 * Probe the host; `paths` may be NULL. What cannot be found out is unknown: no privilege, no KVM
 * and no x86 is needed. host_model stays unknown, libvirt knows it. Returns 0 or -ENOMEM.
 */
int probe_host(const struct probe_paths *paths, struct host_facts **ret);

/*
 * Ask KVM once more, if it could not be asked before: its module may come after us. Returns 1 if
 * that has changed the facts, 0 if not, or -ENOMEM.
 */
int probe_hypervisor_again(const struct probe_paths *paths, struct host_facts *facts);
