/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A policy as it lies on disk: FOLDER/policy.d/NAME.ini in byte order of name, then FOLDER/policy.ini. */

#include "core/policy.h"

#define POLICY_FOLDER "/etc/xsavesd"

/*
 * Read and parse the policy in `folder`. A folder without any of the files gives the built-in policy.
 * Names that begin with a dot are passed over. A file that cannot be read is an error in `problems`.
 * *ret_files (may be NULL): the files that were found, in order of precedence; set with every return
 * value >= 0. Returns 0; 1 when there are errors in `problems` (*ret unset); or a negative errno: -ENOENT
 * or -EACCES when the folder itself cannot be read.
 */
int policy_folder_load(const char *folder, struct problems *problems, char ***ret_files,
                       struct policy **ret);

/* The whole of a regular file of at most `size_max` bytes, with a NUL behind its *ret_length bytes. Returns 0
 * or a negative errno (-EFBIG: larger; -EINVAL: not a regular file). */
int file_read(const char *path, size_t size_max, char **ret, size_t *ret_length);
