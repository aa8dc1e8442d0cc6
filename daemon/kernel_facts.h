/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What Linux says of the CPUs in /proc/cpuinfo and in sysfs. */

#include "core/host.h"
#include "core/util.h"

/*
 * Set kernel_xsaves and the microcode. `root` is put before /proc and /sys. What the kernel does
 * not tell is left unknown. Returns 0 or -ENOMEM.
 */
int kernel_facts_read(const char *root, struct host_facts *facts);

/*
 * Has Linux XSAVES on a CPU of family 17h or 18h, all of which may have erratum 1386? Then KVM may offer it to guests. By
 * /proc/cpuinfo alone, for whoever has to decide without the daemon: true where that tells nothing. `root` as above.
 */
bool kernel_may_offer_faulty_xsaves(const char *root);
