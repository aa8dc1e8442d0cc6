/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "core/util.h"

/*
 * Read a regular file whole, also one of /proc or /sys, which tell no size. *ret is owned and has
 * a NUL behind its *ret_length bytes (may be NULL). Returns 0 or a negative errno: -EFBIG for
 * more than `max` bytes, -EINVAL for what is no regular file.
 */
int read_file(const char *path, size_t max, char **ret, size_t *ret_length);
