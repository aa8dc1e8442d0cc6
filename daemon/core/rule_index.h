/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Finds the first guest rule for a guest without trying each rule.
 *
 * For a rule to match, each matcher it gives must match. So it is enough to file the rule under one of
 * them (name, else UUID, else OS), and there each of the globs under the text that a matching value is
 * sure to begin with, or to end with, whichever is longer: "win2016-*" under values that begin with
 * "win2016-". A guest's name, UUID and OS have few beginnings and ends, and only those of lengths that
 * are in use are looked up. The rules found there, and no others, are tried in full. Globs that begin
 * and end with a wildcard are filed under the empty beginning, which all values have; a matcher with such
 * a glob is passed over where the rule gives another one.
 */

#include "core/policy/policy.h"

enum rule_matcher { RULE_NAME, RULE_UUID, RULE_OS, N_RULE_MATCHERS };

/* The globs of one matcher of a rule; NULL: not given. */
char **guest_rule_globs(const struct guest_rule *rule, enum rule_matcher matcher);

/* The rules are borrowed and must neither move nor change. Returns 0 or -ENOMEM. */
int rule_index_new(const struct guest_rule *rules, size_t n_rules, struct rule_index **ret);
struct rule_index *rule_index_free(struct rule_index *index);
DEFINE_CLEANUP(struct rule_index *, rule_index_free);
#define AUTO_RULE_INDEX CLEANUP(rule_index_free_p)

/*
 * The first of the rules before number `end` that passes `test`, out of those filed under `values` (by
 * enum rule_matcher; NULL: none); `end` if there is none. A glob's own text is a value under which the
 * rules with the same glob are found. After `tries` tests no more are made: there may then be an earlier
 * one, or one at all.
 */
typedef bool (*rule_test)(const struct guest_rule *rule, void *userdata);
size_t rule_index_find(const struct rule_index *index, const char *const values[N_RULE_MATCHERS],
                       size_t end, size_t tries, rule_test test, void *userdata);
