/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What Linux says of the CPUs in /proc/cpuinfo and in sysfs. */

#include "core/host.h"

/*
 * Set kernel_xsaves and the microcode. `root` is put before /proc and /sys. What the kernel does
 * not tell is left unknown. Returns 0 or -ENOMEM.
 */
int kernel_facts_read(const char *root, struct host_facts *facts);
