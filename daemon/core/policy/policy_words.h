/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The words that stand for the values of an enum in a policy, in the order of the enum. */

#include "core/util.h"

struct words {
        const char *const *names;
        size_t count;
};

extern const struct words policy_default_words, on_drift_words, rule_xsaves_words, assertion_words;

/* The word's number, or -1. */
int words_find(const struct words *words, const char *text);

/* "a, b or c" */
char *words_join(const struct words *words);
