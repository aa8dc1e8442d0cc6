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
