/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "core/policy/policy.h"
#include "core/problem.h"

/* One file of the policy. */
struct policy_text {
        const char *file; /* for messages */
        const char *text; /* any bytes */
        size_t length;
};

/*
 * Parse the files of a policy, in order of precedence: the first that gives a setting or a rule name wins.
 * All problems of all files go to `problems`. Returns NULL when there was an error among them; there
 * may be warnings.
 */
struct policy *policy_parse(const struct policy_text *texts, size_t n_texts,
                            struct problems *problems);
