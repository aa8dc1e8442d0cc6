/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Allocations that fail on demand: those of the core and, through it, of libxml2. The program is to be linked with
 * alloc_fault_link_args (meson.build), which leads the core's calls through here.
 */

#include <stdbool.h>

/* From now on the n-th allocation fails, and it alone; 0: none. With `persistent` so do all behind it. */
void alloc_fault_arm(unsigned n, bool persistent);

/* No more failures. Was there one? */
bool alloc_fault_disarm(void);

/* Blocks that were allocated and not freed since the beginning. */
long alloc_fault_balance(void);
