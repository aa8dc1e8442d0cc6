/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What can be told of a glob (fnmatch(3), no flags) without a value to match it against. */

#include "core/util.h"

/* The text that every matching value begins (ends) with is the first (last) so many bytes of the glob. */
size_t glob_prefix_length(const char *glob);
size_t glob_suffix_length(const char *glob);

/* Does one of the globs match? A value of NULL matches no glob; no list (NULL) matches any value. */
bool globs_match(char *const *globs, const char *value);

/* Does `wide` match all that `narrow` matches? False where that is not plain to see. */
bool glob_covers(const char *wide, const char *narrow);

/*
 * Can it match any "vendor-family-model-stepping" (host_facts_cpu_id()), any lower-case UUID? Brackets
 * count as any character: true does not promise that there is such a value, false that there is none.
 */
bool glob_may_match_cpu_id(const char *glob);
bool glob_may_match_uuid(const char *glob);
