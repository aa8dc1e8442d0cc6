/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A libvirtd that serves its test driver and touches nothing of the machine's own: with a mount and a
 * network namespace, and its state in memory. Needs root. A failure to run it ends the test program.
 */

#include <sys/types.h>

#include "core/util.h"

struct private_libvirtd {
        char *folder; /* of its socket and its log */
        char *uri;
        pid_t pid; /* 0: not running */
};

/* Can it run here? If not, *ret_why says why. */
bool private_libvirtd_possible(const char **ret_why);

void private_libvirtd_new(struct private_libvirtd *libvirtd);
void private_libvirtd_free(struct private_libvirtd *libvirtd);

/* Run it, and wait until it answers. */
void private_libvirtd_start(struct private_libvirtd *libvirtd);
void private_libvirtd_kill(struct private_libvirtd *libvirtd);
