/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A policy as it lies on disk: FOLDER/policy.d/NAME.ini in byte order of name, then FOLDER/policy.ini. */

#include "core/policy/policy_parse.h"

#define POLICY_FOLDER "/etc/xsavesd"

/* What a policy was read from. */
struct policy_source {
        char **files; /* in order of precedence */
        char *text; /* of all that could be read, with their names: equal where they are the same */
        size_t length;
};

void policy_source_clear(struct policy_source *source);
#define AUTO_POLICY_SOURCE CLEANUP(policy_source_clear)

/*
 * Read and parse the policy in `folder`. A folder without any of the files gives the built-in policy.
 * Names that begin with a dot are passed over. A file that cannot be read is an error in `problems`.
 * *ret_source (may be NULL) is set with every return value >= 0. Returns 0; 1 when there are errors in `problems` (*ret unset); or a negative errno: -ENOENT
 * or -EACCES when the folder itself cannot be read.
 */
int policy_folder_load(const char *folder, struct problems *problems,
                       struct policy_source *ret_source, struct policy **ret);
