/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Test data: files under tests/data. A failure to read one ends the test program. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/util.h"

/* Remember the folder of the data: the program's first argument. To be called first in main(). */
void data_init(int argc, char **argv);

/* The folder, or a path in it (owned by the caller). */
char *data_path(const char *relative);

/* The whole file (owned by the caller), with a NUL behind its `ret_length` bytes. `ret_length` may be NULL. */
char *data_read(const char *relative, size_t *ret_length);

/* The names in a folder of the data that end in `suffix`, sorted; at least one must be there. */
char **data_list(const char *relative, const char *suffix);
