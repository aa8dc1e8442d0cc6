/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "core/cpu_map.h"

#define CPU_MAP_FOLDER "/usr/share/libvirt/cpu_map"

/*
 * Load libvirt's CPU map for x86 from its folder (NULL: CPU_MAP_FOLDER), as the folder's
 * index.xml names its files. Returns 0; -ENOMEM; or 1 with *ret_reason set (owned, one line: the
 * first thing that could not be read), *ret then being the map of what could be read, which may
 * be nothing.
 */
int cpu_map_load(const char *folder, struct cpu_map **ret, char **ret_reason);
