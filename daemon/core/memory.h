/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Allocations that cannot fail: where there is no memory left, the process ends with one line on stderr. libvirt and
 * QEMU, the programs on both sides, do the same, and systemd starts the daemon again.
 */

#include "core/util.h"

_Noreturn void out_of_memory(void);

/* For a function that can only fail for want of memory: need_memory(strv_append(...) == 0). */
static inline void need_memory(bool succeeded) {
        if (!succeeded)
                out_of_memory();
}

/* NULL gives NULL. */
char *xstrdup(const char *text);
char *xformat(const char *format, ...) PRINTF_FORMAT(1, 2);
char *xvformat(const char *format, va_list arguments) PRINTF_FORMAT(1, 0);
void *xcalloc(size_t count, size_t size);
/* Make room for one more element of an owned array. */
void xgrow(void *array_pointer, size_t count, size_t element_size);
